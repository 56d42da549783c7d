//! A client of agent.v1 that does its duties and notes what it saw.

use std::collections::HashMap;

use bytes::Bytes;
use cursor_proto::Message as _;
use cursor_proto::agent::oneof::{
    agent_client_message as client, agent_server_message as server, exec_client_message as answer,
    exec_server_message as exec, interaction_update as update, kv_client_message as kv_answer,
    kv_server_message as kv,
};
use cursor_proto::agent::{
    AgentClientMessage, AgentRunRequest, AgentServerMessage, ClientHeartbeat, ConversationAction,
    ExecClientControlMessage, ExecClientMessage, ExecClientThrow, ExecServerMessage, GetBlobResult,
    KvClientMessage, KvServerMessage, McpArgs, McpResult, McpSuccess, McpTextContent,
    McpToolDefinition, McpToolResultContentItem, RequestContext, RequestContextResult,
    RequestContextSuccess, RequestedModel, SetBlobResult, UserMessage, UserMessageAction,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::client::{Connection, Got, RUN, Stream};

/// What a run brought.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) pieces: Vec<String>,
    pub(crate) thinking: String,
    pub(crate) calls: Vec<McpArgs>,
    /// Kinds of messages in order, runs of the same kind once.
    pub(crate) order: Vec<String>,
    pub(crate) usage: Option<(i64, i64, i64)>,
    pub(crate) checkpoint: Option<cursor_proto::agent::ConversationStateStructure>,
    pub(crate) heartbeats: usize,
    pub(crate) natives: Vec<exec::Message>,
    pub(crate) end: Option<Value>,
    pub(crate) broken: bool,
    pub(crate) compressed: usize,
}

impl Seen {
    fn note(&mut self, kind: &str) {
        if self.order.last().is_none_or(|last| last != kind) {
            self.order.push(kind.to_owned());
        }
    }

    pub(crate) fn code(&self) -> &str {
        self.end.as_ref().and_then(|end| end["error"]["code"].as_str()).unwrap_or_default()
    }
}

/// A client with its blobs and its tools.
pub(crate) struct Agent {
    pub(crate) stream: Stream,
    /// `None`: refuses to say.
    pub(crate) context: Option<RequestContext>,
    pub(crate) blobs: HashMap<Vec<u8>, Vec<u8>>,
    /// What each tool returns.
    pub(crate) results: HashMap<String, String>,
    /// Whether it refuses what it cannot know, as it must.
    pub(crate) throws: bool,
    pub(crate) seen: Seen,
}

pub(crate) fn tool(name: &str) -> McpToolDefinition {
    McpToolDefinition {
        name: name.into(),
        tool_name: name.into(),
        provider_identifier: "gateway".into(),
        ..Default::default()
    }
}

/// A run request with this text.
pub(crate) fn request(text: &str) -> AgentRunRequest {
    let user_message =
        UserMessage { text: text.into(), message_id: "m".into(), ..Default::default() };
    let action = UserMessageAction { user_message: user_message.into(), ..Default::default() };
    AgentRunRequest {
        conversation_state: cursor_proto::agent::ConversationStateStructure::default().into(),
        action: ConversationAction { action: action.into(), ..Default::default() }.into(),
        requested_model: RequestedModel { model_id: "default".into(), ..Default::default() }.into(),
        conversation_id: Some("11111111-1111-4111-8111-00000000000a".into()),
        ..Default::default()
    }
}

pub(crate) fn id_of(data: &[u8]) -> Vec<u8> {
    Sha256::digest(data).to_vec()
}

impl Agent {
    pub(crate) async fn open(connection: &mut Connection) -> Self {
        let stream = connection.stream(RUN).await;
        let (blobs, results) = (HashMap::new(), HashMap::new());
        Self {
            stream,
            context: Some(RequestContext::default()),
            blobs,
            results,
            throws: true,
            seen: Seen::default(),
        }
    }

    /// Runs a prompt to its end.
    pub(crate) async fn ask(connection: &mut Connection, text: &str) -> Seen {
        let agent = Self::open(connection).await;
        agent.send(request(text)).await;
        agent.finish().await
    }

    pub(crate) async fn send(&self, message: impl Into<Option<client::Message>>) {
        let message = AgentClientMessage { message: message.into(), ..Default::default() };
        self.stream.send(&message.encode_to_vec()).await;
    }

    pub(crate) async fn heartbeat(&self) {
        self.send(ClientHeartbeat::default()).await;
    }

    pub(crate) async fn finish(mut self) -> Seen {
        while self.step().await {}
        self.seen
    }

    /// Takes in one frame; whether there will be more.
    pub(crate) async fn step(&mut self) -> bool {
        match self.stream.next().await {
            Got::Message { payload, compressed } => {
                self.seen.compressed += usize::from(compressed);
                self.message(&payload).await;
                true
            }
            Got::End(end) => {
                self.seen.end = Some(end);
                true
            }
            Got::Eof => false,
            Got::Broken => {
                self.seen.broken = true;
                false
            }
        }
    }

