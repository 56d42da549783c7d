//! What the server asked and what the client answered on one run.
//!
//! Pure: takes client messages, holds every id that was given out, and refuses what does not fit
//! it: a second `run_request`, an answer to an id never asked, a second answer, a wrong arm
//! (`reference/messages/agent.md`, "What must be answered").

mod natives;

use std::collections::BTreeMap;

use cursor_proto::agent::conversation_action::Action;
use cursor_proto::agent::oneof::{
    agent_client_message as client, exec_client_control_message as control,
    exec_client_message as exec, kv_client_message as kv, request_context_result,
};
use cursor_proto::agent::{
    AgentClientMessage, ExecClientMessage, InteractionResponse, KvClientMessage, McpResult,
    RequestContext,
};

use super::blobs;
use crate::failure::{Code, Failure};
use crate::link::Halt;
use crate::script::{Native, Query};

/// What an exec request expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    Context,
    Mcp,
    Native(Native),
    /// Nothing but a throw: the client cannot know the request.
    Throw,
}

/// How the client answered an exec request.
#[derive(Debug, Clone)]
pub(crate) enum ExecAnswer {
    Context(Box<RequestContext>),
    Mcp(Box<McpResult>),
    Text(String),
    Thrown(String),
    /// An answer without a usable result.
    Refused,
}

#[derive(Debug)]
struct Exec {
    expected: Expected,
    answer: Option<ExecAnswer>,
    /// Collected output of a `shell_stream`.
    output: String,
}

#[derive(Debug)]
enum Kv {
    Set,
    Get { blob_id: Vec<u8> },
    Answered,
}

#[derive(Debug)]
enum Ask {
    Open(Option<Query>),
    Answered(String),
}

/// What a client message was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    Heartbeat,
    Other,
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    execs: BTreeMap<u32, Exec>,
    kvs: BTreeMap<u32, Kv>,
    queries: BTreeMap<u32, Ask>,
    /// Blobs the client delivered.
    pub(crate) blobs: BTreeMap<Vec<u8>, Vec<u8>>,
}

fn next_id<T>(all: &BTreeMap<u32, T>) -> u32 {
    all.last_key_value().map_or(1, |(id, _)| id + 1)
}

/// The text id of an exec request.
pub(crate) fn exec_id(id: u32) -> String {
    format!("e{id}")
}

impl Exchange {
    pub(crate) fn ask_exec(&mut self, expected: Expected) -> u32 {
        let id = next_id(&self.execs);
        self.execs.insert(id, Exec { expected, answer: None, output: String::new() });
        id
    }

    pub(crate) fn ask_set(&mut self) -> u32 {
        let id = next_id(&self.kvs);
        self.kvs.insert(id, Kv::Set);
        id
    }

    pub(crate) fn ask_get(&mut self, blob_id: Vec<u8>) -> u32 {
        let id = next_id(&self.kvs);
        self.kvs.insert(id, Kv::Get { blob_id });
        id
    }

    /// `None`: a query of a kind that no client knows.
    pub(crate) fn ask_query(&mut self, query: Option<Query>) -> u32 {
        let id = next_id(&self.queries);
        self.queries.insert(id, Ask::Open(query));
        id
    }

    pub(crate) fn kvs_are_answered(&self) -> bool {
        self.kvs.values().all(|kv| matches!(kv, Kv::Answered))
    }

    pub(crate) fn exec_answer(&self, id: u32) -> Option<&ExecAnswer> {
        self.execs.get(&id)?.answer.as_ref()
    }

    pub(crate) fn query_answer(&self, id: u32) -> Option<&str> {
        match self.queries.get(&id)? {
            Ask::Open(_) => None,
            Ask::Answered(text) => Some(text),
        }
    }

    /// Takes in a client message.
    pub(crate) fn accept(&mut self, message: AgentClientMessage) -> Result<Note, Halt> {
        use client::Message as M;
        let Some(message) = message.message else {
            return Err(Failure::invalid("Message is required").into());
        };
        match message {
            M::RunRequest(_) => {
                return Err(Failure::invalid("Run request was already received").into());
            }
            M::ClientHeartbeat(_) => return Ok(Note::Heartbeat),
            M::ConversationAction(action) => match action.action {
                Some(Action::CancelAction(_)) => return Err(Halt::Withdrawn),
                _ => return Err(Failure::invalid("The turn is still running").into()),
            },
            M::KvClientMessage(answer) => self.kv(*answer)?,
            M::ExecClientMessage(answer) => self.exec(*answer)?,
            M::ExecClientControlMessage(message) => self.control(message.message)?,
            M::InteractionResponse(answer) => self.query(&answer)?,
        }
        Ok(Note::Other)
    }

