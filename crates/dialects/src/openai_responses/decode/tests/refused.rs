//! Requests that are refused, each with the field that is named.

use super::*;

#[test]
fn single_fields_that_are_wrong() {
    for (fields, param, message) in [
        (r#""stream":"yes""#, "stream", "expected a boolean, but got a string"),
        (r#""stream_options":{}"#, "stream_options", "only allowed when"),
        (r#""background":true,"store":false"#, "background", "stored"),
        (r#""max_output_tokens":0"#, "max_output_tokens", ">= 1"),
        (r#""max_output_tokens":1.5"#, "max_output_tokens", "non-negative integer"),
        (r#""max_tool_calls":0"#, "max_tool_calls", ">= 1"),
        (r#""top_logprobs":2"#, "top_logprobs", "not supported"),
        (r#""conversation":"conv_1""#, "conversation", "previous_response_id"),
        (r#""conversation":{"id":"conv_1"}"#, "conversation", "not supported"),
        (r#""prompt":{"id":"pmpt_1"}"#, "prompt", "not supported"),
        (r#""previous_response_id":"""#, "previous_response_id", "empty"),
        (r#""previous_response_id":5"#, "previous_response_id", "expected a string"),
        (r#""instructions":["a"]"#, "instructions", "expected a string"),
        (r#""truncation":"never""#, "truncation", "'auto'"),
        (r#""reasoning":{"effort":"huge"}"#, "reasoning.effort", "'xhigh'"),
        (r#""reasoning":{"summary":"long"}"#, "reasoning.summary", "'concise'"),
        (r#""reasoning":"high""#, "reasoning", "expected an object"),
        (r#""text":{"verbosity":"x"}"#, "text.verbosity", "'low'"),
        (r#""text":{"format":{"type":"xml"}}"#, "text.format.type", "'json_schema'"),
        (r#""text":{"format":{}}"#, "text.format.type", "Missing"),
        (r#""text":{"format":{"type":"json_schema"}}"#, "text.format.name", "Missing"),
        (
            r#""text":{"format":{"type":"json_schema","name":"a b","schema":{}}}"#,
            "text.format.name",
            "pattern",
        ),
        (r#""text":{"format":{"type":"json_schema","name":"a"}}"#, "text.format.schema", "Missing"),
        (
            r#""text":{"format":{"type":"json_schema","name":"a","schema":[]}}"#,
            "text.format.schema",
            "expected an object",
        ),
        (r#""metadata":{"a":1}"#, "metadata.a", "expected a string"),
        (r#""include":"x""#, "include", "expected an array"),
    ] {
        refuse(&with(fields), param, message);
    }
    let long = "x".repeat(65);
    refuse(&with(&format!(r#""metadata":{{"{long}":"v"}}"#)), "metadata", "64");
    let many: Vec<String> = (0..17).map(|number| format!(r#""{number}":"v""#)).collect();
    refuse(&with(&format!(r#""metadata":{{{}}}"#, many.join(","))), "metadata", "16");
}

#[test]
fn bodies_that_say_too_little() {
    for (body, param, message) in [
        (r#"{"input":"a"}"#, "model", "must provide a model"),
        (r#"{"model":" ","input":"a"}"#, "model", "must provide a model"),
        (r#"{"model":"m"}"#, "input", "must be provided"),
        (r#"{"model":"m","input":[]}"#, "input", "must be provided"),
        (r#"{"model":"m","input":{}}"#, "input", "expected an array"),
        (r#"{"model":"m","input":5}"#, "input", "a string or an array"),
        ("[]", "", "must be a JSON object"),
        ("{", "", "not valid JSON"),
    ] {
        refuse(body, param, message);
    }
}

#[test]
fn items_that_are_wrong() {
    for (item, param, message) in [
        (r#"{}"#, "input[0].type", "Missing"),
        (r#"5"#, "input[0]", "expected an object"),
        (r#"{"type":"hologram"}"#, "input[0].type", "'hologram'"),
        (r#"{"role":"tool","content":"a"}"#, "input[0].role", "'developer'"),
        (r#"{"type":"message","content":"a"}"#, "input[0].role", "Missing"),
        (r#"{"role":"user"}"#, "input[0].content", "Missing"),
        (r#"{"role":"user","content":5}"#, "input[0].content", "a string or an array of parts"),
        (r#"{"role":"user","content":[{"text":"a"}]}"#, "input[0].content[0].type", "Missing"),
        (
            r#"{"role":"user","content":[{"type":"input_text"}]}"#,
            "input[0].content[0].text",
            "Missing",
        ),
        (
            r#"{"role":"user","content":[{"type":"refusal","refusal":"a"}]}"#,
            "input[0].content[0].type",
            "'input_text', 'input_image', and 'input_file'",
        ),
        (
            r#"{"role":"system","content":[{"type":"input_image","image_url":"x"}]}"#,
            "input[0].content[0].type",
            "'input_text'",
        ),
        (r#"{"role":"user","content":[{"type":"input_audio"}]}"#, "input[0].content[0]", "Audio"),
        (
            r#"{"role":"user","content":[{"type":"input_image","file_id":"f"}]}"#,
            "input[0].content[0].file_id",
            "send the content as 'image_url'",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_image"}]}"#,
            "input[0].content[0].image_url",
            "Missing",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_image","image_url":"https://x.test/a"}]}"#,
            "input[0].content[0].image_url",
            "not fetched",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_file","file_id":"f"}]}"#,
            "input[0].content[0].file_id",
            "send the content as 'file_data'",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_file","file_url":"https://x.test/a"}]}"#,
            "input[0].content[0].file_url",
            "not fetched",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_file","file_data":"data:application/pdf;base64,/w=="}]}"#,
            "input[0].content[0].file_data",
            "plain text",
        ),
        (r#"{"type":"item_reference","id":"msg_9"}"#, "input[0].id", "not found"),
        (r#"{"type":"function_call","name":"f","arguments":"{}"}"#, "input[0].call_id", "Missing"),
        (r#"{"type":"function_call","call_id":"c","arguments":"{}"}"#, "input[0].name", "Missing"),
        (r#"{"type":"function_call","call_id":"c","name":"f"}"#, "input[0].arguments", "Missing"),
        (
            r#"{"type":"function_call","call_id":"c","name":"f","arguments":5}"#,
            "input[0].arguments",
            "expected a string",
        ),
        (r#"{"type":"custom_tool_call","call_id":"c","name":"f"}"#, "input[0].input", "Missing"),
        (r#"{"type":"shell_call","call_id":"c"}"#, "input[0].action", "Missing"),
        (r#"{"type":"apply_patch_call","call_id":"c"}"#, "input[0].operation", "Missing"),
        (r#"{"type":"mcp_call","name":"f","arguments":""}"#, "input[0].id", "Missing"),
        (
            r#"{"type":"reasoning","summary":[{"type":"summary_text"}]}"#,
            "input[0].summary[0].text",
            "Missing",
        ),
    ] {
        refuse(&with_items(item), param, message);
    }
}

#[test]
fn calls_and_outputs_that_do_not_fit() {
    let call = r#"{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}"#;
    let output = r#"{"type":"function_call_output","call_id":"c","output":"r"}"#;
    for (items, param, message) in [
        (call.to_owned(), "input[0]", "No tool output found for function call c."),
        (
            format!(r#"{{"role":"user","content":"a"}},{call},{{"role":"user","content":"b"}}"#),
            "input[1]",
            "No tool output found for function call c.",
        ),
        (
            output.to_owned(),
            "input[0].call_id",
            "No tool call found for function call output with call_id c.",
        ),
        (format!("{output},{call}"), "input[0].call_id", "No tool call found"),
        (format!("{call},{output},{output}"), "input[2].call_id", "has an output already"),
        (format!("{call},{call},{output}"), "input[1].call_id", "Duplicate"),
        (
            format!(r#"{call},{{"type":"function_call_output","call_id":"c"}}"#),
            "input[1].output",
            "Missing",
        ),
        (
            format!(
                r#"{call},{{"type":"function_call_output","call_id":"c","output":[{{"type":"refusal","refusal":"x"}}]}}"#
            ),
            "input[1].output[0].type",
            "'input_text'",
        ),
    ] {
        refuse(&with_items(&items), param, message);
    }
}

#[test]
fn tools_that_are_wrong() {
    let f = r#"{"type":"function","name":"f"}"#;
    for (fields, param, message) in [
        (r#""tools":{}"#.to_owned(), "tools", "expected an array"),
        (r#""tools":[5]"#.into(), "tools[0]", "expected an object"),
        (r#""tools":[{"name":"f"}]"#.into(), "tools[0].type", "Missing"),
        (r#""tools":[{"type":"magic"}]"#.into(), "tools[0].type", "'namespace'"),
        (r#""tools":[{"type":"function"}]"#.into(), "tools[0].name", "Missing"),
        (r#""tools":[{"type":"function","name":"a b"}]"#.into(), "tools[0].name", "pattern"),
        (
            r#""tools":[{"type":"function","name":"f","parameters":[]}]"#.into(),
            "tools[0].parameters",
            "expected an object",
        ),
        (format!(r#""tools":[{f},{f}]"#), "tools[1].name", "Two tools"),
        (r#""tools":[{"type":"namespace","tools":[]}]"#.into(), "tools[0].name", "Missing"),
        (r#""tools":[{"type":"namespace","name":"n"}]"#.into(), "tools[0].tools", "Missing"),
        (
            format!(r#""tools":[{{"type":"namespace","name":"n","tools":[{f},{{"type":"mcp"}}]}}]"#),
            "tools[0].tools[1].type",
            "'function' and 'custom'",
        ),
        (
            r#""tools":[{"type":"custom","name":"c","format":{"type":"grammar","syntax":"ebnf","definition":""}}]"#.into(),
            "tools[0].format.syntax",
            "'lark'",
        ),
        (
            r#""tools":[{"type":"custom","name":"c","format":{"type":"grammar","syntax":"lark"}}]"#.into(),
            "tools[0].format.definition",
            "Missing",
        ),
        (
            r#""tools":[{"type":"custom","name":"c","format":{"type":"x"}}]"#.into(),
            "tools[0].format.type",
            "'grammar'",
        ),
        (r#""tool_choice":"required""#.into(), "tool_choice", "none that can be used"),
        (
            r#""tools":[{"type":"web_search"}],"tool_choice":"required""#.into(),
            "tool_choice",
            "none that can be used",
        ),
        (r#""tool_choice":"any""#.into(), "tool_choice", "'required'"),
        (r#""tool_choice":5"#.into(), "tool_choice", "a string or an object"),
        (r#""tool_choice":{"name":"f"}"#.into(), "tool_choice.type", "Missing"),
        (
            format!(r#""tools":[{f}],"tool_choice":{{"type":"function","name":"g"}}"#),
            "tool_choice.name",
            "not found",
        ),
        (
            format!(r#""tools":[{f}],"tool_choice":{{"type":"custom","name":"f"}}"#),
            "tool_choice.name",
            "not found",
        ),
        (
            format!(r#""tools":[{f}],"tool_choice":{{"type":"web_search"}}"#),
            "tool_choice.type",
            "'allowed_tools'",
        ),
        (
            format!(r#""tools":[{f}],"tool_choice":{{"type":"allowed_tools","mode":"auto","tools":[{{"type":"function","name":"g"}}]}}"#),
            "tool_choice.tools[0].name",
            "not found",
        ),
    ] {
        refuse(&with(&fields), param, message);
    }
}
