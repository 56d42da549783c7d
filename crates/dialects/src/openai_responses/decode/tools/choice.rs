//! Which of the offered tools the model may or must call.

use conversation::{Failure, ToolChoice};
use serde_json::value::RawValue;

use super::{CallKind, Ignored, Known, Offer, is_hosted, missing, parse_at, unsupported_value};
use crate::openai_responses::wire;
use crate::tools::not_offered;
use crate::wire::TextOr;

/// # Errors
/// The choice is malformed, or names a tool that is not offered.
pub(super) fn apply(
    choice: Option<&RawValue>,
    offer: &mut Offer,
    ignored: &mut Ignored,
) -> Result<(), Failure> {
    let Some(choice) = choice else { return Ok(()) };
    offer.offered.choice = match parse_at::<TextOr<wire::ToolChoice>>(choice, "tool_choice")? {
        TextOr::Text(word) => mode(&word, "tool_choice")?,
        TextOr::Other(choice) => {
            choice.unknown.report("tool_choice.", ignored);
            match choice.kind.as_deref() {
                Some("allowed_tools") => allowed(&choice, offer, ignored)?,
                Some(kind) => {
                    let wanted = Wanted {
                        kind,
                        name: choice.name.as_deref(),
                        namespace: choice.namespace.as_deref(),
                    };
                    ToolChoice::Named(wanted.find(&offer.known, "tool_choice")?.neutral.clone())
                }
                None => return Err(missing("tool_choice.type")),
            }
        }
    };
    let demands = match &offer.offered.choice {
        ToolChoice::Required | ToolChoice::Named(_) => true,
        ToolChoice::None | ToolChoice::Auto => false,
    };
    if demands && offer.offered.declared.is_empty() {
        let message = "'tool_choice' demands a tool, but none that can be used is offered.";
        return Err(Failure::invalid("tool_choice", message));
    }
    Ok(())
}

fn mode(word: &str, path: &str) -> Result<ToolChoice, Failure> {
    match word {
        "none" => Ok(ToolChoice::None),
        "auto" => Ok(ToolChoice::Auto),
        "required" => Ok(ToolChoice::Required),
        other => Err(unsupported_value(path, other, "'none', 'auto', and 'required'")),
    }
}

/// Leaves only the tools that are named.
fn allowed(
    choice: &wire::ToolChoice,
    offer: &mut Offer,
    ignored: &mut Ignored,
) -> Result<ToolChoice, Failure> {
    let tools = choice.tools.as_ref().ok_or_else(|| missing("tool_choice.tools"))?;
    let mut names = Vec::with_capacity(tools.len());
    for (place, tool) in tools.iter().enumerate() {
        tool.unknown.report("tool_choice.tools[].", ignored);
        let path = format!("tool_choice.tools[{place}]");
        let kind = tool.kind.as_deref().ok_or_else(|| missing(format!("{path}.type")))?;
        if is_hosted(kind) && !matches!(kind, "shell" | "tool_search") {
            ignored.add("tool_choice.tools[].", kind);
            continue;
        }
        let wanted =
            Wanted { kind, name: tool.name.as_deref(), namespace: tool.namespace.as_deref() };
        names.push(wanted.find(&offer.known, &path)?.neutral.clone());
    }
    offer.offered.declared.retain(|tool| names.contains(&tool.name));
    mode(choice.mode.as_deref().unwrap_or("auto"), "tool_choice.mode")
}

/// A tool as a choice names it.
struct Wanted<'a> {
    kind: &'a str,
    name: Option<&'a str>,
    namespace: Option<&'a str>,
}

impl Wanted<'_> {
    fn find<'k>(&self, known: &'k [Known], path: &str) -> Result<&'k Known, Failure> {
        let (kind, name) = match self.kind {
            "function" => (CallKind::Function, self.name),
            "custom" => (CallKind::Custom, self.name),
            "local_shell" => (CallKind::LocalShell, Some("local_shell")),
            "shell" => (CallKind::Shell, Some("shell")),
            "apply_patch" => (CallKind::ApplyPatch, Some("apply_patch")),
            "tool_search" => (CallKind::ToolSearch, Some("tool_search")),
            other => {
                let supported = "'function', 'custom', 'allowed_tools', 'local_shell', 'shell', \
                                 and 'apply_patch'";
                return Err(unsupported_value(format!("{path}.type"), other, supported));
            }
        };
        let name = name.ok_or_else(|| missing(format!("{path}.name")))?;
        let fits = |known: &&Known| {
            known.callable.kind == kind
                && known.callable.name == name
                // A choice may leave the name space out where the name alone is clear.
                && self.namespace.is_none_or(|space| known.callable.namespace.as_deref() == Some(space))
        };
        known.iter().find(fits).ok_or_else(|| not_offered(name, &format!("{path}.name")))
    }
}
