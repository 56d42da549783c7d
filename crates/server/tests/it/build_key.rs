//! `POST /build-key`.

use serde_json::{Value, json};
use simulator::AccountBehaviour;

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
    let english = [("accept-language", "en")];
    let answer = rig.post_with("/build-key", &english, &odd).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({"error": "usage_check_models.model_ids: expected at least one model"})
    );
    odd["usage_check_models"] = json!({"type": "custom", "model_ids": 7});
    let answer = rig.post_with("/build-key", &english, &odd).await;
    assert_eq!(answer.json(), json!({"error": "usage_check_models.model_ids: expected a string"}));
    let answer = rig.post("/build-key", &json!({"token": "canary-of-no-shape"})).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text.contains("canary"), "{answer:?}");
    let answer = rig.call("POST", "/build-key", &[], "{}").await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json().as_object().map(serde_json::Map::len), Some(1));
}

/// Defect: `/build-key`, `/config-version/get` and `/token-profile/get` never spoke Chinese.
#[tokio::test]
async fn an_error_that_is_one_text_is_chinese_unless_english_is_preferred() {
    let rig = Rig::empty().await;
    let english = [("accept-language", "en")];
    let answer = rig.post("/build-key", &json!({"token": 5})).await;
    assert_eq!(answer.json(), json!({"error": "请求参数有误: token: 应为字符串"}));
    let answer = rig.post_with("/build-key", &english, &json!({"token": 5})).await;
    assert_eq!(answer.json(), json!({"error": "token: expected a string"}));
    let key = rig.key(&json!({})).await;
    for (key, status) in [("", 401), ("sk-wrong", 401), (key.forms[0].as_str(), 403)] {
        let answer = rig.call("POST", "/build-key", &[("x-api-key", key)], "{}").await;
        let text = answer.json()["error"].as_str().expect("text").to_owned();
        assert_eq!(answer.status, status, "{text}");
        let letters = |c: char| c.is_ascii_lowercase();
        let english = text.split('`').step_by(2).flat_map(str::chars).filter(|c| letters(*c));
        assert!(english.count() == 0, "no English but code: {text}");
    }
}

/// Defect: reasons named `primary_token` and `proxy`, where the request has `token` and
/// `proxy_name`.
#[tokio::test]
async fn reasons_name_the_fields_of_the_request() {
    let rig = Rig::empty().await;
    let english = [("accept-language", "en")];
    for (path, body, start) in [
        ("/build-key", json!({"token": "nonsense"}), "token: "),
        ("/config-version/get", json!({"token": "nonsense"}), "token: "),
        ("/config-version/get", json!({"token": session(ANN), "proxy_name": "x"}), "proxy_name: "),
        ("/build-key", json!({"token": session(ANN), "proxy_name": "x"}), "proxy_name: "),
        (
            "/token-profile/get",
            json!({"session_token": session(ANN), "web_token": "", "proxy_name": "x"}),
            "proxy_name: ",
        ),
    ] {
        let answer = rig.post_with(path, &english, &body).await;
        let text = answer.json()["error"].as_str().expect("text").to_owned();
        assert!(answer.status == 400 && text.starts_with(start), "{path} {body}: {text}");
    }
    let failed = rig.post("/tokens/add", &json!(["nonsense"])).await.json()["failed"].clone();
    assert!(failed[0]["reason"].as_str().expect("reason").starts_with("token: "), "{failed}");
}

/// Defect: nobody could see whose account a built key spends, how it stands, or clear its mark.
#[tokio::test]
async fn the_account_behind_a_built_key_is_shown_and_can_be_looked_after() {
    let rig = Rig::empty().await;
    let built = rig.post("/build-key", &json!({"token": session(ANN)})).await.json();
    let key = built["keys"][0].as_str().expect("key").to_owned();
    let shown = async || {
        let answer = rig.post("/keys/get", &json!({})).await;
        assert!(!answer.text.contains(&session(ANN)[..60]), "no token is shown");
        answer.json()["keys"][0].clone()
    };
    let first = shown().await;
    let (id, account) = (first["id"].as_str().expect("id"), &first["account"]);
    assert_eq!((&account["alias"], &account["workos_id"]), (&json!(id), &json!(ANN)));
    assert_eq!((&account["state"], account.get("reason")), (&json!("ready"), None));

    rig.control.set_account(ANN, AccountBehaviour::LoggedOut);
    assert_ne!(rig.chat(&key).await.status, 200);
    let json = rig.post("/tokens/test", &json!([id])).await.json();
    assert_eq!(json["failed"][0]["alias"], id, "{json}");
    let account = shown().await["account"].clone();
    assert_eq!(account["state"], "abnormal", "{account}");
    assert!(account["reason"].is_string() && account["since"].is_string(), "{account}");

    rig.control.set_account(ANN, AccountBehaviour::Healthy);
    let json = rig.post("/tokens/marks/clear", &json!([id])).await.json();
    assert_eq!(json.get("failed"), None, "{json}");
    assert_eq!(shown().await["account"]["state"], "ready");
    assert_eq!(rig.chat(&key).await.status, 200);
    rig.post("/tokens/profile/update", &json!([id])).await;
    let account = shown().await["account"].clone();
    assert!(account["user_id"].is_i64() && account["membership_type"].is_string(), "{account}");
}
