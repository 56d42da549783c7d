//! What the simulator remembers between calls: records, tags, usage, conversations.
//!
//! Everything is bounded. Internal; tests use [`crate::Control`].

mod bounded;
mod tags;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

pub(crate) use bounded::Bounded;
pub(crate) use tags::Tag;
pub use tags::TagCounts;
use tokio_util::sync::CancellationToken;

use crate::account::login::Logins;
use crate::account::profile::{Profile, ProfileOverrides};
use crate::completion::Fates;
use crate::config::Config;
use crate::control::{AccountBehaviour, CallOutcome, CallRecord};
use crate::{filesync, tokens};

const CALLS: usize = 1000;
const REMEMBERED: usize = 10_000;

/// Tokens of one finished stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    pub(crate) input: i64,
    pub(crate) output: i64,
}

/// The state shared by all connections.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) config: Config,
    /// Copies of files and the load balancer's cookies.
    pub(crate) sync: filesync::Memory,
    /// What became of suggestions.
    pub(crate) fates: Fates,
    active: AtomicUsize,
    /// Of the active streams, those of code completion.
    completions: AtomicUsize,
    connections: AtomicUsize,
    peak: AtomicUsize,
    /// Tokens given out so far.
    issued: AtomicU64,
    started: SystemTime,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    accounts: HashMap<String, AccountBehaviour>,
    profiles: HashMap<String, ProfileOverrides>,
    /// By the hash of the token.
    revoked: Bounded<()>,
    logins: Logins,
    calls: VecDeque<CallRecord>,
    /// Sequence number of the oldest record kept.
    oldest: u64,
    tags: Bounded<Arc<Tag>>,
    usages: Bounded<Usage>,
    conversations: Bounded<i64>,
}

impl State {
    pub(crate) fn new(config: Config) -> Self {
        let inner = Inner {
            accounts: HashMap::new(),
            profiles: HashMap::new(),
            revoked: Bounded::new(REMEMBERED),
            logins: Logins::default(),
            calls: VecDeque::new(),
            oldest: 0,
            tags: Bounded::new(REMEMBERED),
            usages: Bounded::new(REMEMBERED),
            conversations: Bounded::new(REMEMBERED),
        };
        Self {
            config,
            sync: filesync::Memory::default(),
            fates: Fates::default(),
            active: AtomicUsize::new(0),
            completions: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            issued: AtomicU64::new(0),
            started: SystemTime::now(),
            inner: Mutex::new(inner),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves counters at worst one off.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_account(&self, user: &str, behaviour: AccountBehaviour) {
        self.inner().accounts.insert(user.to_owned(), behaviour);
    }

    pub(crate) fn account(&self, user: &str) -> AccountBehaviour {
        self.inner().accounts.get(user).cloned().unwrap_or_default()
    }

    pub(crate) fn set_profile(&self, user: &str, overrides: ProfileOverrides) {
        self.inner().profiles.insert(user.to_owned(), overrides);
    }

    /// What account calls tell about an account now.
    pub(crate) fn profile(&self, user: &str) -> Profile {
        let inner = self.inner();
        let overrides = inner.profiles.get(user).cloned().unwrap_or_default();
        let behaviour = inner.accounts.get(user).cloned().unwrap_or_default();
        Profile::of(user, &overrides, &behaviour, self.started)
    }

    pub(crate) fn revoke(&self, token: &str) {
        self.inner().revoked.insert(&tokens::fingerprint(token), ());
    }

    pub(crate) fn is_revoked(&self, token: &str) -> bool {
        let inner = self.inner();
        !inner.revoked.is_empty() && inner.revoked.get(&tokens::fingerprint(token)).is_some()
    }

    /// A number that no other token was given out with.
    pub(crate) fn next_issue(&self) -> u64 {
        self.issued.fetch_add(1, Relaxed) + 1
    }

    /// Works on the logins that wait.
    pub(crate) fn logins<T>(&self, work: impl FnOnce(&mut Logins) -> T) -> T {
        work(&mut self.inner().logins)
    }

    pub(crate) fn calls(&self) -> Vec<CallRecord> {
        self.inner().calls.iter().cloned().collect()
    }

    /// Notes a call; gives its sequence number.
    pub(crate) fn note_call(&self, record: CallRecord) -> u64 {
        let mut inner = self.inner();
        if inner.calls.len() == CALLS {
            inner.calls.pop_front();
            inner.oldest += 1;
        }
        inner.calls.push_back(record);
        inner.oldest + inner.calls.len() as u64 - 1
    }

    /// Changes the record of a call, if it is still kept.
    pub(crate) fn update_call(&self, sequence: u64, change: impl FnOnce(&mut CallRecord)) {
        let mut inner = self.inner();
        let at = sequence.checked_sub(inner.oldest).and_then(|at| usize::try_from(at).ok());
        if let Some(record) = at.and_then(|at| inner.calls.get_mut(at)) {
            change(record);
        }
    }

    pub(crate) fn finish_call(&self, sequence: u64, outcome: CallOutcome) {
        self.update_call(sequence, |record| record.outcome = outcome);
    }

    /// The counters of a tag; made if new.
    pub(crate) fn tag(&self, name: &str) -> Arc<Tag> {
        Arc::clone(self.inner().tags.get_or_insert_with(name, Arc::default))
    }

    /// The counters of a tag, if any call had it.
    pub(crate) fn tag_counts(&self, name: &str) -> Option<TagCounts> {
        self.inner().tags.get(name).map(|tag| tag.counts())
    }

    /// The `stats` text of a tag.
    pub(crate) fn stats(&self, name: &str) -> String {
        TagCounts::text(self.tag_counts(name))
    }

    pub(crate) fn set_usage(&self, usage_uuid: &str, usage: Usage) {
        self.inner().usages.insert(usage_uuid, usage);
    }

    pub(crate) fn usage(&self, usage_uuid: &str) -> Option<Usage> {
        self.inner().usages.get(usage_uuid).copied()
    }

    /// Notes the prompt size of a conversation; gives the one noted before.
    pub(crate) fn note_conversation(&self, id: &str, input: i64) -> Option<i64> {
        self.inner().conversations.insert(id, input)
    }

    pub(crate) fn active_streams(&self) -> usize {
        self.active.load(Relaxed)
    }

    pub(crate) fn active_completions(&self) -> usize {
        self.completions.load(Relaxed)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Relaxed)
    }

    pub(crate) fn peak_streams_per_connection(&self) -> usize {
        self.peak.load(Relaxed)
    }
}

/// One TCP connection; counted while it lives.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) state: Arc<State>,
    /// Closes the connection at once.
    pub(crate) cut: CancellationToken,
    streams: AtomicUsize,
}

