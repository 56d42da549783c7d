//! The `agent.v1` flow: one bidi stream is one turn (`reference/messages/agent.md`).

mod blobs;
mod calls;
mod context;
mod history;
mod memory;
mod opening;
mod refusal;
mod session;
mod values;

pub(crate) use memory::AgentMemory;
pub use opening::{AgentOptions, HistoryChannel, InstructionChannel, open};
pub use session::AgentSession;

/// The procedure.
pub const PATH: &str = "/agent.v1.AgentService/Run";
