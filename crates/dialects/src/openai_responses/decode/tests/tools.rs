//! Tools as clients offer them, and what the model gets.

use conversation::Tool;

use super::*;
use crate::openai_responses::callable::{CallKind, Callable};

#[track_caller]
fn offer(fields: &str) -> Decoded<ReplyForm> {
    accept(&with(fields))
}

fn names(decoded: &Decoded<ReplyForm>) -> Vec<&str> {
    decoded.turn.tools.declared.iter().map(|tool| tool.name.as_str()).collect()
}

#[test]
fn functions_keep_their_schema_as_written() {
    let decoded = offer(
        r#""tools":[{"type":"function","name":"get-It_1","description":"d","strict":true,
        "parameters":{ "type" : "object", "x": 1.50 }},{"type":"function","name":"b"}],"tool_choice":"required""#,
    );
    assert_eq!(
        decoded.turn.tools.declared,
        [
            Tool {
                name: "get-It_1".into(),
                description: "d".into(),
                parameters: r#"{ "type" : "object", "x": 1.50 }"#.into(),
            },
            Tool {
                name: "b".into(),
                description: String::new(),
                parameters: r#"{"type":"object","properties":{}}"#.into(),
            },
        ]
    );
    assert_eq!(decoded.turn.tools.choice, ToolChoice::Required);
    assert_eq!(decoded.ignored.to_string(), "tools[].strict");
    assert!(decoded.form.echo.contains(
        r#""tools":[{"type":"function","name":"get-It_1","description":"d","parameters":{"type":"object","x":1.50},"strict":true},{"type":"function","name":"b","description":null,"parameters":null,"strict":null}]"#
    ));
}

#[test]
fn name_spaces_are_flattened_and_remembered() {
    let decoded = offer(
        r#""tools":[{"type":"namespace","name":"mcp__git","description":"Git.","tools":[
            {"type":"function","name":"log","description":"Shows it."},{"type":"custom","name":"raw"}]},
            {"type":"function","name":"mcp__git__log"}]"#,
    );
    assert_eq!(names(&decoded), ["mcp__git__log", "mcp__git__log_2", "mcp__git__raw"]);
    assert_eq!(decoded.turn.tools.declared[1].description, "Shows it.\n\n(mcp__git: Git.)");
    let of = |name: &str| decoded.form.callables.of(name);
    let inside =
        |name: &str, kind| Callable { namespace: Some("mcp__git".into()), name: name.into(), kind };
    assert_eq!(of("mcp__git__log").namespace, None);
    assert_eq!(of("mcp__git__log_2"), inside("log", CallKind::Function));
    assert_eq!(of("mcp__git__raw"), inside("raw", CallKind::Custom));
    assert_eq!(echo(&decoded.form)["tools"][0]["tools"][1]["name"], "raw");
}

#[test]
fn history_uses_the_names_that_are_offered() {
    let turn = accept(
        r#"{"model":"m","tools":[{"type":"function","name":"n__f"},{"type":"namespace","name":"n","description":"",
        "tools":[{"type":"function","name":"f"}]}],"input":[
        {"type":"function_call","call_id":"c","namespace":"n","name":"f","arguments":"{}"},
        {"type":"function_call_output","call_id":"c","output":""}]}"#,
    )
    .turn;
    assert_eq!(turn.messages[0], Message::Assistant(vec![call("c", "n__f_2", "{}")]));
}

#[test]
fn freeform_tools_become_functions_of_one_text() {
    let decoded = offer(
        r#""tools":[{"type":"custom","name":"patch","description":"Edits.","format":{"type":"grammar","syntax":"lark","definition":"start: \"x\""}},
        {"type":"custom","name":"say","format":{"type":"text"}}],"tool_choice":{"type":"custom","name":"patch"}"#,
    );
    let tools = &decoded.turn.tools;
    assert_eq!(tools.choice, ToolChoice::Named("patch".into()));
    assert!(tools.declared[0].description.starts_with("Edits.\n\n"));
    let schema: Value = serde_json::from_str(&tools.declared[0].parameters).expect("JSON");
    assert_eq!(schema["required"][0], "input");
    let about = schema["properties"]["input"]["description"].as_str().expect("a text");
    assert!(about.contains("Lark grammar") && about.ends_with("start: \"x\""), "{about}");
    assert!(!tools.declared[1].parameters.contains("match"));
    assert_eq!(decoded.form.callables.of("say").kind, CallKind::Custom);
    assert_eq!(echo(&decoded.form)["tools"][0]["format"]["syntax"], "lark");
}

#[test]
fn tools_that_the_client_runs_are_offered() {
    let decoded = offer(
        r#""tools":[{"type":"local_shell"},{"type":"shell","environment":{"type":"local"}},{"type":"apply_patch"}],
        "tool_choice":{"type":"shell"}"#,
    );
    assert_eq!(names(&decoded), ["local_shell", "shell", "apply_patch"]);
    assert_eq!(decoded.turn.tools.choice, ToolChoice::Named("shell".into()));
    assert_eq!(decoded.form.callables.of("apply_patch").kind, CallKind::ApplyPatch);
    for tool in &decoded.turn.tools.declared {
        let schema: Value = serde_json::from_str(&tool.parameters).expect("JSON");
        assert_eq!(schema["type"], "object");
    }
}

