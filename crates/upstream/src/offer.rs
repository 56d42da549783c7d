//! The client's tools as the model is offered them.
//!
//! Clients name tools as they like. A name that the upstream keeps for itself, or would not take,
//! goes under another one in declarations, calls and history, and comes back as the client's own.
//! Both directions are functions of the names alone, so nothing needs to be remembered between
//! turns.

use std::collections::{HashMap, HashSet};

use conversation::{Tool, ToolChoice, Tools};
use sha2::{Digest as _, Sha256};

/// Names that make the provider fail when an MCP tool has them (agent.md, "MCP tools"). Other names
/// of native tools are taken beside them, so they stay as they are.
const RESERVED: [&str; 6] =
    ["TodoWrite", "WebFetch", "Task", "EditNotebook", "FetchMcpResource", "Delete"];

/// What a renamed tool begins with.
const PREFIX: &str = "client_";

/// Bytes of a list of names for the model to read.
const MOST_LISTED: usize = 2 << 10;

/// The tools of a turn.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    tools: Vec<Tool>,
    names: Names,
    /// Whether one answer may hold several calls.
    pub(crate) parallel: bool,
    /// What the model is told about its choice.
    pub(crate) instruction: Option<String>,
}

impl Offer {
    /// What the tools take, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let of = |tool: &Tool| tool.name.len() + tool.description.len() + tool.parameters.len();
        self.tools.iter().map(of).sum()
    }

    /// `longest` is the longest name that the flow takes.
    pub(crate) fn new(tools: &Tools, longest: usize) -> Self {
        let names = Names::new(tools.declared.iter().map(|tool| tool.name.as_str()), longest);
        let (offered, instruction) = match &tools.choice {
            _ if tools.declared.is_empty() => (Vec::new(), None),
            ToolChoice::Auto => (tools.declared.clone(), None),
            ToolChoice::None => {
                (Vec::new(), Some("Do not call any tool now; answer in text.".to_owned()))
            }
            ToolChoice::Required => {
                let sentence = "You must call at least one of the client's tools in your answer.";
                (tools.declared.clone(), Some(sentence.to_owned()))
            }
            ToolChoice::Named(wanted) => {
                let only = tools.declared.iter().filter(|tool| tool.name == *wanted);
                let name = names.to_upstream(wanted);
                (only.cloned().collect(), Some(format!("You must call the tool `{name}` now.")))
            }
        };
        Self { tools: offered, names, parallel: tools.parallel, instruction }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tools.is_empty()
    }

    /// The tools with the names that the model sees.
    pub(crate) fn tools(&self) -> impl Iterator<Item = (String, &Tool)> {
        self.tools.iter().map(|tool| (self.names.to_upstream(&tool.name), tool))
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The client's own name of an offered tool.
    pub(crate) fn client_name(&self, upstream: &str) -> Option<&str> {
        let name = self.names.to_client(upstream)?;
        self.tools.iter().any(|tool| tool.name == name).then_some(name)
    }

    /// The names that the model sees, as a list that is not too long to read.
    pub(crate) fn listed(&self, prefix: &str) -> String {
        let mut list = String::new();
        for (at, (name, _)) in self.tools().enumerate() {
            if list.len() + name.len() > MOST_LISTED {
                list.push_str(&format!(" and {} more", self.tools.len() - at));
                break;
            }
            if at > 0 {
                list.push_str(", ");
            }
            list.push_str(prefix);
            list.push_str(&name);
        }
        list
    }
}

/// The two names of every declared tool.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    to_upstream: HashMap<String, String>,
    to_client: HashMap<String, String>,
    longest: usize,
}

impl Names {
    fn new<'a>(declared: impl Iterator<Item = &'a str>, longest: usize) -> Self {
        let (plain, odd): (Vec<&str>, Vec<&str>) = declared.partition(|name| fits(name, longest));
        let mut taken: HashSet<String> = plain.iter().map(|name| (*name).to_owned()).collect();
        let mut to_upstream = HashMap::new();
        for name in odd {
            let mut renamed = rename(name, longest);
            if taken.contains(&renamed) {
                renamed = with_hash(&renamed, name, longest);
            }
            taken.insert(renamed.clone());
            to_upstream.insert(name.to_owned(), renamed);
        }
        to_upstream.extend(plain.into_iter().map(|name| (name.to_owned(), name.to_owned())));
        let to_client = to_upstream.iter().map(|(own, up)| (up.clone(), own.clone())).collect();
        Self { to_upstream, to_client, longest }
    }

    /// The upstream's name; of a tool that is no longer declared, the one it would have.
    pub(crate) fn to_upstream(&self, name: &str) -> String {
        match self.to_upstream.get(name) {
            Some(known) => known.clone(),
            None if fits(name, self.longest) => name.to_owned(),
            None => rename(name, self.longest),
        }
    }

    fn to_client(&self, upstream: &str) -> Option<&str> {
        self.to_client.get(upstream).map(String::as_str)
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

fn fits(name: &str, longest: usize) -> bool {
    (1..=longest).contains(&name.len())
        && name.chars().all(is_plain)
        && !RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name))
}

