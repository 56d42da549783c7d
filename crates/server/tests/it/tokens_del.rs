//! `POST /tokens/del`.

use serde_json::{Value, json};

use crate::rig::Rig;

async fn del(body: Value) -> Value {
    let rig = Rig::new().await;
    let answer = rig.post("/tokens/del", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(rig.aliases().await, ["bob"]);
    answer.json()
}

#[tokio::test]
async fn accounts_are_removed() {
    assert_eq!(del(json!({"aliases": ["ann"]})).await, json!({"status": "success"}));
}

#[tokio::test]
async fn unknown_aliases_are_told_when_asked_for() {
    let body = json!({"aliases": ["ann", "eve"], "include_failed_tokens": true});
    let json = del(body).await;
    assert_eq!((&json["status"], &json["failed_tokens"]), (&json!("success"), &json!(["eve"])));
    assert_eq!(json["failed"][0]["alias"], "eve");
    let json = del(json!({"aliases": ["ann", "eve"]})).await;
    assert_eq!((json.get("failed_tokens"), &json["failed"][0]["alias"]), (None, &json!("eve")));
}

#[tokio::test]
async fn every_expectation_has_its_answer() {
    for (word, updated, failed) in [
        ("simple", None, None),
        ("updated_tokens", Some(json!(["bob"])), None),
        ("failed_tokens", None, Some(json!([]))),
        ("detailed", Some(json!(["bob"])), Some(json!([]))),
    ] {
        let json = del(json!({"aliases": ["ann"], "expectation": word})).await;
        assert_eq!(json.get("updated_tokens"), updated.as_ref(), "{word}");
        assert_eq!(json.get("failed_tokens"), failed.as_ref(), "{word}");
    }
}

#[tokio::test]
async fn another_word_is_refused_with_its_path() {
    let rig = Rig::empty().await;
    let answer = rig.post("/tokens/del", &json!({"aliases": [], "expectation": "all"})).await;
    assert_eq!(answer.status, 400);
    let error = answer.json()["error"].as_str().expect("text").to_owned();
    assert!(error.starts_with("expectation: expected one of `simple`"), "{error}");
}
