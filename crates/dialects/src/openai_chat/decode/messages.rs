//! The conversation so far: roles, and that every tool call has its result.

use conversation::{Failure, Message, Part, ToolCall, ToolResult};

use super::calls::{function_call, tool_call};
use super::parts::{Place, Reader};
use super::thinking;
use crate::openai_chat::wire;
use crate::parts::{push_result, texts};
use crate::problem::{listed, missing, shown, unsupported_value};

/// Most calls in one message.
const MAX_CALLS: usize = 1024;

/// What the messages amount to.
#[derive(Debug, Default)]
pub(super) struct History {
    pub(super) instructions: Vec<String>,
    pub(super) messages: Vec<Message>,
    /// The calls of the last assistant message, while results may follow it.
    calls: Option<OpenCalls>,
}

/// Calls that wait for their results.
#[derive(Debug)]
struct OpenCalls {
    path: String,
    calls: Vec<OpenCall>,
}

#[derive(Debug)]
struct OpenCall {
    id: String,
    name: String,
    answered: bool,
}

#[derive(Debug, Clone, Copy)]
enum Role {
    Instruction,
    User,
    Assistant,
    Tool,
    /// The answer to a `function_call`, from before there were tools.
    Function,
}

impl Role {
    fn parse(role: Option<&str>, path: &str) -> Result<Self, Failure> {
        let path = format!("{path}.role");
        match role {
            Some("system" | "developer") => Ok(Self::Instruction),
            Some("user" | "human") => Ok(Self::User),
            Some("assistant" | "ai") => Ok(Self::Assistant),
            Some("tool") => Ok(Self::Tool),
            Some("function") => Ok(Self::Function),
            Some(other) => Err(unsupported_value(
                path,
                other,
                "'system', 'developer', 'user', 'assistant', 'tool', and 'function'",
            )),
            None => Err(missing(path)),
        }
    }
}

