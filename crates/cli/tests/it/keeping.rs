//! `cursor-api backup`, `restore` and `rotate-key`.

use crate::client::ask;
use crate::process::PATIENCE;
use crate::site::{Beside, Site, token};

const NONE: Beside = Beside::none();

async fn add(site: &Site, beside: Beside, user: &str) {
    site.write("one", &token(user));
    site.good(beside, &["accounts", "add", "one"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_a_gateway_brings_the_accounts_back() {
    let site = Site::new().await;
    let (mut gateway, address) = site.serve();
    add(&site, address.into(), "user_01").await;
    let made = site.run(NONE, &["backup", "copy"]).await;
    assert_eq!((made.code, made.stdout.as_str()), (Some(0), "copy: written\n"), "{made:?}");
    assert!(made.stderr.contains("master.key"), "{made:?}");
    add(&site, address.into(), "user_02").await;
    let busy = site.run(NONE, &["restore", "copy"]).await;
    assert_eq!(busy.code, Some(2), "{busy:?}");
    assert!(busy.stderr.contains("a gateway or another command is using"), "{busy:?}");
    gateway.signal("TERM");
    gateway.ended(PATIENCE).await;
    site.good(NONE, &["restore", "copy"]).await;
    assert_eq!(site.aliases(NONE).await, ["user_01"]);
    site.good(NONE, &["restore", "data/cursor-api.db.before-restore"]).await;
    assert_eq!(site.aliases(NONE).await, ["user_01", "user_02"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_without_a_gateway_leaves_a_database_that_serves() {
    let site = Site::new().await;
    add(&site, NONE, "user_01").await;
    site.good(NONE, &["backup", "copy"]).await;
    let (_gateway, address) = site.serve();
    assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    // On another machine, with the key.
    let other = Site::new().await;
    std::fs::create_dir(other.path("data")).expect("a folder");
    std::fs::copy(site.path("data/master.key"), other.path("data/master.key")).expect("the key");
    let copy = site.path("copy").display().to_string();
    other.good(NONE, &["restore", &copy]).await;
    assert_eq!(other.aliases(NONE).await, ["user_01"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_copied_or_put_back_is_told() {
    let site = Site::new().await;
    let failed = async |arguments: &[&str], code: i32, text: &str| {
        let finished = site.run(NONE, arguments).await;
        assert_eq!(finished.code, Some(code), "{arguments:?}: {finished:?}");
        assert!(finished.stderr.contains(text), "{arguments:?}: {finished:?}");
    };
    failed(&["backup", "copy"], 1, "there is no database").await;
    failed(&["rotate-key"], 2, "there is no database").await;
    assert!(!site.path("data").exists(), "none was made");
    add(&site, NONE, "user_01").await;
    site.good(NONE, &["backup", "copy"]).await;
    failed(&["backup", "copy"], 1, "exists").await;
    failed(&["restore", "missing"], 1, "missing").await;
    site.write("damaged", "no database");
    failed(&["restore", "damaged"], 1, "nothing was restored").await;
    site.good(NONE, &["rotate-key"]).await;
    failed(&["restore", "copy"], 1, "decrypted").await;
    assert_eq!(site.aliases(NONE).await, ["user_01"], "nothing was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_opens_what_the_old_one_closed() {
    let site = Site::new().await;
    add(&site, NONE, "user_01").await;
    let key = || std::fs::read_to_string(site.path("data/master.key")).expect("a key");
    let old = key();
    let told = site.good(NONE, &["rotate-key"]).await;
    assert!(told.contains("data/master.key") && !told.contains(key().trim()), "{told}");
    assert_ne!(key(), old);
    let (_gateway, address) = site.serve();
    assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    let busy = site.run(NONE, &["rotate-key"]).await;
    assert_eq!(busy.code, Some(2), "{busy:?}");
    assert!(busy.stderr.contains("a gateway or another command is using"), "{busy:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_settings_is_changed_for_one_that_is_given() {
    let (old, new) = ("1".repeat(64), "2".repeat(64));
    let site = Site::with(&format!("store.key = \"{old}\"")).await;
    add(&site, NONE, "user_01").await;
    let refused = site.run(NONE, &["rotate-key"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("must be given"), "{refused:?}");
    site.write("short", "abc");
    let refused = site.run(NONE, &["rotate-key", "--new-key-file", "short"]).await;
    assert_eq!(refused.code, Some(1), "{refused:?}");
    site.write("new", &format!("{new}\n"));
    let told = site.good(NONE, &["rotate-key", "--new-key-file", "new"]).await;
    assert!(told.contains("store.key") && !told.contains(&new), "{told}");
    let closed = site.run(NONE, &["accounts", "list"]).await;
    assert_eq!(closed.code, Some(2), "{closed:?}");
    site.configure(&format!("store.key = \"{new}\""));
    assert_eq!(site.aliases(NONE).await, ["user_01"]);
}