    /// Goes on until `done`.
    pub(crate) async fn until(&mut self, done: impl Fn(&Seen) -> bool) {
        while !done(&self.seen) {
            assert!(self.step().await, "the stream ended: {:?}", self.seen);
        }
    }

    async fn message(&mut self, payload: &Bytes) {
        use server::Message as M;
        match AgentServerMessage::decode_from_slice(payload).unwrap().message {
            Some(M::InteractionUpdate(message)) => self.update(message.message),
            Some(M::KvServerMessage(request)) => self.kv(*request).await,
            Some(M::ExecServerMessage(request)) => self.exec(*request).await,
            Some(M::ConversationCheckpointUpdate(state)) => {
                self.seen.note("checkpoint");
                self.seen.checkpoint = Some(*state);
            }
            Some(M::InteractionQuery(_)) => self.seen.note("query"),
            Some(M::ExecServerControlMessage(_)) => self.seen.note("control"),
            None => self.seen.note("unknown"),
        }
    }

    fn update(&mut self, message: Option<update::Message>) {
        use update::Message as M;
        let seen = &mut self.seen;
        match message {
            Some(M::TextDelta(delta)) => {
                seen.note("text");
                seen.text.push_str(&delta.text);
                seen.pieces.push(delta.text);
            }
            Some(M::ThinkingDelta(delta)) => {
                seen.note("thinking");
                seen.thinking.push_str(&delta.text);
            }
            Some(M::ThinkingCompleted(_)) => seen.note("thinking_completed"),
            Some(M::TokenDelta(_)) => seen.note("token_delta"),
            Some(M::UserMessageAppended(_)) => seen.note("user_message_appended"),
            Some(M::StepStarted(_)) => seen.note("step_started"),
            Some(M::StepCompleted(_)) => seen.note("step_completed"),
            Some(M::PartialToolCall(_)) => seen.note("partial_tool_call"),
            Some(M::ToolCallStarted(_)) => seen.note("tool_call_started"),
            Some(M::ToolCallCompleted(_)) => seen.note("tool_call_completed"),
            Some(M::Heartbeat(_)) => seen.heartbeats += 1,
            Some(M::TurnEnded(ended)) => {
                seen.note("turn_ended");
                let of = |tokens: Option<i64>| tokens.unwrap();
                seen.usage = Some((
                    of(ended.input_tokens),
                    of(ended.output_tokens),
                    of(ended.cache_read_tokens),
                ));
            }
            Some(other) => panic!("unexpected update {other:?}"),
            None => seen.note("unknown_update"),
        }
    }

    async fn kv(&mut self, request: KvServerMessage) {
        let message: kv_answer::Message = match request.message.unwrap() {
            kv::Message::SetBlobArgs(args) => {
                self.seen.note("set_blob");
                assert_eq!(id_of(&args.blob_data), args.blob_id);
                self.blobs.insert(args.blob_id, args.blob_data);
                SetBlobResult::default().into()
            }
            kv::Message::GetBlobArgs(args) => {
                self.seen.note("get_blob");
                let blob_data = self.blobs.get(&args.blob_id).cloned();
                GetBlobResult { blob_data, ..Default::default() }.into()
            }
        };
        self.send(KvClientMessage { id: request.id, message: Some(message), ..Default::default() })
            .await;
    }

    pub(crate) async fn answer(
        &self,
        request: &ExecServerMessage,
        message: impl Into<Option<answer::Message>>,
    ) {
        let (id, exec_id) = (request.id, request.exec_id.clone());
        self.send(ExecClientMessage { id, exec_id, message: message.into(), ..Default::default() })
            .await;
    }

    async fn exec(&mut self, request: ExecServerMessage) {
        match request.message.clone() {
            Some(exec::Message::RequestContextArgs(_)) => {
                self.seen.note("request_context");
                let success = self.context.clone().map(|context| {
                    RequestContextSuccess { request_context: context.into(), ..Default::default() }
                        .into()
                });
                self.answer(
                    &request,
                    RequestContextResult { result: success, ..Default::default() },
                )
                .await;
            }
            Some(exec::Message::McpArgs(args)) => {
                self.seen.note("mcp");
                if let Some(text) = self.results.get(&args.name) {
                    self.answer(&request, mcp_text(text)).await;
                }
                self.seen.calls.push(*args);
            }
            Some(native) => {
                self.seen.note("native");
                self.seen.natives.push(native);
            }
            None => {
                self.seen.note("unknown_exec");
                if !self.throws {
                    return;
                }
                let throw = ExecClientThrow {
                    id: request.id,
                    error: "unknown".into(),
                    ..Default::default()
                };
                self.send(ExecClientControlMessage { message: throw.into(), ..Default::default() })
                    .await;
            }
        }
    }
}

pub(crate) fn mcp_text(text: &str) -> McpResult {
    let text = McpTextContent { text: text.into(), ..Default::default() };
    let item = McpToolResultContentItem { content: text.into(), ..Default::default() };
    let success = McpSuccess { content: vec![item], ..Default::default() };
    McpResult { result: success.into(), ..Default::default() }
}
