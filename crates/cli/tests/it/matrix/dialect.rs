//! The client dialects: what is asked in each, and how each writes an answer.

use bytes::BytesMut;
use conversation::{Event, Failure, Reply, Turn};
use dialects::{Encoder, Images, anthropic, openai_chat, openai_completions, openai_responses};
use serde_json::{Value, json};

pub(super) const MODEL: &str = "claude-4.5-sonnet";
pub(super) const QUESTION: &str = "Weather in Oslo and Bergen?";

/// Seconds of Unix time at which every answer is made.
const CREATED: i64 = 1_700_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Chat,
    Responses,
    Anthropic,
    Completions,
}

/// A request, decoded.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) turn: Turn,
    pub(super) form: Form,
    /// Fields of the request that have no effect.
    pub(super) ignored: String,
}

/// How the answer is to be written.
#[derive(Debug)]
pub(super) enum Form {
    Chat(openai_chat::ReplyForm),
    Responses(Box<openai_responses::ReplyForm>),
    Anthropic(anthropic::ReplyForm),
    Completions(openai_completions::ReplyForm),
}

impl Dialect {
    pub(super) const ALL: [Self; 4] =
        [Self::Chat, Self::Responses, Self::Anthropic, Self::Completions];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Chat => "openai_chat",
            Self::Responses => "openai_responses",
            Self::Anthropic => "anthropic",
            Self::Completions => "openai_completions",
        }
    }

    /// Whether the dialect has tools, and messages that can be handed back.
    pub(super) fn converses(self) -> bool {
        match self {
            Self::Chat | Self::Responses | Self::Anthropic => true,
            Self::Completions => false,
        }
    }

    /// The first request of a conversation.
    pub(super) fn ask(self, tools: &[String], stream: bool) -> Asked {
        let question = json!({ "role": "user", "content": QUESTION });
        self.decode(&self.request(&[question], tools, stream), &[])
    }

    /// The same from a client that wants one call at a time.
    pub(super) fn ask_for_single_calls(self, tools: &[String]) -> Asked {
        let question = json!({ "role": "user", "content": QUESTION });
        let mut request = self.request(&[question], tools, true);
        match self {
            Self::Chat | Self::Responses => request["parallel_tool_calls"] = false.into(),
            Self::Anthropic => {
                request["tool_choice"] =
                    json!({ "type": "auto", "disable_parallel_tool_use": true });
            }
            Self::Completions => {}
        }
        self.decode(&request, &[])
    }

    /// A request with these messages or input items.
    pub(super) fn request(self, messages: &[Value], tools: &[String], stream: bool) -> Value {
        let description = "Current weather";
        let schema = json!({
            "type": "object",
            "properties": { "city": { "type": "string" } },
        });
        let tool = |name: &String| match self {
            Self::Chat => json!({
                "type": "function",
                "function": { "name": name, "description": description, "parameters": schema },
            }),
            Self::Responses => json!({
                "type": "function", "name": name, "description": description,
                "parameters": schema, "strict": false,
            }),
            Self::Anthropic => {
                json!({ "name": name, "description": description, "input_schema": schema })
            }
            Self::Completions => Value::Null,
        };
        let tools: Vec<Value> = tools.iter().map(tool).collect();
        let mut request = json!({ "model": MODEL, "stream": stream });
        let fields = match self {
            Self::Chat if stream => json!({
                "messages": messages, "tools": tools, "stream_options": { "include_usage": true },
            }),
            Self::Chat => json!({ "messages": messages, "tools": tools }),
            Self::Responses => json!({
                "input": messages, "tools": tools, "include": ["reasoning.encrypted_content"],
            }),
            Self::Anthropic => json!({
                "messages": messages, "tools": tools, "max_tokens": 4096,
            }),
            Self::Completions if stream => {
                json!({ "prompt": QUESTION, "stream_options": { "include_usage": true } })
            }
            Self::Completions => json!({ "prompt": QUESTION }),
        };
        let Value::Object(fields) = fields else { panic!("an object") };
        let request_fields = request.as_object_mut().expect("an object");
        request_fields.extend(fields);
        if tools.is_empty() {
            request_fields.remove("tools");
        }
        request
    }

    /// Decodes a request; `earlier` is what is kept of the answers before it.
    #[track_caller]
    pub(super) fn decode(self, request: &Value, earlier: &[String]) -> Asked {
        let body = request.to_string();
        let (body, images) = (body.as_bytes(), Images::default());
        let refused =
            |failure: Failure| -> ! { panic!("{}: {} in {request}", self.name(), failure.client) };
        match self {
            Self::Chat => {
                let decoded =
                    openai_chat::decode(body, &images).unwrap_or_else(|failure| refused(failure));
                Asked {
                    turn: decoded.turn,
                    form: Form::Chat(decoded.form),
                    ignored: decoded.ignored.to_string(),
                }
            }
            Self::Responses => {
                let decoded = openai_responses::read(body)
                    .and_then(|request| request.decode(earlier, &images))
                    .unwrap_or_else(|failure| refused(failure));
                Asked {
                    turn: decoded.turn,
                    form: Form::Responses(Box::new(decoded.form)),
                    ignored: decoded.ignored.to_string(),
                }
            }
            Self::Anthropic => {
                let decoded =
                    anthropic::decode(body, &images).unwrap_or_else(|failure| refused(failure));
                Asked {
                    turn: decoded.turn,
                    form: Form::Anthropic(decoded.form),
                    ignored: decoded.ignored.to_string(),
                }
            }
            Self::Completions => {
                let decoded =
                    openai_completions::decode(body).unwrap_or_else(|failure| refused(failure));
                Asked {
                    turn: decoded.turn,
                    form: Form::Completions(decoded.form),
                    ignored: decoded.ignored.to_string(),
                }
            }
        }
    }
}

