//! Items of an answer: the JSON of each, under way and finished. Streams and whole answers take
//! them from here.

use std::collections::BTreeMap;

use conversation::{Block, BlockKind, StopReason};
use serde::Serialize;
use serde_json::value::RawValue;

use super::callable::{CallKind, Callable};
use super::form::ReplyForm;
use crate::tools::shown_arguments;
use crate::{freeform, json, sealed};

/// An item of an answer, without its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Unique within the answer and, with the answer's id in it, everywhere.
    pub(super) id: String,
    /// Place in the answer.
    pub(super) index: usize,
    pub(super) kind: ItemKind,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ItemKind {
    Message,
    Reasoning,
    Call { call_id: String, callable: Callable },
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    Started,
    Completed,
    /// The answer broke off inside the item.
    Incomplete,
}

impl Progress {
    /// Of the last item of an answer.
    pub(super) fn at_the_end(stop: &StopReason) -> Self {
        match stop {
            StopReason::MaxOutput => Self::Incomplete,
            StopReason::EndTurn
            | StopReason::ToolCalls
            | StopReason::StopSequence(_)
            | StopReason::Refused
            | StopReason::Other(_) => Self::Completed,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Started => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// A finished item, JSON on one line.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) shown: String,
    /// With the seal, when the client did not want to see it: a later answer needs it.
    kept: Option<String>,
}

impl Finished {
    pub(super) fn of(shown: String) -> Self {
        Self { shown, kept: None }
    }
}

/// The finished items of an answer.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// As the response object has them.
    pub(super) shown: Vec<String>,
    /// As they go into later turns.
    pub(super) kept: Vec<String>,
}

impl Output {
    pub(super) fn push(&mut self, item: Finished) {
        self.kept.push(item.kept.unwrap_or_else(|| item.shown.clone()));
        self.shown.push(item.shown);
    }

    pub(super) fn len(&self) -> usize {
        self.shown.len()
    }
}

impl Item {
    /// The item of a block; `answer` is the neutral id of the whole.
    pub(super) fn new(kind: BlockKind, answer: &str, index: usize, form: &ReplyForm) -> Self {
        let kind = match kind {
            BlockKind::Text => ItemKind::Message,
            BlockKind::Reasoning => ItemKind::Reasoning,
            BlockKind::ToolCall { id, name } => {
                ItemKind::Call { call_id: id, callable: form.callables.of(&name) }
            }
        };
        let prefix = match &kind {
            ItemKind::Message => "msg",
            ItemKind::Reasoning => "rs",
            ItemKind::Call { callable, .. } => match callable.kind {
                CallKind::Function => "fc",
                CallKind::Custom => "ctc",
                CallKind::LocalShell => "lsh",
                CallKind::Shell => "sh",
                CallKind::ApplyPatch => "apc",
                CallKind::ToolSearch => "tsc",
            },
        };
        Self { id: format!("{prefix}_{answer}_{index}"), index, kind }
    }

    /// The finished item of a block, `None` when the block shows nothing.
    pub(super) fn finished(
        block: &Block,
        answer: &str,
        index: usize,
        progress: Progress,
        form: &ReplyForm,
    ) -> Option<Finished> {
        let item = Self::new(block.kind.clone(), answer, index, form);
        let seal = block.seal.as_deref();
        let text = match &item.kind {
            ItemKind::Message if block.text.is_empty() => return None,
            ItemKind::Reasoning if !shows_reasoning(&block.text, seal, form) => return None,
            ItemKind::Message | ItemKind::Reasoning => block.text.clone(),
            ItemKind::Call { callable, .. } => match callable.kind {
                CallKind::Custom => freeform::unwrap(&block.text),
                CallKind::Function
                | CallKind::LocalShell
                | CallKind::Shell
                | CallKind::ApplyPatch
                | CallKind::ToolSearch => shown_arguments(&block.text).to_owned(),
            },
        };
        Some(item.finish(&text, progress, seal, form))
    }

    /// The item with all of its text.
    pub(super) fn finish(
        &self,
        text: &str,
        progress: Progress,
        seal: Option<&str>,
        form: &ReplyForm,
    ) -> Finished {
        let shown = self.json(text, progress, form.sealed.then_some(seal));
        let kept = (seal.is_some() && !form.sealed && self.kind == ItemKind::Reasoning)
            .then(|| self.json(text, progress, Some(seal)));
        Finished { shown, kept }
    }

