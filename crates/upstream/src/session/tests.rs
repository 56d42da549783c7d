//! Both session machines against the golden vectors: bytes in, events and answers out.

mod agent;
mod agent_suspended;
mod agent_tools;
mod answers;
mod chat;
mod chat_tools;
mod open_end;
mod resumed;
mod rig;
mod timelines;
mod unnamed;

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use conversation::{BlockKind, Grammar, Turn, UsageSource};
use http::HeaderMap;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::agent::{AgentOptions, HistoryChannel, InstructionChannel};
use crate::chat::ChatOptions;
use crate::envelope::{EnvelopeDecoder, Frame};
use crate::error::read_end;
use crate::route::{Opening, Route};

const LIMIT: usize = 1 << 20;

const WINDOW: Duration = Duration::from_millis(150);

/// One vector file.
#[derive(Clone, Copy)]
enum File {
    AgentClient,
    AgentServer,
    AgentTimelines,
    ChatRequests,
    ChatResponses,
    ChatTimelines,
    Errors,
}

fn vectors(file: File) -> Vec<Value> {
    let text = match file {
        File::AgentClient => include_str!("../../../../fixtures/vectors/agent_client.json"),
        File::AgentServer => include_str!("../../../../fixtures/vectors/agent_server.json"),
        File::AgentTimelines => include_str!("../../../../fixtures/vectors/agent_timelines.json"),
        File::ChatRequests => include_str!("../../../../fixtures/vectors/chat_requests.json"),
        File::ChatResponses => include_str!("../../../../fixtures/vectors/chat_responses.json"),
        File::ChatTimelines => include_str!("../../../../fixtures/vectors/chat_timelines.json"),
        File::Errors => include_str!("../../../../fixtures/vectors/errors.json"),
    };
    let file: Value = serde_json::from_str(text).expect("fixture");
    file["vectors"].as_array().expect("vectors").clone()
}

fn vector(file: File, name: &str) -> Value {
    vectors(file).into_iter().find(|vector| vector["name"] == name).expect(name)
}

fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("hex text")).expect("hex")
}

/// The message of a vector, without its envelope.
fn payload(file: File, name: &str) -> Vec<u8> {
    unhex(&vector(file, name)["hex"])
}

/// The end-of-stream frame of an error vector.
fn error_frame(name: &str) -> Vec<u8> {
    unhex(&vector(File::Errors, name)["end_stream_frame_hex"])
}

fn framed(flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = BytesMut::new();
    out.put_u8(flags);
    out.put_u32(u32::try_from(payload.len()).expect("short"));
    out.extend_from_slice(payload);
    out.to_vec()
}

/// The named messages of one file as a body, with an orderly end.
fn stream(file: File, names: &[&str]) -> Vec<u8> {
    let mut bytes = cut_stream(file, names);
    bytes.extend(framed(2, b"{}"));
    bytes
}

/// The same without an end.
fn cut_stream(file: File, names: &[&str]) -> Vec<u8> {
    names.iter().flat_map(|name| framed(0, &payload(file, name))).collect()
}

fn turn() -> Turn {
    let mut turn = Turn::of_text("claude-4.5-sonnet", "Hello");
    turn.instructions = vec!["You are a helpful assistant.".into()];
    turn
}

fn agent_options() -> AgentOptions {
    AgentOptions {
        instructions: InstructionChannel::default(),
        history: HistoryChannel::default(),
        timezone: "Europe/Berlin".into(),
        call_window: WINDOW,
    }
}

fn session(flow: Flow) -> Session {
    let mut next = 0;
    let mut uuid = || {
        next += 1;
        Uuid::from_u128(next)
    };
    let (turn, route) = (turn(), Route::plain(&turn().model));
    let opening = Opening::plain(&turn, &route);
    let opened = match flow {
        Flow::Agent => crate::agent::open(&opening, &agent_options(), &mut uuid),
        Flow::Chat => crate::chat::open(&opening, ChatOptions::default(), &mut uuid),
    };
    opened.expect("opens").1
}

/// What a session made of a stream.
#[derive(Debug, Clone, PartialEq)]
struct Run {
    events: Vec<Event>,
    sent: Vec<ClientMessage>,
    result: Result<(), Failure>,
}

/// Plays a body, cut into these pieces, into a fresh session.
fn play<'a>(flow: Flow, pieces: impl IntoIterator<Item = &'a [u8]>) -> Run {
    let mut session = session(flow);
    let mut decoder = EnvelopeDecoder::new(LIMIT);
    let mut actions = Actions::default();
    let mut ended = None;
    for piece in pieces {
        decoder.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = decoder.next_frame().expect("a legal frame") {
            match frame {
                Frame::Message(message) => {
                    session.receive(&message, &mut actions).expect("a message");
                }
                Frame::End(end) => ended = Some(read_end(&end, &HeaderMap::new())),
            }
        }
    }
    let result = session.end(ended.unwrap_or(Err(UpstreamError::Cut)), &mut actions);
    assert_eq!(actions.done, result.is_ok(), "a turn that ended well is done");
    let run = Run { events: actions.events, sent: actions.send, result };
    run.check_grammar();
    run
}

fn play_whole(flow: Flow, bytes: &[u8]) -> Run {
    play(flow, [bytes])
}

impl Run {
    /// Invariant: the events are legal, and complete exactly when the turn ended well.
    fn check_grammar(&self) {
        let mut grammar = Grammar::default();
        for event in &self.events {
            grammar.accept(event).unwrap_or_else(|violation| panic!("{violation}: {self:?}"));
        }
        assert_eq!(grammar.is_ended(), self.result.is_ok(), "{self:?}");
    }

    fn text_of(&self, wanted: &BlockKind) -> String {
        let mut open = None;
        let mut text = String::new();
        for event in &self.events {
            match event {
                Event::Opened(kind) => open = Some(kind),
                Event::Closed(_) => open = None,
                Event::Delta(delta) if open == Some(wanted) => text.push_str(delta),
                Event::Delta(_) | Event::Started { .. } | Event::Usage(_) | Event::Finished(_) => {}
            }
        }
        text
    }

    fn text(&self) -> String {
        self.text_of(&BlockKind::Text)
    }

    fn thinking(&self) -> String {
        self.text_of(&BlockKind::Reasoning)
    }

    fn usage(&self) -> Option<conversation::Usage> {
        self.events.iter().rev().find_map(|event| match event {
            Event::Usage(usage) => Some(*usage),
            _ => None,
        })
    }

    fn class(&self) -> Option<FailureClass> {
        self.result.as_ref().err().map(|failure| failure.class)
    }

    /// The shape of the answer: kinds and seals, without the text.
    fn shape(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Event::Opened(kind) => Some(format!("{kind:?}")),
                Event::Closed(seal) => Some(format!("closed {}", seal.as_deref().unwrap_or("-"))),
                Event::Started { .. } | Event::Delta(_) | Event::Usage(_) | Event::Finished(_) => {
                    None
                }
            })
            .collect()
    }
}