/// # Errors
/// There is no message, or one of them is wrong by itself or where it stands.
pub(super) fn history(
    messages: Vec<wire::Message>,
    reader: &mut Reader<'_>,
) -> Result<History, Failure> {
    if messages.is_empty() {
        let message = "Invalid 'messages': empty array. Expected an array with minimum length 1, \
                       but got an empty array instead.";
        return Err(Failure::invalid("messages", message));
    }
    let mut history = History::default();
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
        mut message: wire::Message,
        reader: &mut Reader<'_>,
    ) -> Result<(), Failure> {
        let path = format!("messages[{place}]");
        let role = Role::parse(message.role.as_deref(), &path)?;
        match role {
            Role::Instruction => {
                self.close_calls()?;
                self.instruction(&mut message, &path, reader)?;
            }
            Role::User => {
                self.close_calls()?;
                let parts = reader.required_parts(message.content.take(), Place::User, &path)?;
                self.messages.push(Message::User(parts));
            }
            Role::Assistant => {
                self.close_calls()?;
                self.assistant(place, &mut message, &path, reader)?;
            }
            Role::Tool => {
                let id = message
                    .tool_call_id
                    .take()
                    .ok_or_else(|| missing(format!("{path}.tool_call_id")))?;
                let call_id = self.answer(&path, "tool_call_id", &id, |call| call.id == id)?;
                self.result(call_id, &mut message, &path, reader)?;
            }
            Role::Function => {
                let name = message.name.take().ok_or_else(|| missing(format!("{path}.name")))?;
                let call_id = self.answer(&path, "name", &name, |call| call.name == name)?;
                self.result(call_id, &mut message, &path, reader)?;
            }
        }
        report_leftovers(&message, reader);
        Ok(())
    }

    /// Before the first message it belongs to the turn, later it keeps its place.
    fn instruction(
        &mut self,
        message: &mut wire::Message,
        path: &str,
        reader: &mut Reader<'_>,
    ) -> Result<(), Failure> {
        let parts = reader.required_parts(message.content.take(), Place::Instruction, path)?;
        let text = texts(&parts).join("\n");
        if text.is_empty() {
            return Ok(());
        }
        if self.messages.is_empty() {
            self.instructions.push(text);
        } else {
            self.messages.push(Message::Instruction(text));
        }
        Ok(())
    }

    fn assistant(
        &mut self,
        place: usize,
        message: &mut wire::Message,
        path: &str,
        reader: &mut Reader<'_>,
    ) -> Result<(), Failure> {
        let mut parts = thinking::parts(message, path, reader)?;
        parts.extend(reader.parts(message.content.take(), Place::Assistant, path)?);
        if let Some(text) = message.refusal.take().filter(|text| !text.is_empty()) {
            parts.push(Part::Text(text));
        }
        let wires = message.tool_calls.take().unwrap_or_default();
        if wires.len() > MAX_CALLS {
            let message = format!("Too many tool calls in one message: at most {MAX_CALLS}.");
            return Err(Failure::invalid(format!("{path}.tool_calls"), message));
        }
        let mut calls = Vec::with_capacity(wires.len());
        for (number, call) in wires.into_iter().enumerate() {
            calls.push(tool_call(call, &format!("{path}.tool_calls[{number}]"), &calls, reader)?);
        }
        let mut calls_path = format!("{path}.tool_calls");
        if calls.is_empty()
            && let Some(call) = message.function_call.take()
        {
            calls_path = format!("{path}.function_call");
            let id = format!("function_call_{place}");
            calls.push(function_call(call, id, &calls_path, "messages[].function_call.", reader)?);
        }
        self.expect_results(calls_path, &calls);
        parts.extend(calls.into_iter().map(Part::ToolCall));
        self.messages.push(Message::Assistant(parts));
        Ok(())
    }

    fn expect_results(&mut self, path: String, calls: &[ToolCall]) {
        self.calls = (!calls.is_empty()).then(|| OpenCalls {
            path,
            calls: calls
                .iter()
                .map(|call| OpenCall {
                    id: call.id.clone(),
                    name: call.name.clone(),
                    answered: false,
                })
                .collect(),
        });
    }

    /// The id of the open call that this message answers.
    fn answer(
        &mut self,
        path: &str,
        field: &str,
        value: &str,
        fits: impl Fn(&OpenCall) -> bool,
    ) -> Result<String, Failure> {
        let Some(open) = &mut self.calls else {
            let message = "Invalid parameter: messages with role 'tool' must be a response to a \
                           preceding message with 'tool_calls'.";
            return Err(Failure::invalid(format!("{path}.role"), message));
        };
        let known = open.calls.iter().any(&fits);
        let Some(call) = open.calls.iter_mut().find(|call| !call.answered && fits(call)) else {
            let value = shown(value);
            let message = if known {
                format!("Invalid parameter: '{field}' of '{value}' was already answered.")
            } else {
                format!(
                    "Invalid parameter: '{field}' of '{value}' not found in 'tool_calls' of \
                     previous message."
                )
            };
            return Err(Failure::invalid(format!("{path}.{field}"), message));
        };
        call.answered = true;
        Ok(call.id.clone())
    }

    fn result(
        &mut self,
        call_id: String,
        message: &mut wire::Message,
        path: &str,
        reader: &mut Reader<'_>,
    ) -> Result<(), Failure> {
        let content = reader.parts(message.content.take(), Place::Tool, path)?;
        let result = ToolResult { call_id, content, is_error: false };
        push_result(&mut self.messages, result);
        Ok(())
    }

    /// # Errors
    /// A call has no result, and something else follows or nothing.
    fn close_calls(&mut self) -> Result<(), Failure> {
        let Some(open) = self.calls.take() else { return Ok(()) };
        let lacking = open.calls.iter().filter(|call| !call.answered);
        let lacking: Vec<&str> = lacking.map(|call| call.id.as_str()).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let message = format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding \
             to each 'tool_call_id'. The following tool_call_ids did not have response messages: \
             {}",
            listed(&lacking)
        );
        Err(Failure::invalid(open.path, message))
    }
}

/// What the role had no use for.
fn report_leftovers(message: &wire::Message, reader: &mut Reader<'_>) {
    message.unknown.report("messages[].", reader.ignored);
    for (name, given) in [
        ("name", message.name.is_some()),
        ("reasoning_content", message.reasoning_content.is_some()),
        ("reasoning_details", message.reasoning_details.is_some()),
        ("refusal", message.refusal.is_some()),
        ("tool_calls", message.tool_calls.is_some()),
        ("tool_call_id", message.tool_call_id.is_some()),
        ("function_call", message.function_call.is_some()),
    ] {
        if given {
            reader.ignored.add("messages[].", name);
        }
    }
}
