//! The fields of the response object that repeat the request, with the API's defaults for what the
//! client left out.

use std::collections::BTreeMap;

use conversation::Failure;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::json;
use crate::openai_responses::wire;
use crate::wire::raw_object;

#[derive(Serialize)]
struct Echo<'a> {
    background: bool,
    frequency_penalty: f64,
    instructions: Option<&'a str>,
    max_output_tokens: Option<u64>,
    max_tool_calls: Option<u64>,
    metadata: BTreeMap<&'a str, &'a str>,
    parallel_tool_calls: bool,
    presence_penalty: f64,
    previous_response_id: Option<&'a str>,
    prompt_cache_key: Option<&'a str>,
    reasoning: Reasoning<'a>,
    safety_identifier: Option<&'a str>,
    service_tier: &'static str,
    store: bool,
    temperature: f64,
    text: Text<'a>,
    tool_choice: Box<RawValue>,
    tools: &'a [Box<RawValue>],
    top_logprobs: u64,
    top_p: f64,
    truncation: &'a str,
    user: Option<&'a str>,
}

#[derive(Serialize)]
struct Reasoning<'a> {
    effort: Option<&'a str>,
    summary: Option<&'a str>,
}

#[derive(Serialize)]
struct Text<'a> {
    format: Format<'a>,
    verbosity: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Format<'a> {
    Text,
    JsonObject,
    JsonSchema { name: &'a str, description: Option<&'a str>, schema: Box<RawValue>, strict: bool },
}

/// The fields as the inside of a JSON object. The request was checked before.
///
/// # Errors
/// The tool choice is nested too deeply.
pub(super) fn fields(
    request: &wire::Request,
    store: bool,
    tools: &[Box<RawValue>],
) -> Result<String, Failure> {
    let tool_choice = match &request.tool_choice {
        None => line("\"auto\""),
        Some(choice) if choice.get().starts_with('{') => line(&raw_object(choice, "tool_choice")?),
        Some(choice) => line(choice.get()),
    };
    let reasoning = request.reasoning.as_ref();
    let bytes = json::to_vec(&Echo {
        background: request.background.unwrap_or(false),
        frequency_penalty: 0.0,
        instructions: request.instructions.as_deref(),
        max_output_tokens: request.max_output_tokens,
        max_tool_calls: request.max_tool_calls,
        metadata: request
            .metadata
            .iter()
            .flatten()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect(),
        parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
        presence_penalty: 0.0,
        previous_response_id: request.previous_response_id.as_deref(),
        prompt_cache_key: request.prompt_cache_key.as_deref(),
        reasoning: Reasoning {
            effort: reasoning.and_then(|wish| wish.effort.as_deref()),
            summary: reasoning
                .and_then(|wish| wish.summary.as_deref().or(wish.generate_summary.as_deref())),
        },
        safety_identifier: request.safety_identifier.as_deref(),
        service_tier: "default",
        store,
        temperature: request.temperature.unwrap_or(1.0),
        text: text(request.text.as_ref()),
        tool_choice,
        tools,
        top_logprobs: 0,
        top_p: request.top_p.unwrap_or(1.0),
        truncation: request.truncation.as_deref().unwrap_or("disabled"),
        user: request.user.as_deref(),
    });
    let text = String::from_utf8(bytes).expect("JSON is UTF-8");
    Ok(text[1..text.len() - 1].to_owned())
}

fn text(text: Option<&wire::Text>) -> Text<'_> {
    let verbosity = text.and_then(|text| text.verbosity.as_deref()).unwrap_or("medium");
    let format = text.and_then(|text| text.format.as_ref());
    let format = match format.and_then(|format| format.kind.as_deref()) {
        Some("json_object") => Format::JsonObject,
        Some("json_schema") => Format::JsonSchema {
            name: format.and_then(|format| format.name.as_deref()).unwrap_or_default(),
            description: format.and_then(|format| format.description.as_deref()),
            schema: line(
                format.and_then(|format| format.schema.as_deref()).map_or("{}", RawValue::get),
            ),
            strict: format.and_then(|format| format.strict).unwrap_or(false),
        },
        _ => Format::Text,
    };
    Text { format, verbosity }
}

/// A JSON text on one line.
pub(super) fn line(json: &str) -> Box<RawValue> {
    RawValue::from_string(json::compact(json)).expect("JSON stays JSON without blanks")
}
