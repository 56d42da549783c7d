//! One chat stream as a machine: server messages in, events out.
//!
//! Several fields may share a frame and unknown ones are common; what is not for the client is
//! skipped. A frame's reasoning comes before its text. Calls of built-in tools are refused at
//! once, so that the server never waits for them (`reference/upstream-protocol.md` §6, §8).

use std::collections::HashSet;

use bytes::Bytes;
use conversation::{Event, Failure, StopReason};
use cursor_proto::MessageView as _;
use cursor_proto::aiserver::view::oneof::stream_unified_chat_response_with_tools::Response;
use cursor_proto::aiserver::view::{
    ClientSideToolV2CallView, StreamUnifiedChatResponseView, StreamUnifiedChatResponseWithToolsView,
};
use cursor_proto::aiserver::{
    ClientSideToolV2Result, StreamUnifiedChatRequestWithTools, ToolResultError,
};

use crate::classify::{classify, empty_answer, is_normal_end};
use crate::error::UpstreamError;
use crate::session::{Actions, Blocks, ClientMessage, undecodable};

/// What the model reads when it calls a tool that nobody declared.
const REASON: &str = "This client has no such tool. Answer the user in text.";

/// The state of one stream.
#[derive(Debug)]
pub struct ChatSession {
    blocks: Blocks,
    id: String,
    model: String,
    started: bool,
    /// The seal of the open reasoning block; it comes in a frame of its own, before the one that
    /// closes the block.
    seal: Option<String>,
    usage_id: Option<String>,
    /// Calls that have their refusal: streaming calls are repeated, parallel ones in turns.
    refused: HashSet<String>,
}

impl ChatSession {
    pub(super) fn new(id: String, model: &str) -> Self {
        Self {
            blocks: Blocks::default(),
            id,
            model: model.to_owned(),
            started: false,
            seal: None,
            usage_id: None,
            refused: HashSet::new(),
        }
    }

    pub(crate) fn usage_id(&self) -> Option<&str> {
        self.usage_id.as_deref()
    }

    pub(crate) fn receive(
        &mut self,
        message: &Bytes,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        let message = StreamUnifiedChatResponseWithToolsView::decode_view(message)
            .map_err(|error| undecodable(&error))?;
        if !self.started {
            self.started = true;
            actions.events.push(Event::Started { id: self.id.clone(), model: self.model.clone() });
        }
        match &message.response {
            Some(Response::StreamUnifiedChatResponse(response)) => self.response(response, actions),
            Some(Response::ClientSideToolV2Call(call)) => self.refuse(call, actions),
            Some(
                Response::StreamStart(_)
                | Response::ConversationSummary(_)
                | Response::UserRules(_),
            ) => actions.progress = true,
            // An empty message is legal and says nothing (§3.3).
            None => {}
        }
        Ok(())
    }

    fn response(&mut self, response: &StreamUnifiedChatResponseView<'_>, actions: &mut Actions) {
        actions.progress = true;
        let events = &mut actions.events;
        if let Some(thinking) = response.thinking.as_option() {
            self.blocks.reasoning(thinking.text, events);
            if !thinking.signature.is_empty() {
                self.seal = Some(thinking.signature.to_owned());
            }
            if !thinking.redacted_thinking.is_empty() {
                self.end_reasoning(events);
                self.blocks.end_reasoning(Some(thinking.redacted_thinking.to_owned()), events);
            }
            if thinking.is_last_thinking_chunk {
                self.end_reasoning(events);
            }
        }
        if !response.text.is_empty() {
            self.end_reasoning(events);
            self.blocks.text(response.text, events);
        }
        if let Some(id) = response.usage_uuid.filter(|id| !id.is_empty()) {
            self.usage_id = Some(id.to_owned());
        }
    }

    fn end_reasoning(&mut self, events: &mut Vec<Event>) {
        if self.blocks.in_reasoning() || self.seal.is_some() {
            let seal = self.seal.take();
            self.blocks.end_reasoning(seal, events);
        }
    }

    /// Refuses each call once, when it is complete.
    fn refuse(&mut self, call: &ClientSideToolV2CallView<'_>, actions: &mut Actions) {
        actions.progress = true;
        let complete = !call.is_streaming || call.is_last_message;
        if !complete || !self.refused.insert(call.tool_call_id.to_owned()) {
            return;
        }
        tracing::debug!(tool = call.name, "tool call refused");
        let result = ClientSideToolV2Result {
            tool: call.tool,
            tool_call_id: call.tool_call_id.to_owned(),
            model_call_id: call.model_call_id.map(str::to_owned),
            tool_index: call.tool_index,
            error: ToolResultError {
                client_visible_error_message: REASON.to_owned(),
                model_visible_error_message: REASON.to_owned(),
                ..Default::default()
            }
            .into(),
            ..Default::default()
        };
        actions.send.push(ClientMessage::Chat(Box::new(StreamUnifiedChatRequestWithTools {
            request: result.into(),
            ..Default::default()
        })));
    }

    pub(crate) fn end(
        &mut self,
        result: Result<(), UpstreamError>,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        match result {
            Ok(()) => {}
            Err(error) if is_normal_end(&error) => {}
            Err(error) => return Err(classify(&error)),
        }
        if !self.blocks.spoke() {
            return Err(empty_answer());
        }
        self.end_reasoning(&mut actions.events);
        self.blocks.close(None, &mut actions.events);
        actions.events.push(Event::Finished(StopReason::EndTurn));
        actions.done = true;
        Ok(())
    }
}
