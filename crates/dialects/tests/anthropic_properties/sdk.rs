//! What a client makes of a stream: applies the events one by one as the official SDKs do, and
//! is as strict about their order as a validator.

use serde_json::{Value, json};

/// Name and data of every event. Comments are skipped; nothing else may be in the stream.
pub(crate) fn parse_events(stream: &str) -> Vec<(&str, Value)> {
    let mut events: Vec<&str> = stream.split("\n\n").collect();
    assert_eq!(events.pop(), Some(""), "the last event is complete");
    events
        .into_iter()
        .filter(|event| !event.starts_with(':'))
        .map(|event| {
            let (name, data) = event.split_once('\n').expect("two lines");
            let name = name.strip_prefix("event: ").expect("a name");
            let data = data.strip_prefix("data: ").expect("data");
            assert!(!data.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']));
            let data: Value = serde_json::from_str(data).expect("JSON");
            assert_eq!(data["type"], name);
            (name, data)
        })
        .collect()
}

/// A client in the middle of a stream.
#[derive(Debug, Default)]
pub(crate) struct Sdk {
    message: Option<Value>,
    /// The open block and, for a call, its input so far.
    open: Option<(Value, String)>,
    content: Vec<Value>,
    ended: bool,
    stopped: bool,
    error: Option<Value>,
}

impl Sdk {
    pub(crate) fn run(stream: &str) -> Self {
        let mut sdk = Self::default();
        for (name, data) in parse_events(stream) {
            sdk.apply(name, data);
        }
        sdk
    }

    /// The message, of a stream that ended well.
    pub(crate) fn finished(self) -> Value {
        assert!(self.stopped && self.error.is_none(), "{self:?}");
        let mut message = self.message.expect("a message");
        message["content"] = self.content.into();
        message
    }

    /// The error, of a stream that ended badly.
    pub(crate) fn failed(self) -> Value {
        assert!(!self.ended && !self.stopped, "{self:?}");
        self.error.expect("an error")
    }

    fn apply(&mut self, name: &str, mut data: Value) {
        assert!(!self.stopped && self.error.is_none(), "{name} after the end");
        let is_start = name == "message_start";
        assert!(name == "error" || is_start == self.message.is_none(), "{name} out of place");
        match name {
            "message_start" => {
                let message = data["message"].take();
                assert_eq!(message["content"], json!([]));
                assert!(message["stop_reason"].is_null() && message["usage"].is_object());
                self.message = Some(message);
            }
            "ping" => {}
            "content_block_start" => {
                assert!(self.open.is_none() && !self.ended, "blocks do not overlap");
                assert_eq!(data["index"], self.content.len(), "indexes count up");
                self.open = Some((data["content_block"].take(), String::new()));
            }
            "content_block_delta" => {
                assert_eq!(data["index"], self.content.len());
                let (block, input) = self.open.as_mut().expect("an open block");
                apply_delta(block, input, &data["delta"]);
            }
            "content_block_stop" => {
                assert_eq!(data["index"], self.content.len());
                let (block, input) = self.open.take().expect("an open block");
                self.content.push(closed(block, &input));
            }
            "message_delta" => {
                assert!(self.open.is_none() && !self.ended);
                self.ended = true;
                let message = self.message.as_mut().expect("a message");
                for field in ["stop_reason", "stop_sequence", "stop_details"] {
                    message[field] = data["delta"][field].take();
                }
                assert!(message["stop_reason"].is_string());
                message["usage"] = data["usage"].take();
                assert!(message["usage"].get("output_tokens").is_some());
            }
            "message_stop" => {
                assert!(self.ended);
                self.stopped = true;
            }
            "error" => self.error = Some(data),
            other => panic!("unknown event {other}"),
        }
    }
}

fn apply_delta(block: &mut Value, input: &mut String, delta: &Value) {
    let (kind, field) = match delta["type"].as_str().expect("a type") {
        "text_delta" => ("text", "text"),
        "thinking_delta" => ("thinking", "thinking"),
        "signature_delta" => ("thinking", "signature"),
        "input_json_delta" => ("tool_use", "partial_json"),
        other => panic!("unknown delta {other}"),
    };
    assert_eq!(block["type"], kind, "a delta of another kind of block");
    let piece = delta[field].as_str().expect("a string");
    if field == "partial_json" {
        input.push_str(piece);
        return;
    }
    assert!(block["signature"].as_str().is_none_or(str::is_empty), "the signature is last");
    let text = block[field].as_str().expect("text").to_owned() + piece;
    block[field] = text.into();
}

/// A block as it stands in a whole answer.
fn closed(mut block: Value, input: &str) -> Value {
    match block["type"].as_str().expect("a type") {
        "text" => assert_ne!(block["text"], "", "the API takes no empty text back"),
        "thinking" => {
            assert_ne!(block["thinking"], "");
            assert_ne!(block["signature"], "", "every thinking block is signed");
        }
        "redacted_thinking" => assert_ne!(block["data"], ""),
        "tool_use" => {
            assert_eq!(block["input"], json!({}), "the input comes in deltas");
            block["input"] = match serde_json::from_str(input) {
                Ok(object @ Value::Object(_)) => object,
                Ok(_) | Err(_) => json!({ "INVALID_JSON": input }),
            };
        }
        other => panic!("unknown block {other}"),
    }
    block
}
