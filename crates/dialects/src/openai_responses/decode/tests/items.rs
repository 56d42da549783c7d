//! Items other than messages: answers, calls and their outputs, reasoning, and what ran elsewhere.

use super::*;

#[test]
fn an_answer_of_several_items_is_one_message() {
    let messages = messages(
        r#"{"role":"user","content":"go"},
        {"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"},{"type":"summary_text","text":"so"}],"encrypted_content":null},
        {"type":"message","role":"assistant","content":[{"type":"output_text","text":"Reading."}]},
        {"type":"function_call","id":"fc_1","call_id":"c1","name":"read","arguments":"{\"p\": 1}","status":"completed"},
        {"type":"function_call","call_id":"c2","namespace":"mcp__git","name":"log","arguments":""},
        {"type":"function_call_output","call_id":"c2","output":"two"},
        {"type":"function_call_output","id":"fco_1","call_id":"c1","output":[{"type":"input_text","text":"one"}],"status":"completed"},
        {"role":"assistant","content":"Done."},{"role":"user","content":"so?"}"#,
    );
    assert_eq!(
        messages,
        [
            Message::User(vec![text("go")]),
            Message::Assistant(vec![
                reasoning_part("hm\n\nso", None),
                text("Reading."),
                call("c1", "read", "{\"p\": 1}"),
                call("c2", "mcp__git__log", "{}"),
            ]),
            Message::ToolResults(vec![
                result("c2", vec![text("two")]),
                result("c1", vec![text("one")]),
            ]),
            Message::Assistant(vec![text("Done.")]),
            Message::User(vec![text("so?")]),
        ]
    );
}

#[test]
fn a_late_output_is_put_behind_its_call() {
    let messages = messages(
        r#"{"type":"function_call","call_id":"c1","name":"a","arguments":"{}"},
        {"type":"function_call","call_id":"c2","name":"b","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":"1"},
        {"role":"user","content":"hurry"},
        {"type":"function_call_output","call_id":"c2","output":"2"},
        {"type":"function_call","call_id":"c1","name":"a","arguments":"{}"},
        {"type":"function_call_output","call_id":"c1","output":"again"}"#,
    );
    assert_eq!(
        messages,
        [
            Message::Assistant(vec![call("c1", "a", "{}"), call("c2", "b", "{}")]),
            Message::ToolResults(vec![
                result("c1", vec![text("1")]),
                result("c2", vec![text("2")])
            ]),
            Message::User(vec![text("hurry")]),
            Message::Assistant(vec![call("c1", "a", "{}")]),
            Message::ToolResults(vec![result("c1", vec![text("again")])]),
        ]
    );
}

#[test]
fn outputs_may_hold_pictures_and_files() {
    let messages = messages(&format!(
        r#"{{"type":"function_call","call_id":"c","name":"look","arguments":{{"a": 1.50}}}},
        {{"type":"function_call_output","call_id":"c","output":[{{"type":"input_text","text":"t"}},
        {{"type":"input_image","image_url":"{PIXEL}"}},{{"type":"input_file","file_data":"data:;base64,aGk="}}]}}"#
    ));
    assert_eq!(messages[0], Message::Assistant(vec![call("c", "look", "{\"a\": 1.50}")]));
    let Message::ToolResults(results) = &messages[1] else { panic!("{messages:?}") };
    assert!(matches!(&results[0].content[..], [Part::Text(_), Part::Image(_), Part::File(_)]));
}