impl Form {
    fn encoder(&self) -> Box<dyn Encoder> {
        match self {
            Self::Chat(form) => Box::new(openai_chat::StreamEncoder::new(form, CREATED)),
            Self::Responses(form) => Box::new(openai_responses::StreamEncoder::new(form, CREATED)),
            Self::Anthropic(form) => {
                Box::new(anthropic::StreamEncoder::new(form, "req_1", INPUT_ESTIMATE))
            }
            Self::Completions(form) => {
                Box::new(openai_completions::StreamEncoder::new(form, CREATED))
            }
        }
    }

    /// The body of an error instead of an answer.
    pub(super) fn error(&self, failure: &Failure) -> String {
        let body = match self {
            Self::Chat(_) | Self::Completions(_) => openai_chat::error_body(failure),
            Self::Responses(_) => openai_responses::error_body(failure),
            Self::Anthropic(_) => anthropic::error_body(failure, "req_1"),
        };
        String::from_utf8(body).expect("UTF-8")
    }

    /// The fields of an answer that only repeat the request, as the inside of a JSON object.
    pub(super) fn echo(&self) -> Option<String> {
        let Self::Responses(form) = self else { return None };
        let status = openai_responses::Status::Queued;
        let record = openai_responses::unfinished("echo", status, form, CREATED);
        let body = String::from_utf8(record.body).expect("UTF-8");
        let (_, echo) = body.split_once("\"output\":[],").expect("no output");
        Some(echo.strip_suffix('}').expect("an object").to_owned())
    }

    /// The answer as a stream.
    pub(super) fn stream(&self, answer: &[Result<Event, Failure>]) -> String {
        let mut out = BytesMut::new();
        let mut encoder = self.encoder();
        for event in answer {
            match event {
                Ok(event) => encoder.encode(event.clone(), &mut out),
                Err(failure) => encoder.fail(failure, &mut out),
            }
        }
        String::from_utf8(out.to_vec()).expect("UTF-8")
    }

    /// The body of a whole answer, and what is kept of it for later requests where anything is.
    pub(super) fn whole(&self, reply: &Reply) -> (String, Vec<String>) {
        let (body, kept) = match self {
            Self::Chat(form) => (openai_chat::encode_whole(reply, form, CREATED), Vec::new()),
            Self::Responses(form) => {
                let record = openai_responses::encode_whole(reply, form, CREATED);
                (record.body, record.output_items)
            }
            Self::Anthropic(form) => (anthropic::encode_whole(reply, form), Vec::new()),
            Self::Completions(form) => {
                (openai_completions::encode_whole(reply, form, CREATED), Vec::new())
            }
        };
        (String::from_utf8(body).expect("UTF-8"), kept)
    }
}

/// What the first event of an Anthropic stream tells of the input.
const INPUT_ESTIMATE: u64 = 25;
