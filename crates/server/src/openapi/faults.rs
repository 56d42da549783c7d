//! How errors are told: four shapes, for the clients of four kinds of API, and the headers that go
//! with answers.

use serde_json::{Map, Value, json};

use super::notation;

/// Whose clients read the error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    OpenAi,
    Anthropic,
    /// OpenAI's, or Anthropic's for a request with `anthropic-version`.
    Either,
    Editor,
    /// The gateway's own.
    Own,
    /// `{"error": text}`.
    ErrorOnly,
    /// The gateway's own, where a refusal of the upstream has one more.
    Upgrade,
}

pub(super) const SHAPES: &str = r#"
OpenAiError answer | An error as OpenAI's clients read it.
  error OpenAiErrorInside
OpenAiErrorInside answer
  message string | What is wrong, in English.
  type string | A word for the kind, such as `invalid_request_error` or `server_error`.
  param string or null | Path of the field at fault.
  code string or null | A word for programs, such as `model_not_found` or `context_length_exceeded`.
AnthropicError answer | An error as Anthropic's clients read it.
  type 'error'
  error AnthropicErrorInside
  request_id string
AnthropicErrorInside answer
  type 'invalid_request_error'|'authentication_error'|'permission_error'|'not_found_error'|'request_too_large'|'rate_limit_error'|'overloaded_error'|'timeout_error'|'api_error'
  message string | What is wrong, beginning with the path of the field at fault.
  details? AnthropicErrorDetails
AnthropicErrorDetails answer
  error_code string
EditorError answer | An error of the code completion.
  error EditorErrorInside
EditorErrorInside answer
  code positive | The HTTP status.
  type string | A word for the kind, as in `OpenAiError`.
  details EditorErrorDetails
EditorErrorDetails answer
  title string
  detail string
  additional_info? {string}
OwnError answer | An error of the gateway's own endpoints.
  status 'error'
  code positive | The HTTP status.
  error string | The reason, in English, beginning with the field at fault.
  message string | The kind of error, in the reader's language.
  details? [string] | The reasons one by one, where there are several.
ErrorOnly answer | An error with its reason alone, in the reader's language.
  error string
UpgradeFailure answer | The upstream did not take the token.
  status 'failure'
  code positive
  message string
  error string
"#;

impl Shape {
    fn of(self) -> &'static str {
        match self {
            Self::OpenAi => "OpenAiError",
            Self::Anthropic => "AnthropicError",
            Self::Either => "OpenAiError or AnthropicError",
            Self::Editor => "EditorError",
            Self::Own => "OwnError",
            Self::ErrorOnly => "ErrorOnly",
            Self::Upgrade => "OwnError or UpgradeFailure",
        }
    }
}

/// What a status means here.
fn meaning(status: u16) -> &'static str {
    match status {
        400 => {
            "The request cannot be understood or asks for what cannot be done; the field is named."
        }
        401 => "No key, or none of this gateway's.",
        403 => "The key may not do this.",
        404 => "There is nothing of this name, or what it belongs to is switched off.",
        409 => "It conflicts with what is there.",
        412 => "Somebody else changed it in the meantime.",
        413 => "The body is longer than `limits.body`, or holds more than is taken.",
        428 => "The hash of what is to be changed is missing.",
        429 => "Too many requests: a limit of the key, of the accounts, or too many wrong keys.",
        502 => "The upstream refused or failed.",
        503 | 529 => "Nobody can serve it for now; or the gateway is stopping.",
        504 => "The upstream did not answer in time.",
        _ => "A fault of the gateway.",
    }
}

/// Whom a request that stands in the log was tried with, however it ended.
pub(super) const TRACED: [&str; 3] =
    ["x-cursor-account", "x-cursor-attempts", "x-cursor-passed-over"];

/// An error with its headers.
pub(super) fn response(shape: Shape, status: u16, is_logged: bool) -> Value {
    let mut headers = Map::new();
    let mut add = |name: &str| {
        headers.insert(name.to_owned(), header(name));
    };
    add("x-request-id");
    if matches!(status, 401 | 429 | 502) {
        add("x-should-retry");
    }
    if matches!(status, 429 | 503 | 529) {
        add("retry-after");
    }
    if is_logged {
        TRACED.into_iter().for_each(&mut add);
    }
    if status == 412 {
        add("x-config-hash");
    }
    let schema = notation::of(shape.of()).unwrap_or_default();
    json!({
        "description": meaning(status),
        "headers": headers,
        "content": {"application/json": {"schema": schema}},
    })
}

/// A header that the document describes once.
pub(super) fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

/// All headers of answers.
pub(super) fn headers() -> Value {
    let text = |about: &str| json!({"description": about, "schema": {"type": "string"}});
    json!({
        "x-request-id": text("Names the request; also as `request-id`. Log lines have it."),
        "x-ignored-fields": text("Fields of the request that had no effect."),
        "x-should-retry": text("`false` when the same request will fail again."),
        "retry-after": json!({"description": "Seconds to wait.",
            "schema": {"type": "integer", "minimum": 0}}),
        "x-token-count": json!({"description": "Who counted.",
            "schema": {"type": "string", "enum": ["exact", "estimate"]}}),
        "x-cursor-account": text("For the administrator: the account that served the request."),
        "x-cursor-attempts": text("For the administrator: accounts that failed, and how."),
        "x-cursor-passed-over": text("For the administrator: accounts that were not taken, and why."),
        "x-config-hash": text("Stands for the settings as they are; to be sent with a change."),
        "x-config-restart": text("Settings that only hold after a restart, and differ from then."),
        "x-config-overridden": text("Settings of the file that do not hold: a variable or flag says \
                                     something else."),
        "set-cookie": text("Keeps an editor's requests together."),
        "etag": text("Stands for this version of the page."),
    })
}