#[test]
fn calls_of_every_kind_become_calls() {
    for (call_item, output_item, name, arguments, output) in [
        (
            r#"{"type":"custom_tool_call","call_id":"c","name":"apply_patch","input":"*** \"x\"\n"}"#,
            r#"{"type":"custom_tool_call_output","call_id":"c","output":"ok"}"#,
            "apply_patch",
            r#"{"input":"*** \"x\"\n"}"#,
            "ok",
        ),
        (
            r#"{"type":"local_shell_call","id":"l","call_id":"c","status":"completed","action":{"type":"exec", "command":["ls"],"env":{}}}"#,
            r#"{"type":"local_shell_call_output","id":"c","output":"a.txt"}"#,
            "local_shell",
            r#"{"type":"exec","command":["ls"],"env":{}}"#,
            "a.txt",
        ),
        (
            r#"{"type":"shell_call","call_id":"c","action":{"commands":["ls"]}}"#,
            r#"{"type":"shell_call_output","call_id":"c","output":[{"stdout":"a b", "outcome":{"type":"exit","exit_code":0}}]}"#,
            "shell",
            r#"{"commands":["ls"]}"#,
            r#"[{"stdout":"a b","outcome":{"type":"exit","exit_code":0}}]"#,
        ),
        (
            r#"{"type":"apply_patch_call","call_id":"c","status":"completed","operation":{"type":"delete_file","path":"a"}}"#,
            r#"{"type":"apply_patch_call_output","call_id":"c","status":"completed"}"#,
            "apply_patch",
            r#"{"type":"delete_file","path":"a"}"#,
            "completed",
        ),
    ] {
        let decoded = accept(&with_items(&format!("{call_item},{output_item}")));
        assert_eq!(
            decoded.turn.messages,
            [
                Message::Assistant(vec![call("c", name, arguments)]),
                Message::ToolResults(vec![result("c", vec![text(output)])]),
            ]
        );
        assert!(decoded.ignored.is_empty(), "{}", decoded.ignored);
    }
    let patch = messages(
        r#"{"type":"apply_patch_call","call_id":"c","operation":{}},
        {"type":"apply_patch_call_output","call_id":"c","status":"failed","output":"no file"}"#,
    );
    let Message::ToolResults(results) = &patch[1] else { panic!("{patch:?}") };
    assert!(results[0].is_error);
}

#[test]
fn what_ran_elsewhere_is_history_or_reported() {
    let decoded = accept(&with_items(
        r#"{"role":"user","content":"go"},
        {"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}},
        {"type":"compaction","id":"cmp_1","encrypted_content":"x"},
        {"type":"tool_search_call","arguments":{"q":1},"call_id":null},
        {"type":"mcp_call","id":"mcp_1","server_label":"s","name":"f","arguments":"{}","output":"out"},
        {"type":"mcp_call","id":"mcp_2","server_label":"s","name":"f","arguments":"{}","error":{"code": 1}}"#,
    ));
    assert_eq!(
        decoded.ignored.to_string(),
        "input[].compaction, input[].tool_search_call, input[].web_search_call"
    );
    let messages = decoded.turn.messages;
    assert_eq!(messages[1], Message::Assistant(vec![call("mcp_1", "s__f", "{}")]));
    assert_eq!(messages[2], Message::ToolResults(vec![result("mcp_1", vec![text("out")])]));
    let failed = ToolResult { is_error: true, ..result("mcp_2", vec![text(r#"{"code":1}"#)]) };
    assert_eq!(messages[4], Message::ToolResults(vec![failed]));
}

#[test]
fn reasoning_comes_back_by_its_seal_or_its_text() {
    let sealed = sealed::wrap("hm", Some("sig"));
    for (fields, expected, ignored) in [
        (
            format!(
                r#""summary":[{{"type":"summary_text","text":"other"}}],"encrypted_content":"{sealed}""#
            ),
            Some(reasoning_part("hm", Some("sig"))),
            "",
        ),
        (
            r#""summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"gAAAAAB""#.into(),
            Some(reasoning_part("s", None)),
            "input[].encrypted_content",
        ),
        (
            r#""summary":[{"type":"summary_text","text":"s"}],"content":[{"type":"reasoning_text","text":"full"}]"#
                .into(),
            Some(reasoning_part("full", None)),
            "",
        ),
        (r#""summary":[],"content":null,"encrypted_content":null"#.into(), None, ""),
    ] {
        let decoded = accept(&with_items(&format!(
            r#"{{"role":"user","content":"a"}},{{"type":"reasoning","id":"rs",{fields}}}"#
        )));
        let expected: Vec<_> =
            expected.into_iter().map(|part| Message::Assistant(vec![part])).collect();
        assert_eq!(decoded.turn.messages[1..], expected[..]);
        assert_eq!(decoded.ignored.to_string(), ignored);
    }
}

#[test]
fn agents_of_the_client_talk_as_themselves() {
    let decoded = accept(&with_items(
        r#"{"type":"agent_message","author":"/root","recipient":"/root/a","content":[
        {"type":"input_text","text":"Look."},{"type":"encrypted_content","encrypted_content":"x"}]}"#,
    ));
    assert_eq!(
        decoded.turn.messages,
        [Message::User(vec![text("Message from /root to /root/a:"), text("Look.")])]
    );
    assert_eq!(decoded.ignored.to_string(), "input[].content[].encrypted_content");
}
