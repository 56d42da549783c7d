//! One run of the agent as a machine: server messages in, events and answers out.
//!
//! Duties that the protocol imposes live here: every KV request, exec request and query is
//! answered, a heartbeat goes out every five seconds, and what is unknown is skipped (agent.md,
//! "Life of a run"). Errors come only with the end of the stream.

use std::time::{Duration, Instant};

use bytes::Bytes;
use conversation::{Event, Failure, ModelName, StopReason, Usage, UsageSource};
use cursor_proto::MessageView as _;
use cursor_proto::agent::view::oneof::agent_server_message::Message as Server;
use cursor_proto::agent::view::oneof::exec_server_message::Message as Exec;
use cursor_proto::agent::view::oneof::interaction_update::Message as Update;
use cursor_proto::agent::view::oneof::kv_server_message::Message as Kv;
use cursor_proto::agent::view::{
    AgentServerMessageView, ExecServerMessageView, InteractionUpdateView, KvServerMessageView,
    TurnEndedUpdateView,
};
use cursor_proto::agent::{
    AgentClientMessage, ClientHeartbeat, Error, ExecClientStreamClose, GetBlobResult,
    KvClientMessage, RequestContext, RequestContextEnv, RequestContextResult,
    RequestContextSuccess, SetBlobResult,
};

use super::blobs::Blobs;
use super::refusal;
use crate::classify::{classify, empty_answer, is_normal_end};
use crate::error::UpstreamError;
use crate::session::{Actions, Blocks, ClientMessage, undecodable};

/// The client says that it lives (agent.md, "Timers").
const HEARTBEAT: Duration = Duration::from_secs(5);

/// What the server is told about the client's surroundings when it asks.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) instructions: String,
    pub(super) timezone: String,
}

/// The state of one run.
#[derive(Debug)]
pub struct AgentSession {
    context: Context,
    blobs: Blobs,
    blocks: Blocks,
    id: String,
    model: String,
    started: bool,
    turn_ended: bool,
    next_heartbeat: Option<Instant>,
}

impl AgentSession {
    pub(super) fn new(context: Context, blobs: Blobs, id: String, model: &ModelName) -> Self {
        Self {
            context,
            blobs,
            blocks: Blocks::default(),
            id,
            model: model.as_str().to_owned(),
            started: false,
            turn_ended: false,
            next_heartbeat: None,
        }
    }

    pub(crate) fn receive(
        &mut self,
        message: &Bytes,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        let message =
            AgentServerMessageView::decode_view(message).map_err(|error| undecodable(&error))?;
        self.start(&mut actions.events);
        match &message.message {
            Some(Server::InteractionUpdate(update)) => self.update(update, actions),
            Some(Server::ExecServerMessage(exec)) => self.exec(exec, actions),
            Some(Server::KvServerMessage(kv)) => self.kv(kv, actions),
            Some(Server::InteractionQuery(query)) => {
                actions.progress = true;
                send(actions, refusal::decline(query));
            }
            // Refusals were answered at once, so there is nothing to abort; the checkpoint is
            // for a follow-up turn, which is rebuilt from the client's transcript.
            Some(Server::ExecServerControlMessage(_) | Server::ConversationCheckpointUpdate(_)) => {
                actions.progress = true;
            }
            None => {}
        }
        Ok(())
    }

    fn start(&mut self, events: &mut Vec<Event>) {
        if !self.started {
            self.started = true;
            events.push(Event::Started { id: self.id.clone(), model: self.model.clone() });
        }
    }

