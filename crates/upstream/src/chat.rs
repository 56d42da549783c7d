//! The `aiserver.v1` chat flow: `StreamUnifiedChatWithTools` (`reference/upstream-protocol.md` §6).

mod opening;
mod session;

pub use opening::{ChatOptions, open};
pub use session::ChatSession;

/// The procedure.
pub const PATH: &str = "/aiserver.v1.ChatService/StreamUnifiedChatWithTools";
