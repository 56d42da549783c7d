//! The way a connection takes to the upstream.

use std::fmt;
use std::sync::Arc;

use super::dial::Origin;
use super::proxy::Proxy;
use super::system::SystemProxies;

/// What stands between us and the origin.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub enum Via {
    #[default]
    Direct,
    /// This proxy and no other way.
    Proxy(Arc<Proxy>),
    /// What the environment says for the origin, which may be no proxy.
    System(Arc<SystemProxies>),
}

impl Via {
    /// The proxy to be used for this origin; `None` is the direct way.
    #[must_use]
    pub fn proxy_for(&self, origin: &Origin) -> Option<Arc<Proxy>> {
        match self {
            Self::Direct => None,
            Self::Proxy(proxy) => Some(Arc::clone(proxy)),
            Self::System(system) => system.for_origin(origin),
        }
    }
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

impl fmt::Display for Way {
    /// The origin, and the proxy with its password masked.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.origin)?;
        match self.via.proxy_for(&self.origin) {
            Some(proxy) => write!(f, " through {proxy}"),
            None => Ok(()),
        }
    }
}
