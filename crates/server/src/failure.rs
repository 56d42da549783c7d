//! One table from a failure's class to its HTTP status, and the response around a dialect's body.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use conversation::{Failure, FailureClass};
use dialects::{anthropic, editor, openai_chat, openai_responses};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::chinese;
use crate::language::Language;

fn status(class: FailureClass) -> StatusCode {
    match class {
        FailureClass::Invalid | FailureClass::ContextTooLong | FailureClass::Refused => {
            StatusCode::BAD_REQUEST
        }
        FailureClass::Unauthenticated => StatusCode::UNAUTHORIZED,
        FailureClass::Forbidden => StatusCode::FORBIDDEN,
        FailureClass::UnknownModel | FailureClass::NotFound => StatusCode::NOT_FOUND,
        FailureClass::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        FailureClass::Quota | FailureClass::Busy => StatusCode::TOO_MANY_REQUESTS,
        FailureClass::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        FailureClass::AccountRejected | FailureClass::UpstreamFailed => StatusCode::BAD_GATEWAY,
        FailureClass::Timeout => StatusCode::GATEWAY_TIMEOUT,
        FailureClass::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Whose shapes an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// Chat Completions and everything that has no shape of its own.
    OpenAi,
    Responses,
    Anthropic,
    /// The gateway's own: one error format for all.
    Admin(Language),
    /// Code completion and file sync.
    Editor,
    /// The gateway's own, where an error is documented as `{"error": text}`.
    ErrorOnly(Language),
}

impl Surface {
    /// By what the client calls and how it introduces itself: also answers to requests that reach
    /// no handler have the shape that this client reads.
    pub(crate) fn of(path: &str, headers: &HeaderMap) -> Self {
        const ADMIN: [&str; 8] = [
            "/tokens/",
            "/keys/",
            "/proxies/",
            "/login/",
            "/pool/",
            "/token-upgrade",
            "/gen-",
            "/get-checksum-header",
        ];
        const ERROR_ONLY: [&str; 4] =
            ["/build-key", "/token-profile/", "/config-version/", "/metrics"];
        const EDITOR: [&str; 5] =
            ["/cpp/config", "/cpp/models", "/cpp/stream", "/file/upload", "/file/sync"];
        if EDITOR.iter().any(|end| path.ends_with(end)) {
            return Self::Editor;
        }
        if ADMIN.iter().any(|start| path.starts_with(start)) {
            return Self::Admin(Language::of(headers));
        }
        if ERROR_ONLY.iter().any(|start| path.starts_with(start)) {
            return Self::ErrorOnly(Language::of(headers));
        }
        if path.contains("/v1/messages") || headers.contains_key("anthropic-version") {
            return Self::Anthropic;
        }
        if path.contains("/v1/responses") {
            return Self::Responses;
        }
        Self::OpenAi
    }

    /// The status of a failure that happens before anything was visible.
    pub(crate) fn status(self, class: FailureClass) -> StatusCode {
        match (self, class) {
            // Its clients know this one, which HTTP does not.
            (Self::Anthropic, FailureClass::Overloaded) => {
                StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE)
            }
            (
                Self::OpenAi
                | Self::Responses
                | Self::Anthropic
                | Self::Editor
                | Self::Admin(_)
                | Self::ErrorOnly(_),
                class,
            ) => status(class),
        }
    }

    /// Whether answers may hold what no cache should.
    pub(crate) fn is_own(self) -> bool {
        match self {
            Self::Admin(_) | Self::ErrorOnly(_) => true,
            Self::OpenAi | Self::Responses | Self::Anthropic | Self::Editor => false,
        }
    }
}

/// A failure on its way to a client.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) surface: Surface,
    /// Not the class's own, such as 405.
    pub(crate) status: Option<StatusCode>,
    pub(crate) failure: Box<Failure>,
    pub(crate) request_id: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { surface, status, failure, request_id } = self;
        let status = status.unwrap_or_else(|| surface.status(failure.class));
        let body = match surface {
            Surface::OpenAi => openai_chat::error_body(&failure),
            Surface::Responses => openai_responses::error_body(&failure),
            Surface::Anthropic => anthropic::error_body(&failure, &request_id),
            Surface::Editor => editor::error_body(&failure, status.as_u16()),
            Surface::Admin(language) => own_body(status, language, &failure),
            Surface::ErrorOnly(language) => {
                let error = &reason(status, language, &failure);
                serde_json::to_vec(&ErrorOnly { error }).unwrap_or_default()
            }
        };
        respond(status, body, &failure)
    }
}

/// The error format of the gateway's own endpoints.
#[derive(Serialize)]
struct OwnError<'a> {
    status: &'static str,
    code: u16,
    error: &'a str,
    message: &'static str,
}

#[derive(Serialize)]
struct ErrorOnly<'a> {
    error: &'a str,
}

/// Where there is one text only, it says both what went wrong in a word and the particulars.
fn reason(status: StatusCode, language: Language, failure: &Failure) -> String {
    match language {
        Language::Chinese => {
            let particulars = chinese::of(&failure.client);
            format!("{}: {particulars}", phrase(status, language))
        }
        Language::English => failure.client.clone(),
    }
}

