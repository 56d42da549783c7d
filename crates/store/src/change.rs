//! The unit of work and the whole of what is kept.

use accounts::{AccountId, AccountRecord, KeyId, KeyRecord, KeyUsage, ProxyName, ProxyRecord};

/// One step of a transaction. `Put` inserts or replaces by id.
#[derive(Debug, Clone)]
pub enum Change {
    PutAccount(Box<AccountRecord>),
    /// With its profile.
    RemoveAccount(AccountId),
    /// What the upstream tells of an account, as JSON that only its writer understands.
    PutProfile(AccountId, String),
    PutProxy(ProxyRecord),
    RemoveProxy(ProxyName),
    SetGeneralProxy(Option<ProxyName>),
    PutKey(Box<KeyRecord>),
    /// With its usage.
    RemoveKey(KeyId),
    /// Figures of a key that was removed meanwhile are dropped.
    PutKeyUsage(KeyUsage),
}

/// Everything that is kept. Accounts by id, the rest by name.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub accounts: Vec<AccountRecord>,
    pub profiles: Vec<(AccountId, String)>,
    /// Above every account id that was ever given.
    pub next_account: u64,
    pub proxies: Vec<ProxyRecord>,
    pub general_proxy: Option<ProxyName>,
    pub keys: Vec<KeyRecord>,
    pub key_usage: Vec<KeyUsage>,
}
