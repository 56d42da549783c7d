//! The handle of a test on a running simulator: what accounts suffer, what calls came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::state::State;

/// How the backend treats an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AccountBehaviour {
    /// As the prompt says.
    #[default]
    Healthy,
    /// Every chat or agent stream ends with `ERROR_RATE_LIMITED`; other calls work.
    RateLimited {
        /// What the error says about when to try again, in whole seconds, rounded up.
        retry_after: Option<Duration>,
    },
    /// Every chat or agent stream ends with `ERROR_USAGE_PRICING_REQUIRED`; other calls work.
    QuotaReached,
    /// Every call: 401, `ERROR_NOT_LOGGED_IN`.
    LoggedOut,
    /// Every call: 403 without a Connect error, as for a blocked account.
    Blocked,
    /// Every call: this status with an HTML body, as a load balancer answers.
    HttpStatus(u16),
    /// Every call: the TCP connection is closed.
    Down,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallOutcome {
    /// Not yet.
    Running,
    /// With its orderly end.
    Completed,
    /// With an error, or cut by the script.
    Failed,
    /// Left by the client before its end.
    Cancelled,
    /// Before it began, with this HTTP status.
    Refused(u16),
}

/// One call as it was seen.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallRecord {
    /// The request path.
    pub path: String,
    /// The user id of its token, if that was valid.
    pub user: Option<String>,
    /// The model it asked for, if it was a stream.
    pub model: Option<String>,
    /// Request headers that say who the client is and how it speaks; never credentials.
    pub headers: BTreeMap<&'static str, String>,
    /// How it ended.
    pub outcome: CallOutcome,
}

/// A handle on a running simulator. Clones speak of the same one.
#[derive(Debug, Clone)]
pub struct Control(pub(crate) Arc<State>);

impl Control {
    /// Sets how an account is treated from the next call on.
    pub fn set_account(&self, user_id: &str, behaviour: AccountBehaviour) {
        self.0.set_account(user_id, behaviour);
    }

    /// The newest calls, at most 1000, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        self.0.calls()
    }

    /// Chat and agent streams that run now.
    #[must_use]
    pub fn active_streams(&self) -> usize {
        self.0.active_streams()
    }

    /// Open TCP connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections()
    }

    /// The most chat and agent streams that ever ran on one connection at the same time.
    #[must_use]
    pub fn peak_streams_per_connection(&self) -> usize {
        self.0.peak_streams_per_connection()
    }
}
