//! `/logs/get`: shapes and filters as documented.

use std::sync::Arc;
use std::time::Duration;

use accounts::{AccountId, Alias, KeyId, UnixMs, UpstreamFlow};
use conversation::{Usage, UsageSource};
use request_log::{
    Attempt, AttemptEnd, Chain, ChainPoint, Close, Content, Dialect, Entry, Fault, Gaps, Status,
    Timing, Who,
};
use serde_json::{Value, json};
use store::{MemoryRequestLog, RequestLog as _, StoreError};

use crate::rig::{ADMIN, Answer, Rig};

/// 2026-02-01T12:46:40Z; entry `n` came `n` seconds later.
pub(crate) const START: u64 = 1_769_950_000_000;

/// A request that went well and of which little is known.
pub(crate) fn entry(id: u64) -> Entry {
    Entry {
        id,
        request_id: format!("req_{id}"),
        started: UnixMs(START + id * 1000),
        dialect: Dialect::OpenAiChat,
        endpoint: "/v1/chat/completions".into(),
        who: Who::Operator,
        account: None,
        model: "gpt-5".into(),
        served_model: None,
        flow: None,
        stream: false,
        status: Status::Success,
        http_status: Some(200),
        fault: None,
        attempts: Vec::new(),
        timing: Timing { total: Duration::from_millis(id * 500), ..Timing::default() },
        chain: Chain::default(),
        usage: None,
        close: Some(Close::Finished),
        ignored: String::new(),
        content: None,
        gaps: Gaps::default(),
        trace: None,
    }
}

pub(crate) fn of_key(id: u64, key: &str) -> Entry {
    Entry { who: Who::Key(KeyId::new(key)), ..entry(id) }
}

/// One with everything, on this account; what is the administrator's alone says so.
pub(crate) fn full(id: u64, who: Who, account: u64) -> Entry {
    let alias = Alias::new("alias-for-admins");
    let failed = AttemptEnd::Failed {
        kind: "busy".into(),
        details: "details-for-admins".into(),
        again: true,
    };
    let attempt = |began, end| Attempt {
        account: AccountId(account),
        alias: alias.clone(),
        began: Duration::from_millis(began),
        lasted: Duration::from_millis(20),
        end,
    };
    Entry {
        dialect: Dialect::Anthropic,
        endpoint: "/v1/messages".into(),
        who,
        account: Some((AccountId(account), alias.clone())),
        model: "Claude-4".into(),
        served_model: Some("claude-4-sonnet".into()),
        flow: Some(UpstreamFlow::Agent),
        stream: true,
        status: Status::Failure,
        http_status: Some(502),
        fault: Some(Fault {
            kind: "upstream_failed".into(),
            text: "It broke.".into(),
            details: "details-for-admins".into(),
        }),
        attempts: vec![attempt(0, failed), attempt(30, AttemptEnd::Serving)],
        timing: Timing {
            headers: Some(Duration::from_millis(40)),
            first_token: Some(Duration::from_millis(50)),
            last_byte: None,
            total: Duration::from_millis(1250),
        },
        chain: Chain::restore(vec![
            ChainPoint { characters: 3, at: 50 },
            ChainPoint { characters: 4, at: 1200 },
        ]),
        usage: Some(Usage {
            input: 100,
            output: 20,
            cache_read: Some(5),
            cache_write: None,
            reasoning: None,
            source: UsageSource::Upstream,
        }),
        close: Some(Close::Cut),
        ignored: "logit_bias".into(),
        content: Some(Content {
            prompt: "hi".into(),
            answer: "he said".into(),
            thinking: String::new(),
        }),
        ..entry(id)
    }
}

/// The service with a log that holds these.
pub(crate) async fn rig(entries: Vec<Entry>) -> (Rig, Arc<MemoryRequestLog>) {
    let log = Arc::new(MemoryRequestLog::new());
    log.put(entries).await.expect("put");
    let kept: Arc<dyn store::RequestLog> = Arc::<MemoryRequestLog>::clone(&log);
    let rig = Rig::set_up(|setup| setup.request_log = Some(kept)).await;
    (rig.peopled().await, log)
}

pub(crate) async fn ask(rig: &Rig, key: &str, query: Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    rig.call("POST", "/logs/get", &headers, &json!({ "query": query }).to_string()).await
}

pub(crate) fn ids(answer: &Answer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    let logs = json["logs"].as_array().expect("logs").iter();
    logs.map(|log| log["id"].as_u64().expect("id")).collect()
}

