//! What the client offers: functions, name spaces of functions, freeform tools and a few tools
//! with call items of their own. Hosted tools run nowhere here; they are reported and left out.

use conversation::{Failure, Tool, Tools};
use serde::Serialize;
use serde_json::value::RawValue;

use super::echo::line;
use crate::Ignored;
use crate::freeform::{self, Grammar};
use crate::json;
use crate::openai_responses::callable::{CallKind, Callable, Callables, flat_name, free_name};
use crate::openai_responses::wire;
use crate::problem::{empty, missing, unsupported_value};
use crate::tools::{MAX_TOOLS, declared_name, parameters, same_name, too_many};
use crate::wire::{parse_at, raw_object};

mod brought;
mod choice;
mod client;

/// What the fields of a request about tools amount to.
#[derive(Debug, Default)]
pub(super) struct Offer {
    pub(super) offered: Tools,
    pub(super) callables: Callables,
    /// The tools as the response object repeats them.
    pub(super) echo: Vec<Box<RawValue>>,
    known: Vec<Known>,
}

/// A declared tool under the client's name for it.
#[derive(Debug)]
struct Known {
    neutral: String,
    callable: Callable,
}

/// `chain` are the items before the request: they may bring tools, as those of the input may.
///
/// # Errors
/// A tool is malformed, or the choice does not fit the tools.
pub(super) fn read(
    request: &wire::Request,
    chain: &[String],
    ignored: &mut Ignored,
) -> Result<Offer, Failure> {
    let mut offer = Offer::default();
    // Plain names stay as they are, so made up ones must know them all.
    let mut later = Vec::new();
    let own = request.tools.as_deref().unwrap_or_default();
    offer.list(own, "tools", Source::Field, &mut later, ignored)?;
    let brought = brought::find(request, chain)?;
    let echoed = offer.echo.len();
    for (path, tools) in &brought {
        offer.list(tools, path, Source::Item, &mut later, ignored)?;
    }
    for (path, source, tool) in later {
        offer.namespace(tool, &path, source, ignored)?;
    }
    offer.echo.truncate(echoed);
    offer.offered.parallel = request.parallel_tool_calls.unwrap_or(true);
    choice::apply(request.tool_choice.as_deref(), &mut offer, ignored)?;
    Ok(offer)
}

/// Where a tool was declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Field,
    /// An item of the conversation. These are repeated, so a name may come again.
    Item,
}

impl Offer {
    /// A list of tools; name spaces are put off.
    fn list(
        &mut self,
        tools: &[Box<RawValue>],
        path: &str,
        source: Source,
        later: &mut Vec<(String, Source, wire::Tool)>,
        ignored: &mut Ignored,
    ) -> Result<(), Failure> {
        for (place, raw) in tools.iter().enumerate() {
            let path = format!("{path}[{place}]");
            let tool: wire::Tool = parse_at(raw, &path)?;
            if tool.kind.as_deref() == Some("namespace") {
                self.echo.push(line(&raw_object(raw, &path)?));
                later.push((path, source, tool));
            } else {
                self.tool(None, tool, raw, (&path, source), ignored)?;
            }
        }
        Ok(())
    }

    fn namespace(
        &mut self,
        tool: wire::Tool,
        path: &str,
        source: Source,
        ignored: &mut Ignored,
    ) -> Result<(), Failure> {
        tool.unknown.report("tools[].", ignored);
        let name = tool.name.ok_or_else(|| missing(format!("{path}.name")))?;
        if name.is_empty() {
            return Err(empty(format!("{path}.name")));
        }
        let tools = tool.tools.ok_or_else(|| missing(format!("{path}.tools")))?;
        for (place, raw) in tools.iter().enumerate() {
            let path = format!("{path}.tools[{place}]");
            let inner: wire::Tool = parse_at(raw, &path)?;
            let about = tool.description.as_deref().unwrap_or_default();
            self.tool(Some((&name, about)), inner, raw, (&path, source), ignored)?;
        }
        Ok(())
    }

