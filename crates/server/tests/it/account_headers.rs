//! Which account served, told to the administrator alone.

use std::time::{Duration, Instant};

use serde_json::json;
use simulator::AccountBehaviour;

use crate::rig::{ADMIN, ANN, Answer, BOB, Rig, SHARED};

#[tokio::test]
async fn the_administrator_is_told_who_served_and_who_failed_before() {
    let rig = Rig::new().await;
    rig.control.set_account(ANN, AccountBehaviour::QuotaReached);
    let mut attempts = Vec::new();
    for _ in 0..2 {
        let answer = rig.chat(ADMIN).await;
        assert_eq!((answer.status, answer.header("x-cursor-account")), (200, Some("bob")));
        attempts.extend(answer.header("x-cursor-attempts").map(str::to_owned));
    }
    assert_eq!(attempts, ["ann=quota"]);
}

#[tokio::test]
async fn a_failure_tells_who_was_passed_over() {
    let rig = Rig::new().await;
    let aliases = json!({"aliases": ["ann", "bob"], "enabled": false});
    rig.post("/tokens/status/set", &aliases).await;
    let answer = rig.chat(ADMIN).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("x-cursor-account"), None);
    let passed = answer.header("x-cursor-passed-over");
    assert_eq!(passed, Some("ann=disabled, bob=disabled"));
}

/// Defect: only failures told who was passed over, in percent-encoded sentences.
#[tokio::test]
async fn a_success_tells_in_words_who_was_passed_over() {
    let rig = Rig::new().await;
    rig.post("/tokens/status/set", &json!({"aliases": ["ann"], "enabled": false})).await;
    let answer = rig.chat(ADMIN).await;
    assert_eq!((answer.status, answer.header("x-cursor-account")), (200, Some("bob")));
    assert_eq!(answer.header("x-cursor-passed-over"), Some("ann=disabled"));
}

/// Defect: `AUTH_TOKEN-<alias>` did not work for an alias that is not ASCII.
#[tokio::test]
async fn any_alias_can_be_asked_for() {
    let rig = Rig::new().await;
    rig.post("/tokens/alias/set", &json!({"ann": "账号", "bob": "b%41"})).await;
    for (key, served) in [
        (format!("{ADMIN}-账号"), "%E8%B4%A6%E5%8F%B7"),
        (format!("{ADMIN}-%E8%B4%A6%E5%8F%B7"), "%E8%B4%A6%E5%8F%B7"),
        // The alias itself comes before what it could be decoded to.
        (format!("{ADMIN}-b%41"), "b%2541"),
        (format!("{ADMIN}-b%2541"), "b%2541"),
    ] {
        let answer = rig.chat(&key).await;
        assert_eq!((answer.status, answer.header("x-cursor-account")), (200, Some(served)));
    }
    assert_eq!(rig.chat(&format!("{ADMIN}-%E8")).await.status, 401);
}

/// Defect: a client was told how many accounts were in which state.
#[tokio::test]
async fn only_the_administrator_is_told_how_the_accounts_stand() {
    const BARE: &str = "No upstream account can serve this request now.";
    let rig = Rig::new().await;
    let key = rig.key(&json!({})).await;
    let aliases = json!({"aliases": ["ann", "bob"], "enabled": false});
    rig.post("/tokens/status/set", &aliases).await;
    let told = |answer: &Answer| answer.json()["error"]["message"].as_str().map(str::to_owned);
    for key in [key.forms[0].as_str(), SHARED] {
        let answer = rig.chat(key).await;
        assert_eq!((answer.status, told(&answer).as_deref()), (503, Some(BARE)));
        // In the background there is no answer that could fail.
        let headers = [("x-api-key", key)];
        let body = json!({"model": "gpt-5", "input": "hi", "background": true}).to_string();
        let begun = rig.call("POST", "/v1/responses", &headers, &body).await;
        let id = begun.json()["id"].as_str().expect("id").to_owned();
        let path = format!("/v1/responses/{id}");
        let deadline = Instant::now() + Duration::from_secs(10);
        let failed = loop {
            let answer = rig.call("GET", &path, &headers, "").await;
            if answer.json()["status"] != "in_progress" || Instant::now() > deadline {
                break answer;
            }
            tokio::task::yield_now().await;
        };
        assert_eq!(told(&failed).as_deref(), Some(BARE), "{failed:?}");
    }
    let message = told(&rig.chat(ADMIN).await).expect("message");
    assert!(message.contains("2 disabled"), "{message}");
}

#[tokio::test]
async fn odd_aliases_are_percent_encoded() {
    let rig = Rig::new().await;
    let renamed = rig.post("/tokens/alias/set", &json!({"ann": "工作", "bob": "工作2"})).await;
    assert_eq!(renamed.json().get("failed"), None, "{renamed:?}");
    let answer = rig.chat(ADMIN).await;
    let shown = answer.header("x-cursor-account").expect("header").to_owned();
    assert!(shown.starts_with("%E5%B7%A5%E4%BD%9C"), "{shown}");
}

#[tokio::test]
async fn nobody_else_is_told() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({})).await;
    rig.control.set_account(ANN, AccountBehaviour::QuotaReached);
    rig.control.set_account(BOB, AccountBehaviour::QuotaReached);
    for key in [key.forms[0].as_str(), SHARED] {
        let answer = rig.chat(key).await;
        assert_ne!(answer.status, 200);
        let told = answer.headers.keys().any(|name| name.as_str().starts_with("x-cursor-"));
        assert!(!told, "{answer:?}");
        assert!(!answer.text.contains("ann") && !answer.text.contains("bob"), "{answer:?}");
    }
}
