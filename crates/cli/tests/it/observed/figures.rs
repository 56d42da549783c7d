//! `/metrics` of the binary: who may read it, and that the figures move as requests do.

use std::net::SocketAddr;

use serde_json::json;

use super::rig::{FLOWS, TALKS, body, figure, figures, key_of, send, site, until};
use crate::client::{Call, get};
use crate::process::KEY;

const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Without a key.
async fn open(address: SocketAddr, path: &str) -> crate::client::Answer {
    Call::send(address, &format!("GET {path} HTTP/1.1\r\n"), b"").await.rest().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_its_own_shows_figures_to_anybody_and_nothing_else() {
    let site =
        site("metrics.listen = \"127.0.0.1:0\"\nshared_token = \"sk-synthetic-shared\"").await;
    let (mut gateway, address) = site.serve();
    let log = || std::fs::read_to_string(site.path("log")).expect("a log");
    let own = until("the address is told", || async move {
        let log = log();
        let line = log.lines().find(|line| line.contains("metrics are served"))?;
        line.split_once("address=")?.1.trim().parse::<SocketAddr>().ok()
    })
    .await;
    assert_ne!(own, address);
    let answer = open(own, "/metrics").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.to_ascii_lowercase().contains(TYPE), "{}", answer.head);
    assert!(answer.body.ends_with("# EOF\n"), "{}", answer.body);
    for path in ["/", "/health", "/v1/models", "/logs", "/config/get", "/metrics/"] {
        assert_eq!(open(own, path).await.status, 404, "{path}");
    }
    assert_eq!(open(address, "/metrics").await.status, 401);
    for key in ["sk-wrong", "sk-synthetic-shared"] {
        let answer = get(address, "/metrics", key).await;
        assert!([401, 403].contains(&answer.status), "{answer:?}");
        assert!(!answer.body.contains("cursor_api_"), "{answer:?}");
    }
    assert_eq!(get(address, "/metrics", KEY).await.status, 200);
    gateway.signal("TERM");
    let ended = gateway.ended(crate::process::PATIENCE).await;
    assert_eq!(ended.code(), Some(0), "{}", log());
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_move_as_requests_do() {
    let site = site("").await;
    let (_gateway, address) = site.serve();
    let before = figures(address).await;
    let mut well = 0.0;
    for flow in FLOWS {
        for (path, _) in TALKS {
            let prompt = "[[sim: usage 100 7]] [[sim: delay 5ms]] [[sim: chunks 6]]";
            let answer = send(address, path, &key_of(flow), &body(path, prompt, true)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            well += 1.0;
        }
    }
    let path = TALKS[0].0;
    for (prompt, status) in [("[[sim: error internal]]", 502), ("[[sim: http 500]]", 502)] {
        assert_eq!(send(address, path, KEY, &body(path, prompt, false)).await.status, status);
    }
    assert_eq!(send(address, path, KEY, &json!({"model": "gpt-5"})).await.status, 400);
    assert_eq!(send(address, path, "sk-wrong", &body(path, "x", false)).await.status, 401);
    assert_eq!(get(address, "/nowhere", KEY).await.status, 404);
    let prompt = "[[sim: delay 10ms]] [[sim: chunks 100000]]";
    let running = body(path, prompt, true).to_string();
    let mut call = Call::send(address, &crate::client::post(path, KEY), running.as_bytes()).await;
    call.until("w3 ").await;
    assert_eq!(figure(&figures(address).await, "cursor_api_active_requests "), 1.0);
    drop(call);

    let requests = well + 4.0;
    let all = "cursor_api_request_log_written_total";
    let text = until("every request is written", || async move {
        let text = figures(address).await;
        (figure(&text, all) >= requests).then_some(text)
    })
    .await;
    let risen = |series: &str| figure(&text, series) - figure(&before, series);
    for (series, by) in [
        ("cursor_api_requests_total", requests),
        ("cursor_api_requests_total{dialect=\"anthropic\"", 2.0),
        ("cursor_api_requests_total{dialect=\"openai_responses\",flow=\"chat\"", 1.0),
        ("cursor_api_failures_total{dialect=\"openai_chat\",class=\"upstream_failed\"}", 2.0),
        ("cursor_api_failures_total{dialect=\"openai_chat\",class=\"invalid\"}", 1.0),
        ("cursor_api_closes_total{reason=\"client_gone\"}", 1.0),
        ("cursor_api_closes_total{reason=\"finished\"}", requests - 1.0),
        ("cursor_api_request_duration_seconds_count", requests),
        ("cursor_api_time_to_first_token_seconds_count", well + 1.0),
        ("cursor_api_tokens_total{kind=\"input\",source=\"upstream\"}", 100.0 * well),
        ("cursor_api_tokens_total{kind=\"output\",source=\"upstream\"}", 7.0 * well),
        ("cursor_api_http_refused_total", 2.0),
        ("cursor_api_panics_total", 0.0),
        ("cursor_api_request_log_written_total", requests),
        ("cursor_api_request_log_dropped_total", 0.0),
    ] {
        assert!(
            (risen(series) - by).abs() < 1e-6,
            "{series}: {} instead of {by}: {text}",
            risen(series)
        );
    }
    let gaps = risen("cursor_api_inter_token_gap_seconds_count");
    assert!(gaps >= 5.0 * well, "five pauses in each answer: {gaps}");
    assert_eq!(figure(&text, "cursor_api_active_requests "), 0.0);
    assert_eq!(figure(&text, "cursor_api_accounts{state=\"ready\"}"), 2.0);
    assert!(figure(&text, "cursor_api_upstream_connections ") >= 1.0);
}
