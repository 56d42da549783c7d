//! The `aiserver.v1` chat flow: `StreamUnifiedChatWithTools` (`reference/upstream-protocol.md` §6).

mod calls;
mod history;
mod opening;
mod result;
mod session;

pub(crate) use opening::request_alone;
pub use opening::{ChatOptions, open};
pub use session::ChatSession;

/// The procedure.
pub const PATH: &str = "/aiserver.v1.ChatService/StreamUnifiedChatWithTools";

/// The one word under which the client's tools are declared; a free choice (§8.1).
const SERVER: &str = "custom";

/// A tool's name as the model sees it.
fn model_name(tool: &str) -> String {
    format!("mcp_{SERVER}_{tool}")
}
