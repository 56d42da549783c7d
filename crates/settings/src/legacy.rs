//! Names that are understood though they are not ours: variables and keys of earlier gateways of
//! this kind, and the standard ones of OpenTelemetry.
//!
//! One that has a counterpart is mapped to it. One that has none is named with a hint, so that
//! nobody wonders. One whose being ignored would make the gateway less safe or less private than
//! its operator believes is refused.

mod convert;
mod table;

pub use convert::Convert;
pub use table::{FILE_KEYS, VARIABLES};

/// A name and what it stands for.
#[derive(Debug, Clone, Copy)]
pub struct Legacy {
    pub name: &'static str,
    pub meaning: Counterpart,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
pub enum Counterpart {
    /// A setting of ours; the text is converted. Some texts stand for others besides, or for none.
    Mapped { key: &'static str, convert: Convert },
    /// Nothing; the hint says what to use instead.
    Meant { hint: &'static str },
    /// Nothing, which only matters unless it holds this value.
    Only { value: &'static str, hint: &'static str },
    /// Nothing, and that must be seen, unless it holds one of the harmless values.
    Refused { harmless: &'static [&'static str], hint: &'static str },
}

/// What one value of such a name comes to.
#[derive(Debug)]
pub(crate) enum Meaning {
    Set { settings: Vec<(&'static str, String)> },
    Nothing { hint: String },
    Wrong { hint: String },
}

impl Counterpart {
    pub(crate) fn of(self, text: &str) -> Meaning {
        let text = text.trim();
        match self {
            Self::Mapped { key, convert } => match convert.apply(key, text) {
                Ok(settings) => Meaning::Set { settings },
                Err(expected) => Meaning::Wrong { hint: format!("{expected}; use {key}") },
            },
            Self::Meant { hint } => Meaning::Nothing { hint: format!("has no effect: {hint}") },
            Self::Only { value, .. } if value == text => Meaning::Set { settings: Vec::new() },
            Self::Only { hint, .. } => Meaning::Nothing { hint: format!("has no effect: {hint}") },
            Self::Refused { harmless, hint } if harmless.contains(&text) => {
                Meaning::Nothing { hint: format!("has no effect: {hint}") }
            }
            Self::Refused { hint, .. } => Meaning::Wrong { hint: format!("is refused: {hint}") },
        }
    }
}

/// The old key of that name.
pub(crate) fn key(name: &str) -> Option<&'static Legacy> {
    FILE_KEYS.iter().find(|old| old.name == name)
}

#[cfg(test)]
mod tests;
