//! What holds for every answer and every body: streamed and whole answers agree, streams have
//! the shape that validators insist on, and decoding survives anything.

use bytes::BytesMut;
use conversation::{BlockKind, Event, StopReason, fold};
use dialects::openai_responses::{
    ReplyForm, Status, StreamEncoder, Times, encode_whole, failed, read, unfinished,
};
use dialects::{Encoder, Images};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use answers::{answers_of, blocks, broken_off, failure, texts, written};
use bodies::{any_bytes, changed, pieces};
use folding::{Folded, events_of};

#[path = "support/answers.rs"]
mod answers;
#[path = "support/bodies.rs"]
mod bodies;
#[path = "openai_responses/folding.rs"]
mod folding;

const CREATED: i64 = 1_700_000_000;

const TOOLS: &str = r#"[{"type":"function","name":"f"},{"type":"custom","name":"c"},{"type":"shell"},
    {"type":"local_shell"},{"type":"apply_patch","x":"SEPARATOR"},{"type":"tool_search","execution":"client"},
    {"type":"namespace","name":"n","description":"d","tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"}]}]"#;

fn form(sealed: bool) -> ReplyForm {
    let store = !sealed;
    let body = format!(
        r#"{{"model":"mo\"del\u2028","input":"hi","instructions":"a\nb","stream":true,"store":{store},"tools":{TOOLS}}}"#
    );
    let body = body.replace("SEPARATOR", "\u{2028}");
    read(body.as_bytes())
        .and_then(|request| request.decode(&[], &Images::default()))
        .expect("legal")
        .form
}

/// Text that comes near to the arguments of a freeform tool.
fn pieces_of_arguments() -> impl Strategy<Value = String> {
    prop_oneof![
        texts(),
        prop::sample::select(vec![
            "{\"input\":\"",
            "\"}",
            "{",
            "}",
            "\\n",
            "\\u00e9",
            "\\ud83d",
            "\"input\"",
            ":",
            "{\"commands\":[]}",
        ])
        .prop_map(str::to_owned),
    ]
}

fn kinds() -> impl Strategy<Value = BlockKind> {
    let name = prop_oneof![
        prop::sample::select(vec![
            "f",
            "c",
            "n__f",
            "n__c",
            "shell",
            "local_shell",
            "apply_patch",
            "tool_search"
        ])
        .prop_map(str::to_owned),
        texts(),
    ];
    prop_oneof![
        Just(BlockKind::Text),
        Just(BlockKind::Reasoning),
        (texts(), name).prop_map(|(id, name)| BlockKind::ToolCall { id, name }),
    ]
}

/// Any legal answer.
fn answers() -> impl Strategy<Value = Vec<Event>> {
    answers_of(blocks(kinds(), pieces_of_arguments(), |kind| *kind == BlockKind::Reasoning))
}

