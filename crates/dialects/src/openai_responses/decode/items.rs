//! The items of a conversation: what each of them means, and which of them are there only for
//! services that run elsewhere.

use std::collections::HashMap;

use conversation::{Failure, Part, ReasoningPart, ToolCall, ToolResult};
use serde_json::value::RawValue;

use super::history::Builder;
use super::parts::{Place, Reader};
use super::{History, listing, no_input};
use crate::json;
use crate::openai_responses::callable::{Callables, flat_name};
use crate::openai_responses::error::PREVIOUS;
use crate::openai_responses::{compaction, wire};
use crate::parts::texts;
use crate::problem::{missing, shown, unsupported_value};
use crate::sealed;
use crate::wire::{TextOr, parse_at, raw_object};

mod calls;

/// Where the items of a request come from.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) input: Option<&'a TextOr<Vec<Box<RawValue>>>>,
    /// JSON of the items before it.
    pub(super) earlier: &'a [String],
    /// The answer whose chain `earlier` is; without one these are only there to be referred to.
    pub(super) previous: Option<&'a str>,
    /// Whether the request's own items are wanted back.
    pub(super) list: bool,
}

/// # Errors
/// There is no item, or one of them is wrong by itself or where it stands.
pub(super) fn read(
    source: &Source<'_>,
    callables: &Callables,
    reader: &mut Reader<'_>,
) -> Result<History, Failure> {
    let mut items = Items { callables, builder: Builder::default(), reader };
    if source.previous.is_some() {
        for raw in source.earlier {
            items.kept(raw)?;
        }
    }
    let mut listed = Vec::new();
    match source.input {
        None => {}
        Some(TextOr::Text(text)) => {
            let parts = items.reader.parts(TextOr::Text(text.clone()), Place::User, "input")?;
            items.builder.user(parts);
            if source.list {
                listed.push(listing::of_text(text, source.previous));
            }
        }
        Some(TextOr::Other(list)) => items.input(list, source, &mut listed)?,
    }
    let mut history = items.builder.finish()?;
    if history.messages.is_empty() && history.instructions.is_empty() {
        return Err(no_input());
    }
    history.listed = listed;
    Ok(history)
}

/// Reads items one after the other.
struct Items<'a, 'r> {
    callables: &'a Callables,
    builder: Builder,
    reader: &'a mut Reader<'r>,
}

impl Items<'_, '_> {
    fn input(
        &mut self,
        list: &[Box<RawValue>],
        source: &Source<'_>,
        listed: &mut Vec<String>,
    ) -> Result<(), Failure> {
        let mut kept: Option<HashMap<String, &str>> = None;
        for (place, raw) in list.iter().enumerate() {
            let path = format!("input[{place}]");
            let item: wire::Item = parse_at(raw, &path)?;
            let Some(id) = reference(&item) else {
                self.item(item, &path)?;
                if source.list {
                    listed.extend(listing::of_item(raw, place, source.previous));
                }
                continue;
            };
            let kept = kept.get_or_insert_with(|| by_id(source.earlier));
            let Some(text) = kept.get(id) else {
                let message = format!("Item with id '{}' not found.", shown(id));
                return Err(Failure::invalid(format!("{path}.id"), message));
            };
            // An item of the chain stands in the conversation already.
            if source.previous.is_none() {
                self.item(parse_kept(text, &path)?, &path)?;
                if source.list {
                    listed.push((*text).to_owned());
                }
            }
        }
        Ok(())
    }

    /// An item of an earlier request or answer.
    fn kept(&mut self, text: &str) -> Result<(), Failure> {
        let item = parse_kept(text, PREVIOUS)?;
        self.item(item, PREVIOUS)
    }

    fn item(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let kind = match (&item.kind, &item.role) {
            (Some(kind), _) => kind.clone(),
            (None, Some(_)) => "message".to_owned(),
            (None, None) => return Err(missing(format!("{path}.type"))),
        };
        if let Some(summary) = compacted(&kind, &item) {
            item.unknown.report("input[].", self.reader.ignored);
            self.builder.user(vec![Part::Text(compaction::told(&summary))]);
            return Ok(());
        }
        // A search for tools that has a call id is answered by the client.
        let searched = kind.starts_with("tool_search_") && item.call_id.is_some();
        if is_hosted(&kind) && !searched {
            self.reader.ignored.add("input[].", &kind);
            return Ok(());
        }
        item.unknown.report("input[].", self.reader.ignored);
        match kind.as_str() {
            "message" => self.message(item, path),
            "reasoning" => self.reasoning(item, path),
            "function_call" => self.function_call(item, path),
            "custom_tool_call" => self.custom_call(item, path),
            "local_shell_call" | "shell_call" | "apply_patch_call" => {
                self.client_call(&kind, item, path)
            }
            "function_call_output"
            | "custom_tool_call_output"
            | "local_shell_call_output"
            | "shell_call_output"
            | "apply_patch_call_output" => self.output(&kind, item, path),
            "mcp_call" => self.mcp_call(item, path),
            "agent_message" => self.agent_message(item, path),
            "tool_search_call" => self.search_call(item, path),
            "tool_search_output" => self.search_output(item, path),
            // Its tools are declared already.
            "additional_tools" => Ok(()),
            other => Err(unsupported_value(
                format!("{path}.type"),
                other,
                "'message', 'reasoning', 'function_call', 'function_call_output', \
                 'custom_tool_call', 'custom_tool_call_output', and 'item_reference'",
            )),
        }
    }

