//! Failures in the words of the Anthropic API. Knows no HTTP status; `server` has that table.
//!
//! The body has no field for the parameter at fault: its path begins the message, with dots
//! only, as the real API writes it (`messages.0.content.1.text: …`).

use conversation::{Failure, FailureClass};
use serde::Serialize;

use super::decode::THREAD;
use crate::json;

/// The beginning by which Claude Code sees that it has to shorten the conversation.
const TOO_LONG: &str = "prompt is too long";

/// The word that classifies an error for programs.
#[must_use]
pub fn error_type(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Invalid | FailureClass::ContextTooLong | FailureClass::Refused => {
            "invalid_request_error"
        }
        FailureClass::Unauthenticated => "authentication_error",
        FailureClass::Forbidden => "permission_error",
        FailureClass::UnknownModel => "not_found_error",
        FailureClass::TooLarge => "request_too_large",
        FailureClass::Quota | FailureClass::Busy => "rate_limit_error",
        FailureClass::Overloaded => "overloaded_error",
        FailureClass::Timeout => "timeout_error",
        FailureClass::AccountRejected | FailureClass::UpstreamFailed | FailureClass::Internal => {
            "api_error"
        }
    }
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    error: Error<'a>,
    request_id: &'a str,
}

#[derive(Serialize)]
struct Error<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// For programs that know what to do about it.
#[derive(Serialize)]
struct Details {
    error_code: &'static str,
}

/// The official SDKs stop using threads when they see this word.
fn details(failure: &Failure) -> Option<Details> {
    let about_threads =
        failure.class == FailureClass::Invalid && failure.param.as_deref() == Some(THREAD);
    about_threads.then_some(Details { error_code: "thread_unsupported_request" })
}

/// `{"type":"error","error":{"type","message"},"request_id"}`, on one line.
#[must_use]
pub fn error_body(failure: &Failure, request_id: &str) -> Vec<u8> {
    let message = match failure.class {
        FailureClass::ContextTooLong => too_long(&failure.client),
        FailureClass::Invalid
        | FailureClass::Unauthenticated
        | FailureClass::Forbidden
        | FailureClass::UnknownModel
        | FailureClass::TooLarge
        | FailureClass::Quota
        | FailureClass::Busy
        | FailureClass::Overloaded
        | FailureClass::AccountRejected
        | FailureClass::Refused
        | FailureClass::UpstreamFailed
        | FailureClass::Timeout
        | FailureClass::Internal => message(failure),
    };
    json::to_vec(&Body {
        kind: "error",
        error: Error {
            kind: error_type(failure.class),
            message: &message,
            details: details(failure),
        },
        request_id,
    })
}

/// The text with the path in front, unless it names the path somewhere else.
fn message(failure: &Failure) -> String {
    let text = failure.client.as_str();
    let Some(path) = &failure.param else { return text.to_owned() };
    let dotted = path.replace('[', ".").replace(']', "");
    let quoted = format!("'{path}'");
    for lead in ["Invalid type for ", "Invalid "] {
        let rest = text.strip_prefix(lead).and_then(|rest| rest.strip_prefix(&quoted));
        if let Some(rest) = rest.and_then(|rest| rest.strip_prefix(": ")) {
            return format!("{dotted}: {rest}");
        }
    }
    if text.contains(&quoted) {
        return text.replace(&quoted, &format!("'{dotted}'"));
    }
    format!("{dotted}: {text}")
}

/// With the two figures as the real API writes them, if the text has just two.
fn too_long(text: &str) -> String {
    if text.get(..TOO_LONG.len()).is_some_and(|head| head.eq_ignore_ascii_case(TOO_LONG)) {
        return format!("{TOO_LONG}{}", &text[TOO_LONG.len()..]);
    }
    if let [one, other] = figures(text)[..] {
        return format!("{TOO_LONG}: {} tokens > {} maximum", one.max(other), one.min(other));
    }
    format!("{TOO_LONG}: {text}")
}

/// Numbers of at least four digits, with or without commas between the thousands.
fn figures(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit() && c != ',')
        .filter_map(|word| word.replace(',', "").parse().ok())
        .filter(|figure| *figure >= 1000)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Defect of other gateways: the SDKs' tool runner asks for a thread, is not refused, and
    /// sends only what is new from then on.
    #[test]
    fn a_thread_is_refused_in_the_words_that_the_sdks_know() {
        let request = br#"{"model":"m","max_tokens":5,"thread":{"type":"create"},
            "messages":[{"role":"user","content":"hi"}]}"#;
        let refused = crate::anthropic::decode(request, &crate::Images::default());
        let body = error_body(&refused.expect_err("refused"), "req_1");
        let body = String::from_utf8(body).expect("text");
        assert!(
            body.contains(r#""details":{"error_code":"thread_unsupported_request"}"#),
            "{body}"
        );
    }

    fn shown(failure: &Failure) -> String {
        let body = error_body(failure, "req_1");
        let body: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
        body["error"]["message"].as_str().expect("a message").to_owned()
    }

    #[test]
    fn the_body_has_the_shape_of_the_api() {
        let failure = Failure::new(FailureClass::Overloaded, "Not \"now\".").log("secret detail");
        insta::assert_snapshot!(
            String::from_utf8(error_body(&failure, "req_1")).expect("UTF-8"),
            @r#"{"type":"error","error":{"type":"overloaded_error","message":"Not \"now\"."},"request_id":"req_1"}"#
        );
    }

    #[test]
    fn the_path_is_named_once_and_with_dots() {
        for (param, text, message) in [
            ("messages[0].content", "Field required", "messages.0.content: Field required"),
            (
                "system[1].text",
                "Invalid type for 'system[1].text': expected a string.",
                "system.1.text: expected a string.",
            ),
            (
                "stop_sequences[0]",
                "Invalid 'stop_sequences[0]': expected a text.",
                "stop_sequences.0: expected a text.",
            ),
            (
                "tools[3].input_schema",
                "'tools[3].input_schema' is too deep.",
                "'tools.3.input_schema' is too deep.",
            ),
            ("model", "The model `x` does not exist.", "model: The model `x` does not exist."),
        ] {
            assert_eq!(shown(&Failure::invalid(param, text)), message);
        }
        assert_eq!(shown(&Failure::new(FailureClass::Invalid, "No JSON.")), "No JSON.");
    }

    #[test]
    fn a_prompt_that_is_too_long_is_told_in_the_words_that_clients_look_for() {
        for (text, message) in [
            (
                "The conversation is longer than the model's context window.",
                "prompt is too long: The conversation is longer than the model's context window.",
            ),
            ("Prompt is too long: 7 tokens", "prompt is too long: 7 tokens"),
            (
                "The limit is 200,000 tokens, but there are 210883.",
                "prompt is too long: 210883 tokens > 200000 maximum",
            ),
            ("Over 200000.", "prompt is too long: Over 200000."),
        ] {
            let failure = Failure::new(FailureClass::ContextTooLong, text);
            assert_eq!(shown(&failure), message);
            assert_eq!(error_type(failure.class), "invalid_request_error");
        }
    }
}
