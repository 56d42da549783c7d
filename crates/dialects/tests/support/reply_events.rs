//! The events of an answer as the fixtures of all dialects write them.

use conversation::{BlockKind, Event, Failure, FailureClass, StopReason, Usage, UsageSource};
use serde_json::Value;

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// One event as the fixtures write it.
pub(crate) fn event(value: &Value) -> Result<Event, Failure> {
    let (name, value) = value.as_object().and_then(|o| o.iter().next()).expect("one field");
    Ok(match name.as_str() {
        "started" => Event::Started { id: text(&value["id"]), model: text(&value["model"]) },
        "opened" => Event::Opened(match value.as_str() {
            Some("text") => BlockKind::Text,
            Some("reasoning") => BlockKind::Reasoning,
            _ => BlockKind::ToolCall {
                id: text(&value["tool_call"]["id"]),
                name: text(&value["tool_call"]["name"]),
            },
        }),
        "delta" => Event::Delta(text(value)),
        "closed" => Event::Closed(value.as_str().map(str::to_owned)),
        "usage" => Event::Usage(Usage {
            input: value["input"].as_u64().expect("input"),
            output: value["output"].as_u64().expect("output"),
            cache_read: value["cache_read"].as_u64(),
            cache_write: value["cache_write"].as_u64(),
            reasoning: value["reasoning"].as_u64(),
            source: match value["source"].as_str() {
                Some("estimate") => UsageSource::Estimate,
                _ => UsageSource::Upstream,
            },
        }),
        "finished" => Event::Finished(match value.as_str() {
            Some("end_turn") => StopReason::EndTurn,
            Some("tool_calls") => StopReason::ToolCalls,
            Some("max_output") => StopReason::MaxOutput,
            Some("refused") => StopReason::Refused,
            _ => StopReason::StopSequence(text(&value["stop_sequence"])),
        }),
        "failed" => return Err(Failure::new(FailureClass::UpstreamFailed, text(value))),
        other => panic!("unknown event {other}"),
    })
}
