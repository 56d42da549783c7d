//! A conversation made short: the user's messages as they are, and one item that stands for the
//! rest. The item holds the summary in a form of our own and comes back in the input of later
//! requests.

use conversation::{Failure, FailureClass, Reply, StopReason, Usage, UsageSource};
use serde::Serialize;
use serde_json::value::RawValue;

use super::body::{bare_id, response_id};
use super::usage::UsageBody;
use crate::{json, sealed};

/// What is kept beside the summary.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactionForm {
    /// The user's messages as JSON, each with an id, oldest first.
    pub(super) kept: Vec<String>,
}

impl crate::Form for CompactionForm {
    fn is_streamed(&self) -> bool {
        false
    }
}

#[derive(Serialize)]
struct Compaction<'a> {
    id: String,
    object: &'static str,
    created_at: i64,
    output: Vec<&'a RawValue>,
    usage: UsageBody,
}

#[derive(Serialize)]
struct Item {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    encrypted_content: String,
}

/// The body of `POST /v1/responses/compact`.
///
/// # Errors
/// The model gave no whole summary: going on with less would lose the conversation in silence.
pub fn encode_compaction(
    reply: &Reply,
    form: &CompactionForm,
    created_unix: i64,
) -> Result<Vec<u8>, Failure> {
    let item = json::to_vec(&Item {
        id: format!("cmp_{}", bare_id(&reply.id)),
        kind: "compaction",
        encrypted_content: sealed::wrap_summary(summary(reply)?),
    });
    let item = String::from_utf8(item).expect("JSON is UTF-8");
    let items = form.kept.iter().chain([&item]);
    // The shape demands numbers; an estimate says that nobody told them.
    let unknown = Usage {
        input: 0,
        output: 0,
        cache_read: None,
        cache_write: None,
        reasoning: None,
        source: UsageSource::Estimate,
    };
    Ok(json::to_vec(&Compaction {
        id: response_id(&reply.id),
        object: "response.compaction",
        created_at: created_unix,
        output: items.filter_map(|item| serde_json::from_str(item).ok()).collect(),
        usage: UsageBody::from(reply.usage.as_ref().unwrap_or(&unknown)),
    }))
}

fn summary(reply: &Reply) -> Result<String, Failure> {
    let failed = |class, message: &str| {
        Err(Failure::new(class, message).log(format!("compaction ended with {:?}", reply.stop)))
    };
    let text = reply.text();
    match &reply.stop {
        StopReason::Refused => {
            failed(FailureClass::Refused, "The model refused to summarise the conversation.")
        }
        StopReason::EndTurn
        | StopReason::ToolCalls
        | StopReason::StopSequence(_)
        | StopReason::Other(_)
            if !text.trim().is_empty() =>
        {
            Ok(text)
        }
        StopReason::EndTurn
        | StopReason::ToolCalls
        | StopReason::StopSequence(_)
        | StopReason::Other(_)
        | StopReason::MaxOutput => failed(
            FailureClass::UpstreamFailed,
            "The model did not give a whole summary of the conversation.",
        ),
    }
}

/// What the model is told of a compaction that comes back.
pub(super) fn told(summary: &str) -> String {
    format!(
        "[Summary of the earlier conversation, of which only the user's messages are kept]\n\n\
         {summary}\n\n[End of the summary]"
    )
}

#[cfg(test)]
mod tests;
