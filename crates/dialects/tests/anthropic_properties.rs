//! What holds for every answer and every body: streamed and whole answers agree, streams have
//! the shape that validators insist on, an answer can be handed back, and decoding survives
//! anything.

use bytes::BytesMut;
use conversation::{Block, BlockKind, Event, Message, Part, Reply, StopReason, fold};
use dialects::anthropic::{
    ReplyForm, StreamEncoder, decode, decode_count, encode_whole, error_body,
};
use dialects::{Encoder, Images};
use proptest::prelude::*;
use serde_json::{Value, json};

use answers::{answers_of, blocks, broken_off, failure, texts, written};
use bodies::{any_bytes, changed};
use sdk::{Sdk, parse_events};

#[path = "support/answers.rs"]
mod answers;
#[path = "support/bodies.rs"]
mod bodies;
#[path = "anthropic_properties/sdk.rs"]
mod sdk;

const MODEL: &str = "mo\"del\u{2028}";

fn form() -> ReplyForm {
    ReplyForm { stream: true, model: MODEL.into(), omits_thinking: false }
}

fn encoder() -> StreamEncoder {
    StreamEncoder::new(&form(), "req_\"1\"", 25)
}

fn encode(events: &[Event]) -> String {
    written(events, &mut encoder())
}

fn whole(events: &[Event]) -> (Reply, Value) {
    let reply = fold(events.iter().cloned().map(Ok)).expect("complete");
    let body = serde_json::from_slice(&encode_whole(&reply, &form())).expect("JSON");
    (reply, body)
}

/// A call whose arguments are good JSON in pieces, or not.
fn called() -> impl Strategy<Value = Vec<Event>> {
    let good = (texts(), any::<i32>(), 1..20_usize).prop_map(|(text, number, size)| {
        let json = json!({ "a": text, "b": [number, null], &text: {} }).to_string();
        let letters: Vec<char> = json.chars().collect();
        letters.chunks(size).map(|piece| piece.iter().collect()).collect()
    });
    let arguments = prop_oneof![3 => good, 1 => proptest::collection::vec(texts(), 0..3)];
    (texts(), arguments).prop_map(|(name, arguments): (String, Vec<String>)| {
        let mut events = vec![Event::Opened(BlockKind::ToolCall { id: String::new(), name })];
        events.extend(arguments.into_iter().map(Event::Delta));
        events.push(Event::Closed(None));
        events
    })
}

/// Any legal answer; ids of calls are unique.
fn answers() -> impl Strategy<Value = Vec<Event>> {
    let kinds = prop_oneof![Just(BlockKind::Text), Just(BlockKind::Reasoning)];
    let spoken = blocks(kinds, texts(), |kind| *kind == BlockKind::Reasoning);
    answers_of(prop_oneof![2 => spoken, 1 => called()]).prop_map(|mut events| {
        for (place, event) in events.iter_mut().enumerate() {
            if let Event::Opened(BlockKind::ToolCall { id, .. }) = event {
                *id = format!("toolu_{place}");
            }
        }
        events
    })
}

/// The part that a block becomes when it comes back; what is empty does not come back.
fn part(block: &Block) -> Option<Part> {
    let text = block.text.clone();
    match &block.kind {
        BlockKind::Text => (!text.is_empty()).then_some(Part::Text(text)),
        BlockKind::Reasoning => (!text.is_empty() || block.seal.is_some()).then(|| {
            Part::Reasoning(conversation::ReasoningPart { text, seal: block.seal.clone() })
        }),
        BlockKind::ToolCall { id, name } => Some(Part::ToolCall(conversation::ToolCall {
            id: id.clone(),
            name: name.clone(),
            arguments: match serde_json::from_str::<Value>(&text) {
                Ok(Value::Object(_)) => text.trim_matches([' ', '\t', '\n', '\r']).to_owned(),
                _ if text.is_empty() => "{}".into(),
                _ => json!({ "INVALID_JSON": text })
                    .to_string()
                    .replace('\u{85}', "\\u0085")
                    .replace('\u{2028}', "\\u2028")
                    .replace('\u{2029}', "\\u2029"),
            },
        })),
    }
}

