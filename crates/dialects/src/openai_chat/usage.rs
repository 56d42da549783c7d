//! Token counts, which Chat Completions and the older Completions write alike.

use conversation::{Usage, UsageSource};
use serde::Serialize;

/// Usage in the words of this dialect. What the provider did not tell is left out.
#[derive(Serialize)]
pub(crate) struct UsageBody {
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
