//! What lies on the disk: no secret in any file, and none that passes for another's.

use std::path::Path;

use accounts::{AccountId, ProxyName};
use rusqlite::Connection;
use store::{Change, SqliteStore, Store as _, StoreError};

use crate::rig::{Draw, files_in, open, put_account};

const CANARIES: [&str; 6] = [
    "canary-primary-9f4e",
    "canary-secondary-77aa",
    "canary-refresh-c0de",
    "canary-password-51b2",
    "canary@example.test",
    "canary-older-token",
];

async fn plant(store: &SqliteStore) {
    let mut account = Draw(7).account(1, "alias-in-the-clear");
    // The older one is replaced at once; it must be gone too.
    account.tokens.primary = CANARIES[5].to_owned().into();
    store.apply(vec![Change::PutAccount(Box::new(account.clone()))]).await.unwrap();
    account.tokens.primary = CANARIES[0].to_owned().into();
    account.tokens.secondary = Some(CANARIES[1].to_owned().into());
    account.tokens.refresh = Some(CANARIES[2].to_owned().into());
    let mut proxy = Draw(7).proxy("proxy");
    proxy.address = format!("http://user:{}@proxy.test:3128", CANARIES[3]).into();
    let profile = format!("{{\"email\":\"{}\"}}", CANARIES[4]);
    let changes = vec![
        Change::PutAccount(Box::new(account)),
        Change::PutProfile(AccountId(1), profile),
        Change::PutProxy(proxy),
        Change::SetGeneralProxy(Some(ProxyName::new("proxy"))),
    ];
    store.apply(changes).await.unwrap();
}

fn contains(path: &Path, text: &str) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes.windows(text.len()).any(|part| part == text.as_bytes())
}

fn assert_clean(dir: &Path) {
    for path in files_in(dir) {
        for canary in CANARIES {
            assert!(!contains(&path, canary), "{canary} is in {}", path.display());
        }
    }
}

#[tokio::test]
async fn no_secret_is_in_any_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    plant(&store).await;
    let database = dir.path().join("cursor-api.db");
    let log = dir.path().join("cursor-api.db-wal");
    // What is not secret is found: the search would see the others too.
    assert!(contains(&log, "alias-in-the-clear"));
    assert_clean(dir.path());
    let backup = dir.path().join("copy.db");
    store.backup(&backup).unwrap();
    assert!(contains(&backup, "alias-in-the-clear"));
    store.rotate_key(None).unwrap();
    assert_clean(dir.path());
    assert!(!format!("{store:?}").contains("canary"));
    drop(store);
    assert!(contains(&database, "alias-in-the-clear"));
    assert_clean(dir.path());
}

/// Spoils the closed database of two accounts and says what loading it gives.
async fn load_after(sql: &str) -> Result<(), StoreError> {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    plant(&store).await;
    let mut other = Draw(7).account(2, "other");
    other.tokens.primary = "other".to_owned().into();
    let profile = Change::PutProfile(AccountId(2), "{}".to_owned());
    store.apply(vec![Change::PutAccount(Box::new(other)), profile]).await.unwrap();
    drop(store);
    let connection = Connection::open(dir.path().join("cursor-api.db")).unwrap();
    connection.execute_batch(sql).unwrap();
    drop(connection);
    open(dir.path()).unwrap().load().await.map(|_| ())
}

#[tokio::test]
async fn a_secret_does_not_decrypt_elsewhere() {
    load_after("SELECT 1").await.unwrap();
    let swaps = [
        // Another row.
        "UPDATE accounts SET primary_token = (SELECT b.primary_token FROM accounts b
             WHERE b.id <> accounts.id)",
        // Another column.
        "UPDATE accounts SET primary_token = secondary_token WHERE id = 1",
        // Another table.
        "UPDATE accounts SET primary_token = (SELECT body FROM profiles WHERE account = 1)
             WHERE id = 1",
        "UPDATE profiles SET body = (SELECT body FROM profiles WHERE account = 1)",
        "UPDATE proxies SET name = 'another'",
    ];
    for sql in swaps {
        let error = load_after(sql).await.unwrap_err();
        assert!(matches!(&error, StoreError::Key(_)), "{sql}: {error:?}");
        assert!(error.to_string().contains("belongs to another record"), "{error}");
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[tokio::test]
async fn an_altered_secret_does_not_decrypt() {
    // Nonce, text, tag, and less than there must be.
    for change in [
        "substr(address, 1, 10) || x'00' || substr(address, 12)",
        "substr(address, 1, 40) || x'00' || substr(address, 42)",
        "address || x'00'",
        "substr(address, 1, 40)",
        "substr(address, 1, 3)",
        "x''",
    ] {
        // Concatenation gives text, which the column refuses.
        let sql = format!("UPDATE proxies SET address = CAST({change} AS BLOB)");
        let error = load_after(&sql).await.unwrap_err();
        assert!(matches!(&error, StoreError::Key(_)), "{change}: {error:?}");
        assert!(error.to_string().contains("proxies.address of \"proxy\""), "{error}");
    }
    let newer = "UPDATE proxies SET address = CAST(x'02' || substr(address, 2) AS BLOB)";
    let error = load_after(newer).await.unwrap_err();
    assert!(error.to_string().contains("newer version"), "{error}");
}

#[tokio::test]
async fn damaged_columns_are_named() {
    for (sql, column) in [
        ("UPDATE accounts SET region = 'Mars' WHERE id = 2", "accounts.region of \"2\""),
        ("UPDATE accounts SET machine_id = 'short'", "accounts.machine_id"),
        ("UPDATE accounts SET declared = x'00'", "accounts.declared"),
        ("UPDATE accounts SET alias = NULL", "accounts.alias"),
    ] {
        let error = load_after(sql).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(column), "{error}");
    }
}

#[tokio::test]
async fn the_same_text_never_looks_the_same_twice() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let sealed = || -> Vec<u8> {
        let connection = Connection::open(dir.path().join("cursor-api.db")).unwrap();
        connection.query_row("SELECT primary_token FROM accounts", [], |row| row.get(0)).unwrap()
    };
    store.apply(vec![put_account(1, "a")]).await.unwrap();
    let first = sealed();
    store.apply(vec![put_account(1, "a")]).await.unwrap();
    let second = sealed();
    assert_eq!(first[..5], second[..5]);
    assert_ne!(first[5..29], second[5..29]);
    assert_ne!(first[29..], second[29..]);
}
