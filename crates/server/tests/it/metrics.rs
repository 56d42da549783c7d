//! Figures for Prometheus.

use std::time::Duration;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt as _;
use serde_json::json;
use server::Server;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use crate::rig::{ADMIN, Answer, Rig, SHARED, fetch};

const TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

async fn read(rig: &Rig) -> Answer {
    rig.call("GET", "/metrics", &[("authorization", &format!("Bearer {ADMIN}"))], "").await
}

/// The value of one line.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).parse().expect("a number")
}

#[tokio::test]
async fn the_administrator_reads_the_figures_of_the_moment() {
    let rig = Rig::new().await;
    let answer = read(&rig).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some(TYPE));
    let text = &answer.text;
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert_eq!(value(text, "cursor_api_build_info{version=\"test\"}"), 1.0);
    assert_eq!(value(text, "cursor_api_active_requests"), 0.0);
    for state in ["cooling", "limit", "abnormal"] {
        let series = format!("cursor_api_accounts{{state=\"{state}\"}}");
        assert_eq!(value(text, &series), 0.0, "{state}");
    }
    let started = value(text, "process_start_time_seconds");
    let health = rig.call("GET", "/health", &[], "").await.json();
    let told = health["runtime"]["started_at"].as_str().expect("an instant").to_owned();
    assert!((started - unix(&told)).abs() < 1.0, "{started} and {told}");
    #[cfg(target_os = "linux")]
    {
        assert!(value(text, "process_resident_memory_bytes") > 1e6);
        assert!(value(text, "process_cpu_seconds_total") > 0.0);
    }
    for secret in [ADMIN, SHARED, "ann", "bob", "user_01"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

fn unix(instant: &str) -> f64 {
    let seconds = instant.parse::<jiff::Timestamp>().expect("RFC 3339").as_second();
    seconds as f64
}

#[tokio::test]
async fn accounts_are_counted_by_state() {
    let rig = Rig::new().await;
    let series = |state| format!("cursor_api_accounts{{state=\"{state}\"}}");
    let text = read(&rig).await.text;
    assert_eq!((value(&text, &series("ready")), value(&text, &series("disabled"))), (2.0, 0.0));
    let disabled = json!({"aliases": ["bob"], "enabled": false});
    let answer = rig.post("/tokens/status/set", &disabled).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let text = read(&rig).await.text;
    assert_eq!((value(&text, &series("ready")), value(&text, &series("disabled"))), (1.0, 1.0));
}

#[tokio::test]
async fn the_own_router_has_nothing_else() {
    let rig = Rig::new().await;
    let router = server::metrics_router(rig.app.clone());
    let ask = |path: &'static str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        let answer = router.clone().oneshot(request);
        async {
            let (head, body) = answer.await.expect("infallible").into_parts();
            (head.status.as_u16(), body.collect().await.expect("a body").to_bytes())
        }
    };
    let (status, body) = ask("/metrics").await;
    assert_eq!(status, 200);
    assert!(body.ends_with(b"# EOF\n"));
    for path in ["/", "/health", "/v1/models", "/metrics/"] {
        assert_eq!(ask(path).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn the_own_address_is_served_like_the_other_one() {
    let rig = Rig::new().await;
    let any = "127.0.0.1:0".parse().expect("an address");
    let server = Server::bind(any).await.expect("a free port");
    let address = server.local_addr().expect("an address").to_string();
    let stop = CancellationToken::new();
    let router = server::metrics_router(rig.app.clone());
    let serving = server.serve(router, stop.cancelled(), Duration::from_secs(5));
    let asking = async {
        let answer = fetch(&address, "/metrics", "").await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("cursor_api_build_info"), "{answer}");
        stop.cancel();
    };
    tokio::join!(serving, asking);
}
