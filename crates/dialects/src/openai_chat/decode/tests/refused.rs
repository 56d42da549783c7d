//! Requests that are refused, each with the field that is named.

use super::*;
use crate::ImagePolicy;

#[test]
fn single_fields_that_are_wrong() {
    for (fields, param, message) in [
        (r#""n":2"#, "n", "Only one choice"),
        (r#""n":0"#, "n", ">= 1"),
        (r#""logprobs":true"#, "logprobs", "not supported"),
        (r#""top_logprobs":3"#, "top_logprobs", "not supported"),
        (r#""modalities":["text","audio"]"#, "modalities[1]", "'audio'"),
        (r#""stream":"yes""#, "stream", "expected a boolean, but got a string"),
        (r#""stream_options":{"include_usage":true}"#, "stream_options", "only allowed when"),
        (r#""stream":true,"stream_options":true"#, "stream_options", "expected an object"),
        (
            r#""stream":true,"stream_options":{"include_usage":1}"#,
            "stream_options.include_usage",
            "boolean",
        ),
        (r#""max_tokens":0"#, "max_tokens", ">= 1"),
        (r#""max_completion_tokens":0"#, "max_completion_tokens", ">= 1"),
        (r#""max_tokens":-1"#, "max_tokens", "non-negative integer"),
        (r#""max_tokens":1.5"#, "max_tokens", "non-negative integer"),
        (r#""max_tokens":"5""#, "max_tokens", "but got a string"),
        (r#""stop":"""#, "stop", "not empty"),
        (r#""stop":["a",""]"#, "stop[1]", "not empty"),
        (r#""stop":["a",5]"#, "stop[1]", "expected a string"),
        (r#""stop":5"#, "stop", "a string or an array of strings"),
        (
            r#""stop":["1","2","3","4","5","6","7","8","9","a","b","c","d","e","f","g","h"]"#,
            "stop",
            "maximum length 16",
        ),
        (r#""temperature":"hot""#, "temperature", "expected a number"),
        (r#""seed":1.5"#, "seed", "expected an integer"),
        (r#""reasoning_effort":"huge""#, "reasoning_effort", "'xhigh'"),
        (r#""reasoning":{"effort":"huge"}"#, "reasoning.effort", "'xhigh'"),
        (r#""reasoning":"high""#, "reasoning", "expected an object"),
    ] {
        refuse(&with(fields), param, message);
    }
}

#[test]
fn tools_that_are_wrong() {
    let tool = r#"{"type":"function","function":{"name":"f"}}"#;
    for (fields, param, message) in [
        (r#""tools":{}"#.to_owned(), "tools", "expected an array"),
        (r#""tools":[{"function":{"name":"f"}}]"#.into(), "tools[0].type", "Missing"),
        (r#""tools":[{"type":"mcp"}]"#.into(), "tools[0].type", "'mcp'"),
        (r#""tools":[{"type":"function"}]"#.into(), "tools[0].function", "Missing"),
        (
            r#""tools":[{"type":"function","function":{}}]"#.into(),
            "tools[0].function.name",
            "Missing",
        ),
        (
            r#""tools":[{"type":"function","function":{"name":"a b"}}]"#.into(),
            "tools[0].function.name",
            "pattern",
        ),
        (
            r#""tools":[{"type":"function","function":{"name":""}}]"#.into(),
            "tools[0].function.name",
            "pattern",
        ),
        (
            format!(
                r#""tools":[{{"type":"function","function":{{"name":"{}"}}}}]"#,
                "x".repeat(129)
            ),
            "tools[0].function.name",
            "pattern",
        ),
        (
            r#""tools":[{"type":"function","function":{"name":"f","parameters":[]}}]"#.into(),
            "tools[0].function.parameters",
            "expected an object",
        ),
        (format!(r#""tools":[{tool},{tool}]"#), "tools[1].function.name", "Two tools"),
        (format!(r#""tools":[{tool}],"functions":[]"#), "functions", "only one"),
        (r#""functions":[{"name":"f"},{"name":"?"}]"#.into(), "functions[1].name", "pattern"),
        (
            r#""functions":[{"name":"f"}],"function_call":{"name":"g"}"#.into(),
            "function_call.name",
            "'g'",
        ),
        (r#""functions":[{"name":"f"}],"function_call":"must""#.into(), "function_call", "'must'"),
        (format!(r#""tools":[{tool}],"tool_choice":"any""#), "tool_choice", "'required'"),
        (format!(r#""tools":[{tool}],"tool_choice":5"#), "tool_choice", "a string or an object"),
        (
            format!(r#""tools":[{tool}],"tool_choice":{{"type":"allowed_tools"}}"#),
            "tool_choice.allowed_tools",
            "Missing",
        ),
        (
            format!(r#""tools":[{tool}],"tool_choice":{{"type":"function"}}"#),
            "tool_choice.function",
            "Missing",
        ),
        (
            format!(
                r#""tools":[{tool}],"tool_choice":{{"type":"function","function":{{"name":"g"}}}}"#
            ),
            "tool_choice.function.name",
            "'g'",
        ),
        (r#""tool_choice":"required""#.into(), "tool_choice", "only allowed"),
        (r#""response_format":{}"#.into(), "response_format.type", "Missing"),
        (r#""response_format":{"type":"xml"}"#.into(), "response_format.type", "'xml'"),
        (
            r#""response_format":{"type":"json_schema"}"#.into(),
            "response_format.json_schema",
            "Missing",
        ),
        (
            r#""response_format":{"type":"json_schema","json_schema":{"schema":{}}}"#.into(),
            "response_format.json_schema.name",
            "Missing",
        ),
        (
            r#""response_format":{"type":"json_schema","json_schema":{"name":"n"}}"#.into(),
            "response_format.json_schema.schema",
            "Missing",
        ),
        (
            r#""response_format":{"type":"json_schema","json_schema":{"name":"n","schema":"s"}}"#
                .into(),
            "response_format.json_schema.schema",
            "expected an object",
        ),
    ] {
        refuse(&with(&fields), param, message);
    }
}

#[test]
fn custom_tools_and_choices_that_are_wrong() {
    let custom = |fields: &str| format!(r#""tools":[{{"type":"custom","custom":{{{fields}}}}}]"#);
    let choice = |choice: &str| format!(r#"{},"tool_choice":{choice}"#, custom(r#""name":"c""#));
    let allowed = |fields: &str| {
        choice(&format!(r#"{{"type":"allowed_tools","allowed_tools":{{{fields}}}}}"#))
    };
    let grammar =
        |fields: &str| custom(&format!(r#""name":"c","format":{{"type":"grammar",{fields}}}"#));
    for (fields, param, message) in [
        (r#""tools":[{"type":"custom"}]"#.to_owned(), "tools[0].custom", "Missing"),
        (custom(""), "tools[0].custom.name", "Missing"),
        (custom(r#""name":"a b""#), "tools[0].custom.name", "pattern"),
        (custom(r#""name":"c","format":{}"#), "tools[0].custom.format.type", "Missing"),
        (custom(r#""name":"c","format":{"type":"x"}"#), "tools[0].custom.format.type", "'x'"),
        (grammar(r#""grammar":null"#), "tools[0].custom.format.grammar", "Missing"),
        (grammar(r#""grammar":{}"#), "tools[0].custom.format.grammar.syntax", "Missing"),
        (
            grammar(r#""grammar":{"syntax":"peg"}"#),
            "tools[0].custom.format.grammar.syntax",
            "'peg'",
        ),
        (
            grammar(r#""grammar":{"syntax":"lark"}"#),
            "tools[0].custom.format.grammar.definition",
            "Missing",
        ),
        (choice(r#"{"type":"mcp"}"#), "tool_choice.type", "'mcp'"),
        (choice(r#"{"type":"custom"}"#), "tool_choice.custom", "Missing"),
        (
            choice(r#"{"type":"function","function":{"name":"c"}}"#),
            "tool_choice.function.name",
            "not found",
        ),
        (allowed(""), "tool_choice.allowed_tools.mode", "Missing"),
        (allowed(r#""mode":"none""#), "tool_choice.allowed_tools.mode", "'none'"),
        (allowed(r#""mode":"auto""#), "tool_choice.allowed_tools.tools", "Missing"),
        (allowed(r#""mode":"auto","tools":[]"#), "tool_choice.allowed_tools.tools", "empty"),
        (
            allowed(r#""mode":"auto","tools":[{"type":"function","function":{"name":"c"}}]"#),
            "tool_choice.allowed_tools.tools[0].function.name",
            "not found",
        ),
        (
            allowed(r#""mode":"auto","tools":[{"type":"custom","custom":{"name":"c"}},{}]"#),
            "tool_choice.allowed_tools.tools[1].type",
            "Missing",
        ),
    ] {
        refuse(&with(&fields), param, message);
    }
}

#[test]
fn bodies_that_are_wrong() {
    for (body, param, message) in [
        ("", "", "not valid JSON"),
        ("nonsense", "", "not valid JSON"),
        (r#"{"model":"m","messages":[{"role":"user","content":"hi"}"#, "", "not valid JSON"),
        (r#"{"model":"m\ud800"}"#, "", "not valid JSON"),
        ("[]", "", "must be a JSON object"),
        ("{}", "model", "must provide a model"),
        (r#"{"model":"","messages":[]}"#, "model", "must provide a model"),
        (r#"{"model":" ","messages":[]}"#, "model", "must provide a model"),
        (r#"{"model":5}"#, "model", "expected a string"),
        (r#"{"model":"m"}"#, "messages", "Missing required parameter"),
        (r#"{"model":"m","messages":[]}"#, "messages", "empty array"),
        (r#"{"model":"m","messages":"hi"}"#, "messages", "expected an array"),
        (r#"{"model":"m","messages":["hi"]}"#, "messages[0]", "expected an object"),
    ] {
        refuse(body, param, message);
    }
    let invalid_utf8 = decode(b"{\"model\":\"\xff\"}", &Images::default());
    assert!(invalid_utf8.expect_err("refused").client.contains("not valid JSON"));
    let deep = with(&format!(r#""x":{}{}"#, "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(accept(&deep).ignored.to_string(), "x", "skipped without recursion");
}

#[test]
fn messages_that_are_wrong() {
    for (message, param, text) in [
        (r#"{"content":"x"}"#, "messages[0].role", "Missing"),
        (r#"{"role":"robot","content":"x"}"#, "messages[0].role", "'robot'"),
        (r#"{"role":5}"#, "messages[0].role", "expected a string"),
        (r#"{"role":"user"}"#, "messages[0].content", "got null"),
        (r#"{"role":"user","content":null}"#, "messages[0].content", "got null"),
        (r#"{"role":"system","content":null}"#, "messages[0].content", "got null"),
        (r#"{"role":"user","content":5}"#, "messages[0].content", "a string or an array of parts"),
        (r#"{"role":"user","content":[5]}"#, "messages[0].content[0]", "expected an object"),
        (r#"{"role":"user","content":[{"text":"x"}]}"#, "messages[0].content[0].type", "Missing"),
        (
            r#"{"role":"user","content":[{"type":"text"}]}"#,
            "messages[0].content[0].text",
            "Missing",
        ),
        (
            r#"{"role":"user","content":[{"type":"text","text":5}]}"#,
            "messages[0].content[0].text",
            "expected a string",
        ),
        (
            r#"{"role":"user","content":[{"type":"video"}]}"#,
            "messages[0].content[0].type",
            "'video'",
        ),
        (
            r#"{"role":"user","content":[{"type":"refusal","refusal":"x"}]}"#,
            "messages[0].content[0].type",
            "'refusal'",
        ),
        (
            r#"{"role":"user","content":[{"type":"input_audio","input_audio":{}}]}"#,
            "messages[0].content[0]",
            "Audio",
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{"file_id":"f"}}]}"#,
            "messages[0].content[0].file.file_id",
            "file_data",
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{}}]}"#,
            "messages[0].content[0].file.file_data",
            "Missing",
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{"file_data":"abc"}}]}"#,
            "messages[0].content[0].file.file_data",
            "data URI",
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERgD/"}}]}"#,
            "messages[0].content[0].file.file_data",
            "plain text",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url"}]}"#,
            "messages[0].content[0].image_url",
            "Missing",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":{}}]}"#,
            "messages[0].content[0].image_url.url",
            "Missing",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}"#,
            "messages[0].content[0].image_url.url",
            "only data URIs",
        ),
        (
            r#"{"role":"user","content":[{"type":"image_url","image_url":5}]}"#,
            "messages[0].content[0].image_url",
            "a string or an object",
        ),
        (
            r#"{"role":"system","content":[{"type":"image_url","image_url":"x"}]}"#,
            "messages[0].content[0].type",
            "'image_url'",
        ),
        (
            r#"{"role":"assistant","content":[{"type":"image_url","image_url":"x"}]}"#,
            "messages[0].content[0].type",
            "'image_url'",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":""}}]}"#,
            "messages[0].tool_calls[0].id",
            "Missing",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c"}]}"#,
            "messages[0].tool_calls[0].function",
            "Missing",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"arguments":""}}]}"#,
            "messages[0].tool_calls[0].function.name",
            "Missing",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f"}}]}"#,
            "messages[0].tool_calls[0].function.arguments",
            "Missing",
        ),
        (
            r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":5}}]}"#,
            "messages[0].tool_calls[0].function.arguments",
            "a string with JSON",
        ),
        (r#"{"role":"tool","content":"r"}"#, "messages[0].tool_call_id", "Missing"),
        (
            r#"{"role":"tool","tool_call_id":"c","content":"r"}"#,
            "messages[0].role",
            "preceding message",
        ),
        (r#"{"role":"function","content":"r"}"#, "messages[0].name", "Missing"),
        (
            r#"{"role":"function","name":"f","content":"r"}"#,
            "messages[0].role",
            "preceding message",
        ),
    ] {
        refuse(&with_messages(message), param, text);
    }
}

#[test]
fn calls_and_results_that_do_not_match() {
    let calls = r#"{"role":"user","content":"go"},{"role":"assistant","tool_calls":[
        {"id":"c1","function":{"name":"f","arguments":"{}"}},{"id":"c2","function":{"name":"f","arguments":"{}"}}]}"#;
    let one = r#"{"role":"tool","tool_call_id":"c1","content":"r"}"#;
    let two = r#"{"role":"tool","tool_call_id":"c2","content":"r"}"#;
    let user = r#"{"role":"user","content":"x"}"#;
    for (rest, param, message) in [
        (String::new(), "messages[1].tool_calls", "did not have response messages: c1, c2"),
        (format!(",{one}"), "messages[1].tool_calls", "messages: c2"),
        (format!(",{one},{user},{two}"), "messages[1].tool_calls", "messages: c2"),
        (format!(",{one},{one}"), "messages[3].tool_call_id", "already answered"),
        (format!(",{one},{two},{two}"), "messages[4].tool_call_id", "already answered"),
        (
            format!(r#",{one},{{"role":"tool","tool_call_id":"zz","content":"r"}}"#),
            "messages[3].tool_call_id",
            "'zz' not found in 'tool_calls' of previous message",
        ),
        (format!(",{one},{two},{user},{two}"), "messages[5].role", "preceding message"),
    ] {
        refuse(&with_messages(&format!("{calls}{rest}")), param, message);
    }
    let twice = calls.replace("c2", "c1");
    refuse(&with_messages(&twice), "messages[1].tool_calls[1].id", "Duplicate");
}

#[test]
fn an_image_over_the_limit_is_too_large_and_named() {
    let body = with_messages(&format!(
        r#"{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{PIXEL}"}}}}]}}"#
    ));
    let policy = Images::from(ImagePolicy { max_bytes: 10, ..ImagePolicy::default() });
    let failure = decode(body.as_bytes(), &policy).expect_err("too large");
    assert_eq!(failure.class, FailureClass::TooLarge);
    assert_eq!(failure.param.as_deref(), Some("messages[0].content[0].image_url.url"));
}

#[test]
fn nothing_large_is_echoed() {
    let large = "secret".repeat(100_000);
    for fields in [
        format!(r#""reasoning_effort":"{large}""#),
        format!(r#""stream":"{large}""#),
        format!(r#""tool_choice":"{large}""#),
        format!(r#""{large}":1,"n":2"#),
    ] {
        let failure = decode_text(&with(&fields)).expect_err("refused");
        assert!(failure.client.len() < 300 && failure.log.len() < 300, "{}", failure.client);
    }
}
