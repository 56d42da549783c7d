//! `/health` and what stands below it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use server::Page;
use store::{MemoryStore, StoreError};

use crate::rig::{Answer, Rig};

async fn health(rig: &Rig, path: &str) -> Answer {
    rig.call("GET", path, &[], "").await
}

/// Until the model list was fetched, and whatever else a start brings.
async fn until(rig: &Rig, what: &str, holds: impl Fn(&Value) -> bool) {
    let waiting = async {
        while !holds(&health(rig, "/health").await.json()) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "{what}: {}", health(rig, "/health").await.text);
}

async fn serving() -> Rig {
    let rig = Rig::new().await;
    rig.gateway.start();
    rig.app.begin();
    until(&rig, "success", |health| health["status"] == "success").await;
    rig
}

#[tokio::test]
async fn every_field_of_the_specification_is_there_and_true() {
    let rig = serving().await;
    let answer = health(&rig, "/health").await;
    assert_eq!((answer.status, answer.header("cache-control")), (200, Some("no-store")));
    let told = answer.json();
    assert_eq!(told.get("problems"), None);
    assert_eq!(told["service"]["name"], "cursor-api");
    assert_eq!(told["service"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(told["service"]["is_debug"], cfg!(debug_assertions));
    let build = &told["service"]["build"];
    assert_eq!(build["is_debug"], cfg!(debug_assertions));
    assert_eq!(build["is_prerelease"], env!("CARGO_PKG_VERSION").contains('-'));
    assert!(build["version"].is_null() || build["version"].is_u64(), "{build}");
    assert!(build["timestamp"].is_null() || build["timestamp"].is_string(), "{build}");
    assert!(told["runtime"]["started_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    assert!(told["runtime"]["uptime_seconds"].is_u64());
    let system = &told["system"];
    assert!(system["memory"]["used_bytes"].as_u64().is_some_and(|bytes| bytes > 1 << 20));
    assert!(system["memory"]["used_percentage"].as_f64().is_some_and(|share| share < 100.0));
    assert!(system["memory"]["available_bytes"].is_u64());
    assert!(system["cpu"]["usage_percentage"].as_f64().is_some_and(|share| share >= 0.0));
    assert_eq!(system["cpu"]["load_average"].as_array().map(Vec::len), Some(3));
    let endpoints = told["capabilities"]["endpoints"].as_array().expect("a list");
    for (path, is_there) in
        [("/v1/chat/completions", true), ("/v1/messages", true), ("/tokens/get", false)]
    {
        assert_eq!(endpoints.contains(&json!(path)), is_there, "{path}");
    }
    let models = told["capabilities"]["models"].as_array().expect("a list");
    let bearer = format!("Bearer {}", crate::rig::ADMIN);
    let list = rig.call("GET", "/v1/models", &[("authorization", &bearer)], "").await.json();
    assert_eq!(models.len(), list["data"].as_array().expect("a list").len());
}

#[tokio::test]
async fn requests_are_counted_as_they_come_and_fail() {
    let rig = serving().await;
    let counted = async || health(&rig, "/health").await.json()["runtime"]["requests"].clone();
    let before = counted().await;
    assert_eq!(rig.chat(crate::rig::ADMIN).await.status, 200);
    let after = counted().await;
    let number = |value: &Value, name: &str| value[name].as_u64().expect("a number");
    assert_eq!(number(&after, "total"), number(&before, "total") + 1);
    assert_eq!((number(&after, "errors"), number(&after, "active")), (0, 0));
}

#[tokio::test]
async fn features_tell_what_is_switched_on() {
    let off = Rig::empty().await;
    let on = Rig::with(|options| {
        options.images.remote = true;
        options.cors_origins = vec!["*".to_owned()];
        options.responses.most = 0;
    })
    .await;
    for (rig, feature, is_there) in [
        (&off, "images", true),
        (&off, "remote_images", false),
        (&off, "cors", false),
        (&off, "stored_responses", true),
        (&on, "remote_images", true),
        (&on, "cors", true),
        (&on, "stored_responses", false),
    ] {
        let told = health(rig, "/health").await.json();
        let features = told["capabilities"]["features"].as_array().expect("a list");
        assert_eq!(features.contains(&json!(feature)), is_there, "{feature}");
    }
}

#[tokio::test]
async fn the_page_has_the_form_that_is_set() {
    let text = Rig::with(|options| options.health_page = Page::Text).await;
    let answer = health(&text, "/health").await;
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
    assert!(answer.text.starts_with("status: "), "{}", answer.text);
    let html = Rig::with(|options| options.health_page = Page::Html).await;
    let answer = health(&html, "/health").await;
    assert!(answer.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("script"), "{policy}");
    assert!(!answer.text.contains("<script"), "{}", answer.text);
}

#[tokio::test]
async fn readiness_follows_the_life_of_the_service() {
    let rig = Rig::new().await;
    let ready = async || {
        let answer = health(&rig, "/health/ready").await;
        (answer.status, answer.json()["problems"].clone())
    };
    let (status, problems) = ready().await;
    assert_eq!((status, &problems[0]), (503, &json!("starting")));
    rig.app.begin();
    rig.gateway.start();
    until(&rig, "the list", |health| health["status"] == "success").await;
    assert_eq!(ready().await, (200, Value::Null));
    rig.app.drain();
    assert_eq!(ready().await, (503, json!(["draining"])));
    assert_eq!(health(&rig, "/health").await.json()["status"], "error");
    for path in ["/health/live", "/health"] {
        assert_eq!(health(&rig, path).await.status, 200, "{path}");
    }
    let head = rig.call("HEAD", "/health/ready", &[], "").await;
    assert_eq!((head.status, head.text.as_str()), (503, ""));
}

#[tokio::test]
async fn without_accounts_it_is_ready_but_warns() {
    let rig = Rig::empty().await;
    rig.app.begin();
    let answer = health(&rig, "/health/ready").await;
    assert_eq!(answer.status, 200);
    let told = answer.json();
    assert_eq!(told["status"], "warning");
    assert!(told["problems"].as_array().expect("a list").contains(&json!("no_accounts")));
}

#[tokio::test]
async fn a_store_that_fails_is_told_until_it_can_be_written_again() {
    let store = Arc::new(MemoryStore::new());
    let kept = Arc::clone(&store);
    let rig = Rig::set_up(move |setup| setup.store = kept).await.peopled().await;
    rig.app.begin();
    store.fail_next(StoreError::Unavailable("synthetic: no space left".to_owned()));
    let refused = rig.post("/proxies/add", &json!({"proxies": {"a": "http://a.test:1"}})).await;
    assert!(refused.status >= 500, "{refused:?}");
    let answer = health(&rig, "/health/ready").await;
    // Requests go on with a full disk.
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("warning")));
    assert_eq!(answer.json()["problems"][0], "store");
    assert!(!answer.text.contains("synthetic"), "{}", answer.text);
    rig.gateway.start();
    until(&rig, "the retry", |health| health["status"] == "success").await;
}

#[tokio::test]
async fn a_request_after_the_word_to_stop_is_refused_in_its_dialect() {
    let rig = serving().await;
    rig.app.drain();
    for (path, pointer) in [
        ("/v1/chat/completions", "/error/message"),
        ("/v1/responses", "/error/message"),
        ("/v1/messages", "/error/message"),
    ] {
        let answer = rig.call("POST", path, &[], "{}").await;
        assert_eq!((answer.status, answer.header("connection")), (503, Some("close")), "{path}");
        let told = answer.json();
        let text = told.pointer(pointer).and_then(Value::as_str).expect("a text");
        assert!(text.contains("shutting down"), "{path}: {told}");
        assert_eq!(told["type"] == "error", path == "/v1/messages", "{told}");
    }
}

/// A figure for the log, and no promise: how long depends on the machine.
#[tokio::test]
async fn it_costs_next_to_nothing() {
    const CALLS: u32 = 1000;
    let rig = serving().await;
    let start = Instant::now();
    for _ in 0..CALLS {
        assert_eq!(health(&rig, "/health").await.status, 200);
    }
    let each = start.elapsed() / CALLS;
    eprintln!("/health: {each:?} each, of {CALLS}");
}
