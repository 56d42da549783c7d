//! Every file in `fixtures/clients/openai_chat` against the snapshot beside it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use conversation::fold;
use dialects::openai_chat::{CallForm, Mode, ReplyForm, StreamEncoder, decode, encode_whole};
use dialects::{Encoder, Images};
use serde_json::Value;

use self::reply_events::{event, text};

#[path = "support/reply_events.rs"]
mod reply_events;

const CREATED: i64 = 1_700_000_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/clients/openai_chat")
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
        let body = read(&name);
        let decoded = decode(body.as_bytes(), &Images::default()).expect(&name);
        check_snapshot(
            &name,
            &format!("{:#?}\n\n{:?}\n\nignored: {}", decoded.turn, decoded.form, decoded.ignored),
        );
    }
}

#[test]
fn replies() {
    for name in names("reply-", ".json") {
        let fixture: Value = serde_json::from_str(&read(&name)).expect(&name);
        let form = |mode| ReplyForm {
            mode,
            model: text(&fixture["model"]),
            calls: call_form(&fixture["calls"]),
        };
        let include_usage = fixture["usage"].as_bool().expect("usage");
        let events: Vec<_> =
            fixture["events"].as_array().expect("events").iter().map(event).collect();

        let mut out = BytesMut::new();
        let mut encoder = StreamEncoder::new(&form(Mode::Stream { include_usage }), CREATED);
        for event in events.clone() {
            match event {
                Ok(event) => encoder.encode(event, &mut out),
                Err(failure) => encoder.fail(&failure, &mut out),
            }
        }
        let mut shown = String::from_utf8(out.to_vec()).expect("UTF-8");
        if let Ok(reply) = fold(events) {
            let whole = encode_whole(&reply, &form(Mode::Whole), CREATED);
            write!(shown, "--- whole\n{}", String::from_utf8(whole).expect("UTF-8"))
                .expect("a string");
        }
        check_snapshot(&name, &shown);
    }
}

#[test]
fn every_snapshot_has_a_fixture() {
    for start in ["request-", "reply-"] {
        assert_eq!(names(start, ".snap"), names(start, ".json"));
    }
}

/// Missing, `"function_call"`, or the names of the custom tools.
fn call_form(value: &Value) -> CallForm {
    match value {
        Value::String(_) => CallForm::Function,
        value => {
            let names = value.as_array().into_iter().flatten();
            CallForm::Tools { custom: names.map(text).collect() }
        }
    }
}
