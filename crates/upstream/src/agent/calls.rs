//! Calls of the client's tools in one run: announced by updates, asked for by execs, answered once.
//!
//! Updates are for display; only the exec asks. But the arguments stream in the updates, so a call
//! is told to the client as its text comes and is complete with its exec (agent.md, "Life of a
//! run"). A server that runs its calls one after the other asks for the second only when the first
//! is answered: then the second is told from its updates and its result waits for the exec.

use std::collections::VecDeque;

use conversation::{Failure, Part, ToolResult};
use cursor_proto::agent::mcp_result::Result as Outcome;
use cursor_proto::agent::view::{ExecServerMessageView, McpArgsView};
use cursor_proto::agent::{
    AgentClientMessage, ExecClientHeartbeat, ExecClientStreamClose, McpError, McpImageContent,
    McpResult, McpSuccess, McpTextContent, McpToolResultContentItem,
};

use super::{refusal, values};
use crate::arguments;
use crate::session::{Actions, Answer, NO_RESULT, as_document, inconsistent, overfull};

/// Answers that are remembered for a replay, and results for execs that are still to come.
const MOST_REMEMBERED: usize = 64;

/// Execs that may wait at one time.
const MOST_ASKED: usize = 1024;

/// Argument text that a run may announce.
const MOST_ANNOUNCED: usize = 64 << 20;

/// The calls of a run.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Makes ids of our own unlike those of the conversation's other runs: the numbers of execs
    /// begin anew with each.
    mark: String,
    /// Calls without an exec so far, by the server's id, in the order of their announcement.
    announced: Vec<Announced>,
    announced_bytes: usize,
    /// Execs that wait for a result.
    asked: Vec<Asked>,
    /// Results of calls that were told before their exec came.
    early: VecDeque<(String, McpResult)>,
    answered: VecDeque<Answered>,
}

#[derive(Debug)]
struct Announced {
    key: String,
    /// The client's name; unknown while only the arguments' beginning is there.
    name: Option<String>,
    /// All argument text so far.
    told: String,
    /// Told to the client as complete.
    complete: bool,
}

#[derive(Debug)]
struct Asked {
    key: String,
    ids: ExecIds,
    /// The server no longer wants the result.
    aborted: bool,
}

/// Both ids of an exec; a replay has the same.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ExecIds {
    id: u32,
    exec_id: String,
}

#[derive(Debug)]
struct Answered {
    ids: ExecIds,
    result: McpResult,
    replayed: bool,
}

impl ExecIds {
    fn of(exec: &ExecServerMessageView<'_>) -> Self {
        Self { id: exec.id, exec_id: exec.exec_id.to_owned() }
    }

    fn answer(&self, result: &McpResult) -> [AgentClientMessage; 2] {
        let close = ExecClientStreamClose { id: self.id, ..Default::default() };
        [
            refusal::exec_result_under(self.id, &self.exec_id, result.clone().into()),
            refusal::control(close.into()),
        ]
    }
}

impl Calls {
    pub(super) fn new(mark: String) -> Self {
        Self { mark, ..Self::default() }
    }

    /// The id of a call that is asked for; one without gets an id of its own.
    fn key_of(&self, args: &McpArgsView<'_>, exec: u32) -> String {
        if args.tool_call_id.is_empty() {
            format!("exec_{}_{exec}", self.mark)
        } else {
            args.tool_call_id.to_owned()
        }
    }

    /// Takes an update that shows a call. `name` is the client's, `None` if it is not told yet.
    ///
    /// # Errors
    /// More is announced than is reasonable.
    pub(super) fn announce(
        &mut self,
        key: &str,
        name: Option<&str>,
        piece: &str,
        answer: &mut Answer,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        // Without an id nothing says which exec it belongs to; that one tells the call.
        if key.is_empty() || self.asked.iter().any(|asked| asked.key == key) {
            return Ok(());
        }
        answer.touch();
        let at = match self.announced.iter().position(|call| call.key == key) {
            Some(at) => at,
            None => {
                self.announced.push(Announced {
                    key: key.to_owned(),
                    name: None,
                    told: String::new(),
                    complete: false,
                });
                self.announced.len() - 1
            }
        };
        self.announced_bytes += piece.len();
        if self.announced_bytes > MOST_ANNOUNCED || self.announced.len() > MOST_REMEMBERED {
            return Err(overfull());
        }
        let call = &mut self.announced[at];
        if call.complete {
            return Ok(());
        }
        call.told.push_str(piece);
        let known = call.name.is_some();
        call.name = call.name.take().or_else(|| name.map(str::to_owned));
        let Some(name) = call.name.as_deref().filter(|_| !call.told.is_empty()) else {
            return Ok(());
        };
        answer.open_call(key, name, actions);
        answer.call_text(key, if known { piece } else { &call.told }, actions);
        Ok(())
    }

    /// The server finished a call by itself: it will not ask for it any more.
    pub(super) fn finished(
        &mut self,
        key: &str,
        whole: &str,
        answer: &mut Answer,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        let Some(at) = self.announced.iter().position(|call| call.key == key) else {
            return Ok(());
        };
        let call = self.announced.remove(at);
        if answer.has_begun(key) && !call.complete {
            complete(key, &call.told, whole, answer, actions)?;
        }
        Ok(())
    }

