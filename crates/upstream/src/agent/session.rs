//! One run of the agent as a machine: server messages in, events and answers out.
//!
//! Duties that the protocol imposes live here: every KV request, exec request and query is
//! answered, a heartbeat goes out every five seconds, and what is unknown is skipped (agent.md,
//! "Life of a run"). Errors come only with the end of the stream.

mod ending;

use std::time::{Duration, Instant};

use bytes::Bytes;
use conversation::{Failure, ToolResult};
use cursor_proto::MessageView as _;
use cursor_proto::agent::view::oneof::agent_server_message::Message as Server;
use cursor_proto::agent::view::oneof::exec_server_control_message::Message as ExecControl;
use cursor_proto::agent::view::oneof::exec_server_message::Message as Exec;
use cursor_proto::agent::view::oneof::interaction_update::Message as Update;
use cursor_proto::agent::view::oneof::kv_server_message::Message as Kv;
use cursor_proto::agent::view::oneof::tool_call::Tool as AnyTool;
use cursor_proto::agent::view::{
    AgentServerMessageView, ExecServerMessageView, InteractionUpdateView, KvServerMessageView,
    McpArgsView, ToolCallView,
};
use cursor_proto::agent::{
    AgentClientMessage, ClientHeartbeat, Error, GetBlobResult, KvClientMessage, SetBlobResult,
};

use ending::End;

use super::blobs::Blobs;
use super::calls::Calls;
use super::context::Context;
use super::memory::AgentMemory;
use super::{refusal, values};
use crate::ids;
use crate::memory::Memory;
use crate::offer::Offer;
use crate::session::{Actions, Answer, ClientMessage, Quiet, result_of};

/// The client says that it lives (agent.md, "Timers").
const HEARTBEAT: Duration = Duration::from_secs(5);

/// The server is told that a call is still running (agent.md, "Life of a run").
const EXEC_HEARTBEAT: Duration = Duration::from_secs(3);

/// What a run begins with.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) context: Context,
    pub(super) offer: Offer,
    pub(super) conversation_id: String,
    pub(super) blobs: Blobs,
    pub(super) answer: Answer,
}

/// The state of one run.
#[derive(Debug)]
pub struct AgentSession {
    context: Context,
    offer: Offer,
    conversation_id: String,
    blobs: Blobs,
    answer: Answer,
    calls: Calls,
    /// The message with the last checkpoint.
    checkpoint: Option<Bytes>,
    end: End,
    resumed: bool,
    next_heartbeat: Option<Instant>,
    next_exec_heartbeat: Option<Instant>,
}

impl AgentSession {
    pub(super) fn new(start: Start) -> Self {
        let Start { context, offer, conversation_id, blobs, answer } = start;
        let calls = Calls::new(ids::mark(answer.id()));
        Self {
            context,
            offer,
            conversation_id,
            blobs,
            answer,
            calls,
            checkpoint: None,
            end: End::Open,
            resumed: false,
            next_heartbeat: None,
            next_exec_heartbeat: None,
        }
    }

    pub(crate) fn receive(
        &mut self,
        message: &Bytes,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        let raw = message;
        let message = match AgentServerMessageView::decode_view(message) {
            Ok(message) => message,
            Err(error) => return self.nonsense(&error),
        };
        self.answer.start(actions);
        match &message.message {
            Some(Server::InteractionUpdate(update)) => self.update(update, actions)?,
            Some(Server::ExecServerMessage(exec)) => self.exec(exec, actions)?,
            Some(Server::KvServerMessage(kv)) => self.kv(kv, actions),
            Some(Server::InteractionQuery(query)) => {
                actions.progress = true;
                send(actions, refusal::decide(query, self.context.web_search));
            }
            Some(Server::ExecServerControlMessage(message)) => {
                actions.progress = true;
                if let Some(ExecControl::Abort(abort)) = &message.message {
                    self.calls.abort(abort.id);
                }
            }
            Some(Server::ConversationCheckpointUpdate(_)) => {
                actions.progress = true;
                // Not a part of the buffer, which would be kept as a whole.
                self.checkpoint = Some(Bytes::copy_from_slice(raw));
            }
            None => {}
        }
        self.answer.check()
    }

