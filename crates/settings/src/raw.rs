//! The layers as they were written, each value with the place it came from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret as _, SecretString};

use crate::kind::Kind;
use crate::problem::Problem;
use crate::registry::{self, Key};

mod env;
mod file;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Flag(&'static str),
    Env(&'static str),
    /// A variable that is none of ours.
    Environment,
    File {
        path: PathBuf,
        /// From 1.
        line: usize,
    },
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::Environment => f.write_str("environment"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
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
    notices: Vec<Problem>,
    /// Keys of the file that hold something else because of a variable or flag.
    overridden: BTreeSet<&'static str>,
}

/// What holds for one setting, fit to be shown.
#[derive(Debug, Clone)]
pub struct Effective {
    pub key: &'static Key,
    /// As written; `***` for a secret and for the user in a URL, empty when unset.
    pub text: String,
    pub origin: Origin,
}

/// What stands in for a secret.
pub const MASK: &str = "***";

impl Layers {
    /// What holds for each setting as it is written, right or wrong, in the registry's order.
    #[must_use]
    pub fn effective(&self) -> Vec<Effective> {
        let show = |key: &'static Key| {
            let (text, origin) = match self.values.get(key.name) {
                Some(raw) => (raw.text.expose_secret().trim(), raw.origin.clone()),
                None => (key.default, Origin::Default),
            };
            let text = match key.kind {
                _ if text.is_empty() => String::new(),
                _ if key.is_secret() => MASK.to_owned(),
                Kind::Url => without_user(text),
                _ => text.to_owned(),
            };
            Effective { key, text, origin }
        };
        registry::keys().map(show).collect()
    }

    /// What is not wrong, but has no effect; each with what to use instead.
    #[must_use]
    pub fn notices(&self) -> &[Problem] {
        &self.notices
    }

    /// Settings of the file that do not hold, since a variable or flag says something else; in the
    /// registry's order.
    #[must_use]
    pub fn overridden(&self) -> Vec<&'static str> {
        registry::keys().map(|key| key.name).filter(|name| self.overridden.contains(name)).collect()
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
        let value = RawValue { text: text.into(), origin };
        if let Some(before) = self.values.insert(name, value)
            && let Origin::File { .. } = before.origin
            && let Some(now) = self.values.get(name)
            && before.text.expose_secret().trim() != now.text.expose_secret().trim()
        {
            self.overridden.insert(name);
        }
    }

    fn problem(&mut self, key: &str, origin: &Origin, text: impl Into<String>) {
        let problem = Problem { key: key.to_owned(), origin: origin.clone(), text: text.into() };
        self.problems.push(problem);
    }

    fn notice(&mut self, key: &str, origin: &Origin, text: impl Into<String>) {
        let notice = Problem { key: key.to_owned(), origin: origin.clone(), text: text.into() };
        self.notices.push(notice);
    }
}

/// A URL that shows nobody's password, even if it is none.
fn without_user(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((before, rest)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://{MASK}@{rest}"),
            None => format!("{MASK}@{rest}"),
        },
        None => url.to_owned(),
    }
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
