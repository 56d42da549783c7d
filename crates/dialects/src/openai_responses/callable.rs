//! What the client calls its tools, and what the model calls them. The neutral model has one flat
//! list of functions; this dialect has name spaces, freeform tools and a few tools whose calls
//! have items of their own.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Longest name that is made up here; providers take 64.
const MAX_NAME: usize = 64;
const SEPARATOR: &str = "__";

/// What a call of a tool is to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Callable {
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) kind: CallKind,
}

/// The item type of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallKind {
    Function,
    /// Freeform: one text instead of JSON arguments.
    Custom,
    LocalShell,
    Shell,
    ApplyPatch,
    /// Looks for tools that are not offered yet.
    ToolSearch,
}

/// The tools whose neutral name or call item is not simply the client's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Callables(BTreeMap<String, Callable>);

impl Callables {
    /// What a call under this neutral name is; a plain function when nothing else is known.
    pub(super) fn of(&self, neutral: &str) -> Callable {
        self.0.get(neutral).cloned().unwrap_or_else(|| Callable {
            namespace: None,
            name: neutral.to_owned(),
            kind: CallKind::Function,
        })
    }

    pub(super) fn insert(&mut self, neutral: String, callable: Callable) {
        self.0.insert(neutral, callable);
    }

    /// The name of a tool in the history of the conversation: that under which it is offered, or
    /// would be.
    pub(super) fn neutral(&self, namespace: Option<&str>, name: &str) -> String {
        let known = self.0.iter().find(|(_, callable)| {
            callable.namespace.as_deref() == namespace && callable.name == name
        });
        match known {
            Some((neutral, _)) => neutral.clone(),
            None => flat_name(namespace, name),
        }
    }
}

/// One name for a tool inside a name space: legal, and short enough for every provider.
pub(super) fn flat_name(namespace: Option<&str>, name: &str) -> String {
    let Some(namespace) = namespace.filter(|namespace| !namespace.is_empty()) else {
        return name.to_owned();
    };
    let separator = if namespace.ends_with(SEPARATOR) { "" } else { SEPARATOR };
    let full: String = [namespace, separator, name]
        .into_iter()
        .flat_map(str::chars)
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    if full.len() <= MAX_NAME {
        return full;
    }
    let mut hasher = DefaultHasher::new();
    (namespace, name).hash(&mut hasher);
    let hash = format!("_{:08x}", hasher.finish() >> 32);
    format!("{}{hash}", &full[..MAX_NAME - hash.len()])
}

/// The name itself, or with the first number that makes it free.
pub(super) fn free_name(name: String, is_taken: impl Fn(&str) -> bool) -> String {
    if !is_taken(&name) {
        return name;
    }
    let mut number = 2_u32;
    loop {
        let suffix = format!("_{number}");
        let room = name.len().min(MAX_NAME - suffix.len());
        let candidate = format!("{}{suffix}", &name[..room]);
        if !is_taken(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_names_are_legal_short_and_distinct() {
        let long = "x".repeat(80);
        for (namespace, name, flat) in [
            (None, "plain.name", "plain.name"),
            (Some("mcp__git"), "log", "mcp__git__log"),
            (Some("mcp__git__"), "log", "mcp__git__log"),
            (Some("a b/ü"), "log", "a_b____log"),
        ] {
            assert_eq!(flat_name(namespace, name), flat);
        }
        let [one, two] = ["p", "q"].map(|name| flat_name(Some(&long), name));
        assert_eq!((one.len(), two.len()), (64, 64));
        assert_ne!(one, two);
    }

    #[test]
    fn a_taken_name_gets_a_number() {
        assert_eq!(free_name("a".into(), |_| false), "a");
        assert_eq!(free_name("a".into(), |name| ["a", "a_2"].contains(&name)), "a_3");
        let long = "x".repeat(64);
        let free = free_name(long.clone(), |name| name == long);
        assert_eq!(free, format!("{}_2", "x".repeat(62)));
    }

    #[test]
    fn a_call_of_the_past_has_the_name_that_is_offered_now() {
        let mut callables = Callables::default();
        let callable =
            Callable { namespace: Some("n".into()), name: "f".into(), kind: CallKind::Function };
        callables.insert("n__f_2".into(), callable.clone());
        assert_eq!(callables.of("n__f_2"), callable);
        assert_eq!(callables.neutral(Some("n"), "f"), "n__f_2");
        assert_eq!(callables.neutral(Some("n"), "g"), "n__g");
        assert_eq!(callables.neutral(None, "f"), "f");
        assert_eq!(callables.of("f").namespace, None);
    }
}
