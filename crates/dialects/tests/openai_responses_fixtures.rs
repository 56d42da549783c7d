//! Every file in `fixtures/clients/openai_responses` against the snapshot beside it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use conversation::{BlockKind, Event, Failure, FailureClass, StopReason, Usage, UsageSource, fold};
use dialects::openai_responses::{
    StreamEncoder, encode_compaction, encode_whole, read as read_request,
};
use dialects::{Encoder, Images};
use serde_json::Value;

const CREATED: i64 = 1_700_000_000;

/// What the server keeps of the answer that `request-sdk-continued` goes on from.
const EARLIER: [&str; 2] = [
    r#"{"type":"message","id":"msg_0","role":"user","content":[{"type":"input_text","text":"How warm is it in Bern?"}]}"#,
    r#"{"type":"function_call","id":"fc_0_1","status":"completed","call_id":"call_9","name":"get_weather","arguments":"{\"location\":\"Bern\"}"}"#,
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/clients/openai_responses")
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
    for name in names("request-", ".json") {
        let request = read_request(read(&name).as_bytes()).expect(&name);
        let earlier = match request.previous_response_id() {
            Some(_) => EARLIER.map(str::to_owned).to_vec(),
            None => Vec::new(),
        };
        let decoded = request.decode(&earlier, &Images::default()).expect(&name);
        let mut form = decoded.form;
        // Made up ids depend on the standard library's hash.
        for item in &mut form.input_items {
            let parsed: Value = serde_json::from_str(item).expect("JSON");
            let id = parsed["id"].as_str().expect("an id");
            if let Some((start, rest)) = id.split_once("_in_") {
                let place = rest.rsplit('_').next().expect("a place");
                *item = item.replace(id, &format!("{start}_in_HASH_{place}"));
            }
        }
        check_snapshot(
            &name,
            &format!("{:#?}\n\n{form:#?}\n\nignored: {}", decoded.turn, decoded.ignored),
        );
    }
}

#[test]
fn replies() {
    for name in names("reply-", ".json") {
        let fixture: Value = serde_json::from_str(&read(&name)).expect(&name);
        let form = read_request(fixture["request"].to_string().as_bytes())
            .and_then(|request| request.decode(&[], &Images::default()))
            .expect(&name)
            .form;
        let events: Vec<_> =
            fixture["events"].as_array().expect("events").iter().map(event).collect();

        let mut out = BytesMut::new();
        let mut encoder = StreamEncoder::new(&form, CREATED);
        for event in events.clone() {
            match event {
                Ok(event) => encoder.encode(event, &mut out),
                Err(failure) => encoder.fail(&failure, &mut out),
            }
        }
        let mut shown = String::from_utf8(out.to_vec()).expect("UTF-8");
        if let Ok(reply) = fold(events) {
            let whole = encode_whole(&reply, &form, CREATED);
            assert_eq!(encoder.record().as_ref(), Some(&whole), "{name}");
            write!(shown, "--- whole\n{}", String::from_utf8(whole.body).expect("UTF-8"))
                .expect("a string");
        }
        check_snapshot(&name, &shown);
    }
}

#[test]
fn compactions() {
    for name in names("compaction-", ".json") {
        let fixture: Value = serde_json::from_str(&read(&name)).expect(&name);
        let decoded = read_request(fixture["request"].to_string().as_bytes())
            .and_then(|request| request.decode_compaction(&[], &Images::default()))
            .expect(&name);
        let events = fixture["events"].as_array().expect("events").iter().map(event);
        let reply = fold(events).expect(&name);
        let body = encode_compaction(&reply, &decoded.form, CREATED).expect(&name);
        let mut body: Value = serde_json::from_slice(&body).expect("JSON");
        // Made up ids depend on the standard library's hash.
        for item in body["output"].as_array_mut().expect("items") {
            let id = item["id"].as_str().expect("an id");
            if let Some((start, _)) = id.split_once("_in_") {
                item["id"] = format!("{start}_in_HASH").into();
            }
        }
        check_snapshot(
            &name,
            &format!("{:#?}\n\nignored: {}\n\n{body:#}", decoded.turn, decoded.ignored),
        );
    }
}

#[test]
fn every_snapshot_has_a_fixture() {
    for start in ["request-", "reply-", "compaction-"] {
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
