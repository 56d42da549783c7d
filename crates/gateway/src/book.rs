//! The accounts while the gateway runs: one collection in memory, told to the store before it
//! changes.
//!
//! A change is drawn up as a [`Draft`], made durable as one transaction, and only then seen by
//! others. Changes come one after the other; readers never wait.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accounts::{AccountId, AccountRecord, Alias, Credential, PoolPolicy, Roster};
use arc_swap::ArcSwap;
use secrecy::ExposeSecret as _;
use store::{Change, Snapshot, Store, StoreError};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;
use upstream::profile::Profile;

use crate::account::Account;

/// All accounts, by number and by name.
#[derive(Debug, Default, Clone)]
pub(crate) struct Accounts {
    by_id: BTreeMap<AccountId, Arc<Account>>,
    by_alias: HashMap<Alias, AccountId>,
}

impl Accounts {
    pub(crate) fn get(&self, id: AccountId) -> Option<&Arc<Account>> {
        self.by_id.get(&id)
    }

    pub(crate) fn find(&self, alias: &Alias) -> Option<&Arc<Account>> {
        self.by_alias.get(alias).and_then(|id| self.by_id.get(id))
    }

    /// In the order of their numbers.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.by_id.values()
    }

    /// Those of the operator; the others belong to a key each.
    pub(crate) fn pooled(&self) -> impl Iterator<Item = &Arc<Account>> {
        self.iter().filter(|account| account.record().owner.is_none())
    }

    fn put(&mut self, account: Arc<Account>, before: Option<&Alias>) {
        if let Some(before) = before
            && self.by_alias.get(before) == Some(&account.id)
        {
            self.by_alias.remove(before);
        }
        self.by_alias.insert(account.alias(), account.id);
        self.by_id.insert(account.id, account);
    }

    fn remove(&mut self, id: AccountId) {
        if let Some(account) = self.by_id.remove(&id)
            && self.by_alias.get(&account.alias()) == Some(&id)
        {
            self.by_alias.remove(&account.alias());
        }
    }
}

/// The accounts, whose turn it is, and where they are kept.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) store: Arc<dyn Store>,
    accounts: ArcSwap<Accounts>,
    roster: Mutex<Roster>,
    /// Told whenever an account was given back or changed.
    pub(crate) freed: Notify,
    /// Held by the one who changes; the next account's number.
    changing: Arc<tokio::sync::Mutex<u64>>,
    tasks: TaskTracker,
}

impl Book {
    /// A record whose primary token is none any more (an old version took it, say) is left out, and
    /// the log says so.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        snapshot: &Snapshot,
        policy: PoolPolicy,
        tasks: TaskTracker,
    ) -> Self {
        let mut profiles: HashMap<AccountId, Profile> = snapshot
            .profiles
            .iter()
            .filter_map(|(id, json)| Some((*id, serde_json::from_str(json).ok()?)))
            .collect();
        let mut accounts = Accounts::default();
        let mut roster = Roster::new(policy);
        for record in &snapshot.accounts {
            let credential = match Credential::parse(record.tokens.primary.expose_secret()) {
                Ok(credential) => credential,
                Err(error) => {
                    tracing::error!(account = %record.alias, %error, "kept account left out");
                    continue;
                }
            };
            let profile = profiles.remove(&record.id).unwrap_or_default();
            let account = Arc::new(Account::new(record.clone(), credential, profile));
            roster.put(account.member());
            accounts.put(account, None);
        }
        Self {
            store,
            accounts: ArcSwap::from_pointee(accounts),
            roster: Mutex::new(roster),
            freed: Notify::new(),
            changing: Arc::new(tokio::sync::Mutex::new(snapshot.next_account.max(1))),
            tasks,
        }
    }

    pub(crate) fn accounts(&self) -> Arc<Accounts> {
        self.accounts.load_full()
    }

    pub(crate) fn get(&self, id: AccountId) -> Option<Arc<Account>> {
        self.accounts.load().get(id).cloned()
    }

    pub(crate) fn find(&self, alias: &Alias) -> Option<Arc<Account>> {
        self.accounts.load().find(alias).cloned()
    }

    pub(crate) fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws up a change, makes it durable, and then makes it seen. `also` goes into the same
    /// transaction.
    ///
    /// Once drawn up it is carried out even when the caller leaves: otherwise the store would hold
    /// what nobody here knows of, and the next account would get a number that is taken.
    pub(crate) async fn change<R, E: From<StoreError>>(
        self: &Arc<Self>,
        draw: impl FnOnce(&mut Draft) -> Result<(R, Vec<Change>), E>,
    ) -> Result<R, E> {
        let mut next = Arc::clone(&self.changing).lock_owned().await;
        let mut draft = Draft {
            accounts: self.accounts(),
            puts: BTreeMap::new(),
            names: HashMap::new(),
            removed: BTreeSet::new(),
            profiles: BTreeMap::new(),
            next: *next,
        };
        let (result, also) = draw(&mut draft)?;
        let mut changes = draft.changes();
        changes.extend(also);
        if changes.is_empty() {
            return Ok(result);
        }
        let book = Arc::clone(self);
        let carried_out = self.tasks.spawn(async move {
            book.store.apply(changes).await?;
            *next = draft.next;
            book.show(draft);
            Ok(())
        });
        let gone = |_| Err(StoreError::Unavailable("the change was given up".to_owned()));
        carried_out.await.unwrap_or_else(gone)?;
        Ok(result)
    }

    fn show(&self, draft: Draft) {
        let Draft { accounts, puts, names: _, removed, profiles, next: _ } = draft;
        if puts.is_empty() && removed.is_empty() && profiles.is_empty() {
            return;
        }
        let mut after = Accounts::clone(&accounts);
        drop(accounts);
        let mut roster = self.roster();
        for id in removed {
            after.remove(id);
            roster.remove(id);
        }
        for (id, Put { record, credential }) in puts {
            match after.get(id).cloned() {
                Some(account) => {
                    let before = account.alias();
                    account.replace(record, credential);
                    roster.put(account.member());
                    after.put(account, Some(&before));
                }
                None => {
                    let account = Arc::new(Account::new(record, credential, Profile::default()));
                    roster.put(account.member());
                    after.put(account, None);
                }
            }
        }
        for (id, profile) in profiles {
            if let Some(account) = after.get(id) {
                account.profile.store(Arc::new(profile));
            }
        }
        // Before the roster is let go: what it chooses must be found.
        self.accounts.store(Arc::new(after));
        drop(roster);
        self.freed.notify_waiters();
    }
}

