//! A new master key, and what a crash at each step of it leaves.

use std::path::Path;

use secrecy::SecretString;
use store::{KeySource, SqliteStore, Store as _, StoreError};
use tempfile::TempDir;

use crate::rig::{Draw, facts, files_in, open, put_account, put_key, random};

const FIRST: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const SECOND: &str = "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// A store with something of every kind in it.
async fn filled(dir: &Path) -> (SqliteStore, Vec<String>) {
    let store = open(dir).unwrap();
    let mut changes = Vec::new();
    for id in 1..40 {
        changes.push(put_account(id, &format!("a{id}")));
        changes.push(store::Change::PutProfile(accounts::AccountId(id), format!("p{id}")));
        changes.push(store::Change::PutProxy(Draw(id).proxy(&format!("x{id}\0"))));
    }
    changes.push(put_account(u64::MAX, "last"));
    changes.push(put_key("key_a", 1));
    store.apply(changes).await.unwrap();
    let before = facts(&store.load().await.unwrap());
    (store, before)
}

async fn assert_opens(dir: &Path, expected: &[String]) {
    let store = open(dir).unwrap();
    assert_eq!(facts(&store.load().await.unwrap()), expected);
    assert!(!dir.join("master.key.new").exists());
}

fn key_in(dir: &Path) -> String {
    std::fs::read_to_string(dir.join("master.key")).unwrap()
}

/// Writes a key file by hand, as the rotation would.
fn write_key(path: &Path, content: &str) {
    let _ = std::fs::remove_file(path);
    std::fs::write(path, content).unwrap();
    #[cfg(unix)]
    crate::rig::set_mode(path, 0o600);
}

#[tokio::test]
async fn a_rotation_changes_the_key_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let (store, before) = filled(dir.path()).await;
    let old = key_in(dir.path());
    store.rotate_key(None).unwrap();
    let new = key_in(dir.path());
    assert_ne!(old, new);
    #[cfg(unix)]
    assert_eq!(crate::rig::mode(&dir.path().join("master.key")), 0o600);
    // It goes on with the new key without a restart.
    assert_eq!(facts(&store.load().await.unwrap()), before);
    store.apply(vec![put_account(100, "later")]).await.unwrap();
    let after = facts(&store.load().await.unwrap());
    drop(store);
    assert_opens(dir.path(), &after).await;
    // The old key opens nothing any more.
    write_key(&dir.path().join("master.key"), &old);
    assert!(matches!(open(dir.path()), Err(StoreError::Key(_))));
}

#[tokio::test]
async fn a_key_can_be_chosen_for_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let (store, before) = filled(dir.path()).await;
    store.rotate_key(Some(SecretString::from(SECOND))).unwrap();
    assert_eq!(key_in(dir.path()).trim_end(), SECOND);
    // Again and again, also to the same one.
    store.rotate_key(Some(SecretString::from(SECOND))).unwrap();
    store.rotate_key(Some(SecretString::from(FIRST))).unwrap();
    drop(store);
    assert_opens(dir.path(), &before).await;
}

#[tokio::test]
async fn a_bad_new_key_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (store, before) = filled(dir.path()).await;
    let old = key_in(dir.path());
    let error = store.rotate_key(Some(SecretString::from("short"))).unwrap_err();
    assert!(matches!(error, StoreError::Key(_)), "{error:?}");
    assert_eq!(key_in(dir.path()), old);
    drop(store);
    assert_opens(dir.path(), &before).await;
}

#[test]
fn a_given_key_is_rotated_to_a_given_one() {
    let dir = tempfile::tempdir().unwrap();
    let open =
        |key| SqliteStore::open(dir.path(), KeySource::Given(SecretString::from(key)), random);
    let store = open(FIRST).unwrap();
    let error = store.rotate_key(None).unwrap_err();
    assert!(error.to_string().contains("the new one must be given"), "{error}");
    store.rotate_key(Some(SecretString::from(SECOND))).unwrap();
    drop(store);
    assert!(matches!(open(FIRST), Err(StoreError::Key(_))));
    open(SECOND).unwrap();
    let names: Vec<_> = files_in(dir.path());
    assert!(!names.iter().any(|path| path.to_string_lossy().contains("master.key")), "{names:?}");
}

/// A store that was rotated from `old` to `new` and closed.
async fn rotated() -> (TempDir, Vec<String>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let (store, before) = filled(dir.path()).await;
    let old = key_in(dir.path());
    store.rotate_key(None).unwrap();
    let new = key_in(dir.path());
    (dir, before, old, new)
}

#[tokio::test]
async fn a_crash_while_the_new_key_is_written_leaves_the_old_one_in_force() {
    for half in ["", &SECOND[..17], SECOND, "rubbish"] {
        let dir = tempfile::tempdir().unwrap();
        let (store, before) = filled(dir.path()).await;
        drop(store);
        let old = key_in(dir.path());
        write_key(&dir.path().join("master.key.new"), half);
        assert_opens(dir.path(), &before).await;
        assert_eq!(key_in(dir.path()), old);
    }
}

#[tokio::test]
async fn a_crash_after_the_commit_puts_the_new_key_in_force() {
    let (dir, before, old, new) = rotated().await;
    write_key(&dir.path().join("master.key"), &old);
    write_key(&dir.path().join("master.key.new"), &new);
    assert_opens(dir.path(), &before).await;
    assert_eq!(key_in(dir.path()), new);
}

#[tokio::test]
async fn a_crash_after_the_rename_needs_nothing() {
    let (dir, before, _, new) = rotated().await;
    assert_opens(dir.path(), &before).await;
    assert_eq!(key_in(dir.path()), new);
}

#[tokio::test]
async fn two_keys_that_do_not_fit_are_both_left_alone() {
    let (dir, before, old, new) = rotated().await;
    write_key(&dir.path().join("master.key"), &old);
    write_key(&dir.path().join("master.key.new"), SECOND);
    assert!(matches!(open(dir.path()), Err(StoreError::Key(_))));
    assert_eq!(key_in(dir.path()), old);
    assert!(dir.path().join("master.key.new").exists());
    write_key(&dir.path().join("master.key"), &new);
    assert_opens(dir.path(), &before).await;
}

#[tokio::test]
async fn a_rotation_whose_rename_failed_is_ended_by_the_next_one() {
    let (dir, before, old, _) = rotated().await;
    let store = open(dir.path()).unwrap();
    // As if the rename had failed: the key in force lies under the draft's name.
    std::fs::rename(dir.path().join("master.key"), dir.path().join("master.key.new")).unwrap();
    write_key(&dir.path().join("master.key"), &old);
    store.rotate_key(None).unwrap();
    drop(store);
    assert_opens(dir.path(), &before).await;
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_stops_the_rotation() {
    let dir = tempfile::tempdir().unwrap();
    let (store, _) = filled(dir.path()).await;
    let old = key_in(dir.path());
    let connection = rusqlite::Connection::open(dir.path().join("cursor-api.db")).unwrap();
    connection
        .execute("UPDATE profiles SET body = CAST(body || x'00' AS BLOB) WHERE account = 7", [])
        .unwrap();
    let error = store.rotate_key(None).unwrap_err();
    assert!(error.to_string().contains("profiles.body of \"7\""), "{error}");
    assert_eq!(key_in(dir.path()), old);
    assert!(!dir.path().join("master.key.new").exists());
    drop(store);
    open(dir.path()).unwrap();
}
