//! A request's bytes to a turn: the order of the steps and the fields that stand alone. Messages,
//! blocks and tools have modules of their own.
//!
//! A field of the API is honoured, refused with its path, or reported as ignored; none is
//! dropped in silence but those that cannot make a difference here, such as `cache_control`.

use conversation::{
    Continuity, Failure, Limits, ModelName, OutputShape, Reasoning, ReasoningEffort, Sampling, Turn,
};

use super::ReplyForm;
use super::wire::{self, Request};
use crate::picture::Pictures;
use crate::problem::unsupported_value;
use crate::wire::{parse, raw_object};
use crate::{Decoded, Ignored, Images};

mod blocks;
mod messages;
mod native;
mod readable;
mod sources;
mod tools;

/// Most stop texts; each is looked for in every piece of the answer.
const MAX_STOPS: usize = 64;
/// Longest `metadata.user_id` that is taken for a key, in bytes.
const MAX_USER_ID: usize = 256;
/// Least thinking budget, in tokens.
const MIN_BUDGET: u64 = 1024;
/// The field that asks for a conversation kept by the server.
pub(super) const THREAD: &str = "thread";
/// The name of a schema for the answer; this API has none.
const OUTPUT_NAME: &str = "output";

/// Reads the body of `POST /v1/messages`.
///
/// # Errors
/// The body is not JSON, a field is wrong, or something is asked for that cannot be done. The
/// failure names the field.
pub fn decode(body: &[u8], images: &Images) -> Result<Decoded<ReplyForm>, Failure> {
    let request: Request = parse(body)?;
    match request.max_tokens {
        None => return Err(required("max_tokens")),
        Some(0) => return Err(too_small("max_tokens", 1)),
        Some(_) => {}
    }
    turn(request, images)
}

/// Reads the body of `POST /v1/messages/count_tokens`, where `max_tokens` may be missing.
///
/// # Errors
/// As for [`decode`].
pub fn decode_count(body: &[u8], images: &Images) -> Result<Decoded<ReplyForm>, Failure> {
    turn(parse(body)?, images)
}

fn turn(request: Request, images: &Images) -> Result<Decoded<ReplyForm>, Failure> {
    // Ignored, it would lose the conversation: the official SDKs then send only what is new. They
    // know this refusal and go on without.
    if request.thread.is_some() {
        let message = "Message threads are not supported: send the whole conversation.";
        return Err(Failure::invalid(THREAD, message));
    }
    let mut ignored = Ignored::default();
    request.unknown.report("", &mut ignored);
    if request.mcp_servers.is_some_and(|servers| !servers.is_empty()) {
        ignored.add("", "mcp_servers");
    }
    for (name, given) in [
        ("temperature", request.temperature.is_some()),
        ("top_p", request.top_p.is_some()),
        ("top_k", request.top_k.is_some()),
    ] {
        if given {
            ignored.add("", name);
        }
    }
    let model =
        request.model.filter(|model| !model.trim().is_empty()).ok_or_else(|| required("model"))?;
    let limits = Limits {
        max_output_tokens: request.max_tokens.filter(|most| *most > 0),
        stop: stop(request.stop_sequences.unwrap_or_default())?,
    };
    let config = request.output_config.unwrap_or_default();
    config.unknown.report("output_config.", &mut ignored);
    let omits_thinking =
        request.thinking.as_ref().is_some_and(|t| t.display.as_deref() == Some("omitted"));
    let reasoning = reasoning(request.thinking, config.effort.as_deref(), &mut ignored)?;
    let output = output_shape(config.format, request.output_format, &mut ignored)?;
    let continuity = continuity(request.metadata, &mut ignored);
    let tools = tools::tools(request.tools, request.tool_choice, &mut ignored)?;
    let messages = request.messages.ok_or_else(|| required("messages"))?;
    let mut reader = blocks::Reader { pictures: Pictures::new(images), ignored: &mut ignored };
    let system = reader.instructions(request.system)?;
    let history = messages::history(system, messages, &mut reader)?;
    let wanted = reader.pictures.into_wanted();
    let turn = Turn {
        model: ModelName::new(model.clone()),
        instructions: history.instructions,
        messages: history.messages,
        tools,
        sampling: Sampling { temperature: request.temperature, top_p: request.top_p, seed: None },
        reasoning,
        output,
        limits,
        continuity,
    };
    let form = ReplyForm { stream: request.stream.unwrap_or(false), model, omits_thinking };
    Ok(Decoded { turn, form, ignored, wanted })
}

fn required(path: impl Into<String>) -> Failure {
    Failure::invalid(path, "Field required")
}

fn too_small(path: &str, least: u64) -> Failure {
    Failure::invalid(path, format!("Input should be greater than or equal to {least}"))
}

