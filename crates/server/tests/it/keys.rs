//! `POST /keys/*`.

use serde_json::{Value, json};

use crate::rig::Rig;

async fn listed(rig: &Rig, id: &str) -> Value {
    let json = rig.post("/keys/get", &json!({})).await.json();
    let keys = json["keys"].as_array().expect("keys");
    keys.iter().find(|key| key["id"] == id).expect("the key").clone()
}

#[tokio::test]
async fn a_key_works_in_all_its_forms_and_is_shown_once() {
    let rig = Rig::new().await;
    let body = json!({"name": "laptop", "limits": {"models": ["gpt-*"], "requests_per_minute": 9}});
    let created = rig.post("/keys/create", &body).await;
    assert_eq!(created.header("cache-control"), Some("no-store"));
    let created = created.json();
    assert_eq!(created["status"], "success");
    for at in 0..3 {
        let key = created["keys"][at].as_str().expect("text");
        let answer = rig.chat(key).await;
        assert_eq!(answer.status, 200, "{at}: {answer:?}");
        assert_eq!(answer.header("x-cursor-account"), None);
    }
    let list = rig.post("/keys/get", &json!({})).await;
    for at in 0..3 {
        assert!(!list.text.contains(created["keys"][at].as_str().expect("text")));
    }
    let key = listed(&rig, created["id"].as_str().expect("id")).await;
    assert_eq!((&key["name"], &key["kind"]), (&json!("laptop"), &json!("managed")));
    assert_eq!((&key["state"], &key["usage"]["requests"]), (&json!("active"), &json!(3)));
    assert_eq!(key["limits"]["models"], json!(["gpt-*"]));
    assert_eq!(list.json()["keys_count"], 1);
}

#[tokio::test]
async fn a_key_for_some_models_sees_and_uses_only_those() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({"limits": {"models": ["claude-*"]}})).await;
    let answer = rig.chat(&key.forms[0]).await;
    assert_eq!(answer.status, 403, "{answer:?}");
    let headers = [("x-api-key", key.forms[0].as_str())];
    assert_eq!(rig.call("GET", "/v1/models/gpt-5", &headers, "").await.status, 404);
}

#[tokio::test]
async fn a_limit_answers_429_in_the_dialects_words() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({"limits": {"requests_per_minute": 1}})).await;
    assert_eq!(rig.chat(&key.forms[0]).await.status, 200);
    let answer = rig.chat(&key.forms[0]).await;
    assert_eq!(answer.status, 429, "{answer:?}");
    assert!(answer.header("retry-after").is_some());
    assert!(answer.json()["error"]["message"].is_string());
    assert_eq!(answer.json()["error"]["type"], "requests");
}

/// Defect: in OpenAI's shape, a limit on tokens said `"type":"requests"`.
#[tokio::test]
async fn a_limit_on_tokens_says_so() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({"limits": {"tokens_per_minute": 1}})).await;
    assert_eq!(rig.chat(&key.forms[0]).await.status, 200);
    let answer = rig.chat(&key.forms[0]).await;
    assert_eq!((answer.status, &answer.json()["error"]["type"]), (429, &json!("tokens")));
}

/// Defect: a name alone took away limits and expiry.
#[tokio::test]
async fn set_changes_what_is_named_and_null_clears() {
    let rig = Rig::new().await;
    rig.post("/proxies/add", &json!({"proxies": {"tunnel": "http://127.0.0.1:1"}})).await;
    let budget = json!({"tokens": 60, "period": "month"});
    let whole = json!({"name": "a", "expires_in": 100,
        "options": {"proxy_name": "tunnel", "timezone": "UTC", "gcpp_host": "EU",
            "disable_vision": true, "enable_slow_pool": true, "include_web_references": false,
            "log_content": true, "usage_check_models": {"type": "custom", "model_ids": "m,n"}},
        "limits": {"models": ["gpt-*"], "accounts": ["ann"], "requests_per_minute": 5,
            "tokens_per_minute": 6, "concurrency": 7, "budget": budget}});
    let key = rig.key(&whole).await;
    let mut expected = listed(&rig, &key.id).await;
    let answer = rig.post("/keys/set", &json!({"id": key.id, "name": "b"})).await;
    assert_eq!((answer.status, &answer.json()["message"]), (200, &json!("密钥配置已更新")));
    expected["name"] = json!("b");
    assert_eq!(listed(&rig, &key.id).await, expected);

    let change = json!({"id": key.id, "options": {"timezone": null, "enable_slow_pool": false},
        "limits": {"concurrency": null, "tokens_per_minute": 8}});
    assert_eq!(rig.post("/keys/set", &change).await.status, 200);
    expected["options"].as_object_mut().expect("options").remove("timezone");
    expected["options"]["enable_slow_pool"] = json!(false);
    expected["limits"].as_object_mut().expect("limits").remove("concurrency");
    expected["limits"]["tokens_per_minute"] = json!(8);
    assert_eq!(listed(&rig, &key.id).await, expected);

    let change = json!({"id": key.id, "expires": null, "options": null, "limits": null});
    assert_eq!(rig.post("/keys/set", &change).await.status, 200);
    let shown = listed(&rig, &key.id).await;
    assert_eq!((&shown["name"], shown.get("expires")), (&json!("b"), None));
    assert_eq!(shown["limits"], json!({"models": [], "accounts": []}));
    let options = json!({"disable_vision": false, "usage_check_models": {"type": "default"}});
    assert_eq!(shown["options"], options);
    let answer = rig.post("/keys/set", &json!({"id": "key_nowhere"})).await;
    assert_eq!((answer.status, &answer.json()["code"]), (404, &json!(404)));
}

