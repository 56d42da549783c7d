//! What the simulated model sees of a conversation, and which answer the rules give it.
//!
//! Both chat flows translate their request into a [`View`]; on a live stream the calls made and
//! the results received are appended to it. Pure: the rules 1 to 5 of
//! `reference/simulator-scenarios.md` and the texts of `recall`, `report`, `schema`, `echo`.

mod select;

use serde::Serialize;
use serde_json::Value;

pub(crate) use select::{Play, select};

use crate::script;

/// Who wrote a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    User,
    Assistant,
    Tool,
}

/// One message as the model sees it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) role: Role,
    /// The visible text; of a tool message, its result.
    pub(crate) text: String,
    /// Reasoning that came back with the history: `recall` finds it, nothing else uses it.
    pub(crate) reasoning: String,
    /// Sizes in bytes of the images of a user message.
    pub(crate) images: Vec<usize>,
    /// How many tools the assistant called in this message.
    pub(crate) calls: usize,
}

impl Message {
    /// A message of text only.
    pub(crate) fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into(), reasoning: String::new(), images: Vec::new(), calls: 0 }
    }

    /// An assistant message that called this many tools.
    pub(crate) fn calling(text: impl Into<String>, calls: usize) -> Self {
        Self { calls, ..Self::new(Role::Assistant, text) }
    }
}

/// One tool the request offers.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    /// The name the model sees.
    pub(crate) name: String,
    /// A second name the declaration carries (agent.v1 `tool_name`).
    pub(crate) alias: String,
    /// MCP server or provider it is routed to.
    pub(crate) server: String,
    pub(crate) description: String,
    pub(crate) schema: Value,
    /// Whether a call of it reaches the client.
    pub(crate) callable: bool,
}

impl Tool {
    /// What the model reads of it.
    fn characters(&self) -> usize {
        self.name.len() + self.description.len() + self.schema.to_string().len()
    }
}

/// The decoded request.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) model: String,
    /// Instructions, in order.
    pub(crate) system: Vec<String>,
    pub(crate) messages: Vec<Message>,
    pub(crate) tools: Vec<Tool>,
}

impl View {
    /// Whether a user message shows an image.
    pub(crate) fn has_images(&self) -> bool {
        self.users().any(|message| !message.images.is_empty())
    }

    /// The offered tool that a script means by `name`: the same name, else the declaration's
    /// other name, else the only one that a client's renaming could have made of it.
    pub(crate) fn tool(&self, name: &str) -> Option<&Tool> {
        let callable = || self.tools.iter().filter(|tool| tool.callable);
        callable()
            .find(|tool| tool.name == name)
            .or_else(|| callable().find(|tool| tool.alias == name))
            .or_else(|| {
                let mut renamed = callable().filter(|tool| is_renaming(&tool.name, name));
                renamed.next().filter(|_| renamed.next().is_none())
            })
    }

    /// The text played for a tool that the request does not offer.
    pub(crate) fn no_tool(&self, name: &str) -> String {
        let names = self.names(|tool| tool.callable);
        let offered = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        format!("sim: no tool {name}; offered: {offered}")
    }

    fn names(&self, keep: impl Fn(&Tool) -> bool) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.tools.iter().filter(|tool| keep(tool)).map(|tool| tool.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The `echo` text of rule 5.
    pub(crate) fn echo(&self) -> String {
        let said = self
            .users()
            .rev()
            .map(|message| script::without_directives(&message.text))
            .find(|text| !text.trim().is_empty());
        match said {
            Some(text) => format!("echo: {}", script::cut(text.trim(), 200)),
            None => "echo: (empty)".to_owned(),
        }
    }

    /// The value of the first `[[mem KEY=VALUE]]` of the request.
    pub(crate) fn recall(&self, key: &str) -> String {
        let messages = self.messages.iter().flat_map(|message| [&message.reasoning, &message.text]);
        self.system
            .iter()
            .chain(messages)
            .find_map(|text| remembered(text, key))
            .map_or_else(|| format!("recall {key}: not found"), str::to_owned)
    }

    /// The `report` text.
    pub(crate) fn report(&self) -> String {
        let last = self.users().next_back();
        let report = SimReport {
            sim_report: Report {
                model: &self.model,
                tools: self.names(|_| true),
                images: self.users().flat_map(|message| message.images.iter().copied()).collect(),
                last_user_chars: last.map_or(0, |message| message.text.chars().count()),
                turns: self.messages.len(),
            },
        };
        serde_json::to_string(&report).unwrap_or_default()
    }

    /// The `schema` text.
    pub(crate) fn schema(&self, name: &str) -> String {
        let tool = self.tool(name).or_else(|| self.tools.iter().find(|tool| tool.name == name));
        let schema = tool.map_or(&Value::Null, |tool| &tool.schema);
        serde_json::to_string(&SimSchema { sim_schema: schema }).unwrap_or_default()
    }

    /// All characters of the request, for the estimate of its tokens.
    pub(crate) fn characters(&self) -> usize {
        let messages =
            self.messages.iter().map(|message| message.text.len() + message.reasoning.len());
        let tools = self.tools.iter().map(Tool::characters);
        self.system.iter().map(String::len).chain(messages).chain(tools).sum()
    }

    fn users(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(|message| message.role == Role::User)
    }
}

/// Whether a client that must rename tools could have sent `wanted` upstream as `offered`:
/// forbidden characters replaced by `_`, a prefix against the reserved names, and what is too long
/// or ambiguous cut, with eight hex digits that tell it apart.
fn is_renaming(offered: &str, wanted: &str) -> bool {
    let plain = |name: &str| -> String {
        let keep = |c: char| c.is_ascii_alphanumeric() || c == '-';
        name.chars().map(|c| if keep(c) { c } else { '_' }).collect()
    };
    let (offered, wanted) = (plain(offered), plain(wanted));
    ["", "mcp_", "mcp__", "client_"].iter().any(|prefix| {
        offered.strip_prefix(prefix).is_some_and(|offered| {
            let cut = offered.rsplit_once('_').filter(|(cut, digits)| {
                !cut.is_empty()
                    && digits.len() == 8
                    && digits.chars().all(|c| c.is_ascii_hexdigit())
            });
            let is_cut = |cut: &str| cut == wanted || cut.len() >= 32 && wanted.starts_with(cut);
            offered == wanted || cut.is_some_and(|(cut, _)| is_cut(cut))
        })
    })
}

/// The value in the first `[[mem KEY=VALUE]]` of a text.
fn remembered<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.match_indices("[[mem").find_map(|(at, mark)| {
        let after = text[at + mark.len()..].trim_start();
        let (value, _) = after.strip_prefix(key)?.strip_prefix('=')?.split_once("]]")?;
        Some(value)
    })
}

#[derive(Serialize)]
struct SimReport<'a> {
    sim_report: Report<'a>,
}

#[derive(Serialize)]
struct Report<'a> {
    model: &'a str,
    tools: Vec<&'a str>,
    images: Vec<usize>,
    last_user_chars: usize,
    turns: usize,
}

#[derive(Serialize)]
struct SimSchema<'a> {
    sim_schema: &'a Value,
}

#[cfg(test)]
mod tests;