impl Connection {
    pub(crate) fn open(state: Arc<State>) -> Arc<Self> {
        state.connections.fetch_add(1, Relaxed);
        Arc::new(Self { state, cut: CancellationToken::new(), streams: AtomicUsize::new(0) })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.state.connections.fetch_sub(1, Relaxed);
    }
}

/// What a stream is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Chat,
    Completion,
}

/// One running stream; counted while it lives.
#[derive(Debug)]
pub(crate) struct ActiveStream {
    connection: Arc<Connection>,
    kind: StreamKind,
}

impl ActiveStream {
    pub(crate) fn open(connection: Arc<Connection>, kind: StreamKind) -> Self {
        connection.state.active.fetch_add(1, Relaxed);
        if kind == StreamKind::Completion {
            connection.state.completions.fetch_add(1, Relaxed);
        }
        let now = connection.streams.fetch_add(1, Relaxed) + 1;
        connection.state.peak.fetch_max(now, Relaxed);
        Self { connection, kind }
    }
}

impl Drop for ActiveStream {
    fn drop(&mut self) {
        self.connection.streams.fetch_sub(1, Relaxed);
        self.connection.state.active.fetch_sub(1, Relaxed);
        if self.kind == StreamKind::Completion {
            self.connection.state.completions.fetch_sub(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn record(path: &str) -> CallRecord {
        CallRecord {
            path: path.into(),
            user: None,
            model: None,
            headers: BTreeMap::new(),
            cookies: None,
            outcome: CallOutcome::Running,
        }
    }

    #[test]
    fn the_ring_keeps_the_newest_calls() {
        let state = State::new(Config::default());
        let first = state.note_call(record("first"));
        for number in 0..CALLS {
            state.note_call(record(&number.to_string()));
        }
        let last = state.note_call(record("last"));
        state.finish_call(first, CallOutcome::Failed);
        state.finish_call(last, CallOutcome::Completed);
        let calls = state.calls();
        assert_eq!(calls.len(), CALLS);
        assert_eq!(calls[CALLS - 1].outcome, CallOutcome::Completed);
        assert!(calls[..CALLS - 1].iter().all(|call| call.outcome == CallOutcome::Running));
    }

    #[test]
    fn connections_and_streams_are_counted_while_they_live() {
        let state = Arc::new(State::new(Config::default()));
        let connection = Connection::open(Arc::clone(&state));
        let one = ActiveStream::open(Arc::clone(&connection), StreamKind::Chat);
        let two = ActiveStream::open(Arc::clone(&connection), StreamKind::Completion);
        assert_eq!((state.connections(), state.active_streams()), (1, 2));
        assert_eq!(state.active_completions(), 1);
        drop((one, two, connection));
        assert_eq!((state.connections(), state.active_streams()), (0, 0));
        assert_eq!(state.active_completions(), 0);
        assert_eq!(state.peak_streams_per_connection(), 2);
    }
}