#[tokio::test]
async fn an_entry_is_shown_as_documented_and_with_more() {
    let (rig, log) = rig(Vec::new()).await;
    rig.post("/tokens/profile/update", &json!(["ann"])).await;
    let row = rig.post("/tokens/get", &json!({})).await.json()["tokens"][0].clone();
    let number = row[0].as_u64().expect("number");
    log.put(vec![full(7, Who::Operator, number), entry(8)]).await.expect("put");
    let answer = rig.post("/logs/get", &json!({"query": {}})).await.json();
    assert_eq!((&answer["status"], &answer["total"]), (&json!("success"), &json!(2)));
    assert!(answer["active"].is_u64() && answer["error"].is_u64(), "{answer}");
    assert!(answer["timestamp"].as_str().expect("text").ends_with('Z'));
    assert_eq!(answer.get("next"), None);
    let account = &row[2];
    assert!(account["usage"].is_object() && account["stripe"].is_object(), "{account}");
    let attempt =
        |began: f64| json!({"account": "alias-for-admins", "began": began, "lasted": 0.02});
    let mut first = attempt(0.0);
    first["outcome"] = json!("failed");
    first["error"] = json!("busy");
    first["details"] = json!("details-for-admins");
    first["again"] = json!(true);
    let mut second = attempt(0.03);
    second["outcome"] = json!("answered");
    assert_eq!(
        answer["logs"][0],
        json!({
            "id": 7, "timestamp": "2026-02-01T12:46:47Z", "model": "Claude-4",
            "token_info": {"key": number.to_string(), "usage": account["usage"],
                "stripe": account["stripe"]},
            "chain": {"delays": ["he said", [[3, 0.05], [4, 1.2]]],
                "usage": {"input": 100, "output": 20, "cache_read": 5}},
            "timing": {"total": 1.25, "headers": 0.04, "first_token": 0.05},
            "stream": true, "status": "failure",
            "error": {"error": "It broke.", "details": "details-for-admins"},
            "error_kind": "upstream_failed", "request_id": "req_7", "dialect": "anthropic",
            "endpoint": "/v1/messages", "key": "auth_token", "account": "alias-for-admins",
            "served_model": "claude-4-sonnet", "flow": "agent", "http_status": 502,
            "attempts": [first, second], "close": "cut", "usage_source": "upstream",
            "ignored": "logit_bias",
            "content": {"prompt": "hi", "answer": "he said", "thinking": ""}
        })
    );
    assert_eq!(
        answer["logs"][1],
        json!({
            "id": 8, "timestamp": "2026-02-01T12:46:48Z", "model": "gpt-5",
            "token_info": {"key": ""}, "chain": {}, "timing": {"total": 4.0}, "stream": false,
            "status": "success", "request_id": "req_8", "dialect": "openai_chat",
            "endpoint": "/v1/chat/completions", "key": "auth_token", "http_status": 200,
            "attempts": [], "close": "finished"
        })
    );
}

