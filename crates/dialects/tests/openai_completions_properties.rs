//! What holds for every answer and every body of the older Completions.

use conversation::{BlockKind, Event, fold};
use dialects::openai_chat::Mode;
use dialects::openai_completions::{ReplyForm, StreamEncoder, decode, encode_whole};
use proptest::prelude::*;
use serde_json::Value;

use answers::{answers_of, blocks, broken_off, texts, written};

#[path = "support/answers.rs"]
mod answers;

fn form(mode: Mode, echo: Option<String>) -> ReplyForm {
    ReplyForm { mode, model: "mo\"del".into(), echo }
}

/// Any legal answer, with a seal on any block.
fn answers() -> impl Strategy<Value = Vec<Event>> {
    let kinds = prop_oneof![
        3 => Just(BlockKind::Text),
        1 => Just(BlockKind::Reasoning),
        1 => Just(BlockKind::ToolCall { id: "c".into(), name: "f".into() }),
    ];
    answers_of(blocks(kinds, texts(), |_| true))
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
        let chunks = chunks(&written(&events, &mut encoder));
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
        let stream = written(&events[..at.index(events.len())], &mut encoder);
        let error = broken_off(&events, &mut encoder);
        prop_assert!(error.ends_with("}}\n\n"));
        prop_assert!(!stream.contains("[DONE]") && !error.contains("[DONE]"));
    }

    #[test]
    fn any_prompt_is_taken_or_refused(prompt in "[\\[\\]{},:\"0-9a\\\\u-]{0,12}") {
        let body = format!(r#"{{"model":"m","prompt":{prompt}}}"#);
        if let Err(failure) = decode(body.as_bytes()) {
            prop_assert!(!failure.client.is_empty() && failure.client.len() < 300);
        }
    }
}
