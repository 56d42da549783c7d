//! What both flows' sessions have in common: outputs, block keeping, the choice of flow.
//!
//! ```text
//! input  = open | message | end of stream | tick(now)
//! output = events for the client, messages for the server, when to wake, whether it was progress
//! ```

use std::time::Instant;

use bytes::Bytes;
use conversation::{BlockKind, Event, Failure, FailureClass, Seal};
use cursor_proto::agent::AgentClientMessage;
use cursor_proto::aiserver::StreamUnifiedChatRequestWithTools;

use crate::agent::AgentSession;
use crate::chat::ChatSession;
use crate::error::UpstreamError;
use crate::transport::Exchange;

/// Which protocol serves an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Flow {
    /// `agent.v1.AgentService/Run`.
    #[default]
    Agent,
    /// `aiserver.v1.ChatService/StreamUnifiedChatWithTools`.
    Chat,
}

impl Flow {
    /// The word for settings and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Chat => "chat",
        }
    }
}

/// A message for the server, of either flow.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    Agent(Box<AgentClientMessage>),
    Chat(Box<StreamUnifiedChatRequestWithTools>),
}

impl ClientMessage {
    /// # Errors
    /// The stream is closed.
    pub fn send(&self, exchange: &mut Exchange) -> Result<(), UpstreamError> {
        match self {
            Self::Agent(message) => exchange.send(message.as_ref()),
            Self::Chat(message) => exchange.send(message.as_ref()),
        }
    }
}

/// What a session wants done. Collected over a batch of inputs and then carried out at once.
#[derive(Debug, Default)]
pub struct Actions {
    pub events: Vec<Event>,
    pub send: Vec<ClientMessage>,
    /// Whether the model moved on; heartbeats alone are no progress.
    pub progress: bool,
    /// The turn is over; the stream need not be read further.
    pub done: bool,
}

/// One turn on one flow.
#[derive(Debug)]
pub enum Session {
    Agent(Box<AgentSession>),
    Chat(Box<ChatSession>),
}

impl Session {
    /// Takes one server message.
    ///
    /// # Errors
    /// The bytes are no message of this flow.
    pub fn receive(&mut self, message: &Bytes, actions: &mut Actions) -> Result<(), Failure> {
        match self {
            Self::Agent(session) => session.receive(message, actions),
            Self::Chat(session) => session.receive(message, actions),
        }
    }

    /// Takes the end of the stream.
    ///
    /// # Errors
    /// The turn failed: by a stated error, by being cut, or by saying nothing.
    pub fn end(
        &mut self,
        result: Result<(), UpstreamError>,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        match self {
            Self::Agent(session) => session.end(result, actions),
            Self::Chat(session) => session.end(result, actions),
        }
    }

    /// Does what is due at `now`; gives the instant of the next duty.
    pub fn tick(&mut self, now: Instant, actions: &mut Actions) -> Option<Instant> {
        match self {
            Self::Agent(session) => Some(session.tick(now, actions)),
            Self::Chat(_) => None,
        }
    }

    /// The id under which the upstream tells what the finished turn cost, on the flow whose
    /// stream does not tell it (`reference/upstream-protocol.md` §9).
    #[must_use]
    pub fn usage_id(&self) -> Option<&str> {
        match self {
            Self::Agent(_) => None,
            Self::Chat(session) => session.usage_id(),
        }
    }
}

/// Pieces of one batch are joined up to this many bytes.
const MERGED: usize = 4 << 10;

/// Cuts a stream of text and reasoning into blocks that do not overlap.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    open: Option<Open>,
    /// Whether anything was said at all.
    spoke: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Reasoning,
}

impl Blocks {
    pub(crate) fn text(&mut self, text: &str, events: &mut Vec<Event>) {
        self.delta(Open::Text, text, events);
    }

    pub(crate) fn reasoning(&mut self, text: &str, events: &mut Vec<Event>) {
        self.delta(Open::Reasoning, text, events);
    }

    fn delta(&mut self, kind: Open, text: &str, events: &mut Vec<Event>) {
        if text.is_empty() {
            return;
        }
        self.open(kind, events);
        self.spoke = true;
        // What is ready together goes out together: in a flood this is most of the work saved.
        if let Some(Event::Delta(last)) = events.last_mut()
            && last.len() + text.len() <= MERGED
        {
            last.push_str(text);
            return;
        }
        events.push(Event::Delta(text.to_owned()));
    }

    fn open(&mut self, kind: Open, events: &mut Vec<Event>) {
        if self.open == Some(kind) {
            return;
        }
        self.close(None, events);
        self.open = Some(kind);
        events.push(Event::Opened(match kind {
            Open::Text => BlockKind::Text,
            Open::Reasoning => BlockKind::Reasoning,
        }));
    }

    /// Ends a reasoning block, with its seal; nothing if none is open and there is no seal.
    pub(crate) fn end_reasoning(&mut self, seal: Seal, events: &mut Vec<Event>) {
        if seal.is_some() {
            self.open(Open::Reasoning, events);
        }
        if self.open == Some(Open::Reasoning) {
            self.close(seal, events);
        }
    }

    pub(crate) fn close(&mut self, seal: Seal, events: &mut Vec<Event>) {
        if self.open.take().is_some() {
            events.push(Event::Closed(seal));
        }
    }

    pub(crate) fn spoke(&self) -> bool {
        self.spoke
    }

    pub(crate) fn in_reasoning(&self) -> bool {
        self.open == Some(Open::Reasoning)
    }
}

/// Bytes that are no message.
pub(crate) fn undecodable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureClass::UpstreamFailed, "The upstream answered nonsense.")
        .scope(conversation::Scope::Model)
        .retry(conversation::Retry::Elsewhere)
        .log(format!("message does not decode: {error}"))
}

/// How text that has no role of its own upstream is marked inside a user message.
pub(crate) fn as_reminder(text: &str) -> String {
    format!("<system-reminder>\n{text}\n</system-reminder>")
}

/// A document inside a message, as text.
pub(crate) fn as_document(name: &str, text: &str) -> String {
    format!("<document name=\"{}\">\n{text}\n</document>", name.replace('"', "'"))
}

#[cfg(test)]
mod tests;
