//! The unit of work and the whole of what is kept.

use accounts::{AccountId, AccountRecord, KeyId, KeyRecord, KeyUsage, ProxyName, ProxyRecord};

/// One step of a transaction. `Put` inserts or replaces by id; `Remove` of what is not there does
/// nothing. References between records (an account's proxy, a key's account) are the caller's
/// business.
#[derive(Debug, Clone)]
pub enum Change {
    PutAccount(Box<AccountRecord>),
    /// With its profile.
    RemoveAccount(AccountId),
    /// What the upstream tells of an account, as JSON that only its writer understands. That of an
    /// account that was removed meanwhile is dropped.
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

/// Everything that is kept. Accounts and profiles by account id, proxies by name, keys and their
/// usage by key id.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    pub accounts: Vec<AccountRecord>,
    pub profiles: Vec<(AccountId, String)>,
    /// Above every account id that was ever given; 1 in a new store.
    pub next_account: u64,
    pub proxies: Vec<ProxyRecord>,
    pub general_proxy: Option<ProxyName>,
    pub keys: Vec<KeyRecord>,
    pub key_usage: Vec<KeyUsage>,
}
