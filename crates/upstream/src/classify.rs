//! From what was seen on the wire to what the gateway does about it.
//!
//! `resource_exhausted` alone stands for quotas, outdated clients and provider failures, so the
//! number of `ErrorDetails` decides first, known texts second, the Connect code last
//! (`reference/messages/errors.md`).

use std::time::Duration;

use connectrpc::ErrorCode;
use conversation::{Failure, FailureClass as Class, Retry, Scope};
use http::StatusCode;

use crate::error::{AnswerError, Deadline, UpstreamError};

const BAD_MODEL_NAME: i32 = 5;
const ERROR_DEBOUNCED: i32 = 35;
const MODEL_NO_LONGER_SUPPORTED: i32 = 61;

/// What a class means for scope and retry, next to the text the client gets when the upstream
/// gave none.
struct Rule {
    class: Class,
    scope: Scope,
    retry: Retry,
    text: &'static str,
}

const fn rule(class: Class, scope: Scope, retry: Retry, text: &'static str) -> Rule {
    Rule { class, scope, retry, text }
}

const INVALID: Rule =
    rule(Class::Invalid, Scope::Request, Retry::Never, "The upstream refused the request.");
const TOO_LONG: Rule = rule(
    Class::ContextTooLong,
    Scope::Request,
    Retry::Never,
    "The conversation is longer than the model's context window.",
);
const MODEL: Rule = rule(
    Class::UnknownModel,
    Scope::Request,
    Retry::Never,
    "The upstream does not offer this model.",
);
const NOT_FOUND: Rule =
    rule(Class::UnknownModel, Scope::Request, Retry::Never, "The upstream did not find this.");
const FORBIDDEN: Rule = rule(
    Class::Forbidden,
    Scope::Account,
    Retry::Elsewhere,
    "The upstream account is not allowed to do this.",
);
const REGION: Rule = rule(
    Class::Forbidden,
    Scope::Network,
    Retry::Never,
    "The model is not available in the gateway's region.",
);
const REJECTED: Rule = rule(
    Class::AccountRejected,
    Scope::Account,
    Retry::Elsewhere,
    "The upstream does not accept the gateway's account.",
);
const BUSY: Rule = rule(
    Class::Busy,
    Scope::AccountModel,
    Retry::Elsewhere,
    "The upstream account is being rate limited.",
);
const QUOTA: Rule = rule(
    Class::Quota,
    Scope::Account,
    Retry::Elsewhere,
    "The upstream account has used up its plan.",
);
const OVERLOADED: Rule =
    rule(Class::Overloaded, Scope::Model, Retry::Elsewhere, "The upstream is overloaded.");
/// Another request came too soon, which is how an editor types: nobody's fault.
const DEBOUNCED: Rule = rule(
    Class::Busy,
    Scope::Request,
    Retry::Never,
    "The upstream passed this request over because they came too fast.",
);
const FAILED: Rule =
    rule(Class::UpstreamFailed, Scope::Model, Retry::Elsewhere, "The upstream failed.");
const OUTDATED: Rule = rule(
    Class::UpstreamFailed,
    Scope::Network,
    Retry::Never,
    "The upstream wants a newer client version; raise `upstream.client_version`.",
);
const TIMEOUT: Rule =
    rule(Class::Timeout, Scope::Model, Retry::Elsewhere, "The upstream took too long.");
const NETWORK: Rule = rule(
    Class::UpstreamFailed,
    Scope::Network,
    Retry::Elsewhere,
    "The connection to the upstream was lost.",
);

impl Rule {
    fn failure(&self, shown: Option<String>, log: String, pause: Option<Duration>) -> Failure {
        let retry = match (self.retry, pause) {
            (Retry::Elsewhere, Some(pause)) => Retry::After(pause),
            (retry, _) => retry,
        };
        Failure::new(self.class, shown.unwrap_or_else(|| self.text.to_owned()))
            .scope(self.scope)
            .retry(retry)
            .log(log)
    }
}

/// Whether the upstream merely says that the request was aborted, which is a normal end
/// (errors.md, rule 3).
#[must_use]
pub fn is_normal_end(error: &UpstreamError) -> bool {
    const USER_ABORTED_REQUEST: i32 = 21;
    matches!(error, UpstreamError::Answer(answer) if answer.kind == Some(USER_ABORTED_REQUEST))
}

