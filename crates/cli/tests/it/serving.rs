//! `serve` with a settings file in front of `simulate`, and `demo`.

use serde_json::json;

use crate::client::{Call, ask, completion, get, idle, post};
use crate::process::{KEY, PATIENCE, cursor_api, simulate};

#[tokio::test]
async fn a_settings_file_is_enough_to_serve_on_both_flows() {
    let backend = simulate();
    for flow in ["agent", "chat"] {
        let (_gateway, address) = backend.gateway(&[("UPSTREAM_FLOW", flow)]);
        let answer = ask(address, "[[sim: think hmm]] [[sim: say \"hällo\"]]").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.text(), "hällo", "{flow}");
        let call = Call::stream(address, "[[sim: say \"hällo 👋\"]]").await.rest().await;
        assert!(call.head.contains("text/event-stream"), "{}", call.head);
        assert!(call.body.trim_end().ends_with("data: [DONE]"), "{}", call.body);
        idle(address).await;
    }
}

#[tokio::test]
async fn the_live_model_list_is_shown() {
    let backend = simulate();
    let (_gateway, address) = backend.gateway(&[]);
    let fetched = async {
        loop {
            let models = get(address, "/v1/models", KEY).await;
            assert_eq!(models.status, 200);
            if models.body.contains("gemini-2.5-pro") {
                return models.json();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let models = tokio::time::timeout(PATIENCE, fetched).await.expect("the live list");
    assert_eq!(models["object"], "list");
    assert_eq!(get(address, "/v1/models/no-such-model-xyz", KEY).await.status, 404);
}

#[tokio::test]
async fn the_route_prefix_serves_as_well_and_is_as_closed() {
    let backend = simulate();
    let (_gateway, address) = backend.gateway(&[("ROUTE_PREFIX", "/api/")]);
    for path in ["/api/v1/chat/completions", "/v1/chat/completions"] {
        let body = completion("[[sim: say hello]]", false).to_string();
        let answer = Call::send(address, &post(path, KEY), body.as_bytes()).await.rest().await;
        assert_eq!(answer.text(), "hello", "{path}");
        let answer = Call::send(address, &post(path, "wrong"), body.as_bytes()).await.rest().await;
        assert_eq!(answer.status, 401, "{path}");
    }
    assert_eq!(get(address, "/api/v1/models", KEY).await.status, 200);
    assert_eq!(get(address, "/api/v1/models", "wrong").await.status, 401);
    assert_eq!(get(address, "/other/v1/models", KEY).await.status, 404);
}

#[tokio::test]
async fn only_the_landing_page_and_health_are_open() {
    let backend = simulate();
    let (_gateway, address) = backend.gateway(&[]);
    let head = |path: &str| format!("GET {path} HTTP/1.1\r\n");
    for (path, status) in
        [("/", 200), ("/health", 200), ("/v1/models", 401), ("/v1/models/gpt-5", 401)]
    {
        let answer = Call::send(address, &head(path), b"").await.rest().await;
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.body.contains(KEY));
    }
    let by_api_key = format!("GET /v1/models HTTP/1.1\r\nx-api-key: {KEY}\r\n");
    assert_eq!(Call::send(address, &by_api_key, b"").await.rest().await.status, 200);
}

/// Defect of other gateways: the connection is reset while the client still sends, so that it
/// never reads why.
#[tokio::test]
async fn a_body_over_the_limit_is_answered_with_a_413_that_the_client_can_read() {
    let backend = simulate();
    let (_gateway, address) = backend.gateway(&[("LIMIT_BODY", "256KiB")]);
    let prompt = "x".repeat(3 << 19);
    let answer = ask(address, &prompt).await;
    assert_eq!(answer.status, 413, "{answer:?}");
    assert!(answer.json()["error"]["message"].as_str().expect("text").contains("limit"));
    assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    idle(address).await;
}

#[tokio::test]
async fn early_failures_are_statuses_and_late_ones_events() {
    let backend = simulate();
    let (_gateway, address) = backend.gateway(&[]);
    let answer = ask(address, "[[sim: error rate_limit retry=17]]").await;
    assert_eq!(answer.status, 429);
    assert!(answer.head.to_ascii_lowercase().contains("retry-after: 17"), "{}", answer.head);
    let late = "[[sim: say half]] [[sim: error internal boom]]";
    let answer = Call::stream(address, late).await.rest().await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("\"error\""), "{}", answer.body);
    assert!(!answer.body.contains("[DONE]"), "{}", answer.body);
    assert_eq!(ask(address, late).await.status, 502);
}

#[tokio::test]
async fn the_demo_prints_what_is_needed_to_use_it() {
    for flow in ["agent", "chat"] {
        let mut demo =
            cursor_api(&["demo", "--listen", "127.0.0.1:0", "--key", KEY, "--flow", flow]).spawn();
        let address = demo.address_after("base URL  http://");
        assert!(demo.line().contains(KEY));
        let answer = ask(address, "[[sim: say hello]]").await;
        assert_eq!(answer.text(), "hello", "{flow}");
        let health = get(address, "/health", "").await.json();
        assert_eq!(health["runtime"]["requests"]["active"], json!(0));
        demo.signal("INT");
        assert_eq!(demo.ended(PATIENCE).await.code(), Some(0));
    }
}
