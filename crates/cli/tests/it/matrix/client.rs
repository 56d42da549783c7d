//! What clients make of an answer: a stream put together as the SDKs of its API do it, and what a
//! whole answer says.

use serde_json::{Map, Value, json};

use super::dialect::Dialect;

#[path = "../../../../dialects/tests/anthropic_properties/sdk.rs"]
mod anthropic;
#[path = "../../../../dialects/tests/openai_responses/folding.rs"]
mod responses;

/// What an answer says, without the words of its dialect.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) calls: Vec<Call>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// JSON; its form does not matter.
    pub(super) arguments: Value,
}

/// A stream that ended well as the body of the same answer.
pub(super) fn assemble(dialect: Dialect, stream: &str) -> Value {
    match dialect {
        Dialect::Chat => {
            let mut body = accumulated(stream, "chat.completion");
            let choice = &mut body["choices"][0];
            let mut message = choice["delta"].take();
            if let Some(calls) = message.get_mut("tool_calls") {
                for call in calls.as_array_mut().expect("a list") {
                    call.as_object_mut().expect("a call").remove("index");
                }
                // A stream begins with empty content where a whole answer may have none.
                if message["content"] == "" {
                    message["content"] = Value::Null;
                }
            }
            let choice = choice.as_object_mut().expect("a choice");
            choice.remove("delta");
            choice.insert("message".to_owned(), message);
            body
        }
        Dialect::Responses => {
            let folded = responses::Folded::of(stream);
            assert_eq!(Value::from(folded.items), folded.last["output"], "items as they were done");
            folded.last
        }
        Dialect::Anthropic => anthropic::Sdk::run(stream).finished(),
        Dialect::Completions => accumulated(stream, "text_completion"),
    }
}

/// Checks that a stream that ended badly does not look finished.
pub(super) fn check_failed(dialect: Dialect, stream: &str) {
    let error = match dialect {
        Dialect::Chat | Dialect::Completions => {
            let mut payloads = payloads(stream);
            let last = payloads.pop().expect("an error");
            for payload in payloads {
                let chunk: Value = serde_json::from_str(payload).expect("JSON before the error");
                assert!(chunk["choices"][0]["finish_reason"].is_null(), "{payload}");
                assert!(chunk.get("error").is_none(), "{payload}");
            }
            serde_json::from_str::<Value>(last).expect("JSON")["error"].take()
        }
        Dialect::Responses => {
            let mut events = responses::events_of(stream);
            let mut last = events.pop().expect("an error");
            let ends = ["response.completed", "response.incomplete", "response.failed", "error"];
            for event in &events {
                assert!(!ends.contains(&event["type"].as_str().expect("a type")), "{event}");
            }
            if last["type"] == "error" {
                return assert!(last["message"].is_string(), "{last}");
            }
            assert_eq!(last["type"], "response.failed");
            assert_eq!(last["response"]["status"], "failed");
            let is_done = |item: &Value| {
                let done = |event: &&Value| event["type"] == "response.output_item.done";
                events.iter().filter(done).any(|event| event["item"] == *item)
            };
            for item in list(&last["response"]["output"]) {
                let may_be_half = match item["type"].as_str() {
                    Some("message") => item["status"] == "incomplete",
                    Some("reasoning") => true,
                    // Half a call would be run.
                    _ => false,
                };
                assert!(may_be_half || is_done(item), "{item}");
            }
            last["response"]["error"].take()
        }
        Dialect::Anthropic => anthropic::Sdk::run(stream).failed()["error"].take(),
    };
    assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{error}");
}

/// What a whole answer says.
pub(super) fn said(dialect: Dialect, body: &Value) -> Said {
    let mut said = Said::default();
    match dialect {
        Dialect::Chat => {
            let message = &body["choices"][0]["message"];
            said.text = message["content"].as_str().unwrap_or_default().to_owned();
            for call in list(&message["tool_calls"]) {
                assert_eq!(call["type"], "function");
                let function = &call["function"];
                said.call(&call["id"], &function["name"], parsed(&function["arguments"]));
            }
        }
        Dialect::Responses => {
            for item in list(&body["output"]) {
                for part in list(&item["content"]) {
                    said.text += part["text"].as_str().expect("a text");
                }
                if item["type"] == "function_call" {
                    said.call(&item["call_id"], &item["name"], parsed(&item["arguments"]));
                }
            }
        }
        Dialect::Anthropic => {
            for block in list(&body["content"]) {
                match block["type"].as_str() {
                    Some("text") => said.text += block["text"].as_str().expect("a text"),
                    Some("tool_use") => {
                        said.call(&block["id"], &block["name"], block["input"].clone());
                    }
                    Some("thinking" | "redacted_thinking") => {}
                    other => panic!("unknown block {other:?}"),
                }
            }
        }
        Dialect::Completions => {
            said.text = body["choices"][0]["text"].as_str().expect("a text").to_owned();
        }
    }
    said
}