#[test]
fn tools_that_run_elsewhere_are_reported_and_echoed() {
    let decoded = offer(
        r#""tools":[{"type":"web_search","external_web_access":false},{"type":"mcp","server_label":"s","server_url":"https://x.test"},
        {"type":"code_interpreter","container":"c"},{"type":"computer_use_preview","environment":"browser"},
        {"type":"shell","environment":{"type":"container_auto"}},{"type":"tool_search"}]"#,
    );
    assert_eq!(
        decoded.ignored.to_string(),
        "tools[].code_interpreter, tools[].computer_use_preview, tools[].mcp, tools[].shell, \
         tools[].tool_search, tools[].web_search"
    );
    assert!(names(&decoded).is_empty());
    assert_eq!(echo(&decoded.form)["tools"].as_array().map(Vec::len), Some(6));
}

#[test]
fn tool_choices() {
    let tools = r#""tools":[{"type":"function","name":"f"},{"type":"namespace","name":"n","description":"","tools":[{"type":"function","name":"g"}]},{"type":"web_search"}]"#;
    for (choice, expected, offered) in [
        (r#""none""#, ToolChoice::None, vec!["f", "n__g"]),
        (r#""required""#, ToolChoice::Required, vec!["f", "n__g"]),
        (r#"{"type":"function","name":"f"}"#, ToolChoice::Named("f".into()), vec!["f", "n__g"]),
        (
            r#"{"type":"function","namespace":"n","name":"g"}"#,
            ToolChoice::Named("n__g".into()),
            vec!["f", "n__g"],
        ),
        (
            r#"{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"g"},{"type":"web_search"}]}"#,
            ToolChoice::Required,
            vec!["n__g"],
        ),
        (
            r#"{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}"#,
            ToolChoice::Auto,
            vec!["f"],
        ),
    ] {
        let decoded = offer(&format!(r#"{tools},"tool_choice":{choice}"#));
        assert_eq!(decoded.turn.tools.choice, expected);
        assert_eq!(names(&decoded), offered);
        let given: Value = serde_json::from_str(choice).expect("JSON");
        assert_eq!(echo(&decoded.form)["tool_choice"], given);
    }
}

#[test]
fn items_may_bring_tools() {
    let decoded = accept(
        r#"{"model":"m","tools":[{"type":"function","name":"f","description":"mine"}],"input":[
        {"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"f"},
            {"type":"custom","name":"patch"},{"type":"namespace","name":"n","description":"","tools":[{"type":"function","name":"g"}]}]},
        {"role":"user","content":"additional_tools"},
        {"type":"function_call","call_id":"c","namespace":"n","name":"g","arguments":"{}"},
        {"type":"function_call_output","call_id":"c","output":"r"},
        {"type":"additional_tools","role":"developer","tools":[{"type":"namespace","name":"n","description":"","tools":[{"type":"function","name":"g"}]}]}],
        "tool_choice":{"type":"custom","name":"patch"}}"#,
    );
    assert_eq!(names(&decoded), ["f", "patch", "n__g"]);
    assert_eq!(decoded.turn.tools.declared[0].description, "mine");
    assert_eq!(decoded.turn.tools.choice, ToolChoice::Named("patch".into()));
    assert_eq!(decoded.turn.messages[1], Message::Assistant(vec![call("c", "n__g", "{}")]));
    assert_eq!(decoded.form.callables.of("n__g").name, "g");
    assert_eq!(echo(&decoded.form)["tools"].as_array().map(Vec::len), Some(1), "only the field's");
    assert!(decoded.ignored.is_empty(), "{}", decoded.ignored);
    refuse(
        &with_items(
            r#"{"role":"user","content":"a"},{"type":"additional_tools","tools":[{"type":"magic"}]}"#,
        ),
        "input[1].tools[0].type",
        "'magic'",
    );
}

#[test]
fn a_search_for_tools_that_the_client_runs_is_a_call() {
    let decoded = accept(
        r#"{"model":"m","tools":[{"type":"tool_search","execution":"client","description":"Search.",
            "parameters":{"type":"object"}}],"input":[{"role":"user","content":"a"},
        {"type":"tool_search_call","call_id":"t","execution":"client","arguments":{"query":"git"}},
        {"type":"tool_search_output","call_id":"t","execution":"client","status":"completed","tools":[
            {"type":"namespace","name":"mcp__git","description":"","tools":[{"type":"function","name":"log","defer_loading":true}]}]}]}"#,
    );
    assert_eq!(names(&decoded), ["tool_search", "mcp__git__log"]);
    assert_eq!(decoded.form.callables.of("tool_search").kind, CallKind::ToolSearch);
    assert_eq!(
        decoded.turn.messages[1..],
        [
            Message::Assistant(vec![call("t", "tool_search", r#"{"query":"git"}"#)]),
            Message::ToolResults(vec![result(
                "t",
                vec![text("These tools can be called now: mcp__git__log.")]
            )]),
        ]
    );
    assert_eq!(decoded.ignored.to_string(), "tools[].tools[].defer_loading");
}
