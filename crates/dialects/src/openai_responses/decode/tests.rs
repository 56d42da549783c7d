//! Tables of requests and what they become.

use conversation::{
    FailureClass, File, ImageFormat, OutputShape, Part, ReasoningPart, ToolCall, ToolChoice,
    ToolResult,
};
use serde_json::Value;

use super::*;
use crate::sealed;

mod chain;
mod items;
mod refused;
mod tools;

/// A transparent pixel.
const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

fn decode_text(body: &str) -> Result<Decoded<ReplyForm>, Failure> {
    read(body.as_bytes())?.decode(&[], &Images::default())
}

/// A request with these fields besides a model and one message.
fn with(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"model":"m","input":"hi"{comma}{fields}}}"#)
}

fn with_items(items: &str) -> String {
    format!(r#"{{"model":"m","input":[{items}]}}"#)
}

#[track_caller]
fn accept(body: &str) -> Decoded<ReplyForm> {
    decode_text(body).unwrap_or_else(|failure| panic!("{body}: {failure}"))
}

#[track_caller]
fn messages(items: &str) -> Vec<Message> {
    accept(&with_items(items)).turn.messages
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

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(call_id: &str, content: Vec<Part>) -> ToolResult {
    ToolResult { call_id: call_id.into(), content, is_error: false }
}

fn reasoning_part(text: &str, seal: Option<&str>) -> Part {
    Part::Reasoning(ReasoningPart { text: text.into(), seal: seal.map(str::to_owned) })
}

/// The echo of a request as a JSON object.
fn echo(form: &ReplyForm) -> Value {
    serde_json::from_str(&format!("{{{}}}", form.echo)).expect("JSON")
}

#[test]
fn a_mere_text_is_a_user_message() {
    let decoded = accept(&with(""));
    assert_eq!(decoded.turn.messages, [Message::User(vec![text("hi")])]);
    assert!(decoded.ignored.is_empty() && decoded.wanted.is_empty());
    let form = decoded.form;
    assert!(form.store && !form.stream && !form.background && !form.sealed);
    assert_eq!(form.input_items.len(), 1);
}

#[test]
fn messages_of_every_role_and_form() {
    for (item, expected) in [
        (r#"{"role":"user","content":"a"}"#, Message::User(vec![text("a")])),
        (
            r#"{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":""},{"type":"text","text":"b"}]}"#,
            Message::User(vec![text("a"), text("b")]),
        ),
        (
            r#"{"type":"message","id":"msg_1","status":"completed","role":"assistant","content":[{"type":"output_text","text":"x","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"no"}]}"#,
            Message::Assistant(vec![text("x"), text("no")]),
        ),
        (r#"{"role":"assistant","content":"x"}"#, Message::Assistant(vec![text("x")])),
        (
            r#"{"role":"user","content":[{"type":"input_file","filename":"a.md","file_data":"data:text/Markdown;base64,IyBoaQ=="}]}"#,
            Message::User(vec![Part::File(File {
                name: "a.md".into(),
                mime_type: "text/markdown".into(),
                text: "# hi".into(),
            })]),
        ),
    ] {
        let decoded = accept(&with_items(item));
        assert_eq!(decoded.turn.messages, [expected], "{item}");
        assert!(decoded.ignored.is_empty(), "{item}: {}", decoded.ignored);
    }
}

#[test]
fn system_and_developer_text_leads_or_keeps_its_place() {
    let turn = accept(
        r#"{"model":"m","instructions":"first","input":[
        {"type":"message","role":"developer","content":[{"type":"input_text","text":"a"},{"type":"input_text","text":"b"}]},
        {"role":"system","content":"c"},{"role":"user","content":"go"},
        {"role":"developer","content":"later"},{"role":"system","content":""}]}"#,
    )
    .turn;
    assert_eq!(turn.instructions, ["first", "a\nb", "c"]);
    assert_eq!(
        turn.messages,
        [Message::User(vec![text("go")]), Message::Instruction("later".into())]
    );
}

#[test]
fn images_in_both_forms() {
    for part in [
        format!(r#"{{"type":"input_image","image_url":"{PIXEL}"}}"#),
        format!(r#"{{"type":"input_image","image_url":"{PIXEL}","detail":"auto","file_id":null}}"#),
        format!(r#"{{"type":"image_url","image_url":{{"url":"{PIXEL}"}}}}"#),
    ] {
        let decoded = accept(&with_items(&format!(r#"{{"role":"user","content":[{part}]}}"#)));
        let image = decoded.turn.images().next().expect("an image");
        assert_eq!((image.format, image.width, image.height), (ImageFormat::Png, 1, 1));
        assert!(decoded.ignored.is_empty());
    }
}

#[test]
fn a_picture_behind_a_url_is_asked_for_and_then_taken() {
    let body = with_items(
        r#"{"role":"user","content":[{"type":"input_image","image_url":"https://x.test/a.png","detail":"high"}]}"#,
    );
    let request = read(body.as_bytes()).expect("JSON");
    let mut images = Images::default();
    images.policy.remote = true;
    let decoded = request.decode(&[], &images).expect("legal");
    assert_eq!(decoded.wanted, ["https://x.test/a.png"]);
    assert_eq!(decoded.ignored.to_string(), "input[].content[].detail");

    let gif = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;";
    images.fetched.insert("https://x.test/a.png".into(), gif.to_vec().into());
    let again = request.decode(&[], &images).expect("legal");
    assert!(again.wanted.is_empty());
    assert_eq!(again.turn.images().count(), 1);
    assert_eq!(again.form.input_items, decoded.form.input_items, "ids are the same both times");
}

#[test]
fn single_fields_are_honoured_and_echoed() {
    let decoded = accept(&with(
        r#""stream":true,"stream_options":{"include_obfuscation":false},"store":false,
        "instructions":"be brief","max_output_tokens":5,"reasoning":{"effort":"max","summary":"auto"},
        "include":["reasoning.encrypted_content"],"prompt_cache_key":"k","user":"u","safety_identifier":"s",
        "metadata":{"a":"b"},"parallel_tool_calls":false,"truncation":"disabled","max_tool_calls":3,
        "text":{"format":{"type":"json_schema","name":"n","schema":{ "type": "object" }},"verbosity":"medium"},
        "service_tier":"auto","background":false,"top_logprobs":0,"previous_response_id":null"#,
    ));
    assert!(decoded.ignored.is_empty(), "{}", decoded.ignored);
    let (turn, form) = (decoded.turn, decoded.form);
    assert_eq!(turn.limits.max_output_tokens, Some(5));
    assert_eq!(turn.reasoning.effort, Some(ReasoningEffort::XHigh));
    assert_eq!(turn.continuity.cache_key.as_deref(), Some("k"));
    assert_eq!(turn.instructions, ["be brief"]);
    assert!(!turn.tools.parallel);
    assert_eq!(
        turn.output,
        OutputShape::JsonSchema { name: "n".into(), schema: r#"{ "type": "object" }"#.into() }
    );
    assert!(form.stream && !form.store && form.sealed && form.input_items.is_empty());
    insta::assert_snapshot!(form.echo, @r#""background":false,"frequency_penalty":0.0,"instructions":"be brief","max_output_tokens":5,"max_tool_calls":3,"metadata":{"a":"b"},"parallel_tool_calls":false,"presence_penalty":0.0,"previous_response_id":null,"prompt_cache_key":"k","reasoning":{"effort":"max","summary":"auto"},"safety_identifier":"s","service_tier":"default","store":false,"temperature":1.0,"text":{"format":{"type":"json_schema","name":"n","description":null,"schema":{"type":"object"},"strict":false},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","user":"u""#);
}

#[test]
fn fields_without_effect_are_reported() {
    let decoded = accept(&with(
        r#""temperature":0.5,"top_p":0.25,"truncation":"auto","service_tier":"priority",
        "include":["web_search_call.action.sources"],"client_metadata":{"a":1},"context_management":[],
        "reasoning":{"summary":"detailed"},"text":{"verbosity":"low"},"stream":true,
        "stream_options":{"include_obfuscation":true,"x":1}"#,
    ));
    assert_eq!(
        decoded.ignored.to_string(),
        "client_metadata, context_management, include[].web_search_call.action.sources, \
         reasoning.summary, service_tier, stream_options.include_obfuscation, stream_options.x, \
         temperature, text.verbosity, top_p, truncation"
    );
    let echo = echo(&decoded.form);
    assert_eq!((&echo["temperature"], &echo["top_p"]), (&Value::from(0.5), &Value::from(0.25)));
    assert_eq!(echo["text"]["verbosity"], "low");
}

#[test]
fn output_shapes() {
    for (format, expected) in [
        (r#"{"type":"text"}"#, OutputShape::Text),
        (r#"{"type":"json_object"}"#, OutputShape::Json),
    ] {
        let decoded = accept(&with(&format!(r#""text":{{"format":{format}}}"#)));
        assert_eq!(decoded.turn.output, expected);
        let given: Value = serde_json::from_str(format).expect("JSON");
        assert_eq!(echo(&decoded.form)["text"]["format"], given);
    }
}

#[test]
fn choices_without_tools() {
    for (choice, expected) in [("none", ToolChoice::None), ("auto", ToolChoice::Auto)] {
        let decoded = accept(&with(&format!(r#""tool_choice":"{choice}""#)));
        assert_eq!(decoded.turn.tools.choice, expected);
        assert_eq!(echo(&decoded.form)["tool_choice"], choice);
    }
}