proptest! {
    #[test]
    fn a_stream_put_together_is_the_whole_answer(events in answers(), sealed: bool) {
        let form = form(sealed);
        let mut encoder = StreamEncoder::new(&form, CREATED);
        let stream = written(&events, &mut encoder);
        let folded = Folded::of(&stream);
        let reply = fold(events.into_iter().map(Ok)).expect("complete");
        let whole = encode_whole(&reply, &form, CREATED);
        let body: Value = serde_json::from_slice(&whole.body).expect("JSON");
        prop_assert_eq!(&Value::from(folded.items), &body["output"]);
        prop_assert_eq!(folded.last, body);
        prop_assert_eq!(encoder.record(), Some(whole));
    }

    #[test]
    fn a_cut_stream_ends_as_failed_and_with_nothing_after(
        events in answers(),
        at: prop::sample::Index,
        sealed: bool,
    ) {
        let form = form(sealed);
        let cut = &events[..at.index(events.len())];
        let mut encoder = StreamEncoder::new(&form, CREATED);
        let before = written(cut, &mut encoder);
        prop_assert_eq!(encoder.record(), None, "no record before the end");
        let stream = before + &broken_off(&events, &mut encoder);
        prop_assert!(!stream.contains("internal"));
        let events = events_of(&stream);
        let (last, before) = events.split_last().expect("the error");
        for event in before {
            let kind = event["type"].as_str().expect("a type");
            prop_assert!(
                !["response.completed", "response.incomplete", "response.failed", "error"].contains(&kind)
            );
        }
        if cut.is_empty() {
            prop_assert_eq!(&last["type"], "error");
            prop_assert_eq!(&last["message"], "Cut\u{2028}off.");
            prop_assert_eq!(encoder.record(), None);
        } else {
            prop_assert_eq!(&last["type"], "response.failed");
            prop_assert_eq!(&last["response"]["error"]["message"], "Cut\u{2028}off.");
            let record = encoder.record().expect("a record");
            let body: Value = serde_json::from_slice(&record.body).expect("JSON");
            prop_assert_eq!(&body, &last["response"]);
            prop_assert_eq!(&before[0]["type"], "response.created");
        }
    }

    #[test]
    fn kept_answers_can_be_gone_on_from(events in answers(), sealed: bool) {
        let mut calls = Vec::new();
        for event in &events {
            if let Event::Opened(BlockKind::ToolCall { id, name }) = event {
                // Ids are unique and names are not empty, as those of real calls are.
                prop_assume!(!calls.contains(id) && !name.is_empty());
                calls.push(id.clone());
            }
        }
        let mut encoder = StreamEncoder::new(&form(sealed), CREATED);
        written(&events, &mut encoder);
        let record = encoder.record().expect("a record");
        let outputs: Vec<Value> = calls
            .iter()
            .map(|id| json!({"type": "function_call_output", "call_id": id, "output": "r"}))
            .chain([json!({"role": "user", "content": "more"})])
            .collect();
        let body = json!({"model": "m", "previous_response_id": record.id, "input": outputs});
        let decoded = read(body.to_string().as_bytes())
            .and_then(|request| request.decode(&record.output_items, &Images::default()));
        prop_assert!(decoded.is_ok(), "{:?}", decoded);
        let seals = events.iter().filter(|event| matches!(event, Event::Closed(Some(_)))).count();
        let decoded = decoded.expect("checked");
        let kept = format!("{:?}", decoded.turn.messages).matches("seal: Some(").count();
        prop_assert!(kept <= seals);
        if sealed {
            prop_assert_eq!(kept, seals, "no seal is lost");
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(body in any_bytes()) {
        if let Ok(request) = read(&body) {
            let _ = request.decode(&[], &Images::default());
        }
    }

    #[test]
    fn a_changed_request_is_decoded_or_refused(body in changed(REQUEST, &WORDS)) {
        let decoded = read(body.as_bytes()).and_then(|request| request.decode(&[], &Images::default()));
        match decoded {
            Err(failure) => {
                prop_assert!(!failure.client.is_empty() && failure.client.len() < 500);
            }
            Ok(decoded) => {
                let record = unfinished("a", Status::Queued, &decoded.form, CREATED);
                prop_assert!(serde_json::from_slice::<&RawValue>(&record.body).is_ok());
                let next = r#"{"model":"m","previous_response_id":"resp_a","input":"more"}"#;
                let kept = decoded.form.input_items;
                let next = read(next.as_bytes()).and_then(|next| next.decode(&kept, &Images::default()));
                prop_assert!(next.is_ok(), "{:?}", next);
            }
        }
    }

    #[test]
    fn damaged_kept_items_are_refused_and_nothing_worse(items in proptest::collection::vec(pieces(&WORDS), 0..4)) {
        let body = r#"{"model":"m","previous_response_id":"resp_1","input":"go"}"#;
        let _ = read(body.as_bytes()).expect("JSON").decode(&items, &Images::default());
    }
}

/// Values that mean something in this dialect.
const WORDS: [&str; 7] = [
    "{\"type\":\"message\"}",
    "\"function_call\"",
    "\"custom\"",
    "\"item_reference\"",
    "\"reasoning\"",
    "\"shell_call_output\"",
    "\"data:image/png;base64,iVBORw0KGgo\"",
];

const REQUEST: &str = r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false},
"instructions":"i","input":[{"role":"developer","content":"d"},{"type":"message","role":"user","content":[
{"type":"input_text","text":"t"},{"type":"input_image","image_url":"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"}]},
{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"cr1.eyJ0ZXh0IjoiaG0iLCJzZWFsIjoicyJ9"},
{"type":"function_call","call_id":"c","namespace":"n","name":"f","arguments":"{}"},
{"type":"custom_tool_call","call_id":"d","name":"p","input":"x"},
{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"r"}]},
{"type":"custom_tool_call_output","call_id":"d","output":"ok"},
{"type":"shell_call","call_id":"e","action":{"commands":["ls"]}},{"type":"shell_call_output","call_id":"e","output":[]}],
"tools":[{"type":"function","name":"f","parameters":{"type":"object"}},{"type":"namespace","name":"n","description":"d",
"tools":[{"type":"function","name":"f"}]},{"type":"custom","name":"p","format":{"type":"grammar","syntax":"lark","definition":"start"}},
{"type":"web_search"}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]},
"text":{"format":{"type":"json_schema","name":"n","schema":{}},"verbosity":"low"},"reasoning":{"effort":"low","summary":"auto"},
"max_output_tokens":5,"metadata":{"a":"b"},"include":["reasoning.encrypted_content"],"temperature":1}"#;

