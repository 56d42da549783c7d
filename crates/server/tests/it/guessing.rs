//! Wrong keys are slowed down.

use std::net::IpAddr;
use std::time::Duration;

use accounts::ClientKey;
use axum::body::Body;
use http::Request;
use serde_json::json;
use server::{Peer, Server};
use tokio::task::JoinSet;

use crate::rig::{ADMIN, ANN, Answer, BOB, Rig, SHARED, fetch, request, session};

fn from(address: &str, key: &str) -> Request<Body> {
    let mut request = request("GET", "/v1/models", &[("x-api-key", key)], "");
    let address: IpAddr = address.parse().expect("address");
    request.extensions_mut().insert(Peer(address));
    request
}

async fn ask(rig: &Rig, address: &str, key: &str) -> Answer {
    rig.send(from(address, key)).await
}

async fn limited() -> Rig {
    Rig::with(|options| options.auth_failures = 3).await
}

#[tokio::test]
async fn after_a_few_wrong_keys_an_address_has_to_wait() {
    let rig = limited().await;
    for _ in 0..3 {
        assert_eq!(ask(&rig, "192.0.2.1", "sk-guess").await.status, 401);
    }
    let answer = ask(&rig, "192.0.2.1", "sk-guess").await;
    assert_eq!(answer.status, 429);
    let wait: u64 = answer.header("retry-after").expect("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(ask(&rig, "192.0.2.2", "sk-guess").await.status, 401);
}

/// Defect: after a restart, a few wrong keys locked out everybody behind the same address.
#[tokio::test]
async fn who_guesses_locks_nobody_out() {
    let rig = limited().await;
    let built = rig.post("/build-key", &json!({"token": session(ANN)})).await.json();
    let built = built["keys"][0].as_str().expect("key").to_owned();
    let key = rig.key(&json!({})).await;
    rig.post("/tokens/add", &json!([{"alias": "ann", "token": session(BOB)}])).await;
    for _ in 0..10 {
        ask(&rig, "192.0.2.1", "sk-guess").await;
    }
    assert_eq!(ask(&rig, "192.0.2.1", "sk-guess").await.status, 429);
    // None of these was seen there before.
    let pinned = format!("{ADMIN}-ann");
    for right in [&key.forms[0], &key.forms[1], &key.forms[2], &built, &pinned, ADMIN, SHARED] {
        assert_eq!(ask(&rig, "192.0.2.1", right).await.status, 200, "{right}");
    }
    assert_eq!(ask(&rig, "192.0.2.1", "sk-guess").await.status, 429);
}

#[tokio::test]
async fn a_short_token_that_is_guessed_looks_like_a_wrong_one_but_clients_in_use_go_on() {
    const KEY: &str = "short-key";
    const SHORT: &str = "fifteen-letters";
    let rig = Rig::with(|options| {
        options.auth_failures = 3;
        options.key = ClientKey::new(KEY).expect("key");
        options.shared_token = ClientKey::new(SHORT);
    })
    .await;
    assert_eq!(ask(&rig, "192.0.2.1", KEY).await.status, 200);
    for _ in 0..3 {
        assert_eq!(ask(&rig, "192.0.2.1", "sk-guess").await.status, 401);
    }
    let (wrong, right) =
        (ask(&rig, "192.0.2.1", "sk-guess").await, ask(&rig, "192.0.2.1", SHORT).await);
    assert_eq!((wrong.status, right.status), (429, 429));
    assert_eq!(wrong.text, right.text);
    assert_eq!(ask(&rig, "192.0.2.1", KEY).await.status, 200);
    // Right elsewhere is not right here: it may have been guessed just now.
    assert_eq!(ask(&rig, "192.0.2.2", SHORT).await.status, 200);
    assert_eq!(ask(&rig, "192.0.2.1", SHORT).await.status, 429);
    // Nor does an alias that is none tell that the token was right.
    let pinned = ask(&rig, "192.0.2.1", &format!("{KEY}-nobody")).await;
    assert_eq!((pinned.status, pinned.text), (429, wrong.text));
}

#[tokio::test]
async fn the_listener_tells_where_requests_come_from() {
    let rig = limited().await;
    let server = Server::bind("127.0.0.1:0".parse().expect("address")).await.expect("a port");
    let address = server.local_addr().expect("address").to_string();
    let mut tasks = JoinSet::new();
    tasks.spawn(server.serve(rig.router.clone(), std::future::pending(), Duration::ZERO));
    let mut seen = Vec::new();
    for _ in 0..4 {
        let answer = fetch(&address, "/v1/models", "x-api-key: sk-guess\r\n").await;
        seen.push(answer[9..12].to_owned());
    }
    assert_eq!(seen, ["401", "401", "401", "429"]);
    // The same address by another way, and one that has done nothing.
    assert_eq!(ask(&rig, "127.0.0.1", "sk-guess").await.status, 429);
    assert_eq!(ask(&rig, "127.0.0.2", "sk-guess").await.status, 401);
}

#[tokio::test]
async fn requests_without_a_key_and_with_revoked_keys_are_no_guesses() {
    let rig = limited().await;
    let key = rig.key(&json!({})).await;
    assert_eq!(rig.post("/keys/revoke", &json!([key.id])).await.status, 200);
    for _ in 0..10 {
        assert_eq!(rig.call("GET", "/v1/models", &[], "").await.status, 401);
        assert_eq!(ask(&rig, "127.0.0.1", &key.forms[0]).await.status, 401);
    }
    assert_eq!(ask(&rig, "127.0.0.1", SHARED).await.status, 200);
}
