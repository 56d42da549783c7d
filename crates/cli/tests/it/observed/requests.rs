//! Every request leaves one record, and it is true.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::Digest as _;
use simulator::AccountBehaviour;
use tokio::task::JoinSet;

use super::rig::{FLOWS, TALKS, body, key_of, logs, record, request_id, send, site, user};
use crate::client::{Call, post};
use crate::process::KEY;

fn check(record: &Value, expected: &[(&str, Value)]) {
    for (pointer, value) in expected {
        let found = record.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(found, value, "{pointer}: {record}");
    }
}

/// The times that are there, as they must follow each other.
fn check_times(record: &Value, names: &[&str]) {
    let mut before = 0.0;
    for name in names {
        let at = record["timing"][name].as_f64();
        let at = at.unwrap_or_else(|| panic!("no {name}: {record}"));
        assert!(at >= before, "{name}: {record}");
        before = at;
    }
}

async fn answered(address: SocketAddr, flow: &str, (path, dialect): (&str, &str), stream: bool) {
    let prompt = "[[sim: usage 1200 34]] [[sim: delay 20ms]] [[sim: chunks 5]]";
    let answer = send(address, path, &key_of(flow), &body(path, prompt, stream)).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    let record = record(address, &request_id(&answer.head)).await;
    check(
        &record,
        &[
            ("/status", json!("success")),
            ("/model", json!("gpt-5")),
            ("/dialect", json!(dialect)),
            ("/endpoint", json!(path)),
            ("/flow", json!(flow)),
            ("/stream", json!(stream)),
            ("/http_status", json!(200)),
            ("/close", json!("finished")),
            ("/key", json!("auth_token")),
            ("/account", json!(flow)),
            ("/error", Value::Null),
            ("/content", Value::Null),
            ("/chain/usage/input", json!(1200)),
            ("/chain/usage/output", json!(34)),
            ("/usage_source", json!("upstream")),
            ("/attempts/0/account", json!(flow)),
            ("/attempts/0/outcome", json!("answered")),
            ("/attempts/1", Value::Null),
        ],
    );
    check_times(&record, &["first_token", "last_byte", "total"]);
    check_times(&record, &["headers", "last_byte"]);
    let total = record["timing"]["total"].as_f64().expect("seconds");
    assert!((0.08..20.0).contains(&total), "four pauses of 20 ms: {record}");
    let points = record["chain"]["delays"][1].as_array().expect("points");
    let whole = points.iter().map(|point| point[0].as_u64().expect("characters")).sum::<u64>();
    assert_eq!((whole, &record["chain"]["delays"][0]), (15, &json!("")), "{record}");
}

