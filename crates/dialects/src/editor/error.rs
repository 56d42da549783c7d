//! Failures as the editor's API shows them. Knows no HTTP status: `server` has that table, and
//! the status is the `code`.

use std::collections::BTreeMap;

use conversation::{Failure, FailureClass};
use serde::Serialize;

use crate::json;
use crate::openai_chat::error_words;

#[derive(Serialize)]
pub(super) struct Error<'a> {
    /// Not zero.
    code: u16,
    #[serde(rename = "type")]
    kind: &'static str,
    details: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    title: &'static str,
    detail: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    additional_info: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

/// `{"error":{"code","type","details"}}`, on one line: the body of an answer that did not begin.
/// `status` is the HTTP status of the failure's class.
#[must_use]
pub fn error_body(failure: &Failure, status: u16) -> Vec<u8> {
    json::to_vec(&Body { error: error(failure, status) })
}

/// The `error` of a body and of an event alike.
pub(super) fn error(failure: &Failure, status: u16) -> Error<'_> {
    let words = error_words(failure.class);
    let mut additional_info = BTreeMap::new();
    if let Some(code) = words.code {
        additional_info.insert("code", code.to_owned());
    }
    if let Some(param) = &failure.param {
        additional_info.insert("param", param.clone());
    }
    if let Some(pause) = failure.retry.after() {
        // Whole seconds, never too early.
        let seconds = pause.as_millis().div_ceil(1000);
        additional_info.insert("retry_after_seconds", seconds.to_string());
    }
    Error {
        code: status,
        kind: words.kind,
        details: Details { title: title(failure.class), detail: &failure.client, additional_info },
    }
}

/// What an editor may show above the text.
fn title(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Invalid => "Invalid request",
        FailureClass::ContextTooLong => "Context too long",
        FailureClass::Unauthenticated => "Not signed in",
        FailureClass::Forbidden => "Not allowed",
        FailureClass::UnknownModel => "Unknown model",
        FailureClass::NotFound => "Not found",
        FailureClass::TooLarge => "Request too large",
        FailureClass::Quota => "Quota used up",
        FailureClass::Busy => "Too many requests",
        FailureClass::Overloaded => "Overloaded",
        FailureClass::AccountRejected => "Account rejected",
        FailureClass::Refused => "Refused",
        FailureClass::UpstreamFailed => "Upstream failed",
        FailureClass::Timeout => "Timed out",
        FailureClass::Internal => "Internal error",
    }
}
