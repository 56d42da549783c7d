//! Every setting, declared once.

mod bounds;
mod key;
mod serving;
mod upstream;

pub use key::Key;

/// Every setting, in the order of the generated documents.
pub fn keys() -> impl Iterator<Item = &'static Key> + Clone {
    [serving::KEYS, upstream::KEYS, bounds::KEYS].into_iter().flatten()
}

/// The registry's entry of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    keys().find(|key| key.name == name)
}