    fn message(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let place = match item.role.as_deref() {
            Some("user") => Place::User,
            Some("assistant") => Place::Assistant,
            Some("system" | "developer") => Place::Instruction,
            Some(other) => {
                let supported = "'user', 'assistant', 'system', and 'developer'";
                return Err(unsupported_value(format!("{path}.role"), other, supported));
            }
            None => return Err(missing(format!("{path}.role"))),
        };
        let path = format!("{path}.content");
        let content = item.content.ok_or_else(|| missing(path.as_str()))?;
        let parts = self.reader.parts(content, place, &path)?;
        match place {
            Place::User | Place::ToolOutput => self.builder.user(parts),
            Place::Assistant => {
                self.builder.assistant(parts);
            }
            Place::Instruction => self.builder.instruction(texts(&parts).join("\n")),
        }
        Ok(())
    }

    /// What one agent of the client says to another; the model shall know that it is not the user.
    fn agent_message(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let path = format!("{path}.content");
        let content = item.content.ok_or_else(|| missing(path.as_str()))?;
        let author = item.author.unwrap_or_else(|| "another agent".to_owned());
        let to = item.recipient.map(|name| format!(" to {name}")).unwrap_or_default();
        let mut parts = vec![Part::Text(format!("Message from {author}{to}:"))];
        parts.extend(self.reader.parts(content, Place::User, &path)?);
        self.builder.user(parts);
        Ok(())
    }

    /// Our own seal goes back as it was; without it the text has to do.
    fn reasoning(&mut self, item: wire::Item, path: &str) -> Result<(), Failure> {
        let opaque = item.encrypted_content.filter(|text| !text.is_empty());
        let mut part = opaque.as_deref().and_then(sealed::unwrap);
        if opaque.is_some() && part.is_none() {
            self.reader.ignored.add("input[].", "encrypted_content");
        }
        if part.is_none() {
            let content = item.content.unwrap_or_else(|| TextOr::Other(Vec::new()));
            let content =
                self.reader.parts(content, Place::Instruction, &format!("{path}.content"))?;
            let summary = TextOr::Other(item.summary.unwrap_or_default());
            let summary =
                self.reader.parts(summary, Place::Instruction, &format!("{path}.summary"))?;
            let shown = if content.is_empty() { summary } else { content };
            part = Some(ReasoningPart { text: texts(&shown).join("\n\n"), seal: None });
        }
        if let Some(part) = part.filter(|part| !part.text.is_empty() || part.seal.is_some()) {
            self.builder.assistant(vec![Part::Reasoning(part)]);
        }
        Ok(())
    }
}

/// The id of a kept item that stands for the item itself.
fn reference(item: &wire::Item) -> Option<&str> {
    match (item.kind.as_deref(), &item.role) {
        (Some("item_reference"), _) => Some(item.id.as_deref().unwrap_or_default()),
        (None, None) => item.id.as_deref(),
        (Some(_), _) | (None, Some(_)) => None,
    }
}

fn by_id(earlier: &[String]) -> HashMap<String, &str> {
    earlier
        .iter()
        .filter_map(|text| {
            let item: wire::Reference = serde_json::from_str(text).ok()?;
            Some((item.id?, text.as_str()))
        })
        .collect()
}

/// What was kept was written here, so it can be read.
fn parse_kept(text: &str, path: &str) -> Result<wire::Item, Failure> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
        Failure::invalid(path, "An earlier item of the conversation cannot be read.")
            .log(format!("a kept item is not JSON: {error}"))
    })?;
    parse_at(raw, path)
}

/// The summary in a compaction that was made here, under any of the names that clients give it.
fn compacted(kind: &str, item: &wire::Item) -> Option<String> {
    if !matches!(kind, "compaction" | "compaction_summary" | "context_compaction") {
        return None;
    }
    sealed::unwrap_summary(item.encrypted_content.as_deref()?)
}

/// Items of tools that OpenAI runs itself, and other things that mean nothing elsewhere.
fn is_hosted(kind: &str) -> bool {
    matches!(
        kind,
        "web_search_call"
            | "file_search_call"
            | "computer_call"
            | "computer_call_output"
            | "code_interpreter_call"
            | "image_generation_call"
            | "mcp_list_tools"
            | "mcp_approval_request"
            | "mcp_approval_response"
            | "tool_search_call"
            | "tool_search_output"
            | "program"
            | "program_output"
            | "configuration_update"
            | "compaction"
            | "compaction_summary"
            | "compaction_trigger"
            | "context_compaction"
            | "ghost_snapshot"
    )
}
