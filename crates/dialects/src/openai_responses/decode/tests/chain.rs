//! Requests that go on from earlier answers, and the items that are kept for that.

use super::*;

fn decode_after(body: &str, earlier: &[&str]) -> Result<Decoded<ReplyForm>, Failure> {
    let earlier: Vec<String> = earlier.iter().map(|&item| item.to_owned()).collect();
    read(body.as_bytes())?.decode(&earlier, &Images::default())
}

const CALL: &str = r#"{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}","status":"completed"}"#;
const QUESTION: &str = r#"{"type":"message","id":"msg_1","role":"user","content":[{"type":"input_text","text":"go"}]}"#;

#[test]
fn earlier_items_stand_before_the_input() {
    let body = r#"{"model":"m","previous_response_id":"resp_1","input":[{"type":"function_call_output","call_id":"c","output":"r"}]}"#;
    assert_eq!(read(body.as_bytes()).expect("JSON").previous_response_id(), Some("resp_1"));
    let decoded = decode_after(body, &[QUESTION, CALL]).expect("legal");
    assert_eq!(
        decoded.turn.messages,
        [
            Message::User(vec![text("go")]),
            Message::Assistant(vec![call("c", "f", "{}")]),
            Message::ToolResults(vec![result("c", vec![text("r")])]),
        ]
    );
    assert_eq!(decoded.form.input_items.len(), 1, "only the request's own");
    assert_eq!(echo(&decoded.form)["previous_response_id"], "resp_1");
}

#[test]
fn a_chain_may_go_on_without_input_but_not_with_open_calls() {
    let body = r#"{"model":"m","previous_response_id":"resp_1"}"#;
    assert!(decode_after(body, &[QUESTION]).is_ok());
    let failure = decode_after(body, &[QUESTION, CALL]).expect_err("no output");
    assert_eq!(failure.param.as_deref(), Some("previous_response_id"));
    assert_eq!(failure.client, "No tool output found for function call c.");
    let failure = decode_after(body, &[]).expect_err("nothing at all");
    assert_eq!(failure.param.as_deref(), Some("input"));
}

#[test]
fn references_bring_kept_items_in() {
    let body = r#"{"model":"m","input":[{"type":"item_reference","id":"msg_1"},{"id":"fc_1"},
        {"type":"function_call_output","call_id":"c","output":"r"}]}"#;
    let request = read(body.as_bytes()).expect("JSON");
    assert_eq!(request.item_references(), ["msg_1"]);
    let decoded = decode_after(body, &[QUESTION, CALL]).expect("legal");
    assert_eq!(decoded.turn.messages.len(), 3);
    assert_eq!(decoded.form.input_items[..2], [QUESTION, CALL]);

    let failure = decode_after(body, &[QUESTION]).expect_err("not kept");
    assert_eq!(failure.param.as_deref(), Some("input[1].id"));
    assert_eq!(failure.client, "Item with id 'fc_1' not found.");
}

#[test]
fn a_reference_into_the_chain_does_not_double_the_item() {
    let body = r#"{"model":"m","previous_response_id":"resp_1","input":[{"type":"item_reference","id":"fc_1"},
        {"type":"function_call_output","call_id":"c","output":"r"}]}"#;
    let decoded = decode_after(body, &[QUESTION, CALL]).expect("legal");
    assert_eq!(decoded.turn.messages.len(), 3);
    assert_eq!(decoded.form.input_items.len(), 1);
}

#[test]
fn input_items_are_listed_in_their_long_form() {
    let decoded = accept(&with_items(
        "{\"role\":\"user\",\n\"content\":\"a\u{2028}b\"},{\"role\":\"assistant\",\"content\":\"x\"},\
         {\"type\":\"message\",\"id\":\"mine\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\", \"text\":\"c\"}],\"status\":\"completed\"},\
         {\"id\":null,\"type\":\"reasoning\",\"summary\":[]}",
    ));
    let items = decoded.form.input_items;
    let shown: Vec<String> = items
        .iter()
        .map(|item| {
            let parsed: Value = serde_json::from_str(item).expect("JSON");
            let id = parsed["id"].as_str().expect("an id");
            let prefix = id.split_once("_in_").map_or(id, |(prefix, _)| prefix);
            item.replace(id, prefix)
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    {"type":"message","id":"msg","content":[{"type":"input_text","text":"a\u2028b"}],"role":"user","status":"completed"}
    {"type":"message","id":"msg","content":[{"type":"output_text","annotations":[],"text":"x"}],"role":"assistant","status":"completed"}
    {"type":"message","id":"mine","content":[{"type":"input_text","text":"c"}],"role":"user","status":"completed"}
    {"type":"reasoning","id":"rs","summary":[]}
    "#);
    for item in &items {
        assert!(!item.contains(['\n', '\u{2028}']), "{item}");
    }
}

#[test]
fn listed_items_can_be_read_back() {
    let first = accept(&with_items(&format!(
        r#"{{"role":"developer","content":"d"}},{{"role":"user","content":[{{"type":"input_image","image_url":"{PIXEL}"}}]}},
        {{"type":"reasoning","summary":[{{"type":"summary_text","text":"s"}}]}},{CALL},
        {{"type":"function_call_output","call_id":"c","output":"r"}},{{"role":"assistant","content":"x"}}"#
    )));
    let body = r#"{"model":"m","previous_response_id":"resp_1","input":[]}"#;
    let again = read(body.as_bytes())
        .expect("JSON")
        .decode(&first.form.input_items, &Images::default())
        .expect("legal");
    assert_eq!(again.turn.messages, first.turn.messages);
    assert_eq!(again.turn.instructions, first.turn.instructions);
    assert!(again.ignored.is_empty());
}

#[test]
fn equal_items_have_different_ids() {
    let decoded =
        accept(&with_items(r#"{"role":"user","content":"a"},{"role":"user","content":"a"}"#));
    assert_ne!(decoded.form.input_items[0], decoded.form.input_items[1]);
}
