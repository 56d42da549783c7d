//! What both flows' sessions have in common: inputs, outputs, the choice of flow.
//!
//! ```text
//! input  = open | message | end of stream | tick(now) | resume(results)
//! output = events for the client, messages for the server, when to wake, whether it was progress
//! ```
//!
//! An answer that ends with calls leaves the session suspended: its stream stays open, its duties
//! go on, and the next answer begins with the results.

mod answer;

use std::time::Instant;

pub(crate) use answer::{Answer, Quiet};

use bytes::Bytes;
use conversation::{Event, Failure, FailureClass, ToolResult};
use cursor_proto::agent::AgentClientMessage;
use cursor_proto::aiserver::StreamUnifiedChatRequestWithTools;

use crate::agent::AgentSession;
use crate::chat::ChatSession;
use crate::error::UpstreamError;
use crate::memory::Memory;
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
    /// The model waits for the client: `Finished(ToolCalls)` was emitted and the stream stays
    /// open. Duties go on; see [`Session::resume`].
    pub suspended: bool,
}

/// One stream on one flow: a turn, or several answers with the client's results between them.
#[derive(Debug)]
pub enum Session {
    Agent(Box<AgentSession>),
    Chat(Box<ChatSession>),
}

impl Session {
    /// Takes one server message.
    ///
    /// # Errors
    /// The bytes are no message of this flow, or more comes than may be held back.
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

    /// Does what is due at `now`; gives the instant of the next duty. To be called after every
    /// batch of messages too: the end of an answer with calls is measured from the last of them.
    pub fn tick(&mut self, now: Instant, actions: &mut Actions) -> Option<Instant> {
        match self {
            Self::Agent(session) => Some(session.tick(now, actions)),
            Self::Chat(session) => session.tick(now, actions),
        }
    }

    /// What the upstream keeps at the client for the next turn; to be asked for when the turn has
    /// ended or is suspended.
    #[must_use]
    pub fn memory(&self) -> Memory {
        match self {
            Self::Agent(session) => session.memory(),
            Self::Chat(session) => session.memory(),
        }
    }

    /// What the session holds, in bytes, roughly; to bound what waits.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Agent(session) => session.bytes(),
            Self::Chat(session) => session.bytes(),
        }
    }

    /// The ids, as the client knows them and in order, of the calls that wait for results. Empty
    /// unless the session is suspended.
    #[must_use]
    pub fn pending_calls(&self) -> Vec<String> {
        match self {
            Self::Agent(session) => session.pending_calls(),
            Self::Chat(session) => session.pending_calls(),
        }
    }

    /// Sends the results of the pending calls; a new answer begins under `id`. A call without a
    /// result is answered with an error, so that the server does not wait for it; a result
    /// without a call is left.
    pub fn resume(&mut self, id: String, results: &[ToolResult], actions: &mut Actions) {
        match self {
            Self::Agent(session) => session.resume(id, results, actions),
            Self::Chat(session) => session.resume(id, results, actions),
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

/// Bytes that are no message.
pub(crate) fn undecodable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(FailureClass::UpstreamFailed, "The upstream answered nonsense.")
        .scope(conversation::Scope::Model)
        .retry(conversation::Retry::Elsewhere)
        .log(format!("message does not decode: {error}"))
}

/// More came than may be held back.
pub(crate) fn overfull() -> Failure {
    Failure::new(FailureClass::UpstreamFailed, "The upstream sent more than it was asked for.")
        .scope(conversation::Scope::Model)
        .log("too much was held back behind a call")
}

/// A call whose arguments changed while they were told.
pub(crate) fn inconsistent() -> Failure {
    Failure::new(FailureClass::UpstreamFailed, "The upstream contradicted itself in a tool call.")
        .scope(conversation::Scope::Model)
        .log("the arguments of a call do not go on from what was streamed")
}

/// A stream that ended while it should have waited for results.
pub(crate) fn left() -> Failure {
    Failure::new(FailureClass::UpstreamFailed, "The upstream did not wait for the tool results.")
        .scope(conversation::Scope::Model)
        .retry(conversation::Retry::Elsewhere)
}

/// The result of a pending call, if the client gave one.
pub(crate) fn result_of<'a>(key: &str, results: &'a [ToolResult]) -> Option<&'a ToolResult> {
    let id = crate::ids::to_client(key);
    results.iter().find(|result| result.call_id == id || result.call_id == key)
}

/// What the model reads of a call that the client did not answer.
pub(crate) const NO_RESULT: &str = "The client gave no result for this call.";

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
