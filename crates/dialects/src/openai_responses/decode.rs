//! A request's bytes to a turn: the order of the steps and the fields that stand alone. Items,
//! tools and the echo have modules of their own.
//!
//! A field of the API is honoured, refused with its path, or reported as ignored; none is
//! dropped in silence.

use std::sync::Arc;

use conversation::{
    Continuity, Failure, Limits, Message, ModelName, Reasoning, ReasoningEffort, Sampling, Turn,
};

use super::error::PREVIOUS;
use super::form::ReplyForm;
use super::wire;
use crate::openai_chat::fields;
use crate::picture::Pictures;
use crate::problem::{missing, unsupported_value};
use crate::wire::{TextOr, parse};
use crate::{Decoded, Ignored, Images};

mod compaction;
mod echo;
mod history;
mod items;
mod listing;
mod output;
mod parts;
mod tools;

/// A request that was read but not yet understood: it may go on from an earlier answer, whose
/// items are needed first. Copies share the text.
#[derive(Debug, Clone)]
pub struct Request {
    fields: Arc<wire::Request>,
}

/// Reads the body of `POST /v1/responses`, or of `…/input_tokens` or `…/compact` below it.
///
/// # Errors
/// The body is not JSON, or a field has the wrong type. The failure names the field.
pub fn read(body: &[u8]) -> Result<Request, Failure> {
    Ok(Request { fields: Arc::new(parse(body)?) })
}

impl Request {
    /// The answer from which this request goes on.
    #[must_use]
    pub fn previous_response_id(&self) -> Option<&str> {
        self.fields.previous_response_id.as_deref().filter(|id| !id.is_empty())
    }

    /// Ids of kept items that the input names instead of repeating them. Without a previous
    /// answer the server hands these items to [`Request::decode`] as `earlier`.
    #[must_use]
    pub fn item_references(&self) -> Vec<String> {
        let Some(TextOr::Other(items)) = &self.fields.input else { return Vec::new() };
        items
            .iter()
            .filter_map(|raw| serde_json::from_str::<wire::Reference>(raw.get()).ok())
            .filter(|item| item.kind.as_deref() == Some("item_reference"))
            .filter_map(|item| item.id)
            .collect()
    }

    /// Makes a turn of the request. `earlier` are the items before it as JSON, oldest first: all
    /// input and output of the chain that ends with the previous answer; or, when there is no
    /// previous answer, only those that [`Request::item_references`] names.
    ///
    /// # Errors
    /// A field is wrong, or something is asked for that cannot be done. The failure names the
    /// field.
    pub fn decode(
        &self,
        earlier: &[String],
        images: &Images,
    ) -> Result<Decoded<ReplyForm>, Failure> {
        self.understand(Purpose::Answer, earlier, images)
    }

    fn understand(
        &self,
        purpose: Purpose,
        earlier: &[String],
        images: &Images,
    ) -> Result<Decoded<ReplyForm>, Failure> {
        let request = &*self.fields;
        let mut ignored = Ignored::default();
        request.unknown.report("", &mut ignored);
        refuse_impossible(request)?;
        let model = fields::model(request.model.clone())?;
        let stream = stream(request, &mut ignored)?;
        let (store, background) = keeping(request)?;
        let sampling =
            Sampling { temperature: request.temperature, top_p: request.top_p, seed: None };
        fields::report_sampling(&sampling, &mut ignored);
        let limits = limits(request)?;
        let reasoning = reasoning(request.reasoning.as_ref(), &mut ignored)?;
        let includes_seal = included(request, &mut ignored);
        report_wishes(request, &mut ignored)?;
        let continuity = continuity(request);
        let output = output::shape(request.text.as_ref(), &mut ignored)?;
        let chain = if self.previous_response_id().is_some() { earlier } else { &[] };
        let tools = tools::read(request, chain, &mut ignored)?;
        let echo = echo::fields(request, store, &tools.echo)?;
        let source = items::Source {
            input: request.input.as_ref(),
            earlier,
            previous: self.previous_response_id(),
            list: store || purpose == Purpose::Compaction,
        };
        let mut reader = parts::Reader { pictures: Pictures::new(images), ignored: &mut ignored };
        let history = items::read(&source, &tools.callables, &mut reader)?;
        let wanted = reader.pictures.into_wanted();
        let given = request.instructions.iter().filter(|text| !text.is_empty()).cloned();
        let turn = Turn {
            model: ModelName::new(model.clone()),
            instructions: given.chain(history.instructions).collect(),
            messages: history.messages,
            tools: tools.offered,
            sampling,
            reasoning,
            output,
            limits,
            continuity,
        };
        let form = ReplyForm {
            stream,
            store,
            background,
            model,
            previous_response_id: request.previous_response_id.clone(),
            input_items: history.listed,
            sealed: includes_seal || !store,
            callables: tools.callables,
            echo,
        };
        Ok(Decoded { turn, form, ignored, wanted })
    }
}

/// What a request is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Answer,
    /// Its items are wanted back, whether or not the answer is stored.
    Compaction,
}

/// What the items amount to.
#[derive(Debug, Default)]
struct History {
    instructions: Vec<String>,
    messages: Vec<Message>,
    /// The request's own items as JSON, with ids.
    listed: Vec<String>,
}

