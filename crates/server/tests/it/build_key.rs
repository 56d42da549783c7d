//! `POST /build-key`.

use serde_json::{Value, json};

use crate::rig::{ANN, Rig, SHARED, session};

fn body() -> Value {
    let id = "0f0e0d0c-0b0a-4908-8706-050403020100";
    json!({
        "token": session(ANN),
        "checksum": {"first": "11".repeat(32), "second": "22".repeat(32)},
        "client_key": "33".repeat(32), "config_version": id, "session_id": id,
        "timezone": "UTC", "gcpp_host": "Asia", "disable_vision": true,
        "enable_slow_pool": false, "include_web_references": false,
        "usage_check_models": {"type": "default"}
    })
}

#[tokio::test]
async fn a_key_is_built_around_an_account_and_works_in_three_forms() {
    let rig = Rig::empty().await;
    let body = body();
    let json = rig.post("/build-key", &body).await.json();
    assert_eq!(json.as_object().map(serde_json::Map::len), Some(1));
    let keys = json["keys"].as_array().expect("keys");
    assert_eq!(keys.len(), 3);
    let token = body["token"].as_str().expect("token");
    for key in keys {
        let key = key.as_str().expect("text");
        assert!(!token.contains(key) && !key.contains(&token[..20]));
        assert_eq!(rig.chat(key).await.status, 200);
    }
    assert!(keys[0].as_str().expect("text").starts_with("sk-"));
    assert!(keys[2].as_str().expect("text").bytes().all(|byte| !byte.is_ascii_alphabetic()));
    // The account is the key's alone.
    assert!(rig.aliases().await.is_empty());
    assert_eq!(rig.post("/keys/get", &json!({})).await.json()["keys"][0]["kind"], "built");
}

#[tokio::test]
async fn who_has_the_shared_token_may_build_keys() {
    let rig = Rig::empty().await;
    let headers = [("x-api-key", SHARED)];
    let answer = rig.call("POST", "/build-key", &headers, &body().to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn errors_are_told_as_documented() {
    let rig = Rig::empty().await;
    let mut odd = body();
    odd["usage_check_models"] = json!({"type": "custom"});
    let answer = rig.post("/build-key", &odd).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({"error": "usage_check_models.model_ids: expected at least one model"})
    );
    odd["usage_check_models"] = json!({"type": "custom", "model_ids": 7});
    let answer = rig.post("/build-key", &odd).await;
    assert_eq!(answer.json(), json!({"error": "usage_check_models.model_ids: expected a string"}));
    let answer = rig.post("/build-key", &json!({"token": "canary-of-no-shape"})).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text.contains("canary"), "{answer:?}");
    let answer = rig.call("POST", "/build-key", &[], "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json().as_object().map(serde_json::Map::len), Some(1));
}
