//! Whether requests should come here: `/health/live` and `/health/ready`, and what is answered once
//! the gateway is stopping.

use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::State;
use axum::response::Response;
use conversation::{Failure, FailureClass, Retry};
use gateway::Trouble;
use http::{HeaderValue, StatusCode, Version, header};
use serde::Serialize;

use crate::App;
use crate::failure::{Refusal, json};
use crate::router::Visit;

/// Where the service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Starting,
    Serving,
    /// Told to stop: what runs may finish, nothing new begins.
    Draining,
}

/// A phase that all may read.
#[derive(Debug, Default)]
pub(crate) struct Life(AtomicU8);

impl Life {
    pub(crate) fn phase(&self) -> Phase {
        match self.0.load(Ordering::Acquire) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }

    /// Never goes back.
    pub(crate) fn reach(&self, phase: Phase) {
        let number = match phase {
            Phase::Starting => 0,
            Phase::Serving => 1,
            Phase::Draining => 2,
        };
        self.0.fetch_max(number, Ordering::AcqRel);
    }
}

/// How the service is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Success,
    /// It serves, or could, but something is wrong.
    Warning,
    /// Requests should go elsewhere.
    Error,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// What is wrong, in stable words, and what that means.
pub(crate) fn judge(phase: Phase, troubles: &[Trouble]) -> (Status, Vec<&'static str>) {
    let (mut status, mut problems) = match phase {
        Phase::Starting => (Status::Error, vec!["starting"]),
        Phase::Serving => (Status::Success, Vec::new()),
        Phase::Draining => (Status::Error, vec!["draining"]),
    };
    for trouble in troubles {
        // Requests go on, whatever is wrong: with a full disk, too.
        status = match status {
            Status::Error => Status::Error,
            Status::Success | Status::Warning => Status::Warning,
        };
        problems.push(trouble.name());
    }
    (status, problems)
}

#[derive(Serialize)]
struct Told {
    status: Status,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<&'static str>,
}

/// `GET /health/live`: the process answers.
pub(crate) async fn live() -> Response {
    tell(StatusCode::OK, &Told { status: Status::Success, problems: Vec::new() })
}

/// `GET /health/ready`: 503 while requests should go elsewhere.
pub(crate) async fn ready(State(app): State<App>) -> Response {
    let (status, problems) = judge(app.0.life.phase(), &app.0.gateway.troubles());
    let code = match status {
        Status::Success | Status::Warning => StatusCode::OK,
        Status::Error => StatusCode::SERVICE_UNAVAILABLE,
    };
    tell(code, &Told { status, problems })
}

fn tell(status: StatusCode, told: &Told) -> Response {
    let mut response = json(status, serde_json::to_vec(told).unwrap_or_default());
    let no_store = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    response
}

/// Whether a path tells how the service is, which it does to its end.
pub(crate) fn is_health(path: &str) -> bool {
    path == "/health" || path.starts_with("/health/")
}

/// The answer to a request that comes on an old connection after the gateway was told to stop.
pub(crate) fn refuse(visit: &Visit) -> Refusal {
    let text = "The gateway is shutting down; ask again, on a new connection.";
    let pause = std::time::Duration::from_secs(1);
    let failure = Failure::new(FailureClass::Overloaded, text).retry(Retry::After(pause));
    Refusal { status: Some(StatusCode::SERVICE_UNAVAILABLE), ..visit.refusal(failure) }
}

/// Tells the client to leave; HTTP/2 has other means.
pub(crate) fn close(version: Version, response: &mut Response) {
    if version <= Version::HTTP_11 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_never_goes_back() {
        let life = Life::default();
        assert_eq!(life.phase(), Phase::Starting);
        life.reach(Phase::Draining);
        life.reach(Phase::Serving);
        assert_eq!(life.phase(), Phase::Draining);
    }

    #[test]
    fn only_what_sends_requests_elsewhere_is_an_error() {
        use Trouble::{Models, NoAccounts, Store};
        let told = |phase, troubles: &[Trouble]| judge(phase, troubles);
        assert_eq!(told(Phase::Serving, &[]), (Status::Success, vec![]));
        assert_eq!(
            told(Phase::Serving, &[NoAccounts, Models]),
            (Status::Warning, vec!["no_accounts", "models"])
        );
        // Defect: a full disk took the gateway out of service, though requests go on.
        let store = told(Phase::Serving, &[Store, NoAccounts]);
        assert_eq!(store, (Status::Warning, vec!["store", "no_accounts"]));
        assert_eq!(told(Phase::Starting, &[]), (Status::Error, vec!["starting"]));
        let draining = told(Phase::Draining, &[NoAccounts]);
        assert_eq!(draining, (Status::Error, vec!["draining", "no_accounts"]));
    }
}
