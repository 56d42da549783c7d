//! SIGHUP: what changes while serving, what does not, and that nothing breaks.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Call, ask, post};
use crate::process::{KEY, PATIENCE, cursor_api};
use crate::site::{Beside, Site, token};

async fn policy(address: SocketAddr) -> Value {
    let call = Call::send(address, &post("/pool/get", KEY), b"").await;
    call.rest().await.json()["policy"].clone()
}

/// Waits until the policy's field has this value.
async fn until(address: SocketAddr, field: &str, value: Value) {
    let changed = async {
        while policy(address).await[field] != value {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, changed).await;
    assert!(waited.is_ok(), "{field}: {}", policy(address).await);
}

/// Waits until the gateway's log has this text; the whole of it.
async fn logged(site: &Site, text: &str) -> String {
    let read = || std::fs::read_to_string(site.path("log")).expect("a log");
    let found = async {
        while !read().contains(text) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, found).await;
    assert!(waited.is_ok(), "{text}: {}", read());
    read()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hangup_reads_the_settings_again_and_changes_the_pool() {
    let site = Site::with("pool.active = 2").await;
    let (mut gateway, address) = site.serve();
    until(address, "active", 2.into()).await;
    site.configure("pool.active = 5\npool.rotation = \"least_busy\"\nlimits.turns = 7\nupstream.max_streams = 7");
    gateway.signal("HUP");
    until(address, "active", 5.into()).await;
    assert_eq!(policy(address).await["rotation"], "least_busy");
    let log = logged(&site, "need a restart").await;
    let line = log.lines().find(|line| line.contains("need a restart")).expect("a line");
    assert!(line.contains("upstream.max_streams") && !line.contains("limits."), "{line}");
    gateway.signal("TERM");
    assert_eq!(gateway.ended(PATIENCE).await.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_changes_nothing_and_all_its_problems_are_logged() {
    let site = Site::with("pool.active = 2").await;
    site.write("one", &token("user_01"));
    site.good(Beside::none(), &["accounts", "add", "one"]).await;
    let (gateway, address) = site.serve();
    site.configure("pool.active = \"many\"\npool.rotatoin = \"fixed\"");
    gateway.signal("HUP");
    let log = logged(&site, "those from before still hold").await;
    for text in ["pool.active: ", "did you mean `pool.rotation`?", "config.toml"] {
        assert!(log.contains(text), "{text}: {log}");
    }
    assert!(!log.contains(KEY), "{log}");
    assert_eq!(policy(address).await["active"], 2);
    assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    site.configure("pool.active = 9");
    gateway.signal("HUP");
    until(address, "active", 9.into()).await;
}

/// As Kubernetes does it: the file is a link to another one all of a sudden.
#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_noticed_however_it_was_changed() {
    let site = Site::with("pool.active = 2").await;
    let (_gateway, address) = site.serve();
    until(address, "active", 2.into()).await;
    site.configure("pool.active = 3");
    until(address, "active", 3.into()).await;
    let text = std::fs::read_to_string(site.path("config.toml")).expect("text");
    site.write("new", &text.replace("active = 3", "active = 4"));
    std::fs::rename(site.path("new"), site.path("config.toml")).expect("renamed");
    until(address, "active", 4.into()).await;
    site.write("other.toml", &text.replace("active = 3", "active = 5"));
    std::os::unix::fs::symlink("other.toml", site.path("link")).expect("a link");
    std::fs::rename(site.path("link"), site.path("config.toml")).expect("renamed");
    until(address, "active", 5.into()).await;
    std::fs::remove_file(site.path("config.toml")).expect("removed");
    logged(&site, "what it said still holds").await;
    assert_eq!(policy(address).await["active"], 5);
}

/// Defect that must not come back: the second reading of a pipe is empty, and an empty file is a legal
/// one where the key is in the environment.
#[tokio::test(flavor = "multi_thread")]
async fn settings_from_a_pipe_are_read_once_and_hold() {
    let site = Site::with("pool.active = 2").await;
    let text = std::fs::read_to_string(site.path("config.toml")).expect("text");
    let start = site.start(&["serve", "--port", "0", "--config", "/dev/stdin"]);
    let start = start.env("AUTH_TOKEN", KEY).env("LOG_LEVEL", "info").stdin(&text);
    let mut gateway = start.log_to(&site.path("log")).spawn();
    let address = gateway.address_after("listening on http://");
    gateway.signal("HUP");
    logged(&site, "no regular file").await;
    // More than what it takes the watch to look twice.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(policy(address).await["active"], 2);
    gateway.signal("TERM");
    assert_eq!(gateway.ended(PATIENCE).await.code(), Some(0));
}

#[tokio::test]
async fn two_demos_run_at_once_each_with_data_of_its_own() {
    let start = || cursor_api(&["demo", "--listen", "127.0.0.1:0", "--key", KEY]).spawn();
    let (mut one, mut two) = (start(), start());
    let addresses =
        [one.address_after("base URL  http://"), two.address_after("base URL  http://")];
    for address in addresses {
        assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    }
}
