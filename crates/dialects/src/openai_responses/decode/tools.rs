//! What the client offers: functions, name spaces of functions, freeform tools and a few tools
//! with call items of their own. Hosted tools run nowhere here; they are reported and left out.

use conversation::{Failure, Tool, Tools};
use serde::Serialize;
use serde_json::value::RawValue;

use super::echo::line;
use crate::Ignored;
use crate::json;
use crate::openai_responses::callable::{CallKind, Callable, Callables, flat_name, free_name};
use crate::openai_responses::{freeform, wire};
use crate::problem::{check_name, empty, missing, shown, unsupported_value};
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

/// Most tools of a request, those in name spaces included.
const MAX_TOOLS: usize = 1024;
/// The schema of a tool that takes nothing.
const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

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
            let message = format!("Too many tools: at most {MAX_TOOLS} are accepted.");
            return Err(Failure::invalid(path, message));
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
            let message = format!("Two tools have the name '{}'.", shown(&tool.name));
            return Err(Failure::invalid(format!("{path}.name"), message));
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

fn name(tool: &wire::Tool, path: &str) -> Result<String, Failure> {
    let path = format!("{path}.name");
    let name = tool.name.clone().ok_or_else(|| missing(path.as_str()))?;
    check_name(&name, &path)?;
    Ok(name)
}

fn function(tool: &wire::Tool, path: &str) -> Result<Tool, Failure> {
    let name = name(tool, path)?;
    let parameters = match &tool.parameters {
        Some(schema) => raw_object(schema, &format!("{path}.parameters"))?,
        None => NO_PARAMETERS.to_owned(),
    };
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

#[derive(Serialize)]
struct FreeformSchema {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: FreeformProperties,
    required: [&'static str; 1],
    #[serde(rename = "additionalProperties")]
    additional: bool,
}

#[derive(Serialize)]
struct FreeformProperties {
    input: StringSchema,
}

#[derive(Serialize)]
struct StringSchema {
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
}

/// A freeform tool as a function of one text.
fn custom(tool: &wire::Tool, path: &str) -> Result<Tool, Failure> {
    let name = name(tool, path)?;
    let rule = match &tool.format {
        None => None,
        Some(format) => grammar(format, &format!("{path}.format"))?,
    };
    let about = match &rule {
        None => "The whole input of the tool, as plain text.".to_owned(),
        Some(rule) => format!("The whole input of the tool, as plain text. {rule}"),
    };
    let schema = FreeformSchema {
        kind: "object",
        properties: FreeformProperties {
            input: StringSchema { kind: "string", description: about },
        },
        required: [freeform::ARGUMENT],
        additional: false,
    };
    let parameters = String::from_utf8(json::to_vec(&schema)).expect("JSON is UTF-8");
    let mut description = tool.description.clone().unwrap_or_default();
    if !description.is_empty() {
        description.push_str("\n\n");
    }
    description.push_str("Put the text that this tool takes into `input`, and nothing around it.");
    Ok(Tool { name, description, parameters })
}

/// What the input must look like, in words for the model.
fn grammar(format: &wire::InputFormat, path: &str) -> Result<Option<String>, Failure> {
    match format.kind.as_deref() {
        None => return Err(missing(format!("{path}.type"))),
        Some("text") => return Ok(None),
        Some("grammar") => {}
        Some(other) => {
            return Err(unsupported_value(format!("{path}.type"), other, "'text' and 'grammar'"));
        }
    }
    let definition =
        format.definition.as_ref().ok_or_else(|| missing(format!("{path}.definition")))?;
    let kind = match format.syntax.as_deref() {
        Some("lark") => "Lark grammar",
        Some("regex") => "regular expression",
        Some(other) => {
            return Err(unsupported_value(format!("{path}.syntax"), other, "'lark' and 'regex'"));
        }
        None => return Err(missing(format!("{path}.syntax"))),
    };
    Ok(Some(format!("It must match this {kind}:\n{definition}")))
}