#[tokio::test]
async fn every_filter_filters() {
    let (rig, log) = rig(Vec::new()).await;
    rig.post("/tokens/profile/update", &json!(["ann"])).await;
    let row = rig.post("/tokens/get", &json!({})).await.json()["tokens"][0].clone();
    let number = row[0].as_u64().expect("number");
    let user = &row[2]["user"];
    let pending = Entry { status: Status::Pending, close: None, ..of_key(3, "key_a") };
    let odd = Entry { model: "100%_'\"x".into(), who: Who::Shared, ..entry(4) };
    let entries = vec![entry(1), full(2, Who::Operator, number), pending, odd];
    log.put(entries).await.expect("put");
    for (query, expected) in [
        (json!({}), vec![1, 2, 3, 4]),
        (json!(null), vec![1, 2, 3, 4]),
        (json!({"limit": 2}), vec![1, 2]),
        (json!({"limit": 2, "offset": 1}), vec![2, 3]),
        (json!({"reverse": true, "limit": 3}), vec![4, 3, 2]),
        (json!({"reverse": true, "cursor": "3"}), vec![2, 1]),
        (json!({"from_date": "2026-02-01T20:46:43+08:00"}), vec![3, 4]),
        (json!({"to_date": "2026-02-01T12:46:42Z"}), vec![1, 2]),
        (json!({"user_id": user["user_id"].to_string()}), vec![2]),
        (json!({"user_id": crate::rig::ANN}), vec![2]),
        (json!({"user_id": "user_0"}), vec![]),
        (json!({"email": user["email"].as_str().expect("email")[1..].to_uppercase()}), vec![2]),
        (json!({"email": "%"}), vec![]),
        (json!({"membership_type": row[2]["stripe"]["membership_type"]}), vec![2]),
        (json!({"membership_type": "gold"}), vec![]),
        (json!({"status": "pending"}), vec![3]),
        (json!({"status": "success"}), vec![1, 4]),
        (json!({"status": "failure"}), vec![2]),
        (json!({"status": "broken"}), vec![]),
        (json!({"model": "GPT"}), vec![1, 3]),
        (json!({"model": "%"}), vec![4]),
        (json!({"model": "_"}), vec![4]),
        (json!({"model": "'\""}), vec![4]),
        (json!({"model": "\u{0}"}), vec![]),
        (json!({"include_models": ["gpt-5", "claude-4"]}), vec![1, 3]),
        (json!({"exclude_models": ["gpt-5"]}), vec![2, 4]),
        (json!({"stream": true}), vec![2]),
        (json!({"stream": false}), vec![1, 3, 4]),
        (json!({"has_chain": true}), vec![2]),
        (json!({"has_usage": false}), vec![1, 3, 4]),
        (json!({"has_error": true}), vec![2]),
        (json!({"error": "BROKE"}), vec![2]),
        (json!({"error": "upstream_f"}), vec![2]),
        (json!({"error": "details-for"}), vec![]),
        (json!({"min_total_time": 1.25}), vec![2, 3, 4]),
        (json!({"max_total_time": 1.25}), vec![1, 2]),
        (json!({"min_tokens": 120}), vec![2]),
        (json!({"min_tokens": 121}), vec![]),
        (json!({"max_tokens": 119}), vec![]),
        (json!({"key": "key_a"}), vec![3]),
        (json!({"key": "shared_token"}), vec![4]),
        (json!({"key": "auth_token"}), vec![1, 2]),
        (json!({"account": "ann"}), vec![2]),
        (json!({"account": number.to_string()}), vec![2]),
        (json!({"account": "nobody"}), vec![]),
        (json!({"dialect": "anthropic"}), vec![2]),
        (json!({"dialect": "smoke"}), vec![]),
        (json!({"request_id": "req_3"}), vec![3]),
    ] {
        let answer = ask(&rig, ADMIN, query.clone()).await;
        assert_eq!(ids(&answer), expected, "{query}");
        if query.get("limit").is_none() && query.get("cursor").is_none() {
            assert_eq!(answer.json()["total"], expected.len(), "{query}");
        }
    }
    for body in ["", " ", "{}", "{\"query\":null}"] {
        let headers = [("x-api-key", ADMIN)];
        assert_eq!(ids(&rig.call("POST", "/logs/get", &headers, body).await), [1, 2, 3, 4]);
    }
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_by_name_and_what_is_unknown_is_told() {
    let (rig, _log) = rig(vec![entry(1)]).await;
    for (query, error) in [
        (json!({"limit": 0}), "query.limit: expected 1 to 1000"),
        (json!({"limit": 1001}), "query.limit: expected 1 to 1000"),
        (json!({"limit": -1}), "query.limit: expected a whole number, 0 or more"),
        (json!({"reverse": "yes"}), "query.reverse: expected a boolean"),
        (
            json!({"from_date": "2024-03-20T15:30:00"}),
            "query.from_date: expected a time such as 2027-01-31T12:00:00Z",
        ),
        (json!({"to_date": 5}), "query.to_date: expected a string"),
        (
            json!({"min_total_time": -1}),
            "query.min_total_time: expected a number of seconds, 0 or more",
        ),
        (json!({"include_models": [1]}), "query.include_models[0]: expected a string"),
        (json!({"error": "x".repeat(1 << 20)}), "query.error: is too long"),
        (json!({"include_models": vec!["x"; 1001]}), "query.include_models: is too long"),
        (
            json!({"cursor": "%"}),
            "query.cursor: expected the next of an answer, or the id of an entry",
        ),
    ] {
        let answer = ask(&rig, ADMIN, query).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!(error)));
    }
    let answer = ask(&rig, ADMIN, json!({"colour": 1})).await;
    assert_eq!((ids(&answer), answer.header("x-ignored-fields")), (vec![1], Some("query.colour")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

/// Pages go on where they ended, whatever comes meanwhile.
#[tokio::test]
async fn pages_stay_as_they_are_while_new_entries_come() {
    let (rig, log) = rig((1..=10).map(entry).collect()).await;
    for (reverse, expected) in
        [(true, (1..=10).rev().collect::<Vec<u64>>()), (false, (1..=13).collect())]
    {
        let (mut seen, mut cursor, mut newest) = (Vec::new(), Value::Null, 10);
        loop {
            let mut query = json!({"reverse": reverse, "limit": 4});
            if !cursor.is_null() {
                query["cursor"] = cursor;
            }
            let answer = ask(&rig, ADMIN, query).await;
            seen.extend(ids(&answer));
            newest += 1;
            if newest <= 13 {
                log.put(vec![entry(newest)]).await.expect("put");
            }
            cursor = answer.json()["next"].clone();
            if cursor.is_null() {
                break;
            }
            assert!(cursor.is_string());
        }
        assert_eq!(seen, expected);
    }
}

#[tokio::test]
async fn no_log_a_broken_one_and_too_broad_a_search_are_told() {
    let off = Rig::empty().await;
    for (method, path) in [("POST", "/logs/get"), ("GET", "/logs/export")] {
        let answer = off.call(method, path, &[("x-api-key", ADMIN)], "").await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["error"], "The request log is switched off.");
    }
    let (rig, log) = rig(vec![entry(1)]).await;
    for (method, path) in [("POST", "/logs/get"), ("GET", "/logs/export")] {
        log.fail_next(StoreError::Unavailable("internals".to_owned()));
        let answer = rig.call(method, path, &[("x-api-key", ADMIN)], "").await;
        assert_eq!(answer.status, 503);
        assert!(!answer.text.contains("internals"), "{answer:?}");
        log.fail_next(StoreError::TooBroad);
        let answer = rig.call(method, path, &[("x-api-key", ADMIN)], "").await;
        assert_eq!(answer.status, 400);
        assert!(answer.text.contains("from_date"), "{answer:?}");
    }
}
