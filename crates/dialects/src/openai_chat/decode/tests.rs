//! Tables of requests and what they become.

use conversation::{FailureClass, ImageFormat, Message, Part, ReasoningPart, ToolCall, ToolResult};

use super::*;
use crate::openai_chat::{CallForm, Mode};

mod refused;
mod returned;
mod tools;

/// A transparent pixel.
const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

fn decode_text(body: &str) -> Result<Decoded<ReplyForm>, Failure> {
    decode(body.as_bytes(), &Images::default())
}

/// A request with these fields besides a model and one message.
fn with(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"hi"}}]{comma}{fields}}}"#)
}

fn with_messages(messages: &str) -> String {
    format!(r#"{{"model":"m","messages":[{messages}]}}"#)
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

fn call(id: &str, name: &str, arguments: &str) -> Part {
    Part::ToolCall(ToolCall { id: id.into(), name: name.into(), arguments: arguments.into() })
}

fn result(call_id: &str, content: Vec<Part>) -> ToolResult {
    ToolResult { call_id: call_id.into(), content, is_error: false }
}

#[test]
fn the_smallest_request() {
    let Decoded { turn, form, ignored, wanted } = accept(&with(""));
    assert_eq!(turn, Turn::of_text("m", "hi"));
    assert_eq!(
        form,
        ReplyForm { mode: Mode::Whole, model: "m".into(), calls: CallForm::default() }
    );
    assert!(ignored.is_empty() && wanted.is_empty());
}

#[test]
fn every_null_is_as_if_it_were_not_there() {
    let fields = "stream stream_options max_tokens max_completion_tokens stop n logprobs \
                  top_logprobs temperature top_p seed reasoning_effort reasoning modalities user \
                  prompt_cache_key tools tool_choice parallel_tool_calls functions function_call \
                  response_format store whatever";
    let nulls: Vec<String> =
        fields.split_whitespace().map(|name| format!(r#""{name}":null"#)).collect();
    assert_eq!(accept(&with(&nulls.join(","))), accept(&with("")));
}

#[test]
fn modes() {
    let stream = |include_usage| Mode::Stream { include_usage };
    for (fields, mode) in [
        (r#""stream":false"#, Mode::Whole),
        (r#""stream":true"#, stream(false)),
        (r#""stream":true,"stream_options":null"#, stream(false)),
        (r#""stream":true,"stream_options":{}"#, stream(false)),
        (r#""stream":true,"stream_options":{"include_usage":false}"#, stream(false)),
        (r#""stream":true,"stream_options":{"include_usage":true}"#, stream(true)),
    ] {
        assert_eq!(accept(&with(fields)).form.mode, mode, "{fields}");
    }
}

#[test]
fn the_model_is_kept_exactly() {
    let body = r#"{"model":" Claude-4.5 \"x\"/é ","messages":[{"role":"user","content":"hi"}]}"#;
    let decoded = accept(body);
    assert_eq!(decoded.form.model, " Claude-4.5 \"x\"/é ");
    assert_eq!(decoded.turn.model.as_str(), decoded.form.model);
}

#[test]
fn limits_and_stop_texts() {
    for (fields, max, stops) in [
        (r#""max_tokens":5"#, Some(5), &[][..]),
        (r#""max_completion_tokens":7"#, Some(7), &[]),
        (r#""max_tokens":9,"max_completion_tokens":7"#, Some(7), &[]),
        (r#""max_tokens":3,"max_completion_tokens":7"#, Some(3), &[]),
        (r#""stop":"END""#, None, &["END"]),
        (r#""stop":["a","b","c","d","e"]"#, None, &["a", "b", "c", "d", "e"]),
        (r#""stop":[]"#, None, &[]),
    ] {
        let limits = accept(&with(fields)).turn.limits;
        assert_eq!(
            (limits.max_output_tokens, limits.stop.as_slice()),
            (max, &stops.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>()[..]),
            "{fields}"
        );
    }
}

#[test]
fn reasoning_efforts_in_both_forms() {
    for (word, effort) in [
        ("none", ReasoningEffort::None),
        ("minimal", ReasoningEffort::Minimal),
        ("low", ReasoningEffort::Low),
        ("medium", ReasoningEffort::Medium),
        ("high", ReasoningEffort::High),
        ("xhigh", ReasoningEffort::XHigh),
    ] {
        let flat = accept(&with(&format!(r#""reasoning_effort":"{word}""#)));
        let object = accept(&with(&format!(r#""reasoning":{{"effort":"{word}"}}"#)));
        assert_eq!(flat.turn.reasoning.effort, Some(effort));
        assert_eq!(object.turn, flat.turn);
    }
    let both =
        accept(&with(r#""reasoning_effort":"low","reasoning":{"effort":"high","summary":"auto"}"#));
    assert_eq!(both.turn.reasoning.effort, Some(ReasoningEffort::Low));
    assert_eq!(both.ignored.to_string(), "reasoning.effort, reasoning.summary");
}

#[test]
fn what_has_no_effect_is_reported() {
    let decoded = accept(&with(
        r#""temperature":0.5,"top_p":1,"seed":7,"metadata":{"a":"b"},"store":true,
        "service_tier":"auto","logit_bias":{},"frequency_penalty":0,"presence_penalty":0,
        "prediction":{"type":"content"},"modalities":["text"],"audio":{},"web_search_options":{},
        "verbosity":"low","safety_identifier":"x","n":1,"logprobs":false,"top_logprobs":0,
        "parallel_tool_calls":true,"stream":true,"stream_options":{"include_obfuscation":false}"#,
    ));
    assert_eq!(
        decoded.ignored.to_string(),
        "audio, frequency_penalty, logit_bias, metadata, prediction, presence_penalty, \
         safety_identifier, seed, service_tier, store, stream_options.include_obfuscation, \
         temperature, top_p, verbosity, web_search_options"
    );
    assert_eq!(decoded.turn.sampling.temperature, Some(0.5));
}

#[test]
fn fields_inside_messages_are_reported_without_places() {
    let decoded = accept(&with_messages(&format!(
        r#"{{"role":"system","name":"s","content":[{{"type":"text","text":"x","cache_control":{{}}}}]}},
        {{"role":"user","tool_calls":[],"content":[{{"type":"image_url","image_url":{{"url":"{PIXEL}","detail":"high","x":1}}}}]}},
        {{"role":"assistant","content":"a","audio":{{"id":"a"}},"annotations":[],"tool_calls":[{{"id":"c","type":"function","index":0,"extra":1,"function":{{"name":"f","arguments":"{{}}","more":1}}}}]}},
        {{"role":"tool","tool_call_id":"c","content":"r","is_error":true}}"#
    )));
    assert_eq!(
        decoded.ignored.to_string(),
        "messages[].annotations, messages[].audio, messages[].content[].cache_control, \
         messages[].content[].image_url.detail, messages[].content[].image_url.x, \
         messages[].is_error, messages[].name, messages[].tool_calls, \
         messages[].tool_calls[].extra, messages[].tool_calls[].function.more"
    );
}

#[test]
fn the_cache_key_is_the_clients_key_or_its_user() {
    for (fields, key, ignored) in [
        (r#""user":"u""#, Some("u"), ""),
        (r#""prompt_cache_key":"k""#, Some("k"), ""),
        (r#""user":"u","prompt_cache_key":"k""#, Some("k"), "user"),
        (r#""user":"","prompt_cache_key":"""#, None, ""),
    ] {
        let decoded = accept(&with(fields));
        assert_eq!(decoded.turn.continuity.cache_key.as_deref(), key, "{fields}");
        assert_eq!(decoded.ignored.to_string(), ignored, "{fields}");
    }
}

#[test]
fn roles_and_their_aliases() {
    let turn = accept(&with_messages(
        r#"{"role":"system","content":"one"},{"role":"developer","content":"two"},
        {"role":"system","content":""},
        {"role":"human","content":"a"},{"role":"user","content":"b"},
        {"role":"ai","content":"c"},{"role":"system","content":"later"},{"role":"user","content":"d"}"#,
    ))
    .turn;
    assert_eq!(turn.instructions, ["one", "two"]);
    assert_eq!(
        turn.messages,
        [
            Message::User(vec![text("a")]),
            Message::User(vec![text("b")]),
            Message::Assistant(vec![text("c")]),
            Message::Instruction("later".into()),
            Message::User(vec![text("d")]),
        ]
    );
}

#[test]
fn forms_of_content() {
    for (message, expected) in [
        (r#"{"role":"user","content":"x"}"#, Message::User(vec![text("x")])),
        (r#"{"role":"user","content":""}"#, Message::User(vec![])),
        (r#"{"role":"user","content":[]}"#, Message::User(vec![])),
        (
            r#"{"role":"user","content":[{"type":"text","text":"x"},{"type":"input_text","text":"y"},{"type":"text","text":""}]}"#,
            Message::User(vec![text("x"), text("y")]),
        ),
        (r#"{"role":"assistant","content":null}"#, Message::Assistant(vec![])),
        (r#"{"role":"assistant"}"#, Message::Assistant(vec![])),
        (
            r#"{"role":"assistant","content":[{"type":"output_text","text":"x"},{"type":"refusal","refusal":"no"}]}"#,
            Message::Assistant(vec![text("x"), text("no")]),
        ),
        (
            r#"{"role":"assistant","content":null,"refusal":"no"}"#,
            Message::Assistant(vec![text("no")]),
        ),
        (
            r#"{"role":"assistant","reasoning_content":"hm","content":"x"}"#,
            Message::Assistant(vec![
                Part::Reasoning(ReasoningPart { text: "hm".into(), seal: None }),
                text("x"),
            ]),
        ),
        (
            r#"{"role":"user","content":[{"type":"file","file":{"filename":"a.md","file_data":"data:text/Markdown;base64,IyBoaQ=="}}]}"#,
            Message::User(vec![Part::File(conversation::File {
                name: "a.md".into(),
                mime_type: "text/markdown".into(),
                text: "# hi".into(),
            })]),
        ),
    ] {
        assert_eq!(messages(message), [expected], "{message}");
    }
}

#[test]
fn a_system_message_alone_is_a_request() {
    let turn = accept(&with_messages(
        r#"{"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}"#,
    ))
    .turn;
    assert_eq!((turn.instructions, turn.messages), (vec!["a\nb".to_owned()], vec![]));
}

#[test]
fn images_in_both_forms() {
    for part in [
        format!(r#"{{"type":"image_url","image_url":{{"url":"{PIXEL}"}}}}"#),
        format!(r#"{{"type":"image_url","image_url":{{"url":"{PIXEL}","detail":"auto"}}}}"#),
        format!(r#"{{"type":"image_url","image_url":"{PIXEL}"}}"#),
        format!(r#"{{"type":"input_image","image_url":"{PIXEL}"}}"#),
    ] {
        let decoded = accept(&with_messages(&format!(r#"{{"role":"user","content":[{part}]}}"#)));
        let image = decoded.turn.images().next().expect("an image");
        assert_eq!((image.format, image.width, image.height), (ImageFormat::Png, 1, 1));
        assert!(decoded.ignored.is_empty());
    }
}

#[test]
fn tool_calls_and_their_results_in_any_order() {
    let messages = messages(&format!(
        r#"{{"role":"user","content":"go"}},
        {{"role":"assistant","content":null,"tool_calls":[
            {{"id":"c1","type":"function","function":{{"name":"read","arguments":"{{\"p\": 1}}"}}}},
            {{"id":"c2","function":{{"name":"look","arguments":""}}}},
            {{"id":"c3","type":"function","function":{{"name":"cut","arguments":"{{\"half"}}}},
            {{"id":"c4","type":"function","function":{{"name":"obj","arguments":{{"a": 1.50}}}}}}]}},
        {{"role":"tool","tool_call_id":"c2","content":[{{"type":"text","text":"t"}},{{"type":"image_url","image_url":{{"url":"{PIXEL}"}}}}]}},
        {{"role":"tool","tool_call_id":"c1","content":"one"}},
        {{"role":"tool","tool_call_id":"c4","content":null}},
        {{"role":"tool","tool_call_id":"c3"}},
        {{"role":"user","content":"so?"}}"#
    ));
    assert_eq!(
        messages[1],
        Message::Assistant(vec![
            call("c1", "read", "{\"p\": 1}"),
            call("c2", "look", "{}"),
            call("c3", "cut", "{\"half"),
            call("c4", "obj", "{\"a\": 1.50}"),
        ])
    );
    let Message::ToolResults(results) = &messages[2] else { panic!("{messages:?}") };
    let ids: Vec<&str> = results.iter().map(|result| result.call_id.as_str()).collect();
    assert_eq!(ids, ["c2", "c1", "c4", "c3"]);
    assert!(matches!(&results[0].content[..], [Part::Text(_), Part::Image(_)]));
    assert_eq!(results[1], result("c1", vec![text("one")]));
    assert_eq!(results[2], result("c4", vec![]));
    assert_eq!(messages.len(), 4);
}

#[test]
fn a_later_round_may_use_the_same_ids() {
    let round = r#"{"role":"assistant","tool_calls":[{"id":"c","function":{"name":"f","arguments":"{}"}}]},
        {"role":"tool","tool_call_id":"c","content":"r"}"#;
    let messages = messages(&format!(r#"{{"role":"user","content":"go"}},{round},{round}"#));
    assert_eq!(messages.len(), 5);
    assert_eq!(messages[2], messages[4]);
}
