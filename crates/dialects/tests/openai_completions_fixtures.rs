//! Every file in `fixtures/clients/openai_completions` against the snapshot beside it.

use conversation::fold;
use dialects::openai_chat::Mode;
use dialects::openai_completions::{ReplyForm, Request, StreamEncoder, decode, encode_whole, read};

use fixtures::reply_events::text;
use fixtures::{Fixtures, events, streamed, with_whole};

#[path = "support/fixtures.rs"]
mod fixtures;

const FIXTURES: Fixtures = Fixtures("openai_completions");
const CREATED: i64 = 1_700_000_000;

#[test]
fn requests() {
    for name in FIXTURES.names("request-") {
        let body = FIXTURES.read(&name);
        if name.starts_with("request-insertion") {
            let asked = read(body.as_bytes()).and_then(Request::insertion).expect(&name);
            FIXTURES.check_snapshot(&name, &format!("{asked:#?}\n\nignored: {}", asked.ignored));
            continue;
        }
        let decoded = decode(body.as_bytes()).expect(&name);
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
            echo: fixture["echo"].as_str().map(str::to_owned),
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
