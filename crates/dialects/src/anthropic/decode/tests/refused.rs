//! Requests that are refused, each with the field that is named.

use super::*;
use crate::ImagePolicy;

#[test]
fn single_fields_that_are_wrong() {
    for (fields, param, message) in [
        (r#""stream":"yes""#, "stream", "expected a boolean, but got a string"),
        (r#""stop_sequences":["a",""]"#, "stop_sequences[1]", "besides whitespace"),
        (r#""stop_sequences":[" \n"]"#, "stop_sequences[0]", "besides whitespace"),
        (r#""stop_sequences":"a""#, "stop_sequences", "expected an array"),
        (r#""temperature":"hot""#, "temperature", "expected a number"),
        (r#""top_k":-1"#, "top_k", "non-negative integer"),
        (r#""metadata":"u""#, "metadata", "expected an object"),
        (r#""metadata":{"user_id":5}"#, "metadata.user_id", "expected a string"),
        (r#""system":5"#, "system", "a string or an array of blocks"),
        (r#""system":{"type":"text","text":"x"}"#, "system", "expected an array"),
        (r#""system":["x"]"#, "system[0]", "expected an object"),
        (r#""system":[{"text":"x"}]"#, "system[0].type", "Field required"),
        (r#""system":[{"type":"image"}]"#, "system[0].type", "'image'"),
        (r#""thinking":true"#, "thinking", "expected an object"),
        (r#""thinking":{}"#, "thinking.type", "Field required"),
        (r#""thinking":{"type":"always"}"#, "thinking.type", "'adaptive'"),
        (r#""thinking":{"type":"enabled"}"#, "thinking.budget_tokens", "Field required"),
        (
            r#""thinking":{"type":"enabled","budget_tokens":1023}"#,
            "thinking.budget_tokens",
            "greater than or equal to 1024",
        ),
        (r#""thinking":{"type":"adaptive","display":"loud"}"#, "thinking.display", "'omitted'"),
        (r#""output_config":{"effort":"huge"}"#, "output_config.effort", "'max'"),
        (r#""output_config":{"format":{}}"#, "output_config.format.type", "Field required"),
        (
            r#""output_config":{"format":{"type":"xml"}}"#,
            "output_config.format.type",
            "'json_schema'",
        ),
        (
            r#""output_config":{"format":{"type":"json_schema"}}"#,
            "output_config.format.schema",
            "Field required",
        ),
        (
            r#""output_format":{"type":"json_schema","schema":[]}"#,
            "output_format.schema",
            "expected an object",
        ),
        (
            r#""output_format":{"type":"json_schema","name":"a b","schema":{}}"#,
            "output_format.name",
            "pattern",
        ),
    ] {
        refuse(&with(fields), param, message);
    }
    let many = vec![r#""x""#; MAX_STOPS + 1].join(",");
    refuse(&with(&format!(r#""stop_sequences":[{many}]"#)), "stop_sequences", "At most 64");
}

#[test]
fn tools_that_are_wrong() {
    let tool = r#"{"name":"f","input_schema":{}}"#;
    let long = "x".repeat(129);
    for (fields, param, message) in [
        (r#""tools":{}"#.to_owned(), "tools", "expected an array"),
        (r#""tools":[{"input_schema":{}}]"#.into(), "tools[0].name", "Field required"),
        (r#""tools":[{"name":"f"}]"#.into(), "tools[0].input_schema", "Field required"),
        (
            r#""tools":[{"name":"f","input_schema":"s"}]"#.into(),
            "tools[0].input_schema",
            "expected an object",
        ),
        (r#""tools":[{"name":"a b","input_schema":{}}]"#.into(), "tools[0].name", "pattern"),
        (
            format!(r#""tools":[{{"name":"{long}","input_schema":{{}}}}]"#),
            "tools[0].name",
            "pattern",
        ),
        (r#""tools":[{"type":"bash_20250124","name":""}]"#.into(), "tools[0].name", "pattern"),
        (r#""tools":[{"type":"function","name":"f"}]"#.into(), "tools[0].type", "'custom'"),
        (r#""tools":[{"type":"bash","name":"f"}]"#.into(), "tools[0].type", "'custom'"),
        (
            r#""tools":[{"name":"f","input_schema":{},"defer_loading":"yes"}]"#.into(),
            "tools[0].defer_loading",
            "expected a boolean",
        ),
        (format!(r#""tools":[{tool},{tool}]"#), "tools[1].name", "unique"),
        (format!(r#""tools":[{tool}],"tool_choice":"any""#), "tool_choice", "expected an object"),
        (format!(r#""tools":[{tool}],"tool_choice":{{}}"#), "tool_choice.type", "Field required"),
        (
            format!(r#""tools":[{tool}],"tool_choice":{{"type":"must"}}"#),
            "tool_choice.type",
            "'any'",
        ),
        (
            format!(r#""tools":[{tool}],"tool_choice":{{"type":"tool"}}"#),
            "tool_choice.name",
            "Field required",
        ),
        (
            format!(r#""tools":[{tool}],"tool_choice":{{"type":"tool","name":"g"}}"#),
            "tool_choice.name",
            "'g' not found",
        ),
        (r#""tool_choice":{"type":"any"}"#.into(), "tool_choice", "offered"),
        (
            r#""tools":[{"type":"web_search_20250305","name":"web_search"}],
            "tool_choice":{"type":"tool","name":"web_search"}"#
                .into(),
            "tool_choice.name",
            "run at the provider",
        ),
    ] {
        refuse(&with(&fields), param, message);
    }
}

#[test]
fn bodies_that_are_wrong() {
    let full = |model: &str, rest: &str| format!(r#"{{"max_tokens":9,"model":{model}{rest}}}"#);
    for (body, param, message) in [
        (String::new(), "", "not valid JSON"),
        ("nonsense".into(), "", "not valid JSON"),
        (full(r#""m""#, r#","messages":[{"role":"user"}"#), "", "not valid JSON"),
        ("[]".into(), "", "must be a JSON object"),
        ("{}".into(), "max_tokens", "Field required"),
        (r#"{"max_tokens":0}"#.into(), "max_tokens", "greater than or equal to 1"),
        (r#"{"max_tokens":-1}"#.into(), "max_tokens", "non-negative integer"),
        (r#"{"max_tokens":"5"}"#.into(), "max_tokens", "but got a string"),
        (r#"{"max_tokens":9}"#.into(), "model", "Field required"),
        (full(r#"" ""#, ""), "model", "Field required"),
        (full("5", ""), "model", "expected a string"),
        (full(r#""m""#, ""), "messages", "Field required"),
        (full(r#""m""#, r#","messages":[]"#), "messages", "at least one message"),
        (full(r#""m""#, r#","messages":"hi""#), "messages", "expected an array"),
        (full(r#""m""#, r#","messages":["hi"]"#), "messages[0]", "expected an object"),
    ] {
        refuse(&body, param, message);
    }
    let deep = with(&format!(r#""x":{}{}"#, "[".repeat(100_000), "]".repeat(100_000)));
    assert_eq!(accept(&deep).ignored.to_string(), "x", "skipped without recursion");
    let nested = r#"[{"type":"tool_result","content":"#.repeat(50_000);
    refuse(
        &with_messages(&format!(r#"{{"role":"user","content":{nested}"#)),
        "",
        "nested too deeply",
    );
}

#[test]
fn messages_that_are_wrong() {
    for (message, param, text) in [
        (r#"{"content":"x"}"#, "messages[0].role", "Field required"),
        (r#"{"role":"tool","content":"x"}"#, "messages[0].role", "'tool'"),
        (r#"{"role":5}"#, "messages[0].role", "expected a string"),
        (r#"{"role":"user"}"#, "messages[0].content", "Field required"),
        (r#"{"role":"assistant","content":null}"#, "messages[0].content", "Field required"),
        (r#"{"role":"user","content":5}"#, "messages[0].content", "a string or an array of blocks"),
        (r#"{"role":"user","content":{}}"#, "messages[0].content", "expected an array"),
        (r#"{"role":"user","content":[5]}"#, "messages[0].content[0]", "expected an object"),
    ] {
        refuse(&with_messages(message), param, text);
    }
    let tail = |role: &str, block: &str| {
        with_messages(&format!(
            r#"{{"role":"{role}","content":[{{"type":"text","text":"x"}},{block}]}}"#
        ))
    };
    for (block, param, text) in [
        (r#"{"text":"x"}"#, "type", "Field required"),
        (r#"{"type":"text"}"#, "text", "Field required"),
        (r#"{"type":"text","text":5}"#, "text", "expected a string"),
        (r#"{"type":"video"}"#, "type", "'video'. Supported values are: 'text', 'image'"),
        (r#"{"type":"container_upload","file_id":"f"}"#, "type", "'container_upload'"),
        (r#"{"type":"tool_use","id":"c","name":"f","input":{}}"#, "type", "'tool_use'"),
        (r#"{"type":"thinking","thinking":"x"}"#, "type", "'thinking'"),
        (r#"{"type":"image"}"#, "source", "Field required"),
        (r#"{"type":"image","source":"x"}"#, "source", "expected an object"),
        (r#"{"type":"image","source":5}"#, "source", "a string or an object"),
        (r#"{"type":"image","source":{}}"#, "source.type", "Field required"),
        (r#"{"type":"image","source":{"type":"ftp"}}"#, "source.type", "'base64' and 'url'"),
        (r#"{"type":"image","source":{"type":"base64"}}"#, "source.data", "Field required"),
        (r#"{"type":"image","source":{"type":"base64","data":"!"}}"#, "source.data", "base64"),
        (r#"{"type":"image","source":{"type":"base64","data":"aGk="}}"#, "source.data", "PNG"),
        (r#"{"type":"image","source":{"type":"url"}}"#, "source.url", "Field required"),
        (
            r#"{"type":"image","source":{"type":"url","url":"https://x.test"}}"#,
            "source.url",
            "not fetched",
        ),
        (
            r#"{"type":"image","source":{"type":"file","file_id":"f"}}"#,
            "source.file_id",
            "Uploaded files",
        ),
        (r#"{"type":"document"}"#, "source", "Field required"),
        (r#"{"type":"document","source":{"type":"text"}}"#, "source.data", "Field required"),
        (
            r#"{"type":"document","source":{"type":"file","file_id":"f"}}"#,
            "source.file_id",
            "Uploaded files",
        ),
        (
            r#"{"type":"document","source":{"type":"url","url":"https://x.test"}}"#,
            "source.url",
            "not fetched",
        ),
        (
            r#"{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0xLjcK"}}"#,
            "source.data",
            "PDF",
        ),
        (
            r#"{"type":"document","source":{"type":"base64","data":"JVBERi0xLjcK"}}"#,
            "source.data",
            "PDF",
        ),
        (
            r#"{"type":"document","source":{"type":"base64","media_type":"text/plain","data":"/wA="}}"#,
            "source.data",
            "plain text",
        ),
        (r#"{"type":"document","source":{"type":"tape"}}"#, "source.type", "'content'"),
        (
            r#"{"type":"document","source":{"type":"content","content":{}}}"#,
            "source.content",
            "array of blocks",
        ),
        (
            r#"{"type":"document","source":{"type":"content","content":[{"type":"document"}]}}"#,
            "source.content[0].type",
            "'document'",
        ),
        (r#"{"type":"search_result","title":"t"}"#, "source", "Field required"),
        (r#"{"type":"search_result","source":"s"}"#, "title", "Field required"),
        (r#"{"type":"search_result","source":"s","title":"t"}"#, "content", "Field required"),
        (r#"{"type":"tool_result","content":"x"}"#, "tool_use_id", "Field required"),
        (r#"{"type":"tool_result","tool_use_id":"c","content":{}}"#, "content", "array of blocks"),
        (
            r#"{"type":"tool_result","tool_use_id":"c","content":[{"type":"tool_result"}]}"#,
            "content[0].type",
            "'tool_reference'",
        ),
        (
            r#"{"type":"tool_result","tool_use_id":"c","is_error":"no"}"#,
            "is_error",
            "expected a boolean",
        ),
    ] {
        refuse(&tail("user", block), &format!("messages[0].content[1].{param}"), text);
    }
    for (block, param, text) in [
        (r#"{"type":"image"}"#, "type", "'image'"),
        (r#"{"type":"tool_result","tool_use_id":"c"}"#, "type", "'tool_use'"),
        (r#"{"type":"tool_use","name":"f","input":{}}"#, "id", "Field required"),
        (r#"{"type":"tool_use","id":"","name":"f","input":{}}"#, "id", "Field required"),
        (r#"{"type":"tool_use","id":"c","input":{}}"#, "name", "Field required"),
        (r#"{"type":"tool_use","id":"c","name":"f"}"#, "input", "Field required"),
        (r#"{"type":"tool_use","id":"c","name":"f","input":"{}"}"#, "input", "expected an object"),
        (r#"{"type":"thinking","signature":"s"}"#, "thinking", "Field required"),
        (r#"{"type":"redacted_thinking","data":""}"#, "data", "Field required"),
    ] {
        refuse(&tail("assistant", block), &format!("messages[0].content[1].{param}"), text);
    }
}

#[test]
fn a_list_is_read_up_to_the_block_that_is_refused() {
    let many = "{},".repeat(100_000) + r#"{"type":5}"#;
    for (message, param) in [
        (
            format!(r#"{{"role":"user","content":[{{"type":"text","text":"x"}},{many}]}}"#),
            "[1].type",
        ),
        (
            format!(
                r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c","content":[{many}]}}]}}"#
            ),
            "[0].content[0].type",
        ),
    ] {
        refuse(&with_messages(&message), &format!("messages[0].content{param}"), "Field required");
    }
}

#[test]
fn calls_and_results_that_do_not_match() {
    let go = r#"{"role":"user","content":"go"}"#;
    let two = calls(&["a", "b"]);
    let answer = r#"{"role":"assistant","content":"x"}"#;
    let unexpected = "unexpected `tool_use_id` found in `tool_result` blocks: z.";
    let lacking = "`tool_use` ids were found without `tool_result` blocks immediately after:";
    let only = |id| user(&[result_block(id)]);
    for (messages, param, message) in [
        (only("z"), "messages[0].content[0]", unexpected.to_owned()),
        (format!("{go},{two}"), "messages[1]", format!("{lacking} a, b.")),
        (format!("{go},{two},{}", only("a")), "messages[1]", format!("{lacking} b.")),
        (format!("{go},{two},{go}"), "messages[1]", format!("{lacking} a, b.")),
        (format!("{go},{two},{},{answer}", only("b")), "messages[1]", format!("{lacking} a.")),
        (
            format!(
                "{go},{two},{}",
                user(&[result_block("a"), text_block("t"), result_block("z")])
            ),
            "messages[2].content[2]",
            unexpected.to_owned(),
        ),
        (
            format!("{go},{two},{}", user(&[result_block("a"), result_block("a")])),
            "messages[2].content[1]",
            "single result".to_owned(),
        ),
        (
            format!(
                "{go},{two},{},{answer},{}",
                user(&[result_block("a"), result_block("b")]),
                only("a")
            ),
            "messages[4].content[0]",
            "unexpected `tool_use_id`".to_owned(),
        ),
        (
            format!("{go},{},{}", calls(&["a", "a"]), only("a")),
            "messages[1].content[1].id",
            "unique".to_owned(),
        ),
    ] {
        refuse(&with_messages(&messages), param, &message);
    }
}

#[test]
fn an_attachment_over_the_limit_is_too_large_and_named() {
    let policy = Images::from(ImagePolicy { max_bytes: 10, ..ImagePolicy::default() });
    for block in ["image", "document"] {
        let body = with_messages(&user(&[format!(
            r#"{{"type":"{block}","source":{{"type":"base64","media_type":"text/plain","data":"{PIXEL}"}}}}"#
        )]));
        let failure = decode(body.as_bytes(), &policy).expect_err("too large");
        assert_eq!(failure.class, FailureClass::TooLarge);
        assert_eq!(failure.param.as_deref(), Some("messages[0].content[0].source.data"));
    }
}

#[test]
fn nothing_large_is_echoed() {
    let large = "secret".repeat(100_000);
    for fields in [
        format!(r#""thinking":{{"type":"{large}"}}"#),
        format!(r#""stream":"{large}""#),
        format!(r#""tool_choice":{{"type":"{large}"}}"#),
        format!(r#""tools":[{{"name":"{large}","input_schema":{{}}}}]"#),
        format!(r#""{large}":1,"system":5"#),
    ] {
        let failure = decode_text(&with(&fields)).expect_err("refused");
        assert!(failure.client.len() < 300 && failure.log.len() < 300, "{}", failure.client);
    }
    let failure = decode_text(&with_messages(&user(&[result_block(&large)]))).expect_err("refused");
    assert!(failure.client.len() < 300, "{}", failure.client);
}
