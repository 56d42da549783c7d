//! What holds for every answer and every body: streamed and whole answers agree, streams have
//! the shape that validators insist on, and decoding survives anything.

use bytes::BytesMut;
use conversation::{BlockKind, Event, StopReason, fold};
use dialects::openai_chat::{CallForm, Mode, ReplyForm, StreamEncoder, decode, encode_whole};
use dialects::{Encoder, Images};
use proptest::prelude::*;
use serde_json::Value;

use answers::{answers_of, blocks, broken_off, failure, texts, written};
use bodies::{any_bytes, changed};

#[path = "support/answers.rs"]
mod answers;
#[path = "support/bodies.rs"]
mod bodies;

fn form(mode: Mode, calls: CallForm) -> ReplyForm {
    ReplyForm { mode, model: "mo\"del\u{2028}".into(), calls }
}

fn encoder(include_usage: bool) -> StreamEncoder {
    let form = form(Mode::Stream { include_usage }, CallForm::default());
    StreamEncoder::new(&form, 1_700_000_000)
}

fn encode(events: &[Event], include_usage: bool, calls: CallForm) -> String {
    let form = form(Mode::Stream { include_usage }, calls);
    written(events, &mut StreamEncoder::new(&form, 1_700_000_000))
}

/// The payloads of `data:` lines; nothing else may be in the stream.
fn payloads(stream: &str) -> Vec<&str> {
    let mut payloads: Vec<&str> = stream.split("\n\n").collect();
    assert_eq!(payloads.pop(), Some(""), "the last event is complete");
    payloads.into_iter().map(|event| event.strip_prefix("data: ").expect("data only")).collect()
}

/// What a client makes of a stream.
#[derive(Debug, Default, PartialEq)]
struct Assembled {
    content: String,
    reasoning: String,
    details: Vec<Value>,
    calls: Vec<Call>,
    finish_reason: Option<String>,
    usage: Option<Value>,
}

#[derive(Debug, Default, PartialEq)]
struct Call {
    id: String,
    kind: String,
    name: String,
    text: String,
}

/// Puts a complete stream together as strictly as a validator would.
fn assemble(stream: &str, include_usage: bool) -> Assembled {
    let mut payloads = payloads(stream);
    assert_eq!(payloads.pop(), Some("[DONE]"));
    let mut assembled = Assembled::default();
    let mut id = None;
    for (place, payload) in payloads.iter().enumerate() {
        assert!(!payload.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']));
        let chunk: Value = serde_json::from_str(payload).expect("JSON");
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["model"], "mo\"del\u{2028}");
        assert_eq!(chunk["id"], *id.get_or_insert(chunk["id"].clone()), "one id");
        assert_eq!(chunk.get("usage").is_some(), include_usage);
        let [choice] = &chunk["choices"].as_array().expect("choices")[..] else {
            assert_eq!(place, payloads.len() - 1, "usage is last");
            assembled.usage = Some(chunk["usage"].clone());
            continue;
        };
        assert!(assembled.finish_reason.is_none(), "nothing but usage after the end");
        let delta = choice["delta"].as_object().expect("delta");
        assert_eq!(delta.contains_key("role"), place == 0, "the role once, first");
        assembled.content += delta.get("content").and_then(Value::as_str).unwrap_or_default();
        assembled.reasoning +=
            delta.get("reasoning_content").and_then(Value::as_str).unwrap_or_default();
        for call in delta.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
            assemble_call(call, &mut assembled.calls);
        }
        if let Some(call) = delta.get("function_call") {
            assemble_function_call(call, &mut assembled.calls);
        }
        let details = delta.get("reasoning_details").and_then(Value::as_array);
        assembled.details.extend(details.into_iter().flatten().cloned());
        assembled.finish_reason = choice["finish_reason"].as_str().map(str::to_owned);
    }
    assert!(assembled.finish_reason.is_some());
    assembled
}

