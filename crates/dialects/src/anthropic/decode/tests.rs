//! Tables of requests and what they become.

use conversation::{FailureClass, ImageFormat, Message, Part, ReasoningPart, ToolCall, ToolResult};

use super::*;
use crate::anthropic::seal::UNSIGNED;

mod offers;
mod refused;
mod rounds;

/// A transparent pixel.
const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

fn decode_text(body: &str) -> Result<Decoded<ReplyForm>, Failure> {
    decode(body.as_bytes(), &Images::default())
}

/// A request with these fields besides a model, a limit and one message.
fn with(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(
        r#"{{"model":"m","max_tokens":9,"messages":[{{"role":"user","content":"hi"}}]{comma}{fields}}}"#
    )
}

fn with_messages(messages: &str) -> String {
    format!(r#"{{"model":"m","max_tokens":9,"messages":[{messages}]}}"#)
}

#[track_caller]
fn accept(body: &str) -> Decoded<ReplyForm> {
    decode_text(body).unwrap_or_else(|failure| panic!("{body}: {failure}"))
}

#[track_caller]
fn messages(messages: &str) -> Vec<Message> {
    accept(&with_messages(messages)).turn.messages
}

#[track_caller]
fn refuse(body: &str, param: &str, message: &str) {
    let failure = decode_text(body).map(|_| ()).expect_err(body);
    assert_eq!(failure.class, FailureClass::Invalid, "{body}");
    assert_eq!(failure.param.as_deref(), (!param.is_empty()).then_some(param), "{body}");
    assert!(failure.client.contains(message), "{body}: {}", failure.client);
    assert!(failure.client.len() < 400, "{}", failure.client);
}

fn text(text: &str) -> Part {
    Part::Text(text.to_owned())
}

fn file(name: &str, mime_type: &str, text: &str) -> Part {
    Part::File(conversation::File {
        name: name.into(),
        mime_type: mime_type.into(),
        text: text.into(),
    })
}

fn thought(text: &str, seal: Option<&str>) -> Part {
    Part::Reasoning(ReasoningPart { text: text.into(), seal: seal.map(str::to_owned) })
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(call_id: &str, content: Vec<Part>) -> ToolResult {
    ToolResult { call_id: call_id.into(), content, is_error: false }
}

/// An assistant message with a call for each id.
fn calls(ids: &[&str]) -> String {
    let blocks: Vec<String> = ids
        .iter()
        .map(|id| format!(r#"{{"type":"tool_use","id":"{id}","name":"f","input":{{}}}}"#))
        .collect();
    format!(r#"{{"role":"assistant","content":[{}]}}"#, blocks.join(","))
}

/// A user message with these blocks.
fn user(blocks: &[String]) -> String {
    format!(r#"{{"role":"user","content":[{}]}}"#, blocks.join(","))
}

fn result_block(id: &str) -> String {
    format!(r#"{{"type":"tool_result","tool_use_id":"{id}","content":"of {id}"}}"#)
}

fn text_block(text: &str) -> String {
    format!(r#"{{"type":"text","text":"{text}"}}"#)
}

#[test]
fn the_smallest_request() {
    let Decoded { turn, form, ignored, wanted } = accept(&with(""));
    let limits = Limits { max_output_tokens: Some(9), stop: vec![] };
    assert_eq!(turn, Turn { limits, ..Turn::of_text("m", "hi") });
    assert_eq!(form, ReplyForm { stream: false, model: "m".into(), omits_thinking: false });
    assert!(ignored.is_empty() && wanted.is_empty());
    assert!(accept(&with(r#""stream":true"#)).form.stream);
}

#[test]
fn counting_needs_no_limit_and_reads_the_same() {
    let body = r#"{"model":"m","system":"s","messages":[{"role":"user","content":"hi"}]}"#;
    let counted = decode_count(body.as_bytes(), &Images::default()).expect("legal");
    assert_eq!(counted.turn.instructions, ["s"]);
    assert_eq!(counted.turn.limits, Limits::default());
    refuse(body, "max_tokens", "Field required");
    let full = with(r#""thinking":{"type":"adaptive"}"#);
    let counted = decode_count(full.as_bytes(), &Images::default()).expect("legal");
    assert_eq!(counted, accept(&full));
    let failure = decode_count(b"{}", &Images::default()).expect_err("no model");
    assert_eq!(failure.param.as_deref(), Some("model"));
}

#[test]
fn every_null_is_as_if_it_were_not_there() {
    let fields = "system stream stop_sequences temperature top_p top_k metadata tools tool_choice \
                  thinking output_config output_format mcp_servers cache_control container \
                  context_management service_tier speed inference_geo whatever";
    let nulls: Vec<String> =
        fields.split_whitespace().map(|name| format!(r#""{name}":null"#)).collect();
    assert_eq!(accept(&with(&nulls.join(","))), accept(&with("")));
}

#[test]
fn what_has_no_effect_is_reported() {
    let decoded = accept(&with(
        r#""temperature":0.5,"top_p":1,"top_k":3,"service_tier":"auto","speed":"fast",
        "inference_geo":"us","container":"c","context_management":{"edits":[]},"diagnostics":{},
        "mcp_servers":[{"type":"url"}],"metadata":{"user_id":"u","more":1},"betas":["b"],
        "thinking":{"type":"adaptive","display":"omitted","budget_tokens":5},
        "output_config":{"effort":"low","task_budget":{}},
        "tool_choice":{"type":"auto","name":"f","x":1}"#,
    ));
    assert_eq!(
        decoded.ignored.to_string(),
        "betas, container, context_management, diagnostics, inference_geo, mcp_servers, \
         metadata.more, output_config.task_budget, service_tier, speed, temperature, \
         thinking.budget_tokens, tool_choice.name, tool_choice.x, top_k, top_p"
    );
    assert_eq!(decoded.turn.sampling.temperature, Some(0.5));
    assert_eq!(accept(&with(r#""mcp_servers":[]"#)).ignored.to_string(), "");
}

#[test]
fn cache_control_is_taken_everywhere_without_a_word() {
    let cache = r#""cache_control":{"type":"ephemeral","ttl":"1h"}"#;
    let decoded = accept(&format!(
        r#"{{"model":"m","max_tokens":9,{cache},"system":[{{"type":"text","text":"s",{cache}}}],
        "tools":[{{"name":"f","input_schema":{{}},{cache}}}],"messages":[
        {{"role":"user","content":[{{"type":"text","text":"x",{cache}}},
        {{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{PIXEL}"}},{cache}}}]}},
        {{"role":"assistant","content":[{{"type":"tool_use","id":"c","name":"f","input":{{}},"caller":{{"type":"direct"}},{cache}}}]}},
        {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c",{cache},
        "content":[{{"type":"text","text":"r",{cache}}}]}}]}}]}}"#
    ));
    assert_eq!(decoded.ignored.to_string(), "");
}

#[test]
fn fields_inside_messages_are_reported_without_places() {
    let decoded = accept(&with_messages(&format!(
        r#"{{"role":"user","id":"x","content":[{{"type":"text","text":"x","citations":[],"title":"t"}},
        {{"type":"image","source":{{"type":"base64","data":"{PIXEL}","url":"u","x":1}}}},
        {{"type":"document","source":{{"type":"text","data":"d"}},"citations":{{"enabled":true}}}}]}},
        {{"role":"assistant","content":[{{"type":"tool_use","id":"c","name":"f","input":{{}},"toolset_name":"t"}},
        {{"type":"thinking","thinking":"","signature":"c2lnbmVk"}},
        {{"type":"server_tool_use","id":"s","name":"web_search","input":{{"query":"q"}}}}]}},
        {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"c","more":1,
        "content":[{{"type":"text","text":"r","extra":1}}]}}]}},
        {{"role":"system","content":[{{"type":"tool_addition","tool":{{}}}}],"clear_at":"never"}},
        {{"role":"system","output_config":{{"effort":"low"}}}}"#
    )));
    assert_eq!(
        decoded.ignored.to_string(),
        "messages[].clear_at, messages[].content[].citations, \
         messages[].content[].content[].extra, messages[].content[].more, \
         messages[].content[].server_tool_use, messages[].content[].signature, \
         messages[].content[].source.url, messages[].content[].source.x, \
         messages[].content[].title, messages[].content[].tool_addition, \
         messages[].content[].toolset_name, messages[].id, messages[].output_config"
    );
}

#[test]
fn instructions_come_from_system_and_from_messages() {
    let turn = accept(
        r#"{"model":"m","max_tokens":9,"system":[{"type":"text","text":"one"},{"type":"text","text":""},
        {"type":"text","text":"two"}],"messages":[{"role":"system","content":"three"},
        {"role":"user","content":"a"},
        {"role":"system","content":[{"type":"text","text":"four"},{"type":"text","text":"five"}]},
        {"role":"user","content":"b"},{"role":"system","content":""}]}"#,
    )
    .turn;
    assert_eq!(turn.instructions, ["one", "two", "three"]);
    assert_eq!(
        turn.messages,
        [
            Message::User(vec![text("a")]),
            Message::Instruction("four\nfive".into()),
            Message::User(vec![text("b")]),
        ]
    );
    assert_eq!(accept(&with(r#""system":"s""#)).turn.instructions, ["s"]);
    assert!(accept(&with(r#""system":"""#)).turn.instructions.is_empty());
}

#[test]
fn forms_of_content() {
    let assistant = |blocks: &str| format!(r#"{{"role":"assistant","content":[{blocks}]}}"#);
    for (message, expected) in [
        (r#"{"role":"user","content":"x"}"#.to_owned(), Message::User(vec![text("x")])),
        (r#"{"role":"user","content":""}"#.into(), Message::User(vec![])),
        (r#"{"role":"user","content":[]}"#.into(), Message::User(vec![])),
        (user(&[text_block("x"), text_block("")]), Message::User(vec![text("x")])),
        (r#"{"role":"assistant","content":"x"}"#.into(), Message::Assistant(vec![text("x")])),
        (
            assistant(
                r#"{"type":"thinking","thinking":"hm","signature":"c2ln"},{"type":"text","text":"x"}"#,
            ),
            Message::Assistant(vec![thought("hm", Some("c2ln")), text("x")]),
        ),
        (
            assistant(&format!(
                r#"{{"type":"thinking","thinking":"hm","signature":"{UNSIGNED}"}}"#
            )),
            Message::Assistant(vec![thought("hm", None)]),
        ),
        (
            assistant(r#"{"type":"thinking","thinking":"hm"}"#),
            Message::Assistant(vec![thought("hm", None)]),
        ),
        (
            assistant(&format!(r#"{{"type":"thinking","thinking":"","signature":"{UNSIGNED}"}}"#)),
            Message::Assistant(vec![]),
        ),
        (
            assistant(r#"{"type":"redacted_thinking","data":"ZGF0YQ=="}"#),
            Message::Assistant(vec![thought("", Some("ZGF0YQ=="))]),
        ),
    ] {
        assert_eq!(messages(&message), [expected], "{message}");
    }
}

#[test]
fn a_prefilled_answer_stays_last() {
    let messages = messages(
        r#"{"role":"user","content":"a"},{"role":"assistant","content":"The answer is ("}"#,
    );
    assert_eq!(messages[1], Message::Assistant(vec![text("The answer is (")]));
}

#[test]
fn messages_of_the_same_role_may_follow_each_other() {
    let roles = r#"{"role":"user","content":"a"},{"role":"user","content":"b"},
        {"role":"assistant","content":"c"},{"role":"assistant","content":"d"}"#;
    assert_eq!(messages(roles).len(), 4);
}

#[test]
fn documents_become_text() {
    for (block, expected) in [
        (
            r##"{"type":"document","title":"a.md","context":"About a.","source":{"type":"text","media_type":"text/plain","data":"# hi"}}"##,
            vec![text("About a."), file("a.md", "text/plain", "# hi")],
        ),
        (
            r#"{"type":"document","source":{"type":"base64","media_type":"text/Markdown","data":"IyBoaQ=="}}"#,
            vec![file("document.txt", "text/markdown", "# hi")],
        ),
        (
            r#"{"type":"document","source":{"type":"content","content":"x"}}"#,
            vec![file("document.txt", "text/plain", "x")],
        ),
        (
            r#"{"type":"document","title":"t","source":{"type":"content","content":[{"type":"text","text":"x"},{"type":"image","source":{"type":"base64","data":"PIXEL"}},{"type":"text","text":"y"}]}}"#,
            vec![file("t", "text/plain", "x\ny"), text("image")],
        ),
        (
            r#"{"type":"search_result","source":"https://x.test/","title":"T","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"citations":{"enabled":true}}"#,
            vec![file("T", "text/plain", "https://x.test/\n\na\nb")],
        ),
    ] {
        let block = block.replace("PIXEL", PIXEL);
        let [Message::User(parts)] = &messages(&user(std::slice::from_ref(&block)))[..] else {
            panic!("{block}");
        };
        let parts: Vec<Part> = parts
            .iter()
            .map(|part| if let Part::Image(_) = part { text("image") } else { part.clone() })
            .collect();
        assert_eq!(parts, expected, "{block}");
    }
}

#[test]
fn images_in_both_forms() {
    let url = format!("data:image/png;base64,{PIXEL}");
    for source in [
        format!(r#"{{"type":"base64","media_type":"image/png","data":"{PIXEL}"}}"#),
        format!(r#"{{"type":"base64","media_type":"image/jpeg","data":"{PIXEL}"}}"#),
        format!(r#"{{"type":"url","url":"{url}"}}"#),
    ] {
        let decoded =
            accept(&with_messages(&user(&[format!(r#"{{"type":"image","source":{source}}}"#)])));
        let image = decoded.turn.images().next().expect("an image");
        assert_eq!((image.format, image.width, image.height), (ImageFormat::Png, 1, 1));
        assert!(decoded.ignored.is_empty());
    }
}

#[test]
fn an_image_behind_a_url_is_asked_for() {
    let url = "https://x.test/a.png";
    let body = with_messages(&user(&[format!(
        r#"{{"type":"image","source":{{"type":"url","url":"{url}"}}}}"#
    )]));
    let mut images =
        Images::from(crate::ImagePolicy { remote: true, ..crate::ImagePolicy::default() });
    let first = decode(body.as_bytes(), &images).expect("legal");
    assert_eq!(first.wanted, [url]);
    let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, PIXEL);
    images.fetched.insert(url.into(), data.expect("base64").into());
    let second = decode(body.as_bytes(), &images).expect("legal");
    assert_eq!((second.wanted.len(), second.turn.images().count()), (0, 1));
}

#[test]
fn what_the_providers_tools_found_stays_readable() {
    for (block, expected) in [
        (
            r#"{"type":"web_search_tool_result","tool_use_id":"s","content":[{"type":"web_search_result","title":"T","url":"https://x.test","encrypted_content":"e","page_age":null}]}"#,
            "T\nhttps://x.test",
        ),
        (
            r#"{"type":"bash_code_execution_tool_result","tool_use_id":"s","content":{"type":"bash_code_execution_result","stdout":"out","stderr":"err","return_code":0,"content":[]}}"#,
            "out\nerr",
        ),
        (
            r#"{"type":"web_fetch_tool_result","tool_use_id":"s","content":{"type":"web_fetch_result","url":"https://x.test","content":{"type":"document","title":"D","source":{"type":"text","media_type":"text/plain","data":"page"}}}}"#,
            "https://x.test\nD\npage",
        ),
        (r#"{"type":"mcp_tool_result","tool_use_id":"s","content":"m"}"#, "m"),
        (r#"{"type":"compaction","content":"summary"}"#, "summary"),
    ] {
        let decoded =
            accept(&with_messages(&format!(r#"{{"role":"assistant","content":[{block}]}}"#)));
        assert_eq!(decoded.turn.messages, [Message::Assistant(vec![text(expected)])], "{block}");
        assert!(decoded.ignored.is_empty(), "{block}: {}", decoded.ignored);
    }
    let error = r#"{"role":"assistant","content":[{"type":"web_search_tool_result","tool_use_id":"s","content":{"type":"web_search_tool_result_error","error_code":"unavailable"}}]}"#;
    let decoded = accept(&with_messages(error));
    assert_eq!(decoded.ignored.to_string(), "messages[].content[].web_search_tool_result");
    assert_eq!(decoded.turn.messages, [Message::Assistant(vec![])]);
}
