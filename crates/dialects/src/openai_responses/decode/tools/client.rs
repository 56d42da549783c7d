//! Tools that the API names itself and the client runs: the model gets them as functions, whose
//! arguments are the fields of the call's item.

use conversation::{Failure, Tool};

use super::raw_object;
use crate::openai_responses::callable::CallKind;
use crate::openai_responses::wire;

const LOCAL_SHELL: &str = r#"{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"Program and arguments."},"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"env":{"type":"object","additionalProperties":{"type":"string"}}},"required":["command"],"additionalProperties":false}"#;
const SHELL: &str = r#"{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"},"description":"Command lines, each run by a shell."},"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer","description":"Most characters of output that are wanted back."}},"required":["commands"],"additionalProperties":false}"#;
const APPLY_PATCH: &str = r#"{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},"path":{"type":"string","description":"The file, relative to the workspace."},"diff":{"type":"string","description":"For create_file and update_file: the change in V4A diff form."}},"required":["type","path"],"additionalProperties":false}"#;
const SEARCH: &str = r#"{"type":"object","properties":{"query":{"type":"string","description":"What the tool should do."}},"required":["query"],"additionalProperties":false}"#;

/// Whether the commands run at the client and not in a container of OpenAI's.
pub(super) fn runs_shell(tool: &wire::Tool) -> bool {
    let Some(environment) = &tool.environment else { return true };
    let kind = serde_json::from_str::<wire::Reference>(environment.get()).ok();
    kind.and_then(|kind| kind.kind).as_deref() == Some("local")
}

/// The function that stands for a tool of this kind.
pub(super) fn tool(kind: CallKind) -> Tool {
    let (name, description, parameters) = match kind {
        CallKind::LocalShell => {
            ("local_shell", "Runs a program on the user's computer.", LOCAL_SHELL)
        }
        CallKind::ApplyPatch => {
            ("apply_patch", "Creates, changes or deletes a file of the workspace.", APPLY_PATCH)
        }
        CallKind::Shell | CallKind::Function | CallKind::Custom | CallKind::ToolSearch => {
            ("shell", "Runs shell commands on the user's computer.", SHELL)
        }
    };
    Tool {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: parameters.to_owned(),
    }
}

/// The function that stands for a search for tools, which the client describes itself.
///
/// # Errors
/// The parameters are no object.
pub(super) fn search(tool: &wire::Tool, path: &str) -> Result<Tool, Failure> {
    let parameters = match &tool.parameters {
        Some(schema) => raw_object(schema, &format!("{path}.parameters"))?,
        None => SEARCH.to_owned(),
    };
    let description = tool.description.clone();
    Ok(Tool {
        name: "tool_search".to_owned(),
        description: description.unwrap_or_else(|| "Finds further tools.".to_owned()),
        parameters,
    })
}
