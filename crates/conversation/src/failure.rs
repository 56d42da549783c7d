//! Why a turn failed: a closed class that the edges map to HTTP, whose fault it was, whether
//! another attempt may help, and two texts, one for the client and one for the log.

use std::fmt;
use std::time::Duration;

/// A turn that cannot be answered, or no further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub class: FailureClass,
    pub scope: Scope,
    pub retry: Retry,
    /// Safe to show: no credential, no address, no internals.
    pub client: String,
    /// For the operator.
    pub log: String,
    /// The request field at fault, as a path (`messages[2].content`).
    pub param: Option<String>,
}

impl Failure {
    /// A failure whose log text is the client's.
    #[must_use]
    pub fn new(class: FailureClass, client: impl Into<String>) -> Self {
        let client = client.into();
        Self {
            class,
            scope: Scope::Request,
            retry: Retry::Never,
            log: client.clone(),
            client,
            param: None,
        }
    }

    /// Bad input in the named field.
    #[must_use]
    pub fn invalid(param: impl Into<String>, client: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..Self::new(FailureClass::Invalid, client) }
    }

    #[must_use]
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    #[must_use]
    pub fn log(mut self, log: impl Into<String>) -> Self {
        self.log = log.into();
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.log)
    }
}

impl std::error::Error for Failure {}

/// The only thing the edges look at. One table in `server` maps it to an HTTP status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureClass {
    /// The request is malformed or asks for something impossible.
    Invalid,
    /// The conversation does not fit the model's context window.
    ContextTooLong,
    /// The client's own key is missing or wrong.
    Unauthenticated,
    /// The upstream refuses this request for a reason that another account does not cure.
    Forbidden,
    UnknownModel,
    /// There is nothing under the name: no such path, no such stored answer.
    NotFound,
    /// The body or a part of it is over a limit.
    TooLarge,
    /// The account's plan is used up.
    Quota,
    /// Too many requests for now.
    Busy,
    /// Nobody can take the turn now: upstream overloaded, or every account out.
    Overloaded,
    /// The upstream does not accept the gateway's own credential.
    AccountRejected,
    /// The provider declined the content.
    Refused,
    /// The upstream failed, broke off, or answered nonsense.
    UpstreamFailed,
    Timeout,
    /// A fault of ours.
    Internal,
}

impl FailureClass {
    /// Stable word for logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::ContextTooLong => "context_too_long",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::UnknownModel => "unknown_model",
            Self::NotFound => "not_found",
            Self::TooLarge => "too_large",
            Self::Quota => "quota",
            Self::Busy => "busy",
            Self::Overloaded => "overloaded",
            Self::AccountRejected => "account_rejected",
            Self::Refused => "refused",
            Self::UpstreamFailed => "upstream_failed",
            Self::Timeout => "timeout",
            Self::Internal => "internal",
        }
    }
}

/// What the failure is about: decides who is blamed and whether another account can help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The request itself; nobody is to blame.
    Request,
    /// This model for everybody.
    Model,
    /// This account, for this model.
    AccountModel,
    /// This account, for everything.
    Account,
    /// The way there: proxy, host, connection.
    Network,
}

/// Whether and when another attempt makes sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    Never,
    /// At once; with another account where there is one.
    Elsewhere,
    /// With another account at once, with this one only after the pause.
    After(Duration),
}

impl Retry {
    /// The pause to tell the client of.
    #[must_use]
    pub fn after(self) -> Option<Duration> {
        match self {
            Self::After(pause) => Some(pause),
            Self::Never | Self::Elsewhere => None,
        }
    }
}
