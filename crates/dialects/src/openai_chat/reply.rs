//! A whole answer, and the parts that it shares with the last chunks of a stream.

use conversation::{BlockKind, Reply, StopReason};
use serde::Serialize;

use super::usage::UsageBody;
use super::{CallForm, ReplyForm};
use crate::{freeform, json, tools};

/// What the client sees as the id of an answer begins with this.
pub(super) const ID_PREFIX: &str = "chatcmpl-";

#[derive(Serialize)]
struct Completion<'a> {
    id: String,
    object: &'static str,
    created: i64,
    model: &'a str,
    choices: [Choice<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageBody>,
}

#[derive(Serialize)]
struct Choice<'a> {
    index: u32,
    message: Message<'a>,
    logprobs: Option<()>,
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<()>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Detail<'a>>,
    #[serde(flatten)]
    calls: Calls<'a>,
}

/// A sealed block of reasoning, as it has to come back.
#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Detail<'a> {
    #[serde(rename = "reasoning.text")]
    Text { text: &'a str, signature: &'a str, index: usize },
    /// The provider shows nothing but the seal.
    #[serde(rename = "reasoning.encrypted")]
    Encrypted { data: &'a str, index: usize },
}

impl<'a> Detail<'a> {
    /// `index` counts the sealed blocks of an answer.
    pub(super) fn new(text: &'a str, seal: &'a str, index: usize) -> Self {
        if text.is_empty() {
            Self::Encrypted { data: seal, index }
        } else {
            Self::Text { text, signature: seal, index }
        }
    }
}

#[derive(Serialize, Default)]
struct Calls<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function_call: Option<Function<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(flatten)]
    kind: CallKind<'a>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum CallKind<'a> {
    Function { function: Function<'a> },
    Custom { custom: Custom<'a> },
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Serialize)]
struct Custom<'a> {
    name: &'a str,
    input: String,
}

/// The body of an answer that is not streamed.
#[must_use]
pub fn encode_whole(reply: &Reply, form: &ReplyForm, created_unix: i64) -> Vec<u8> {
    let text = reply.text();
    let calls = calls(reply, &form.calls);
    let has_calls = calls.function_call.is_some() || !calls.tool_calls.is_empty();
    let finish_reason = finish_reason(&reply.stop, has_calls, &form.calls);
    let message = Message {
        role: "assistant",
        content: (!text.is_empty() || !has_calls).then_some(text),
        refusal: None,
        reasoning_content: reply.reasoning(),
        reasoning_details: details(reply),
        calls,
    };
    json::to_vec(&Completion {
        id: format!("{ID_PREFIX}{}", reply.id),
        object: "chat.completion",
        created: created_unix,
        model: &form.model,
        choices: [Choice { index: 0, message, logprobs: None, finish_reason }],
        usage: reply.usage.as_ref().map(UsageBody::from),
    })
}

fn details(reply: &Reply) -> Vec<Detail<'_>> {
    reply
        .blocks
        .iter()
        .filter(|block| block.kind == BlockKind::Reasoning)
        .filter_map(|block| Some((block.text.as_str(), block.seal.as_deref()?)))
        .enumerate()
        .map(|(index, (text, seal))| Detail::new(text, seal, index))
        .collect()
}

fn calls<'a>(reply: &'a Reply, form: &CallForm) -> Calls<'a> {
    let mut functions = reply.blocks.iter().filter_map(|block| match &block.kind {
        BlockKind::ToolCall { id, name } => {
            let arguments = tools::shown_arguments(&block.text);
            Some((id, Function { name, arguments }))
        }
        BlockKind::Text | BlockKind::Reasoning => None,
    });
    match form {
        CallForm::Function => {
            let function_call = functions.next().map(|(_, function)| function);
            Calls { function_call, ..Calls::default() }
        }
        CallForm::Tools { custom } => {
            let tool_calls = functions
                .map(|(id, function)| {
                    let kind = if custom.contains(function.name) {
                        let input = freeform::unwrap(function.arguments);
                        CallKind::Custom { custom: Custom { name: function.name, input } }
                    } else {
                        CallKind::Function { function }
                    };
                    ToolCall { id, kind }
                })
                .collect();
            Calls { tool_calls, ..Calls::default() }
        }
    }
}

/// The word for the end of an answer. Clients run tools only when it says so, whatever the
/// upstream called the end.
pub(super) fn finish_reason(stop: &StopReason, has_calls: bool, form: &CallForm) -> &'static str {
    let called = match form {
        CallForm::Tools { .. } => "tool_calls",
        CallForm::Function => "function_call",
    };
    match stop {
        StopReason::ToolCalls => called,
        StopReason::EndTurn | StopReason::Other(_) if has_calls => called,
        StopReason::EndTurn
        | StopReason::StopSequence(_)
        | StopReason::Other(_)
        | StopReason::MaxOutput
        | StopReason::Refused => text_finish_reason(stop),
    }
}

/// The same for an answer that is text only.
pub(crate) fn text_finish_reason(stop: &StopReason) -> &'static str {
    match stop {
        StopReason::EndTurn
        | StopReason::ToolCalls
        | StopReason::StopSequence(_)
        | StopReason::Other(_) => "stop",
        StopReason::MaxOutput => "length",
        StopReason::Refused => "content_filter",
    }
}
