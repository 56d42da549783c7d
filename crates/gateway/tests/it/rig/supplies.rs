//! Accounts, stores and time for the tests.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway::AccountInput;
use simulator::tokens;
use store::{MemoryStore, Store};
use uuid::Uuid;

/// An account under a name, of this credential.
pub(crate) fn input(alias: &str, credential: &str) -> AccountInput {
    AccountInput {
        alias: Some(alias.into()),
        primary: Some(credential.into()),
        ..AccountInput::default()
    }
}

pub(crate) fn names<const N: usize>(names: [&str; N]) -> [String; N] {
    names.map(str::to_owned)
}

pub(crate) fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new())
}

/// The database in a folder. Only one at a time can have it open.
pub(crate) fn sqlite(folder: &std::path::Path) -> Arc<dyn Store> {
    let key = store::KeySource::default_in(folder);
    let random = |bytes: &mut [u8]| {
        for part in bytes.chunks_mut(16) {
            part.copy_from_slice(&Uuid::new_v4().as_bytes()[..part.len()]);
        }
    };
    Arc::new(store::SqliteStore::open(folder, key, random).expect("a database"))
}

/// A token of the user that differs by its life.
pub(crate) fn session_for(user: &str, life: Duration) -> String {
    tokens::session_token(user, SystemTime::now() + life)
}

/// Puts the clock of the runtime forward. Then calls under way have a moment to end.
pub(crate) async fn jump(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
    let real = std::time::Instant::now();
    while real.elapsed() < Duration::from_millis(30) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The same, step by step, until a state comes about.
pub(crate) async fn jump_until(what: &str, state: impl Fn() -> bool) {
    for _ in 0..60 {
        jump(15).await;
        if state() {
            return;
        }
    }
    panic!("{what} did not come about");
}
