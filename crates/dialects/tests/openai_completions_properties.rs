//! What holds for every answer and every body of the older Completions.

use bytes::BytesMut;
use conversation::{BlockKind, Event, Failure, FailureClass, StopReason, fold};
use dialects::Encoder;
use dialects::openai_chat::Mode;
use dialects::openai_completions::{ReplyForm, StreamEncoder, decode, encode_whole};
use proptest::prelude::*;
use serde_json::Value;

fn form(mode: Mode, echo: Option<String>) -> ReplyForm {
    ReplyForm { mode, model: "mo\"del".into(), echo }
}

fn blocks() -> impl Strategy<Value = Vec<Event>> {
    let kinds = prop_oneof![
        3 => Just(BlockKind::Text),
        1 => Just(BlockKind::Reasoning),
        1 => Just(BlockKind::ToolCall { id: "c".into(), name: "f".into() }),
    ];
    let texts = "(\\PC|[\u{0}-\u{20}\"\\\\\u{85}\u{2028}\u{2029}]){1,9}";
    (kinds, proptest::collection::vec(texts, 0..4)).prop_map(|(kind, texts)| {
        let mut events = vec![Event::Opened(kind)];
        events.extend(texts.into_iter().map(Event::Delta));
        events.push(Event::Closed(None));
        events
    })
}

fn answers() -> impl Strategy<Value = Vec<Event>> {
    let stops = prop::sample::select(vec![
        StopReason::EndTurn,
        StopReason::ToolCalls,
        StopReason::MaxOutput,
        StopReason::Refused,
        StopReason::StopSequence("x".into()),
    ]);
    (proptest::collection::vec(blocks(), 0..6), stops).prop_map(|(blocks, stop)| {
        let mut events = vec![Event::Started { id: "a".into(), model: "other".into() }];
        events.extend(blocks.into_iter().flatten());
        events.push(Event::Finished(stop));
        events
    })
}

fn chunks(stream: &str) -> Vec<Value> {
    let mut payloads: Vec<&str> = stream.split("\n\n").collect();
    assert_eq!(payloads.pop(), Some(""), "the last event is complete");
    let payload = |event: &str| {
        assert!(!event.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']));
        event.strip_prefix("data: ").expect("data only").to_owned()
    };
    let mut payloads: Vec<String> = payloads.into_iter().map(payload).collect();
    assert_eq!(payloads.pop().as_deref(), Some("[DONE]"));
    payloads.iter().map(|payload| serde_json::from_str(payload).expect("JSON")).collect()
}

proptest! {
    #[test]
    fn a_stream_put_together_is_the_whole_answer(
        events in answers(),
        echo in proptest::option::of("\\PC{1,5}"),
    ) {
        let mode = Mode::Stream { include_usage: false };
        let mut encoder = StreamEncoder::new(&form(mode, echo.clone()), 7);
        let mut out = BytesMut::new();
        for event in events.clone() {
            encoder.encode(event, &mut out);
        }
        let chunks = chunks(std::str::from_utf8(&out).expect("UTF-8"));
        let reply = fold(events.into_iter().map(Ok)).expect("complete");
        let whole = encode_whole(&reply, &form(Mode::Whole, echo), 7);
        let whole: Value = serde_json::from_slice(&whole).expect("JSON");

        let (last, before) = chunks.split_last().expect("an end");
        let mut text = String::new();
        for chunk in &chunks {
            for field in ["id", "object", "created", "model"] {
                prop_assert_eq!(&chunk[field], &whole[field]);
            }
            text += chunk["choices"][0]["text"].as_str().expect("text");
        }
        prop_assert!(before.iter().all(|chunk| chunk["choices"][0]["finish_reason"].is_null()));
        prop_assert_eq!(&last["choices"][0]["finish_reason"], &whole["choices"][0]["finish_reason"]);
        prop_assert_eq!(text, whole["choices"][0]["text"].as_str().expect("text"));
    }

    #[test]
    fn nothing_follows_a_failure(events in answers(), at: prop::sample::Index) {
        let mode = Mode::Stream { include_usage: true };
        let mut encoder = StreamEncoder::new(&form(mode, Some("p".into())), 7);
        let mut out = BytesMut::new();
        for event in &events[..at.index(events.len())] {
            encoder.encode(event.clone(), &mut out);
        }
        let failure = Failure::new(FailureClass::UpstreamFailed, "Cut off.");
        encoder.fail(&failure, &mut out);
        prop_assert!(out.ends_with(b"}}\n\n"));
        let length = out.len();
        encoder.fail(&failure, &mut out);
        for event in events {
            encoder.encode(event, &mut out);
        }
        prop_assert_eq!(out.len(), length);
        prop_assert!(!out.windows(6).any(|window| window == b"[DONE]"));
    }

    #[test]
    fn any_prompt_is_taken_or_refused(prompt in "[\\[\\]{},:\"0-9a\\\\u-]{0,12}") {
        let body = format!(r#"{{"model":"m","prompt":{prompt}}}"#);
        if let Err(failure) = decode(body.as_bytes()) {
            prop_assert!(!failure.client.is_empty() && failure.client.len() < 300);
        }
    }
}
