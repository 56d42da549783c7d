//! The answer in the words of the chat flow: response frames and client-side tool calls.

use std::time::Duration;

use cursor_proto::aiserver::conversation_message::Thinking;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Call, ReadFileParams, StreamUnifiedChatResponse,
    StreamUnifiedChatResponseWithTools, StreamedBackPartialToolCall,
};
use serde_json::value::RawValue;
use tokio::time::Instant;
use uuid::Uuid;

use super::calls::{self, Announced, Calls};
use super::{Chat, RESULT, result};
use crate::failure::Failure;
use crate::link::{Halt, Link};
use crate::player::Flow;
use crate::script::{Native, Query};
use crate::state::Usage;
use crate::view::{Message, Role, Tool, View};
use crate::wire;

/// A number that no schema uses.
const UNKNOWN_FIELD: u32 = 1007;

impl Chat {
    fn think(&self, thinking: Thinking) {
        self.respond(StreamUnifiedChatResponse { thinking: thinking.into(), ..Default::default() });
    }

    fn send_call(&self, call: ClientSideToolV2Call) {
        self.send(&StreamUnifiedChatResponseWithTools {
            response: call.into(),
            ..Default::default()
        });
    }

    fn announce(&self, announced: &Announced) {
        let partial = StreamedBackPartialToolCall {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
            tool_call_id: announced.id.clone(),
            name: announced.name.clone(),
            tool_index: Some(announced.index),
            model_call_id: Some(announced.model_call_id.clone()),
            ..Default::default()
        };
        self.respond(StreamUnifiedChatResponse {
            partial_tool_call: partial.into(),
            ..Default::default()
        });
    }

    async fn answered(&mut self, done: impl Fn(&Calls) -> bool) -> Result<(), Halt> {
        if self.wait(Instant::now() + RESULT, true, done).await? {
            return Ok(());
        }
        Err(Failure::timeout("Tool call timed out").into())
    }
}

impl Flow for Chat {
    fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn view(&self) -> &View {
        &self.view
    }

    fn begin_step(&mut self) {
        self.text.clear();
    }

    fn end_step(&mut self) {}

    fn text(&mut self, piece: &str) {
        self.respond(StreamUnifiedChatResponse { text: piece.to_owned(), ..Default::default() });
        self.text.push_str(piece);
        self.produced += piece.len();
    }

    fn thinking(&mut self, piece: &str) {
        self.thinking = true;
        self.produced += piece.len();
        self.think(Thinking { text: piece.to_owned(), ..Default::default() });
    }

    fn end_thinking(&mut self) {
        if std::mem::take(&mut self.thinking) {
            self.think(Thinking { signature: "c2lnbmF0dXJl".to_owned(), ..Default::default() });
            self.think(Thinking { is_last_thinking_chunk: true, ..Default::default() });
        }
    }

    fn end_pieces(&mut self) {}

    fn call(&mut self, tool: &Tool, arguments: &RawValue) {
        let id = Uuid::new_v4().simple().to_string();
        let announced = Announced {
            // As OpenAI models name them, with the line feed.
            id: format!("call_{}\nfc_{id}", &id[..24]),
            name: format!("mcp_{}_{}", tool.server, tool.name),
            tool: tool.name.clone(),
            server: tool.server.clone(),
            index: u32::try_from(self.calls.len()).unwrap_or(u32::MAX),
            model_call_id: format!("mc_{}", Uuid::new_v4().simple()),
        };
        let arguments = calls::spaced(&serde_json::from_str(arguments.get()).unwrap_or_default());
        self.announce(&announced);
        for text in calls::growing(&arguments) {
            self.send_call(calls::mcp_call(&announced, text, text.len() == arguments.len()));
        }
        self.calls.ask(announced.id, ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP);
    }

    async fn results(&mut self) -> Result<bool, Halt> {
        let asked = self.calls.len();
        if asked == 0 {
            return Ok(false);
        }
        self.respond(StreamUnifiedChatResponse {
            parallel_tool_calls_complete: Some(true),
            ..Default::default()
        });
        self.answered(Calls::are_answered).await?;
        self.view.messages.push(Message::calling(self.text.as_str(), asked));
        for answer in self.calls.take() {
            self.view.messages.push(Message::new(Role::Tool, result::text(&answer)));
        }
        Ok(true)
    }

    async fn pause(&mut self, time: Duration) -> Result<(), Halt> {
        if time.is_zero() {
            return self.hear_now().await;
        }
        self.wait(Instant::now() + time, false, |_| false).await.map(|_| ())
    }

    /// The chat flow has no heartbeat; an empty message is legal and says nothing.
    fn keep_alive(&mut self) {
        self.link.out.frame(0, b"");
    }

    fn usage(&mut self, input: i64, output: i64) {
        self.usage = Some(Usage { input, output });
    }

    /// Every kind is played as the built-in `read_file` (vector `tool_call_read_file`).
    async fn native(&mut self, _: Native) -> Result<String, Halt> {
        let id = format!("toolu_{}", &Uuid::new_v4().simple().to_string()[..24]);
        let params = ReadFileParams {
            relative_workspace_path: "a.txt".to_owned(),
            read_entire_file: true,
            ..Default::default()
        };
        self.send_call(ClientSideToolV2Call {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_READ_FILE.into(),
            tool_call_id: id.clone(),
            params: params.into(),
            name: "read_file".to_owned(),
            raw_args: r#"{"target_file":"a.txt"}"#.to_owned(),
            is_last_message: true,
            ..Default::default()
        });
        self.calls.ask(id.clone(), ClientSideToolV2::CLIENT_SIDE_TOOL_V2_READ_FILE);
        self.answered(|calls| calls.is_answered(&id)).await?;
        Ok(self.calls.take_one(&id).as_ref().map(result::text).unwrap_or_default())
    }

    /// The chat flow asks the user nothing.
    async fn query(&mut self, _: Query) -> Result<String, Halt> {
        Ok("not available".to_owned())
    }

    async fn unknown(&mut self) -> Result<(), Halt> {
        let out = &self.link.out;
        // An unknown field of a response, an unknown response, an unknown field beside it.
        out.frame(0, &wire::message(2, &wire::message(UNKNOWN_FIELD, b"abc")));
        out.frame(0, &wire::message(UNKNOWN_FIELD, b"abc"));
        let mut both = wire::message(2, b"");
        wire::number(&mut both, UNKNOWN_FIELD, 1);
        out.frame(0, &both);
        Ok(())
    }
}