fn assemble_call(call: &Value, calls: &mut Vec<Call>) {
    let text = |value: &Value| value.as_str().expect("a string").to_owned();
    let index = usize::try_from(call["index"].as_u64().expect("index")).expect("small");
    if let Some(id) = call.get("id") {
        assert_eq!(index, calls.len());
        let kind = text(&call["type"]);
        let name = text(&call[&kind]["name"]);
        calls.push(Call { id: text(id), kind, name, text: String::new() });
    }
    assert_eq!(index + 1, calls.len(), "calls follow each other");
    let open = &mut calls[index];
    let field = if open.kind == "custom" { "input" } else { "arguments" };
    open.text += &text(&call[&open.kind][field]);
}

fn assemble_function_call(call: &Value, calls: &mut Vec<Call>) {
    if let Some(name) = call.get("name").and_then(Value::as_str) {
        assert!(calls.is_empty(), "room for one");
        calls.push(Call { name: name.to_owned(), ..Call::default() });
    }
    calls[0].text += call["arguments"].as_str().expect("a string");
}

/// The same out of a whole body.
fn assembled_whole(body: &[u8]) -> Assembled {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let message = &body["choices"][0]["message"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let whole_call = |call: &Value| {
        let kind = text(&call["type"]);
        let inner = &call[&kind];
        let written = inner.get("input").unwrap_or(&inner["arguments"]);
        Call { id: text(&call["id"]), name: text(&inner["name"]), text: text(written), kind }
    };
    let mut calls: Vec<Call> =
        message["tool_calls"].as_array().into_iter().flatten().map(whole_call).collect();
    if let Some(call) = message.get("function_call") {
        let (name, text) = (text(&call["name"]), text(&call["arguments"]));
        calls.push(Call { name, text, ..Call::default() });
    }
    Assembled {
        content: text(&message["content"]),
        reasoning: text(&message["reasoning_content"]),
        details: message["reasoning_details"].as_array().cloned().unwrap_or_default(),
        calls,
        finish_reason: body["choices"][0]["finish_reason"].as_str().map(str::to_owned),
        usage: body.get("usage").cloned(),
    }
}

fn kinds() -> impl Strategy<Value = BlockKind> {
    prop_oneof![
        Just(BlockKind::Text),
        Just(BlockKind::Reasoning),
        (texts(), texts()).prop_map(|(id, name)| BlockKind::ToolCall { id, name }),
        texts().prop_map(|id| BlockKind::ToolCall { id, name: CUSTOM.into() }),
    ]
}

const CUSTOM: &str = "patch";

fn call_forms() -> impl Strategy<Value = CallForm> {
    prop_oneof![
        Just(CallForm::default()),
        Just(CallForm::Tools { custom: [CUSTOM.to_owned()].into() }),
        Just(CallForm::Function),
    ]
}

/// Any legal answer, with a seal on any block.
fn answers() -> impl Strategy<Value = Vec<Event>> {
    let argument = prop::sample::select(vec!["{\"input\":\"", "\\n", "\\ud83d", "\\ude00", "\"}"]);
    let pieces = prop_oneof![3 => texts(), 1 => argument.prop_map(str::to_owned)];
    answers_of(blocks(kinds(), pieces, |_| true))
}

proptest! {
    #[test]
    fn a_stream_put_together_is_the_whole_answer(
        events in answers(),
        include_usage: bool,
        calls in call_forms(),
    ) {
        let stream = encode(&events, include_usage, calls.clone());
        let mut streamed = assemble(&stream, include_usage);
        let reply = fold(events.into_iter().map(Ok)).expect("complete");
        let mut whole = assembled_whole(&encode_whole(&reply, &form(Mode::Whole, calls), 1_700_000_000));
        if !include_usage {
            prop_assert_eq!(streamed.usage.take(), None);
            whole.usage = None;
        }
        prop_assert_eq!(streamed, whole);
    }

    #[test]
    fn a_cut_stream_ends_with_an_error_and_without_done(events in answers(), at: prop::sample::Index) {
        let cut = &events[..at.index(events.len())];
        let mut encoder = encoder(true);
        let stream = written(cut, &mut encoder) + &broken_off(&events, &mut encoder);
        let payloads = payloads(&stream);
        let (last, before) = payloads.split_last().expect("the error");
        let error: Value = serde_json::from_str(last).expect("JSON");
        prop_assert_eq!(&error["error"]["message"], "Cut\u{2028}off.");
        for payload in before {
            let chunk: Value = serde_json::from_str(payload).expect("JSON");
            prop_assert!(chunk["choices"][0]["finish_reason"].is_null());
            prop_assert!(chunk.get("error").is_none());
        }
    }

    #[test]
    fn nothing_is_written_before_something_is_visible(events in answers()) {
        let mut encoder = encoder(false);
        let mut out = BytesMut::new();
        for event in events {
            let visible = event.is_visible() || matches!(event, Event::Finished(_));
            // A seal without text has no chunk of its own here; it goes with the next one.
            let only_a_seal = matches!(event, Event::Closed(_));
            encoder.encode(event, &mut out);
            prop_assert!(visible || out.is_empty());
            prop_assert!(!visible || only_a_seal || !out.is_empty());
            if !out.is_empty() {
                break;
            }
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(body in any_bytes()) {
        let _ = decode(&body, &Images::default());
    }

    #[test]
    fn a_changed_request_is_decoded_or_refused(body in changed(REQUEST, &WORDS)) {
        if let Err(failure) = decode(body.as_bytes(), &Images::default()) {
            prop_assert!(!failure.client.is_empty() && failure.client.len() < 500);
        }
    }
}

/// Values that mean something in this dialect.
const WORDS: [&str; 5] = [
    "{\"type\":\"text\"}",
    "\"tool\"",
    "\"system\"",
    "\"function\"",
    "\"data:image/png;base64,iVBORw0KGgo\"",
];

const REQUEST: &str = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},
"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"t"},
{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"}}]},
{"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"c","type":"function",
"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"r"}],
"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"tool_choice":"auto",
"stop":["a"],"max_tokens":5,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{}}},
"reasoning_effort":"low","temperature":1}"#;

#[test]
fn the_request_that_is_changed_is_a_good_one() {
    decode(REQUEST.as_bytes(), &Images::default()).expect("legal");
}

/// Gateways of this kind print errors as the assistant's words, with status 200.
#[test]
fn an_error_is_never_the_assistants_text() {
    let mut out = BytesMut::new();
    let mut encoder = encoder(false);
    encoder.encode(Event::Started { id: "a".into(), model: "m".into() }, &mut out);
    encoder.fail(&failure(), &mut out);
    let stream = String::from_utf8(out.to_vec()).expect("UTF-8");
    assert!(!stream.contains("choices") && !stream.contains("[DONE]"), "{stream}");
    assert!(!stream.contains('\u{2028}') && !stream.contains("internal"), "{stream}");
}

#[test]
fn a_failure_may_come_before_anything_else() {
    let mut out = BytesMut::new();
    encoder(true).fail(&failure(), &mut out);
    assert!(out.starts_with(b"data: {\"error\":{") && out.ends_with(b"}}\n\n"));
}

#[test]
fn a_heartbeat_is_a_comment() {
    let mut out = BytesMut::new();
    encoder(true).heartbeat(&mut out);
    assert_eq!(&out[..], b": keep-alive\n\n");
}

#[test]
fn call_indexes_go_on_after_nine() {
    let mut events = vec![Event::Started { id: "a".into(), model: "m".into() }];
    for number in 0..23 {
        let id = format!("c{number}");
        events.push(Event::Opened(BlockKind::ToolCall { id, name: "f".into() }));
        events.push(Event::Delta("{}".into()));
        events.push(Event::Closed(None));
    }
    events.push(Event::Finished(StopReason::ToolCalls));
    assert_eq!(assemble(&encode(&events, false, CallForm::default()), false).calls.len(), 23);
}
