//! The contract without a disk: for tests of what stands on a store, and for trying things out.

use std::collections::{BTreeMap, VecDeque};
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::{AccountId, AccountRecord, KeyId, KeyRecord, KeyUsage, ProxyName, ProxyRecord};

use crate::{Change, Snapshot, Store, StoreError, StoreFuture};

/// A store that forgets everything with the process.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    kept: Kept,
    failures: VecDeque<StoreError>,
}

#[derive(Debug, Clone, Default)]
struct Kept {
    accounts: BTreeMap<AccountId, AccountRecord>,
    profiles: BTreeMap<AccountId, String>,
    next_account: Option<u64>,
    proxies: BTreeMap<ProxyName, ProxyRecord>,
    general_proxy: Option<ProxyName>,
    keys: BTreeMap<KeyId, KeyRecord>,
    usage: BTreeMap<KeyId, KeyUsage>,
}

impl MemoryStore {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next call fail that no earlier failure is waiting for.
    pub fn fail_next(&self, error: StoreError) {
        self.state().failures.push_back(error);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Changes are made to a copy, so a panic leaves a whole state behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn load(&self) -> StoreFuture<'_, Snapshot> {
        Box::pin(async {
            let mut state = self.state();
            state.failures.pop_front().map_or_else(|| Ok(state.kept.snapshot()), Err)
        })
    }

    fn apply(&self, changes: Vec<Change>) -> StoreFuture<'_, ()> {
        Box::pin(async {
            let mut state = self.state();
            if let Some(error) = state.failures.pop_front() {
                return Err(error);
            }
            let mut kept = state.kept.clone();
            for change in changes {
                kept.make(change);
            }
            kept.check()?;
            state.kept = kept;
            Ok(())
        })
    }
}

impl Kept {
    fn make(&mut self, change: Change) {
        match change {
            Change::PutAccount(account) => {
                let above = account.id.0.saturating_add(1);
                self.next_account = self.next_account.max(Some(above));
                self.accounts.insert(account.id, *account);
            }
            Change::RemoveAccount(id) => {
                self.accounts.remove(&id);
                self.profiles.remove(&id);
            }
            Change::PutProfile(id, body) => {
                if self.accounts.contains_key(&id) {
                    self.profiles.insert(id, body);
                }
            }
            Change::PutProxy(proxy) => {
                self.proxies.insert(proxy.name.clone(), proxy);
            }
            Change::RemoveProxy(name) => {
                self.proxies.remove(&name);
            }
            Change::SetGeneralProxy(name) => self.general_proxy = name,
            Change::PutKey(key) => {
                self.keys.insert(key.id.clone(), *key);
            }
            Change::RemoveKey(id) => {
                self.keys.remove(&id);
                self.usage.remove(&id);
            }
            Change::PutKeyUsage(usage) => {
                if self.keys.contains_key(&usage.key) {
                    self.usage.insert(usage.key.clone(), usage);
                }
            }
        }
    }

    fn check(&self) -> Result<(), StoreError> {
        let aliases = self.accounts.values().map(|account| &account.alias);
        if let Some(alias) = held_twice(aliases) {
            return Err(StoreError::Conflict(format!(
                "an account with the alias {:?}",
                alias.as_str()
            )));
        }
        match held_twice(self.keys.values().map(|key| key.hash)) {
            Some(_) => Err(StoreError::Conflict("a key with the same secret".to_owned())),
            None => Ok(()),
        }
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot {
            accounts: self.accounts.values().cloned().collect(),
            profiles: self.profiles.iter().map(|(id, body)| (*id, body.clone())).collect(),
            next_account: self.next_account.unwrap_or(1),
            proxies: self.proxies.values().cloned().collect(),
            general_proxy: self.general_proxy.clone(),
            keys: self.keys.values().cloned().collect(),
            key_usage: self.usage.values().cloned().collect(),
        }
    }
}

fn held_twice<T: Hash + Eq>(names: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = std::collections::HashSet::new();
    for name in names {
        if seen.contains(&name) {
            return Some(name);
        }
        seen.insert(name);
    }
    None
}
