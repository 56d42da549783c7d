//! A request's bytes to a turn of one message, or to a completion between two texts.

use conversation::{
    Failure, Limits, Message, ModelName, OutputShape, Part, Reasoning, Sampling, Tools, Turn,
};
use serde_json::value::RawValue;

use super::ReplyForm;
use super::insertion::{Insertion, Place};
use crate::openai_chat::fields::{self, StreamOptions};
use crate::problem::{empty, missing};
use crate::wire::{TextOr, parse, wire};
use crate::{Decoded, Ignored};

wire! {
    struct Body {
        model: String,
        prompt: Box<RawValue>,
        stream: bool,
        stream_options: StreamOptions,
        max_tokens: u64,
        stop: TextOr<Vec<String>>,
        n: u64,
        best_of: u64,
        echo: bool,
        suffix: String,
        logprobs: u64,
        temperature: f64,
        top_p: f64,
        seed: i64,
        user: String,
        relative_workspace_path: String,
        language_id: String,
    }
}

/// A request that was read. What stands behind the cursor and the model decide which of the two
/// ways it goes: on with the text, or into it.
#[derive(Debug)]
pub struct Request(Body);

/// What the model is told, for it would rather answer than go on.
const INSTRUCTION: &str = "The user's message is the beginning of a text. Continue the text \
    exactly where it ends. Write only the continuation: do not repeat the beginning, do not \
    comment on it, do not answer it, and put no quotation marks or code fences around what you \
    write.";

/// Reads the body of `POST /v1/completions`.
///
/// # Errors
/// The body is not JSON, or a field has the wrong type. The failure names the field.
pub fn read(body: &[u8]) -> Result<Request, Failure> {
    parse(body).map(Request)
}

/// Reads the body of `POST /v1/completions` as a text to go on with.
///
/// # Errors
/// As for [`read`] and [`Request::continuation`].
pub fn decode(body: &[u8]) -> Result<Decoded<ReplyForm>, Failure> {
    read(body)?.continuation()
}

impl Request {
    /// What stands behind the cursor. Editors send an empty text at the end of a file, and so do
    /// clients that have no cursor at all.
    #[must_use]
    pub fn suffix(&self) -> Option<&str> {
        self.0.suffix.as_deref()
    }

    /// The model, if the client names one.
    #[must_use]
    pub fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// The turn that goes on with the prompt.
    ///
    /// # Errors
    /// A field is wrong, or something is asked for that cannot be done: text behind the cursor
    /// too. The failure names the field.
    pub fn continuation(self) -> Result<Decoded<ReplyForm>, Failure> {
        let Self(mut request) = self;
        if request.suffix.as_ref().is_some_and(|suffix| !suffix.is_empty()) {
            let message = "Text insertion is not supported: leave 'suffix' out.";
            return Err(Failure::invalid("suffix", message));
        }
        let Common { prompt, form, limits, sampling, mut ignored } = common(&mut request)?;
        if prompt.is_empty() {
            return Err(empty("prompt"));
        }
        for (name, given) in [
            ("relative_workspace_path", request.relative_workspace_path.is_some()),
            ("language_id", request.language_id.is_some()),
        ] {
            if given {
                ignored.add("", name);
            }
        }
        let turn = Turn {
            model: ModelName::new(form.model.clone()),
            instructions: vec![INSTRUCTION.to_owned()],
            messages: vec![Message::User(vec![Part::Text(prompt)])],
            tools: Tools::default(),
            sampling,
            reasoning: Reasoning::default(),
            output: OutputShape::Text,
            limits,
            continuity: fields::continuity(None, request.user, &mut ignored),
        };
        Ok(Decoded { turn, form, ignored, wanted: Vec::new() })
    }

    /// The completion between the prompt and what stands behind the cursor.
    ///
    /// # Errors
    /// A field is wrong, or something is asked for that cannot be done. The failure names the
    /// field.
    pub fn insertion(self) -> Result<Insertion, Failure> {
        let Self(mut request) = self;
        let Common { prompt, form, limits, sampling: _, mut ignored } = common(&mut request)?;
        if request.user.is_some_and(|user| !user.is_empty()) {
            ignored.add("", "user");
        }
        let place = Place {
            prompt,
            suffix: request.suffix.unwrap_or_default(),
            path: request.relative_workspace_path.filter(|path| !path.is_empty()),
            language: request.language_id.filter(|language| !language.is_empty()),
        };
        Ok(Insertion::new(place, form, limits, ignored))
    }
}

/// What both ways have in common.
struct Common {
    prompt: String,
    form: ReplyForm,
    limits: Limits,
    sampling: Sampling,
    ignored: Ignored,
}

fn common(request: &mut Body) -> Result<Common, Failure> {
    let mut ignored = Ignored::default();
    request.unknown.report("", &mut ignored);
    fields::single_answer("n", request.n)?;
    fields::single_answer("best_of", request.best_of)?;
    if request.logprobs.is_some() {
        return Err(Failure::invalid("logprobs", "Log probabilities are not supported."));
    }
    let sampling =
        Sampling { temperature: request.temperature, top_p: request.top_p, seed: request.seed };
    fields::report_sampling(&sampling, &mut ignored);
    let limits = Limits {
        max_output_tokens: fields::least_limit(&[("max_tokens", request.max_tokens)])?,
        stop: fields::stop(request.stop.as_ref())?,
    };
    let model = fields::model(request.model.take())?;
    let mode = fields::mode(request.stream, request.stream_options.take(), &mut ignored)?;
    let prompt = prompt(request.prompt.as_deref())?;
    let echo = request.echo.unwrap_or(false).then(|| prompt.clone());
    let form = ReplyForm { mode, model, echo };
    Ok(Common { prompt, form, limits, sampling, ignored })
}

/// One text, alone or as the only item of an array.
fn prompt(raw: Option<&RawValue>) -> Result<String, Failure> {
    let raw = raw.ok_or_else(|| missing("prompt"))?;
    match raw.get().as_bytes().first() {
        Some(b'"') => text(raw.get(), "prompt"),
        Some(b'[') => only_item(raw.get()),
        _ => Err(not_a_prompt("prompt")),
    }
}

fn only_item(list: &str) -> Result<String, Failure> {
    let items: Vec<&RawValue> = serde_json::from_str(list).map_err(|_| not_a_prompt("prompt"))?;
    if items.iter().any(|item| !item.get().starts_with('"')) {
        let tokens = |item: &&RawValue| {
            item.get().starts_with(|c: char| c == '[' || c == '-' || c.is_ascii_digit())
        };
        return Err(if items.iter().all(tokens) {
            let message = "Arrays of tokens are not supported: send the prompt as a string.";
            Failure::invalid("prompt", message)
        } else {
            not_a_prompt("prompt")
        });
    }
    match items[..] {
        [] => Err(empty("prompt")),
        [item] => text(item.get(), "prompt[0]"),
        [_, _, ..] => {
            let message = format!(
                "Only one prompt per request is supported, but got {}: send one request for each.",
                items.len()
            );
            Err(Failure::invalid("prompt", message))
        }
    }
}

/// Only an escape that is half of a pair can be wrong here.
fn text(json: &str, path: &str) -> Result<String, Failure> {
    serde_json::from_str(json).map_err(|_| {
        Failure::invalid(path, format!("Invalid '{path}': the string is no legal Unicode text."))
    })
}

fn not_a_prompt(path: &str) -> Failure {
    let message =
        format!("Invalid type for '{path}': expected a string or an array of one string.");
    Failure::invalid(path, message)
}

#[cfg(test)]
mod tests;
