//! One table from a failure's class to its HTTP status, and the response around a dialect's body.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use conversation::{Failure, FailureClass};
use dialects::openai_chat;
use http::{HeaderName, HeaderValue, StatusCode, header};

/// The status of a failure that happens before anything was visible.
pub(crate) fn status(class: FailureClass) -> StatusCode {
    match class {
        FailureClass::Invalid | FailureClass::ContextTooLong | FailureClass::Refused => {
            StatusCode::BAD_REQUEST
        }
        FailureClass::Unauthenticated => StatusCode::UNAUTHORIZED,
        FailureClass::Forbidden => StatusCode::FORBIDDEN,
        FailureClass::UnknownModel => StatusCode::NOT_FOUND,
        FailureClass::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FailureClass::Quota | FailureClass::Busy => StatusCode::TOO_MANY_REQUESTS,
        FailureClass::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        FailureClass::AccountRejected | FailureClass::UpstreamFailed => StatusCode::BAD_GATEWAY,
        FailureClass::Timeout => StatusCode::GATEWAY_TIMEOUT,
        FailureClass::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// A failure as an OpenAI client reads it.
#[derive(Debug)]
pub(crate) struct OpenAiFailure(pub(crate) Failure);

impl IntoResponse for OpenAiFailure {
    fn into_response(self) -> Response {
        let Self(failure) = self;
        respond(status(failure.class), &failure)
    }
}

impl From<Failure> for OpenAiFailure {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

/// The same body with a status that is not the class's own, such as 405.
pub(crate) fn respond(status: StatusCode, failure: &Failure) -> Response {
    let mut response = json(status, openai_chat::error_body(failure));
    let headers = response.headers_mut();
    if let Some(pause) = failure.retry.after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(pause)));
    }
    // The official SDKs repeat every 429 and 5xx unless told that it is no use.
    let no_use = match failure.class {
        FailureClass::Quota | FailureClass::AccountRejected => true,
        FailureClass::Invalid
        | FailureClass::ContextTooLong
        | FailureClass::Unauthenticated
        | FailureClass::Forbidden
        | FailureClass::UnknownModel
        | FailureClass::TooLarge
        | FailureClass::Busy
        | FailureClass::Overloaded
        | FailureClass::Refused
        | FailureClass::UpstreamFailed
        | FailureClass::Timeout
        | FailureClass::Internal => false,
    };
    if no_use {
        const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
        headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
    }
    response
}

pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// Rounded up: who comes back a little too early is refused once more.
fn whole_seconds(pause: Duration) -> u64 {
    pause.as_secs() + u64::from(pause.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use conversation::Retry;

    use super::*;

    #[test]
    fn pauses_become_whole_seconds_rounded_up() {
        let failure =
            Failure::new(FailureClass::Busy, "x").retry(Retry::After(Duration::from_millis(2100)));
        let response = OpenAiFailure(failure).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "3");
        assert!(response.headers().get("x-should-retry").is_none());
    }

    #[test]
    fn a_used_up_plan_is_not_worth_a_retry() {
        let response = OpenAiFailure(Failure::new(FailureClass::Quota, "x")).into_response();
        assert_eq!(response.headers()["x-should-retry"], "false");
    }
}
