//! Input items as they are kept and listed: on one line, with type and id, and messages in their
//! long form.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde::Serialize;
use serde_json::value::RawValue;

use super::echo::line;
use crate::json;
use crate::openai_responses::wire;

#[derive(Serialize)]
struct Listed {
    #[serde(rename = "type")]
    kind: String,
    id: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Box<RawValue>>,
}

#[derive(Serialize)]
struct TextPart<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    annotations: Option<[(); 0]>,
    text: &'a str,
}

/// The text of `input` that is a mere string, as an item.
pub(super) fn of_text(text: &str, previous: Option<&str>) -> String {
    let mut rest = BTreeMap::new();
    rest.insert("role".to_owned(), line("\"user\""));
    rest.insert("status".to_owned(), line("\"completed\""));
    rest.insert("content".to_owned(), text_parts("user", text));
    write("message".to_owned(), made_up_id("message", text, 0, previous), rest)
}

/// An item of `input`; `place` is its place there. `None` when it is no object.
pub(super) fn of_item(raw: &RawValue, place: usize, previous: Option<&str>) -> Option<String> {
    let known: wire::Reference = serde_json::from_str(raw.get()).ok()?;
    let mut rest: BTreeMap<String, Box<RawValue>> =
        serde_json::from_str(&json::compact(raw.get())).ok()?;
    rest.remove("type");
    rest.remove("id");
    let kind = known.kind.unwrap_or_else(|| "message".to_owned());
    if kind == "message" {
        let role: String =
            rest.get("role").and_then(|role| serde_json::from_str(role.get()).ok())?;
        if let Some(content) = rest.get_mut("content")
            && let Ok(text) = serde_json::from_str::<String>(content.get())
        {
            *content = text_parts(&role, &text);
        }
        rest.entry("status".to_owned()).or_insert_with(|| line("\"completed\""));
    }
    let id = known
        .id
        .filter(|id| !id.is_empty())
        .unwrap_or_else(|| made_up_id(&kind, raw.get(), place, previous));
    Some(write(kind, id, rest))
}

fn write(kind: String, id: String, rest: BTreeMap<String, Box<RawValue>>) -> String {
    let bytes = json::to_vec(&Listed { kind, id, rest });
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// A message's text in the long form.
fn text_parts(role: &str, text: &str) -> Box<RawValue> {
    let part = if role == "assistant" {
        TextPart { kind: "output_text", annotations: Some([]), text }
    } else {
        TextPart { kind: "input_text", annotations: None, text }
    };
    line(&String::from_utf8(json::to_vec(&[part])).expect("JSON is UTF-8"))
}

/// An id for an item that came without one: it depends only on what and where it is, so that
/// decoding twice gives the same.
fn made_up_id(kind: &str, text: &str, place: usize, previous: Option<&str>) -> String {
    let prefix = match kind {
        "message" => "msg",
        "reasoning" => "rs",
        "function_call" => "fc",
        "function_call_output" => "fco",
        "custom_tool_call" => "ctc",
        "custom_tool_call_output" => "ctco",
        "compaction" => "cmp",
        _ => "item",
    };
    let mut hasher = DefaultHasher::new();
    (previous, place, text).hash(&mut hasher);
    format!("{prefix}_in_{:016x}_{place}", hasher.finish())
}
