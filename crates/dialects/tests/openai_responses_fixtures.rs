//! Every file in `fixtures/clients/openai_responses` against the snapshot beside it.

use conversation::fold;
use dialects::Images;
use dialects::openai_responses::{
    StreamEncoder, encode_compaction, encode_whole, read as read_request,
};
use serde_json::Value;

use fixtures::{Fixtures, events, streamed, with_whole};

#[path = "support/fixtures.rs"]
mod fixtures;

const FIXTURES: Fixtures = Fixtures("openai_responses");
const CREATED: i64 = 1_700_000_000;

/// What the server keeps of the answer that `request-sdk-continued` goes on from.
const EARLIER: [&str; 2] = [
    r#"{"type":"message","id":"msg_0","role":"user","content":[{"type":"input_text","text":"How warm is it in Bern?"}]}"#,
    r#"{"type":"function_call","id":"fc_0_1","status":"completed","call_id":"call_9","name":"get_weather","arguments":"{\"location\":\"Bern\"}"}"#,
];

#[test]
fn requests() {
    for name in FIXTURES.names("request-") {
        let request = read_request(FIXTURES.read(&name).as_bytes()).expect(&name);
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
        FIXTURES.check_snapshot(
            &name,
            &format!("{:#?}\n\n{form:#?}\n\nignored: {}", decoded.turn, decoded.ignored),
        );
    }
}

#[test]
fn replies() {
    for name in FIXTURES.names("reply-") {
        let fixture = FIXTURES.parse(&name);
        let form = read_request(fixture["request"].to_string().as_bytes())
            .and_then(|request| request.decode(&[], &Images::default()))
            .expect(&name)
            .form;
        let events = events(&fixture);

        let mut encoder = StreamEncoder::new(&form, CREATED);
        let mut shown = streamed(&events, &mut encoder);
        if let Ok(reply) = fold(events) {
            let whole = encode_whole(&reply, &form, CREATED);
            assert_eq!(encoder.record().as_ref(), Some(&whole), "{name}");
            shown = with_whole(shown, whole.body);
        }
        FIXTURES.check_snapshot(&name, &shown);
    }
}

#[test]
fn compactions() {
    for name in FIXTURES.names("compaction-") {
        let fixture = FIXTURES.parse(&name);
        let decoded = read_request(fixture["request"].to_string().as_bytes())
            .and_then(|request| request.decode_compaction(&[], &Images::default()))
            .expect(&name);
        let reply = fold(events(&fixture)).expect(&name);
        let body = encode_compaction(&reply, &decoded.form, CREATED).expect(&name);
        let mut body: Value = serde_json::from_slice(&body).expect("JSON");
        // Made up ids depend on the standard library's hash.
        for item in body["output"].as_array_mut().expect("items") {
            let id = item["id"].as_str().expect("an id");
            if let Some((start, _)) = id.split_once("_in_") {
                item["id"] = format!("{start}_in_HASH").into();
            }
        }
        FIXTURES.check_snapshot(
            &name,
            &format!("{:#?}\n\nignored: {}\n\n{body:#}", decoded.turn, decoded.ignored),
        );
    }
}

#[test]
fn every_snapshot_has_a_fixture() {
    FIXTURES.check_snapshots(&["request-", "reply-", "compaction-"]);
}
