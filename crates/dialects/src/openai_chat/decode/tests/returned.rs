//! What clients hand back of earlier answers: reasoning with its seals, calls of custom tools.

use super::*;

fn reasoning(text: &str, seal: Option<&str>) -> Part {
    Part::Reasoning(ReasoningPart { text: text.into(), seal: seal.map(str::to_owned) })
}

#[test]
fn sealed_reasoning_comes_back_in_its_order() {
    let decoded = accept(&with_messages(
        r#"{"role":"assistant","content":"x","reasoning_content":"onetwo","reasoning_details":[
        {"type":"reasoning.text","text":"one","signature":"s1","index":0,"id":"i","format":"f"},
        {"type":"reasoning.encrypted","data":"s2"},
        {"type":"reasoning.text","text":"","signature":null},
        {"type":"reasoning.summary","summary":"two","more":1}]}"#,
    ));
    assert_eq!(
        decoded.turn.messages,
        [Message::Assistant(vec![
            reasoning("one", Some("s1")),
            reasoning("", Some("s2")),
            reasoning("two", None),
            text("x"),
        ])]
    );
    assert_eq!(decoded.ignored.to_string(), "messages[].reasoning_details[].more");
}

#[test]
fn details_win_over_another_plain_text() {
    let decoded = accept(&with_messages(
        r#"{"role":"assistant","reasoning_content":"other","reasoning_details":[
        {"type":"reasoning.text","text":"one","signature":"s1"}]}"#,
    ));
    assert_eq!(decoded.turn.messages, [Message::Assistant(vec![reasoning("one", Some("s1"))])]);
    assert_eq!(decoded.ignored.to_string(), "messages[].reasoning_content");
    let empty = r#"{"role":"assistant","reasoning_content":"other","reasoning_details":[]}"#;
    assert_eq!(messages(empty), [Message::Assistant(vec![reasoning("other", None)])]);
    let user = accept(&with_messages(r#"{"role":"user","content":"u","reasoning_details":[]}"#));
    assert_eq!(user.ignored.to_string(), "messages[].reasoning_details");
}

#[test]
fn details_that_are_wrong() {
    for (detail, field, message) in [
        (r#"{"text":"x"}"#, "type", "Missing"),
        (r#"{"type":"thinking"}"#, "type", "'thinking'"),
        (r#"{"type":"reasoning.encrypted"}"#, "data", "Missing"),
        (r#"{"type":"reasoning.text","text":5}"#, "text", "expected a string"),
    ] {
        let body =
            with_messages(&format!(r#"{{"role":"assistant","reasoning_details":[{detail}]}}"#));
        refuse(&body, &format!("messages[0].reasoning_details[0].{field}"), message);
    }
}

#[test]
fn custom_calls_and_their_results() {
    let messages = messages(
        r#"{"role":"assistant","content":"so","tool_calls":[
        {"id":"c1","type":"custom","custom":{"name":"patch","input":"a\n\"b\""}},
        {"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c2","content":"two"},
        {"role":"tool","tool_call_id":"c1","content":"one"}"#,
    );
    assert_eq!(
        messages,
        [
            Message::Assistant(vec![
                text("so"),
                call("c1", "patch", r#"{"input":"a\n\"b\""}"#),
                call("c2", "f", "{}"),
            ]),
            Message::ToolResults(vec![
                result("c2", vec![text("two")]),
                result("c1", vec![text("one")]),
            ]),
        ]
    );
}

#[test]
fn custom_calls_that_are_wrong() {
    for (call, field, message) in [
        (r#"{"id":"c","type":"custom"}"#, "custom", "Missing"),
        (r#"{"id":"c","type":"custom","custom":{"input":"x"}}"#, "custom.name", "Missing"),
        (r#"{"id":"c","type":"custom","custom":{"name":"p"}}"#, "custom.input", "Missing"),
        (r#"{"id":"c","type":"mcp"}"#, "type", "'mcp'"),
    ] {
        let body = with_messages(&format!(r#"{{"role":"assistant","tool_calls":[{call}]}}"#));
        refuse(&body, &format!("messages[0].tool_calls[0].{field}"), message);
    }
}
