//! What is kept of accounts, proxies and client keys: plain values, complete and validated.
//!
//! Secrets are [`SecretString`]; the store encrypts exactly those.

use secrecy::SecretString;
use uuid::Uuid;

use crate::id::{AccountId, Alias, KeyId, ProxyName, UnixMs};

/// An account as it is kept.
#[derive(Debug, Clone)]
pub struct AccountRecord {
    pub id: AccountId,
    pub alias: Alias,
    pub tokens: AccountTokens,
    pub device: Device,
    /// Overrides the general proxy.
    pub proxy: Option<ProxyName>,
    /// IANA name; overrides `upstream.timezone`.
    pub timezone: Option<String>,
    /// Where code completion is asked for.
    pub region: Option<Region>,
    /// Overrides `upstream.flow`.
    pub flow: Option<UpstreamFlow>,
    pub enabled: bool,
    /// The client key that brought this account along and alone may use it.
    pub owner: Option<KeyId>,
    /// SHA-256 of the credential as the settings declare it, for accounts that come from there: a
    /// refreshed token must not be overwritten by the old one at the next start.
    pub declared: Option<[u8; 32]>,
    pub mark: Option<Mark>,
}

/// What an account proves itself with; kept byte for byte.
#[derive(Debug, Clone)]
pub struct AccountTokens {
    /// Session token, web token (until it is upgraded) or user API key.
    pub primary: SecretString,
    /// A web token of the same user, for what the web site alone tells.
    pub secondary: Option<SecretString>,
    /// Renews the primary token.
    pub refresh: Option<SecretString>,
}

/// The ids an account is known to the upstream by (`reference/upstream-protocol.md` §5.1–5.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// `checksum.first`.
    pub machine_id: Hex64,
    /// `checksum.second`.
    pub mac_machine_id: Hex64,
    /// `x-client-key`; none sends none.
    pub client_key: Option<Hex64>,
    pub session_id: Option<Uuid>,
    pub config_version: Option<Uuid>,
}

/// 64 lower-case hex characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Hex64(String);

impl Hex64 {
    /// `None` unless the text has 64 hex characters; capitals become small.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let legal = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        legal.then(|| Self(text.to_ascii_lowercase()))
    }

    #[must_use]
    pub fn of(bytes: [u8; 32]) -> Self {
        use std::fmt::Write as _;
        Self(bytes.iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        }))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where code completion is asked for (`gcpp_host`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    Asia,
    Eu,
    Us,
}

impl Region {
    pub const ALL: [Self; 3] = [Self::Asia, Self::Eu, Self::Us];

    /// `Asia`, `EU`, `US`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asia => "Asia",
            Self::Eu => "EU",
            Self::Us => "US",
        }
    }

    /// Capitals do not matter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|region| region.as_str().eq_ignore_ascii_case(text))
    }
}

/// Which of the upstream's two protocols an account is served by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamFlow {
    Agent,
    Chat,
}

impl UpstreamFlow {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Chat => "chat",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Agent, Self::Chat].into_iter().find(|flow| flow.as_str() == text)
    }
}

/// Why an account is out of the pool although it is enabled. Confirmed: no request goes to it until
/// the mark ends, is cleared by hand, or a look at the account shows that it is well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    pub kind: MarkKind,
    /// The upstream's words or ours; holds no secret.
    pub reason: String,
    pub since: UnixMs,
    /// `None`: until somebody acts or it is seen to be well.
    pub until: Option<UnixMs>,
}

impl Mark {
    /// Whether it holds at this instant.
    #[must_use]
    pub fn holds(&self, now: UnixMs) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// The plan is used up.
    Limit,
    /// The credential is not accepted, or the account is blocked.
    Abnormal,
}

impl MarkKind {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Abnormal => "abnormal",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Limit, Self::Abnormal].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// An outbound proxy as it is kept.
#[derive(Debug, Clone)]
pub struct ProxyRecord {
    pub name: ProxyName,
    /// `non`, `sys` or a URL, which may hold a password.
    pub address: SecretString,
}

/// A client key as it is kept. The key itself is not: only its hash.
#[derive(Debug, Clone)]
pub struct KeyRecord {
    pub id: KeyId,
    pub name: String,
    pub kind: KeyKind,
    /// Of the key's 24 secret bytes, which all its forms hold ([`crate::KeySecret::hash`]).
    pub hash: KeyHash,
    /// The key before the last rotation, and until when it still works.
    pub previous: Option<(KeyHash, UnixMs)>,
    pub created: UnixMs,
    pub expires: Option<UnixMs>,
    /// Since when it is not accepted any more.
    pub revoked: Option<UnixMs>,
    pub options: KeyOptions,
    pub limits: KeyLimits,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(pub [u8; 32]);

impl std::fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// Made by `/build-key` around an account of its own.
    Built { account: AccountId },
    /// Made by the operator for the pool's accounts.
    Managed,
}

/// How the requests of a key are served. `None` leaves it to the account or the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyOptions {
    pub proxy: Option<ProxyName>,
    /// IANA name.
    pub timezone: Option<String>,
    pub region: Option<Region>,
    /// Requests with pictures are refused.
    pub disable_vision: bool,
    /// Whether the upstream may put requests into its slow queue when the plan is used up.
    pub slow_pool: Option<bool>,
    /// Whether the sources of a web search end the answer as a list.
    pub web_references: Option<bool>,
    pub usage_check: UsageCheck,
    /// Whether what is said goes into the request log.
    pub log_content: Option<bool>,
}

/// For which models the upstream is asked what a finished turn has cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum UsageCheck {
    /// As the settings say.
    #[default]
    Default,
    Disabled,
    All,
    Models(Vec<String>),
}

/// What a key may do, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyLimits {
    /// Globs (`claude-*`); none allows all.
    pub models: Vec<String>,
    /// Aliases or globs of them; none allows the whole pool.
    pub accounts: Vec<String>,
    pub requests_per_minute: Option<u32>,
    pub tokens_per_minute: Option<u64>,
    /// Answers in progress at once.
    pub concurrency: Option<u32>,
    pub budget: Option<Budget>,
}

/// Tokens, in and out, that may be used in a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub tokens: u64,
    pub period: Period,
}

/// Periods begin at midnight UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Day,
    /// Begins on the first day.
    Month,
    Ever,
}

impl Period {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Ever => "ever",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Day, Self::Month, Self::Ever].into_iter().find(|period| period.as_str() == text)
    }
}

/// What a key has used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyUsage {
    pub key: KeyId,
    /// Since it was made.
    pub requests: u64,
    pub tokens: u64,
    /// Tokens of the budget's period that began at `period_start`.
    pub period_tokens: u64,
    pub period_start: UnixMs,
    pub last_used: Option<UnixMs>,
}
