//! Copies: consistent while the service writes, and put back only when they would work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use accounts::AccountId;
use secrecy::SecretString;
use store::{Change, KeySource, SqliteStore, Store as _, StoreError};

use crate::rig::{Draw, facts, files_in, open, put_account};

fn restore(dir: &Path, from: &Path) -> Result<(), StoreError> {
    SqliteStore::restore(dir, from, KeySource::default_in(dir))
}

async fn aliases(dir: &Path) -> Vec<String> {
    let kept = open(dir).unwrap().load().await.unwrap();
    kept.accounts.iter().map(|account| account.alias.to_string()).collect()
}

#[tokio::test]
async fn a_backup_comes_back_and_the_old_database_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("copy");
    let store = open(dir.path()).unwrap();
    store.apply(vec![put_account(1, "first")]).await.unwrap();
    let before = facts(&store.load().await.unwrap());
    store.backup(&copy).unwrap();
    #[cfg(unix)]
    assert_eq!(crate::rig::mode(&copy), 0o600);
    store.apply(vec![put_account(2, "second")]).await.unwrap();

    let error = restore(dir.path(), &copy).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error:?}");
    drop(store);
    // What a restore that was cut has left.
    std::fs::write(dir.path().join("cursor-api.db.restoring"), "half").unwrap();
    for _ in 0..2 {
        restore(dir.path(), &copy).unwrap();
        let store = open(dir.path()).unwrap();
        assert_eq!(facts(&store.load().await.unwrap()), before);
        store.apply(vec![put_account(3, "third")]).await.unwrap();
    }
    let leftovers: Vec<_> = files_in(dir.path())
        .into_iter()
        .filter(|path| path.to_string_lossy().contains("restoring"))
        .collect();
    assert!(leftovers.is_empty(), "{leftovers:?}");

    // What was replaced can be put back the same way.
    restore(dir.path(), &dir.path().join("cursor-api.db.before-restore")).unwrap();
    assert_eq!(aliases(dir.path()).await, ["first", "third"]);
}

#[tokio::test]
async fn a_backup_is_taken_beside_a_service_and_without_one() {
    let dir = tempfile::tempdir().unwrap();
    let copies = tempfile::tempdir().unwrap();
    let none = SqliteStore::backup_beside(dir.path(), &copies.path().join("none")).unwrap_err();
    assert!(none.to_string().contains("there is no database"), "{none}");
    assert!(!SqliteStore::is_in(dir.path()) && !copies.path().join("none").exists());
    let store = open(dir.path()).unwrap();
    store.apply(vec![put_account(1, "first")]).await.unwrap();
    let (beside, after) = (copies.path().join("beside"), copies.path().join("after"));
    SqliteStore::backup_beside(dir.path(), &beside).unwrap();
    store.apply(vec![put_account(2, "second")]).await.unwrap();
    drop(store);
    SqliteStore::backup_beside(dir.path(), &after).unwrap();
    assert!(SqliteStore::backup_beside(dir.path(), &after).is_err(), "nothing is overwritten");
    assert_eq!(aliases(dir.path()).await, ["first", "second"], "the database still opens");
    for (copy, expected) in [(beside, &["first"][..]), (after, &["first", "second"])] {
        restore(dir.path(), &copy).unwrap();
        assert_eq!(aliases(dir.path()).await, expected);
    }
}

#[tokio::test]
async fn a_backup_starts_a_new_machine_with_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    store.apply(vec![put_account(1, "first")]).await.unwrap();
    store.backup(&dir.path().join("copy")).unwrap();
    let other = tempfile::tempdir().unwrap();
    let error = restore(other.path(), &dir.path().join("copy")).unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
    std::fs::copy(dir.path().join("master.key"), other.path().join("master.key")).unwrap();
    restore(other.path(), &dir.path().join("copy")).unwrap();
    assert_eq!(aliases(other.path()).await, ["first"]);
}

