//! The fields that the APIs of OpenAI have in common.

use conversation::{Continuity, Failure, Sampling};

use super::Mode;
use crate::Ignored;
use crate::problem::empty;
use crate::wire::{TextOr, wire};

/// Most stop texts. The API has four; more do no harm.
const MAX_STOPS: usize = 16;

wire! {
    pub(crate) struct StreamOptions {
        include_usage: bool,
    }
}

/// # Errors
/// There is no name.
pub(crate) fn model(model: Option<String>) -> Result<String, Failure> {
    model
        .filter(|model| !model.trim().is_empty())
        .ok_or_else(|| Failure::invalid("model", "You must provide a model parameter."))
}

/// Checks a number of answers, `n` or `best_of`.
///
/// # Errors
/// It is not one.
pub(crate) fn single_answer(name: &str, count: Option<u64>) -> Result<(), Failure> {
    match count {
        None | Some(1) => Ok(()),
        Some(0) => Err(below_one(name)),
        Some(_) => {
            let message = format!(
                "Only one choice per request is supported: leave '{name}' out or set it to 1."
            );
            Err(Failure::invalid(name, message))
        }
    }
}

pub(crate) fn below_one(name: &str) -> Failure {
    let message = format!(
        "Invalid '{name}': integer below minimum value. Expected a value >= 1, but got 0 instead."
    );
    Failure::invalid(name, message)
}

/// The least of the limits that were given, each with the name of its field.
///
/// # Errors
/// One of them is zero.
pub(crate) fn least_limit(limits: &[(&str, Option<u64>)]) -> Result<Option<u64>, Failure> {
    let mut least = None;
    for (name, limit) in limits {
        let Some(limit) = *limit else { continue };
        if limit == 0 {
            return Err(below_one(name));
        }
        least = Some(least.map_or(limit, |least: u64| least.min(limit)));
    }
    Ok(least)
}

/// Neither upstream flow has sampling parameters.
pub(crate) fn report_sampling(sampling: &Sampling, ignored: &mut Ignored) {
    for (name, given) in [
        ("temperature", sampling.temperature.is_some()),
        ("top_p", sampling.top_p.is_some()),
        ("seed", sampling.seed.is_some()),
    ] {
        if given {
            ignored.add("", name);
        }
    }
}

/// # Errors
/// A stop text is empty, or there are too many.
pub(crate) fn stop(stop: Option<&TextOr<Vec<String>>>) -> Result<Vec<String>, Failure> {
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

/// # Errors
/// There are options for a stream, and no stream.
pub(crate) fn mode(
    stream: Option<bool>,
    options: Option<StreamOptions>,
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

/// The cache key names the conversation better than the user does.
pub(crate) fn continuity(
    key: Option<String>,
    user: Option<String>,
    ignored: &mut Ignored,
) -> Continuity {
    let key = key.filter(|key| !key.is_empty());
    let user = user.filter(|user| !user.is_empty());
    if key.is_some() && user.is_some() {
        ignored.add("", "user");
    }
    Continuity { cache_key: key.or(user) }
}
