//! Calls and their results, in the order in which the upstream wants them.

use super::*;

#[test]
fn results_in_any_order_come_before_the_text_around_them() {
    let image = format!(
        r#"{{"type":"tool_result","tool_use_id":"c3","is_error":true,"content":[
        {{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{PIXEL}"}}}},
        {{"type":"tool_reference","tool_name":"grep"}}]}}"#
    );
    let nothing = r#"{"type":"tool_result","tool_use_id":"c4"}"#.to_owned();
    let messages = messages(&format!(
        r#"{{"role":"user","content":"go"}},{},{},{{"role":"system","content":"note"}},{}"#,
        calls(&["c1", "c2", "c3", "c4"]),
        user(&[text_block("before"), result_block("c2"), image, text_block("between")]),
        user(&[result_block("c1"), nothing, text_block("after")]),
    ));
    let Message::ToolResults(results) = &messages[2] else { panic!("{messages:?}") };
    let ids: Vec<&str> = results.iter().map(|result| result.call_id.as_str()).collect();
    assert_eq!(ids, ["c2", "c3", "c1", "c4"]);
    assert_eq!(results[0], result("c2", vec![text("of c2")]));
    assert!(matches!(&results[1].content[..], [Part::Image(_), Part::Text(_)]));
    assert!(results[1].is_error && !results[2].is_error);
    assert_eq!(results[3].content, []);
    assert_eq!(
        messages[3..],
        [
            Message::User(vec![text("before"), text("between")]),
            Message::Instruction("note".into()),
            Message::User(vec![text("after")]),
        ]
    );
}

#[test]
fn calls_of_consecutive_answers_are_answered_together() {
    let messages = messages(&format!(
        "{},{},{}",
        calls(&["a"]),
        calls(&["b"]),
        user(&[result_block("b"), result_block("a")])
    ));
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0], Message::Assistant(vec![call("a", "f", "{}"), call("b", "f", "{}")]));
}

#[test]
fn a_later_round_may_use_the_same_ids() {
    let round = format!("{},{}", calls(&["c"]), user(&[result_block("c")]));
    let messages = messages(&format!(r#"{{"role":"user","content":"go"}},{round},{round}"#));
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[2], messages[4]);
}

#[test]
fn input_is_kept_as_it_was_written() {
    let messages = messages(&format!(
        r#"{{"role":"assistant","content":[{{"type":"tool_use","id":"any id/ü","name":"mcp__x.y","input":{{ "z": 1.50, "a": [ 1 ],"z":2 }}}}]}},{}"#,
        user(&[result_block("any id/ü")])
    ));
    assert_eq!(
        messages[0],
        Message::Assistant(vec![call(
            "any id/ü",
            "mcp__x.y",
            r#"{ "z": 1.50, "a": [ 1 ],"z":2 }"#
        )])
    );
}
