//! What is declared of a setting.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Path in the settings file.
    pub name: &'static str,
    /// Environment variable.
    pub env: &'static str,
    /// As it would be written; empty means unset.
    pub default: &'static str,
    pub doc: &'static str,
    pub secret: bool,
}

pub(super) const fn key(
    name: &'static str,
    env: &'static str,
    default: &'static str,
    doc: &'static str,
) -> Key {
    Key { name, env, default, doc, secret: false }
}
