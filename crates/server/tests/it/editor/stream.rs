//! `/cpp/stream`: every kind of event, the documented orders, the ways it ends.

use serde_json::{Value, json};

use super::{about, complete, events, kinds, text};
use crate::rig::Rig;

#[tokio::test]
async fn one_edit_in_the_documented_order_with_debugging() {
    let rig = Rig::new().await;
    let mut body = about("fn main() {\n    call(\n}\n", 1, 9);
    body["give_debug_output"] = json!(true);
    let answer = complete(&rig, &body).await;
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    let events = events(&answer);
    let order = ["model_info", "range_replace", "text", "done_edit", "done_stream", "debug"];
    assert_eq!(kinds(&events), [&order[..], &["stream_end"]].concat());
    let info = json!({"type": "model_info", "is_fused_cursor_prediction_model": true,
        "is_multidiff_model": true});
    assert_eq!(events[0], info);
    let range = &events[1];
    assert_eq!(
        (&range["start_line_number"], &range["end_line_number_inclusive"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(range["should_remove_leading_eol"], true);
    assert!(range["binding_id"].as_str().is_some_and(|id| id.ends_with(":0")), "{range}");
    assert_eq!(text(&events), "\n    call()");
    let debug = events.iter().find(|event| event["type"] == "debug").expect("debug");
    let expected = json!({"type": "debug", "model_input": "src/a.rs:1:9",
        "model_output": "\n    call()", "stream_time": "0", "total_time": "0", "ttft_time": "0",
        "server_timing": "simulated 1/1"});
    assert_eq!(debug, &expected);
}

#[tokio::test]
async fn several_edits_and_a_prediction_in_the_documented_order() {
    let rig = Rig::new().await;
    let file = "// [[cpp: edit 2-3 \"a longer text than one piece\"]] [[cpp: edit 5 \"b\"]]\n\
        // [[cpp: edit 7 \"\\nc\"]] [[cpp: predict \"src/b.rs\" 9 \"next\"]] [[cpp: debug 3]]\n";
    let answer = complete(&rig, &about(file, 0, 0)).await;
    let events = events(&answer);
    let edit = ["range_replace", "text", "done_edit", "begin_edit"];
    let last = ["range_replace", "text", "cursor_prediction", "done_edit", "done_stream"];
    let end = ["debug", "debug", "debug", "stream_end"];
    assert_eq!(kinds(&events), [&["model_info"], &edit[..], &edit, &last, &end].concat());
    let ranges: Vec<&Value> =
        events.iter().filter(|event| event["type"] == "range_replace").collect();
    let lines: Vec<(i64, i64)> = ranges
        .iter()
        .map(|range| {
            let number = |name: &str| range[name].as_i64().expect("a number");
            (number("start_line_number"), number("end_line_number_inclusive"))
        })
        .collect();
    assert_eq!(lines, [(2, 3), (5, 5), (7, 7)]);
    assert_eq!(ranges[0].get("should_remove_leading_eol"), None);
    assert_eq!(ranges[2]["should_remove_leading_eol"], true);
    let id = ranges[0]["binding_id"].as_str().expect("an id").strip_suffix(":0").expect("first");
    let prediction =
        events.iter().find(|event| event["type"] == "cursor_prediction").expect("a prediction");
    let expected = json!({"type": "cursor_prediction", "relative_path": "src/b.rs",
        "line_number_one_indexed": 9, "expected_content": "next", "should_retrigger_cpp": true,
        "binding_id": format!("{id}:3")});
    assert_eq!(prediction, &expected);
    assert_eq!(text(&events), "a longer text than one pieceb\nc");
}

#[tokio::test]
async fn every_kind_of_event_has_its_own_name() {
    let rig = Rig::new().await;
    let file = "// [[cpp: edit 1 \"a\"]] [[cpp: edit 2 \"b\"]] [[cpp: predict \"p\" 1 \"\"]] \
        [[cpp: debug 1]] [[cpp: error-after 11 overloaded \"full\"]]";
    let events = events(&complete(&rig, &about(file, 0, 0)).await);
    let mut kinds = kinds(&events);
    kinds.sort_unstable();
    kinds.dedup();
    let all = [
        "begin_edit",
        "cursor_prediction",
        "debug",
        "done_edit",
        "done_stream",
        "error",
        "model_info",
        "range_replace",
        "stream_end",
        "text",
    ];
    assert_eq!(kinds, all, "{events:#?}");
}

#[tokio::test]
async fn texts_arrive_as_they_are() {
    let rig = Rig::new().await;
    let said = "\"q\" \\ é👋 \u{7}\t</script>\r\n\u{2028}event: x\n\ndata: y";
    let file = format!("// [[cpp: edit 1 {}]]", json!(said));
    let events = events(&complete(&rig, &about(&file, 0, 0)).await);
    assert_eq!(text(&events), said);
}

#[tokio::test]
async fn no_suggestion_is_an_orderly_empty_stream() {
    let rig = Rig::new().await;
    for file in ["", "fn main() {}\n", "// [[cpp: none]] f(", "// [[cpp: 204]] f("] {
        let events = events(&complete(&rig, &about(file, 0, 0)).await);
        assert_eq!(events, [json!({"type": "stream_end"})], "{file}");
    }
}

#[tokio::test]
async fn an_error_before_the_first_event_is_a_status_and_a_body() {
    let rig = Rig::new().await;
    let cases = [
        ("invalid_argument \"odd file\"", 400, "odd file"),
        ("rate_limit", 429, ""),
        ("debounced", 429, ""),
        ("overloaded", 503, ""),
        ("internal", 502, ""),
        ("permission_denied", 403, ""),
    ];
    for (code, status, told) in cases {
        // Each for accounts that no earlier error has put to rest.
        let rig = if code == "overloaded" { &rig } else { &Rig::new().await };
        let file = format!("// [[cpp: error {code}]]");
        let answer = complete(rig, &about(&file, 0, 0)).await;
        assert_eq!(answer.status, status, "{code} {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{answer:?}");
        let body = answer.json();
        let error = &body["error"];
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(1));
        assert_eq!(error["code"], status, "{error}");
        assert!(error["type"].as_str().is_some_and(|kind| !kind.is_empty()), "{error}");
        assert!(error["details"]["title"].as_str().is_some_and(|title| !title.is_empty()));
        assert!(error["details"]["detail"].as_str().expect("text").contains(told), "{error}");
    }
}

#[tokio::test]
async fn an_error_after_the_first_event_is_an_event() {
    for (code, status) in [("overloaded \"full\"", 503), ("internal", 502), ("rate_limit", 429)] {
        let rig = Rig::new().await;
        let file = format!("// [[cpp: edit 1 \"0123456789\"]] [[cpp: error-after 3 {code}]]");
        let events = events(&complete(&rig, &about(&file, 0, 0)).await);
        let order = ["model_info", "range_replace", "text", "error", "stream_end"];
        assert_eq!(kinds(&events), order, "{events:?}");
        let error = &events[events.len() - 2]["error"];
        assert_eq!(error["code"], status, "{error}");
        assert!(error["type"].is_string() && error["details"]["detail"].is_string(), "{error}");
        assert_eq!(super::users(&rig, super::STREAM).len(), 1, "nobody else is asked");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_an_error_and_not_an_end() {
    let rig = Rig::new().await;
    let file = "// [[cpp: edit 1 \"0123456789\"]] [[cpp: drop 3]]";
    let events = events(&complete(&rig, &about(file, 0, 0)).await);
    assert_eq!(events[events.len() - 2]["type"], "error", "{events:?}");
    assert_eq!(events[events.len() - 2]["error"]["code"], 502, "{events:?}");
}

#[tokio::test]
async fn a_wrong_model_and_a_copy_that_is_not_there() {
    let rig = Rig::new().await;
    let mut body = about("f(", 0, 2);
    body["model_name"] = json!("no-such-model-xyz");
    let answer = complete(&rig, &body).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!(404)), "{answer:?}");
    assert_eq!(answer.json()["error"]["details"]["title"], "Unknown model");
    let answer = complete(&rig, &super::synced(1, "f(", 0, 2)).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!(404)), "{answer:?}");
    assert_eq!(answer.json()["error"]["details"]["title"], "Not found");
    assert_eq!(super::users(&rig, super::STREAM).len(), 2, "a bad request is asked once");
}

#[tokio::test]
async fn a_new_request_cancels_nothing_by_itself() {
    let rig = Rig::new().await;
    let slow =
        about("// [[cpp: edit 1 \"0123456789abcdef\"]] [[cpp: delay 60ms]] [[cpp: tag a]]", 0, 0);
    let quick = about("f(", 0, 2);
    let (slow, quick) = tokio::join!(complete(&rig, &slow), async {
        tokio::time::timeout(std::time::Duration::from_secs(5), async {
            while rig.control.active_completions() == 0 {
                tokio::time::sleep(std::time::Duration::from_millis(2)).await;
            }
        })
        .await
        .expect("the first one runs");
        complete(&rig, &quick).await
    });
    assert_eq!(text(&events(&slow)), "0123456789abcdef");
    assert_eq!(text(&events(&quick)), "\nf()");
    let counts = rig.control.tag("a").expect("counted");
    assert_eq!((counts.completed, counts.cancelled), (1, 0), "{counts:?}");
}