fn stop(texts: Vec<String>) -> Result<Vec<String>, Failure> {
    if texts.len() > MAX_STOPS {
        let message = format!("At most {MAX_STOPS} stop sequences are accepted.");
        return Err(Failure::invalid("stop_sequences", message));
    }
    match texts.iter().position(|text| text.trim().is_empty()) {
        Some(place) => Err(Failure::invalid(
            format!("stop_sequences[{place}]"),
            "Each stop sequence must contain something besides whitespace.",
        )),
        None => Ok(texts),
    }
}

/// The effort a client names counts for more than the one that its budget amounts to.
fn reasoning(
    thinking: Option<wire::Thinking>,
    effort: Option<&str>,
    ignored: &mut Ignored,
) -> Result<Reasoning, Failure> {
    let effort = effort.map(named_effort).transpose()?;
    let Some(thinking) = thinking else { return Ok(Reasoning { wanted: None, effort }) };
    thinking.unknown.report("thinking.", ignored);
    match thinking.display.as_deref() {
        None | Some("summarized" | "omitted") => {}
        Some(other) => {
            let supported = "'summarized' and 'omitted'";
            return Err(unsupported_value("thinking.display", other, supported));
        }
    }
    let budget = thinking.budget_tokens;
    let kind = thinking.kind.ok_or_else(|| required("thinking.type"))?;
    if kind != "enabled" && budget.is_some() {
        ignored.add("thinking.", "budget_tokens");
    }
    match kind.as_str() {
        "enabled" => {
            let budget = budget.ok_or_else(|| required("thinking.budget_tokens"))?;
            if budget < MIN_BUDGET {
                return Err(too_small("thinking.budget_tokens", MIN_BUDGET));
            }
            let effort = effort.unwrap_or_else(|| effort_of_budget(budget));
            Ok(Reasoning { wanted: Some(true), effort: Some(effort) })
        }
        "adaptive" | "between_tools" => Ok(Reasoning { wanted: Some(true), effort }),
        "disabled" => Ok(Reasoning { wanted: Some(false), effort }),
        other => {
            let supported = "'enabled', 'adaptive', 'between_tools', and 'disabled'";
            Err(unsupported_value("thinking.type", other, supported))
        }
    }
}

fn named_effort(word: &str) -> Result<ReasoningEffort, Failure> {
    match word {
        "low" => Ok(ReasoningEffort::Low),
        "medium" => Ok(ReasoningEffort::Medium),
        "high" => Ok(ReasoningEffort::High),
        "xhigh" | "max" => Ok(ReasoningEffort::XHigh),
        other => {
            let supported = "'low', 'medium', 'high', 'xhigh', and 'max'";
            Err(unsupported_value("output_config.effort", other, supported))
        }
    }
}

/// Upstream models know efforts and no budgets. The steps are those at which clients offer "more
/// thinking": about 4 000, 10 000 and 32 000 tokens.
fn effort_of_budget(tokens: u64) -> ReasoningEffort {
    match tokens {
        0..=4_096 => ReasoningEffort::Low,
        4_097..=16_384 => ReasoningEffort::Medium,
        16_385..=32_768 => ReasoningEffort::High,
        32_769.. => ReasoningEffort::XHigh,
    }
}

fn output_shape(
    format: Option<wire::Format>,
    older: Option<wire::Format>,
    ignored: &mut Ignored,
) -> Result<OutputShape, Failure> {
    let (path, format) = match (format, older) {
        (Some(format), older) => {
            if older.is_some() {
                ignored.add("", "output_format");
            }
            ("output_config.format", format)
        }
        (None, Some(format)) => ("output_format", format),
        (None, None) => return Ok(OutputShape::Text),
    };
    format.unknown.report(&format!("{path}."), ignored);
    match format.kind.as_deref() {
        Some("json_schema") => {}
        Some(other) => {
            return Err(unsupported_value(format!("{path}.type"), other, "'json_schema'"));
        }
        None => return Err(required(format!("{path}.type"))),
    }
    let name = match format.name {
        Some(name) => {
            crate::problem::check_name(&name, &format!("{path}.name"))?;
            name
        }
        None => OUTPUT_NAME.to_owned(),
    };
    let path = format!("{path}.schema");
    let schema = format.schema.ok_or_else(|| required(path.as_str()))?;
    Ok(OutputShape::JsonSchema { name, schema: raw_object(&schema, &path)? })
}

fn continuity(metadata: Option<wire::Metadata>, ignored: &mut Ignored) -> Continuity {
    let metadata = metadata.unwrap_or_default();
    metadata.unknown.report("metadata.", ignored);
    let key = metadata.user_id.filter(|id| !id.is_empty());
    if key.as_ref().is_some_and(|id| id.len() > MAX_USER_ID) {
        ignored.add("metadata.", "user_id");
        return Continuity::default();
    }
    Continuity { cache_key: key }
}

#[cfg(test)]
mod tests;
