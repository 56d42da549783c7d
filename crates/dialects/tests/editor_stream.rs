//! The events of `/cpp/stream`, byte by byte.

use bytes::BytesMut;
use conversation::completion::CompletionEvent;
use conversation::{Failure, FailureClass};
use dialects::editor::StreamEncoder;
use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

fn range(line: i32, binding_id: Option<&str>, eol: Option<bool>) -> CompletionEvent {
    CompletionEvent::RangeReplace {
        start_line_number: line,
        end_line_number_inclusive: line + 1,
        binding_id: binding_id.map(str::to_owned),
        should_remove_leading_eol: eol,
    }
}

fn model_info() -> CompletionEvent {
    CompletionEvent::ModelInfo { is_fused_cursor_prediction_model: true, is_multidiff_model: false }
}

fn text(text: &str) -> CompletionEvent {
    CompletionEvent::Text(text.to_owned())
}

fn written(events: &[CompletionEvent], end: Option<&Failure>) -> String {
    let mut encoder = StreamEncoder::new();
    let mut out = BytesMut::new();
    for event in events {
        encoder.encode(event, &mut out);
    }
    match end {
        None => encoder.finish(&mut out),
        Some(failure) => encoder.fail(failure, 502, &mut out),
    }
    String::from_utf8(out.to_vec()).expect("UTF-8")
}

