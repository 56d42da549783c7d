//! The conversation so far: roles, and that every tool call has its result.
//!
//! Messages of the same role may follow each other and count as one. So a call may be answered in
//! any of the user messages that follow it; what else stands there comes after the results.

use conversation::{Failure, Message, Part, ToolResult};

use super::blocks::{At, Item, Place, Reader, parts};
use super::required;
use crate::anthropic::wire;
use crate::parts::{push_result, texts};
use crate::problem::{listed, shown, unsupported_value};

/// Most calls that wait for their results at once.
const MAX_CALLS: usize = 1024;
/// Most messages, as the API has it.
const MAX_MESSAGES: usize = 100_000;

/// What the messages amount to.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) instructions: Vec<String>,
    pub(super) messages: Vec<Message>,
    /// The calls of the last assistant messages, until another one follows their results.
    calls: Vec<OpenCall>,
    /// Whether a user message followed the calls.
    answered: bool,
    /// What came before all results were there.
    held: Vec<Message>,
}

#[derive(Debug)]
struct OpenCall {
    id: String,
    /// Place of its message.
    message: usize,
    answered: bool,
}

/// # Errors
/// There is no message, or one of them is wrong by itself or where it stands.
pub(super) fn history(
    instructions: Vec<String>,
    messages: Vec<wire::Message>,
    reader: &mut Reader<'_>,
) -> Result<History, Failure> {
    if messages.is_empty() {
        return Err(Failure::invalid("messages", "at least one message is required"));
    }
    if messages.len() > MAX_MESSAGES {
        let message = format!("at most {MAX_MESSAGES} messages are accepted");
        return Err(Failure::invalid("messages", message));
    }
    let mut history = History { instructions, ..History::default() };
    for (place, message) in messages.into_iter().enumerate() {
        history.push(place, message, reader)?;
    }
    history.close_calls()?;
    Ok(history)
}

impl History {
    fn push(
        &mut self,
        place: usize,
        message: wire::Message,
        reader: &mut Reader<'_>,
    ) -> Result<(), Failure> {
        message.unknown.report("messages[].", reader.ignored);
        let path = format!("messages[{place}].content");
        let at = |place| At { path: &path, prefix: "messages[].content[].", place };
        let content = message.content;
        match message.role.as_deref() {
            Some("user") => {
                let items = reader.content(content, at(Place::User))?;
                self.user(items)
            }
            Some("assistant") => {
                if self.answered {
                    self.close_calls()?;
                }
                let items = reader.content(content, at(Place::Assistant))?;
                self.assistant(place, items)
            }
            // It may consist of nothing but settings, which are reported.
            Some("system") if content.is_none() => Ok(()),
            Some("system") => {
                let items = reader.content(content, at(Place::System))?;
                self.instruction(&parts(items));
                Ok(())
            }
            Some(other) => {
                let supported = "'user', 'assistant', and 'system'";
                Err(unsupported_value(format!("messages[{place}].role"), other, supported))
            }
            None => Err(required(format!("messages[{place}].role"))),
        }
    }

    /// Before the first message it belongs to the turn, later it keeps its place.
    fn instruction(&mut self, parts: &[Part]) {
        let text = texts(parts).join("\n");
        if text.is_empty() {
            return;
        }
        if self.messages.is_empty() {
            self.instructions.push(text);
        } else {
            self.keep(Message::Instruction(text));
        }
    }

    fn user(&mut self, items: Vec<Item>) -> Result<(), Failure> {
        self.answered = true;
        let mut rest = Vec::new();
        let mut has_results = false;
        for item in items {
            match item {
                Item::Part(part) => rest.push(part),
                Item::Call { call, .. } => rest.push(Part::ToolCall(call)),
                Item::Result { result, path } => {
                    has_results = true;
                    self.result(result, path)?;
                }
            }
        }
        if !rest.is_empty() || !has_results {
            self.keep(Message::User(rest));
        }
        Ok(())
    }

    fn assistant(&mut self, place: usize, items: Vec<Item>) -> Result<(), Failure> {
        self.answered = false;
        let follows_calls = !self.calls.is_empty();
        for item in &items {
            let Item::Call { call, path } = item else { continue };
            let path = || format!("{path}.id");
            if self.calls.iter().any(|open| open.id == call.id) {
                return Err(Failure::invalid(path(), "`tool_use` ids must be unique"));
            }
            if self.calls.len() >= MAX_CALLS {
                let message = format!("at most {MAX_CALLS} calls may wait for their results");
                return Err(Failure::invalid(path(), message));
            }
            self.calls.push(OpenCall { id: call.id.clone(), message: place, answered: false });
        }
        let parts = parts(items);
        // Nothing may come between calls and their results.
        if follows_calls && let Some(Message::Assistant(last)) = self.messages.last_mut() {
            last.extend(parts);
        } else {
            self.messages.push(Message::Assistant(parts));
        }
        Ok(())
    }

    fn result(&mut self, result: ToolResult, path: String) -> Result<(), Failure> {
        let id = &result.call_id;
        let Some(call) = self.calls.iter_mut().find(|call| call.id == *id) else {
            let message = format!(
                "unexpected `tool_use_id` found in `tool_result` blocks: {}. Each `tool_result` \
                 block must have a corresponding `tool_use` block in the previous message.",
                shown(id)
            );
            return Err(Failure::invalid(path, message));
        };
        if call.answered {
            let message = format!(
                "each `tool_use` must have a single result. Found multiple `tool_result` blocks \
                 with id: {}",
                shown(id)
            );
            return Err(Failure::invalid(path, message));
        }
        call.answered = true;
        push_result(&mut self.messages, result);
        if !self.is_waiting() {
            self.messages.append(&mut self.held);
        }
        Ok(())
    }

    fn is_waiting(&self) -> bool {
        self.calls.iter().any(|call| !call.answered)
    }

    /// Adds a message, behind the results if some are still to come.
    fn keep(&mut self, message: Message) {
        if self.is_waiting() {
            self.held.push(message);
        } else {
            self.messages.push(message);
        }
    }

    /// # Errors
    /// A call has no result, and another answer follows or nothing.
    fn close_calls(&mut self) -> Result<(), Failure> {
        let calls = std::mem::take(&mut self.calls);
        let lacking: Vec<&OpenCall> = calls.iter().filter(|call| !call.answered).collect();
        let Some(first) = lacking.first() else { return Ok(()) };
        let ids: Vec<&str> = lacking.iter().map(|call| call.id.as_str()).collect();
        let message = format!(
            "`tool_use` ids were found without `tool_result` blocks immediately after: {}. \
             Each `tool_use` block must have a corresponding `tool_result` block in the next \
             message.",
            listed(&ids)
        );
        Err(Failure::invalid(format!("messages[{}]", first.message), message))
    }
}