#[test]
fn the_request_that_is_changed_is_a_good_one() {
    let request = read(REQUEST.as_bytes()).expect("JSON");
    request.decode(&[], &Images::default()).expect("legal");
}

#[test]
fn answers_without_output_have_the_same_fields() {
    let form = form(false);
    let done = fold([
        Ok(Event::Started { id: "a".into(), model: "m".into() }),
        Ok(Event::Finished(StopReason::EndTurn)),
    ])
    .expect("complete");
    let times = Times { created: CREATED, completed: CREATED + 5 };
    let whole: Value =
        serde_json::from_slice(&encode_whole(&done, &form, times).body).expect("JSON");
    assert_eq!((&whole["id"], &whole["completed_at"]), (&json!("resp_a"), &json!(CREATED + 5)));
    for (record, status) in [
        (unfinished("a", Status::Queued, &form, CREATED), "queued"),
        (unfinished("resp_a", Status::InProgress, &form, CREATED), "in_progress"),
        (unfinished("a", Status::Cancelled, &form, CREATED), "cancelled"),
        (failed("a", &failure(), &form, CREATED), "failed"),
    ] {
        assert_eq!((record.id.as_str(), record.output_items.len()), ("resp_a", 0));
        let body: Value = serde_json::from_slice(&record.body).expect("JSON");
        let names = |value: &Value| {
            value.as_object().expect("an object").keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(&body), names(&whole));
        assert_eq!((&body["status"], &body["completed_at"]), (&json!(status), &Value::Null));
        assert_eq!(body["error"].is_null(), status != "failed");
    }
}

#[test]
fn the_end_has_the_time_that_was_told_last() {
    let mut encoder = StreamEncoder::new(&form(false), CREATED);
    written(&[Event::Started { id: "a".into(), model: "m".into() }], &mut encoder);
    encoder.set_now(CREATED + 7);
    let stream = written(&[Event::Finished(StopReason::EndTurn)], &mut encoder);
    let last = Folded::of(&stream).last;
    assert_eq!(
        (&last["created_at"], &last["completed_at"]),
        (&json!(CREATED), &json!(CREATED + 7))
    );
}

/// Gateways of this kind print errors as the assistant's words, with status 200.
#[test]
fn an_error_is_never_the_assistants_text() {
    let mut out = BytesMut::new();
    let mut encoder = StreamEncoder::new(&form(false), CREATED);
    encoder.encode(Event::Started { id: "a".into(), model: "m".into() }, &mut out);
    assert!(out.is_empty(), "nothing is said before something is visible");
    encoder.fail(&failure(), &mut out);
    let stream = String::from_utf8(out.to_vec()).expect("UTF-8");
    assert!(!stream.contains("output_text") && !stream.contains("[DONE]"), "{stream}");
}

#[test]
fn a_seal_that_the_client_did_not_ask_for_is_kept_but_not_shown() {
    let events = [
        Event::Started { id: "a".into(), model: "m".into() },
        Event::Opened(BlockKind::Reasoning),
        Event::Delta("hm".into()),
        Event::Closed(Some("sig".into())),
        Event::Finished(StopReason::EndTurn),
    ];
    let mut encoder = StreamEncoder::new(&form(false), CREATED);
    let stream = written(&events, &mut encoder);
    assert!(!stream.contains("encrypted_content"), "{stream}");
    let record = encoder.record().expect("a record");
    let body = r#"{"model":"m","previous_response_id":"resp_a","input":"go"}"#;
    let decoded = read(body.as_bytes())
        .and_then(|request| request.decode(&record.output_items, &Images::default()))
        .expect("legal");
    assert!(format!("{:?}", decoded.turn.messages).contains("sig"));
}
