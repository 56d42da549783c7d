//! Which account served, told to the administrator alone.

use serde_json::json;
use simulator::AccountBehaviour;

use crate::rig::{ADMIN, ANN, BOB, Rig, SHARED};

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
    let passed = answer.header("x-cursor-passed-over").expect("header");
    assert!(passed.contains("ann=") && passed.contains("bob="), "{passed}");
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
