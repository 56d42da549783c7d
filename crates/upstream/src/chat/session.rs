//! One chat stream as a machine: server messages in, events and answers out.
//!
//! Several fields may share a frame and unknown ones are common; what is not for the client is
//! skipped. A frame's reasoning comes before its text. Calls of tools that the client does not
//! have are refused at once, so that the server never waits for them
//! (`reference/upstream-protocol.md` §6, §8).

use std::time::Instant;

use bytes::Bytes;
use conversation::{Failure, ToolResult};
use cursor_proto::MessageView as _;
use cursor_proto::aiserver::view::oneof::stream_unified_chat_response_with_tools::Response;
use cursor_proto::aiserver::view::{
    StreamUnifiedChatResponseView, StreamUnifiedChatResponseWithToolsView, WebCitationView,
};

use super::calls::Calls;
use crate::classify::{classify, empty_answer, is_normal_end};
use crate::error::UpstreamError;
use crate::ids;
use crate::memory::Memory;
use crate::offer::Offer;
use crate::session::{Actions, Answer, Quiet, left, result_of, undecodable};

/// Sources that are listed.
const MOST_REFERENCES: usize = 50;

/// The state of one stream.
#[derive(Debug)]
pub struct ChatSession {
    answer: Answer,
    offer: Offer,
    calls: Calls,
    conversation_id: String,
    /// The seal of the open reasoning block; it comes in a frame of its own, before the one that
    /// closes the block.
    seal: Option<String>,
    usage_id: Option<String>,
    /// Sources of a web search, title and address; `None` if they are not wanted.
    references: Option<Vec<(String, String)>>,
}

impl ChatSession {
    pub(super) fn new(
        answer: Answer,
        offer: Offer,
        conversation_id: String,
        web_references: bool,
    ) -> Self {
        let calls = Calls::new(ids::mark(answer.id()));
        Self {
            answer,
            offer,
            calls,
            conversation_id,
            seal: None,
            usage_id: None,
            references: web_references.then(Vec::new),
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
        self.answer.start(actions);
        match &message.response {
            Some(Response::StreamUnifiedChatResponse(response)) => self.response(response, actions),
            Some(Response::ClientSideToolV2Call(call)) => {
                actions.progress = true;
                self.end_reasoning(actions);
                self.calls.take(call, &self.offer, &mut self.answer, actions)?;
            }
            Some(
                Response::StreamStart(_)
                | Response::ConversationSummary(_)
                | Response::UserRules(_),
            ) => actions.progress = true,
            // An empty message is legal and says nothing (§3.3).
            None => {}
        }
        self.answer.check()
    }

    fn response(&mut self, response: &StreamUnifiedChatResponseView<'_>, actions: &mut Actions) {
        actions.progress = true;
        if let Some(thinking) = response.thinking.as_option() {
            self.answer.reasoning(thinking.text, actions);
            if !thinking.signature.is_empty() {
                self.seal = Some(thinking.signature.to_owned());
            }
            if !thinking.redacted_thinking.is_empty() {
                self.end_reasoning(actions);
                let seal = Some(thinking.redacted_thinking.to_owned());
                self.answer.end_reasoning(seal, actions);
            }
            if thinking.is_last_thinking_chunk {
                self.end_reasoning(actions);
            }
        }
        if !response.text.is_empty() {
            self.end_reasoning(actions);
            self.answer.text(response.text, actions);
        }
        if let Some(citation) = response.web_citation.as_option() {
            self.note(citation);
        }
        if let Some(id) = response.usage_uuid.filter(|id| !id.is_empty()) {
            self.usage_id = Some(id.to_owned());
        }
        if response.parallel_tool_calls_complete == Some(true) {
            self.calls.stop_waiting(&mut self.answer, actions);
            if self.answer.may_suspend() {
                self.end_reasoning(actions);
                self.answer.suspend(actions);
            }
        }
    }

    fn end_reasoning(&mut self, actions: &mut Actions) {
        if self.answer.in_reasoning() || self.seal.is_some() {
            let seal = self.seal.take();
            self.answer.end_reasoning(seal, actions);
        }
    }

    fn note(&mut self, citation: &WebCitationView<'_>) {
        let Some(references) = &mut self.references else { return };
        for reference in citation.references.iter() {
            let known = references.iter().any(|(_, url)| url == reference.url);
            if !known && !reference.url.is_empty() && references.len() < MOST_REFERENCES {
                references.push((reference.title.to_owned(), reference.url.to_owned()));
            }
        }
    }

    /// The sources as a list at the end of the answer.
    fn list_references(&mut self, actions: &mut Actions) {
        let references = self.references.take().unwrap_or_default();
        if references.is_empty() {
            return;
        }
        let mut list = String::from("\n\nWebReferences:");
        for (at, (title, url)) in references.iter().enumerate() {
            let title = if title.is_empty() { url } else { title };
            list.push_str(&format!("\n{}. [{title}]({url})", at + 1));
        }
        self.answer.text(&list, actions);
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
        if self.answer.is_suspended() {
            return Err(left());
        }
        if !self.answer.spoke() {
            return Err(empty_answer());
        }
        self.end_reasoning(actions);
        self.list_references(actions);
        if self.answer.finish(actions) { Ok(()) } else { Err(classify(&UpstreamError::Cut)) }
    }

    pub(crate) fn memory(&self) -> Memory {
        Memory::of_chat(self.conversation_id.clone())
    }

    /// What it holds, in bytes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        self.answer.kept()
    }

    pub(crate) fn pending_calls(&self) -> Vec<String> {
        self.answer.pending_calls()
    }

    pub(crate) fn resume(&mut self, id: String, results: &[ToolResult], actions: &mut Actions) {
        // Its figures are the earlier answer's.
        self.usage_id = None;
        for key in self.answer.resume(id, actions) {
            self.calls.resolve(&key, result_of(&key, results), actions);
        }
    }

    /// Ends an answer whose calls have come to rest.
    pub(crate) fn tick(&mut self, now: Instant, actions: &mut Actions) -> Option<Instant> {
        match self.answer.quiet(now, self.calls.are_outstanding()) {
            Quiet::NoCalls => return None,
            Quiet::Until(due) => return Some(due),
            Quiet::Over => {}
        }
        self.calls.stop_waiting(&mut self.answer, actions);
        if self.answer.may_suspend() {
            self.end_reasoning(actions);
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
