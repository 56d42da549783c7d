//! The closed sets that labels are from.

use conversation::FailureClass;
use request_log::{AttemptEnd, Dialect, Status};

/// Instead of a word that is in no set.
pub(crate) const OTHER: &str = "other";

/// Every class of failure; what else comes is [`OTHER`].
pub(crate) const FAILURES: [FailureClass; 15] = [
    FailureClass::Invalid,
    FailureClass::ContextTooLong,
    FailureClass::Unauthenticated,
    FailureClass::Forbidden,
    FailureClass::UnknownModel,
    FailureClass::NotFound,
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

/// The place of a class in [`FAILURES`], or one behind, and its word.
pub(crate) fn failure(kind: &str) -> (usize, &'static str) {
    FAILURES
        .iter()
        .enumerate()
        .find_map(|(at, class)| (class.name() == kind).then_some((at, class.name())))
        .unwrap_or((FAILURES.len(), OTHER))
}

/// How attempts end.
pub(crate) const OUTCOMES: [&str; 3] = ["served", "failed_over", "failed"];

/// The place of an attempt's end in [`OUTCOMES`].
pub(crate) fn outcome(end: &AttemptEnd) -> usize {
    match end {
        AttemptEnd::Serving => 0,
        AttemptEnd::Failed { again: true, .. } => 1,
        AttemptEnd::Failed { again: false, .. } => 2,
    }
}

/// The flows, and what never came to one.
pub(crate) const FLOWS: [&str; 3] = ["agent", "chat", "none"];

/// The place of a flow in [`FLOWS`].
pub(crate) fn flow(flow: Option<accounts::UpstreamFlow>) -> usize {
    match flow {
        Some(accounts::UpstreamFlow::Agent) => 0,
        Some(accounts::UpstreamFlow::Chat) => 1,
        None => 2,
    }
}

/// The place of a dialect in `Dialect::ALL`.
pub(crate) fn dialect(dialect: Dialect) -> usize {
    match dialect {
        Dialect::OpenAiChat => 0,
        Dialect::OpenAiCompletions => 1,
        Dialect::OpenAiResponses => 2,
        Dialect::Anthropic => 3,
        Dialect::Editor => 4,
    }
}

/// The place of a status in `Status::ALL`.
pub(crate) fn status(status: Status) -> usize {
    match status {
        Status::Pending => 0,
        Status::Success => 1,
        Status::Failure => 2,
    }
}

/// The operation's name in the GenAI conventions.
pub(crate) fn operation(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses | Dialect::Anthropic => "chat",
        Dialect::OpenAiCompletions | Dialect::Editor => "text_completion",
    }
}

/// Classes of HTTP statuses that are refusals.
pub(crate) const REFUSALS: [&str; 3] = ["4xx", "5xx", OTHER];

/// The place of a status in [`REFUSALS`].
pub(crate) fn refusal(status: u16) -> usize {
    match status {
        400..=499 => 0,
        500..=599 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_lists() {
        for (at, known) in Dialect::ALL.into_iter().enumerate() {
            assert_eq!(dialect(known), at);
        }
        for (at, known) in Status::ALL.into_iter().enumerate() {
            assert_eq!(status(known), at);
        }
        for known in [accounts::UpstreamFlow::Agent, accounts::UpstreamFlow::Chat] {
            assert_eq!(FLOWS[flow(Some(known))], known.as_str());
        }
        for (at, class) in FAILURES.iter().enumerate() {
            assert_eq!(failure(class.name()), (at, class.name()));
        }
        assert_eq!(failure("sk-a-secret"), (FAILURES.len(), OTHER));
    }
}
