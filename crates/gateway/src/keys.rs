//! Client keys while the gateway runs: found by their hash, metered, and told to the store.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use accounts::{
    KeyId, KeyMeter, KeyProblem, KeyRecord, KeyRing, KeyUsage, LegacyKey, LimitProblem,
    PresentedKey, UnixMs,
};
use conversation::{Failure, FailureClass, Retry, Usage};
use secrecy::SecretString;
use store::{Change, Snapshot};
use tokio_util::sync::CancellationToken;

use crate::grant::{Grant, KeyGrant};
use crate::service::{Gateway, Inner};

/// Why a presented key opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    #[error("The API key is not one of this gateway's.")]
    Unknown,
    #[error("The API key has expired.")]
    Expired,
    #[error("The API key was revoked.")]
    Revoked,
    #[error("The API key is damaged: a character is missing or wrong.")]
    Damaged,
    #[error("{}", legacy(.0))]
    Legacy(LegacyKey),
}

fn legacy(key: &LegacyKey) -> &'static str {
    match key {
        LegacyKey::V03 => {
            "This API key was built by version 0.3 or 0.4, whose keys hold the account's token. \
             They are not accepted any more; build a new one with POST /build-key."
        }
        LegacyKey::TokenAndChecksum => {
            "A token with its checksum is not accepted as an API key. Add the account with POST \
             /tokens/add, or build a key for it with POST /build-key."
        }
        LegacyKey::SessionToken => {
            "An account's token is not accepted as an API key. Add the account with POST \
             /tokens/add, or build a key for it with POST /build-key."
        }
    }
}

/// What a key has used, counted while it is used.
#[derive(Debug)]
pub(crate) struct Meter {
    meter: Mutex<KeyMeter>,
    /// Ends the answers that are in progress.
    pub(crate) revoked: CancellationToken,
}

impl Meter {
    fn new(meter: KeyMeter) -> Self {
        Self { meter: Mutex::new(meter), revoked: CancellationToken::new() }
    }

    fn lock(&self) -> MutexGuard<'_, KeyMeter> {
        self.meter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The keys.
#[derive(Debug)]
pub(crate) struct Keys {
    ring: RwLock<KeyRing>,
    meters: Mutex<HashMap<KeyId, Arc<Meter>>>,
    /// Keys whose usage the store has not been told yet.
    unsaved: Mutex<HashSet<KeyId>>,
    pub(crate) changing: tokio::sync::Mutex<()>,
    /// In front of every key's text.
    pub(crate) prefix: String,
}

impl Keys {
    pub(crate) fn new(snapshot: &Snapshot, prefix: String) -> Self {
        let meters = snapshot
            .key_usage
            .iter()
            .map(|usage| {
                (usage.key.clone(), Arc::new(Meter::new(KeyMeter::restore(usage.clone()))))
            })
            .collect();
        Self {
            ring: RwLock::new(KeyRing::new(snapshot.keys.clone())),
            meters: Mutex::new(meters),
            changing: tokio::sync::Mutex::default(),
            unsaved: Mutex::default(),
            prefix,
        }
    }

