//! Whole chat streams, both directions.
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fixture::{Vector, find, unhex, vector};
use crate::timeline::{self, Step};
use crate::{meaning, wire};

const RESPONSE: &str = "aiserver.v1.StreamUnifiedChatResponseWithTools";

vectors!(
    "chat_timelines",
    check_timeline,
    [
        text_only,
        thinking,
        web_search,
        tool_round_trip_same_stream,
        error_first,
        error_after_text,
        aborted_is_normal_end,
        gzip_mixed,
    ]
);

fn check_timeline(vector: &Vector) {
    let stream = timeline::server_stream(vector);
    if let Some(steps) = vector.get("steps") {
        let steps = timeline::steps(steps);
        let (server, client): (Vec<&Step>, _) = steps.iter().partition(|step| step.from_server);
        check_frames(&server, &stream);
        check_client(vector, &client);
    } else {
        // Two messages, the first of them compressed, and a compressed end.
        assert_eq!(
            stream.contents().iter().map(|(flags, _)| *flags).collect::<Vec<_>>(),
            [1, 0, 3]
        );
    }
    check_expected(vector, &stream);
}

fn check_frames(server: &[&Step], stream: &wire::Stream) {
    assert_eq!(server.len(), stream.frames.len());
    for (step, frame) in server.iter().zip(&stream.frames) {
        assert_eq!(frame.encode(), frame_of(step), "{}", step.vector);
        if !frame.is_end_stream() {
            timeline::check_message(RESPONSE, "chat_responses", &step.vector, &frame.data);
        }
    }
}

fn check_client(vector: &Vector, client: &[&Step]) {
    let mut sent = Vec::new();
    for step in client {
        let expected = find("chat_requests", &step.vector).expect("a request");
        assert_eq!(frame_of(step), expected.bytes("frame_hex"), "{}", step.vector);
        sent.extend(frame_of(step));
    }
    assert_eq!(hex::encode(Sha256::digest(&sent)), vector.text("client_bytes_sha256"));
}

/// The frame as the step gives it, which must be the one of the vector that it names.
fn frame_of(step: &Step) -> Vec<u8> {
    let frame = unhex(step.json["frame_hex"].as_str().expect("a frame"));
    assert_eq!(Some(frame.len() as u64), step.json["frame_length"].as_u64());
    assert_eq!(Some(u64::from(frame[0])), step.json["flags"].as_u64());
    let named = ["chat_requests", "chat_responses"]
        .iter()
        .find_map(|file| find(file, &step.vector))
        .map(|vector| vector.bytes("frame_hex"))
        .or_else(|| find("connect_frames", &step.vector).map(|frame| frame.bytes("hex")));
    match named {
        Some(named) => assert_eq!(frame, named, "{}", step.vector),
        // The order of a map in JSON is not fixed, so errors are compared as JSON.
        None => {
            assert_eq!(&end_of(&frame), vector("errors", &step.vector).value("end_stream_json"))
        }
    }
    frame
}

fn end_of(frame: &[u8]) -> Value {
    let stream = wire::read([frame]).expect("a frame");
    serde_json::from_slice(&stream.frames[0].data).expect("an end frame is JSON")
}

/// The parts of `expect` that need no session: texts are deltas, one after the other.
fn check_expected(vector: &Vector, stream: &wire::Stream) {
    let messages: Vec<Value> = stream
        .frames
        .iter()
        .filter(|frame| !frame.is_end_stream())
        .map(|frame| meaning::read(RESPONSE, &wire::inflate(frame, wire::LIMIT).expect("gzip")))
        .collect();
    let joined = |path: &str| timeline::joined(&messages, path);
    let expect = vector.value("expect");
    let text = joined("/stream_unified_chat_response/text");
    match expect.get("text") {
        Some(expected) => assert_eq!(&text, expected),
        None => {
            let part = |key: &str| expect[key].as_str().unwrap_or_default();
            assert_eq!(text, format!("{}{}", part("text_before"), part("text_after")));
        }
    }
    if let Some(thinking) = expect.get("thinking") {
        assert_eq!(&joined("/stream_unified_chat_response/thinking/text"), thinking);
        let signature = joined("/stream_unified_chat_response/thinking/signature");
        assert_eq!(signature, expect["signature"]);
    }
}
