//! A whole answer, and the parts that it shares with the events of a stream.

use std::borrow::Cow;

use conversation::{Block, BlockKind, Reply, StopReason, Usage, UsageSource};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{ReplyForm, seal};
use crate::json;

/// What the client sees as the id of an answer begins with this.
pub(super) const ID_PREFIX: &str = "msg_";

/// What a call without argument text is given.
pub(super) const NO_INPUT: &str = "{}";

#[derive(Serialize)]
struct Message<'a> {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    role: &'static str,
    model: &'a str,
    content: Vec<Content<'a>>,
    stop_reason: &'static str,
    stop_sequence: Option<&'a str>,
    /// Categories of a refusal, which nobody tells.
    stop_details: Option<()>,
    usage: UsageBody,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Content<'a> {
    Text { text: &'a str },
    Thinking { thinking: &'a str, signature: Cow<'a, str> },
    RedactedThinking { data: &'a str },
    ToolUse { id: &'a str, name: &'a str, input: Input<'a> },
}

#[derive(Serialize)]
#[serde(untagged)]
enum Input<'a> {
    Object(&'a RawValue),
    /// The call was cut off. The API's own convention for such text.
    Broken {
        #[serde(rename = "INVALID_JSON")]
        text: &'a str,
    },
}

/// The body of an answer that is not streamed.
#[must_use]
pub fn encode_whole(reply: &Reply, form: &ReplyForm) -> Vec<u8> {
    let has_calls =
        reply.blocks.iter().any(|block| matches!(block.kind, BlockKind::ToolCall { .. }));
    let (stop_reason, stop_sequence) = stop_reason(&reply.stop, has_calls);
    json::to_vec(&Message {
        id: format!("{ID_PREFIX}{}", reply.id),
        kind: "message",
        role: "assistant",
        model: &form.model,
        content: reply.blocks.iter().filter_map(|block| content(block, form)).collect(),
        stop_reason,
        stop_sequence,
        stop_details: None,
        usage: reply.usage.as_ref().map(UsageBody::from).unwrap_or_default(),
    })
}

/// Blocks without any content are left out: the API does not take them back.
fn content<'a>(block: &'a Block, form: &ReplyForm) -> Option<Content<'a>> {
    let text = block.text.as_str();
    let sealed = block.seal.as_deref().filter(|seal| !seal.is_empty());
    match &block.kind {
        BlockKind::Text => (!text.is_empty()).then_some(Content::Text { text }),
        BlockKind::Reasoning if text.is_empty() => {
            sealed.map(|data| Content::RedactedThinking { data })
        }
        BlockKind::Reasoning if form.omits_thinking => Some(Content::Thinking {
            thinking: "",
            signature: seal::with_text(text, sealed).into(),
        }),
        BlockKind::Reasoning => {
            Some(Content::Thinking { thinking: text, signature: seal::to_signature(sealed).into() })
        }
        BlockKind::ToolCall { id, name } => Some(Content::ToolUse { id, name, input: input(text) }),
    }
}

fn input(text: &str) -> Input<'_> {
    let json = if text.is_empty() { NO_INPUT } else { text };
    match serde_json::from_str::<&RawValue>(json) {
        Ok(raw) if raw.get().starts_with('{') => Input::Object(raw),
        Ok(_) | Err(_) => Input::Broken { text },
    }
}

/// The words for the end of an answer: `stop_reason` and `stop_sequence`. Clients run tools when
/// it says so, and only then, whatever the upstream called the end.
pub(super) fn stop_reason(stop: &StopReason, has_calls: bool) -> (&'static str, Option<&str>) {
    let reason = match stop {
        StopReason::EndTurn | StopReason::ToolCalls | StopReason::Other(_) => {
            if has_calls {
                "tool_use"
            } else {
                "end_turn"
            }
        }
        StopReason::MaxOutput => "max_tokens",
        StopReason::StopSequence(text) => return ("stop_sequence", Some(text)),
        StopReason::Refused => "refusal",
    };
    (reason, None)
}

