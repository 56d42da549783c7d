//! The unified error format, in two languages.

use serde_json::json;

use crate::rig::{ADMIN, Rig};

#[tokio::test]
async fn errors_have_one_format_in_the_language_that_is_asked_for() {
    let rig = Rig::empty().await;
    for (language, message) in [
        (None, "请求参数有误"),
        (Some("zh-CN,zh;q=0.9,en;q=0.8"), "请求参数有误"),
        (Some("en-US,en;q=0.9"), "The request is invalid"),
    ] {
        let headers: Vec<(&str, &str)> =
            language.map(|language| ("accept-language", language)).into_iter().collect();
        let body = json!({"aliases": ["a"], "enabled": "yes"});
        let answer = rig.post_with("/tokens/status/set", &headers, &body).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(
            answer.json(),
            json!({"status": "error", "code": 400, "error": "enabled: expected a boolean",
                "message": message})
        );
    }
}

#[tokio::test]
async fn what_is_no_json_and_what_is_too_long_is_refused() {
    let rig = Rig::empty().await;
    let headers = [("x-api-key", ADMIN)];
    let answer = rig.call("POST", "/tokens/add", &headers, "{").await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["error"], "The body is no JSON: line 1, column 1.");
    let long = " ".repeat((4 << 20) + 1);
    let answer = rig.call("POST", "/tokens/add", &headers, &long).await;
    assert_eq!((answer.status, &answer.json()["code"]), (413, &json!(413)));
}

#[tokio::test]
async fn unknown_paths_and_methods_have_the_same_format() {
    let rig = Rig::empty().await;
    let headers = [("x-api-key", ADMIN)];
    let answer = rig.call("POST", "/tokens/nothing", &headers, "").await;
    assert_eq!((answer.status, &answer.json()["message"]), (404, &json!("未找到")));
    let answer = rig.call("GET", "/tokens/get", &headers, "").await;
    assert_eq!((answer.status, &answer.json()["code"]), (405, &json!(405)));
}

/// Defect: Rust showed through (`expected struct Get`).
#[tokio::test]
async fn what_is_expected_is_told_in_words_of_json() {
    let rig = Rig::empty().await;
    for (path, body, error) in [
        ("/tokens/get", json!(null), "expected an object"),
        ("/tokens/get", json!([]), "expected an object"),
        ("/keys/create", json!([]), "expected an object"),
        ("/tokens/refresh", json!({}), "expected a list"),
        (
            "/keys/rotate",
            json!({"id": "a", "grace_seconds": -1}),
            "grace_seconds: expected a whole number, 0 or more",
        ),
    ] {
        let answer = rig.post(path, &body).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!(error)), "{path}");
    }
}

#[tokio::test]
async fn fields_that_are_not_known_are_named() {
    let rig = Rig::empty().await;
    let answer = rig.post("/tokens/get", &json!({"masked": true, "mask": true})).await;
    assert_eq!((answer.status, answer.header("x-ignored-fields")), (200, Some("masked")));
    let body = json!({"tokens": [{"token": "t", "note": 1}, {"token": "t", "note": 2}]});
    let answer = rig.post("/tokens/add", &body).await;
    assert_eq!(answer.header("x-ignored-fields"), Some("tokens[].note"));
}

#[tokio::test]
async fn the_value_at_fault_is_not_repeated() {
    let rig = Rig::empty().await;
    let body = json!({"tokens": [{"token": "t", "checksum": ["canary"]}]});
    let answer = rig.post("/tokens/add", &body).await;
    assert_eq!(answer.status, 400);
    assert!(!answer.text.contains("canary"), "{answer:?}");
    assert!(answer.text.contains("tokens[0].checksum"), "{answer:?}");
}