/// The failure that a failed call means.
#[must_use]
pub fn classify(error: &UpstreamError) -> Failure {
    match error {
        UpstreamError::Answer(answer) => {
            let rule = by_answer(answer);
            let mut failure = rule.failure(shown(answer), error.to_string(), answer.retry_after);
            if matches!(answer.kind, Some(BAD_MODEL_NAME | MODEL_NO_LONGER_SUPPORTED)) {
                failure.param = Some("model".to_owned());
            }
            if answer.is_retryable == Some(false) && rule.class == Class::UpstreamFailed {
                failure.retry = Retry::Never;
            }
            failure
        }
        UpstreamError::Status { status, retry_after } => {
            by_status(*status).failure(None, error.to_string(), *retry_after)
        }
        UpstreamError::Connect(_) => {
            let mut failure = NETWORK.failure(None, error.to_string(), None);
            failure.client = "The upstream cannot be reached.".into();
            failure
        }
        UpstreamError::Proxy(_) => {
            let mut failure = NETWORK.failure(None, error.to_string(), None);
            failure.client = "The gateway's outbound proxy cannot be reached.".into();
            failure
        }
        UpstreamError::NotTaken(_) | UpstreamError::Lost(_) => {
            NETWORK.failure(None, error.to_string(), None)
        }
        UpstreamError::Cut => NETWORK.failure(
            Some("The upstream broke the answer off.".into()),
            error.to_string(),
            None,
        ),
        UpstreamError::Protocol(_) => {
            FAILED.failure(Some("The upstream answered nonsense.".into()), error.to_string(), None)
        }
        UpstreamError::Deadline(deadline) => {
            let mut failure = TIMEOUT.failure(None, error.to_string(), None);
            match deadline {
                Deadline::Connect => failure.scope = Scope::Network,
                Deadline::FirstMessage | Deadline::Progress => {}
                // Trying again would take as long once more.
                Deadline::Total => failure.retry = Retry::Never,
            }
            failure
        }
    }
}

/// An answer that ended well but said nothing.
#[must_use]
pub fn empty_answer() -> Failure {
    FAILED.failure(
        Some("The upstream gave an empty answer.".into()),
        "empty answer: end of stream before any content".into(),
        None,
    )
}

/// The upstream's own words, when they are meant for users.
fn shown(answer: &AnswerError) -> Option<String> {
    let text = match (answer.title.trim(), answer.detail.trim()) {
        ("", "") if answer.message == "Error" || answer.message.is_empty() => return None,
        ("", "") => answer.message.clone(),
        (title, "") => title.to_owned(),
        ("", detail) => detail.to_owned(),
        (title, detail) => format!("{title}: {detail}"),
    };
    const LONGEST: usize = 2000;
    Some(text.chars().take(LONGEST).collect())
}

fn by_answer(answer: &AnswerError) -> &'static Rule {
    let rule = by_words(answer);
    // What the server forbids is not cured by logging in again, whatever the details call it.
    if rule.class == Class::AccountRejected && answer.code == ErrorCode::PermissionDenied {
        return &FORBIDDEN;
    }
    rule
}

fn by_words(answer: &AnswerError) -> &'static Rule {
    if let Some(rule) = by_text(answer) {
        return rule;
    }
    match answer.kind.and_then(by_kind) {
        // A provider that is overloaded fails under the number of one that is broken.
        Some(rule) if rule.class == Class::UpstreamFailed && rule.scope == Scope::Model => {
            match answer.code {
                ErrorCode::Unavailable => &OVERLOADED,
                _ => rule,
            }
        }
        Some(rule) => rule,
        None => by_code(answer.code),
    }
}

/// Texts that outweigh the number: numbers are re-used between releases.
fn by_text(answer: &AnswerError) -> Option<&'static Rule> {
    let text = format!("{}\n{}\n{}", answer.title, answer.detail, answer.message).to_lowercase();
    let has = |needle: &str| text.contains(needle);
    if has("update required") {
        return Some(&OUTDATED);
    }
    if has("not logged in") || has("login expired") || has("user is unauthorized") {
        return Some(&REJECTED);
    }
    if has("too many computers") || has("suspicious activity") {
        return Some(&REJECTED);
    }
    if has("trial request limit") || has("usage limit for free usage") {
        return Some(&QUOTA);
    }
    None
}

/// `ErrorDetails.Error` by number (errors.md, table "Error kind → HTTP status"). `None` for
/// numbers that say nothing by themselves: there the Connect code decides.
fn by_kind(kind: i32) -> Option<&'static Rule> {
    Some(match kind {
        BAD_MODEL_NAME | MODEL_NO_LONGER_SUPPORTED => &MODEL,
        26 | 27 | 31 | 36 | 24 => &INVALID,
        20 | 43 => &TOO_LONG,
        1 | 2 | 3 | 11 | 12 | 38 | 42 | 54 => &REJECTED,
        4 | 17 | 18 | 23 | 46 | 47 | 48 | 49 | 53 | 58 | 60 => &FORBIDDEN,
        6 | 16 | 19 | 32 | 33 | 39 => &NOT_FOUND,
        7 | 8 | 14 | 22 | 28 | 34 | 50 | 51 => &BUSY,
        9 | 10 | 15 | 44 | 45 | 62 => &QUOTA,
        25 | 55 => &TIMEOUT,
        30 | 40 => &OUTDATED,
        ERROR_DEBOUNCED => &DEBOUNCED,
        41 | 63 => &OVERLOADED,
        13 | 56 | 57 | 59 => &FAILED,
        64 => &REGION,
        _ => return None,
    })
}