    fn update(
        &mut self,
        update: &InteractionUpdateView<'_>,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        let answer = &mut self.answer;
        match &update.message {
            Some(Update::TextDelta(delta)) => answer.text(delta.text, actions),
            Some(Update::ThinkingDelta(delta)) => answer.reasoning(delta.text, actions),
            Some(Update::ThinkingCompleted(_)) => answer.end_reasoning(None, actions),
            Some(Update::TurnEnded(ended)) => self.turn_ended(ended, actions)?,
            Some(Update::PartialToolCall(partial)) => {
                let call = partial.tool_call.as_option();
                self.announced(partial.call_id, call, partial.args_text_delta, actions)?;
            }
            Some(Update::ToolCallStarted(started)) => {
                self.announced(started.call_id, started.tool_call.as_option(), "", actions)?;
            }
            Some(Update::ToolCallCompleted(completed)) => {
                if let Some(args) = completed.tool_call.as_option().and_then(mcp_args) {
                    let key = key_of(completed.call_id, args);
                    let whole = values::to_text(&args.args);
                    self.calls.finished(key, &whole, answer, actions)?;
                }
            }
            // Alive, but not moving.
            Some(Update::Heartbeat(_)) | None => return Ok(()),
            Some(
                Update::UserMessageAppended(_)
                | Update::TokenDelta(_)
                | Update::Summary(_)
                | Update::SummaryStarted(_)
                | Update::SummaryCompleted(_)
                | Update::ShellOutputDelta(_)
                | Update::ToolCallDelta(_)
                | Update::StepStarted(_)
                | Update::StepCompleted(_)
                | Update::PromptSuggestion(_),
            ) => {}
        }
        actions.progress = true;
        Ok(())
    }

    /// Shows a call of the client's tools; native ones are the server's own affair.
    fn announced(
        &mut self,
        call_id: &str,
        call: Option<&ToolCallView<'_>>,
        piece: &str,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        let Some(args) = call.and_then(mcp_args) else { return Ok(()) };
        let name = if args.name.is_empty() { args.tool_name } else { args.name };
        let known = self.offer.client_name(name);
        if self.offer.is_empty() || (known.is_none() && !name.is_empty()) {
            return Ok(());
        }
        let key = key_of(call_id, args);
        self.calls.announce(key, known, piece, &mut self.answer, actions)
    }

    fn exec(
        &mut self,
        exec: &ExecServerMessageView<'_>,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        actions.progress = true;
        let answers = match &exec.message {
            Some(Exec::McpArgs(args)) => {
                let known = self.offer.client_name(args.name);
                match known.or_else(|| self.offer.client_name(args.tool_name)) {
                    Some(name) => self.calls.ask(exec, args, name, &mut self.answer, actions)?,
                    None => refusal::not_found(exec, args.name, &self.offer),
                }
            }
            Some(Exec::RequestContextArgs(_)) => self.context.answer(exec, &self.offer),
            native => {
                tracing::debug!(known = native.is_some(), "native tool refused");
                refusal::refuse(exec, &refusal::reason(&self.offer))
            }
        };
        for answer in answers {
            send(actions, answer);
        }
        Ok(())
    }

    fn kv(&mut self, kv: &KvServerMessageView<'_>, actions: &mut Actions) {
        actions.progress = true;
        let message = match &kv.message {
            Some(Kv::GetBlobArgs(get)) => GetBlobResult {
                blob_data: self.blobs.get(get.blob_id).map(<[u8]>::to_vec),
                ..Default::default()
            }
            .into(),
            Some(Kv::SetBlobArgs(set)) => {
                let mut result = SetBlobResult::default();
                if self.blobs.set(set.blob_id, set.blob_data).is_err() {
                    let message = "The client's blob store is full.".to_owned();
                    result.error = Error { message, ..Default::default() }.into();
                }
                result.into()
            }
            // A kind we do not know: the bare id at least ends the server's wait.
            None => None,
        };
        let answer = KvClientMessage { id: kv.id, message, ..Default::default() };
        send(actions, AgentClientMessage { message: answer.into(), ..Default::default() });
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of_agent(AgentMemory {
            conversation_id: self.conversation_id.clone(),
            checkpoint: self.checkpoint.clone(),
            blobs: self.blobs.remembered(),
        })
    }