/// Wishes that nothing here can fulfil.
fn refuse_impossible(request: &wire::Request) -> Result<(), Failure> {
    let refuse = |param: &str, message: &str| Err(Failure::invalid(param, message));
    if request.conversation.is_some() {
        let message = "Conversation objects are not supported: use 'previous_response_id', or \
                       send the whole conversation as 'input'.";
        return refuse("conversation", message);
    }
    if request.prompt.is_some() {
        let message = "Prompt templates are not supported: send the text as 'instructions'.";
        return refuse("prompt", message);
    }
    if request.top_logprobs.is_some_and(|count| count > 0) {
        return refuse("top_logprobs", "Log probabilities are not supported.");
    }
    if request.previous_response_id.as_deref() == Some("") {
        return Err(Failure::invalid(PREVIOUS, "Invalid 'previous_response_id': it is empty."));
    }
    Ok(())
}

fn stream(request: &wire::Request, ignored: &mut Ignored) -> Result<bool, Failure> {
    let stream = request.stream.unwrap_or(false);
    let Some(options) = &request.stream_options else { return Ok(stream) };
    if !stream {
        let message = "The 'stream_options' parameter is only allowed when 'stream' is enabled.";
        return Err(Failure::invalid("stream_options", message));
    }
    options.unknown.report("stream_options.", ignored);
    if options.include_obfuscation == Some(true) {
        ignored.add("stream_options.", "include_obfuscation");
    }
    Ok(stream)
}

/// Whether the answer is stored, and whether it is made in the background.
fn keeping(request: &wire::Request) -> Result<(bool, bool), Failure> {
    let store = request.store.unwrap_or(true);
    let background = request.background.unwrap_or(false);
    if background && !store {
        let message = "Background mode requires the response to be stored: leave 'store' out or \
                       set it to true.";
        return Err(Failure::invalid("background", message));
    }
    Ok((store, background))
}

fn limits(request: &wire::Request) -> Result<Limits, Failure> {
    let limit = fields::least_limit(&[("max_output_tokens", request.max_output_tokens)])?;
    Ok(Limits { max_output_tokens: limit, stop: Vec::new() })
}

fn reasoning(wish: Option<&wire::Reasoning>, ignored: &mut Ignored) -> Result<Reasoning, Failure> {
    let Some(wish) = wish else { return Ok(Reasoning::default()) };
    wish.unknown.report("reasoning.", ignored);
    for (name, summary) in
        [("summary", &wish.summary), ("generate_summary", &wish.generate_summary)]
    {
        match summary.as_deref() {
            None | Some("auto") => {}
            // What the model shows is shown; there is no shorter or longer form of it.
            Some("concise" | "detailed" | "none") => ignored.add("reasoning.", name),
            Some(other) => {
                let supported = "'auto', 'concise', and 'detailed'";
                return Err(unsupported_value(format!("reasoning.{name}"), other, supported));
            }
        }
    }
    let effort = match wish.effort.as_deref() {
        None => return Ok(Reasoning::default()),
        Some("none") => ReasoningEffort::None,
        Some("minimal") => ReasoningEffort::Minimal,
        Some("low") => ReasoningEffort::Low,
        Some("medium") => ReasoningEffort::Medium,
        Some("high") => ReasoningEffort::High,
        Some("xhigh" | "max") => ReasoningEffort::XHigh,
        Some(other) => {
            let supported = "'none', 'minimal', 'low', 'medium', 'high', 'xhigh', and 'max'";
            return Err(unsupported_value("reasoning.effort", other, supported));
        }
    };
    Ok(Reasoning { wanted: Some(effort != ReasoningEffort::None), effort: Some(effort) })
}

/// Whether `encrypted_content` is among the additions that the client wants.
fn included(request: &wire::Request, ignored: &mut Ignored) -> bool {
    let mut seal = false;
    for name in request.include.iter().flatten() {
        if name == "reasoning.encrypted_content" {
            seal = true;
        } else {
            ignored.add("include[].", name);
        }
    }
    seal
}

/// Fields whose value is checked, and reported when it would change something elsewhere.
fn report_wishes(request: &wire::Request, ignored: &mut Ignored) -> Result<(), Failure> {
    match request.truncation.as_deref() {
        None | Some("disabled") => {}
        Some("auto") => ignored.add("", "truncation"),
        Some(other) => {
            return Err(unsupported_value("truncation", other, "'auto' and 'disabled'"));
        }
    }
    match request.service_tier.as_deref() {
        None | Some("auto" | "default") => {}
        Some(_) => ignored.add("", "service_tier"),
    }
    if request.max_tool_calls == Some(0) {
        return Err(fields::below_one("max_tool_calls"));
    }
    match request.metadata.as_ref() {
        Some(metadata) if metadata.len() > 16 => {
            let message = "Invalid 'metadata': too many properties. Expected at most 16.";
            Err(Failure::invalid("metadata", message))
        }
        Some(metadata) => match metadata
            .iter()
            .find(|(key, value)| key.chars().count() > 64 || value.chars().count() > 512)
        {
            Some(_) => {
                let message = "Invalid 'metadata': a key has at most 64 characters, a value 512.";
                Err(Failure::invalid("metadata", message))
            }
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// The first of the names that the client has for a conversation or a user.
fn continuity(request: &wire::Request) -> Continuity {
    let names = [&request.prompt_cache_key, &request.user, &request.safety_identifier];
    let cache_key = names.into_iter().flatten().find(|name| !name.is_empty()).cloned();
    Continuity { cache_key }
}

/// `input` as a whole is missing.
fn no_input() -> Failure {
    Failure {
        client: "One of 'input' or 'previous_response_id' must be provided.".to_owned(),
        ..missing("input")
    }
}

#[cfg(test)]
mod tests;
