//! Tools, thinking, limits and the form of the answer.

use conversation::{Tool, ToolChoice};

use super::*;

const TOOL: &str = r#""tools":[{"name":"f","input_schema":{"type":"object"}}]"#;

#[test]
fn tools_keep_their_schema_as_written() {
    let decoded = accept(&with(
        r#""tools":[{"name":"get-It_1","description":"d","defer_loading":true,"eager_input_streaming":true,
        "input_schema":{ "type" : "object", "x": 1.50, "big": 123456789012345678901234567890 }},
        {"type":"custom","name":"b","strict":true,"input_examples":[],"input_schema":{}}],
        "tool_choice":{"type":"any","disable_parallel_tool_use":true}"#,
    ));
    let tools = decoded.turn.tools;
    assert_eq!(
        tools.declared,
        [
            Tool {
                name: "get-It_1".into(),
                description: "d".into(),
                parameters:
                    r#"{ "type" : "object", "x": 1.50, "big": 123456789012345678901234567890 }"#
                        .into(),
            },
            Tool { name: "b".into(), description: String::new(), parameters: "{}".into() },
        ]
    );
    assert_eq!((tools.choice, tools.parallel), (ToolChoice::Required, false));
    assert_eq!(decoded.ignored.to_string(), "tools[].input_examples, tools[].strict");
}

#[test]
fn tools_that_the_api_defines_are_written_out_or_reported() {
    let decoded = accept(&with(
        r#""tools":[{"type":"bash_20250124","name":"bash"},
        {"type":"text_editor_20250124","name":"str_replace_editor"},
        {"type":"text_editor_20250728","name":"str_replace_based_edit_tool","max_characters":100},
        {"type":"memory_20250818","name":"memory"},
        {"type":"computer_20250124","name":"computer","display_width_px":800,"display_height_px":600},
        {"type":"web_search_20250305","name":"web_search","max_uses":5},
        {"type":"web_fetch_20250910","name":"web_fetch"},
        {"type":"code_execution_20250825","name":"code_execution"},
        {"type":"tool_search_tool_regex_20251119","name":"tool_search_tool_regex"},
        {"type":"mcp_toolset","mcp_server_name":"x"},
        {"type":"future_20300101","name":"future"}]"#,
    ));
    let names: Vec<&str> =
        decoded.turn.tools.declared.iter().map(|tool| tool.name.as_str()).collect();
    assert_eq!(
        names,
        ["bash", "str_replace_editor", "str_replace_based_edit_tool", "memory", "computer"]
    );
    assert!(decoded.turn.tools.declared[0].parameters.contains("\"command\""));
    assert!(decoded.turn.tools.declared[4].description.contains("800 × 600"));
    assert_eq!(
        decoded.ignored.to_string(),
        "tools[].code_execution_20250825, tools[].future_20300101, tools[].max_characters, \
         tools[].mcp_toolset, tools[].tool_search_tool_regex_20251119, \
         tools[].web_fetch_20250910, tools[].web_search_20250305"
    );
}