#[tokio::test]
async fn nothing_is_overwritten_by_a_backup() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let copy = dir.path().join("copy");
    std::fs::write(&copy, "precious").unwrap();
    assert!(matches!(store.backup(&copy), Err(StoreError::Unavailable(_))));
    assert_eq!(std::fs::read(&copy).unwrap(), b"precious");
    let nowhere = dir.path().join("no/such/folder");
    assert!(matches!(store.backup(&nowhere), Err(StoreError::Unavailable(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_of_one_instant() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()).unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    let written = Arc::new(AtomicU64::new(0));
    let mut writer = tokio::task::JoinSet::new();
    writer.spawn({
        let (store, stop, written) = (store.clone(), stop.clone(), written.clone());
        async move {
            let mut number = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                number += 1;
                // Two that must agree, and enough bytes for many pages.
                let text = format!("{number} {}", "x".repeat(50_000));
                let mut changes = vec![];
                for id in [1, 2] {
                    let mut account = Draw(id).account(id, &format!("{id}"));
                    account.tokens.primary = text.clone().into();
                    changes.push(Change::PutAccount(Box::new(account)));
                    changes.push(Change::PutProfile(AccountId(id), text.clone()));
                }
                store.apply(changes).await.unwrap();
                written.store(number, Ordering::Relaxed);
            }
        }
    });
    let mut before = 0;
    let mut seen = std::collections::BTreeSet::new();
    for round in 0..8 {
        // Every round has something new to see, however slow the disk is.
        let moved_on = async {
            while written.load(Ordering::Relaxed) <= before {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), moved_on).await.unwrap();
        before = written.load(Ordering::Relaxed);
        let copy = dir.path().join(format!("copy{round}"));
        let (store, to) = (store.clone(), copy.clone());
        tokio::task::spawn_blocking(move || store.backup(&to)).await.unwrap().unwrap();
        let other = tempfile::tempdir().unwrap();
        std::fs::copy(dir.path().join("master.key"), other.path().join("master.key")).unwrap();
        restore(other.path(), &copy).unwrap();
        let kept = open(other.path()).unwrap().load().await.unwrap();
        let texts: std::collections::BTreeSet<_> =
            kept.profiles.iter().map(|(_, text)| text.clone()).collect();
        assert!(texts.len() <= 1);
        seen.extend(texts);
    }
    stop.store(true, Ordering::Relaxed);
    writer.join_next().await.unwrap().unwrap();
    assert_eq!(seen.len(), 8, "every copy is of another instant");
}

#[tokio::test]
async fn a_backup_that_would_not_work_leaves_the_database_alone() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    store.apply(vec![put_account(1, "first")]).await.unwrap();
    for id in 2..200 {
        store.apply(vec![put_account(id, &format!("account {id}"))]).await.unwrap();
    }
    let good = dir.path().join("good");
    store.backup(&good).unwrap();
    let before = facts(&store.load().await.unwrap());
    drop(store);

    let bad = dir.path().join("bad");
    let spoil = |how: &dyn Fn(&rusqlite::Connection)| {
        std::fs::copy(&good, &bad).unwrap();
        how(&rusqlite::Connection::open(&bad).unwrap());
    };
    let refused = |words: &str| {
        let error = restore(dir.path(), &bad).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
    };
    spoil(&|file| file.pragma_update(None, "user_version", 999).unwrap());
    refused("newer version");
    spoil(&|file| file.pragma_update(None, "application_id", 1).unwrap());
    refused("not a database of cursor-api");
    spoil(&|file| {
        file.execute("UPDATE proxies SET name = name", []).unwrap();
        file.execute("UPDATE accounts SET primary_token = x'0102' WHERE id = 5", []).unwrap();
    });
    refused("accounts.primary_token of \"5\"");
    std::fs::write(&bad, "").unwrap();
    refused("empty");
    std::fs::write(&bad, "this is no database, but long enough to be read as one".repeat(100))
        .unwrap();
    refused("not a database");
    // A hole in the middle.
    let mut bytes = std::fs::read(&good).unwrap();
    let (from, to) = (bytes.len() / 3, bytes.len() * 2 / 3);
    bytes[from..to].fill(0xaa);
    std::fs::write(&bad, bytes).unwrap();
    refused("the database cannot be used");
    std::fs::remove_file(&bad).unwrap();
    refused("cannot read");

    let other = KeySource::Given(SecretString::from("ab".repeat(32)));
    let error = SqliteStore::restore(dir.path(), &good, other).unwrap_err();
    assert!(matches!(error, StoreError::Key(_)), "{error:?}");

    assert!(!dir.path().join("cursor-api.db.before-restore").exists());
    let store = open(dir.path()).unwrap();
    assert_eq!(facts(&store.load().await.unwrap()), before);
}

#[tokio::test]
async fn a_damaged_database_is_replaced_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    store.apply(vec![put_account(1, "first")]).await.unwrap();
    let copy = dir.path().join("copy");
    store.backup(&copy).unwrap();
    drop(store);
    let database = dir.path().join("cursor-api.db");
    std::fs::write(&database, "ruined".repeat(1000)).unwrap();
    std::fs::write(dir.path().join("cursor-api.db-wal"), "its log").unwrap();
    assert!(matches!(open(dir.path()), Err(StoreError::Unavailable(_))));
    restore(dir.path(), &copy).unwrap();
    assert_eq!(aliases(dir.path()).await, ["first"]);
    let kept = std::fs::read(dir.path().join("cursor-api.db.before-restore")).unwrap();
    assert!(kept.starts_with(b"ruined"));
}
