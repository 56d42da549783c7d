//! A map by name that forgets its oldest entries.

use std::collections::{HashMap, VecDeque};

/// At most `limit` entries; inserting one more drops the one inserted first.
#[derive(Debug)]
pub(crate) struct Bounded<T> {
    entries: HashMap<String, T>,
    order: VecDeque<String>,
    limit: usize,
}

impl<T> Bounded<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), limit }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&T> {
        self.entries.get(name)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Sets an entry; gives its old value.
    pub(crate) fn insert(&mut self, name: &str, value: T) -> Option<T> {
        let old = self.entries.insert(name.to_owned(), value);
        if old.is_none() {
            self.note(name);
        }
        old
    }

    pub(crate) fn get_or_insert_with(&mut self, name: &str, make: impl FnOnce() -> T) -> &T {
        if !self.entries.contains_key(name) {
            self.note(name);
        }
        self.entries.entry(name.to_owned()).or_insert_with(make)
    }

    fn note(&mut self, name: &str) {
        self.order.push_back(name.to_owned());
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten() {
        let mut map = Bounded::new(2);
        assert_eq!(map.insert("a", 1), None);
        assert_eq!(map.insert("a", 2), Some(1));
        assert_eq!(*map.get_or_insert_with("b", || 3), 3);
        assert_eq!(*map.get_or_insert_with("b", || 4), 3);
        map.insert("c", 5);
        assert_eq!((map.get("a"), map.get("b"), map.get("c")), (None, Some(&3), Some(&5)));
    }
}
