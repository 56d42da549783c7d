//! The scenario table: which upstream error a script's code stands for.

use cursor_proto::aiserver::error_details::Error as Kind;

use super::{Code, Failure};
use crate::script::ErrorCode;

impl Failure {
    /// The error of a script (`reference/simulator-scenarios.md`, last table). `text` becomes
    /// the detail; `retry` only has a place where waiting helps.
    pub(crate) fn scenario(code: ErrorCode, text: Option<&str>, retry: Option<u64>) -> Self {
        let Some((connect, kind, title, detail)) = entry(code) else { return Self::outdated() };
        let failure = Self::new(connect, kind, title, text.unwrap_or(detail)).retry_after(retry);
        match code {
            ErrorCode::RateLimit | ErrorCode::Deadline => failure.retryable(true),
            ErrorCode::Overloaded | ErrorCode::Unavailable | ErrorCode::Internal => {
                let mut failure = failure.retryable(true);
                failure.custom(|details| details.should_show_immediate_error = Some(true));
                failure
            }
            ErrorCode::UsageLimit => {
                let mut failure = failure.expected();
                failure.info("kind", "usage");
                failure
            }
            ErrorCode::Unauthenticated | ErrorCode::PermissionDenied => failure.expected(),
            ErrorCode::InvalidArgument
            | ErrorCode::ContextLength
            | ErrorCode::NotFound
            | ErrorCode::Outdated => failure,
        }
    }
}

/// `None` for the one that has a vector of its own.
fn entry(code: ErrorCode) -> Option<(Code, Kind, &'static str, &'static str)> {
    Some(match code {
        ErrorCode::Outdated => return None,
        ErrorCode::RateLimit => (
            Code::ResourceExhausted,
            Kind::ERROR_RATE_LIMITED,
            "Too many requests",
            "Try again later.",
        ),
        ErrorCode::UsageLimit => (
            Code::ResourceExhausted,
            Kind::ERROR_USAGE_PRICING_REQUIRED,
            "Usage limit",
            "Set a spend limit to continue.",
        ),
        ErrorCode::Overloaded => (
            Code::Unavailable,
            Kind::ERROR_PROVIDER_ERROR,
            "Provider Error",
            "The model provider is overloaded.",
        ),
        ErrorCode::Unavailable => (
            Code::Unavailable,
            Kind::ERROR_PROVIDER_ERROR,
            "Provider Error",
            "The model provider is not available.",
        ),
        ErrorCode::Internal => {
            (Code::Internal, Kind::ERROR_INTERNAL, "Internal error", "Something went wrong.")
        }
        ErrorCode::Deadline => (
            Code::DeadlineExceeded,
            Kind::ERROR_TIMEOUT,
            "Timeout",
            "The model did not answer in time.",
        ),
        ErrorCode::Unauthenticated => (
            Code::Unauthenticated,
            Kind::ERROR_NOT_LOGGED_IN,
            "Not logged in",
            "Please log in again.",
        ),
        ErrorCode::PermissionDenied => (
            Code::PermissionDenied,
            Kind::ERROR_UNAUTHORIZED,
            "Unauthorized",
            "User is unauthorized",
        ),
        ErrorCode::InvalidArgument => (
            Code::InvalidArgument,
            Kind::ERROR_BAD_REQUEST,
            "Bad request",
            "The request was not understood.",
        ),
        ErrorCode::ContextLength => (
            Code::InvalidArgument,
            Kind::ERROR_CONVERSATION_TOO_LONG,
            "Too long",
            "Start a new conversation.",
        ),
        ErrorCode::NotFound => {
            (Code::NotFound, Kind::ERROR_NOT_FOUND, "Not found", "The item does not exist.")
        }
    })
}
