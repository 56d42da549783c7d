//! The handle of a test on a running simulator: what accounts suffer, what calls came.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::account::profile::ProfileOverrides;
use crate::completion::CompletionFate;
use crate::filesync::cookies::SentCookies;
use crate::filesync::store::SyncedFile;
use crate::state::{State, TagCounts};
use crate::tokens;

/// How the backend treats an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AccountBehaviour {
    /// As the prompt says.
    #[default]
    Healthy,
    /// Every stream ends with `ERROR_RATE_LIMITED`; other calls work.
    RateLimited {
        /// What the error says about when to try again, in whole seconds, rounded up.
        retry_after: Option<Duration>,
    },
    /// Every stream ends with `ERROR_USAGE_PRICING_REQUIRED`; other calls work, and
    /// usage calls say that the plan is used up.
    QuotaReached,
    /// Every call: 401, `ERROR_NOT_LOGGED_IN`, or `not_authenticated` from REST calls. Refresh by
    /// OAuth says `shouldLogout`. A new login works, its tokens do not.
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
    /// The user id of its token or cookie, if that was valid, or of the login it dealt with.
    pub user: Option<String>,
    /// The model it asked for, if it was a stream.
    pub model: Option<String>,
    /// Request headers that say who the client is and how it speaks; never credentials.
    pub headers: BTreeMap<&'static str, String>,
    /// The cookies of file sync, if it was a call for code completion or file sync.
    pub cookies: Option<SentCookies>,
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

    /// Changes what account calls tell about an account, from the next call on. Replaces what was
    /// set before.
    pub fn set_profile(&self, user_id: &str, overrides: ProfileOverrides) {
        self.0.set_profile(user_id, overrides);
    }

    /// Refuses exactly this token or API key from the next call on; of the revoked, the newest
    /// 10,000 are remembered.
    pub fn revoke_token(&self, token: &str) {
        self.0.revoke(token);
    }

    /// Approves a browser login as its page would. `false` if no login waits under this id or the
    /// user id has not the form of one.
    pub fn approve_login(&self, uuid: &str, user_id: &str) -> bool {
        let now = SystemTime::now();
        tokens::is_user_id(user_id) && self.0.logins(|logins| logins.approve(uuid, user_id, now))
    }

    /// The ids of the logins whose page was opened and that wait for approval, oldest first. A
    /// login is forgotten after ten minutes; at most 1000 are kept.
    #[must_use]
    pub fn logins_waiting(&self) -> Vec<String> {
        self.0.logins(|logins| logins.waiting(SystemTime::now()))
    }

    /// The newest calls, at most 1000, oldest first.
    #[must_use]
    pub fn calls(&self) -> Vec<CallRecord> {
        self.0.calls()
    }

    /// Streams that run now: chat, agent and completion.
    #[must_use]
    pub fn active_streams(&self) -> usize {
        self.0.active_streams()
    }

    /// Completion streams that run now.
    #[must_use]
    pub fn active_completions(&self) -> usize {
        self.0.active_completions()
    }

    /// What became of the calls that carried this tag; `None` if none did. The newest 10,000 tags
    /// are remembered.
    #[must_use]
    pub fn tag(&self, name: &str) -> Option<TagCounts> {
        self.0.tag_counts(name)
    }

    /// The copy of a file, as a user's client key and the file's `uuid` name it. Looking at it
    /// counts as use.
    #[must_use]
    pub fn synced_file(&self, user_id: &str, client_key: &str, uuid: &str) -> Option<SyncedFile> {
        self.0.sync.files().get(user_id, &tokens::fingerprint(client_key), uuid)
    }

    /// All copies of a user's files, under any client key, the one used longest ago first.
    #[must_use]
    pub fn synced_files(&self, user_id: &str) -> Vec<SyncedFile> {
        self.0.sync.files().of(user_id)
    }

    /// The newest reports of what became of suggestions, at most 1000, oldest first.
    #[must_use]
    pub fn fates(&self) -> Vec<CompletionFate> {
        self.0.fates.all()
    }

    /// Open TCP connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections()
    }

    /// The most streams that ever ran on one connection at the same time.
    #[must_use]
    pub fn peak_streams_per_connection(&self) -> usize {
        self.0.peak_streams_per_connection()
    }
}
