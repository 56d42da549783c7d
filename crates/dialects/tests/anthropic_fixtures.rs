//! Every file in `fixtures/clients/anthropic` against the snapshot beside it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use conversation::{BlockKind, Event, Failure, FailureClass, StopReason, Usage, UsageSource, fold};
use dialects::anthropic::{
    ReplyForm, StreamEncoder, decode, decode_count, encode_whole, error_body,
};
use dialects::{Encoder, Images};
use serde_json::Value;

const REQUEST_ID: &str = "req_0001";
const INPUT_ESTIMATE: u64 = 25;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/clients/anthropic")
}

/// Names of the files with this beginning and ending, without the ending.
fn names(start: &str, end: &str) -> BTreeSet<String> {
    fs::read_dir(folder())
        .expect("the fixtures")
        .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
        .filter(|name| name.starts_with(start))
        .filter_map(|name| name.strip_suffix(end).map(str::to_owned))
        .collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(format!("{name}.json"))).expect("the fixture")
}

fn check_snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => folder(),
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn requests() {
    for (start, decode) in
        [("request-", decode as fn(&[u8], &Images) -> _), ("count-", decode_count)]
    {
        for name in names(start, ".json") {
            let decoded = decode(read(&name).as_bytes(), &Images::default()).expect(&name);
            check_snapshot(
                &name,
                &format!(
                    "{:#?}\n\n{:?}\n\nignored: {}",
                    decoded.turn, decoded.form, decoded.ignored
                ),
            );
        }
    }
}

#[test]
fn refused_requests() {
    for name in names("refused-", ".json") {
        let failure =
            decode(read(&name).as_bytes(), &Images::default()).map(|_| ()).expect_err(&name);
        let body = String::from_utf8(error_body(&failure, REQUEST_ID)).expect("UTF-8");
        check_snapshot(&name, &format!("{:?}\n\n{body}", failure.param));
    }
}

#[test]
fn replies() {
    for name in names("reply-", ".json") {
        let fixture: Value = serde_json::from_str(&read(&name)).expect(&name);
        let omits_thinking = fixture["omits_thinking"] == true;
        let form = |stream| ReplyForm { stream, model: text(&fixture["model"]), omits_thinking };
        let events: Vec<_> =
            fixture["events"].as_array().expect("events").iter().map(event).collect();

        let mut out = BytesMut::new();
        let mut encoder = StreamEncoder::new(&form(true), REQUEST_ID, INPUT_ESTIMATE);
        for event in events.clone() {
            match event {
                Ok(event) => encoder.encode(event, &mut out),
                Err(failure) => encoder.fail(&failure, &mut out),
            }
        }
        let mut shown = String::from_utf8(out.to_vec()).expect("UTF-8");
        if let Ok(reply) = fold(events) {
            let whole = encode_whole(&reply, &form(false));
            write!(shown, "--- whole\n{}", String::from_utf8(whole).expect("UTF-8"))
                .expect("a string");
        }
        check_snapshot(&name, &shown);
    }
}

#[test]
fn every_snapshot_has_a_fixture() {
    for start in ["request-", "count-", "refused-", "reply-"] {
        assert!(!names(start, ".json").is_empty());
        assert_eq!(names(start, ".snap"), names(start, ".json"));
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// One event as the fixtures write it.
fn event(value: &Value) -> Result<Event, Failure> {
    let (name, value) = value.as_object().and_then(|o| o.iter().next()).expect("one field");
    Ok(match name.as_str() {
        "started" => Event::Started { id: text(&value["id"]), model: text(&value["model"]) },
        "opened" => Event::Opened(match value.as_str() {
            Some("text") => BlockKind::Text,
            Some("reasoning") => BlockKind::Reasoning,
            _ => BlockKind::ToolCall {
                id: text(&value["tool_call"]["id"]),
                name: text(&value["tool_call"]["name"]),
            },
        }),
        "delta" => Event::Delta(text(value)),
        "closed" => Event::Closed(value.as_str().map(str::to_owned)),
        "usage" => Event::Usage(Usage {
            input: value["input"].as_u64().expect("input"),
            output: value["output"].as_u64().expect("output"),
            cache_read: value["cache_read"].as_u64(),
            cache_write: value["cache_write"].as_u64(),
            reasoning: value["reasoning"].as_u64(),
            source: match value["source"].as_str() {
                Some("estimate") => UsageSource::Estimate,
                _ => UsageSource::Upstream,
            },
        }),
        "finished" => Event::Finished(match value.as_str() {
            Some("end_turn") => StopReason::EndTurn,
            Some("tool_calls") => StopReason::ToolCalls,
            Some("max_output") => StopReason::MaxOutput,
            Some("refused") => StopReason::Refused,
            _ => StopReason::StopSequence(text(&value["stop_sequence"])),
        }),
        "failed" => return Err(Failure::new(FailureClass::UpstreamFailed, text(value))),
        other => panic!("unknown event {other}"),
    })
}
