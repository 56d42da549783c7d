//! What the client's answer to a tool call says, as the text the model reads.

use cursor_proto::agent::oneof::{mcp_result, mcp_tool_result_content_item as item};
use cursor_proto::agent::{McpResult, McpSuccess};

use super::exchange::ExecAnswer;

/// The text of a tool result.
pub(crate) fn text(answer: &ExecAnswer) -> String {
    match answer {
        ExecAnswer::Mcp(result) => mcp(result),
        ExecAnswer::Text(text) | ExecAnswer::Thrown(text) => text.clone(),
        ExecAnswer::Context(_) | ExecAnswer::Refused => "(no result)".to_owned(),
    }
}

fn mcp(result: &McpResult) -> String {
    use mcp_result::Result as R;
    match &result.result {
        Some(R::Success(success)) => content(success),
        Some(R::Error(error)) => error.error.clone(),
        Some(R::Rejected(rejected)) => rejected.reason.clone(),
        Some(R::PermissionDenied(_)) => "permission denied".to_owned(),
        Some(R::ToolNotFound(missing)) => format!("tool not found: {}", missing.name),
        Some(R::ServerNotFound(_)) => "server not found".to_owned(),
        Some(R::Approved(_)) => "approved".to_owned(),
        None => "(no result)".to_owned(),
    }
}

/// The texts of a result; its images are for the eyes of the model only.
fn content(success: &McpSuccess) -> String {
    let texts = success.content.iter().filter_map(|part| match &part.content {
        Some(item::Content::Text(text)) => Some(text.text.as_str()),
        Some(item::Content::Image(_)) | None => None,
    });
    texts.collect::<Vec<_>>().join("\n")
}

/// The result as the completed call shows it; only a success has a place there.
pub(crate) fn success(answer: &ExecAnswer) -> Option<McpSuccess> {
    match answer {
        ExecAnswer::Mcp(result) => match &result.result {
            Some(mcp_result::Result::Success(success)) => Some((**success).clone()),
            _ => None,
        },
        ExecAnswer::Context(_)
        | ExecAnswer::Text(_)
        | ExecAnswer::Thrown(_)
        | ExecAnswer::Refused => None,
    }
}
