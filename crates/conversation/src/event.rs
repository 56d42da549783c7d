//! What an answer is made of: a stream of events, one block after the other.
//!
//! ```text
//! legal   = Started ( Opened Delta* Closed )* Finished      with Usage anywhere after Started
//! failure = Err(Failure) may replace any suffix; nothing follows it
//! ```
//!
//! The item of a stream is `Result<Event, Failure>`, so a failure is last by construction. A
//! stream that merely stops is a failure too, never a success: see [`crate::Grammar`].

/// One step of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The upstream took the turn.
    Started {
        /// Unique per answer; what the client sees is derived from it.
        id: String,
        /// The model that answers, which may differ from the one asked for.
        model: String,
    },
    Opened(BlockKind),
    /// A piece of the open block: text, reasoning text, or argument text of a call. Not empty.
    Delta(String),
    Closed(Seal),
    /// Cumulative; the last one wins.
    Usage(Usage),
    Finished(StopReason),
}

impl Event {
    /// Whether a client can see that the answer has begun. Up to the first such event another
    /// account may still be tried; from it on the HTTP status is spent.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        match self {
            Self::Delta(_) | Self::Opened(BlockKind::ToolCall { .. }) => true,
            // Reasoning that is sealed and has no text shows by its seal.
            Self::Closed(seal) => seal.is_some(),
            Self::Started { .. }
            | Self::Opened(BlockKind::Text | BlockKind::Reasoning)
            | Self::Usage(_)
            | Self::Finished(_) => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockKind {
    Text,
    Reasoning,
    ToolCall { id: String, name: String },
}

/// The provider's proof of a reasoning block, `None` for every other block.
pub type Seal = Option<String>;

/// Tokens of the turn so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// All input, cached input included.
    pub input: u64,
    pub output: u64,
    /// Part of `input` that came from the provider's cache, when it tells.
    pub cache_read: Option<u64>,
    /// Part of `input` that went into the provider's cache, when it tells.
    pub cache_write: Option<u64>,
    /// Part of `output` that was reasoning, when it tells.
    pub reasoning: Option<u64>,
    pub source: UsageSource,
}

/// Where the numbers come from: an estimate is never passed off as a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsageSource {
    Upstream,
    Estimate,
}

/// Why an answer ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    EndTurn,
    ToolCalls,
    /// The client's token limit was reached.
    MaxOutput,
    /// One of the client's stop texts appeared; it is not part of the answer.
    StopSequence(String),
    /// The model declined.
    Refused,
    Other(String),
}
