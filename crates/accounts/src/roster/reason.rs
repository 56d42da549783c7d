//! Why an account is not taken.

use std::fmt;

use crate::id::UnixMs;
use crate::record::MarkKind;

/// Why an account would not serve a request. Reads on after the account's name: "a is disabled".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Disabled,
    Marked(MarkKind),
    Cooling {
        until: UnixMs,
    },
    WayDown {
        until: UnixMs,
    },
    /// As many answers in progress as the policy allows.
    Full,
    Paced {
        until: UnixMs,
    },
    /// Another request is finding out whether it is well again.
    Probing,
    /// This request failed on it already.
    Tried,
    /// Not among the key's accounts.
    NotChosen,
    /// Outside the active set, and not needed.
    NotActive,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "is disabled",
            Self::Marked(MarkKind::Limit) => "has used up its plan",
            Self::Marked(MarkKind::Abnormal) => "is not accepted by the upstream",
            Self::Cooling { .. } => "rests after a failure",
            Self::WayDown { .. } => "is behind a proxy or network that fails",
            Self::Full => "has as many answers in progress as allowed",
            Self::Paced { .. } => "was started a moment ago",
            Self::Probing => "is being probed by another request",
            Self::Tried => "was tried by this request already",
            Self::NotChosen => "is not among the accounts of the key",
            Self::NotActive => "is outside the active set and not needed",
        })
    }
}
