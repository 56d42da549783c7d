//! What is declared of a setting.

use crate::kind::{Kind, Value};

/// One setting.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Path in the settings file.
    pub name: &'static str,
    /// Environment variable.
    pub env: &'static str,
    /// As it would be written; empty means unset.
    pub default: &'static str,
    /// What may be written.
    pub kind: Kind,
    pub doc: &'static str,
    /// Whether a change holds without a restart.
    pub live: bool,
}

impl Key {
    /// Whether its value is shown to nobody.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Headers)
    }

    /// Reads what is written; nothing written is legal where the default is nothing.
    ///
    /// # Errors
    /// What is expected instead; never holds what was written.
    pub fn read(&self, text: &str) -> Result<Option<Value>, String> {
        match text.trim() {
            "" if self.default.is_empty() => Ok(None),
            "" => Err("may not be empty".to_owned()),
            text => self.kind.read(text).map(Some),
        }
    }

    pub(super) const fn live(self) -> Self {
        Self { live: true, ..self }
    }
}

/// One that needs a restart.
pub(super) const fn key(
    name: &'static str,
    env: &'static str,
    default: &'static str,
    kind: Kind,
    doc: &'static str,
) -> Key {
    Key { name, env, default, kind, doc, live: false }
}
