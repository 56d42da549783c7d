//! What a session is opened with besides the conversation itself.

use conversation::{ModelName, ReasoningEffort, Turn};

use crate::memory::Memory;

/// What the upstream is asked for, resolved from what the client named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The upstream's own id of the model.
    pub model: ModelName,
    /// Whether the large context window is wanted.
    pub max_mode: bool,
    /// Whether the model may search the web on the upstream's side.
    pub web_search: bool,
    /// How much it should think; `None` leaves that to the model.
    pub effort: Option<ReasoningEffort>,
}

impl Route {
    /// The model as named and nothing else.
    #[must_use]
    pub fn plain(model: &ModelName) -> Self {
        Self { model: model.clone(), max_mode: false, web_search: false, effort: None }
    }
}

/// Everything an opening is made of.
#[derive(Debug, Clone, Copy)]
pub struct Opening<'a> {
    pub turn: &'a Turn,
    pub route: &'a Route,
    /// IANA name that overrides the flow's setting, on the flow that tells it.
    pub timezone: Option<&'a str>,
    /// What the upstream kept at the client in an earlier turn of the same conversation. One of
    /// the other flow is ignored.
    pub memory: Option<&'a Memory>,
}

impl<'a> Opening<'a> {
    /// A turn by itself.
    #[must_use]
    pub fn plain(turn: &'a Turn, route: &'a Route) -> Self {
        Self { turn, route, timezone: None, memory: None }
    }
}
