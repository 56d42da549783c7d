//! A session with tools, played step by step: messages and time in, events and answers out.

use std::time::Instant;

use conversation::{Part, Tool, ToolChoice, ToolResult, Tools};
use cursor_proto::Message;
use cursor_proto::agent::AgentClientMessage;
use cursor_proto::agent::oneof::agent_client_message::Message as Client;
use cursor_proto::aiserver::StreamUnifiedChatRequestWithTools;

use super::*;

pub(super) fn tool(name: &str) -> Tool {
    let city = r#"{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}"#;
    Tool { name: name.into(), description: "Current weather".into(), parameters: city.into() }
}

pub(super) fn tools(names: &[&str]) -> Tools {
    let declared = names.iter().map(|name| tool(name)).collect();
    Tools { declared, choice: ToolChoice::Auto, parallel: true }
}

pub(super) fn turn_with(tools: Tools) -> Turn {
    let mut turn = Turn::of_text("claude-4.5-sonnet", "Weather in Oslo?");
    turn.tools = tools;
    turn
}

pub(super) fn text_result(id: &str, text: &str) -> ToolResult {
    ToolResult { call_id: id.into(), content: vec![Part::Text(text.into())], is_error: false }
}

pub(super) fn error_result(id: &str, text: &str) -> ToolResult {
    ToolResult { is_error: true, ..text_result(id, text) }
}

/// The one picture of the vectors.
pub(super) fn image_result(id: &str) -> ToolResult {
    let vector = vector(File::AgentClient, "exec_result_mcp_image");
    let content = &vector["json"]["exec_client_message"]["mcp_result"]["success"]["content"][0];
    let data = content["image"]["data"].as_str().expect("base64");
    let data = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data);
    let image = conversation::Image {
        format: conversation::ImageFormat::Png,
        width: 1,
        height: 1,
        data: data.expect("base64"),
    };
    ToolResult { call_id: id.into(), content: vec![Part::Image(image)], is_error: false }
}

pub(super) struct Rig {
    pub(super) opening: ClientMessage,
    pub(super) session: Session,
    grammar: Grammar,
    now: Instant,
}

/// What came of one step.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) events: Vec<Event>,
    pub(super) sent: Vec<ClientMessage>,
    pub(super) suspended: bool,
    pub(super) done: bool,
}

impl Rig {
    pub(super) fn new(flow: Flow, turn: &Turn) -> Self {
        Self::with_uuids(flow, turn, 0)
    }

    /// The same with ids that count on from this number.
    pub(super) fn with_uuids(flow: Flow, turn: &Turn, mut next: u128) -> Self {
        let mut uuid = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let route = Route::plain(&turn.model);
        let opening = Opening::plain(turn, &route);
        let opened = match flow {
            Flow::Agent => crate::agent::open(&opening, &agent_options(), &mut uuid),
            Flow::Chat => crate::chat::open(&opening, ChatOptions::default(), &mut uuid),
        };
        let (opening, session) = opened.expect("opens");
        let mut rig = Self { opening, session, grammar: Grammar::default(), now: Instant::now() };
        rig.wait(0);
        rig
    }

    fn step(&mut self, act: impl FnOnce(&mut Session, &mut Actions, Instant)) -> Step {
        let mut actions = Actions::default();
        act(&mut self.session, &mut actions, self.now);
        for event in &actions.events {
            // Every answer is one by itself.
            if matches!(event, Event::Started { .. }) {
                self.grammar = Grammar::default();
            }
            let legal = self.grammar.accept(event);
            legal.unwrap_or_else(|violation| panic!("{violation}: {:?}", actions.events));
        }
        if actions.suspended || actions.done {
            assert!(self.grammar.is_ended(), "{:?}", actions.events);
        }
        let Actions { events, send, suspended, done, .. } = actions;
        Step { events, sent: send, suspended, done }
    }

    /// Server messages in one batch, and the tick after it.
    pub(super) fn bytes(&mut self, messages: &[Vec<u8>]) -> Step {
        self.step(|session, actions, now| {
            for message in messages {
                session.receive(&message.clone().into(), actions).expect("a message");
            }
            session.tick(now, actions);
        })
    }

    pub(super) fn vectors(&mut self, file: File, names: &[&str]) -> Step {
        let messages: Vec<_> = names.iter().map(|name| payload(file, name)).collect();
        self.bytes(&messages)
    }

    pub(super) fn messages<M: Message>(&mut self, messages: &[M]) -> Step {
        let messages: Vec<_> = messages.iter().map(Message::encode_to_vec).collect();
        self.bytes(&messages)
    }

    /// Time passes, in milliseconds.
    pub(super) fn wait(&mut self, ms: u64) -> Step {
        self.now += Duration::from_millis(ms);
        self.step(|session, actions, now| {
            session.tick(now, actions);
        })
    }

    pub(super) fn resume(&mut self, results: &[ToolResult]) -> Step {
        self.step(|session, actions, now| {
            session.resume("next".into(), results, actions);
            session.tick(now, actions);
        })
    }

    pub(super) fn end(&mut self) -> Result<Step, Failure> {
        let mut result = Ok(());
        let step = self.step(|session, actions, _| result = session.end(Ok(()), actions));
        result.map(|()| step)
    }
}

impl Step {
    /// The calls told: id, name, arguments.
    pub(super) fn calls(&self) -> Vec<(String, String, String)> {
        let mut calls = Vec::new();
        let mut in_call = false;
        for event in &self.events {
            match event {
                Event::Opened(BlockKind::ToolCall { id, name }) => {
                    in_call = true;
                    calls.push((id.clone(), name.clone(), String::new()));
                }
                Event::Delta(piece) if in_call => {
                    calls.last_mut().expect("open").2.push_str(piece);
                }
                Event::Closed(_) => in_call = false,
                Event::Started { .. }
                | Event::Opened(BlockKind::Text | BlockKind::Reasoning)
                | Event::Delta(_)
                | Event::Usage(_)
                | Event::Finished(_) => {}
            }
        }
        calls
    }

    pub(super) fn text(&self) -> String {
        Run { events: self.events.clone(), sent: Vec::new(), result: Ok(()) }.text()
    }

    /// What was sent, as bytes.
    pub(super) fn bytes(&self) -> Vec<Vec<u8>> {
        self.sent
            .iter()
            .map(|message| match message {
                ClientMessage::Agent(message) => message.encode_to_vec(),
                ClientMessage::Chat(message) => message.encode_to_vec(),
            })
            .collect()
    }

    pub(super) fn agent(&self) -> Vec<Client> {
        let read = |bytes: Vec<u8>| AgentClientMessage::decode_from_slice(&bytes).expect("decodes");
        self.bytes().into_iter().map(|bytes| read(bytes).message.expect("an arm")).collect()
    }

    pub(super) fn chat(&self) -> Vec<StreamUnifiedChatRequestWithTools> {
        let read = |bytes: Vec<u8>| StreamUnifiedChatRequestWithTools::decode_from_slice(&bytes);
        self.bytes().into_iter().map(|bytes| read(bytes).expect("decodes")).collect()
    }
}

/// A call as [`Step::calls`] tells it.
pub(super) fn call(id: &str, name: &str, arguments: &str) -> (String, String, String) {
    (id.into(), name.into(), arguments.into())
}
