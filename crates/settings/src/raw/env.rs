//! The environment: the variables of the registry, their old names, and `CURSOR_ACCOUNTS`.

use std::collections::BTreeMap;

use secrecy::ExposeSecret as _;

use super::{Layers, Origin, RawAccount};
use crate::legacy::{self, Meaning};
use crate::registry;

impl Layers {
    /// Adds the environment. Only variables of the registry, those of [`legacy::VARIABLES`] and
    /// `CURSOR_ACCOUNTS` are looked at; an empty one counts as unset.
    #[must_use]
    pub fn env(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        let lookup = |name: &str| lookup(name).filter(|text| !text.is_empty());
        for key in registry::keys() {
            if let Some(text) = lookup(key.env) {
                self.set(key.name, text, Origin::Env(key.env));
            }
        }
        for old in legacy::VARIABLES {
            if let Some(text) = lookup(old.name) {
                self.old_variable(old, &text);
            }
        }
        const ACCOUNTS: &str = "CURSOR_ACCOUNTS";
        if let Some(list) = lookup(ACCOUNTS) {
            for entry in list.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty()) {
                let (alias, credential) = match entry.split_once('=') {
                    Some((alias, credential)) if !alias.contains("::") => (alias, credential),
                    Some(_) | None => ("", entry),
                };
                let mut fields = BTreeMap::new();
                if !alias.is_empty() {
                    fields.insert("alias".to_owned(), alias.into());
                }
                fields.insert("credential".to_owned(), credential.into());
                self.accounts.push(RawAccount { fields, origin: Origin::Env(ACCOUNTS) });
            }
        }
        self
    }

    /// Names the variables that are nobody's but nearly ours: one that is misspelt has no effect,
    /// and whoever set it believes that it has.
    #[must_use]
    pub fn strangers(mut self, names: impl Iterator<Item = String>) -> Self {
        const OURS: [&str; 12] = [
            "REQUEST_LOG_",
            "POOL_",
            "UPSTREAM_",
            "OTLP_",
            "TIMEOUT_",
            "LIMIT_",
            "COMPLETION_",
            "TOOLS_",
            "CONVERSATIONS_",
            "RESPONSES_",
            "IMAGES_",
            "PAGES_",
        ];
        const KEYS: [&str; 3] = ["AUTH_TOKEN", "SHARED_TOKEN", "STORE_KEY"];
        const NEAR: f64 = 0.95;
        let is_known = |name: &str| {
            registry::keys().any(|key| key.env == name)
                || legacy::VARIABLES.iter().any(|old| old.name == name)
        };
        for name in names.filter(|name| !is_known(name)) {
            let is_near = |key: &&str| strsim::jaro_winkler(&name, key) >= NEAR;
            if !OURS.iter().any(|start| name.starts_with(start)) && !KEYS.iter().any(is_near) {
                continue;
            }
            let known = registry::keys().map(|key| key.env);
            let hint = super::nearest(&name, known).replace("setting", "variable");
            self.notice(&name, &Origin::Environment, hint);
        }
        self
    }

    fn old_variable(&mut self, old: &legacy::Legacy, text: &str) {
        let origin = Origin::Env(old.name);
        match old.meaning.of(text) {
            Meaning::Nothing { hint } => self.notice(old.name, &origin, hint),
            Meaning::Wrong { hint } => self.problem(old.name, &origin, hint),
            Meaning::Set { settings } => {
                for (key, text) in settings {
                    self.old_setting(old, key, text);
                }
            }
        }
    }

    fn old_setting(&mut self, old: &legacy::Legacy, key: &'static str, text: String) {
        let origin = Origin::Env(old.name);
        match self.variable_of(key) {
            Some(other) if self.differs(key, &text) => {
                let text = format!("says something else of {key} than {other}; keep one");
                self.problem(old.name, &origin, text);
            }
            Some(_) => {}
            None => self.set(key, text, origin),
        }
    }

    /// The variable that a setting has its value from.
    fn variable_of(&self, key: &str) -> Option<&'static str> {
        match self.values.get(key)?.origin {
            Origin::Env(name) => Some(name),
            Origin::Flag(_) | Origin::Environment | Origin::File { .. } | Origin::Default => None,
        }
    }

    /// Whether a text means something else than what a setting holds: `2MiB` is 2097152.
    fn differs(&self, name: &str, text: &str) -> bool {
        let (Some(key), Some(raw)) = (registry::find(name), self.values.get(name)) else {
            return true;
        };
        let written = raw.text.expose_secret();
        match (key.read(written), key.read(text)) {
            (Ok(one), Ok(other)) => one != other,
            _ => written.trim() != text.trim(),
        }
    }
}
