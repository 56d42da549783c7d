//! A request's bytes to a turn: the order of the steps and the fields that stand alone. Messages
//! and tools have modules of their own.
//!
//! A field of the API is honoured, refused with its path, or reported as ignored; none is
//! dropped in silence.

use conversation::{
    Continuity, Failure, Limits, ModelName, Reasoning, ReasoningEffort, Sampling, Turn,
};

use super::wire::{self, Request};
use super::{Mode, ReplyForm};
use crate::picture::Pictures;
use crate::problem::{empty, missing, unsupported_value};
use crate::wire::{TextOr, parse};
use crate::{Decoded, Ignored, Images};

mod messages;
mod parts;
mod tools;

/// Most stop texts. The API has four; more do no harm.
const MAX_STOPS: usize = 16;

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
    let sampling = sampling(&request, &mut ignored);
    let limits = limits(&request)?;
    let model = request
        .model
        .filter(|model| !model.trim().is_empty())
        .ok_or_else(|| Failure::invalid("model", "You must provide a model parameter."))?;
    let mode = mode(request.stream, request.stream_options, &mut ignored)?;
    let reasoning = reasoning(request.reasoning_effort, request.reasoning, &mut ignored)?;
    let continuity = continuity(request.prompt_cache_key, request.user, &mut ignored);
    let output = tools::output_shape(request.response_format, &mut ignored)?;
    let tools = tools::tools(
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
    Ok(Decoded { turn, form: ReplyForm { mode, model }, ignored, wanted })
}

/// Wishes whose answer would have another shape than the one that can be given.
fn refuse_impossible(request: &Request) -> Result<(), Failure> {
    match request.n {
        None | Some(1) => {}
        Some(0) => {
            let message = "Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.";
            return Err(Failure::invalid("n", message));
        }
        Some(_) => {
            let message = "Only one choice per request is supported: leave 'n' out or set it to 1.";
            return Err(Failure::invalid("n", message));
        }
    }
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

/// Neither upstream flow has sampling parameters.
fn sampling(request: &Request, ignored: &mut Ignored) -> Sampling {
    let sampling =
        Sampling { temperature: request.temperature, top_p: request.top_p, seed: request.seed };
    for (name, given) in [
        ("temperature", sampling.temperature.is_some()),
        ("top_p", sampling.top_p.is_some()),
        ("seed", sampling.seed.is_some()),
    ] {
        if given {
            ignored.add("", name);
        }
    }
    sampling
}

fn limits(request: &Request) -> Result<Limits, Failure> {
    let mut least = None;
    for (name, limit) in [
        ("max_tokens", request.max_tokens),
        ("max_completion_tokens", request.max_completion_tokens),
    ] {
        let Some(limit) = limit else { continue };
        if limit == 0 {
            let message = format!(
                "Invalid '{name}': integer below minimum value. Expected a value >= 1, but got 0 instead."
            );
            return Err(Failure::invalid(name, message));
        }
        least = Some(least.map_or(limit, |least: u64| least.min(limit)));
    }
    Ok(Limits { max_output_tokens: least, stop: stop(request.stop.as_ref())? })
}

fn stop(stop: Option<&TextOr<Vec<String>>>) -> Result<Vec<String>, Failure> {
    match stop {
        None => Ok(Vec::new()),
        Some(TextOr::Text(text)) if text.is_empty() => Err(empty("stop")),
        Some(TextOr::Text(text)) => Ok(vec![text.clone()]),
        Some(TextOr::Other(texts)) if texts.len() > MAX_STOPS => {
            let message = format!(
                "Invalid 'stop': array too long. Expected an array with maximum length \
                 {MAX_STOPS}, but got {} instead.",
                texts.len()
            );
            Err(Failure::invalid("stop", message))
        }
        Some(TextOr::Other(texts)) => match texts.iter().position(String::is_empty) {
            Some(place) => Err(empty(format!("stop[{place}]"))),
            None => Ok(texts.clone()),
        },
    }
}

fn mode(
    stream: Option<bool>,
    options: Option<wire::StreamOptions>,
    ignored: &mut Ignored,
) -> Result<Mode, Failure> {
    let stream = stream.unwrap_or(false);
    let Some(options) = options else {
        return Ok(if stream { Mode::Stream { include_usage: false } } else { Mode::Whole });
    };
    if !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Failure::invalid("stream_options", message));
    }
    options.unknown.report("stream_options.", ignored);
    Ok(Mode::Stream { include_usage: options.include_usage.unwrap_or(false) })
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

/// The cache key names the conversation better than the user does.
fn continuity(key: Option<String>, user: Option<String>, ignored: &mut Ignored) -> Continuity {
    let key = key.filter(|key| !key.is_empty());
    let user = user.filter(|user| !user.is_empty());
    if key.is_some() && user.is_some() {
        ignored.add("", "user");
    }
    Continuity { cache_key: key.or(user) }
}

#[cfg(test)]
mod tests;