fn by_code(code: ErrorCode) -> &'static Rule {
    match code {
        ErrorCode::InvalidArgument | ErrorCode::FailedPrecondition | ErrorCode::OutOfRange => {
            &INVALID
        }
        ErrorCode::NotFound => &NOT_FOUND,
        ErrorCode::Unauthenticated => &REJECTED,
        ErrorCode::PermissionDenied => &FORBIDDEN,
        ErrorCode::ResourceExhausted => &BUSY,
        ErrorCode::Unavailable => &OVERLOADED,
        ErrorCode::DeadlineExceeded => &TIMEOUT,
        ErrorCode::Canceled
        | ErrorCode::Unknown
        | ErrorCode::AlreadyExists
        | ErrorCode::Aborted
        | ErrorCode::Unimplemented
        | ErrorCode::Internal
        | ErrorCode::DataLoss => &FAILED,
        // The library's enum may grow.
        _ => &FAILED,
    }
}

/// Statuses that a proxy or load balancer answers without Connect's body (§7).
fn by_status(status: StatusCode) -> &'static Rule {
    match status.as_u16() {
        400 | 405 | 411 | 415 | 422 => &INVALID,
        401 => &REJECTED,
        402 => &QUOTA,
        403 => &FORBIDDEN,
        408 | 504 => &TIMEOUT,
        413 => &TOO_LONG,
        429 => &BUSY,
        451 => &REGION,
        // 464: the load balancer's word for a protocol version it does not take.
        464 => &NETWORK,
        502 => &NETWORK,
        503 => &OVERLOADED,
        _ => &FAILED,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;
    use crate::error::{read_end, read_status};

    /// The class each end-frame vector must get, by name.
    #[test]
    fn every_error_vector_has_its_class() {
        let expected = [
            ("error_user_aborted", None),
            ("error_outdated_client", Some(Class::UpstreamFailed)),
            ("error_update_required_reused_number", Some(Class::UpstreamFailed)),
            ("error_rate_limited", Some(Class::Busy)),
            ("error_usage_pricing_required", Some(Class::Quota)),
            ("error_not_logged_in", Some(Class::AccountRejected)),
            ("error_bad_model", Some(Class::UnknownModel)),
            ("error_conversation_too_long", Some(Class::ContextTooLong)),
            ("error_custom_message", Some(Class::UpstreamFailed)),
            ("error_provider_error", Some(Class::UpstreamFailed)),
            ("error_unsupported_region", Some(Class::Forbidden)),
            ("error_unicode", Some(Class::UpstreamFailed)),
            ("end_stream_without_details", Some(Class::Overloaded)),
        ];
        let text = include_str!("../../../fixtures/vectors/errors.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        let vectors: Vec<_> = file["vectors"]
            .as_array()
            .expect("vectors")
            .iter()
            .filter(|vector| vector.get("end_stream_json").is_some())
            .collect();
        assert_eq!(vectors.len(), expected.len());
        for vector in vectors {
            let name = vector["name"].as_str().expect("name");
            let (_, class) = expected.iter().find(|(n, _)| *n == name).expect(name);
            let json = vector["end_stream_json"].to_string();
            let error = read_end(json.as_bytes(), &HeaderMap::new()).expect_err(name);
            match class {
                None => assert!(is_normal_end(&error), "{name}"),
                Some(class) => assert_eq!(classify(&error).class, *class, "{name}"),
            }
        }
    }

    #[test]
    fn bare_statuses_do_not_all_become_one() {
        let class = |code: u16| {
            let status = StatusCode::from_u16(code).expect("status");
            classify(&read_status(status, &HeaderMap::new(), b"<html>no</html>")).class
        };
        assert_eq!(class(401), Class::AccountRejected);
        assert_eq!(class(403), Class::Forbidden);
        assert_eq!(class(429), Class::Busy);
        assert_eq!(class(500), Class::UpstreamFailed);
        assert_eq!(class(503), Class::Overloaded);
        assert_eq!(class(504), Class::Timeout);
    }

    #[test]
    fn the_unary_error_vector_is_an_account_rejection() {
        let text = include_str!("../../../fixtures/vectors/errors.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        let vector = file["vectors"]
            .as_array()
            .expect("vectors")
            .iter()
            .find(|vector| vector["name"] == "unary_error_body")
            .expect("vector");
        let body = vector["json"].to_string();
        let error = read_status(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body.as_bytes());
        let failure = classify(&error);
        assert_eq!(failure.class, Class::AccountRejected);
        assert_eq!(failure.scope, Scope::Account);
    }

    #[test]
    fn a_total_deadline_is_not_tried_again() {
        let failure = classify(&UpstreamError::Deadline(Deadline::Total));
        assert_eq!(failure.retry, Retry::Never);
        assert_eq!(failure.class, Class::Timeout);
    }
}
