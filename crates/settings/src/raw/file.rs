//! The settings file, each value with its line.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use secrecy::SecretString;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Layers, Origin, RawAccount, nearest};
use crate::legacy::{self, Meaning};
use crate::registry;

/// Where things stand in the text.
struct Place<'a> {
    path: &'a Path,
    content: &'a str,
}

/// A key of another program's settings file.
struct Old {
    key: &'static legacy::Legacy,
    text: Option<String>,
    origin: Origin,
}

impl Place<'_> {
    fn at(&self, span: Range<usize>) -> Origin {
        let before = self.content.get(..span.start).unwrap_or(self.content);
        Origin::File { path: self.path.to_owned(), line: 1 + before.matches('\n').count() }
    }
}

impl Layers {
    /// Adds a settings file's content. Unknown keys and wrong shapes become problems; a text that
    /// is no TOML gives nothing but its mistakes.
    #[must_use]
    pub fn file(mut self, path: &Path, content: &str) -> Self {
        let place = Place { path, content };
        let (table, errors) = DeTable::parse_recoverable(content);
        for error in &errors {
            let origin = place.at(error.span().unwrap_or(0..0));
            self.problem("settings file", &origin, error.message());
        }
        if errors.is_empty() {
            let mut old = Vec::new();
            self.table("", table.get_ref(), &place, &mut old);
            // After those of today, whatever their order.
            for Old { key, text, origin } in old {
                self.old_key(key, text.as_deref(), &origin);
            }
        }
        self
    }

    fn table(&mut self, path: &str, table: &DeTable<'_>, place: &Place<'_>, old: &mut Vec<Old>) {
        for (name, value) in table {
            let origin = place.at(name.span());
            let name = name.get_ref();
            let full = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            if full == "accounts" {
                self.account_tables(value, place);
                continue;
            }
            if let (DeValue::Table(inner), None) = (value.get_ref(), registry::find(&full)) {
                self.table(&full, inner, place, old);
                continue;
            }
            match (registry::find(&full), scalar(value.get_ref())) {
                (Some(key), Some(text)) => self.set(key.name, text, origin),
                (Some(_), None) => self.problem(&full, &origin, "expected a single value"),
                (None, text) => match legacy::key(&full) {
                    Some(key) => old.push(Old { key, text, origin }),
                    None => self.problem(&full, &origin, unknown(&full)),
                },
            }
        }
    }

    /// A key that the settings file of another program had.
    fn old_key(&mut self, old: &legacy::Legacy, text: Option<&str>, origin: &Origin) {
        let Some(text) = text else {
            return self.problem(old.name, origin, "expected a single value");
        };
        match old.meaning.of(text) {
            Meaning::Set { settings } => {
                for (key, text) in settings {
                    if self.values.contains_key(key) {
                        let text = format!("stands for {key}, which is set too");
                        self.problem(old.name, origin, text);
                    } else {
                        self.notice(old.name, origin, format!("an old name of {key}"));
                        self.set(key, text, origin.clone());
                    }
                }
            }
            Meaning::Nothing { hint } => self.notice(old.name, origin, hint),
            Meaning::Wrong { hint } => self.problem(old.name, origin, hint),
        }
    }

    fn account_tables(&mut self, value: &Spanned<DeValue<'_>>, place: &Place<'_>) {
        let DeValue::Array(tables) = value.get_ref() else {
            let origin = place.at(value.span());
            return self.problem("accounts", &origin, "expected [[accounts]] tables");
        };
        for (i, table) in tables.iter().enumerate() {
            let origin = place.at(table.span());
            let DeValue::Table(table) = table.get_ref() else {
                self.problem(&format!("accounts[{i}]"), &origin, "expected a table");
                continue;
            };
            let mut fields = BTreeMap::new();
            for (name, value) in table {
                match scalar(value.get_ref()) {
                    Some(text) => {
                        fields.insert(name.get_ref().to_string(), SecretString::from(text));
                    }
                    None => {
                        let key = format!("accounts[{i}].{}", name.get_ref());
                        self.problem(&key, &place.at(name.span()), "expected a single value");
                    }
                }
            }
            self.accounts.push(RawAccount { fields, origin });
        }
    }
}

fn scalar(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Some(number.to_string()),
            Err(_) => Some(number.as_str().to_owned()),
        },
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

fn unknown(name: &str) -> String {
    nearest(name, registry::keys().map(|key| key.name).chain(["accounts"]))
}
