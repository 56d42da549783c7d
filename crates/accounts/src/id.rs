//! Names and numbers by which accounts, keys and proxies are known.

use std::fmt;

/// An account's number: stays the same when its alias changes, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(pub u64);

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(String);

        impl $name {
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The operator's name for an account.
    Alias
}

name! {
    /// The operator's name for an outbound proxy.
    ProxyName
}

name! {
    /// The public id of a client key (`key_` and hex): names it in lists, opens nothing.
    KeyId
}

name! {
    /// How calls leave: the name of a proxy, or `direct`. Trouble with the network blames it.
    WayName
}

/// An instant on the wall clock, in milliseconds since 1970. Marks outlive the process, so the
/// monotonic clock will not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct UnixMs(pub u64);

impl UnixMs {
    #[must_use]
    pub fn after(self, wait: std::time::Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long it is from `now` until this instant; nothing when it has passed.
    #[must_use]
    pub fn since(self, now: Self) -> std::time::Duration {
        std::time::Duration::from_millis(self.0.saturating_sub(now.0))
    }

    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}