#[test]
fn tool_choices() {
    for (choice, expected, parallel) in [
        (r#"{"type":"auto"}"#, ToolChoice::Auto, true),
        (r#"{"type":"auto","disable_parallel_tool_use":true}"#, ToolChoice::Auto, false),
        (r#"{"type":"any"}"#, ToolChoice::Required, true),
        (r#"{"type":"none"}"#, ToolChoice::None, true),
        (r#"{"type":"tool","name":"f"}"#, ToolChoice::Named("f".into()), true),
    ] {
        let tools = accept(&with(&format!(r#"{TOOL},"tool_choice":{choice}"#))).turn.tools;
        assert_eq!((tools.choice, tools.parallel), (expected, parallel), "{choice}");
    }
    assert_eq!(accept(&with(TOOL)).turn.tools.choice, ToolChoice::Auto);
    let alone = accept(&with(r#""tool_choice":{"type":"none"}"#));
    assert_eq!(alone.turn.tools.choice, ToolChoice::None);
}

#[test]
fn thinking_and_effort() {
    let wanted = |wanted, effort| Reasoning { wanted, effort };
    for (fields, expected) in [
        (r#""thinking":{"type":"adaptive"}"#, wanted(Some(true), None)),
        (r#""thinking":{"type":"between_tools"}"#, wanted(Some(true), None)),
        (r#""thinking":{"type":"disabled"}"#, wanted(Some(false), None)),
        (
            r#""thinking":{"type":"enabled","budget_tokens":1024}"#,
            wanted(Some(true), Some(ReasoningEffort::Low)),
        ),
        (
            r#""thinking":{"type":"enabled","budget_tokens":10000,"display":"summarized"}"#,
            wanted(Some(true), Some(ReasoningEffort::Medium)),
        ),
        (
            r#""thinking":{"type":"enabled","budget_tokens":31999}"#,
            wanted(Some(true), Some(ReasoningEffort::High)),
        ),
        (
            r#""thinking":{"type":"enabled","budget_tokens":64000}"#,
            wanted(Some(true), Some(ReasoningEffort::XHigh)),
        ),
        (
            r#""thinking":{"type":"enabled","budget_tokens":64000},"output_config":{"effort":"low"}"#,
            wanted(Some(true), Some(ReasoningEffort::Low)),
        ),
        (r#""output_config":{"effort":"medium"}"#, wanted(None, Some(ReasoningEffort::Medium))),
        (r#""output_config":{"effort":"high"}"#, wanted(None, Some(ReasoningEffort::High))),
        (r#""output_config":{"effort":"xhigh"}"#, wanted(None, Some(ReasoningEffort::XHigh))),
        (r#""output_config":{"effort":"max"}"#, wanted(None, Some(ReasoningEffort::XHigh))),
    ] {
        let decoded = accept(&with(fields));
        assert_eq!(decoded.turn.reasoning, expected, "{fields}");
        assert!(decoded.ignored.is_empty(), "{fields}");
    }
}

#[test]
fn output_shapes() {
    let schema =
        |name: &str| OutputShape::JsonSchema { name: name.into(), schema: r#"{"a": 1}"#.into() };
    for (fields, expected, ignored) in [
        (
            r#""output_config":{"format":{"type":"json_schema","schema":{"a": 1}}}"#,
            schema("output"),
            "",
        ),
        (r#""output_format":{"type":"json_schema","name":"n","schema":{"a": 1}}"#, schema("n"), ""),
        (
            r#""output_config":{"format":{"type":"json_schema","schema":{"a": 1},"strict":true}},
            "output_format":{"type":"json_schema","schema":{}}"#,
            schema("output"),
            "output_config.format.strict, output_format",
        ),
        (r#""output_config":{"format":null}"#, OutputShape::Text, ""),
    ] {
        let decoded = accept(&with(fields));
        assert_eq!(decoded.turn.output, expected, "{fields}");
        assert_eq!(decoded.ignored.to_string(), ignored, "{fields}");
    }
}

#[test]
fn limits_and_stop_texts() {
    let limits = accept(&with(r#""stop_sequences":["a","\n\nHuman:"]"#)).turn.limits;
    assert_eq!(
        limits,
        Limits { max_output_tokens: Some(9), stop: vec!["a".into(), "\n\nHuman:".into()] }
    );
}

#[test]
fn the_user_is_a_key_unless_it_is_long() {
    let long = "u".repeat(MAX_USER_ID + 1);
    for (id, key, ignored) in [
        ("u-1", Some("u-1"), ""),
        ("", None, ""),
        (&long[1..], Some(&long[1..]), ""),
        (&long, None, "metadata.user_id"),
    ] {
        let decoded = accept(&with(&format!(r#""metadata":{{"user_id":"{id}"}}"#)));
        assert_eq!(decoded.turn.continuity.cache_key.as_deref(), key, "{id}");
        assert_eq!(decoded.ignored.to_string(), ignored, "{id}");
    }
}

#[test]
fn the_model_is_kept_exactly() {
    let body = with("").replace(r#""m""#, r#"" Claude-4.5 \"x\"/é ""#);
    let decoded = accept(&body);
    assert_eq!(decoded.form.model, " Claude-4.5 \"x\"/é ");
    assert_eq!(decoded.turn.model.as_str(), decoded.form.model);
}
