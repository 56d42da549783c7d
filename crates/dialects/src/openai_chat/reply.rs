//! A whole answer, and the parts that it shares with the last chunks of a stream.

use conversation::{BlockKind, Reply, StopReason, Usage, UsageSource};
use serde::Serialize;

use super::ReplyForm;
use crate::json;

/// What the client sees as the id of an answer begins with this.
pub(super) const ID_PREFIX: &str = "chatcmpl-";

/// What a call without argument text is given, because clients parse the text as JSON.
pub(super) const NO_ARGUMENTS: &str = "{}";

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
    tool_calls: Vec<ToolCall<'a>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

/// The body of an answer that is not streamed.
#[must_use]
pub fn encode_whole(reply: &Reply, form: &ReplyForm, created_unix: i64) -> Vec<u8> {
    let text = reply.text();
    let tool_calls = tool_calls(reply);
    let finish_reason = finish_reason(&reply.stop, !tool_calls.is_empty());
    let message = Message {
        role: "assistant",
        content: (!text.is_empty() || tool_calls.is_empty()).then_some(text),
        refusal: None,
        reasoning_content: reply.reasoning(),
        tool_calls,
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

fn tool_calls(reply: &Reply) -> Vec<ToolCall<'_>> {
    reply
        .blocks
        .iter()
        .filter_map(|block| match &block.kind {
            BlockKind::ToolCall { id, name } => Some(ToolCall {
                id,
                kind: "function",
                function: Function {
                    name,
                    arguments: if block.text.is_empty() { NO_ARGUMENTS } else { &block.text },
                },
            }),
            BlockKind::Text | BlockKind::Reasoning => None,
        })
        .collect()
}

/// The word for the end of an answer. Clients run tools only when it says so, whatever the
/// upstream called the end.
pub(super) fn finish_reason(stop: &StopReason, has_calls: bool) -> &'static str {
    match stop {
        StopReason::ToolCalls => "tool_calls",
        StopReason::EndTurn | StopReason::Other(_) if has_calls => "tool_calls",
        StopReason::EndTurn | StopReason::StopSequence(_) | StopReason::Other(_) => "stop",
        StopReason::MaxOutput => "length",
        StopReason::Refused => "content_filter",
    }
}

/// Usage in the words of this dialect. What the provider did not tell is left out.
#[derive(Serialize)]
pub(super) struct UsageBody {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens_details: Option<CompletionDetails>,
    /// Ours: the numbers are not the provider's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

#[derive(Serialize)]
struct PromptDetails {
    cached_tokens: u64,
}

#[derive(Serialize)]
struct CompletionDetails {
    reasoning_tokens: u64,
}

impl From<&Usage> for UsageBody {
    fn from(usage: &Usage) -> Self {
        Self {
            prompt_tokens: usage.input,
            completion_tokens: usage.output,
            total_tokens: usage.input.saturating_add(usage.output),
            prompt_tokens_details: usage
                .cache_read
                .map(|cached_tokens| PromptDetails { cached_tokens }),
            completion_tokens_details: usage
                .reasoning
                .map(|reasoning_tokens| CompletionDetails { reasoning_tokens }),
            estimated: match usage.source {
                UsageSource::Upstream => false,
                UsageSource::Estimate => true,
            },
        }
    }
}