struct Put {
    record: AccountRecord,
    credential: Credential,
}

/// A change that is being drawn up.
pub(crate) struct Draft {
    accounts: Arc<Accounts>,
    puts: BTreeMap<AccountId, Put>,
    /// Of those in `puts`. While two swap theirs, the one that was put last has a name.
    names: HashMap<Alias, AccountId>,
    removed: BTreeSet<AccountId>,
    profiles: BTreeMap<AccountId, Profile>,
    next: u64,
}

impl Draft {
    /// A number that no account ever had.
    pub(crate) fn new_id(&mut self) -> AccountId {
        let id = AccountId(self.next);
        self.next += 1;
        id
    }

    pub(crate) fn record(&self, id: AccountId) -> Option<AccountRecord> {
        if let Some(put) = self.puts.get(&id) {
            return Some(put.record.clone());
        }
        if self.removed.contains(&id) {
            return None;
        }
        self.accounts.get(id).map(|account| AccountRecord::clone(&account.record()))
    }

    pub(crate) fn find(&self, alias: &Alias) -> Option<AccountId> {
        if let Some(id) = self.names.get(alias) {
            return Some(*id);
        }
        let id = self.accounts.find(alias)?.id;
        // One that goes, or gets another name, leaves its own free.
        (!self.removed.contains(&id) && !self.puts.contains_key(&id)).then_some(id)
    }

    /// Those of the operator, as they will be.
    pub(crate) fn pooled(&self) -> Vec<AccountId> {
        let mut ids: BTreeSet<AccountId> = self
            .accounts
            .pooled()
            .map(|account| account.id)
            .filter(|id| !self.removed.contains(id))
            .collect();
        ids.extend(self.puts.iter().filter(|(_, p)| p.record.owner.is_none()).map(|(id, _)| *id));
        ids.into_iter().collect()
    }

    pub(crate) fn put(&mut self, record: AccountRecord, credential: Credential) {
        self.removed.remove(&record.id);
        self.forget_name(record.id);
        self.names.insert(record.alias.clone(), record.id);
        self.puts.insert(record.id, Put { record, credential });
    }

    /// A change of what is not the credential. `None` when there is no such account.
    pub(crate) fn alter(
        &mut self,
        id: AccountId,
        alter: impl FnOnce(&mut AccountRecord),
    ) -> Option<()> {
        let mut record = self.record(id)?;
        alter(&mut record);
        let credential = match self.puts.get(&id) {
            Some(put) => put.credential.clone(),
            None => self.accounts.get(id)?.facts().credential.clone(),
        };
        self.put(record, credential);
        Some(())
    }

    pub(crate) fn put_profile(&mut self, id: AccountId, profile: Profile) {
        self.profiles.insert(id, profile);
    }

    pub(crate) fn remove(&mut self, id: AccountId) {
        self.forget_name(id);
        self.puts.remove(&id);
        self.profiles.remove(&id);
        if self.accounts.get(id).is_some() {
            self.removed.insert(id);
        }
    }

    fn forget_name(&mut self, id: AccountId) {
        if let Some(put) = self.puts.get(&id)
            && self.names.get(&put.record.alias) == Some(&id)
        {
            self.names.remove(&put.record.alias);
        }
    }

    fn changes(&self) -> Vec<Change> {
        let removed = self.removed.iter().map(|id| Change::RemoveAccount(*id));
        let puts = self.puts.values().map(|put| Change::PutAccount(Box::new(put.record.clone())));
        let profiles = self.profiles.iter().map(|(id, profile)| {
            Change::PutProfile(*id, serde_json::to_string(profile).unwrap_or_default())
        });
        removed.chain(puts).chain(profiles).collect()
    }
}
