//! What chat and agent timelines have in common: steps by name, and one stream of server bytes.
use serde_json::Value;

use crate::fixture::{Vector, vector};
use crate::{messages, wire};

/// One line of a timeline; `vector` names a message in another file.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) from_server: bool,
    pub(crate) vector: String,
    pub(crate) json: Value,
}

/// The steps, numbered from one without a gap.
pub(crate) fn steps(list: &Value) -> Vec<Step> {
    let list = list.as_array().expect("steps are a list");
    let numbers: Vec<_> = list.iter().map(|step| step["n"].as_u64()).collect();
    assert_eq!(numbers, (1..=list.len() as u64).map(Some).collect::<Vec<_>>());
    list.iter().map(step).collect()
}

fn step(json: &Value) -> Step {
    let from_server = match json["direction"].as_str() {
        Some("server") => true,
        Some("client") => false,
        other => panic!("direction {other:?}"),
    };
    let vector = json["vector"].as_str().expect("a step names a vector").to_owned();
    Step { from_server, vector, json: json.clone() }
}

/// All that the server sent, however it is cut, with nothing left over and one end, last.
#[track_caller]
pub(crate) fn server_stream(timeline: &Vector) -> wire::Stream {
    let stream = wire::read_cut_everywhere(&timeline.bytes("server_bytes_hex"));
    assert_eq!(stream.rest, 0);
    let ends = stream.frames.iter().filter(|frame| frame.is_end_stream()).count();
    assert_eq!(ends, 1);
    assert!(stream.frames.last().is_some_and(|frame| frame.is_end_stream()));
    stream
}

/// A frame's payload is the message of the vector that its step names.
#[track_caller]
pub(crate) fn check_message(message_type: &str, file: &str, name: &str, payload: &[u8]) {
    let expected = vector(file, name);
    assert_eq!(expected.text("message_type"), message_type);
    messages::check_wire(message_type, payload, expected.value("json"));
}

/// The text at `path` of every message that has it, in order. Numbers count as text: protobuf
/// JSON writes 64-bit ones that way.
pub(crate) fn joined(messages: &[Value], path: &str) -> String {
    messages.iter().filter_map(|message| message.pointer(path)?.as_str()).collect()
}