/// Usage in the words of this dialect. What nobody told is `null`, never zero.
#[derive(Debug, Default, Serialize)]
pub(super) struct UsageBody {
    /// Without what came from the cache or went into it.
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_tokens_details: Option<OutputDetails>,
    /// Ours: the numbers are not the provider's.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

#[derive(Debug, Serialize)]
struct OutputDetails {
    thinking_tokens: u64,
}

impl UsageBody {
    /// Before the upstream told anything and before any output.
    pub(super) fn at_start(input_estimate: u64) -> Self {
        Self {
            input_tokens: Some(input_estimate),
            output_tokens: Some(0),
            estimated: true,
            ..Self::default()
        }
    }
}

impl From<&Usage> for UsageBody {
    fn from(usage: &Usage) -> Self {
        let cached = usage.cache_read.unwrap_or(0).saturating_add(usage.cache_write.unwrap_or(0));
        Self {
            input_tokens: Some(usage.input.saturating_sub(cached)),
            cache_creation_input_tokens: usage.cache_write,
            cache_read_input_tokens: usage.cache_read,
            output_tokens: Some(usage.output),
            output_tokens_details: usage
                .reasoning
                .map(|thinking_tokens| OutputDetails { thinking_tokens }),
            estimated: match usage.source {
                UsageSource::Upstream => false,
                UsageSource::Estimate => true,
            },
        }
    }
}

#[derive(Serialize)]
struct Count {
    input_tokens: u64,
    /// Ours: nobody but the provider counts exactly.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    estimated: bool,
}

/// The body of `POST /v1/messages/count_tokens`; `exact` when the upstream counted.
#[must_use]
pub fn count_body(tokens: u64, exact: bool) -> Vec<u8> {
    json::to_vec(&Count { input_tokens: tokens, estimated: !exact })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_input_is_told_apart() {
        let usage = |input, cache_read, cache_write| Usage {
            input,
            output: 5,
            cache_read,
            cache_write,
            reasoning: None,
            source: UsageSource::Upstream,
        };
        for (usage, input, read, write) in [
            (usage(100, None, None), 100, None, None),
            (usage(100, Some(60), None), 40, Some(60), None),
            (usage(100, Some(60), Some(30)), 10, Some(60), Some(30)),
            (usage(100, Some(100), Some(30)), 0, Some(100), Some(30)),
            (usage(1, Some(u64::MAX), Some(u64::MAX)), 0, Some(u64::MAX), Some(u64::MAX)),
        ] {
            let body = UsageBody::from(&usage);
            assert_eq!(body.input_tokens, Some(input));
            assert_eq!(body.cache_read_input_tokens, read);
            assert_eq!(body.cache_creation_input_tokens, write);
        }
    }

    #[test]
    fn tools_are_to_be_run_only_if_there_are_calls() {
        let stop = StopReason::StopSequence("END".into());
        for (stop, with_calls, without) in [
            (StopReason::EndTurn, "tool_use", "end_turn"),
            (StopReason::ToolCalls, "tool_use", "end_turn"),
            (StopReason::Other("x".into()), "tool_use", "end_turn"),
            (StopReason::MaxOutput, "max_tokens", "max_tokens"),
            (StopReason::Refused, "refusal", "refusal"),
            (stop.clone(), "stop_sequence", "stop_sequence"),
        ] {
            assert_eq!(stop_reason(&stop, true).0, with_calls);
            assert_eq!(stop_reason(&stop, false).0, without);
        }
        assert_eq!(stop_reason(&stop, false).1, Some("END"));
    }

    #[test]
    fn a_count_is_marked_as_an_estimate() {
        assert_eq!(count_body(42, false), br#"{"input_tokens":42,"estimated":true}"#);
        assert_eq!(count_body(42, true), br#"{"input_tokens":42}"#);
    }
}
