//! What a request for a compaction becomes, what it is answered with, and how that comes back.

use conversation::{Block, BlockKind, Message, Part, Tools, Turn};
use serde_json::Value;

use super::*;
use crate::openai_responses::read;
use crate::{Decoded, Images};

const EARLIER: [&str; 2] = [
    r#"{"type":"message","id":"msg_0","content":[{"type":"input_text","text":"one"}],"role":"user","status":"completed"}"#,
    r#"{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"1"}]}"#,
];

fn decode(body: &str) -> Decoded<CompactionForm> {
    let earlier = EARLIER.map(str::to_owned);
    read(body.as_bytes())
        .and_then(|request| request.decode_compaction(&earlier, &Images::default()))
        .expect("legal")
}

fn reply(text: &str, stop: StopReason) -> Reply {
    let block = Block { kind: BlockKind::Text, text: text.to_owned(), seal: None };
    Reply { id: "a1".into(), model: "m".into(), blocks: vec![block], usage: None, stop }
}

/// The output of a compaction, as it goes into the input of the next request.
fn compact(form: &CompactionForm, summary: &str) -> Value {
    let reply = reply(summary, StopReason::EndTurn);
    let body = encode_compaction(&reply, form, 1_700_000_000).expect("a summary");
    serde_json::from_slice(&body).expect("JSON")
}

fn turn_of(input: &Value) -> Turn {
    let body = serde_json::json!({"model": "m", "input": input}).to_string();
    let request = read(body.as_bytes()).expect("JSON");
    let decoded = request.decode(&[], &Images::default()).expect("legal");
    assert!(decoded.ignored.is_empty(), "{}", decoded.ignored);
    decoded.turn
}

fn user(text: &str) -> Message {
    Message::User(vec![Part::Text(text.to_owned())])
}

#[test]
fn the_model_is_asked_without_tools_and_in_plain_text() {
    let decoded = decode(
        r#"{"model":"m","instructions":"Be kind.","input":"go","tools":[{"type":"function","name":"f"}],
        "tool_choice":"required","text":{"format":{"type":"json_object"}},"max_output_tokens":5,
        "stream":true,"store":false,"prompt_cache_key":"k","reasoning":{"effort":"low"}}"#,
    );
    let turn = decoded.turn;
    assert_eq!(turn.tools, Tools::default());
    assert_eq!(turn.output, conversation::OutputShape::Text);
    assert_eq!(turn.limits, conversation::Limits::default());
    assert_eq!(turn.instructions, ["Be kind."]);
    assert_eq!(turn.continuity.cache_key.as_deref(), Some("k"));
    assert_eq!(turn.reasoning.effort, Some(conversation::ReasoningEffort::Low));
    let [first, Message::User(last)] = &turn.messages[..] else { panic!("{:?}", turn.messages) };
    assert_eq!(first, &user("go"));
    assert!(matches!(&last[..], [Part::Text(text)] if text.contains("summary")));
    assert_eq!(decoded.ignored.to_string(), "max_output_tokens, stream, text, tool_choice, tools");
}

#[test]
fn messages_of_the_user_are_kept_and_one_item_stands_for_the_rest() {
    let items = r#"{"role":"developer","content":"d"},{"role":"user","content":"two"},
        {"role":"assistant","content":"2"},{"type":"reasoning","summary":[]},
        {"type":"function_call","call_id":"c","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c","output":"r"},{"type":"message","role":"user","content":"three"}"#;
    for (previous, store, texts) in [
        ("", "", &["two", "three"][..]),
        ("", r#""store":false,"#, &["two", "three"]),
        (r#""previous_response_id":"resp_1","#, "", &["one", "two", "three"]),
    ] {
        let body = format!(r#"{{"model":"m",{previous}{store}"input":[{items}]}}"#);
        let body = compact(&decode(&body).form, "s");
        let output = body["output"].as_array().expect("items");
        let (last, kept) = output.split_last().expect("an item");
        let kept_texts: Vec<_> = kept.iter().map(|item| &item["content"][0]["text"]).collect();
        assert_eq!(kept_texts, texts);
        for item in kept {
            assert_eq!((&item["type"], &item["role"]), (&"message".into(), &"user".into()));
            assert!(item["id"].is_string() && item["status"] == "completed");
        }
        assert_eq!((&last["type"], &last["id"]), (&"compaction".into(), &"cmp_a1".into()));
    }
}

#[test]
fn the_body_has_the_shape_of_the_api() {
    let body = compact(&CompactionForm::default(), "s");
    assert_eq!(body["object"], "response.compaction");
    assert_eq!((&body["id"], &body["created_at"]), (&"resp_a1".into(), &1_700_000_000.into()));
    assert_eq!(body["usage"]["input_tokens_details"]["cached_tokens"], 0);
    assert_eq!(
        (&body["usage"]["total_tokens"], &body["usage"]["estimated"]),
        (&0.into(), &true.into())
    );
}

#[test]
fn a_compaction_comes_back_as_text_in_its_place() {
    let form = decode(r#"{"model":"m","input":"one"}"#).form;
    let mut input = compact(&form, "They said \"1\".\u{2028}")["output"].clone();
    let items = input.as_array_mut().expect("items");
    items.push(serde_json::json!({"role": "user", "content": "two"}));
    let expected = [user("one"), user(&told("They said \"1\".\u{2028}")), user("two")];
    assert_eq!(turn_of(&input).messages, expected);
    for name in ["compaction_summary", "context_compaction"] {
        input[1]["type"] = name.into();
        assert_eq!(turn_of(&input).messages, expected);
    }
    // Alone it is enough to go on from, and it can be compacted again.
    let alone = serde_json::json!([input[1]]);
    assert_eq!(turn_of(&alone).messages, expected[1..2]);
    let again = decode(&serde_json::json!({"model": "m", "input": input}).to_string());
    assert_eq!(again.turn.messages[..3], expected);
    let output = &compact(&again.form, "shorter")["output"];
    assert_eq!(turn_of(output).messages, [user("one"), user("two"), user(&told("shorter"))]);
}

#[test]
fn an_answer_that_is_no_whole_summary_is_a_failure() {
    for (text, stop, class) in [
        (" \n", StopReason::EndTurn, FailureClass::UpstreamFailed),
        ("half", StopReason::MaxOutput, FailureClass::UpstreamFailed),
        ("no", StopReason::Refused, FailureClass::Refused),
    ] {
        let failure = encode_compaction(&reply(text, stop), &CompactionForm::default(), 0)
            .expect_err("no summary");
        assert_eq!(failure.class, class);
    }
}

#[test]
fn requests_that_say_too_little_are_refused() {
    for (body, param) in [
        (r#"{"input":"a"}"#, "model"),
        (r#"{"model":"m"}"#, "input"),
        (r#"{"model":"m","input":[{"type":"compaction","encrypted_content":"gAAA"}]}"#, "input"),
    ] {
        let failure = read(body.as_bytes())
            .and_then(|request| request.decode_compaction(&[], &Images::default()))
            .map(|_| ())
            .expect_err(body);
        assert_eq!(failure.param.as_deref(), Some(param), "{body}");
    }
}
