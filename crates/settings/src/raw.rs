//! The layers as they were written, each value with the place it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use toml::Value;

use crate::problem::Problem;
use crate::registry::{self, KEYS};

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    Env(&'static str),
    File(PathBuf),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Default => f.write_str("default"),
        }
    }
}

/// A written value. Any may be a secret, so none is printed.
#[derive(Debug, Clone)]
pub(crate) struct RawValue {
    pub(crate) text: SecretString,
    pub(crate) origin: Origin,
}

/// One `[[accounts]]` table.
#[derive(Debug, Clone)]
pub(crate) struct RawAccount {
    pub(crate) fields: BTreeMap<String, SecretString>,
    pub(crate) origin: Origin,
}

/// All that was written, later layers over earlier ones.
#[derive(Debug, Default)]
pub struct Layers {
    pub(crate) values: BTreeMap<&'static str, RawValue>,
    pub(crate) accounts: Vec<RawAccount>,
    pub(crate) problems: Vec<Problem>,
}

/// What each key was given, to be compared with a later reading; prints none of it.
#[derive(Debug, Clone)]
pub struct Written {
    values: BTreeMap<&'static str, SecretString>,
    accounts: Vec<BTreeMap<String, SecretString>>,
}

impl Written {
    /// The keys whose text is another one now, in the registry's order, and `accounts`.
    #[must_use]
    pub fn changed(&self, later: &Self) -> Vec<&'static str> {
        let text = |written: &Self, name: &str| {
            written.values.get(name).map(|text| text.expose_secret().trim().to_owned())
        };
        let keys = KEYS.iter().map(|key| key.name);
        let mut changed: Vec<&'static str> =
            keys.filter(|name| text(self, name) != text(later, name)).collect();
        let accounts = |written: &Self| -> Vec<Vec<(String, String)>> {
            let table = |fields: &BTreeMap<String, SecretString>| {
                let field = |(name, text): (&String, &SecretString)| {
                    (name.clone(), text.expose_secret().to_owned())
                };
                fields.iter().map(field).collect()
            };
            written.accounts.iter().map(table).collect()
        };
        if accounts(self) != accounts(later) {
            changed.push("accounts");
        }
        changed
    }
}

impl Layers {
    /// What holds for each key, defaults included.
    #[must_use]
    pub fn written(&self) -> Written {
        let text = |key: &registry::Key| match self.values.get(key.name) {
            Some(raw) => raw.text.clone(),
            None => SecretString::from(key.default),
        };
        Written {
            values: KEYS.iter().map(|key| (key.name, text(key))).collect(),
            accounts: self.accounts.iter().map(|account| account.fields.clone()).collect(),
        }
    }

    /// Adds a settings file's content. Unknown keys and wrong shapes become problems.
    #[must_use]
    pub fn file(mut self, path: &Path, content: &str) -> Self {
        let origin = Origin::File(path.to_owned());
        match content.parse::<toml::Table>() {
            Ok(table) => self.table("", &table, &origin),
            Err(error) => {
                let line =
                    error.span().map_or(0, |span| 1 + content[..span.start].matches('\n').count());
                let text = format!("line {line}: {}", error.message());
                self.problem("settings file", &origin, text);
            }
        }
        self
    }

    /// Adds the environment. Only variables of the registry and `CURSOR_ACCOUNTS` are looked at.
    #[must_use]
    pub fn env(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        for key in KEYS {
            if let Some(text) = lookup(key.env).filter(|text| !text.is_empty()) {
                self.set(key.name, text, Origin::Env(key.env));
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

    /// Adds one flag's value.
    #[must_use]
    pub fn flag(mut self, name: &'static str, flag: &'static str, text: Option<String>) -> Self {
        if let Some(text) = text {
            self.set(name, text, Origin::Flag(flag));
        }
        self
    }

    fn set(&mut self, name: &'static str, text: String, origin: Origin) {
        self.values.insert(name, RawValue { text: text.into(), origin });
    }

    fn problem(&mut self, key: &str, origin: &Origin, text: impl Into<String>) {
        let problem = Problem { key: key.to_owned(), origin: origin.clone(), text: text.into() };
        self.problems.push(problem);
    }

    fn table(&mut self, path: &str, table: &toml::Table, origin: &Origin) {
        for (name, value) in table {
            let full = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if full == "accounts" {
                self.account_tables(value, origin);
                continue;
            }
            if let (Value::Table(inner), None) = (value, registry::find(&full)) {
                self.table(&full, inner, origin);
                continue;
            }
            match (registry::find(&full), scalar(value)) {
                (Some(key), Some(text)) => self.set(key.name, text, origin.clone()),
                (Some(_), None) => self.problem(&full, origin, "expected a single value"),
                (None, _) => self.problem(&full, origin, unknown(&full)),
            }
        }
    }

    fn account_tables(&mut self, value: &Value, origin: &Origin) {
        let Value::Array(tables) = value else {
            self.problem("accounts", origin, "expected [[accounts]] tables");
            return;
        };
        for (i, table) in tables.iter().enumerate() {
            let Value::Table(table) = table else {
                self.problem(&format!("accounts[{i}]"), origin, "expected a table");
                continue;
            };
            let mut fields = BTreeMap::new();
            for (name, value) in table {
                match scalar(value) {
                    Some(text) => {
                        fields.insert(name.clone(), SecretString::from(text));
                    }
                    None => {
                        let key = format!("accounts[{i}].{name}");
                        self.problem(&key, origin, "expected a single value");
                    }
                }
            }
            self.accounts.push(RawAccount { fields, origin: origin.clone() });
        }
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(flag) => Some(flag.to_string()),
        Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

pub(crate) fn unknown(name: &str) -> String {
    nearest(name, KEYS.iter().map(|key| key.name).chain(["accounts"]))
}

/// "unknown setting", with the nearest known one when it is near.
pub(crate) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let best = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, known)) if score > 0.8 => {
            format!("unknown setting; did you mean `{known}`?")
        }
        _ => "unknown setting".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_anew_is_named_and_never_shown() {
        let written = |text: &str| Layers::default().file(Path::new("config.toml"), text).written();
        let before = written("auth_token = \"canary\"\nport = 3000\n[log]\nlevel = \"info\"");
        assert_eq!(before.changed(&before), Vec::<&str>::new());
        assert_eq!(before.changed(&written("auth_token = \"canary\"")), Vec::<&str>::new());
        let after = written(
            "auth_token = \"other\"\nhost = \"::1\"\n[[accounts]]\ncredential = \"canary\"",
        );
        assert_eq!(before.changed(&after), ["host", "auth_token", "accounts"]);
        assert!(!format!("{before:?}{after:?}").contains("canary"));
    }
}