impl Said {
    fn call(&mut self, id: &Value, name: &Value, arguments: Value) {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        self.calls.push(Call { id: text(id), name: text(name), arguments });
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn parsed(arguments: &Value) -> Value {
    serde_json::from_str(arguments.as_str().expect("a text")).expect("arguments are JSON")
}

/// The payloads of a stream of OpenAI's older APIs.
fn payloads(stream: &str) -> Vec<&str> {
    let mut events: Vec<&str> = stream.split("\n\n").collect();
    assert_eq!(events.pop(), Some(""), "the last event is complete");
    let payload = |event: &str| {
        assert!(!event.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "{event}");
        event.strip_prefix("data: ").map(str::len).expect("data only")
    };
    events.into_iter().map(|event| &event[event.len() - payload(event)..]).collect()
}

/// All chunks of a stream that ended well as one, with its object's name for whole answers.
fn accumulated(stream: &str, object: &str) -> Value {
    let mut payloads = payloads(stream);
    assert_eq!(payloads.pop(), Some("[DONE]"));
    let mut whole = Map::new();
    for payload in payloads {
        let mut chunk: Value = serde_json::from_str(payload).expect("JSON");
        assert!(chunk.get("error").is_none(), "{payload}");
        let finished = whole
            .get("choices")
            .is_some_and(|choices: &Value| choices[0]["finish_reason"].is_string());
        let choices = chunk["choices"].as_array_mut().expect("choices");
        assert_eq!(choices.is_empty(), finished, "one end, and after it only the usage");
        for choice in choices.iter_mut() {
            if let Some(delta) = choice.get_mut("delta") {
                check_indexes(&delta["tool_calls"], &whole);
            } else {
                // The one text that is not inside a delta.
                choice["index"] = json!(0);
            }
        }
        for name in ["id", "object", "created", "model"] {
            let first = whole.entry(name).or_insert_with(|| chunk[name].clone());
            assert_eq!(*first, chunk[name], "{name} is the same in all chunks");
            chunk.as_object_mut().expect("an object").remove(name);
        }
        accumulate(&mut whole, chunk.as_object().expect("an object"));
    }
    whole.insert("object".to_owned(), object.into());
    // A usage that nobody told is left out of a whole answer.
    if whole.get("usage").is_some_and(Value::is_null) {
        whole.remove("usage");
    }
    whole.into()
}

/// A call is the last one that was begun, or the next.
fn check_indexes(calls: &Value, whole: &Map<String, Value>) {
    let begun = match whole.get("choices") {
        Some(choices) => list(&choices[0]["delta"]["tool_calls"]).len(),
        None => 0,
    };
    for call in list(calls) {
        let next = if call.get("id").is_some() { begun } else { begun - 1 };
        assert_eq!(call["index"], next, "{call}");
    }
}

/// Adds a chunk as the SDK of OpenAI does: texts are joined, lists go by the `index` of their
/// entries, everything else is replaced.
fn accumulate(whole: &mut Map<String, Value>, chunk: &Map<String, Value>) {
    for (name, new) in chunk {
        match (whole.get_mut(name), new) {
            (Some(Value::String(old)), Value::String(new))
                if !matches!(name.as_str(), "type" | "id" | "finish_reason") =>
            {
                old.push_str(new);
            }
            (Some(Value::Object(old)), Value::Object(new)) => accumulate(old, new),
            (Some(Value::Array(old)), Value::Array(new)) => {
                for entry in new {
                    let index = entry["index"].as_u64().expect("an entry has an index");
                    let index = usize::try_from(index).expect("small");
                    let next = old.len();
                    match (old.get_mut(index), entry) {
                        (Some(Value::Object(old)), Value::Object(new)) => accumulate(old, new),
                        (None, entry) if index == next => old.push(entry.clone()),
                        other => panic!("an index out of order: {other:?}"),
                    }
                }
            }
            _ => {
                whole.insert(name.clone(), new.clone());
            }
        }
    }
}
