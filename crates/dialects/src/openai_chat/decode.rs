//! A request's bytes to a turn: the order of the steps and the fields that stand alone. Messages
//! and tools have modules of their own.
//!
//! A field of the API is honoured, refused with its path, or reported as ignored; none is
//! dropped in silence.

use conversation::{Failure, Limits, ModelName, Reasoning, ReasoningEffort, Sampling, Turn};

use super::wire::{self, Request};
use super::{ReplyForm, fields};
use crate::picture::Pictures;
use crate::problem::{missing, unsupported_value};
use crate::wire::parse;
use crate::{Decoded, Ignored, Images};

mod calls;
mod choice;
mod messages;
mod output;
mod parts;
mod thinking;
mod tools;

/// Reads the body of `POST /v1/chat/completions`.
///
/// # Errors
/// The body is not JSON, a field is wrong, or something is asked for that cannot be done. The
/// failure names the field.
pub fn decode(body: &[u8], images: &Images) -> Result<Decoded<ReplyForm>, Failure> {
    let request: Request = parse(body)?;
    let mut ignored = Ignored::default();
    request.unknown.report("", &mut ignored);
    refuse_impossible(&request)?;
    let sampling =
        Sampling { temperature: request.temperature, top_p: request.top_p, seed: request.seed };
    fields::report_sampling(&sampling, &mut ignored);
    // Nothing is ever stored, so only the wish for it has no effect.
    if request.store == Some(true) {
        ignored.add("", "store");
    }
    let limits = limits(&request)?;
    let model = fields::model(request.model)?;
    let mode = fields::mode(request.stream, request.stream_options, &mut ignored)?;
    let reasoning = reasoning(request.reasoning_effort, request.reasoning, &mut ignored)?;
    let continuity = fields::continuity(request.prompt_cache_key, request.user, &mut ignored);
    let output = output::output_shape(request.response_format, &mut ignored)?;
    let (tools, calls) = tools::tools(
        tools::Offer {
            tools: request.tools,
            choice: request.tool_choice,
            parallel: request.parallel_tool_calls,
            functions: request.functions,
            function_call: request.function_call,
        },
        &mut ignored,
    )?;
    let messages = request.messages.ok_or_else(|| missing("messages"))?;
    let mut reader = parts::Reader { pictures: Pictures::new(images), ignored: &mut ignored };
    let history = messages::history(messages, &mut reader)?;
    let wanted = reader.pictures.into_wanted();
    let turn = Turn {
        model: ModelName::new(model.clone()),
        instructions: history.instructions,
        messages: history.messages,
        tools,
        sampling,
        reasoning,
        output,
        limits,
        continuity,
    };
    Ok(Decoded { turn, form: ReplyForm { mode, model, calls }, ignored, wanted })
}

/// Wishes whose answer would have another shape than the one that can be given.
fn refuse_impossible(request: &Request) -> Result<(), Failure> {
    fields::single_answer("n", request.n)?;
    if request.logprobs == Some(true) {
        return Err(Failure::invalid("logprobs", "Log probabilities are not supported."));
    }
    if request.top_logprobs.is_some_and(|count| count > 0) {
        return Err(Failure::invalid("top_logprobs", "Log probabilities are not supported."));
    }
    for (place, modality) in request.modalities.iter().flatten().enumerate() {
        if modality != "text" {
            return Err(unsupported_value(format!("modalities[{place}]"), modality, "'text'"));
        }
    }
    Ok(())
}

fn limits(request: &Request) -> Result<Limits, Failure> {
    let max_output_tokens = fields::least_limit(&[
        ("max_tokens", request.max_tokens),
        ("max_completion_tokens", request.max_completion_tokens),
    ])?;
    Ok(Limits { max_output_tokens, stop: fields::stop(request.stop.as_ref())? })
}

fn reasoning(
    effort: Option<String>,
    object: Option<wire::Reasoning>,
    ignored: &mut Ignored,
) -> Result<Reasoning, Failure> {
    let object = object.unwrap_or_default();
    object.unknown.report("reasoning.", ignored);
    let (path, word) = match (effort, object.effort) {
        (Some(word), other) => {
            if other.is_some_and(|other| other != word) {
                ignored.add("", "reasoning.effort");
            }
            ("reasoning_effort", word)
        }
        (None, Some(word)) => ("reasoning.effort", word),
        (None, None) => return Ok(Reasoning::default()),
    };
    let effort = match word.as_str() {
        "none" => ReasoningEffort::None,
        "minimal" => ReasoningEffort::Minimal,
        "low" => ReasoningEffort::Low,
        "medium" => ReasoningEffort::Medium,
        "high" => ReasoningEffort::High,
        "xhigh" => ReasoningEffort::XHigh,
        other => {
            let supported = "'none', 'minimal', 'low', 'medium', 'high', and 'xhigh'";
            return Err(unsupported_value(path, other, supported));
        }
    };
    Ok(Reasoning { wanted: Some(effort != ReasoningEffort::None), effort: Some(effort) })
}

#[cfg(test)]
mod tests;
