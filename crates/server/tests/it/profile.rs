//! `POST /token-profile/get`, `/config-version/get` and `/token-upgrade`.

use std::time::{Duration, SystemTime};

use serde_json::json;
use simulator::{AccountBehaviour, tokens};

use crate::rig::{ANN, Rig, session};

fn web() -> String {
    tokens::web_token(ANN, SystemTime::now() + Duration::from_secs(7200))
}

#[tokio::test]
async fn a_profile_has_usage_subscription_person_and_sessions() {
    let rig = Rig::empty().await;
    let mut body =
        json!({"session_token": session(ANN), "web_token": web(), "include_sessions": true});
    let answer = rig.post("/token-profile/get", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    let parts = json["token_profile"].as_array().expect("parts");
    assert_eq!(parts.len(), 4);
    assert!(parts[0]["billing_cycle_start"].is_string(), "{json}");
    assert!(parts[1]["membership_type"].is_string(), "{json}");
    assert!(parts[2]["user_id"].is_i64(), "{json}");
    assert!(parts[3][0]["session_id"].is_string(), "{json}");
    body["include_sessions"] = json!(false);
    let json = rig.post("/token-profile/get", &body).await.json();
    assert!(json["token_profile"][3].is_null(), "{json}");
}

#[tokio::test]
async fn a_config_version_is_a_uuid() {
    let rig = Rig::empty().await;
    let body = json!({"token": session(ANN),
        "checksum": {"first": "11".repeat(32), "second": "22".repeat(32)},
        "client_key": "33".repeat(32), "session_id": "0f0e0d0c-0b0a-4908-8706-050403020100"});
    let answer = rig.post("/config-version/get", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    let version = json["config_version"].as_str().expect("text");
    assert!(version.parse::<uuid::Uuid>().is_ok(), "{version}");
}

#[tokio::test]
async fn a_web_token_becomes_a_session_token() {
    let rig = Rig::empty().await;
    let answer = rig.post("/token-upgrade", &json!({"token": web()})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!((&json["status"], &json["message"]), (&json!("success"), &json!("令牌升级成功")));
    let token = json["result"].as_str().expect("token");
    let added = rig.post("/tokens/add", &json!([token])).await.json();
    assert_eq!(added["tokens_count"], 1);
}

#[tokio::test]
async fn an_upgrade_that_the_upstream_refuses_is_a_failure_and_nonsense_an_error() {
    let rig = Rig::empty().await;
    rig.control.set_account(ANN, AccountBehaviour::Blocked);
    let answer = rig.post("/token-upgrade", &json!({"token": web()})).await;
    let json = answer.json();
    assert!(answer.status >= 400, "{answer:?}");
    assert_eq!((&json["status"], json.get("result")), (&json!("failure"), None));
    assert_eq!(json["message"], "令牌升级失败");
    let answer = rig.post("/token-upgrade", &json!({"token": "canary"})).await;
    assert_eq!((answer.status, &answer.json()["status"]), (400, &json!("error")));
    assert!(!answer.text.contains("canary"));
}

#[tokio::test]
async fn errors_are_told_as_documented() {
    let rig = Rig::empty().await;
    let body = json!({"session_token": session(ANN), "web_token": web(), "proxy_name": "nowhere",
        "include_sessions": false});
    let answer = rig.post("/token-profile/get", &body).await;
    assert!([400, 404].contains(&answer.status), "{answer:?}");
    assert_eq!(answer.json().as_object().map(serde_json::Map::len), Some(1));
    assert!(answer.json()["error"].is_string());
    let english = [("accept-language", "en")];
    let answer = rig.post_with("/config-version/get", &english, &json!({"token": 5})).await;
    assert_eq!((answer.status, answer.json()), (400, json!({"error": "token: expected a string"})));
    let answer = rig.post("/token-upgrade", &json!({})).await;
    assert_eq!((answer.status, &answer.json()["status"]), (400, &json!("error")));
}
