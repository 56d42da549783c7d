//! What was begun with the store is finished, whoever leaves meanwhile.

use std::sync::Arc;
use std::time::Duration;

use gateway::{Gateway, KeyInput};
use secrecy::ExposeSecret as _;
use store::{Change, MemoryStore, Snapshot, Store, StoreFuture};
use tokio::sync::Semaphore;

use crate::rig::{PATIENCE, input, open, options, until};

/// Takes its time: a change waits until it is let through.
#[derive(Debug)]
struct SlowStore {
    kept: MemoryStore,
    gate: Semaphore,
    begun: Semaphore,
}

impl Store for SlowStore {
    fn load(&self) -> StoreFuture<'_, Snapshot> {
        self.kept.load()
    }

    fn apply(&self, changes: Vec<Change>) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.begun.add_permits(1);
            self.gate.acquire().await.expect("open").forget();
            self.kept.apply(changes).await
        })
    }
}

/// A gateway whose store has let its beginnings through, and nothing more.
async fn slow() -> (Gateway, Arc<SlowStore>) {
    let store = Arc::new(SlowStore {
        kept: MemoryStore::new(),
        gate: Semaphore::new(1),
        begun: Semaphore::new(0),
    });
    let gateway =
        open("http://127.0.0.1:9", options(), Arc::default(), store.clone(), Vec::new()).await;
    (gateway, store)
}

impl SlowStore {
    /// Begins the work and leaves while it is written; then it goes on.
    async fn left<T: std::fmt::Debug>(&self, work: impl Future<Output = T>) {
        let begun = self.begun.available_permits();
        let left = tokio::time::timeout(Duration::from_millis(50), work).await;
        left.expect_err("the store is slow");
        assert_eq!(self.begun.available_permits(), begun + 1, "it was being written");
        self.gate.add_permits(1);
    }
}

/// Defect: a client that left while its accounts were written left them in the store alone, and
/// the next account was written over them.
#[tokio::test]
async fn an_administrator_who_leaves_does_not_part_memory_and_store() {
    let (gateway, store) = slow().await;
    let first = vec![input("first", "key_00000000001")];
    store.left(gateway.add_accounts(first, true)).await;
    until(PATIENCE, "the account", || gateway.account("first").is_some()).await;
    store.gate.add_permits(1);
    let second = vec![input("second", "key_00000000002")];
    gateway.add_accounts(second, true).await.expect("added");
    let kept = store.load().await.expect("loaded");
    let kept: Vec<(u64, &str)> =
        kept.accounts.iter().map(|account| (account.id.0, account.alias.as_str())).collect();
    assert_eq!(kept, [(1, "first"), (2, "second")]);
}

/// Defect: the same with keys and proxies: a key that was revoked in the store went on working.
#[tokio::test]
async fn nor_with_keys_and_proxies() {
    let (gateway, store) = slow().await;
    store.gate.add_permits(1);
    let key = gateway.create_key(KeyInput::default()).await.expect("made");
    let id = key.view.record.id.as_str().to_owned();
    store.left(gateway.create_key(KeyInput::default())).await;
    until(PATIENCE, "the key", || gateway.keys().len() == 2).await;
    store.left(gateway.revoke_keys(&[id])).await;
    let opens = || gateway.authenticate(key.text.expose_secret()).is_ok();
    until(PATIENCE, "the end of the key", || !opens()).await;
    store.left(gateway.set_general_proxy("non")).await;
    until(PATIENCE, "the change", || gateway.proxies().general == "non").await;
    let kept = store.load().await.expect("loaded");
    assert_eq!(kept.general_proxy.expect("set").as_str(), "non");
    assert_eq!(kept.keys.iter().filter(|key| key.revoked.is_some()).count(), 1);
}
