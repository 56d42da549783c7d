//! What is offered and demanded: tools, the choice among them, the form of the answer.

use conversation::{OutputShape, Tool, ToolChoice};
use serde_json::{Value, json};

use super::*;

#[test]
fn old_functions_become_tools() {
    let Decoded { turn, form, .. } = accept(
        r#"{"model":"m","functions":[{"name":"f","description":"d","parameters":{ "type":"object" }}],
        "function_call":{"name":"f"},"messages":[{"role":"user","content":"go"},
        {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
        {"role":"function","name":"f","content":"r"}]}"#,
    );
    assert_eq!(form.calls, CallForm::Function);
    assert_eq!(turn.tools.choice, ToolChoice::Named("f".into()));
    assert!(!turn.tools.parallel);
    assert_eq!(turn.messages[1], Message::Assistant(vec![call("function_call_1", "f", "{}")]));
    assert_eq!(
        turn.messages[2],
        Message::ToolResults(vec![result("function_call_1", vec![text("r")])])
    );
}

#[test]
fn tools_keep_their_schema_as_written() {
    let decoded = accept(&with(
        r#""tools":[{"type":"function","function":{"name":"get-It_1","description":"d","strict":true,
        "parameters":{ "type" : "object", "x": 1.50, "big": 123456789012345678901234567890 }}},
        {"type":"function","function":{"name":"b"}}],"tool_choice":"required","parallel_tool_calls":false"#,
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
            Tool {
                name: "b".into(),
                description: String::new(),
                parameters: r#"{"type":"object","properties":{}}"#.into(),
            },
        ]
    );
    assert_eq!((tools.choice, tools.parallel), (ToolChoice::Required, false));
    assert_eq!(decoded.ignored.to_string(), "tools[].function.strict");
}

#[test]
fn tool_choices() {
    let tools = r#""tools":[{"type":"function","function":{"name":"f"}}]"#;
    for (choice, expected) in [
        (r#""none""#, ToolChoice::None),
        (r#""auto""#, ToolChoice::Auto),
        (r#""required""#, ToolChoice::Required),
        (r#"{"type":"function","function":{"name":"f"}}"#, ToolChoice::Named("f".into())),
    ] {
        let decoded = accept(&with(&format!(r#"{tools},"tool_choice":{choice}"#)));
        assert_eq!(decoded.turn.tools.choice, expected);
    }
    assert_eq!(accept(&with(r#""tool_choice":"none""#)).turn.tools.choice, ToolChoice::None);
}

#[test]
fn output_shapes() {
    for (format, expected) in [
        (r#"{"type":"text"}"#, OutputShape::Text),
        (r#"{"type":"json_object"}"#, OutputShape::Json),
        (
            r#"{"type":"json_schema","json_schema":{"name":"n","schema":{"a": 1}}}"#,
            OutputShape::JsonSchema { name: "n".into(), schema: r#"{"a": 1}"#.into() },
        ),
    ] {
        let decoded = accept(&with(&format!(r#""response_format":{format}"#)));
        assert_eq!(decoded.turn.output, expected);
    }
}

const CUSTOM: &str = r#""tools":[{"type":"function","function":{"name":"f"}},
    {"type":"custom","custom":{"name":"c","description":"d"}},{"type":"function","function":{"name":"g"}}]"#;

fn names(decoded: &Decoded<ReplyForm>) -> Vec<&str> {
    decoded.turn.tools.declared.iter().map(|tool| tool.name.as_str()).collect()
}

#[test]
fn a_custom_tool_is_offered_as_a_function_of_one_text() {
    let decoded = accept(&with(CUSTOM));
    assert_eq!(names(&decoded), ["f", "c", "g"]);
    let tool = &decoded.turn.tools.declared[1];
    assert!(tool.description.starts_with("d\n\n"));
    let schema: Value = serde_json::from_str(&tool.parameters).expect("JSON");
    assert_eq!(schema["properties"]["input"]["type"], "string");
    assert_eq!(schema["required"], json!(["input"]));
    assert_eq!(decoded.form.calls, CallForm::Tools { custom: ["c".to_owned()].into() });
    assert!(decoded.ignored.is_empty());
}

#[test]
fn a_grammar_is_told_to_the_model() {
    for (format, told) in [
        (r#"{"type":"text"}"#, None),
        (
            r#"{"type":"grammar","grammar":{"syntax":"lark","definition":"start: \"x\""}}"#,
            Some("Lark grammar:\nstart: \"x\""),
        ),
        (
            r#"{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}"#,
            Some("regular expression:\na+"),
        ),
    ] {
        let decoded = accept(&with(&format!(
            r#""tools":[{{"type":"custom","custom":{{"name":"c","format":{format}}}}}]"#
        )));
        let schema: Value =
            serde_json::from_str(&decoded.turn.tools.declared[0].parameters).expect("JSON");
        let description = schema["properties"]["input"]["description"].as_str().expect("text");
        assert_eq!(description.contains("must match"), told.is_some());
        assert!(description.ends_with(told.unwrap_or("text.")), "{description}");
    }
}

#[test]
fn a_custom_tool_can_be_demanded() {
    let decoded = accept(&with(&format!(
        r#"{CUSTOM},"tool_choice":{{"type":"custom","custom":{{"name":"c"}}}}"#
    )));
    assert_eq!(decoded.turn.tools.choice, ToolChoice::Named("c".into()));
}

#[test]
fn allowed_tools_take_the_others_away() {
    let function = r#"{"type":"function","function":{"name":"g"}}"#;
    let custom = r#"{"type":"custom","custom":{"name":"c"}}"#;
    for (mode, list, choice, left) in [
        ("auto", function.to_owned(), ToolChoice::Auto, &["g"][..]),
        ("required", format!("{function},{custom}"), ToolChoice::Required, &["c", "g"]),
        ("auto", format!("{custom},{custom}"), ToolChoice::Auto, &["c"]),
    ] {
        let decoded = accept(&with(&format!(
            r#"{CUSTOM},"tool_choice":{{"type":"allowed_tools","allowed_tools":{{"mode":"{mode}","tools":[{list}]}}}}"#
        )));
        assert_eq!(decoded.turn.tools.choice, choice);
        assert_eq!(names(&decoded), left);
        assert!(decoded.ignored.is_empty());
    }
}

#[test]
fn a_schema_may_be_strict_and_that_is_reported() {
    let decoded = accept(&with(
        r#""response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","strict":true,"schema":{}}}"#,
    ));
    assert_eq!(
        decoded.ignored.to_string(),
        "response_format.json_schema.description, response_format.json_schema.strict"
    );
}
