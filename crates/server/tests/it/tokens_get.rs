//! `POST /tokens/get`.

use serde_json::json;

use crate::rig::{ADMIN, ANN, Rig, session};

#[tokio::test]
async fn accounts_are_listed_with_number_alias_and_account() {
    let rig = Rig::empty().await;
    let token = session(ANN);
    let ids = ["11".repeat(32), "22".repeat(32), "33".repeat(32)];
    let version = "0f0e0d0c-0b0a-4908-8706-050403020100";
    let added = rig
        .post(
            "/tokens/set",
            &json!([["ann", {"primary_token": token,
                "checksum": {"first": ids[0], "second": ids[1]}, "client_key": ids[2],
                "config_version": version, "session_id": version, "timezone": "Asia/Shanghai",
                "gcpp_host": "Asia", "status": {"enabled": true}}]]),
        )
        .await;
    assert_eq!(added.status, 200, "{added:?}");
    let answer = rig.post("/tokens/get", &json!({})).await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let json = answer.json();
    assert_eq!((&json["status"], &json["tokens_count"]), (&json!("success"), &json!(1)));
    let row = &json["tokens"][0];
    assert!(row[0].is_u64());
    assert_eq!(row[1], "ann");
    let account = &row[2];
    assert_eq!(account["primary_token"], token);
    assert_eq!(account["checksum"], json!({"first": ids[0], "second": ids[1]}));
    assert_eq!(account["client_key"], ids[2]);
    assert_eq!(account["config_version"], version);
    assert_eq!(account["session_id"], version);
    assert_eq!(account["timezone"], "Asia/Shanghai");
    assert_eq!(account["gcpp_host"], "Asia");
    assert_eq!(account["status"]["enabled"], true);
    assert_eq!(account["status"]["state"], "ready");
    assert_eq!(account["credential"], "session");
    assert!(account["expires_at"].is_string());
}

#[tokio::test]
async fn no_accounts_are_an_empty_list() {
    let rig = Rig::empty().await;
    let json = rig.post("/tokens/get", &json!({})).await.json();
    assert_eq!(json, json!({"status": "success", "tokens": [], "tokens_count": 0}));
    // The document has no body at all.
    let answer = rig.call("POST", "/tokens/get", &[("x-api-key", ADMIN)], "").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn secrets_can_be_masked() {
    let rig = Rig::empty().await;
    let token = session(ANN);
    rig.post("/tokens/add", &json!([token])).await;
    let answer = rig.post("/tokens/get", &json!({"mask": true})).await;
    let shown = answer.json()["tokens"][0][2]["primary_token"].as_str().expect("text").to_owned();
    assert_eq!(shown, format!("{}***{}", &token[..6], &token[token.len() - 4..]));
    assert!(!answer.text.contains(&token));
}

#[tokio::test]
async fn a_mask_of_another_type_is_refused_with_its_path() {
    let answer = Rig::empty().await.post("/tokens/get", &json!({"mask": 1})).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "mask: expected a boolean");
}
