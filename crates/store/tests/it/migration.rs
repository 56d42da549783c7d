//! Files of older versions are brought up to date and keep what they hold.

use store::{Change, Store as _};

use crate::rig::{Draw, facts, open};

/// What version 1 did not have, taken out of a file of today.
fn turn_back_to_version_1(dir: &std::path::Path) {
    let file = rusqlite::Connection::open(dir.join("cursor-api.db")).unwrap();
    file.execute_batch("ALTER TABLE keys DROP COLUMN log_content; PRAGMA user_version = 1;")
        .unwrap();
}

#[tokio::test]
async fn a_file_of_version_1_keeps_its_keys_and_learns_the_new_option() {
    let dir = tempfile::tempdir().unwrap();
    let mut key = Draw(7).key("key_1", 1);
    key.options.log_content = None;
    let store = open(dir.path()).unwrap();
    store.apply(vec![Change::PutKey(Box::new(key.clone()))]).await.unwrap();
    let before = facts(&store.load().await.unwrap());
    drop(store);
    turn_back_to_version_1(dir.path());

    let store = open(dir.path()).unwrap();
    assert_eq!(facts(&store.load().await.unwrap()), before);
    for log_content in [Some(true), Some(false), None] {
        key.options.log_content = log_content;
        store.apply(vec![Change::PutKey(Box::new(key.clone()))]).await.unwrap();
        assert_eq!(store.load().await.unwrap().keys[0].options.log_content, log_content);
    }
}
