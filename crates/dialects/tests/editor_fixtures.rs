//! Every file in `fixtures/clients/editor` against the snapshot beside it.

use std::fmt::Debug;

use conversation::Failure;
use dialects::editor::{Decoded, decode_config, decode_stream, decode_sync, decode_upload};

use fixtures::Fixtures;

#[path = "support/fixtures.rs"]
#[expect(dead_code, reason = "the other half is about streams of conversations")]
mod fixtures;

const FIXTURES: Fixtures = Fixtures("editor");

fn shown<T: Debug>(decoded: Result<Decoded<T>, Failure>) -> Result<String, Failure> {
    decoded.map(|decoded| format!("{:#?}\n\nignored: {}", decoded.request, decoded.ignored))
}

/// The second word of the name tells the endpoint.
fn decode(name: &str) -> Result<String, Failure> {
    let body = FIXTURES.read(name);
    let body = body.as_bytes();
    match name.split('-').nth(1) {
        Some("config") => shown(decode_config(body)),
        Some("stream") => shown(decode_stream(body)),
        Some("upload") => shown(decode_upload(body)),
        Some("sync") => shown(decode_sync(body)),
        other => panic!("{name}: {other:?} is no endpoint"),
    }
}

#[test]
fn requests() {
    for name in FIXTURES.names("request-") {
        FIXTURES.check_snapshot(&name, &decode(&name).expect(&name));
    }
}

#[test]
fn refusals() {
    for name in FIXTURES.names("refused-") {
        let failure = decode(&name).expect_err(&name);
        let param = failure.param.as_deref().unwrap_or("none");
        FIXTURES.check_snapshot(&name, &format!("param: {param}\n{}", failure.client));
    }
}

#[test]
fn every_snapshot_has_a_fixture() {
    FIXTURES.check_snapshots(&["request-", "refused-"]);
}
