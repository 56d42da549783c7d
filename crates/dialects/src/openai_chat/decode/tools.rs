//! The tools that the client offers. The older `functions` are the same thing under another name,
//! and a custom tool, which takes free text, is a function with one text parameter.

use std::collections::BTreeSet;

use conversation::{Failure, Tool, ToolChoice, Tools};

use super::choice::{function_choice, tool_choice};
use crate::Ignored;
use crate::freeform::{self, Grammar};
use crate::openai_chat::{CallForm, wire};
use crate::problem::{missing, unsupported_value};
use crate::tools::{MAX_TOOLS, declared_name, parameters, same_name, too_many};
use crate::wire::TextOr;

/// The fields of a request that are about tools.
#[derive(Debug)]
pub(super) struct Offer {
    pub(super) tools: Option<Vec<wire::Tool>>,
    pub(super) choice: Option<TextOr<wire::ToolChoice>>,
    pub(super) parallel: Option<bool>,
    pub(super) functions: Option<Vec<wire::Function>>,
    pub(super) function_call: Option<TextOr<wire::ToolName>>,
}

/// What was declared so far.
#[derive(Debug, Default)]
pub(super) struct Declared {
    pub(super) tools: Vec<Tool>,
    /// Names of the custom ones.
    pub(super) custom: BTreeSet<String>,
}

/// The tools, and how calls of them are to be shown.
///
/// # Errors
/// A tool is malformed, or the choice does not fit the tools.
pub(super) fn tools(offer: Offer, ignored: &mut Ignored) -> Result<(Tools, CallForm), Failure> {
    let old = offer.functions.is_some();
    if old && offer.tools.is_some() {
        let message = "'functions' is the older form of 'tools': send only one of them.";
        return Err(Failure::invalid("functions", message));
    }
    let mut declared = Declared::default();
    for (place, tool) in offer.tools.into_iter().flatten().enumerate() {
        declared.read(tool, &format!("tools[{place}]"), ignored)?;
    }
    for (place, function) in offer.functions.into_iter().flatten().enumerate() {
        let path = format!("functions[{place}]");
        let tool = function_tool(function, &path, "functions[].", ignored)?;
        declared.push(tool, &format!("{path}.name"))?;
    }
    let choice = match (offer.choice, offer.function_call) {
        (Some(choice), unused) => {
            if unused.is_some() {
                ignored.add("", "function_call");
            }
            tool_choice(choice, &mut declared, ignored)?
        }
        (None, Some(choice)) => function_choice(choice, &declared, ignored)?,
        (None, None) => ToolChoice::Auto,
    };
    let parallel = !old && offer.parallel.unwrap_or(true);
    let Declared { tools, custom } = declared;
    let form = if old { CallForm::Function } else { CallForm::Tools { custom } };
    Ok((Tools { declared: tools, choice, parallel }, form))
}

impl Declared {
    fn read(&mut self, tool: wire::Tool, path: &str, ignored: &mut Ignored) -> Result<(), Failure> {
        tool.unknown.report("tools[].", ignored);
        match tool.kind.as_deref() {
            Some("function") => {
                let path = format!("{path}.function");
                let function = tool.function.ok_or_else(|| missing(path.as_str()))?;
                let tool = function_tool(function, &path, "tools[].function.", ignored)?;
                self.push(tool, &format!("{path}.name"))
            }
            Some("custom") => {
                let path = format!("{path}.custom");
                let tool = tool.custom.ok_or_else(|| missing(path.as_str()))?;
                let tool = custom_tool(tool, &path, ignored)?;
                let name = tool.name.clone();
                self.push(tool, &format!("{path}.name"))?;
                self.custom.insert(name);
                Ok(())
            }
            Some(other) => {
                let supported = "'function' and 'custom'";
                Err(unsupported_value(format!("{path}.type"), other, supported))
            }
            None => Err(missing(format!("{path}.type"))),
        }
    }

    fn push(&mut self, tool: Tool, path: &str) -> Result<(), Failure> {
        if self.tools.len() >= MAX_TOOLS {
            return Err(too_many(path));
        }
        if self.tools.iter().any(|other| other.name == tool.name) {
            return Err(same_name(&tool.name, path));
        }
        self.tools.push(tool);
        Ok(())
    }
}

fn function_tool(
    function: wire::Function,
    path: &str,
    ignored_prefix: &str,
    ignored: &mut Ignored,
) -> Result<Tool, Failure> {
    function.unknown.report(ignored_prefix, ignored);
    let name = declared_name(function.name, path)?;
    let path = format!("{path}.parameters");
    let parameters = parameters(function.parameters.as_deref(), &path)?;
    Ok(Tool { name, description: function.description.unwrap_or_default(), parameters })
}

fn custom_tool(tool: wire::Custom, path: &str, ignored: &mut Ignored) -> Result<Tool, Failure> {
    tool.unknown.report("tools[].custom.", ignored);
    let name = declared_name(tool.name, path)?;
    let grammar = match tool.format {
        Some(format) => grammar(format, &format!("{path}.format"), ignored)?,
        None => None,
    };
    Ok(freeform::tool(name, tool.description, grammar))
}

fn grammar(
    format: wire::CustomFormat,
    path: &str,
    ignored: &mut Ignored,
) -> Result<Option<Grammar>, Failure> {
    format.unknown.report("tools[].custom.format.", ignored);
    if !freeform::has_grammar(format.kind.as_deref(), path)? {
        return Ok(None);
    }
    let path = format!("{path}.grammar");
    let grammar = format.grammar.ok_or_else(|| missing(path.as_str()))?;
    grammar.unknown.report("tools[].custom.format.grammar.", ignored);
    Grammar::read(grammar.syntax.as_deref(), grammar.definition, &path).map(Some)
}
