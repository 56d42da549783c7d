//! What the roster is told and what it answers.

use std::num::{NonZeroU32, NonZeroUsize};
use std::time::Duration;

use crate::id::{AccountId, Alias, KeyId, UnixMs, WayName};
use crate::record::Mark;

/// How the accounts are used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolPolicy {
    pub rotation: Rotation,
    /// Size of the active set, for the rotations that have one.
    pub active: NonZeroUsize,
    /// Answers in progress at once per account.
    pub concurrency: Option<NonZeroU32>,
    /// Between two starts on one account; zero: none.
    pub pace: Duration,
}

impl Default for PoolPolicy {
    fn default() -> Self {
        const ACTIVE: NonZeroUsize = NonZeroUsize::MIN.saturating_add(2);
        Self { rotation: Rotation::Sticky, active: ACTIVE, concurrency: None, pace: Duration::ZERO }
    }
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rotation {
    /// The active set takes turns; another account is drawn only when one of it is out.
    Fixed,
    /// All take turns.
    RoundRobin,
    /// The one with the fewest answers in progress.
    LeastBusy,
    /// The one that served the conversation before, else the least busy of the active set.
    Sticky,
}

impl Rotation {
    pub const ALL: [Self; 4] = [Self::Fixed, Self::RoundRobin, Self::LeastBusy, Self::Sticky];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fixed => "fixed",
            Self::RoundRobin => "round_robin",
            Self::LeastBusy => "least_busy",
            Self::Sticky => "sticky",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rotation| rotation.as_str() == text)
    }
}

/// What the roster must know of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub id: AccountId,
    pub alias: Alias,
    pub enabled: bool,
    /// The key that alone may use it.
    pub owner: Option<KeyId>,
    pub mark: Option<Mark>,
    /// How its calls leave.
    pub way: WayName,
}

/// Which accounts a request may be served by. Only `One` gives an owned account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    Any,
    One(AccountId),
    /// Aliases or globs of them; an empty list allows none.
    Named(Vec<String>),
}

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub struct Want<'a> {
    pub model: &'a str,
    pub choice: &'a Choice,
    /// The account that served the conversation before and has its beginning in a cache.
    pub preferred: Option<AccountId>,
    /// Accounts that this request failed on already.
    pub tried: &'a [AccountId],
    /// The request's own way instead of the account's.
    pub way: Option<&'a WayName>,
}

/// The account that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selected {
    pub id: AccountId,
    /// It is not known to be well: it failed before, or its way did.
    pub probe: bool,
}

/// Why no account was chosen. `again`: the earliest instant at which this may be different; not
/// known when it hangs on answers in progress or on the operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unavailable {
    /// All that are well are full or paced: worth waiting for.
    Busy { again: Option<UnixMs> },
    /// None is there at all for this request, or all were tried.
    Nobody,
    /// All that may serve are disabled, marked, resting or behind a way that is down.
    Out { again: Option<UnixMs> },
}

/// What an attempt says about its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Served,
    /// The request or the client was at fault; nothing is learnt.
    Blameless,
    /// This account, for this model, for now.
    RateLimited {
        pause: Option<Duration>,
    },
    /// Trouble with quota or credential: the whole account rests until somebody has looked at it.
    Suspect,
    /// The way is to blame.
    NetworkTrouble,
}

/// An account's state for the administrator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberState {
    /// In the active set; under a rotation over all: neither disabled, marked nor resting.
    pub active: bool,
    /// Answers in progress.
    pub in_use: u32,
    /// Starts since the account was put in.
    pub started: u64,
    pub coolings: Vec<Cooling>,
    /// As it was put in, over or not.
    pub mark: Option<Mark>,
}

/// A rest that is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooling {
    /// `None`: for everything.
    pub model: Option<String>,
    pub until: UnixMs,
}
