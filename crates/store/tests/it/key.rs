//! Where the key comes from, and what keeps the store from opening.

use std::path::Path;

use base64::Engine as _;
use secrecy::SecretString;
use store::{KeySource, SqliteStore, Store as _, StoreError};

use crate::rig::{facts, open, put_account, random};

const HEX: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn open_with(dir: &Path, key: &str) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(dir, KeySource::Given(SecretString::from(key)), random)
}

/// The text of an error about the key.
fn refused(result: Result<SqliteStore, StoreError>) -> String {
    match result {
        Err(error @ StoreError::Key(_)) => error.to_string(),
        other => panic!("not refused for its key: {other:?}"),
    }
}

#[cfg(unix)]
#[tokio::test]
async fn what_the_first_start_makes_is_for_its_owner_alone() {
    use crate::rig::{files_in, mode};
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("data/of/gateway");
    let store = open(&folder).unwrap();
    store.apply(vec![put_account(1, "a")]).await.unwrap();
    assert_eq!(mode(&folder), 0o700);
    let mut names: Vec<_> = files_in(&folder)
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    let expected =
        ["cursor-api.db", "cursor-api.db-shm", "cursor-api.db-wal", "lock", "master.key"];
    assert_eq!(names, expected);
    for path in files_in(&folder) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    let key = std::fs::read_to_string(folder.join("master.key")).unwrap();
    assert_eq!(key.len(), 65);
    assert!(key.ends_with('\n'));
    assert_eq!(hex::decode(key.trim_end()).unwrap().len(), 32);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused_with_the_cure() {
    use crate::rig::set_mode;
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let key = dir.path().join("master.key");
    for mode in [0o640, 0o604, 0o620, 0o644] {
        set_mode(&key, mode);
        let text = refused(open(dir.path()));
        assert!(text.contains(&format!("chmod 600 {}", key.display())), "{text}");
    }
    set_mode(&key, 0o400);
    open(dir.path()).unwrap();
}

#[test]
fn a_key_file_without_a_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    for content in ["", "\n", &HEX[1..], "not a key at all", &"ab".repeat(4000)] {
        std::fs::write(dir.path().join("master.key"), content).unwrap();
        let text = refused(open(dir.path()));
        assert!(text.contains("master.key does not hold 64 hex characters"), "{text}");
    }
}

#[test]
fn a_lost_key_file_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("master.key");
    drop(open(dir.path()).unwrap());
    std::fs::remove_file(&key).unwrap();
    let text = refused(open(dir.path()));
    assert!(text.contains("is missing"), "{text}");
    assert!(!key.exists());
}

#[test]
fn a_key_file_that_is_there_first_is_used() {
    let dir = tempfile::tempdir().unwrap();
    drop(open_with(dir.path(), HEX).unwrap());
    let other = tempfile::tempdir().unwrap();
    let key = other.path().join("my.key");
    #[cfg(unix)]
    {
        std::fs::write(&key, "").unwrap();
        crate::rig::set_mode(&key, 0o600);
    }
    std::fs::write(&key, HEX).unwrap();
    let fresh = other.path().join("data");
    let source = KeySource::File(key.clone());
    drop(SqliteStore::open(&fresh, source.clone(), random).unwrap());
    assert_eq!(std::fs::read_to_string(&key).unwrap(), HEX);
    // Both were written with the same key.
    SqliteStore::open(dir.path(), source, random).unwrap();
    open_with(&fresh, HEX).unwrap();
}

#[test]
fn a_first_start_that_was_cut_is_made_up_for() {
    let dir = tempfile::tempdir().unwrap();
    // Half a key under its draft's name, and a database that was made but not filled.
    std::fs::write(dir.path().join("master.key.new"), &HEX[..20]).unwrap();
    std::fs::write(dir.path().join("cursor-api.db"), "").unwrap();
    drop(open(dir.path()).unwrap());
    open(dir.path()).unwrap();
    assert!(!dir.path().join("master.key.new").exists());
}

#[tokio::test]
async fn a_given_key_is_hex_or_base64() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with(dir.path(), HEX).unwrap();
    store.apply(vec![put_account(1, "a")]).await.unwrap();
    let before = facts(&store.load().await.unwrap());
    drop(store);
    let base64 = base64::engine::general_purpose::STANDARD.encode(hex::decode(HEX).unwrap());
    let forms = [HEX.to_uppercase(), format!(" {HEX}\n"), base64.clone(), base64.replace('=', "")];
    for form in forms {
        let store = open_with(dir.path(), &form).unwrap();
        assert_eq!(facts(&store.load().await.unwrap()), before);
    }
    // No key file comes to be.
    assert!(!dir.path().join("master.key").exists());
}

#[test]
fn a_given_key_of_another_form_is_refused() {
    for text in ["", "secret", &HEX[2..], &format!("{HEX}00"), &HEX.replace('0', "x"), "AAAA"] {
        let dir = tempfile::tempdir().unwrap();
        let message = refused(open_with(dir.path(), text));
        assert!(message.contains("32 bytes, as 64 hex characters or as base64"), "{message}");
        assert!(text.len() < 6 || !message.contains(text), "{message}");
        assert!(!dir.path().join("cursor-api.db").exists());
    }
}

#[tokio::test]
async fn a_wrong_key_is_told_at_once_and_spoils_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_with(dir.path(), HEX).unwrap();
    store.apply(vec![put_account(1, "a")]).await.unwrap();
    drop(store);
    let text = refused(open_with(dir.path(), &HEX.replace('0', "1")));
    assert!(text.contains("written with the key"), "{text}");
    let store = open_with(dir.path(), HEX).unwrap();
    assert_eq!(store.load().await.unwrap().accounts.len(), 1);
}

#[test]
fn keys_do_not_print() {
    let source = KeySource::Given(SecretString::from(HEX));
    assert!(!format!("{source:?}").contains(HEX));
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), source, random).unwrap();
    assert!(!format!("{store:?}").contains(HEX));
}
