//! The endpoints of `/tokens/` that change accounts one by one.

use serde_json::{Value, json};

use crate::rig::{BOB, Rig};

/// What all of them have in common: two aliases, one of which is not known.
async fn half(path: &str, body: &Value, message: &str, english: &str) -> Rig {
    let rig = Rig::new().await;
    let answer = rig.post(path, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!((&json["status"], &json["message"]), (&json!("success"), &json!(message)));
    assert_eq!(json["failed"].as_array().map(Vec::len), Some(1), "{json}");
    assert_eq!(json["failed"][0]["alias"], "eve");
    assert!(json["failed"][0]["reason"].is_string());
    let answer = rig.post_with(path, &[("accept-language", "en")], body).await;
    assert_eq!(answer.json()["message"], english);
    rig
}

#[tokio::test]
async fn status_set() {
    let body = json!({"aliases": ["ann", "eve"], "enabled": false});
    let (message, english) = ("已设置1个令牌状态, 1个令牌设置失败", "1 token states set, 1 failed");
    let rig = half("/tokens/status/set", &body, message, english).await;
    assert_eq!(rig.account("ann").await["status"]["state"], "disabled");
    assert_eq!(rig.account("bob").await["status"]["state"], "ready");
}

#[tokio::test]
async fn nothing_failed_is_no_list() {
    let rig = Rig::new().await;
    let body = json!({"aliases": ["ann"], "enabled": false});
    assert_eq!(
        rig.post("/tokens/status/set", &body).await.json(),
        json!({"status": "success", "message": "已设置1个令牌状态, 0个令牌设置失败"})
    );
}

#[tokio::test]
async fn alias_set() {
    let rig = Rig::new().await;
    let body = json!({"ann": "anna", "eve": "eva"});
    let json = rig.post("/tokens/alias/set", &body).await.json();
    assert_eq!(json["message"], "已设置1个令牌别名, 1个令牌设置失败");
    assert_eq!(json["failed"][0]["alias"], "eve");
    assert_eq!(rig.aliases().await, ["anna", "bob"]);
    // Two may swap.
    rig.post("/tokens/alias/set", &json!({"anna": "bob", "bob": "anna"})).await;
    assert_eq!(rig.aliases().await, ["bob", "anna"]);
}

#[tokio::test]
async fn alias_set_refuses_another_type() {
    let answer = Rig::new().await.post("/tokens/alias/set", &json!({"ann": 1})).await;
    assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("ann: expected a string")));
}

#[tokio::test]
async fn proxy_set() {
    let body = json!({"aliases": ["ann", "eve"], "proxy": null});
    let (message, english) =
        ("已设置1个令牌代理, 1个令牌设置失败", "1 token proxies set, 1 failed");
    let rig = half("/tokens/proxy/set", &body, message, english).await;
    rig.post("/proxies/add", &json!({"proxies": {"tunnel": "http://127.0.0.1:1"}})).await;
    rig.post("/tokens/proxy/set", &json!({"aliases": ["ann"], "proxy": "tunnel"})).await;
    assert_eq!(rig.account("ann").await["proxy"], "tunnel");
    rig.post("/tokens/proxy/set", &json!({"aliases": ["ann"]})).await;
    assert_eq!(rig.account("ann").await.get("proxy"), None);
}

#[tokio::test]
async fn an_unknown_proxy_is_an_error() {
    let rig = Rig::new().await;
    let answer =
        rig.post("/tokens/proxy/set", &json!({"aliases": ["ann"], "proxy": "nowhere"})).await;
    let refused = answer.status >= 400 || answer.json()["failed"][0]["alias"] == "ann";
    assert!(refused, "{answer:?}");
    assert_eq!(rig.account("ann").await.get("proxy"), None);
}

#[tokio::test]
async fn timezone_set() {
    let body = json!({"aliases": ["ann", "eve"], "timezone": "Asia/Shanghai"});
    let (message, english) =
        ("已设置1个令牌时区, 1个令牌设置失败", "1 token time zones set, 1 failed");
    let rig = half("/tokens/timezone/set", &body, message, english).await;
    assert_eq!(rig.account("ann").await["timezone"], "Asia/Shanghai");
    rig.post("/tokens/timezone/set", &json!({"aliases": ["ann"], "timezone": null})).await;
    assert_eq!(rig.account("ann").await.get("timezone"), None);
}

#[tokio::test]
async fn merge() {
    let rig = Rig::new().await;
    // Bob's own may have been made in this very second, and then it would be the same text.
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9000);
    let other = simulator::tokens::session_token(BOB, later);
    let body = json!({
        "ann": {"primary_token": other, "gcpp_host": "EU"},
        "bob": {}, "eve": {"timezone": "UTC"}
    });
    let json = rig.post("/tokens/merge", &body).await.json();
    assert_eq!(json["message"], "已合并1个令牌, 2个令牌合并失败", "{json}");
    let failed: Vec<&Value> =
        json["failed"].as_array().expect("list").iter().map(|row| &row["alias"]).collect();
    assert_eq!(failed, ["bob", "eve"]);
    let ann = rig.account("ann").await;
    assert_eq!(ann["gcpp_host"], "EU");
}

