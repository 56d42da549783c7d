//! What the client offers and demands: tools, which of them, and the form of the answer. The
//! older `functions` are the same thing under other names.

use conversation::{Failure, OutputShape, Tool, ToolChoice, Tools};

use crate::Ignored;
use crate::openai_chat::wire;
use crate::problem::{check_name, missing, shown, unsupported_value};
use crate::wire::{TextOr, raw_object};

/// The fields of a request that are about tools.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) tools: Option<Vec<wire::Tool>>,
    pub(super) choice: Option<TextOr<wire::ToolChoice>>,
    pub(super) parallel: Option<bool>,
    pub(super) functions: Option<Vec<wire::Function>>,
    pub(super) function_call: Option<TextOr<wire::FunctionName>>,
}

/// Most tools of a request; the API itself takes 128.
const MAX_TOOLS: usize = 1024;
/// The schema of a tool that takes nothing.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

/// # Errors
/// A tool is malformed, or the choice does not fit the tools.
pub(super) fn tools(offer: Offer, ignored: &mut Ignored) -> Result<Tools, Failure> {
    let old = offer.functions.is_some();
    if old && offer.tools.is_some() {
        let message = "'functions' is the older form of 'tools': send only one of them.";
        return Err(Failure::invalid("functions", message));
    }
    let mut declared: Vec<Tool> = Vec::new();
    for (place, tool) in offer.tools.into_iter().flatten().enumerate() {
        let path = format!("tools[{place}]");
        let tool = declared_tool(tool, &path, ignored)?;
        push_unique(&mut declared, tool, &format!("{path}.function.name"))?;
    }
    for (place, function) in offer.functions.into_iter().flatten().enumerate() {
        let path = format!("functions[{place}]");
        let tool = declared_function(function, &path, "functions[].", ignored)?;
        push_unique(&mut declared, tool, &format!("{path}.name"))?;
    }
    let choice = match (offer.choice, offer.function_call) {
        (Some(choice), unused) => {
            if unused.is_some() {
                ignored.add("", "function_call");
            }
            tool_choice(choice, &declared, ignored)?
        }
        (None, Some(choice)) => function_choice(choice, &declared, ignored)?,
        (None, None) => ToolChoice::Auto,
    };
    Ok(Tools { declared, choice, parallel: !old && offer.parallel.unwrap_or(true) })
}

fn push_unique(declared: &mut Vec<Tool>, tool: Tool, path: &str) -> Result<(), Failure> {
    if declared.len() >= MAX_TOOLS {
        let message = format!("Too many tools: at most {MAX_TOOLS} are accepted.");
        return Err(Failure::invalid(path, message));
    }
    if declared.iter().any(|other| other.name == tool.name) {
        let message = format!("Two tools have the name '{}'.", shown(&tool.name));
        return Err(Failure::invalid(path, message));
    }
    declared.push(tool);
    Ok(())
}

fn declared_tool(tool: wire::Tool, path: &str, ignored: &mut Ignored) -> Result<Tool, Failure> {
    tool.unknown.report("tools[].", ignored);
    match tool.kind.as_deref() {
        Some("function") => {}
        Some(other) => return Err(unsupported_value(format!("{path}.type"), other, "'function'")),
        None => return Err(missing(format!("{path}.type"))),
    }
    let path = format!("{path}.function");
    let function = tool.function.ok_or_else(|| missing(path.as_str()))?;
    declared_function(function, &path, "tools[].function.", ignored)
}

fn declared_function(
    function: wire::Function,
    path: &str,
    ignored_prefix: &str,
    ignored: &mut Ignored,
) -> Result<Tool, Failure> {
    function.unknown.report(ignored_prefix, ignored);
    let name_path = format!("{path}.name");
    let name = function.name.ok_or_else(|| missing(name_path.as_str()))?;
    check_name(&name, &name_path)?;
    let parameters = match function.parameters {
        Some(schema) => raw_object(&schema, &format!("{path}.parameters"))?,
        None => NO_PARAMETERS.to_owned(),
    };
    Ok(Tool { name, description: function.description.unwrap_or_default(), parameters })
}

fn tool_choice(
    choice: TextOr<wire::ToolChoice>,
    declared: &[Tool],
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
        TextOr::Other(choice) => {
            choice.unknown.report("tool_choice.", ignored);
            if let Some(kind) = choice.kind.filter(|kind| kind != "function") {
                return Err(unsupported_value("tool_choice.type", &kind, "'function'"));
            }
            let function = choice.function.ok_or_else(|| missing("tool_choice.function"))?;
            function.unknown.report("tool_choice.function.", ignored);
            let path = "tool_choice.function.name";
            ToolChoice::Named(declared_name(function.name, declared, path)?)
        }
    };
    if declared.is_empty() {
        let message = "'tool_choice' is only allowed when 'tools' are specified.";
        return Err(Failure::invalid("tool_choice", message));
    }
    Ok(choice)
}

fn function_choice(
    choice: TextOr<wire::FunctionName>,
    declared: &[Tool],
    ignored: &mut Ignored,
) -> Result<ToolChoice, Failure> {
    match choice {
        TextOr::Text(word) => match word.as_str() {
            "none" => Ok(ToolChoice::None),
            "auto" => Ok(ToolChoice::Auto),
            other => Err(unsupported_value("function_call", other, "'none' and 'auto'")),
        },
        TextOr::Other(function) => {
            function.unknown.report("function_call.", ignored);
            declared_name(function.name, declared, "function_call.name").map(ToolChoice::Named)
        }
    }
}

fn declared_name(name: Option<String>, tools: &[Tool], path: &str) -> Result<String, Failure> {
    let name = name.ok_or_else(|| missing(path))?;
    if tools.iter().any(|tool| tool.name == name) {
        return Ok(name);
    }
    let message = format!("Tool choice '{}' not found in the offered tools.", shown(&name));
    Err(Failure::invalid(path, message))
}

/// # Errors
/// An unknown form, or a schema that is not there.
pub(super) fn output_shape(
    format: Option<wire::ResponseFormat>,
    ignored: &mut Ignored,
) -> Result<OutputShape, Failure> {
    let Some(format) = format else { return Ok(OutputShape::Text) };
    format.unknown.report("response_format.", ignored);
    match format.kind.as_deref() {
        Some("text") => Ok(OutputShape::Text),
        Some("json_object") => Ok(OutputShape::Json),
        Some("json_schema") => json_schema(format.json_schema, ignored),
        Some(other) => {
            let supported = "'text', 'json_object', and 'json_schema'";
            Err(unsupported_value("response_format.type", other, supported))
        }
        None => Err(missing("response_format.type")),
    }
}

fn json_schema(
    format: Option<wire::JsonSchema>,
    ignored: &mut Ignored,
) -> Result<OutputShape, Failure> {
    const PATH: &str = "response_format.json_schema";
    let format = format.ok_or_else(|| missing(PATH))?;
    format.unknown.report(&format!("{PATH}."), ignored);
    let name = format.name.ok_or_else(|| missing(format!("{PATH}.name")))?;
    check_name(&name, &format!("{PATH}.name"))?;
    let schema_path = format!("{PATH}.schema");
    let schema = format.schema.ok_or_else(|| missing(schema_path.as_str()))?;
    Ok(OutputShape::JsonSchema { name, schema: raw_object(&schema, &schema_path)? })
}
