//! The request log over the end of its process, in order and not.

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{body, logs, request_id, send, site, stop, until};
use crate::client::{Call, ask, post};
use crate::process::KEY;

/// By their ids, the oldest first.
fn ids(found: &Value) -> Vec<u64> {
    let records = found["logs"].as_array().expect("records").iter();
    records.map(|record| record["id"].as_u64().expect("an id")).collect()
}

/// Invariant: what was over a second ago is kept, whatever becomes of the process.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_later_a_kill_loses_nothing() {
    const ANSWERED: usize = 20;
    let site = site("").await;
    let (mut gateway, address) = site.serve();
    let path = "/v1/messages";
    let running = body(path, "[[sim: say half]] [[sim: wait 60s]]", true).to_string();
    let mut call = Call::send(address, &post(path, KEY), running.as_bytes()).await;
    call.until("half").await;
    let id = request_id(&call.all());
    let pending = &json!({"request_id": id, "status": "pending"});
    let seen = until("it is shown while it runs", || async move {
        logs(address, pending).await["logs"].get(0).cloned()
    });
    assert_eq!(seen.await["model"], "gpt-5");
    for _ in 0..ANSWERED {
        assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    gateway.signal("KILL");
    gateway.ended(Duration::from_secs(5)).await;

    let (gateway, address) = site.serve();
    let kept = logs(address, &json!({})).await;
    assert_eq!(kept["total"], ANSWERED + 1);
    let broken = logs(address, &json!({ "request_id": id })).await["logs"][0].clone();
    assert_eq!((&broken["status"], &broken["close"]), (&json!("failure"), &json!("cut")));
    assert_eq!(broken["error_kind"], "internal", "{broken}");
    assert!(!broken["error"]["error"].as_str().expect("a text").is_empty());
    let last = *ids(&kept).last().expect("an id");

    // What was answered right before the end is there too when it comes in order.
    assert_eq!(ask(address, "[[sim: say hello]]").await.text(), "hello");
    stop(gateway).await;
    let (_gateway, address) = site.serve();
    let kept = ids(&logs(address, &json!({})).await);
    assert_eq!((kept.len(), kept.last()), (ANSWERED + 2, Some(&(last + 1))));
    assert!(kept.is_sorted(), "{kept:?}");
}

/// Answers that the end cuts, or that their readers wait for, are written before the process goes.
#[tokio::test(flavor = "multi_thread")]
async fn what_runs_when_the_gateway_stops_is_written() {
    let site = site("timeouts.shutdown = \"300ms\"").await;
    let (gateway, address) = site.serve();
    let mut ids = Vec::new();
    let mut calls = Vec::new();
    for path in ["/v1/chat/completions", "/v1/messages", "/v1/responses"] {
        let running = body(path, "[[sim: say half]] [[sim: wait 60s]]", true).to_string();
        let mut call = Call::send(address, &post(path, KEY), running.as_bytes()).await;
        call.until("half").await;
        ids.push(request_id(&call.all()));
        calls.push(call);
    }
    stop(gateway).await;
    for call in calls {
        assert!(call.rest().await.body.contains("shutting down"));
    }
    let (_gateway, address) = site.serve();
    for id in ids {
        let found = logs(address, &json!({ "request_id": id })).await;
        let record = &found["logs"][0];
        assert_eq!((&found["total"], &record["status"]), (&json!(1), &json!("failure")), "{found}");
        assert_eq!((&record["close"], &record["http_status"]), (&json!("cut"), &json!(200)));
        assert_eq!(record["error_kind"], "overloaded", "{record}");
    }
}

/// A record is there soon after its answer: a reader of the log does not have to wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_there_within_a_second() {
    let site = site("").await;
    let (_gateway, address) = site.serve();
    let mut fastest = Duration::MAX;
    // A busy machine may be late once.
    for _ in 0..3 {
        let path = "/v1/messages";
        let answer = send(address, path, KEY, &body(path, "[[sim: say hello]]", true)).await;
        let start = std::time::Instant::now();
        super::rig::record(address, &request_id(&answer.head)).await;
        fastest = fastest.min(start.elapsed());
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}