proptest! {
    #[test]
    fn a_stream_put_together_is_the_whole_answer(events in answers()) {
        let message = Sdk::run(&encode(&events)).finished();
        let (_, body) = whole(&events);
        prop_assert_eq!(message, body);
    }

    #[test]
    fn an_answer_that_is_handed_back_is_what_it_was(events in answers()) {
        let (reply, body) = whole(&events);
        let results: Vec<Value> = body["content"]
            .as_array()
            .expect("content")
            .iter()
            .filter(|block| block["type"] == "tool_use")
            .map(|block| json!({ "type": "tool_result", "tool_use_id": block["id"] }))
            .rev()
            .collect();
        // The model's own text of the input counts, not what a parser makes of it.
        let whole = String::from_utf8(encode_whole(&reply, &form())).expect("UTF-8");
        let from = whole.find("\"content\":").expect("content") + "\"content\":".len();
        let until = whole.rfind(",\"stop_reason\":").expect("stop_reason");
        let request = format!(
            r#"{{"model":"m","max_tokens":1,"messages":[{{"role":"user","content":"q"}},
            {{"role":"assistant","content":{}}},{{"role":"user","content":{}}}]}}"#,
            &whole[from..until],
            Value::from(results)
        );
        let decoded = decode(request.as_bytes(), &Images::default()).expect("legal");
        let parts: Vec<Part> = reply.blocks.iter().filter_map(part).collect();
        prop_assert_eq!(&decoded.turn.messages[1], &Message::Assistant(parts));
    }

    #[test]
    fn a_cut_stream_ends_with_an_error_and_looks_unfinished(
        events in answers(),
        at: prop::sample::Index,
    ) {
        let cut = &events[..at.index(events.len())];
        let mut encoder = encoder();
        let stream = written(cut, &mut encoder) + &broken_off(&events, &mut encoder);
        let mut rest = BytesMut::new();
        encoder.heartbeat(&mut rest);
        prop_assert!(rest.is_empty(), "nothing follows a failure");
        let error = Sdk::run(&stream).failed();
        let body: Value =
            serde_json::from_slice(&error_body(&failure(), "req_\"1\"")).expect("JSON");
        prop_assert_eq!(error, body);
    }

    #[test]
    fn nothing_is_written_before_something_is_visible(events in answers()) {
        let mut encoder = encoder();
        let mut out = BytesMut::new();
        let mut empty_reasoning = false;
        for event in events {
            // A sealed block without text is complete only when it closes.
            let redacted = empty_reasoning && matches!(event, Event::Closed(Some(_)));
            empty_reasoning = event == Event::Opened(BlockKind::Reasoning)
                || empty_reasoning && matches!(event, Event::Usage(_));
            let visible = event.is_visible() || redacted || matches!(event, Event::Finished(_));
            encoder.encode(event, &mut out);
            prop_assert_eq!(!out.is_empty(), visible);
            if visible {
                break;
            }
        }
    }

    #[test]
    fn heartbeats_disturb_nothing(events in answers(), at: prop::sample::Index) {
        let mut out = BytesMut::new();
        let mut encoder = encoder();
        for (place, event) in events.iter().enumerate() {
            if place == at.index(events.len()) {
                encoder.heartbeat(&mut out);
            }
            encoder.encode(event.clone(), &mut out);
        }
        let stream = String::from_utf8(out.to_vec()).expect("UTF-8");
        prop_assert_eq!(Sdk::run(&stream).finished(), Sdk::run(&encode(&events)).finished());
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(body in any_bytes()) {
        let _ = decode(&body, &Images::default());
        let _ = decode_count(&body, &Images::default());
    }

    #[test]
    fn a_request_that_was_cut_is_refused(at in 0..REQUEST.len()) {
        prop_assert!(decode(&REQUEST.as_bytes()[..at], &Images::default()).is_err());
    }

    #[test]
    fn a_changed_request_is_decoded_or_refused(body in changed(REQUEST, &WORDS)) {
        if let Err(failure) = decode(body.as_bytes(), &Images::default()) {
            prop_assert!(!failure.client.is_empty() && failure.client.len() < 500);
            prop_assert!(error_body(&failure, "r").len() < 1500);
        }
    }
}

/// Values that mean something in this dialect.
const WORDS: [&str; 9] = [
    "{\"type\":\"text\"}",
    "\"tool_result\"",
    "\"tool_use\"",
    "\"web_search_tool_result\"",
    "\"document\"",
    "\"system\"",
    "\"assistant\"",
    "\"url\"",
    "\"iVBORw0KGgo\"",
];

