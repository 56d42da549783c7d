//! The list of request fields that had no effect. Bounded, because clients write the names.

use std::collections::BTreeSet;
use std::fmt;

/// Most paths that are remembered; a request that has more is told of these.
const MAX_PATHS: usize = 48;
/// Longest path, in characters.
const MAX_PATH: usize = 96;

/// Paths of fields that the client sent and that have no effect: sorted, unique, bounded, and
/// printable ASCII, so that they may stand in a response header. Places in arrays are left out
/// (`messages[].name`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored(BTreeSet<String>);

impl Ignored {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The paths, sorted.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Remembers `prefix` + `name`.
    pub(crate) fn add(&mut self, prefix: &str, name: &str) {
        if self.0.len() >= MAX_PATHS {
            return;
        }
        let path = prefix.chars().chain(name.chars().map(printable)).take(MAX_PATH);
        self.0.insert(path.collect());
    }
}

fn printable(c: char) -> char {
    if c.is_ascii_graphic() && c != ',' { c } else { '?' }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, path) in self.iter().enumerate() {
            if place > 0 {
                f.write_str(", ")?;
            }
            f.write_str(path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_sorted_unique_and_joined() {
        let mut ignored = Ignored::default();
        for name in ["top_p", "seed", "top_p"] {
            ignored.add("", name);
        }
        ignored.add("messages[].", "name");
        assert_eq!(ignored.to_string(), "messages[].name, seed, top_p");
        assert_eq!(ignored.iter().count(), 3);
    }

    #[test]
    fn a_hostile_name_stays_short_and_fit_for_a_header() {
        let mut ignored = Ignored::default();
        ignored.add("", &format!("a\r\nset-cookie: x,{}", "é".repeat(1000)));
        for place in 0..1000 {
            ignored.add("", &place.to_string());
        }
        let text = ignored.to_string();
        assert!(text.len() <= MAX_PATHS * (MAX_PATH + 2), "{}", text.len());
        assert!(text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{text}");
    }
}