    pub(crate) fn pending_calls(&self) -> Vec<String> {
        self.answer.pending_calls()
    }

    /// What it holds, in bytes, roughly: the history it serves to the server above all.
    pub(crate) fn bytes(&self) -> usize {
        let checkpoint = self.checkpoint.as_ref().map_or(0, Bytes::len);
        let texts = self.context.instructions.len() + self.offer.bytes();
        self.blobs.all_bytes() + checkpoint + texts + self.answer.kept()
    }

    pub(crate) fn resume(&mut self, id: String, results: &[ToolResult], actions: &mut Actions) {
        self.resumed = true;
        self.end = End::Open;
        for key in self.answer.resume(id, actions) {
            for message in self.calls.resolve(&key, result_of(&key, results)) {
                send(actions, message);
            }
        }
    }

    /// Sends the heartbeats when they are due, and ends an answer whose calls have come to rest or
    /// whose turn has ended.
    pub(crate) fn tick(&mut self, now: Instant, actions: &mut Actions) -> Instant {
        let next = self.heartbeat(now, actions);
        let next = self.exec_heartbeats(now, actions).map_or(next, |due| next.min(due));
        let end = match self.end {
            End::Open => self.rest(now, actions),
            End::Told | End::Awaited(_) | End::Over => self.await_end(now, actions),
        };
        end.map_or(next, |due| next.min(due))
    }

    fn heartbeat(&mut self, now: Instant, actions: &mut Actions) -> Instant {
        match self.next_heartbeat {
            Some(due) if now < due => due,
            due => {
                if due.is_some() {
                    let beat = ClientHeartbeat::default().into();
                    send(actions, AgentClientMessage { message: beat, ..Default::default() });
                }
                let next = now + HEARTBEAT;
                self.next_heartbeat = Some(next);
                next
            }
        }
    }

    fn exec_heartbeats(&mut self, now: Instant, actions: &mut Actions) -> Option<Instant> {
        if !self.calls.are_waiting() {
            self.next_exec_heartbeat = None;
            return None;
        }
        if self.next_exec_heartbeat.is_some_and(|due| now >= due) {
            for beat in self.calls.heartbeats() {
                send(actions, beat);
            }
            self.next_exec_heartbeat = None;
        }
        Some(*self.next_exec_heartbeat.get_or_insert(now + EXEC_HEARTBEAT))
    }

    fn rest(&mut self, now: Instant, actions: &mut Actions) -> Option<Instant> {
        match self.answer.quiet(now, self.calls.are_outstanding()) {
            Quiet::NoCalls => return None,
            Quiet::Until(due) => return Some(due),
            Quiet::Over => {}
        }
        self.calls.stop_waiting(&mut self.answer, actions);
        if self.answer.may_suspend() {
            self.answer.suspend(actions);
            return None;
        }
        // A call is half told: its rest is waited for.
        self.answer.touch();
        match self.answer.quiet(now, true) {
            Quiet::Until(due) => Some(due),
            Quiet::NoCalls | Quiet::Over => None,
        }
    }
}

fn mcp_args<'a, 'v>(call: &'a ToolCallView<'v>) -> Option<&'a McpArgsView<'v>> {
    match &call.tool {
        Some(AnyTool::McpToolCall(call)) => call.args.as_option(),
        // A native tool.
        None => None,
    }
}

/// The id of a call in an update.
fn key_of<'a>(call_id: &'a str, args: &McpArgsView<'a>) -> &'a str {
    if args.tool_call_id.is_empty() { call_id } else { args.tool_call_id }
}

fn send(actions: &mut Actions, message: AgentClientMessage) {
    actions.send.push(ClientMessage::Agent(Box::new(message)));
}