#[test]
fn one_edit_with_debug_output() {
    let debug = CompletionEvent::Debug {
        model_input: Some("in".into()),
        model_output: None,
        stream_time: Some("10".into()),
        total_time: None,
        ttft_time: Some("5".into()),
        server_timing: None,
    };
    let all = CompletionEvent::Debug {
        model_input: Some("in".into()),
        model_output: Some("out".into()),
        stream_time: Some("10".into()),
        total_time: Some("20".into()),
        ttft_time: Some("5".into()),
        server_timing: Some("t".into()),
    };
    let events = [
        model_info(),
        range(3, None, None),
        text("    println!("),
        text("\"\u{2028}\");\n"),
        CompletionEvent::DoneEdit,
        CompletionEvent::DoneStream,
        debug,
        all,
    ];
    assert_snapshot!(written(&events, None), @r#"
    event: model_info
    data: {"type":"model_info","is_fused_cursor_prediction_model":true,"is_multidiff_model":false}

    event: range_replace
    data: {"type":"range_replace","start_line_number":3,"end_line_number_inclusive":4}

    event: text
    data: {"type":"text","text":"    println!("}

    event: text
    data: {"type":"text","text":"\"\u2028\");\n"}

    event: done_edit
    data: {"type":"done_edit"}

    event: done_stream
    data: {"type":"done_stream"}

    event: debug
    data: {"type":"debug","model_input":"in","stream_time":"10","ttft_time":"5"}

    event: debug
    data: {"type":"debug","model_input":"in","model_output":"out","stream_time":"10","total_time":"20","ttft_time":"5","server_timing":"t"}

    event: stream_end
    data: {"type":"stream_end"}
    "#);
}

#[test]
fn two_edits_with_a_cursor_prediction() {
    let events = [
        model_info(),
        range(3, Some("id:0"), Some(true)),
        text("a"),
        CompletionEvent::DoneEdit,
        CompletionEvent::BeginEdit,
        range(7, Some("id:1"), Some(false)),
        text("b"),
        CompletionEvent::CursorPrediction {
            relative_path: "src/main.rs".into(),
            line_number_one_indexed: 4,
            expected_content: "}".into(),
            should_retrigger_cpp: true,
            binding_id: Some("id:1".into()),
        },
        CompletionEvent::CursorPrediction {
            relative_path: "b".into(),
            line_number_one_indexed: 1,
            expected_content: String::new(),
            should_retrigger_cpp: false,
            binding_id: None,
        },
        CompletionEvent::DoneEdit,
        CompletionEvent::DoneStream,
    ];
    assert_snapshot!(written(&events, None), @r#"
    event: model_info
    data: {"type":"model_info","is_fused_cursor_prediction_model":true,"is_multidiff_model":false}

    event: range_replace
    data: {"type":"range_replace","start_line_number":3,"end_line_number_inclusive":4,"binding_id":"id:0","should_remove_leading_eol":true}

    event: text
    data: {"type":"text","text":"a"}

    event: done_edit
    data: {"type":"done_edit"}

    event: begin_edit
    data: {"type":"begin_edit"}

    event: range_replace
    data: {"type":"range_replace","start_line_number":7,"end_line_number_inclusive":8,"binding_id":"id:1","should_remove_leading_eol":false}

    event: text
    data: {"type":"text","text":"b"}

    event: cursor_prediction
    data: {"type":"cursor_prediction","relative_path":"src/main.rs","line_number_one_indexed":4,"expected_content":"}","should_retrigger_cpp":true,"binding_id":"id:1"}

    event: cursor_prediction
    data: {"type":"cursor_prediction","relative_path":"b","line_number_one_indexed":1,"expected_content":"","should_retrigger_cpp":false}

    event: done_edit
    data: {"type":"done_edit"}

    event: done_stream
    data: {"type":"done_stream"}

    event: stream_end
    data: {"type":"stream_end"}
    "#);
}

#[test]
fn no_suggestion_is_an_orderly_stream() {
    assert_snapshot!(written(&[], None), @r#"
    event: stream_end
    data: {"type":"stream_end"}
    "#);
    assert_snapshot!(written(&[model_info(), CompletionEvent::DoneStream], None), @r#"
    event: model_info
    data: {"type":"model_info","is_fused_cursor_prediction_model":true,"is_multidiff_model":false}

    event: done_stream
    data: {"type":"done_stream"}

    event: stream_end
    data: {"type":"stream_end"}
    "#);
}

#[test]
fn a_failure_is_told_and_the_stream_ends_all_the_same() {
    let failure = Failure::new(FailureClass::UpstreamFailed, "Cut\u{2028}off.").log("internal");
    assert_snapshot!(written(&[model_info(), text("a")], Some(&failure)), @r#"
    event: model_info
    data: {"type":"model_info","is_fused_cursor_prediction_model":true,"is_multidiff_model":false}

    event: text
    data: {"type":"text","text":"a"}

    event: error
    data: {"type":"error","error":{"code":502,"type":"server_error","details":{"title":"Upstream failed","detail":"Cut\u2028off.","additional_info":{"code":"upstream_failed"}}}}

    event: stream_end
    data: {"type":"stream_end"}
    "#);
    assert_snapshot!(written(&[], Some(&failure)), @r#"
    event: error
    data: {"type":"error","error":{"code":502,"type":"server_error","details":{"title":"Upstream failed","detail":"Cut\u2028off.","additional_info":{"code":"upstream_failed"}}}}

    event: stream_end
    data: {"type":"stream_end"}
    "#);
}

#[test]
fn a_heartbeat_is_a_comment() {
    let mut out = BytesMut::new();
    StreamEncoder::new().heartbeat(&mut out);
    assert_eq!(&out[..], b": keep-alive\n\n");
}

/// Short texts, rich in what JSON and server-sent events have to escape.
fn texts() -> impl Strategy<Value = String> {
    "(\\PC|[\u{0}-\u{20}\"\\\\\u{7f}\u{85}\u{2028}\u{2029}]){0,12}"
}

fn events() -> impl Strategy<Value = CompletionEvent> {
    prop_oneof![
        texts().prop_map(CompletionEvent::Text),
        (any::<i32>(), proptest::option::of(texts()))
            .prop_map(|(line, id)| { range(line.saturating_sub(1), id.as_deref(), None) }),
        (texts(), any::<i32>(), texts(), any::<bool>()).prop_map(|(path, line, content, again)| {
            CompletionEvent::CursorPrediction {
                relative_path: path,
                line_number_one_indexed: line,
                expected_content: content,
                should_retrigger_cpp: again,
                binding_id: None,
            }
        }),
        Just(CompletionEvent::DoneEdit),
        Just(CompletionEvent::DoneStream),
    ]
}

proptest! {
    #[test]
    fn every_event_is_two_lines_that_agree_and_the_last_is_stream_end(
        events in proptest::collection::vec(events(), 0..8),
        broken in any::<bool>(),
    ) {
        let failure = Failure::new(FailureClass::Timeout, "Too\nlate.");
        let stream = written(&events, broken.then_some(&failure));
        let split = stream.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}']);
        prop_assert!(!split);
        let mut frames: Vec<&str> = stream.split("\n\n").collect();
        prop_assert_eq!(frames.pop(), Some(""));
        let mut seen = Vec::new();
        for frame in frames {
            let (name, data) = frame.split_once('\n').expect("two lines");
            let name = name.strip_prefix("event: ").expect("a name");
            let data: Value = serde_json::from_str(data.strip_prefix("data: ").expect("data")).expect("JSON");
            prop_assert_eq!(&data["type"], name);
            seen.push(data);
        }
        prop_assert_eq!(seen.pop(), Some(json!({"type": "stream_end"})));
        if broken {
            prop_assert_eq!(&seen.pop().expect("an error")["type"], "error");
        }
        prop_assert_eq!(seen.len(), events.len());
        for (data, event) in seen.iter().zip(&events) {
            if let CompletionEvent::Text(text) = event {
                prop_assert_eq!(&data["text"], text);
            }
        }
    }

    #[test]
    fn nothing_follows_the_end(events in proptest::collection::vec(events(), 0..4), broken in any::<bool>()) {
        let failure = Failure::new(FailureClass::Timeout, "Too late.");
        let mut encoder = StreamEncoder::new();
        let mut out = BytesMut::new();
        if broken {
            encoder.fail(&failure, 504, &mut out);
        } else {
            encoder.finish(&mut out);
        }
        let length = out.len();
        for event in &events {
            encoder.encode(event, &mut out);
        }
        encoder.fail(&failure, 504, &mut out);
        encoder.finish(&mut out);
        prop_assert_eq!(out.len(), length);
    }
}