    /// The item with this much of its text. `seal` is there when `encrypted_content` is wanted.
    pub(super) fn json(
        &self,
        text: &str,
        progress: Progress,
        seal: Option<Option<&str>>,
    ) -> String {
        let started = progress == Progress::Started;
        let body = match &self.kind {
            ItemKind::Message => json::to_vec(&Message {
                id: &self.id,
                kind: "message",
                status: progress.word(),
                role: "assistant",
                content: if started { Vec::new() } else { vec![OutputText::new(text)] },
            }),
            ItemKind::Reasoning => json::to_vec(&Reasoning {
                id: &self.id,
                kind: "reasoning",
                summary: if text.is_empty() { Vec::new() } else { vec![SummaryText::new(text)] },
                encrypted_content: seal
                    .filter(|_| !started)
                    .map(|provider| sealed::wrap(text, provider)),
            }),
            ItemKind::Call { call_id, callable } => {
                self.call_json(call_id, callable, text, progress)
            }
        };
        String::from_utf8(body).expect("JSON is UTF-8")
    }

    fn call_json(
        &self,
        call_id: &str,
        callable: &Callable,
        text: &str,
        progress: Progress,
    ) -> Vec<u8> {
        let (id, status) = (&*self.id, progress.word());
        let (namespace, name) = (callable.namespace.as_deref(), &*callable.name);
        let call = ClientCall { id, status, call_id, ..ClientCall::default() };
        match (callable.kind, object(text)) {
            (CallKind::Custom, _) => {
                let kind = "custom_tool_call";
                json::to_vec(&CustomCall {
                    id,
                    kind,
                    status,
                    call_id,
                    namespace,
                    name,
                    input: text,
                })
            }
            (CallKind::LocalShell, Some(fields)) => {
                let action = Some(local_shell_action(fields));
                json::to_vec(&ClientCall { kind: "local_shell_call", action, ..call })
            }
            (CallKind::Shell, Some(fields)) => {
                json::to_vec(&ClientCall { kind: "shell_call", action: Some(fields), ..call })
            }
            (CallKind::ApplyPatch, Some(fields)) => {
                let operation = Some(fields);
                json::to_vec(&ClientCall { kind: "apply_patch_call", operation, ..call })
            }
            (CallKind::ToolSearch, Some(fields)) => json::to_vec(&ClientCall {
                kind: "tool_search_call",
                execution: Some("client"),
                arguments: Some(fields),
                ..call
            }),
            // Arguments that are no object fit none of the special items, and must not be lost.
            (
                CallKind::Function
                | CallKind::LocalShell
                | CallKind::Shell
                | CallKind::ApplyPatch
                | CallKind::ToolSearch,
                _,
            ) => json::to_vec(&FunctionCall {
                id,
                kind: "function_call",
                status,
                call_id,
                namespace,
                name,
                arguments: text,
            }),
        }
    }
}

/// Whether a reasoning block becomes an item: it has text, or a seal that the client wants.
pub(super) fn shows_reasoning(text: &str, seal: Option<&str>, form: &ReplyForm) -> bool {
    !text.is_empty() || (form.sealed && seal.is_some())
}

type Fields = BTreeMap<String, Box<RawValue>>;

/// The fields of a JSON object, each on one line; `None` for a text that is none.
fn object(text: &str) -> Option<Fields> {
    let raw: &RawValue = serde_json::from_str(text).ok()?;
    serde_json::from_str(&json::compact(raw.get())).ok()
}

/// The action in the words of its item, which must have a type and an environment.
fn local_shell_action(mut fields: Fields) -> Fields {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("a JSON literal");
    fields.insert("type".to_owned(), raw("\"exec\""));
    fields.entry("env".to_owned()).or_insert_with(|| raw("{}"));
    fields
}

#[derive(Serialize)]
struct Message<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    role: &'static str,
    content: Vec<OutputText<'a>>,
}

#[derive(Serialize)]
pub(super) struct OutputText<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    annotations: [(); 0],
    logprobs: [(); 0],
    text: &'a str,
}

impl<'a> OutputText<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { kind: "output_text", annotations: [], logprobs: [], text }
    }
}

#[derive(Serialize)]
struct Reasoning<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    summary: Vec<SummaryText<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encrypted_content: Option<String>,
}

#[derive(Serialize)]
pub(super) struct SummaryText<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    text: &'a str,
}

impl<'a> SummaryText<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { kind: "summary_text", text }
    }
}

#[derive(Serialize)]
struct FunctionCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    call_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct CustomCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    call_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'a str>,
    name: &'a str,
    input: &'a str,
}

#[derive(Default, Serialize)]
struct ClientCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    status: &'static str,
    call_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<Fields>,
}
