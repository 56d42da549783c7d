//! Every file in `fixtures/clients/openai_chat` against the snapshot beside it.

use conversation::fold;
use dialects::Images;
use dialects::openai_chat::{CallForm, Mode, ReplyForm, StreamEncoder, decode, encode_whole};
use serde_json::Value;

use fixtures::reply_events::text;
use fixtures::{Fixtures, events, streamed, with_whole};

#[path = "support/fixtures.rs"]
mod fixtures;

const FIXTURES: Fixtures = Fixtures("openai_chat");
const CREATED: i64 = 1_700_000_000;

#[test]
fn requests() {
    for name in FIXTURES.names("request-") {
        let body = FIXTURES.read(&name);
        let decoded = decode(body.as_bytes(), &Images::default()).expect(&name);
        FIXTURES.check_snapshot(
            &name,
            &format!("{:#?}\n\n{:?}\n\nignored: {}", decoded.turn, decoded.form, decoded.ignored),
        );
    }
}

#[test]
fn replies() {
    for name in FIXTURES.names("reply-") {
        let fixture = FIXTURES.parse(&name);
        let form = |mode| ReplyForm {
            mode,
            model: text(&fixture["model"]),
            calls: call_form(&fixture["calls"]),
        };
        let include_usage = fixture["usage"].as_bool().expect("usage");
        let events = events(&fixture);

        let mut encoder = StreamEncoder::new(&form(Mode::Stream { include_usage }), CREATED);
        let mut shown = streamed(&events, &mut encoder);
        if let Ok(reply) = fold(events) {
            shown = with_whole(shown, encode_whole(&reply, &form(Mode::Whole), CREATED));
        }
        FIXTURES.check_snapshot(&name, &shown);
    }
}

#[test]
fn every_snapshot_has_a_fixture() {
    FIXTURES.check_snapshots(&["request-", "reply-"]);
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
