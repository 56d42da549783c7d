//! Messages out of a flat list of items: what follows each other in an answer becomes one
//! message, and every output is put behind the answer that called for it, wherever it stands.

use std::collections::HashMap;

use conversation::{Failure, Message, Part, ToolCall, ToolResult};

use super::History;
use crate::problem::shown;

/// The items so far.
#[derive(Debug, Default)]
pub(super) struct Builder {
    instructions: Vec<String>,
    steps: Vec<Step>,
    calls: HashMap<String, OpenCall>,
}

#[derive(Debug)]
enum Step {
    User(Vec<Part>),
    Instruction(String),
    Answer { parts: Vec<Part>, results: Vec<ToolResult> },
}

/// A call and where it was made.
#[derive(Debug)]
struct OpenCall {
    step: usize,
    /// Path of its item.
    path: String,
    /// Order among the calls.
    number: usize,
    answered: bool,
}

impl Builder {
    pub(super) fn user(&mut self, parts: Vec<Part>) {
        self.steps.push(Step::User(parts));
    }

    /// Before the first message it belongs to the turn, later it keeps its place.
    pub(super) fn instruction(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        if self.steps.is_empty() {
            self.instructions.push(text);
        } else {
            self.steps.push(Step::Instruction(text));
        }
    }

    /// More of the answer that is going on, or the beginning of one; tells its step.
    pub(super) fn assistant(&mut self, more: Vec<Part>) -> usize {
        match self.steps.last_mut() {
            Some(Step::Answer { parts, results }) if results.is_empty() => parts.extend(more),
            Some(Step::Answer { .. } | Step::User(_) | Step::Instruction(_)) | None => {
                self.steps.push(Step::Answer { parts: more, results: Vec::new() });
            }
        }
        self.steps.len() - 1
    }

    /// # Errors
    /// A call of this id still waits for its output.
    pub(super) fn call(&mut self, call: ToolCall, path: &str) -> Result<(), Failure> {
        if self.calls.get(&call.id).is_some_and(|open| !open.answered) {
            let message = format!("Duplicate tool call with call_id {}.", shown(&call.id));
            return Err(Failure::invalid(format!("{path}.call_id"), message));
        }
        let id = call.id.clone();
        let step = self.assistant(vec![Part::ToolCall(call)]);
        let number = self.calls.len();
        let open = OpenCall { step, path: path.to_owned(), number, answered: false };
        self.calls.insert(id, open);
        Ok(())
    }

    /// # Errors
    /// There is no such call, or it has its output already.
    pub(super) fn result(&mut self, result: ToolResult, path: &str) -> Result<(), Failure> {
        let path = format!("{path}.call_id");
        let Some(call) = self.calls.get_mut(&result.call_id) else {
            let message = format!(
                "No tool call found for function call output with call_id {}.",
                shown(&result.call_id)
            );
            return Err(Failure::invalid(path, message));
        };
        if call.answered {
            let message = format!(
                "The tool call with call_id {} has an output already.",
                shown(&result.call_id)
            );
            return Err(Failure::invalid(path, message));
        }
        call.answered = true;
        if let Some(Step::Answer { results, .. }) = self.steps.get_mut(call.step) {
            results.push(result);
        }
        Ok(())
    }

    /// # Errors
    /// A call has no output.
    pub(super) fn finish(self) -> Result<History, Failure> {
        let lacking = self.calls.iter().filter(|(_, call)| !call.answered);
        if let Some((id, call)) = lacking.min_by_key(|(_, call)| call.number) {
            let message = format!("No tool output found for function call {}.", shown(id));
            return Err(Failure::invalid(call.path.as_str(), message));
        }
        let mut messages = Vec::with_capacity(self.steps.len());
        for step in self.steps {
            match step {
                Step::User(parts) => messages.push(Message::User(parts)),
                Step::Instruction(text) => messages.push(Message::Instruction(text)),
                Step::Answer { parts, results } => {
                    messages.push(Message::Assistant(parts));
                    if !results.is_empty() {
                        messages.push(Message::ToolResults(results));
                    }
                }
            }
        }
        Ok(History { instructions: self.instructions, messages, listed: Vec::new() })
    }
}
