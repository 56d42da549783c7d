//! The way a connection takes to the upstream.

use super::Origin;

/// What stands between us and the origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Via {
    #[default]
    Direct,
}

/// An origin and how it is reached. Connections of different ways are never shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Way {
    pub origin: Origin,
    pub via: Via,
}

impl Way {
    #[must_use]
    pub fn direct(origin: &Origin) -> Self {
        Self { origin: origin.clone(), via: Via::Direct }
    }
}