    pub(crate) fn ring(&self) -> RwLockReadGuard<'_, KeyRing> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn ring_mut(&self) -> RwLockWriteGuard<'_, KeyRing> {
        self.ring.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn meters(&self) -> MutexGuard<'_, HashMap<KeyId, Arc<Meter>>> {
        self.meters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn meter(&self, id: &KeyId) -> Arc<Meter> {
        let mut meters = self.meters();
        if let Some(meter) = meters.get(id) {
            return Arc::clone(meter);
        }
        let meter = Arc::new(Meter::new(KeyMeter::default()));
        meters.insert(id.clone(), Arc::clone(&meter));
        meter
    }

    pub(crate) fn usage(&self, id: &KeyId) -> KeyUsage {
        self.meter(id).lock().usage(id)
    }

    pub(crate) fn forget(&self, id: &KeyId) {
        self.ring_mut().remove(id);
        if let Some(meter) = self.meters().remove(id) {
            meter.revoked.cancel();
        }
    }

    /// Keys that name one of these accounts, with its new name.
    pub(crate) fn renamed(&self, names: &HashMap<String, String>) -> Vec<KeyRecord> {
        let ring = self.ring();
        let named = ring
            .iter()
            .filter(|key| key.limits.accounts.iter().any(|account| names.contains_key(account)));
        named
            .map(|key| {
                let mut key = KeyRecord::clone(key);
                for account in &mut key.limits.accounts {
                    if let Some(new) = names.get(account) {
                        account.clone_from(new);
                    }
                }
                key
            })
            .collect()
    }

    fn authenticate(&self, presented: &str, now: UnixMs) -> Result<Grant, KeyRefusal> {
        let secret = match PresentedKey::parse(presented, &self.prefix) {
            PresentedKey::Secret(secret) => secret,
            PresentedKey::Legacy(kind) => return Err(KeyRefusal::Legacy(kind)),
            PresentedKey::Damaged => return Err(KeyRefusal::Damaged),
            PresentedKey::Unknown => return Err(KeyRefusal::Unknown),
        };
        let found = self.ring().find(&secret.hash(), now).cloned();
        let record = found.map_err(|problem| match problem {
            KeyProblem::Unknown => KeyRefusal::Unknown,
            KeyProblem::Expired => KeyRefusal::Expired,
            KeyProblem::Revoked => KeyRefusal::Revoked,
        })?;
        let meter = self.meter(&record.id);
        Ok(Grant::of_key(record, meter))
    }

    fn note_used(&self, key: &KeyId) {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        if !unsaved.contains(key) {
            unsaved.insert(key.clone());
        }
    }

    /// What the store has not been told yet; of keys that were used alone, for there may be many.
    fn take_unsaved(&self) -> Vec<KeyUsage> {
        let mut unsaved = self.unsaved.lock().unwrap_or_else(PoisonError::into_inner);
        let used = std::mem::take(&mut *unsaved);
        drop(unsaved);
        let meters = self.meters();
        let usage = |id: &KeyId| Some(meters.get(id)?.lock().usage(id));
        used.iter().filter_map(usage).collect()
    }
}

impl Gateway {
    /// What a client key opens. The administrator's and the shared token are not looked for here.
    ///
    /// # Errors
    /// The text is no key that is accepted now.
    pub fn authenticate(&self, presented: &str) -> Result<Grant, KeyRefusal> {
        let inner = self.inner();
        inner.keys.authenticate(presented, inner.now())
    }
}

impl Inner {
    /// Counts a request against the limits of its key.
    pub(crate) fn meter(self: &Arc<Self>, grant: &Grant) -> Result<Option<Metering>, Failure> {
        let Some(KeyGrant { record, meter }) = &grant.key else { return Ok(None) };
        let mut metered = meter.lock();
        metered.admit(&record.limits, self.now()).map_err(over)?;
        drop(metered);
        self.keys.note_used(&record.id);
        let (gateway, key) = (Arc::clone(self), Arc::clone(record));
        let meter = Arc::clone(meter);
        Ok(Some(Metering { gateway, key, meter, tokens: Mutex::new(0) }))
    }

    /// Tells the store what keys have used since the last time.
    pub(crate) async fn save_key_usage(&self) {
        let used = self.keys.take_unsaved();
        if used.is_empty() {
            return;
        }
        let changes = used.iter().cloned().map(Change::PutKeyUsage).collect();
        if let Err(error) = self.book.store.apply(changes).await {
            tracing::error!(%error, "key usage not kept; it is tried again");
            used.iter().for_each(|usage| self.keys.note_used(&usage.key));
        }
    }
}

fn over(problem: LimitProblem) -> Failure {
    let pause = match problem {
        LimitProblem::Concurrency => Some(Duration::from_secs(1)),
        LimitProblem::Requests { .. }
        | LimitProblem::Tokens { .. }
        | LimitProblem::Budget { .. } => problem.after(),
    };
    let class = match problem {
        LimitProblem::Budget { .. } => FailureClass::Quota,
        LimitProblem::Requests { .. } | LimitProblem::Tokens { .. } | LimitProblem::Concurrency => {
            FailureClass::Busy
        }
    };
    let text = format!("This API key may do no more for now: {problem}.");
    let failure = Failure::new(class, text);
    match pause {
        Some(pause) => failure.retry(Retry::After(pause)),
        None => failure,
    }
}

/// One request of a key, while it is served; counted out when dropped.
pub(crate) struct Metering {
    gateway: Arc<Inner>,
    key: Arc<KeyRecord>,
    meter: Arc<Meter>,
    tokens: Mutex<u64>,
}

impl std::fmt::Debug for Metering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metering")
    }
}

impl Metering {
    /// The figures of the turn so far; the last ones count.
    pub(crate) fn note(&self, usage: &Usage) {
        let tokens = usage.input.saturating_add(usage.output);
        *self.tokens.lock().unwrap_or_else(PoisonError::into_inner) = tokens;
    }
}

impl Drop for Metering {
    fn drop(&mut self) {
        let tokens = *self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        self.meter.lock().finish(tokens, self.gateway.now());
        self.gateway.keys.note_used(&self.key.id);
    }
}

/// A key as the administrator sees it.
#[derive(Debug, Clone)]
pub struct KeyView {
    pub record: Arc<KeyRecord>,
    pub usage: KeyUsage,
    /// Of a key with an account of its own.
    pub account: Option<accounts::Alias>,
    /// That account.
    pub account_view: Option<crate::admin::AccountView>,
}

/// A key that was made just now: the only time its text is known.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub view: KeyView,
    /// With the prefix.
    pub text: SecretString,
    pub number_base64: SecretString,
    pub number: SecretString,
}