    /// A tool that stands alone, or in a name space of this name and description.
    fn tool(
        &mut self,
        namespace: Option<(&str, &str)>,
        tool: wire::Tool,
        raw: &RawValue,
        (path, source): (&str, Source),
        ignored: &mut Ignored,
    ) -> Result<(), Failure> {
        let inside = namespace.is_some();
        let prefix = if inside { "tools[].tools[]." } else { "tools[]." };
        let kind = match tool.kind.as_deref() {
            Some("function") => CallKind::Function,
            Some("custom") => CallKind::Custom,
            Some("local_shell") if !inside => CallKind::LocalShell,
            Some("shell") if !inside && client::runs_shell(&tool) => CallKind::Shell,
            Some("apply_patch") if !inside => CallKind::ApplyPatch,
            Some("tool_search") if !inside && tool.execution.as_deref() == Some("client") => {
                CallKind::ToolSearch
            }
            Some(word) if !inside && is_hosted(word) => {
                ignored.add(prefix, word);
                self.echo.push(line(&raw_object(raw, path)?));
                return Ok(());
            }
            Some(word) => {
                let supported = if inside {
                    "'function' and 'custom'"
                } else {
                    "'function', 'namespace', 'custom', 'local_shell', 'shell', and 'apply_patch'"
                };
                return Err(unsupported_value(format!("{path}.type"), word, supported));
            }
            None => return Err(missing(format!("{path}.type"))),
        };
        tool.unknown.report(prefix, ignored);
        let declared = match kind {
            CallKind::Function => {
                if tool.strict == Some(true) {
                    ignored.add(prefix, "strict");
                }
                function(&tool, path)?
            }
            CallKind::Custom => custom(&tool, path)?,
            CallKind::ToolSearch => client::search(&tool, path)?,
            CallKind::LocalShell | CallKind::Shell | CallKind::ApplyPatch => client::tool(kind),
        };
        if !inside {
            self.echo.push(match kind {
                CallKind::Function => function_echo(&tool),
                CallKind::Custom
                | CallKind::LocalShell
                | CallKind::Shell
                | CallKind::ApplyPatch
                | CallKind::ToolSearch => line(&raw_object(raw, path)?),
            });
        }
        self.declare(namespace, declared, kind, (path, source))
    }

    fn declare(
        &mut self,
        namespace: Option<(&str, &str)>,
        mut tool: Tool,
        kind: CallKind,
        (path, source): (&str, Source),
    ) -> Result<(), Failure> {
        if self.known.len() >= MAX_TOOLS {
            return Err(too_many(path));
        }
        let callable = Callable {
            namespace: namespace.map(|(name, _)| name.to_owned()),
            name: tool.name.clone(),
            kind,
        };
        let same = |known: &Known| {
            known.callable.namespace == callable.namespace && known.callable.name == callable.name
        };
        if self.known.iter().any(same) {
            if source == Source::Item {
                return Ok(());
            }
            return Err(same_name(&tool.name, &format!("{path}.name")));
        }
        if let Some((name, about)) = namespace {
            let taken = |name: &str| self.known.iter().any(|known| known.neutral == name);
            tool.name = free_name(flat_name(Some(name), &tool.name), taken);
            // Once is enough: these texts can be long, and name spaces large.
            let is_first =
                !self.known.iter().any(|known| known.callable.namespace == callable.namespace);
            if is_first && !about.is_empty() {
                tool.description = format!("{}\n\n({name}: {about})", tool.description);
            }
        }
        let plain = callable.namespace.is_none() && kind == CallKind::Function;
        if !plain {
            self.callables.insert(tool.name.clone(), callable.clone());
        }
        self.known.push(Known { neutral: tool.name.clone(), callable });
        self.offered.declared.push(tool);
        Ok(())
    }
}

/// Tools that OpenAI runs itself.
fn is_hosted(word: &str) -> bool {
    word.starts_with("web_search")
        || word.starts_with("computer")
        || matches!(
            word,
            "file_search"
                | "code_interpreter"
                | "image_generation"
                | "mcp"
                | "tool_search"
                | "shell"
                | "programmatic_tool_calling"
        )
}

fn function(tool: &wire::Tool, path: &str) -> Result<Tool, Failure> {
    let name = declared_name(tool.name.clone(), path)?;
    let parameters = parameters(tool.parameters.as_deref(), &format!("{path}.parameters"))?;
    Ok(Tool { name, description: tool.description.clone().unwrap_or_default(), parameters })
}

#[derive(Serialize)]
struct FunctionEcho<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'a str,
    description: Option<&'a str>,
    parameters: Option<Box<RawValue>>,
    strict: Option<bool>,
}

/// A function with all fields that the schema of the response demands.
fn function_echo(tool: &wire::Tool) -> Box<RawValue> {
    let bytes = json::to_vec(&FunctionEcho {
        kind: "function",
        name: tool.name.as_deref().unwrap_or_default(),
        description: tool.description.as_deref(),
        parameters: tool.parameters.as_deref().map(|schema| line(schema.get())),
        strict: tool.strict,
    });
    line(&String::from_utf8(bytes).expect("JSON is UTF-8"))
}

/// A freeform tool as a function of one text.
fn custom(tool: &wire::Tool, path: &str) -> Result<Tool, Failure> {
    let name = declared_name(tool.name.clone(), path)?;
    let path = format!("{path}.format");
    let grammar = match &tool.format {
        Some(format) if freeform::has_grammar(format.kind.as_deref(), &path)? => {
            let definition = format.definition.clone();
            Some(Grammar::read(format.syntax.as_deref(), definition, &path)?)
        }
        Some(_) | None => None,
    };
    Ok(freeform::tool(name, tool.description.clone(), grammar))
}
