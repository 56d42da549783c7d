//! Failures in the words of the OpenAI API, in the same body as those of Chat Completions.

use conversation::{Failure, FailureClass};

use crate::openai_chat::{self, ErrorWords, error_body_in, error_words};
use crate::problem::shown;

/// The field that names an earlier answer.
pub(super) const PREVIOUS: &str = "previous_response_id";
/// What [`unknown_response`] names as the field at fault: the last part of the path.
const RESPONSE: &str = "response_id";
/// How the sentence about an answer that cannot be gone on from begins: other things can be wrong
/// with that field as well.
const NOT_KEPT: &str = "Previous response with id ";

/// `{"error":{"message","type","param","code"}}`, on one line.
#[must_use]
pub fn error_body(failure: &Failure) -> Vec<u8> {
    let code = match (failure.class, failure.param.as_deref()) {
        (FailureClass::Invalid, Some(PREVIOUS)) if failure.client.starts_with(NOT_KEPT) => {
            Some("previous_response_not_found")
        }
        _ => return openai_chat::error_body(failure),
    };
    let words = ErrorWords { code, ..error_words(FailureClass::Invalid) };
    error_body_in(failure, words)
}

/// The failure for the path of an answer that is not kept.
#[must_use]
pub fn unknown_response(id: &str) -> Failure {
    let message = format!("Response with id '{}' not found.", shown(id));
    Failure { param: Some(RESPONSE.to_owned()), ..Failure::new(FailureClass::NotFound, message) }
}

/// The failure for a `previous_response_id` of an answer that is not kept.
#[must_use]
pub fn unknown_previous_response(id: &str) -> Failure {
    let message = format!("{NOT_KEPT}'{}' not found.", shown(id));
    Failure::invalid(PREVIOUS, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(failure: &Failure) -> String {
        String::from_utf8(error_body(failure)).expect("UTF-8")
    }

    #[test]
    fn an_answer_that_is_not_kept_is_not_called_a_model() {
        insta::assert_snapshot!(
            body(&unknown_response("resp_x")),
            @r#"{"error":{"message":"Response with id 'resp_x' not found.","type":"invalid_request_error","param":"response_id","code":null}}"#
        );
        insta::assert_snapshot!(
            body(&unknown_previous_response("resp_x")),
            @r#"{"error":{"message":"Previous response with id 'resp_x' not found.","type":"invalid_request_error","param":"previous_response_id","code":"previous_response_not_found"}}"#
        );
        assert!(unknown_response(&"x".repeat(100_000)).client.len() < 256);
    }

    #[test]
    fn everything_else_is_told_as_in_chat() {
        for failure in [
            openai_chat::unknown_model("m"),
            Failure::invalid("input[0].type", "No."),
            Failure::invalid(PREVIOUS, "No tool output found for function call c."),
            Failure::new(FailureClass::Internal, "Broke."),
        ] {
            assert_eq!(error_body(&failure), openai_chat::error_body(&failure));
        }
    }
}
