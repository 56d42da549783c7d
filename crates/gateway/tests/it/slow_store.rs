//! What was begun with the store is finished, whoever leaves meanwhile.

use std::sync::Arc;
use std::time::Duration;

use store::{Change, MemoryStore, Snapshot, Store, StoreFuture};
use tokio::sync::Semaphore;

use crate::rig::{PATIENCE, input, open, options, until};

/// Takes its time: a change waits until it is let through.
#[derive(Debug)]
struct SlowStore {
    kept: MemoryStore,
    gate: Semaphore,
    waiting: Semaphore,
}

impl Store for SlowStore {
    fn load(&self) -> StoreFuture<'_, Snapshot> {
        self.kept.load()
    }

    fn apply(&self, changes: Vec<Change>) -> StoreFuture<'_, ()> {
        Box::pin(async {
            self.waiting.add_permits(1);
            self.gate.acquire().await.expect("open").forget();
            self.kept.apply(changes).await
        })
    }
}

/// Defect: a client that left while its accounts were written left them in the store alone, and
/// the next account was written over them.
#[tokio::test]
async fn an_administrator_who_leaves_does_not_part_memory_and_store() {
    let store = Arc::new(SlowStore {
        kept: MemoryStore::new(),
        gate: Semaphore::new(1),
        waiting: Semaphore::new(0),
    });
    let gateway =
        open("http://127.0.0.1:9", options(), Arc::default(), store.clone(), Vec::new()).await;
    let first = vec![input("first", "key_00000000001")];
    let writes = store.waiting.available_permits();
    {
        let adding = gateway.add_accounts(first, true);
        tokio::pin!(adding);
        let left = tokio::time::timeout(Duration::from_millis(50), &mut adding).await;
        left.expect_err("the store is slow");
        assert!(store.waiting.available_permits() > writes, "it was being written");
    }
    store.gate.add_permits(1000);
    until(PATIENCE, "the account", || gateway.account("first").is_some()).await;
    gateway.add_accounts(vec![input("second", "key_00000000002")], true).await.expect("added");
    let kept = store.load().await.expect("loaded");
    let kept: Vec<(u64, &str)> =
        kept.accounts.iter().map(|account| (account.id.0, account.alias.as_str())).collect();
    assert_eq!(kept, [(1, "first"), (2, "second")]);
}
