//! Tables of requests and what they become.

use conversation::FailureClass;

use super::*;
use crate::openai_chat::Mode;

fn with(fields: &str) -> String {
    let comma = if fields.is_empty() { "" } else { "," };
    format!(r#"{{"model":"m","prompt":"Once"{comma}{fields}}}"#)
}

#[track_caller]
fn accept(body: &str) -> Decoded<ReplyForm> {
    decode(body.as_bytes()).unwrap_or_else(|failure| panic!("{body}: {failure}"))
}

#[test]
fn the_prompt_is_the_only_message_and_is_to_be_continued() {
    let Decoded { turn, form, ignored, wanted } = accept(&with(""));
    let expected =
        Turn { instructions: vec![INSTRUCTION.to_owned()], ..Turn::of_text("m", "Once") };
    assert_eq!(turn, expected);
    assert_eq!(form, ReplyForm { mode: Mode::Whole, model: "m".into(), echo: None });
    assert!(ignored.is_empty() && wanted.is_empty());
}

#[test]
fn one_prompt_may_stand_in_an_array() {
    let listed = accept(r#"{"model":"m","prompt":[ "Once" ]}"#);
    assert_eq!(listed, accept(&with("")));
    let escaped = accept(r#"{"model":"m","prompt":["\u00e9\ud83d\ude00\n"],"echo":true}"#);
    assert_eq!(escaped.form.echo.as_deref(), Some("\u{e9}\u{1f600}\n"));
}

#[test]
fn every_null_is_as_if_it_were_not_there() {
    let fields = "stream stream_options max_tokens stop n best_of echo suffix logprobs temperature \
                  top_p seed user logit_bias presence_penalty frequency_penalty";
    let nulls: Vec<String> =
        fields.split_whitespace().map(|name| format!(r#""{name}":null"#)).collect();
    assert_eq!(accept(&with(&nulls.join(","))), accept(&with("")));
}

#[test]
fn what_is_honoured_and_what_is_reported() {
    let decoded = accept(&with(
        r#""stream":true,"stream_options":{"include_usage":true},"max_tokens":9,"stop":["a","b"],
        "echo":true,"suffix":"","n":1,"best_of":1,"user":"u","temperature":0.5,"top_p":1,"seed":3,
        "logit_bias":{},"presence_penalty":0,"frequency_penalty":1,"other":[1]"#,
    ));
    assert_eq!(decoded.form.mode, Mode::Stream { include_usage: true });
    assert_eq!(decoded.form.echo.as_deref(), Some("Once"));
    assert_eq!(decoded.turn.limits.max_output_tokens, Some(9));
    assert_eq!(decoded.turn.limits.stop, ["a", "b"]);
    assert_eq!(decoded.turn.continuity.cache_key.as_deref(), Some("u"));
    assert_eq!(
        decoded.ignored.to_string(),
        "frequency_penalty, logit_bias, other, presence_penalty, seed, temperature, top_p"
    );
}

#[test]
fn what_is_wrong_is_named() {
    let prompt = |prompt: &str| format!(r#"{{"model":"m","prompt":{prompt}}}"#);
    for (body, param, message) in [
        ("{}".to_owned(), "model", "must provide a model"),
        (r#"{"model":"m"}"#.into(), "prompt", "Missing"),
        (prompt("null"), "prompt", "Missing"),
        (prompt("5"), "prompt", "expected a string"),
        (prompt("{}"), "prompt", "expected a string"),
        (prompt(r#""""#), "prompt", "not empty"),
        (prompt("[]"), "prompt", "not empty"),
        (prompt(r#"[""]"#), "prompt", "not empty"),
        (prompt(r#"["a","b"]"#), "prompt", "Only one prompt"),
        (prompt("[1,2]"), "prompt", "tokens"),
        (prompt("[[1,2],[3]]"), "prompt", "tokens"),
        (prompt(r#"["a",1]"#), "prompt", "an array of one string"),
        (prompt(r#"[{"text":"a"}]"#), "prompt", "an array of one string"),
        (prompt(r#""\ud800""#), "prompt", "Unicode"),
        (prompt(r#"["\ud800"]"#), "prompt[0]", "Unicode"),
        (with(r#""suffix":"end""#), "suffix", "not supported"),
        (with(r#""logprobs":0"#), "logprobs", "not supported"),
        (with(r#""logprobs":true"#), "logprobs", "integer"),
        (with(r#""n":2"#), "n", "Only one choice"),
        (with(r#""best_of":3"#), "best_of", "Only one choice"),
        (with(r#""best_of":0"#), "best_of", ">= 1"),
        (with(r#""max_tokens":0"#), "max_tokens", ">= 1"),
        (with(r#""stop":"""#), "stop", "not empty"),
        (with(r#""stream_options":{}"#), "stream_options", "only allowed when"),
        (with(r#""echo":"yes""#), "echo", "boolean"),
    ] {
        let failure = decode(body.as_bytes()).map(|_| ()).expect_err(&body);
        assert_eq!(
            (failure.class, failure.param.as_deref()),
            (FailureClass::Invalid, Some(param)),
            "{body}"
        );
        assert!(failure.client.contains(message), "{body}: {}", failure.client);
    }
    assert!(decode(b"nonsense").expect_err("refused").client.contains("not valid JSON"));
}

#[test]
fn a_huge_array_is_refused_without_being_repeated() {
    let body = format!(r#"{{"model":"m","prompt":[{}1]}}"#, "1,".repeat(100_000));
    assert!(decode(body.as_bytes()).expect_err("refused").client.len() < 200);
}