#[tokio::test]
async fn after_a_rotation_the_old_key_works_for_the_grace_time() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({})).await;
    let rotated = rig.post("/keys/rotate", &json!({"id": key.id})).await.json();
    assert!(listed(&rig, &key.id).await["previous_until"].is_string());
    let fresh = rotated["keys"][0].as_str().expect("text").to_owned();
    assert_eq!(rig.chat(&fresh).await.status, 200);
    assert_eq!(rig.chat(&key.forms[0]).await.status, 200);
    rig.post("/keys/rotate", &json!({"id": key.id, "grace_seconds": 0})).await;
    assert_eq!(rig.chat(&fresh).await.status, 401);
}

#[tokio::test]
async fn a_revoked_key_opens_nothing_and_stays_in_the_list() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({})).await;
    let json = rig.post("/keys/revoke", &json!([key.id, "key_nowhere"])).await.json();
    assert_eq!(json["message"], "已吊销1个密钥, 1个密钥吊销失败");
    assert_eq!(json["failed"][0]["id"], "key_nowhere");
    for form in &key.forms {
        assert_eq!(rig.chat(form).await.status, 401);
    }
    assert_eq!(listed(&rig, &key.id).await["state"], "revoked");
}

/// Defect: a revoked key could be renamed.
#[tokio::test]
async fn a_revoked_key_is_not_changed() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({"name": "a"})).await;
    rig.post("/keys/revoke", &json!([key.id])).await;
    let answer = rig.post("/keys/set", &json!({"id": key.id, "name": "b"})).await;
    assert_eq!((answer.status, &answer.json()["code"]), (409, &json!(409)));
    assert_eq!(listed(&rig, &key.id).await["name"], "a");
}

#[tokio::test]
async fn a_grace_time_ends_some_day() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({})).await;
    let body = json!({"id": key.id, "grace_seconds": u64::MAX});
    let answer = rig.post("/keys/rotate", &body).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(rig.chat(&key.forms[0]).await.status, 200);
}

#[tokio::test]
async fn a_removed_key_is_gone() {
    let rig = Rig::new().await;
    let key = rig.key(&json!({})).await;
    let json = rig.post("/keys/del", &json!({"ids": [key.id]})).await.json();
    assert_eq!(json, json!({"status": "success", "message": "已删除1个密钥, 0个密钥删除失败"}));
    assert_eq!(rig.chat(&key.forms[0]).await.status, 401);
    assert_eq!(rig.post("/keys/get", &json!({})).await.json()["keys_count"], 0);
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_path() {
    let rig = Rig::empty().await;
    for (body, start) in [
        (
            json!({"limits": {"concurrency": "many"}}),
            "limits.concurrency: expected a whole number, 0 or more",
        ),
        (json!({"limits": {"budget": {"tokens": 1, "period": "week"}}}), "limits.budget.period: "),
        (json!({"expires": "tomorrow"}), "expires: "),
        (json!({"expires": "2001-01-01T00:00:00Z"}), "expires: "),
        (json!({"options": {"proxy_name": "nowhere"}}), "options.proxy_name: "),
        (
            json!({"options": {"usage_check_models": {"type": "custom"}}}),
            "options.usage_check_models.model_ids: ",
        ),
        (json!({"limits": {"accounts": ["nobody"]}}), "limits.accounts: "),
        (json!({"limits": {"budget": {"tokens": 0, "period": "day"}}}), "limits.budget.tokens: "),
        (json!([]), "expected an object"),
        // Defect: a key that ends beyond the calendar was made, and shown with `"expires": ""`.
        (json!({"expires_in": 9_223_372_036_854_775_808_u64}), "expires_in: expected at most"),
    ] {
        let answer = rig.post("/keys/create", &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        let error = answer.json()["error"].as_str().expect("text").to_owned();
        assert!(error.starts_with(start), "{error}");
    }
}