fn rename(name: &str, longest: usize) -> String {
    let plain: String = name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect();
    let renamed = format!("{PREFIX}{plain}");
    if renamed.len() <= longest { renamed } else { with_hash(&renamed, name, longest) }
}

/// Names that would become one are told apart by a hash of the original.
fn with_hash(renamed: &str, name: &str, longest: usize) -> String {
    let hash = Sha256::digest(name.as_bytes());
    let hash: String = hash.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let kept = renamed.len().min(longest.saturating_sub(hash.len() + 1));
    format!("{}_{hash}", &renamed[..kept])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tool(name: &str) -> Tool {
        Tool { name: name.into(), description: String::new(), parameters: "{}".into() }
    }

    fn offer(names: &[&str], choice: ToolChoice) -> Offer {
        let declared = names.iter().map(|name| tool(name)).collect();
        Offer::new(&Tools { declared, choice, parallel: true }, 64)
    }

    fn seen(offer: &Offer) -> Vec<String> {
        offer.tools().map(|(name, _)| name).collect()
    }

    #[test]
    fn names_that_fit_stay() {
        let offer = offer(&["get_weather", "mcp__files__read", "Read"], ToolChoice::Auto);
        assert_eq!(seen(&offer), ["get_weather", "mcp__files__read", "Read"]);
        assert_eq!(offer.client_name("Read"), Some("Read"));
        assert_eq!(offer.client_name("Write"), None);
    }

    #[test]
    fn reserved_and_odd_names_are_renamed_and_come_back() {
        let long = "x".repeat(70);
        let names = ["Task", "todowrite", "files.read", "client_Task", "files:read", &long];
        let offer = offer(&names, ToolChoice::Auto);
        let seen = seen(&offer);
        assert_eq!(seen[1..4], ["client_todowrite", "client_files_read", "client_Task"]);
        assert!(seen[0].starts_with("client_Task_"), "{seen:?}");
        for (up, own) in seen.iter().zip(names) {
            assert!(fits(up, 64), "{up}");
            assert_eq!(offer.client_name(up), Some(own));
        }
    }

    #[test]
    fn a_tool_of_the_history_has_the_name_it_would_have() {
        let offer = offer(&[], ToolChoice::Auto);
        assert_eq!(offer.names().to_upstream("Task"), "client_Task");
        assert_eq!(offer.names().to_upstream("Bash"), "Bash");
    }

    #[test]
    fn the_choice_decides_what_is_offered_and_said() {
        assert_eq!(offer(&["a", "b"], ToolChoice::Auto).instruction, None);
        let none = offer(&["a", "b"], ToolChoice::None);
        assert!(none.is_empty() && none.instruction.is_some());
        let named = offer(&["a", "Task"], ToolChoice::Named("Task".into()));
        assert_eq!(seen(&named), ["client_Task"]);
        assert!(named.instruction.expect("said").contains("client_Task"));
        let required = offer(&["a", "b"], ToolChoice::Required);
        assert_eq!(seen(&required).len(), 2);
        assert!(required.instruction.is_some());
        assert_eq!(offer(&[], ToolChoice::Required).instruction, None);
    }

    #[test]
    fn a_list_of_names_is_bounded() {
        let names: Vec<String> = (0..500).map(|n| format!("tool_number_{n}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let listed = offer(&names, ToolChoice::Auto).listed("mcp_");
        assert!(listed.len() < MOST_LISTED * 2 && listed.ends_with("more"), "{listed}");
        assert!(listed.starts_with("mcp_tool_number_0, mcp_tool_number_1"));
    }

    proptest! {
        #[test]
        fn every_name_comes_back(names in proptest::collection::hash_set("\\PC{1,90}", 1..8)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let offer = offer(&names, ToolChoice::Auto);
            for (up, tool) in offer.tools() {
                prop_assert!(fits(&up, 64), "{}", up);
                prop_assert_eq!(offer.client_name(&up), Some(tool.name.as_str()));
            }
        }
    }
}