    /// Takes the exec of a call. Answers what is known already.
    pub(super) fn ask(
        &mut self,
        exec: &ExecServerMessageView<'_>,
        args: &McpArgsView<'_>,
        name: &str,
        answer: &mut Answer,
        actions: &mut Actions,
    ) -> Result<Vec<AgentClientMessage>, Failure> {
        let ids = ExecIds::of(exec);
        if let Some(done) = self.answered.iter_mut().find(|done| done.ids == ids) {
            let again = !std::mem::replace(&mut done.replayed, true);
            return Ok(if again { ids.answer(&done.result).into() } else { Vec::new() });
        }
        if self.asked.iter().any(|asked| asked.ids == ids) {
            return Ok(Vec::new());
        }
        answer.touch();
        let key = self.key_of(args, exec.id);
        if let Some(at) = self.early.iter().position(|(early, _)| *early == key)
            && let Some((_, result)) = self.early.remove(at)
        {
            self.announced.retain(|call| call.key != key);
            return Ok(self.answer(ids, result));
        }
        let announced = self.announced.iter().position(|call| call.key == key);
        let announced = announced.map(|at| self.announced.remove(at));
        if self.asked.len() >= MOST_ASKED {
            return Err(overfull());
        }
        // Before the call ends the answer, so that it is among those that wait.
        self.asked.push(Asked { key: key.clone(), ids, aborted: false });
        if announced.as_ref().is_some_and(|call| call.complete) {
            return Ok(Vec::new());
        }
        // What came before the name was known was not told.
        let told = announced.filter(|_| answer.has_begun(&key)).map(|call| call.told);
        answer.open_call(&key, name, actions);
        let whole = values::to_text(&args.args);
        complete(&key, &told.unwrap_or_default(), &whole, answer, actions)?;
        Ok(Vec::new())
    }

    /// Whether calls were announced that are neither complete nor asked for.
    pub(super) fn are_outstanding(&self) -> bool {
        self.announced.iter().any(|call| !call.complete)
    }

    /// Stops waiting for execs: calls whose arguments are whole are told without, calls of which
    /// nothing has come are left for later. Text that waits for its name stays, or the arguments
    /// would be told from the middle when the name comes.
    pub(super) fn stop_waiting(&mut self, answer: &mut Answer, actions: &mut Actions) {
        self.announced.retain(|call| call.complete || !call.told.is_empty());
        for call in &mut self.announced {
            let is_told = !call.complete && answer.has_begun(&call.key);
            if is_told && arguments::is_whole(&call.told) {
                call.complete = true;
                answer.close_call(&call.key, actions);
            }
        }
    }

    /// The server takes an exec back.
    pub(super) fn abort(&mut self, id: u32) {
        for asked in self.asked.iter_mut().filter(|asked| asked.ids.id == id) {
            asked.aborted = true;
        }
    }

    /// Signs of life for every exec that waits.
    pub(super) fn heartbeats(&self) -> impl Iterator<Item = AgentClientMessage> {
        self.asked.iter().filter(|asked| !asked.aborted).map(|asked| {
            let beat = ExecClientHeartbeat { id: asked.ids.id, ..Default::default() };
            refusal::control(beat.into())
        })
    }

    pub(super) fn are_waiting(&self) -> bool {
        self.asked.iter().any(|asked| !asked.aborted)
    }

    /// Answers a call with what the client gave.
    pub(super) fn resolve(
        &mut self,
        key: &str,
        result: Option<&ToolResult>,
    ) -> Vec<AgentClientMessage> {
        let result = outcome(result);
        if let Some(at) = self.asked.iter().position(|asked| asked.key == key) {
            let asked = self.asked.remove(at);
            return if asked.aborted { Vec::new() } else { self.answer(asked.ids, result) };
        }
        if self.announced.iter().any(|call| call.key == key) {
            remember(&mut self.early, (key.to_owned(), result));
        }
        Vec::new()
    }

    fn answer(&mut self, ids: ExecIds, result: McpResult) -> Vec<AgentClientMessage> {
        let messages = ids.answer(&result).into();
        remember(&mut self.answered, Answered { ids, result, replayed: false });
        messages
    }
}

fn remember<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() >= MOST_REMEMBERED {
        all.pop_front();
    }
    all.push_back(one);
}

/// Tells the rest of the arguments.
fn complete(
    key: &str,
    told: &str,
    whole: &str,
    answer: &mut Answer,
    actions: &mut Actions,
) -> Result<(), Failure> {
    let rest = arguments::rest(told, whole).ok_or_else(inconsistent)?;
    answer.call_text(key, &rest, actions);
    answer.close_call(key, actions);
    Ok(())
}

/// A result in the words of the flow.
fn outcome(result: Option<&ToolResult>) -> McpResult {
    let outcome: Outcome = match result {
        Some(result) => McpSuccess {
            content: result.content.iter().filter_map(item).collect(),
            is_error: result.is_error,
            ..Default::default()
        }
        .into(),
        None => McpError { error: NO_RESULT.to_owned(), ..Default::default() }.into(),
    };
    McpResult { result: Some(outcome), ..Default::default() }
}

fn item(part: &Part) -> Option<McpToolResultContentItem> {
    let text = |text: String| McpTextContent { text, ..Default::default() }.into();
    let content = match part {
        Part::Text(said) => text(said.clone()),
        Part::File(file) => text(as_document(&file.name, &file.text)),
        Part::Image(image) => McpImageContent {
            data: image.data.clone(),
            mime_type: image.format.mime_type().to_owned(),
            ..Default::default()
        }
        .into(),
        // Not part of a result.
        Part::Reasoning(_) | Part::ToolCall(_) => return None,
    };
    Some(McpToolResultContentItem { content, ..Default::default() })
}
