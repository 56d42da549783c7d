//! `cursor-api keys`.

use std::net::SocketAddr;

use serde_json::Value;

use crate::client::{Call, completion, post};
use crate::process::Finished;
use crate::site::{Beside, Site, token};

/// The key that a command prints, and its id.
fn shown(finished: &Finished) -> (String, String) {
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let key = finished.stdout.trim().to_owned();
    assert!(key.starts_with("sk-") && !key.contains(char::is_whitespace), "{finished:?}");
    assert!(!finished.stderr.contains(&key), "it is shown once");
    let id = finished.stderr.split(' ').find(|word| word.starts_with("key_"));
    (key, id.expect("an id").trim_end_matches(':').to_owned())
}

async fn create(site: &Site, beside: Beside, more: &[&str]) -> (String, String) {
    let arguments = [&["keys", "create", "--name", "ci"], more].concat();
    shown(&site.start_owned(&beside.arguments(&arguments)).finish().await)
}

async fn list(site: &Site, beside: Beside) -> Vec<Value> {
    let arguments = beside.arguments(&["keys", "list", "--json"]);
    let text = site.start_owned(&arguments).finish().await.stdout;
    serde_json::from_str(&text).expect("JSON")
}

/// The status of a request with this key.
async fn status(address: SocketAddr, key: &str) -> u16 {
    let head = post("/v1/chat/completions", key);
    let body = completion("[[sim: say hello]]", false).to_string();
    Call::send(address, &head, body.as_bytes()).await.rest().await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_rotated_and_revoked_and_shown_once() {
    Site::both_ways(|site, beside| async move {
        let (key, id) =
            create(&site, beside, &["--expires-in-days", "2", "--model", "gpt-*"]).await;
        let listed = list(&site, beside).await;
        assert_eq!((&listed[0]["id"], &listed[0]["name"]), (&id.clone().into(), &"ci".into()));
        assert_eq!(listed[0]["limits"]["models"], serde_json::json!(["gpt-*"]));
        assert!(listed[0]["expires"].is_string());
        let rotated = beside.arguments(&["keys", "rotate", &id, "--grace", "0"]);
        let (new, same) = shown(&site.start_owned(&rotated).finish().await);
        assert!(same == id && new != key);
        let table = site.start_owned(&beside.arguments(&["keys", "list"])).finish().await.stdout;
        assert!(table.contains(&id) && !table.contains(&key) && !table.contains(&new), "{table}");
        let revoke = beside.arguments(&["keys", "revoke", &id, "key_none"]);
        let revoked = site.start_owned(&revoke).finish().await;
        assert_eq!(revoked.code, Some(1), "{revoked:?}");
        assert_eq!(revoked.stdout, format!("{id}: revoked\n"));
        assert!(revoked.stderr.contains("key_none: not revoked"), "{revoked:?}");
        assert_eq!(list(&site, beside).await[0]["state"], "revoked");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_open_the_gateway_until_they_are_revoked() {
    let site = Site::new().await;
    site.write("one", &token("user_01"));
    site.good(Beside::none(), &["accounts", "add", "one"]).await;
    // Made before the gateway runs, and while it does.
    let (before, id) = create(&site, Beside::none(), &[]).await;
    let (_gateway, address) = site.serve();
    let beside = Beside::from(address);
    let (later, _) = create(&site, beside, &[]).await;
    assert_eq!((status(address, &before).await, status(address, &later).await), (200, 200));
    let revoke = beside.arguments(&["keys", "revoke", &id]);
    assert_eq!(site.start_owned(&revoke).finish().await.code, Some(0));
    assert_eq!((status(address, &before).await, status(address, &later).await), (401, 200));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_do_not_exist_and_limits_that_cannot_be_are_told() {
    let site = Site::new().await;
    let rotated = site.run(Beside::none(), &["keys", "rotate", "none"]).await;
    assert_eq!(rotated.code, Some(1), "{rotated:?}");
    assert!(rotated.stderr.contains("There is no"), "{rotated:?}");
    let created = site.run(Beside::none(), &["keys", "create", "--expires-in-days", "0"]).await;
    assert_eq!(created.code, Some(2), "{created:?}");
}