/// A request that is not answered as it should: what is sent, and what its record says.
struct Failure {
    path: &'static str,
    body: String,
    http: u16,
    expected: Vec<(&'static str, Value)>,
}

fn chat(prompt: &str, stream: bool) -> String {
    body("/v1/chat/completions", prompt, stream).to_string()
}

fn failure(http: u16, body: String, kind: &str, close: &str) -> Failure {
    let expected = vec![
        ("/status", json!("failure")),
        ("/error_kind", json!(kind)),
        ("/close", json!(close)),
        ("/http_status", json!(http)),
        ("/dialect", json!("openai_chat")),
    ];
    Failure { path: "/v1/chat/completions", body, http, expected }
}

fn failures() -> Vec<Failure> {
    let late = "[[sim: say half]] [[sim: error internal]]";
    let unknown = json!({"model": "no-such-model", "messages": [{"role": "user", "content": "x"}]});
    let mut failures = vec![
        failure(400, "{\"model\": \"gpt-5\", \"messages\": 5}".into(), "invalid", "finished"),
        failure(400, "no JSON".into(), "invalid", "finished"),
        failure(404, unknown.to_string(), "unknown_model", "finished"),
        failure(502, chat("[[sim: error internal]]", false), "upstream_failed", "finished"),
        failure(502, chat("[[sim: error internal]]", true), "upstream_failed", "finished"),
        failure(502, chat("[[sim: http 500]]", true), "upstream_failed", "finished"),
        failure(200, chat(late, true), "upstream_failed", "cut"),
        failure(504, chat("[[sim: hang]]", true), "timeout", "timeout"),
    ];
    failures[2].expected.push(("/model", json!("no-such-model")));
    failures[0].expected.push(("/account", Value::Null));
    failures[3].expected.push(("/attempts/0/outcome", json!("failed")));
    failures[3].expected.push(("/attempts/0/error", json!("upstream_failed")));
    failures
}

async fn failed(address: SocketAddr, flow: &str, failure: Failure) {
    let head = post(failure.path, &key_of(flow));
    let answer = Call::send(address, &head, failure.body.as_bytes()).await.rest().await;
    assert_eq!(answer.status, failure.http, "{}: {answer:?}", failure.body);
    let record = record(address, &request_id(&answer.head)).await;
    check(&record, &failure.expected);
    check_times(&record, &["headers", "last_byte", "total"]);
    let text = record["error"]["error"].as_str().expect("a text");
    assert!(!text.is_empty(), "{record}");
}

/// The client leaves: while the answer comes, and before it begins.
async fn left(address: SocketAddr, flow: &str) {
    let prompt = "[[sim: delay 20ms]] [[sim: chunks 100000]]";
    let path = "/v1/messages";
    let body = body(path, prompt, true).to_string();
    let mut call = Call::send(address, &post(path, &key_of(flow)), body.as_bytes()).await;
    call.until("w3 ").await;
    let id = request_id(call.all().split("\r\n\r\n").next().expect("a head"));
    drop(call);
    let record = record(address, &id).await;
    check(
        &record,
        &[
            ("/status", json!("failure")),
            ("/close", json!("client_gone")),
            ("/http_status", json!(200)),
            ("/flow", json!(flow)),
            ("/timing/last_byte", Value::Null),
        ],
    );
    check_times(&record, &["first_token", "total"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_of_every_dialect_and_flow_leaves_one_true_record() {
    let site = site("timeouts.first_message = \"3s\"\ntimeouts.progress = \"3s\"").await;
    let (_gateway, address) = site.serve();
    let mut tasks = JoinSet::new();
    for flow in FLOWS {
        for talk in TALKS {
            for stream in [false, true] {
                tasks.spawn(answered(address, flow, talk, stream));
            }
        }
        for failure in failures() {
            tasks.spawn(failed(address, flow, failure));
        }
        tasks.spawn(left(address, flow));
    }
    let mut requests = tasks.len();
    while let Some(result) = tasks.join_next().await {
        result.expect("a true record");
    }
    // These break the connection that the others are on too.
    for flow in FLOWS {
        let prompt = "[[sim: say half]] [[sim: cut]]";
        failed(address, flow, failure(200, chat(prompt, true), "upstream_failed", "cut")).await;
        requests += 1;
    }
    // A wrong key is no request.
    let refused = send(address, TALKS[0].0, "sk-wrong", &body(TALKS[0].0, "x", false)).await;
    assert_eq!(refused.status, 401);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(logs(address, &json!({"limit": 1})).await["total"], requests);
    for (query, least) in [
        (json!({"limit": 1, "status": "failure"}), 20),
        (json!({"limit": 1, "stream": false, "has_usage": true, "has_error": false}), 8),
        (json!({"limit": 1, "account": "chat", "dialect": "anthropic"}), 3),
    ] {
        assert_eq!(logs(address, &query).await["total"], least, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_ask_for_no_answer_leave_records_too() {
    let site = site("").await;
    let (_gateway, address) = site.serve();
    let messages = json!([{"role": "user", "content": "hello"}]);
    let asked = json!({"model": "gpt-5", "max_tokens": 9, "messages": messages});
    let file = json!({"uuid": "6f1c3c0a-0000-4000-8000-000000000001", "contents": "one",
        "relative_workspace_path": "a.rs", "model_version": 1,
        "sha256_hash": hex::encode(sha2::Sha256::digest("one"))});
    for (path, body, dialect, model) in [
        ("/v1/messages/count_tokens", asked, "anthropic", "gpt-5"),
        (
            "/v1/responses/input_tokens",
            json!({"model": "gpt-5", "input": "hello"}),
            "openai_responses",
            "gpt-5",
        ),
        (
            "/v1/responses/compact",
            json!({"model": "gpt-5", "input": "[[sim: say short]]"}),
            "openai_responses",
            "gpt-5",
        ),
        ("/cpp/config", json!({"is_nightly": false, "model": "fast"}), "editor", ""),
        ("/cpp/models", json!({}), "editor", ""),
        ("/cpp/stream", json!({"model_name": "fast"}), "editor", "fast"),
        ("/file/upload", file, "editor", ""),
        ("/file/sync", json!({}), "editor", ""),
    ] {
        let head = format!("{}x-client-key: {}\r\n", post(path, KEY), "0f".repeat(32));
        let answer = Call::send(address, &head, body.to_string().as_bytes()).await.rest().await;
        // Of a change to nothing nobody knows anything.
        assert_eq!(answer.status == 200, path != "/file/sync", "{path}: {answer:?}");
        let record = record(address, &request_id(&answer.head)).await;
        let status = if answer.status == 200 { "success" } else { "failure" };
        check(
            &record,
            &[
                ("/endpoint", json!(path)),
                ("/dialect", json!(dialect)),
                ("/http_status", json!(answer.status)),
                ("/status", json!(status)),
                ("/close", json!("finished")),
            ],
        );
        if !model.is_empty() {
            check(&record, &[("/model", json!(model))]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_went_to_another_account_tells_why() {
    let site = site("pool.rotation = \"round_robin\"").await;
    site.control.set_account(&user("chat"), AccountBehaviour::QuotaReached);
    let (_gateway, address) = site.serve();
    let mut tried = Vec::new();
    for _ in 0..2 {
        let body = body("/v1/messages", "[[sim: say hello]]", false);
        let answer = send(address, "/v1/messages", KEY, &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let record = record(address, &request_id(&answer.head)).await;
        check(&record, &[("/status", json!("success")), ("/account", json!("agent"))]);
        tried.push(record["attempts"].clone());
    }
    tried.sort_by_key(|attempts| attempts.as_array().map(Vec::len));
    assert_eq!(tried[0].as_array().map(Vec::len), Some(1), "{tried:?}");
    check(
        &tried[1],
        &[
            ("/0/account", json!("chat")),
            ("/0/outcome", json!("failed")),
            ("/0/error", json!("quota")),
            ("/0/again", json!(true)),
            ("/1/account", json!("agent")),
            ("/1/outcome", json!("answered")),
            ("/2", Value::Null),
        ],
    );
}
