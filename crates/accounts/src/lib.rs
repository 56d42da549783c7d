//! The accounts an operator puts in: what their credentials are, which one serves the next turn,
//! and who is resting after a failure. And the keys of clients: their forms, and what each may use.
//!
//! All of it is values and pure functions: no HTTP, SQL, protobuf, async or clock. The instant is
//! always an argument.

mod credential;
pub mod glob;
mod id;
mod key;
mod limits;
#[cfg(test)]
mod random;
mod record;
mod roster;
mod texts;

pub use credential::{Claims, Credential, MalformedCredential, SessionToken, UserApiKey};
pub use id::{AccountId, Alias, KeyId, ProxyName, UnixMs, WayName};
pub use key::{ClientKey, KeyProblem, KeyRing, KeySecret, LegacyKey, PresentedKey};
pub use limits::{KeyMeter, LimitProblem};
pub use record::{
    AccountRecord, AccountTokens, Budget, Device, Hex64, KeyHash, KeyKind, KeyLimits, KeyOptions,
    KeyRecord, KeyUsage, Mark, MarkKind, Period, ProxyRecord, Region, UpstreamFlow, UsageCheck,
};
pub use roster::{
    Choice, Cooling, Member, MemberState, Outcome, PoolPolicy, Reason, Roster, Rotation, Selected,
    Unavailable, Want,
};
pub use texts::{ABNORMAL_TEXTS, LIMIT_TEXTS, MarkTexts};
