//! Reads one setting after the other: each as its kind says, every problem kept.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use secrecy::ExposeSecret as _;

use crate::kind::{Kind, Value};
use crate::problem::Problem;
use crate::raw::{Layers, Origin};
use crate::registry;

pub(super) struct Reader {
    pub(super) layers: Layers,
    pub(super) problems: Vec<Problem>,
    /// What was asked for.
    pub(super) read: BTreeSet<&'static str>,
}

impl Reader {
    pub(super) fn new(layers: Layers) -> Self {
        Self { layers, problems: Vec::new(), read: BTreeSet::new() }
    }

    /// What was written, or the default. A bad value becomes a problem and the default stands in,
    /// so that the rest can be looked at too. `None` where nothing is written and nothing is the
    /// default.
    fn value(&mut self, name: &'static str) -> Option<Value> {
        let Some(key) = registry::find(name) else { unreachable!("{name} is declared") };
        self.read.insert(name);
        let Some(raw) = self.layers.values.get(name) else { return default(key) };
        match key.read(raw.text.expose_secret()) {
            Ok(value) => value,
            Err(expected) => {
                // A URL may hold a password, and a wrong one need not have it where it belongs.
                let text = match key.is_secret() || key.kind == Kind::Url {
                    true => expected,
                    false => format!("`{}`: {expected}", raw.text.expose_secret()),
                };
                let origin = raw.origin.clone();
                self.problem(name, &origin, text);
                default(key)
            }
        }
    }

    /// Where it was written.
    pub(super) fn origin(&self, name: &str) -> Origin {
        self.layers.values.get(name).map_or(Origin::Default, |raw| raw.origin.clone())
    }

    pub(super) fn optional(&mut self, name: &'static str) -> Option<String> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            _ => unlike(name),
        }
    }

    pub(super) fn text(&mut self, name: &'static str) -> String {
        self.optional(name).unwrap_or_else(|| unlike(name))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> bool {
        match self.value(name) {
            Some(Value::Flag(flag)) => flag,
            _ => unlike(name),
        }
    }

    /// The registry's bounds keep it within the type.
    pub(super) fn number<T: TryFrom<u64>>(&mut self, name: &'static str) -> T {
        match self.value(name) {
            Some(Value::Number(number)) => T::try_from(number).unwrap_or_else(|_| unlike(name)),
            _ => unlike(name),
        }
    }

    pub(super) fn duration(&mut self, name: &'static str) -> Duration {
        match self.value(name) {
            Some(Value::Duration(duration)) => duration,
            _ => unlike(name),
        }
    }

    pub(super) fn size(&mut self, name: &'static str) -> usize {
        match self.value(name) {
            Some(Value::Size(bytes)) => bytes,
            _ => unlike(name),
        }
    }

    pub(super) fn ip(&mut self, name: &'static str) -> IpAddr {
        match self.value(name) {
            Some(Value::Ip(address)) => address,
            _ => unlike(name),
        }
    }

    pub(super) fn socket(&mut self, name: &'static str) -> Option<SocketAddr> {
        match self.value(name)? {
            Value::Socket(address) => Some(address),
            _ => unlike(name),
        }
    }

    pub(super) fn list(&mut self, name: &'static str) -> Vec<String> {
        match self.value(name) {
            None => Vec::new(),
            Some(Value::List(list)) => list,
            Some(_) => unlike(name),
        }
    }

    /// One of the words of the registry, all of which must be here.
    pub(super) fn word<T: Copy>(&mut self, name: &'static str, words: &[(&str, T)]) -> T {
        let written = self.text(name);
        let found = words.iter().find(|(word, _)| *word == written);
        found.map_or_else(|| unlike(name), |(_, value)| *value)
    }

    pub(super) fn problem(&mut self, key: &str, origin: &Origin, text: impl Into<String>) {
        let problem = Problem { key: key.to_owned(), origin: origin.clone(), text: text.into() };
        self.problems.push(problem);
    }
}

fn default(key: &registry::Key) -> Option<Value> {
    key.read("").unwrap_or_else(|_| {
        let read = key.read(key.default);
        read.unwrap_or_else(|_| unreachable!("the default of {} is legal", key.name))
    })
}

/// The tests read every setting, so that this cannot be reached.
fn unlike(name: &str) -> ! {
    unreachable!("{name} is declared as another kind")
}
