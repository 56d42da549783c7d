//! Every file in `fixtures/clients/anthropic` against the snapshot beside it.

use conversation::fold;
use dialects::Images;
use dialects::anthropic::{
    ReplyForm, StreamEncoder, decode, decode_count, encode_whole, error_body,
};

use fixtures::reply_events::text;
use fixtures::{Fixtures, events, streamed, with_whole};

#[path = "support/fixtures.rs"]
mod fixtures;

const FIXTURES: Fixtures = Fixtures("anthropic");
const REQUEST_ID: &str = "req_0001";
const INPUT_ESTIMATE: u64 = 25;

#[test]
fn requests() {
    for (start, decode) in
        [("request-", decode as fn(&[u8], &Images) -> _), ("count-", decode_count)]
    {
        for name in FIXTURES.names(start) {
            let decoded = decode(FIXTURES.read(&name).as_bytes(), &Images::default()).expect(&name);
            FIXTURES.check_snapshot(
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
    for name in FIXTURES.names("refused-") {
        let failure = decode(FIXTURES.read(&name).as_bytes(), &Images::default())
            .map(|_| ())
            .expect_err(&name);
        let body = String::from_utf8(error_body(&failure, REQUEST_ID)).expect("UTF-8");
        FIXTURES.check_snapshot(&name, &format!("{:?}\n\n{body}", failure.param));
    }
}

#[test]
fn replies() {
    for name in FIXTURES.names("reply-") {
        let fixture = FIXTURES.parse(&name);
        let omits_thinking = fixture["omits_thinking"] == true;
        let form = |stream| ReplyForm { stream, model: text(&fixture["model"]), omits_thinking };
        let events = events(&fixture);

        let mut encoder = StreamEncoder::new(&form(true), REQUEST_ID, INPUT_ESTIMATE);
        let mut shown = streamed(&events, &mut encoder);
        if let Ok(reply) = fold(events) {
            shown = with_whole(shown, encode_whole(&reply, &form(false)));
        }
        FIXTURES.check_snapshot(&name, &shown);
    }
}

#[test]
fn every_snapshot_has_a_fixture() {
    FIXTURES.check_snapshots(&["request-", "count-", "refused-", "reply-"]);
}