fn own_body(status: StatusCode, language: Language, failure: &Failure) -> Vec<u8> {
    let body = OwnError {
        status: "error",
        code: status.as_u16(),
        error: &failure.client,
        message: phrase(status, language),
    };
    serde_json::to_vec(&body).unwrap_or_default()
}

/// What went wrong in a word; the particulars are beside it.
fn phrase(status: StatusCode, language: Language) -> &'static str {
    let (chinese, english) = match status.as_u16() {
        400 => ("请求参数有误", "The request is invalid"),
        401 => ("认证失败", "Authentication failed"),
        403 => ("没有权限", "Not allowed"),
        404 => ("未找到", "Not found"),
        405 => ("不支持的请求方法", "Method not allowed"),
        409 => ("与现有数据冲突", "It conflicts with what is there"),
        413 => ("请求体过大", "The request is too large"),
        429 => ("请求过于频繁", "Too many requests"),
        502 => ("上游请求失败", "The upstream failed"),
        503 => ("服务暂时不可用", "The service is unavailable for now"),
        504 => ("上游请求超时", "The upstream did not answer in time"),
        _ => ("服务器内部错误", "The server failed"),
    };
    language.pick(chinese, english)
}

fn respond(status: StatusCode, body: Vec<u8>, failure: &Failure) -> Response {
    let mut response = json(status, body);
    let headers = response.headers_mut();
    if let Some(pause) = failure.retry.after() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(whole_seconds(pause)));
    }
    // The official SDKs repeat every 429 and 5xx unless told that it is no use.
    let no_use = match failure.class {
        // Nor will a wrong key become a right one: Claude Code would try for half a minute.
        FailureClass::Quota | FailureClass::AccountRejected | FailureClass::Unauthenticated => true,
        FailureClass::Invalid
        | FailureClass::ContextTooLong
        | FailureClass::Forbidden
        | FailureClass::UnknownModel
        | FailureClass::NotFound
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

    fn refused(surface: Surface, failure: Failure) -> Response {
        let request_id = "req_1".to_owned();
        Refusal { surface, status: None, failure: Box::new(failure), request_id }.into_response()
    }

    #[test]
    fn each_surface_has_its_own_word_for_overloaded() {
        let overloaded = || Failure::new(FailureClass::Overloaded, "x");
        assert_eq!(refused(Surface::OpenAi, overloaded()).status(), 503);
        assert_eq!(refused(Surface::Anthropic, overloaded()).status(), 529);
    }

    #[test]
    fn the_surface_shows_in_path_or_header() {
        let none = HeaderMap::new();
        let mut version = HeaderMap::new();
        version.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        assert_eq!(Surface::of("/v1/messages", &none), Surface::Anthropic);
        assert_eq!(Surface::of("/api/v1/messages/count_tokens", &none), Surface::Anthropic);
        assert_eq!(Surface::of("/v1/models", &version), Surface::Anthropic);
        assert_eq!(Surface::of("/v1/responses/resp_1", &none), Surface::Responses);
        assert_eq!(Surface::of("/v1/models", &none), Surface::OpenAi);
        assert_eq!(Surface::of("/tokens/none", &none), Surface::Admin(Language::Chinese));
        assert_eq!(Surface::of("/build-key", &none), Surface::ErrorOnly(Language::Chinese));
    }

    #[test]
    fn the_gateways_own_errors_have_one_format_in_two_languages() {
        for (language, message) in
            [(Language::Chinese, "请求参数有误"), (Language::English, "The request is invalid")]
        {
            let failure = Failure::invalid("a[1]", "a[1]: expected a string");
            let body = own_body(StatusCode::BAD_REQUEST, language, &failure);
            let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(
                body,
                serde_json::json!({"status": "error", "code": 400,
                    "error": "a[1]: expected a string", "message": message})
            );
        }
    }

    #[test]
    fn where_an_error_is_one_text_it_speaks_the_readers_language() {
        let told = |language| {
            let failure = Failure::invalid("token", "token: expected a string");
            let surface = Surface::ErrorOnly(language);
            let status = surface.status(failure.class);
            reason(status, language, &failure)
        };
        assert_eq!(told(Language::English), "token: expected a string");
        assert_eq!(told(Language::Chinese), "请求参数有误: token: 应为字符串");
    }

    #[test]
    fn pauses_become_whole_seconds_rounded_up() {
        let failure =
            Failure::new(FailureClass::Busy, "x").retry(Retry::After(Duration::from_millis(2100)));
        let response = refused(Surface::OpenAi, failure);
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()["retry-after"], "3");
        assert!(response.headers().get("x-should-retry").is_none());
    }

    #[test]
    fn a_used_up_plan_is_not_worth_a_retry() {
        let response = refused(Surface::OpenAi, Failure::new(FailureClass::Quota, "x"));
        assert_eq!(response.headers()["x-should-retry"], "false");
    }
}
