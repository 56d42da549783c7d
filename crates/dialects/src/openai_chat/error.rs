//! Failures in the words of the OpenAI API. Knows no HTTP status; `server` has that table.

use conversation::{Failure, FailureClass};
use serde::Serialize;

use crate::json;

/// The words that classify an error for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorWords {
    /// `error.type`.
    pub kind: &'static str,
    /// `error.code`.
    pub code: Option<&'static str>,
}

/// The words of a class: those of the real API where it has some.
#[must_use]
pub fn error_words(class: FailureClass) -> ErrorWords {
    let (kind, code) = match class {
        FailureClass::Invalid | FailureClass::NotFound => {
            return ErrorWords { kind: "invalid_request_error", code: None };
        }
        FailureClass::ContextTooLong => ("invalid_request_error", "context_length_exceeded"),
        FailureClass::Unauthenticated => ("invalid_request_error", "invalid_api_key"),
        FailureClass::Forbidden => ("request_forbidden", "insufficient_permissions"),
        FailureClass::UnknownModel => ("invalid_request_error", "model_not_found"),
        FailureClass::TooLarge => ("invalid_request_error", "request_too_large"),
        FailureClass::Quota => ("insufficient_quota", "insufficient_quota"),
        FailureClass::Busy => ("requests", "rate_limit_exceeded"),
        FailureClass::Refused => ("invalid_request_error", "content_policy_violation"),
        FailureClass::Overloaded => ("server_error", "overloaded"),
        FailureClass::AccountRejected => ("server_error", "upstream_account_rejected"),
        FailureClass::UpstreamFailed => ("server_error", "upstream_failed"),
        FailureClass::Timeout => ("server_error", "timeout"),
        FailureClass::Internal => ("server_error", "internal_error"),
    };
    ErrorWords { kind, code: Some(code) }
}

#[derive(Serialize)]
struct Body<'a> {
    error: Error<'a>,
}

#[derive(Serialize)]
struct Error<'a> {
    message: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    param: Option<&'a str>,
    code: Option<&'static str>,
}

/// `{"error":{"message","type","param","code"}}`, on one line.
#[must_use]
pub fn error_body(failure: &Failure) -> Vec<u8> {
    error_body_in(failure, words_of(failure))
}

/// The real API says in the type what there was too much of. A class does not know, but the text
/// for the client does.
fn words_of(failure: &Failure) -> ErrorWords {
    let words = error_words(failure.class);
    if failure.class == FailureClass::Busy && failure.client.contains("tokens per minute") {
        return ErrorWords { kind: "tokens", ..words };
    }
    words
}

/// The same in other words than those of the class.
pub(crate) fn error_body_in(failure: &Failure, words: ErrorWords) -> Vec<u8> {
    let ErrorWords { kind, code } = words;
    json::to_vec(&Body {
        error: Error { message: &failure.client, kind, param: failure.param.as_deref(), code },
    })
}

/// The failure for a model that is not offered.
#[must_use]
pub fn unknown_model(id: &str) -> Failure {
    let shown: String = id.chars().take(128).collect();
    Failure {
        param: Some("model".to_owned()),
        ..Failure::new(
            FailureClass::UnknownModel,
            format!("The model `{shown}` does not exist or you do not have access to it."),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [FailureClass; 14] = [
        FailureClass::Invalid,
        FailureClass::ContextTooLong,
        FailureClass::Unauthenticated,
        FailureClass::Forbidden,
        FailureClass::UnknownModel,
        FailureClass::TooLarge,
        FailureClass::Quota,
        FailureClass::Busy,
        FailureClass::Overloaded,
        FailureClass::AccountRejected,
        FailureClass::Refused,
        FailureClass::UpstreamFailed,
        FailureClass::Timeout,
        FailureClass::Internal,
    ];

    fn body(failure: &Failure) -> String {
        String::from_utf8(error_body(failure)).expect("UTF-8")
    }

    #[test]
    fn a_bad_field_is_named() {
        insta::assert_snapshot!(
            body(&Failure::invalid("messages[2].content", "Not \"this\".")),
            @r#"{"error":{"message":"Not \"this\".","type":"invalid_request_error","param":"messages[2].content","code":null}}"#
        );
    }

    #[test]
    fn an_unknown_model_is_named_but_not_at_any_length() {
        insta::assert_snapshot!(
            body(&unknown_model("gpt-x")),
            @r#"{"error":{"message":"The model `gpt-x` does not exist or you do not have access to it.","type":"invalid_request_error","param":"model","code":"model_not_found"}}"#
        );
        assert!(unknown_model(&"x".repeat(100_000)).client.len() < 256);
    }

    #[test]
    fn the_log_text_is_not_shown() {
        let failure = Failure::new(FailureClass::Internal, "Something broke.").log("secret detail");
        assert!(!body(&failure).contains("secret"));
    }

    #[test]
    fn a_limit_on_tokens_is_told_from_one_on_requests() {
        let kind = |class, text: &str| words_of(&Failure::new(class, text)).kind;
        let busy = FailureClass::Busy;
        assert_eq!(kind(busy, "the key's limit of tokens per minute is reached"), "tokens");
        assert_eq!(kind(busy, "the key's limit of requests per minute is reached"), "requests");
        let other = FailureClass::Overloaded;
        assert_eq!(kind(other, "tokens per minute"), error_words(other).kind);
    }

    #[test]
    fn codes_are_distinct() {
        let codes: Vec<_> = ALL.iter().map(|class| error_words(*class).code).collect();
        for (place, code) in codes.iter().enumerate() {
            assert!(!codes[..place].contains(code), "{code:?} twice");
        }
    }
}
