//! What the client offers and demands: its tools, and which of them must be called.

use conversation::{Failure, Tool, ToolChoice, Tools};

use super::{native, required};
use crate::Ignored;
use crate::anthropic::wire;
use crate::problem::{check_name, shown, unsupported_value};
use crate::tools::MAX_TOOLS;
use crate::wire::raw_object;

/// # Errors
/// A tool is malformed, or the choice does not fit the tools.
pub(super) fn tools(
    tools: Option<Vec<wire::Tool>>,
    choice: Option<wire::ToolChoice>,
    ignored: &mut Ignored,
) -> Result<Tools, Failure> {
    let mut declared: Vec<Tool> = Vec::new();
    for (place, tool) in tools.into_iter().flatten().enumerate() {
        let path = format!("tools[{place}]");
        let Some(tool) = declared_tool(tool, &path, ignored)? else { continue };
        if declared.len() >= MAX_TOOLS {
            let message = format!("at most {MAX_TOOLS} tools are accepted");
            return Err(Failure::invalid(path, message));
        }
        if declared.iter().any(|other| other.name == tool.name) {
            let message = format!("Tool names must be unique: '{}'.", shown(&tool.name));
            return Err(Failure::invalid(format!("{path}.name"), message));
        }
        declared.push(tool);
    }
    let Some(choice) = choice else { return Ok(Tools { declared, ..Tools::default() }) };
    choice.unknown.report("tool_choice.", ignored);
    let parallel = !choice.disable_parallel_tool_use.unwrap_or(false);
    let choice = tool_choice(choice, &declared, ignored)?;
    Ok(Tools { declared, choice, parallel })
}

/// What kind of tool a `type` names. Those of the provider end in their date.
enum Kind<'a> {
    Custom,
    Native(native::Family),
    /// It runs at the provider, or in a way that cannot be imitated.
    Foreign(&'a str),
}

impl<'a> Kind<'a> {
    fn parse(word: &'a str) -> Option<Self> {
        if word == "custom" {
            return Some(Self::Custom);
        }
        let dated = word
            .rsplit_once('_')
            .filter(|(_, date)| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()));
        match dated {
            Some((family, _)) => {
                Some(native::Family::parse(family).map_or(Self::Foreign(word), Self::Native))
            }
            None if word == "mcp_toolset" || word.starts_with("tool_search_tool") => {
                Some(Self::Foreign(word))
            }
            None => None,
        }
    }
}

/// `None` for a tool that cannot be offered to the model.
fn declared_tool(
    tool: wire::Tool,
    path: &str,
    ignored: &mut Ignored,
) -> Result<Option<Tool>, Failure> {
    let word = tool.kind.clone().unwrap_or_else(|| "custom".to_owned());
    let word = word.as_str();
    let kind = Kind::parse(word).ok_or_else(|| {
        let supported = "'custom' and the tools that the API defines, such as 'bash_20250124'";
        unsupported_value(format!("{path}.type"), word, supported)
    })?;
    let tool = match kind {
        Kind::Foreign(word) => {
            ignored.add("tools[].", word);
            return Ok(None);
        }
        Kind::Native(family) => native_tool(tool, family, ignored),
        Kind::Custom => custom_tool(tool, path, ignored)?,
    };
    check_name(&tool.name, &format!("{path}.name"))?;
    Ok(Some(tool))
}

/// The client's own words about it count for nothing: its type says what it does.
fn native_tool(tool: wire::Tool, family: native::Family, ignored: &mut Ignored) -> Tool {
    tool.unknown.report("tools[].", ignored);
    for (name, given) in
        [("description", tool.description.is_some()), ("input_schema", tool.input_schema.is_some())]
    {
        if given {
            ignored.add("tools[].", name);
        }
    }
    let size = tool.display_width_px.zip(tool.display_height_px);
    Tool {
        name: tool.name.unwrap_or_else(|| family.usual_name().to_owned()),
        description: family.description(size),
        parameters: family.schema().to_owned(),
    }
}

fn custom_tool(tool: wire::Tool, path: &str, ignored: &mut Ignored) -> Result<Tool, Failure> {
    tool.unknown.report("tools[].", ignored);
    for (name, given) in [
        ("display_width_px", tool.display_width_px.is_some()),
        ("display_height_px", tool.display_height_px.is_some()),
    ] {
        if given {
            ignored.add("tools[].", name);
        }
    }
    let name = tool.name.ok_or_else(|| required(format!("{path}.name")))?;
    let path = format!("{path}.input_schema");
    let schema = tool.input_schema.ok_or_else(|| required(path.as_str()))?;
    let parameters = raw_object(&schema, &path)?;
    Ok(Tool { name, description: tool.description.unwrap_or_default(), parameters })
}

fn tool_choice(
    choice: wire::ToolChoice,
    declared: &[Tool],
    ignored: &mut Ignored,
) -> Result<ToolChoice, Failure> {
    let kind = choice.kind.ok_or_else(|| required("tool_choice.type"))?;
    if kind != "tool" && choice.name.is_some() {
        ignored.add("tool_choice.", "name");
    }
    match kind.as_str() {
        "auto" => Ok(ToolChoice::Auto),
        "none" => Ok(ToolChoice::None),
        "any" if declared.is_empty() => Err(Failure::invalid(
            "tool_choice",
            "A call can only be demanded while tools are offered that the client runs.",
        )),
        "any" => Ok(ToolChoice::Required),
        "tool" => {
            let name = choice.name.ok_or_else(|| required("tool_choice.name"))?;
            if declared.iter().any(|tool| tool.name == name) {
                return Ok(ToolChoice::Named(name));
            }
            let message = format!(
                "Tool '{}' not found in provided tools; those that run at the provider are not \
                 available.",
                shown(&name)
            );
            Err(Failure::invalid("tool_choice.name", message))
        }
        other => {
            let supported = "'auto', 'any', 'tool', and 'none'";
            Err(unsupported_value("tool_choice.type", other, supported))
        }
    }
}
