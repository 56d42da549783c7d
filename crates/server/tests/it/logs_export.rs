//! `/logs/export`: everything, a page at a time, and never an end that is none.

use futures::StreamExt as _;
use request_log::{Entry, Fault};
use serde_json::{Value, json};
use store::{RequestLog as _, StoreError};
use tower::ServiceExt as _;

use crate::logs::{entry, full, rig};
use crate::rig::{ADMIN, Rig, request};

/// The body as it comes.
async fn parts(
    rig: &Rig,
    query: &str,
) -> impl futures::Stream<Item = Result<String, axum::Error>> + Unpin {
    let path = format!("/logs/export?{query}");
    let request = request("GET", &path, &[("x-api-key", ADMIN)], "");
    let response = Box::pin(rig.router.clone().oneshot(request)).await.expect("infallible");
    assert_eq!(response.status(), 200);
    response
        .into_body()
        .into_data_stream()
        .map(|part| part.map(|bytes| String::from_utf8(bytes.to_vec()).expect("text")))
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[tokio::test]
async fn ten_thousand_entries_come_in_small_parts_and_all_of_them() {
    let (rig, _log) = rig((1..=10_000).map(entry).collect()).await;
    for (query, heading, first) in [("", 0, 1), ("reverse=true", 0, 10_000), ("format=csv", 1, 1)] {
        let mut parts = parts(&rig, query).await;
        let (mut text, mut count) = (String::new(), 0);
        while let Some(part) = parts.next().await {
            let part = part.expect("whole");
            assert!(part.lines().count() <= 101, "a part is a page");
            text.push_str(&part);
            count += 1;
        }
        assert_eq!(count, 100);
        assert_eq!(text.lines().count(), 10_000 + heading);
        if heading == 0 {
            let entries = lines(&text);
            let ids = |at: usize| entries[at]["id"].as_u64().expect("id");
            assert_eq!((ids(0), ids(0).abs_diff(ids(9999))), (first, 9999));
        }
    }
}

#[tokio::test]
async fn filters_and_bounds_hold_for_exports_too() {
    let (rig, _log) = rig((1..=250).map(entry).collect()).await;
    let headers = [("x-api-key", ADMIN)];
    for (query, expected) in [
        ("limit=120", (1..=120).collect::<Vec<u64>>()),
        ("limit=101&offset=100", (101..=201).collect()),
        ("limit=3&reverse=true&cursor=100", vec![99, 98, 97]),
        ("from_date=2026-02-01T20:50:49%2B08:00", vec![249, 250]),
        ("include_models=a&include_models=gpt-5&limit=1", vec![1]),
        ("exclude_models=gpt-5", vec![]),
        ("status=broken", vec![]),
    ] {
        let answer = rig.call("GET", &format!("/logs/export?{query}"), &headers, "").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let lines = lines(&answer.text);
        let ids: Vec<u64> = lines.iter().map(|line| line["id"].as_u64().expect("id")).collect();
        assert_eq!(ids, expected, "{query}");
    }
    for (query, error) in [
        ("format=xml", "format: expected `jsonl` or `csv`"),
        ("limit=0", "limit: expected 1 or more"),
        ("limit=x", "limit: expected a whole number, 0 or more"),
        ("stream=yes", "stream: expected a boolean"),
        ("model=a&model=b", "model: stands there twice"),
        ("to_date=now", "to_date: expected a time such as 2027-01-31T12:00:00Z"),
    ] {
        let answer = rig.call("GET", &format!("/logs/export?{query}"), &headers, "").await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!(error)), "{query}");
    }
    let answer = rig.call("GET", "/logs/export?colour=red&limit=1", &headers, "").await;
    assert_eq!(answer.header("x-ignored-fields"), Some("colour"));
    let disposition = answer.header("content-disposition");
    assert_eq!(disposition, Some("attachment; filename=\"request-log.jsonl\""));
}

#[tokio::test]
async fn a_table_is_no_formula_and_says_the_same() {
    let fault = Fault { kind: "busy".into(), text: "a,\"b\"\nc".into(), details: "-1".into() };
    let hostile = Entry { model: "=HYPERLINK(1)".into(), fault: Some(fault), ..entry(1) };
    let (rig, _log) = rig(vec![hostile, full(2, request_log::Who::Operator, 9)]).await;
    let headers = [("x-api-key", ADMIN)];
    let answer = rig.call("GET", "/logs/export?format=csv", &headers, "").await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let expected = "1,2026-02-01T12:46:41Z,req_1,openai_chat,/v1/chat/completions,auth_token,\
         \"'=HYPERLINK(1)\",,,false,success,200,busy,\"a,\"\"b\"\"\nc\",,,,0.5,,,,,,finished,,,,,,,\
         \"'-1\",\r\n";
    let (heading, rest) = answer.text.split_once("\r\n").expect("heading");
    assert_eq!(heading.split(',').count(), 32);
    let (first, second) = rest.split_at(expected.len());
    assert_eq!(first, expected);
    assert_eq!(
        second,
        "2,2026-02-01T12:46:42Z,req_2,anthropic,/v1/messages,auth_token,Claude-4,claude-4-sonnet,\
         agent,true,failure,502,upstream_failed,It broke.,0.04,0.05,,1.25,100,20,,5,upstream,cut,\
         logit_bias,hi,he said,,9,alias-for-admins,details-for-admins,alias-for-admins: busy; \
         alias-for-admins\r\n"
    );
}

/// Invariant: a stream that merely stops is a failure.
#[tokio::test]
async fn an_export_that_breaks_off_does_not_look_like_an_end() {
    let (rig, log) = rig((1..=250).map(entry).collect()).await;
    for (query, last_words) in [("", true), ("format=csv", false)] {
        let mut parts = parts(&rig, query).await;
        parts.next().await.expect("a part").expect("the first page");
        log.fail_next(StoreError::Unavailable("internals".to_owned()));
        let last = parts.next().await.expect("a part").expect("last words");
        assert_eq!(last.contains("\"error\""), last_words, "{last}");
        assert!(!last.contains("internals"));
        assert!(parts.next().await.expect("an end that is none").is_err());
    }
}

/// A client that leaves is read for no further.
#[tokio::test]
async fn nothing_is_read_ahead_of_the_client() {
    let (rig, log) = rig((1..=250).map(entry).collect()).await;
    let mut parts = parts(&rig, "").await;
    parts.next().await.expect("a part").expect("the first page");
    drop(parts);
    log.fail_next(StoreError::TooBroad);
    // The failure is still there for the next who asks.
    let error = log.read(request_log::Query { limit: 1, ..Default::default() }).await;
    assert!(matches!(error, Err(StoreError::TooBroad)));
}
