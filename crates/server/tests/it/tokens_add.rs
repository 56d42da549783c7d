//! `POST /tokens/add`.

use serde_json::json;

use crate::rig::{ANN, BOB, Rig, session};

#[tokio::test]
async fn new_accounts_are_enabled_unless_the_request_says_otherwise() {
    let rig = Rig::empty().await;
    let answer = rig
        .post("/tokens/add", &json!({"tokens": [{"alias": "ann", "token": session(ANN)}]}))
        .await;
    assert_eq!(
        answer.json(),
        json!({"status": "success", "tokens_count": 1,
            "message": "New tokens have been added and reloaded"})
    );
    let body = json!({"tokens": [{"alias": "bob", "token": session(BOB)}], "enabled": false});
    rig.post("/tokens/add", &body).await;
    assert_eq!(rig.account("ann").await["status"]["enabled"], true);
    assert_eq!(rig.account("bob").await["status"]["enabled"], false);
}

#[tokio::test]
async fn bare_lists_and_bare_tokens_are_taken_and_the_rest_is_made_up() {
    let rig = Rig::empty().await;
    let answer = rig.post("/tokens/add", &json!([session(ANN), {"token": session(BOB)}])).await;
    assert_eq!(answer.json()["tokens_count"], 2);
    let aliases = rig.aliases().await;
    assert_ne!(aliases[0], aliases[1]);
    let account = rig.account(&aliases[0]).await;
    assert_eq!(account["checksum"]["first"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn what_cannot_be_added_is_told_with_the_reason() {
    let rig = Rig::new().await;
    let body = json!({"tokens": [{"alias": "ann", "token": session(BOB)}, {"token": "nonsense"}]});
    let json = rig.post("/tokens/add", &body).await.json();
    assert_eq!(json["message"], "No new tokens were added");
    assert_eq!(json["tokens_count"], 2);
    assert_eq!(json["failed"][0]["alias"], "ann");
    assert_eq!(json["failed"][1]["alias"], "tokens[1]");
    let reasons = json["failed"].as_array().expect("failed").iter();
    assert!(reasons.clone().all(|row| !row["reason"].as_str().expect("reason").is_empty()));
}

#[tokio::test]
async fn another_type_is_refused_with_its_path() {
    let rig = Rig::empty().await;
    for (body, error) in [
        (json!({"tokens": [{"token": "t", "proxy": 5}]}), "tokens[0].proxy: expected a string"),
        (json!({"tokens": [{"alias": "a"}]}), "tokens[0]: missing field `token`"),
        (json!({"tokens": [], "enabled": 1}), "enabled: expected a boolean"),
    ] {
        let answer = rig.post("/tokens/add", &body).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!(error)));
    }
}

#[tokio::test]
async fn a_thousand_accounts_are_added_at_once() {
    let rig = Rig::empty().await;
    let tokens: Vec<_> = (0..1000)
        .map(|n| {
            let user = format!("user_01{n:024}");
            json!({"alias": format!("a-{n}"), "token": session(&user)})
        })
        .collect();
    let json = rig.post("/tokens/add", &json!({"tokens": tokens})).await.json();
    assert_eq!((&json["tokens_count"], json.get("failed")), (&json!(1000), None));
}
