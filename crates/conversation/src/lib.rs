//! The neutral model in the middle of the house.
//!
//! Three client dialects and two upstream flows meet here and nowhere else: a request becomes a
//! [`Turn`], an answer becomes a stream of `Result<Event, Failure>` whose legal sequences
//! [`Grammar`] states. A whole reply is the [`fold`] of the same events.
//!
//! Beside the conversation there is the editor's [`completion`], which is no turn but meets the
//! same two sides here.
//!
//! This crate knows no JSON, protobuf, HTTP, async or clock, and its types are not serialisable:
//! what crosses a wire is written by hand where that wire is known.

pub mod completion;
mod event;
mod failure;
mod fold;
mod grammar;
mod limit;
mod model;
mod text;
mod turn;
mod without_reasoning;

pub use event::{BlockKind, Event, Seal, StopReason, Usage, UsageSource};
pub use failure::{Failure, FailureClass, Retry, Scope};
pub use fold::{Block, Fold, Reply, fold};
pub use grammar::{Grammar, Violation};
pub use limit::{Limiter, Verdict};
pub use model::Model;
pub use text::{TokenCounter, estimate_tokens};
pub use turn::{
    Continuity, File, Image, ImageFormat, Limits, Message, ModelName, OutputShape, Part, Reasoning,
    ReasoningEffort, ReasoningPart, Sampling, Tool, ToolCall, ToolChoice, ToolResult, Tools, Turn,
};
pub use without_reasoning::WithoutReasoning;
