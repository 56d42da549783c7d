//! One request.

use std::time::Duration;

use accounts::{AccountId, Alias, KeyId, UnixMs, UpstreamFlow};
use conversation::Usage;

use crate::chain::Chain;
use crate::gaps::Gaps;
use crate::trace::TraceContext;

/// All that is kept of one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Grows with every request, across restarts; the order of arrival.
    pub id: u64,
    /// As in the answer's `x-request-id`.
    pub request_id: String,
    pub started: UnixMs,
    pub dialect: Dialect,
    /// The route, such as `/v1/messages`; no more of the path than that.
    pub endpoint: std::borrow::Cow<'static, str>,
    pub who: Who,
    /// The account that answered, or that was tried last.
    pub account: Option<(AccountId, Alias)>,
    /// As the client wrote it; empty when the request names none or could not be read.
    pub model: String,
    /// As the upstream was asked for it.
    pub served_model: Option<String>,
    pub flow: Option<UpstreamFlow>,
    pub stream: bool,
    pub status: Status,
    /// The HTTP status, once there is one.
    pub http_status: Option<u16>,
    pub fault: Option<Fault>,
    pub attempts: Vec<Attempt>,
    pub timing: Timing,
    pub chain: Chain,
    pub usage: Option<Usage>,
    pub close: Option<Close>,
    /// Fields of the request that had no effect, as in `x-ignored-fields`; empty for none.
    pub ignored: String,
    pub content: Option<Content>,
    /// For whoever observes; not kept.
    pub gaps: Gaps,
    /// For whoever observes; not kept.
    pub trace: Option<TraceContext>,
}

/// The client API that was spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    OpenAiChat,
    OpenAiCompletions,
    OpenAiResponses,
    Anthropic,
    /// Code completion and file sync of editors.
    Editor,
}

impl Dialect {
    pub const ALL: [Self; 5] = [
        Self::OpenAiChat,
        Self::OpenAiCompletions,
        Self::OpenAiResponses,
        Self::Anthropic,
        Self::Editor,
    ];

    /// Stable word for the log, filters and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAiChat => "openai_chat",
            Self::OpenAiCompletions => "openai_completions",
            Self::OpenAiResponses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Editor => "editor",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == text)
    }
}

/// With what the client came; never the key itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Who {
    /// With `AUTH_TOKEN`.
    Operator,
    /// With `SHARED_TOKEN`.
    Shared,
    Key(KeyId),
}

impl Who {
    /// `auth_token`, `shared_token`, or the public id of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Operator => "auth_token",
            Self::Shared => "shared_token",
            Self::Key(id) => id.as_str(),
        }
    }

    /// The inverse of [`Self::name`].
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "auth_token" => Self::Operator,
            "shared_token" => Self::Shared,
            id => Self::Key(KeyId::new(id)),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Still being served, or the process ended before it was.
    Pending,
    Success,
    Failure,
}

impl Status {
    pub const ALL: [Self; 3] = [Self::Pending, Self::Success, Self::Failure];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == text)
    }
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The failure's class, `conversation::FailureClass::name`.
    pub kind: String,
    /// What the client was told.
    pub text: String,
    /// What the operator may know besides; the same text when there is no more.
    pub details: String,
}

/// One try on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub account: AccountId,
    /// As it was called then.
    pub alias: Alias,
    /// Since the request came.
    pub began: Duration,
    pub lasted: Duration,
    pub end: AttemptEnd,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AttemptEnd {
    /// It is still at it, or answered.
    Serving,
    /// It failed, and whether another account was to be tried: why the next one came.
    Failed { kind: String, details: String, again: bool },
}

/// When what happened, since the request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timing {
    /// The answer's head was ready.
    pub headers: Option<Duration>,
    /// The first thing that the model said.
    pub first_token: Option<Duration>,
    /// The last byte was handed to the connection.
    pub last_byte: Option<Duration>,
    /// All of it; of a pending request, so far.
    pub total: Duration,
}

/// Why the answer's connection was done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Close {
    /// The answer, or the error, went out to its end.
    Finished,
    /// The client left before.
    ClientGone,
    /// The answer broke off: the upstream, or the gateway that stopped.
    Cut,
    /// A deadline ended it.
    Timeout,
}

impl Close {
    pub const ALL: [Self; 4] = [Self::Finished, Self::ClientGone, Self::Cut, Self::Timeout];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::ClientGone => "client_gone",
            Self::Cut => "cut",
            Self::Timeout => "timeout",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|close| close.name() == text)
    }
}

/// What was said; each part bounded and redacted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    pub prompt: String,
    pub answer: String,
    pub thinking: String,
}