const REQUEST: &str = r#"{"model":"m","max_tokens":5,"stream":true,"system":[{"type":"text","text":"s"}],
"messages":[{"role":"user","content":[{"type":"text","text":"t"},{"type":"image","source":{"type":"base64",
"media_type":"image/gif","data":"R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"}},
{"type":"document","title":"d","source":{"type":"content","content":[{"type":"text","text":"x"}]}}]},
{"role":"assistant","content":[{"type":"thinking","thinking":"r","signature":"c2ln"},{"type":"web_search_tool_result",
"tool_use_id":"s","content":[{"type":"web_search_result","title":"T","url":"u"}]},
{"type":"tool_use","id":"c","name":"f","input":{"a":[1]}}]},{"role":"system","content":"n"},
{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","is_error":false,"content":[{"type":"text","text":"r"}]}]}],
"tools":[{"name":"f","input_schema":{"type":"object"}},{"type":"bash_20250124","name":"bash"}],
"tool_choice":{"type":"auto"},"stop_sequences":["a"],"metadata":{"user_id":"u"},
"thinking":{"type":"enabled","budget_tokens":2000},
"output_config":{"effort":"low","format":{"type":"json_schema","schema":{}}},"temperature":1}"#;

#[test]
fn the_request_that_is_changed_is_a_good_one() {
    decode(REQUEST.as_bytes(), &Images::default()).expect("legal");
}

/// Gateways of this kind print errors as the assistant's words, with status 200.
#[test]
fn an_error_is_never_the_assistants_text() {
    let mut out = BytesMut::new();
    let mut encoder = encoder();
    encoder.encode(Event::Started { id: "a".into(), model: "m".into() }, &mut out);
    encoder.fail(&failure(), &mut out);
    let stream = String::from_utf8(out.to_vec()).expect("UTF-8");
    assert!(stream.starts_with("event: error\ndata: "), "{stream}");
    assert!(!stream.contains("message_stop") && !stream.contains("delta"), "{stream}");
    assert!(!stream.contains('\u{2028}') && !stream.contains("internal"), "{stream}");
}

#[test]
fn a_heartbeat_is_a_ping_once_the_answer_began_and_a_comment_before() {
    let mut encoder = encoder();
    let mut out = BytesMut::new();
    encoder.heartbeat(&mut out);
    assert_eq!(&out.split()[..], b": keep-alive\n\n");
    encoder.encode(Event::Started { id: "a".into(), model: "m".into() }, &mut out);
    encoder.encode(Event::Opened(BlockKind::Text), &mut out);
    encoder.encode(Event::Delta("x".into()), &mut out);
    out.clear();
    encoder.heartbeat(&mut out);
    assert_eq!(&out.split()[..], b"event: ping\ndata: {\"type\":\"ping\"}\n\n");
    encoder.encode(Event::Closed(None), &mut out);
    encoder.encode(Event::Finished(StopReason::EndTurn), &mut out);
    out.clear();
    encoder.heartbeat(&mut out);
    assert!(out.is_empty());
}

#[test]
fn block_indexes_go_on_after_nine() {
    let mut events = vec![Event::Started { id: "a".into(), model: "m".into() }];
    for number in 0..123 {
        let id = format!("c{number}");
        events.push(Event::Opened(BlockKind::ToolCall { id, name: "f".into() }));
        events.push(Event::Closed(None));
    }
    events.push(Event::Finished(StopReason::ToolCalls));
    let message = Sdk::run(&encode(&events)).finished();
    assert_eq!(message["content"].as_array().map(Vec::len), Some(123));
}

/// The first events tell a client what is being answered before there is any text.
#[test]
fn the_first_event_tells_the_input_and_the_second_is_a_ping() {
    let events = [
        Event::Started { id: "a".into(), model: "m".into() },
        Event::Opened(BlockKind::Text),
        Event::Delta("x".into()),
    ];
    let stream = encode(&events);
    let events = parse_events(&stream);
    let names: Vec<&str> = events.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["message_start", "ping", "content_block_start", "content_block_delta"]);
    assert_eq!(events[0].1["message"]["usage"]["input_tokens"], 25);
    assert_eq!(events[0].1["message"]["usage"]["estimated"], true);
    assert_eq!(events[0].1["message"]["model"], MODEL);
}