#[tokio::test]
async fn merge_refuses_another_type() {
    let body = json!({"ann": {"checksum": {"first": 1, "second": "2"}}});
    let answer = Rig::new().await.post("/tokens/merge", &body).await;
    assert_eq!(
        (answer.status, &answer.json()["error"]),
        (400, &json!("ann.checksum.first: expected a string"))
    );
}

#[tokio::test]
async fn tags_set() {
    let rig = Rig::new().await;
    rig.post("/proxies/add", &json!({"proxies": {"tunnel": "http://127.0.0.1:1"}})).await;
    let body = json!({"tokens": ["ann"], "tags": {"timezone": "UTC", "proxy": "tunnel"}});
    let answer = rig.post("/tokens/tags/set", &body).await;
    assert_eq!(answer.json(), json!({"status": "success", "message": "标签更新成功"}));
    let ann = rig.account("ann").await;
    assert_eq!((&ann["timezone"], &ann["proxy"]), (&json!("UTC"), &json!("tunnel")));
    // What is not named stays.
    let body = json!({"tokens": ["ann", "eve"], "tags": {"timezone": null}});
    let json = rig.post("/tokens/tags/set", &body).await.json();
    assert_eq!(json["failed"][0]["alias"], "eve");
    let ann = rig.account("ann").await;
    assert_eq!((ann.get("timezone"), &ann["proxy"]), (None, &json!("tunnel")));
}

#[tokio::test]
async fn tags_that_were_set_nowhere_are_no_success() {
    let rig = Rig::new().await;
    let body = json!({"tokens": ["eve"], "tags": {"timezone": null}});
    let answer = rig.post("/tokens/tags/set", &body).await;
    assert_eq!(answer.status, 400);
    let json = answer.json();
    assert_eq!((&json["status"], &json["message"]), (&json!("error"), &json!("标签更新失败")));
    assert_eq!(json["failed"][0]["alias"], "eve");
    let answer =
        rig.post("/tokens/tags/set", &json!({"tokens": ["ann"], "tags": {"a": "b"}})).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn profile_update() {
    let (message, english) =
        ("已更新1个令牌配置, 1个令牌更新失败", "1 token profiles updated, 1 failed");
    let rig = half("/tokens/profile/update", &json!(["ann", "eve"]), message, english).await;
    let ann = rig.account("ann").await;
    assert!(ann["user"]["user_id"].is_i64(), "{ann}");
    assert!(ann["usage"]["individual_usage"].is_object(), "{ann}");
    assert!(ann["stripe"]["membership_type"].is_string(), "{ann}");
}

#[tokio::test]
async fn config_version_update() {
    let (message, english) =
        ("已更新1个令牌配置版本, 1个令牌更新失败", "1 token config versions updated, 1 failed");
    let path = "/tokens/config-version/update";
    let rig = half(path, &json!(["ann", "eve"]), message, english).await;
    assert!(rig.account("ann").await["config_version"].is_string());
}

#[tokio::test]
async fn refresh() {
    let rig = Rig::new().await;
    let json = rig.post("/tokens/refresh", &json!(["ann", "eve"])).await.json();
    let message = json["message"].as_str().expect("message");
    assert!(message.starts_with("已刷新") && message.ends_with("个令牌刷新失败"), "{json}");
    assert!(json["failed"].as_array().expect("list").iter().any(|row| row["alias"] == "eve"));
}

#[tokio::test]
async fn test() {
    let (message, english) = ("已验证1个令牌, 1个令牌验证失败", "1 tokens accepted, 1 failed");
    half("/tokens/test", &json!(["ann", "eve"]), message, english).await;
}

#[tokio::test]
async fn marks_clear() {
    let (message, english) =
        ("已清除1个令牌标记, 1个令牌清除失败", "1 token marks cleared, 1 failed");
    half("/tokens/marks/clear", &json!(["ann", "eve"]), message, english).await;
}

#[tokio::test]
async fn lists_of_another_type_are_refused_with_their_path() {
    let rig = Rig::new().await;
    for path in [
        "/tokens/profile/update",
        "/tokens/config-version/update",
        "/tokens/refresh",
        "/tokens/test",
        "/tokens/marks/clear",
    ] {
        let answer = rig.post(path, &json!(["ann", 5])).await;
        let error = json!("[1]: expected a string");
        assert_eq!((answer.status, &answer.json()["error"]), (400, &error), "{path}");
    }
}
