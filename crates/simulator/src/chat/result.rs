//! What a tool result of the chat flow says, as the text the model reads.

use cursor_proto::aiserver::ClientSideToolV2Result;
use cursor_proto::aiserver::oneof::client_side_tool_v2result::Result as Arm;
use serde_json::Value;

/// The text of a result or of its transport-level failure.
pub(crate) fn text(result: &ClientSideToolV2Result) -> String {
    if let Some(error) = result.error.as_option() {
        return error.model_visible_error_message.clone();
    }
    match &result.result {
        Some(Arm::McpResult(mcp)) => mcp_text(&mcp.result),
        Some(Arm::ReadFileResult(file)) => file.contents.clone(),
        Some(Arm::RunTerminalCommandV2Result(run)) => run.output.clone(),
        None => "(no result)".to_owned(),
    }
}

/// `result` is the JSON text of an MCP result; other text is taken as it is.
fn mcp_text(result: &str) -> String {
    let json: Value = serde_json::from_str(result).unwrap_or_default();
    match json["content"].as_array() {
        Some(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            texts.join("\n")
        }
        None => result.to_owned(),
    }
}