    fn update(&mut self, update: &InteractionUpdateView<'_>, actions: &mut Actions) {
        let events = &mut actions.events;
        match &update.message {
            Some(Update::TextDelta(delta)) => self.blocks.text(delta.text, events),
            Some(Update::ThinkingDelta(delta)) => self.blocks.reasoning(delta.text, events),
            Some(Update::ThinkingCompleted(_)) => self.blocks.end_reasoning(None, events),
            Some(Update::TurnEnded(ended)) => self.turn_ended(ended, events),
            // Alive, but not moving.
            Some(Update::Heartbeat(_)) | None => return,
            Some(
                Update::ToolCallStarted(_)
                | Update::ToolCallCompleted(_)
                | Update::UserMessageAppended(_)
                | Update::PartialToolCall(_)
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
    }

    fn turn_ended(&mut self, ended: &TurnEndedUpdateView<'_>, events: &mut Vec<Event>) {
        self.blocks.close(None, events);
        self.turn_ended = true;
        let count = |tokens: Option<i64>| tokens.and_then(|tokens| u64::try_from(tokens).ok());
        if let (Some(input), Some(output)) = (count(ended.input_tokens), count(ended.output_tokens))
        {
            events.push(Event::Usage(Usage {
                input,
                output,
                cache_read: count(ended.cache_read_tokens),
                cache_write: count(ended.cache_write_tokens),
                reasoning: count(ended.reasoning_tokens),
                source: UsageSource::Upstream,
            }));
        }
    }

    fn exec(&mut self, exec: &ExecServerMessageView<'_>, actions: &mut Actions) {
        actions.progress = true;
        let answers = refusal::refuse(exec).unwrap_or_else(|| self.request_context(exec));
        for answer in answers {
            send(actions, answer);
        }
        if let Some(kind) = native_kind(exec) {
            tracing::debug!(kind, "native tool refused");
        }
    }

    fn request_context(&self, exec: &ExecServerMessageView<'_>) -> Vec<AgentClientMessage> {
        let Context { instructions, timezone } = &self.context;
        let context = RequestContext {
            env: RequestContextEnv {
                os_version: "linux".to_owned(),
                workspace_paths: vec!["/workspace".to_owned()],
                shell: "bash".to_owned(),
                time_zone: timezone.clone(),
                project_folder: "/workspace".to_owned(),
                ..Default::default()
            }
            .into(),
            cloud_rule: (!instructions.is_empty()).then(|| instructions.clone()),
            web_search_enabled: Some(false),
            web_fetch_enabled: Some(false),
            ..Default::default()
        };
        let success =
            RequestContextSuccess { request_context: context.into(), ..Default::default() };
        let result = RequestContextResult { result: success.into(), ..Default::default() };
        vec![
            refusal::exec_result(exec, result.into()),
            refusal::control(ExecClientStreamClose { id: exec.id, ..Default::default() }.into()),
        ]
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

    pub(crate) fn end(
        &mut self,
        result: Result<(), UpstreamError>,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        match result {
            Ok(()) => {}
            Err(error) if is_normal_end(&error) => {}
            // The turn is complete; what went wrong afterwards costs the client nothing.
            Err(error) if self.turn_ended && self.blocks.spoke() => {
                tracing::debug!(%error, "stream failed after its turn had ended");
            }
            Err(error) => return Err(classify(&error)),
        }
        if !self.blocks.spoke() {
            return Err(empty_answer());
        }
        self.blocks.close(None, &mut actions.events);
        actions.events.push(Event::Finished(StopReason::EndTurn));
        actions.done = true;
        Ok(())
    }

    /// Sends the heartbeat when it is due.
    pub(crate) fn tick(&mut self, now: Instant, actions: &mut Actions) -> Instant {
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
}

fn send(actions: &mut Actions, message: AgentClientMessage) {
    actions.send.push(ClientMessage::Agent(Box::new(message)));
}

fn native_kind(exec: &ExecServerMessageView<'_>) -> Option<&'static str> {
    Some(match exec.message.as_ref()? {
        Exec::RequestContextArgs(_) => return None,
        Exec::ShellArgs(_) => "shell",
        Exec::WriteArgs(_) => "write",
        Exec::DeleteArgs(_) => "delete",
        Exec::GrepArgs(_) => "grep",
        Exec::ReadArgs(_) => "read",
        Exec::LsArgs(_) => "ls",
        Exec::DiagnosticsArgs(_) => "diagnostics",
        Exec::McpArgs(_) => "mcp",
        Exec::ShellStreamArgs(_) => "shell_stream",
        Exec::BackgroundShellSpawnArgs(_) => "background_shell_spawn",
        Exec::FetchArgs(_) => "fetch",
    })
}
