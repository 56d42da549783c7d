//! Which of the offered tools the model may or must call.

use std::collections::BTreeSet;

use conversation::{Failure, ToolChoice};

use super::tools::Declared;
use crate::Ignored;
use crate::openai_chat::wire;
use crate::problem::{missing, unsupported_value};
use crate::tools::not_offered;
use crate::wire::TextOr;

/// Reads `tool_choice`. A list of allowed tools takes the others out of `declared`.
///
/// # Errors
/// An unknown word, or a tool that is not offered.
pub(super) fn tool_choice(
    choice: TextOr<wire::ToolChoice>,
    declared: &mut Declared,
    ignored: &mut Ignored,
) -> Result<ToolChoice, Failure> {
    const SUPPORTED: &str = "'none', 'auto', and 'required'";
    let choice = match choice {
        TextOr::Text(word) => match word.as_str() {
            "none" => return Ok(ToolChoice::None),
            "auto" => return Ok(ToolChoice::Auto),
            "required" => ToolChoice::Required,
            other => return Err(unsupported_value("tool_choice", other, SUPPORTED)),
        },
        TextOr::Other(choice) => object(choice, declared, ignored)?,
    };
    if declared.tools.is_empty() {
        let message = "'tool_choice' is only allowed when 'tools' are specified.";
        return Err(Failure::invalid("tool_choice", message));
    }
    Ok(choice)
}

fn object(
    choice: wire::ToolChoice,
    declared: &mut Declared,
    ignored: &mut Ignored,
) -> Result<ToolChoice, Failure> {
    choice.unknown.report("tool_choice.", ignored);
    match choice.kind.as_deref() {
        Some("allowed_tools") => allowed(choice.allowed_tools, declared, ignored),
        Some("function") | None => {
            let (path, prefix) = ("tool_choice.function", "tool_choice.function.");
            named(choice.function, Kind::Function, declared, path, prefix, ignored)
                .map(ToolChoice::Named)
        }
        Some("custom") => {
            let (path, prefix) = ("tool_choice.custom", "tool_choice.custom.");
            named(choice.custom, Kind::Custom, declared, path, prefix, ignored)
                .map(ToolChoice::Named)
        }
        Some(other) => {
            let supported = "'function', 'custom', and 'allowed_tools'";
            Err(unsupported_value("tool_choice.type", other, supported))
        }
    }
}

fn allowed(
    allowed: Option<wire::AllowedTools>,
    declared: &mut Declared,
    ignored: &mut Ignored,
) -> Result<ToolChoice, Failure> {
    const PATH: &str = "tool_choice.allowed_tools";
    let allowed = allowed.ok_or_else(|| missing(PATH))?;
    allowed.unknown.report("tool_choice.allowed_tools.", ignored);
    let choice = match allowed.mode.as_deref() {
        Some("auto") => ToolChoice::Auto,
        Some("required") => ToolChoice::Required,
        Some(other) => {
            let path = format!("{PATH}.mode");
            return Err(unsupported_value(path, other, "'auto' and 'required'"));
        }
        None => return Err(missing(format!("{PATH}.mode"))),
    };
    let list = allowed.tools.ok_or_else(|| missing(format!("{PATH}.tools")))?;
    if list.is_empty() {
        let path = format!("{PATH}.tools");
        let message = format!("Invalid '{path}': empty array. Name at least one tool.");
        return Err(Failure::invalid(path, message));
    }
    let mut kept = BTreeSet::new();
    for (place, tool) in list.into_iter().enumerate() {
        let path = format!("{PATH}.tools[{place}]");
        kept.insert(allowed_name(tool, &path, declared, ignored)?);
    }
    declared.tools.retain(|tool| kept.contains(&tool.name));
    Ok(choice)
}

fn allowed_name(
    tool: wire::AllowedTool,
    path: &str,
    declared: &Declared,
    ignored: &mut Ignored,
) -> Result<String, Failure> {
    const PREFIX: &str = "tool_choice.allowed_tools.tools[].";
    tool.unknown.report(PREFIX, ignored);
    let (kind, word, name) = match tool.kind.as_deref() {
        Some("function") => (Kind::Function, "function", tool.function),
        Some("custom") => (Kind::Custom, "custom", tool.custom),
        Some(other) => {
            let path = format!("{path}.type");
            return Err(unsupported_value(path, other, "'function' and 'custom'"));
        }
        None => return Err(missing(format!("{path}.type"))),
    };
    let path = format!("{path}.{word}");
    named(name, kind, declared, &path, &format!("{PREFIX}{word}."), ignored)
}

/// Reads the older `function_call`.
///
/// # Errors
/// An unknown word, or a function that is not offered.
pub(super) fn function_choice(
    choice: TextOr<wire::ToolName>,
    declared: &Declared,
    ignored: &mut Ignored,
) -> Result<ToolChoice, Failure> {
    match choice {
        TextOr::Text(word) => match word.as_str() {
            "none" => Ok(ToolChoice::None),
            "auto" => Ok(ToolChoice::Auto),
            other => Err(unsupported_value("function_call", other, "'none' and 'auto'")),
        },
        TextOr::Other(function) => {
            let (path, prefix) = ("function_call", "function_call.");
            named(Some(function), Kind::Function, declared, path, prefix, ignored)
                .map(ToolChoice::Named)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Function,
    Custom,
}

/// The name of an offered tool of this kind.
fn named(
    tool: Option<wire::ToolName>,
    kind: Kind,
    declared: &Declared,
    path: &str,
    ignored_prefix: &str,
    ignored: &mut Ignored,
) -> Result<String, Failure> {
    let tool = tool.ok_or_else(|| missing(path))?;
    tool.unknown.report(ignored_prefix, ignored);
    let path = format!("{path}.name");
    let name = tool.name.ok_or_else(|| missing(path.as_str()))?;
    let of_kind = declared.custom.contains(&name) == (kind == Kind::Custom);
    if of_kind && declared.tools.iter().any(|tool| tool.name == name) {
        return Ok(name);
    }
    Err(not_offered(&name, &path))
}