    fn kv(&mut self, answer: KvClientMessage) -> Result<(), Failure> {
        let id = answer.id;
        let Some(asked) = self.kvs.get_mut(&id) else {
            return Err(never_asked("KV", id));
        };
        match (&*asked, answer.message) {
            (Kv::Set, Some(kv::Message::SetBlobResult(result))) => {
                if let Some(error) = result.error.as_option() {
                    let text = format!("Failed to set blob: {}", error.message);
                    return Err(Failure::transport(Code::Internal, text));
                }
            }
            (Kv::Get { blob_id }, Some(kv::Message::GetBlobResult(result))) => {
                let data = result.blob_data.ok_or_else(Failure::blob_missing)?;
                if blobs::id_of(&data) != *blob_id {
                    return Err(Failure::invalid("Blob id is not the SHA-256 of the blob"));
                }
                self.blobs.insert(blob_id.clone(), data);
            }
            (Kv::Answered, _) => return Err(answered_before("KV", id)),
            (Kv::Set | Kv::Get { .. }, _) => return Err(wrong_arm("KV", id)),
        }
        *asked = Kv::Answered;
        Ok(())
    }

    fn exec(&mut self, answer: ExecClientMessage) -> Result<(), Failure> {
        let id = answer.id;
        let asked = self.execs.get_mut(&id).ok_or_else(|| never_asked("Exec", id))?;
        if asked.answer.is_some() {
            return Err(answered_before("Exec", id));
        }
        if answer.exec_id != exec_id(id) {
            return Err(Failure::invalid(format!("Exec {id} has another exec_id")));
        }
        let message = answer.message.ok_or_else(|| wrong_arm("Exec", id))?;
        asked.answer = match (asked.expected, message) {
            (Expected::Context, exec::Message::RequestContextResult(result)) => Some(match result
                .result
            {
                Some(request_context_result::Result::Success(success)) => success
                    .request_context
                    .into_option()
                    .map_or(ExecAnswer::Refused, |context| ExecAnswer::Context(Box::new(context))),
                None => ExecAnswer::Refused,
            }),
            (Expected::Mcp, exec::Message::McpResult(result)) => Some(ExecAnswer::Mcp(result)),
            (Expected::Native(Native::ShellStream), exec::Message::ShellStream(event)) => {
                natives::shell_event(&mut asked.output, &event).map(ExecAnswer::Text)
            }
            (Expected::Native(native), message) => {
                let text = natives::text(native, &message).ok_or_else(|| wrong_arm("Exec", id))?;
                Some(ExecAnswer::Text(text))
            }
            (Expected::Context | Expected::Mcp | Expected::Throw, _) => {
                return Err(wrong_arm("Exec", id));
            }
        };
        Ok(())
    }

    fn control(&mut self, message: Option<control::Message>) -> Result<(), Failure> {
        match message {
            Some(control::Message::StreamClose(close)) => self.asked_exec(close.id).map(|_| ()),
            Some(control::Message::Heartbeat(heartbeat)) => {
                self.asked_exec(heartbeat.id).map(|_| ())
            }
            Some(control::Message::Throw(throw)) => {
                let asked = self.asked_exec(throw.id)?;
                if asked.answer.is_some() {
                    return Err(answered_before("Exec", throw.id));
                }
                asked.answer = Some(ExecAnswer::Thrown(throw.error));
                Ok(())
            }
            None => Err(Failure::invalid("Exec control message is empty")),
        }
    }

    fn asked_exec(&mut self, id: u32) -> Result<&mut Exec, Failure> {
        self.execs.get_mut(&id).ok_or_else(|| never_asked("Exec", id))
    }

    fn query(&mut self, answer: &InteractionResponse) -> Result<(), Failure> {
        let id = answer.id;
        let asked = self.queries.get_mut(&id).ok_or_else(|| never_asked("Query", id))?;
        let text = match asked {
            Ask::Open(Some(query)) => {
                natives::decision(*query, answer).ok_or_else(|| wrong_arm("Query", id))?
            }
            // No arm can be right; an answer without one is what a careful client sends.
            Ask::Open(None) if answer.result.is_none() => "rejected".to_owned(),
            Ask::Open(None) => return Err(wrong_arm("Query", id)),
            Ask::Answered(_) => return Err(answered_before("Query", id)),
        };
        *asked = Ask::Answered(text);
        Ok(())
    }
}

fn never_asked(channel: &str, id: u32) -> Failure {
    Failure::invalid(format!("{channel} {id} was never requested"))
}

fn answered_before(channel: &str, id: u32) -> Failure {
    Failure::invalid(format!("{channel} {id} was already answered"))
}

fn wrong_arm(channel: &str, id: u32) -> Failure {
    Failure::invalid(format!("{channel} {id} was answered with another kind of result"))
}

#[cfg(test)]
mod tests;
