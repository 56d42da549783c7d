//! `/config/*`: the settings file, read and changed while serving; and its examples.
//!
//! Whoever changes it says by hash what he saw, so that nobody overwrites what he has not seen.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use conversation::{Failure, FailureClass};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::Answered;
use crate::auth::Admin;
use crate::configuration::{Applied, ConfigProblem, ConfigText, Configuration};
use crate::failure::{Refusal, with_details};
use crate::router::Visit;
use crate::{App, body};

const HASH: HeaderName = HeaderName::from_static("x-config-hash");
const RESTART: HeaderName = HeaderName::from_static("x-config-restart");
const OVERRIDDEN: HeaderName = HeaderName::from_static("x-config-overridden");

/// Longer settings files are none.
const LONGEST: usize = 1 << 20;

/// `POST /config/get`.
pub(crate) async fn get(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Response> {
    let owner = owner(&app, &visit).map_err(Refusal::into_response)?;
    let ConfigText { hash, text } = owner.get().await.map_err(|problem| refuse(&visit, problem))?;
    let mut response = plain(text);
    note(&mut response, HASH, &hash);
    Ok(response)
}

/// `POST /config/set`.
pub(crate) async fn set(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    bytes: Body,
) -> Result<Response, Response> {
    let owner = owner(&app, &visit).map_err(Refusal::into_response)?;
    let hash = hash(&visit, &headers).map_err(Refusal::into_response)?;
    let (limit, patience) = {
        let options = app.options();
        (options.body_limit.min(LONGEST), options.body_timeout)
    };
    let read = body::read(bytes, limit, patience).await;
    let bytes = read.map_err(|failure| visit.refusal(failure).into_response())?;
    let text = String::from_utf8(bytes.to_vec()).map_err(|_| {
        let text = "The settings are no UTF-8 text.";
        visit.refusal(Failure::new(FailureClass::Invalid, text)).into_response()
    })?;
    let done = owner.set(hash, text).await;
    done.map(|applied| applied_answer(&applied)).map_err(|problem| refuse(&visit, problem))
}

/// `GET /config/reload`.
pub(crate) async fn reload(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let owner = owner(&app, &visit).map_err(Refusal::into_response)?;
    let hash = hash(&visit, &headers).map_err(Refusal::into_response)?;
    let done = owner.reload(hash).await;
    done.map(|applied| applied_answer(&applied)).map_err(|problem| refuse(&visit, problem))
}

/// `GET /env-example`.
pub(crate) async fn env_example(
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
) -> Answered {
    example(&visit, app.configured().map(|configured| configured.env_example.clone()))
}

/// `GET /config-example`.
pub(crate) async fn config_example(
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
) -> Answered {
    example(&visit, app.configured().map(|configured| configured.config_example.clone()))
}

fn example(visit: &Visit, text: Option<String>) -> Answered {
    text.map(plain).ok_or_else(|| {
        visit.refusal(Failure::new(FailureClass::NotFound, "There is no example here."))
    })
}

fn plain(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

fn owner(app: &App, visit: &Visit) -> Result<Arc<dyn Configuration>, Refusal> {
    app.configured().and_then(|configured| configured.owner.clone()).ok_or_else(|| {
        let text = "This gateway has no settings file that could be read or changed.";
        visit.refusal(Failure::new(FailureClass::NotFound, text))
    })
}

fn hash(visit: &Visit, headers: &HeaderMap) -> Result<String, Refusal> {
    let given = headers.get(HASH).and_then(|value| value.to_str().ok());
    match given.map(|text| text.trim().to_ascii_lowercase()).filter(|text| !text.is_empty()) {
        Some(hash) => Ok(hash),
        None => {
            let text = "x-config-hash is missing: send the one that /config/get gave.";
            let failure = Failure::invalid("x-config-hash", text);
            let status = Some(StatusCode::PRECONDITION_REQUIRED);
            Err(Refusal { status, ..visit.refusal(failure) })
        }
    }
}

fn applied_answer(applied: &Applied) -> Response {
    let status = if applied.changed { StatusCode::NO_CONTENT } else { StatusCode::OK };
    let mut response = status.into_response();
    note(&mut response, HASH, &applied.hash);
    note(&mut response, RESTART, &applied.restart.join(", "));
    note(&mut response, OVERRIDDEN, &applied.overridden.join(", "));
    response
}

/// An empty text says nothing.
fn note(response: &mut Response, name: HeaderName, text: &str) {
    if !text.is_empty()
        && let Ok(value) = HeaderValue::from_str(text)
    {
        response.headers_mut().insert(name, value);
    }
}

fn refuse(visit: &Visit, problem: ConfigProblem) -> Response {
    match problem {
        ConfigProblem::Stale { hash } => {
            let text = "The settings were changed by somebody else; nothing was changed now.";
            let status = Some(StatusCode::PRECONDITION_FAILED);
            let failure = Failure::invalid("x-config-hash", text);
            let mut response = Refusal { status, ..visit.refusal(failure) }.into_response();
            note(&mut response, HASH, &hash);
            response
        }
        ConfigProblem::Invalid(details) => {
            let text = format!("The settings cannot be used: {}", details.join("; "));
            with_details(visit.refusal(Failure::new(FailureClass::Invalid, text)), &details)
        }
        ConfigProblem::Failed(text) => {
            tracing::error!(request = %visit.id, text, "the settings file");
            let text = format!("{text}; nothing was changed.");
            visit.refusal(Failure::new(FailureClass::Internal, text)).into_response()
        }
        ConfigProblem::Unavailable => {
            let text = "The gateway is stopping; nothing was changed.";
            visit.refusal(Failure::new(FailureClass::Overloaded, text)).into_response()
        }
    }
}
