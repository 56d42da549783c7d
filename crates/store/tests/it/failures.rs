//! What the disk and other processes can do to it, and many at once.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use accounts::AccountId;
use store::{Change, SqliteStore, Store as _, StoreError};
use tokio::task::JoinSet;

use crate::rig::{Draw, facts, open, put_account, put_key};

const FOLDER: &str = "STORE_TEST_FOLDER";

fn folder_of_parent() -> String {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its child process")]
    std::env::var(FOLDER).unwrap()
}

#[test]
fn a_folder_has_one_store_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::InUse(_)), "{error:?}");
    assert!(error.to_string().contains(dir.path().to_str().unwrap()), "{error}");
    drop(store);
    open(dir.path()).unwrap();
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    drop(open(dir.path()).unwrap());
    let path = dir.path().join("cursor-api.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 999).unwrap();
    drop(file);
    let before = std::fs::read(&path).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert!(error.to_string().contains("newer version"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn another_programs_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cursor-api.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    file.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
    drop(file);
    let error = open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("not a database of cursor-api"), "{error}");
    std::fs::write(&path, "not SQLite at all, but some text".repeat(50)).unwrap();
    let error = open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut folders = vec![file.clone(), file.join("below")];
    if cfg!(target_os = "linux") {
        // Read-only for root too.
        folders.push(Path::new("/proc/self").to_owned());
        folders.push(Path::new("/proc/self/data").to_owned());
    }
    for folder in folders {
        let error = open(&folder).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn a_database_without_its_file_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    store.apply(vec![put_account(1, "a")]).await.unwrap();
    drop(store);
    let path = dir.path().join("cursor-api.db");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let damaged = match open(dir.path()) {
        Ok(store) => store.load().await.map(|_| ()),
        Err(error) => Err(error),
    };
    assert!(matches!(damaged, Err(StoreError::Unavailable(_))), "{damaged:?}");
}

/// The shell lets no file of this process grow over half a megabyte, as if the disk were full.
#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 1000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "failures::child_on_a_full_disk", "--ignored", "--nocapture"])
        .env(FOLDER, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
    let acknowledged: usize =
        text.split("acknowledged ").nth(1).unwrap()[..4].trim().parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let kept = runtime.block_on(open(dir.path()).unwrap().load()).unwrap();
    assert_eq!(kept.profiles.len(), acknowledged);
}

#[tokio::test]
#[ignore = "the child of a_full_disk_is_an_error_and_loses_nothing"]
async fn child_on_a_full_disk() {
    let store = open(Path::new(&folder_of_parent())).unwrap();
    let mut acknowledged = 0;
    let error = loop {
        assert!(acknowledged < 1000, "the disk is not full");
        let id = acknowledged + 1;
        let profile = Change::PutProfile(AccountId(id), "x".repeat(20_000));
        match store.apply(vec![put_account(id, &format!("{id}")), profile]).await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    println!("\nacknowledged {acknowledged:4}");
    assert!(acknowledged > 0);
    // It fails again, and what is there can be read.
    let profile = Change::PutProfile(AccountId(1), "x".repeat(500_000));
    assert!(store.apply(vec![profile]).await.is_err());
    let kept = store.load().await.unwrap();
    assert_eq!(kept.profiles.len(), usize::try_from(acknowledged).unwrap());
    assert_eq!(kept.accounts.len(), kept.profiles.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_at_once_are_all_kept_but_the_one_that_conflicts() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()).unwrap());
    store.apply(vec![put_account(1000, "alias 50")]).await.unwrap();
    let mut tasks = JoinSet::new();
    for id in 1..=100 {
        let store = store.clone();
        tasks.spawn(async move {
            let changes = vec![
                put_key(&format!("key_{id}"), u8::try_from(id).unwrap()),
                put_account(id, &format!("alias {id}")),
            ];
            (id, store.apply(changes).await)
        });
    }
    while let Some(done) = tasks.join_next().await {
        let (id, result) = done.unwrap();
        match result {
            Ok(()) => assert_ne!(id, 50),
            Err(error) => {
                assert_eq!(id, 50);
                assert!(matches!(error, StoreError::Conflict(_)), "{error:?}");
            }
        }
    }
    let kept = store.load().await.unwrap();
    assert_eq!((kept.accounts.len(), kept.keys.len()), (100, 99));
    let commits = commits_in(&dir.path().join("cursor-api.db-wal"));
    assert!((3..100).contains(&commits), "{commits} commits for 101 lists and the schema");
}

/// Commits in the log: its frames (24 bytes and a page of 4096, behind a header of 32) that say how
/// large the database is afterwards.
fn commits_in(log: &Path) -> usize {
    let bytes = std::fs::read(log).unwrap();
    bytes[32..].chunks_exact(24 + 4096).filter(|frame| frame[4..8] != [0; 4]).count()
}

#[tokio::test]
async fn changes_that_nobody_waits_for_are_whole_or_absent() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    for id in 1..50 {
        let profile = Change::PutProfile(AccountId(id), format!("{id}"));
        let change = store.apply(vec![put_account(id, &format!("{id}")), profile]);
        // Polled once and dropped.
        tokio::select! {
            biased;
            _ = change => {}
            () = std::future::ready(()) => {}
        }
    }
    store.apply(vec![put_account(99, "last")]).await.unwrap();
    let before = store.load().await.unwrap();
    assert_eq!(before.profiles.len(), before.accounts.len() - 1);
    drop(store);
    let after = open(dir.path()).unwrap().load().await.unwrap();
    assert_eq!(facts(&after), facts(&before));
}

#[tokio::test]
async fn blocking_calls_do_not_panic_inside_a_task() {
    let dir = tempfile::tempdir().unwrap();
    let store: SqliteStore = open(dir.path()).unwrap();
    store.apply(vec![Change::PutProxy(Draw(1).proxy("p"))]).await.unwrap();
    store.rotate_key(None).unwrap();
    store.backup(&dir.path().join("copy")).unwrap();
    assert_eq!(store.load().await.unwrap().proxies.len(), 1);
}
