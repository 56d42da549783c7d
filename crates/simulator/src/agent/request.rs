//! The first message of a run: what it must hold, and what the model will see of it.
//!
//! Pure. The order of the checks is ours; the texts are those seen in public reports
//! (`reference/messages/errors.md`).

use std::collections::BTreeMap;

use cursor_proto::Message as _;
use cursor_proto::agent::conversation_action::Action;
use cursor_proto::agent::oneof::{agent_client_message as client, selected_image::DataOrBlobId};
use cursor_proto::agent::{
    AgentClientMessage, AgentRunRequest, McpToolDefinition, RequestContext, UserMessage,
    UserMessageAction,
};

use super::{blobs, history, values};
use crate::config::HistorySource;
use crate::failure::{Code, Failure};
use crate::models;
use crate::view::{Message, Role, Tool, View};

/// Names of the server's own tools that a provider does not take twice.
const RESERVED: [&str; 6] =
    ["TodoWrite", "WebFetch", "Task", "EditNotebook", "FetchMcpResource", "Delete"];

/// Blobs by id.
pub(crate) type Blobs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Decodes and checks the first message.
pub(crate) fn first(payload: &[u8]) -> Result<Box<AgentRunRequest>, Failure> {
    let message = decode(payload)?;
    let Some(client::Message::RunRequest(run)) = message.message else {
        return Err(Failure::invalid("The first message must be a run request"));
    };
    if run.conversation_state.is_unset() {
        return Err(Failure::transport(Code::InvalidArgument, "Conversation state is required"));
    }
    match &run.action.action {
        Some(Action::UserMessageAction(action)) if action.user_message.is_set() => {}
        Some(Action::ResumeAction(_)) => {}
        Some(Action::UserMessageAction(_)) => {
            return Err(Failure::invalid("User message is required"));
        }
        Some(Action::CancelAction(_)) | None => return Err(Failure::invalid("Action is required")),
    }
    if run.custom_system_prompt.is_some() {
        return Err(Failure::transport(Code::InvalidArgument, "unknown option '--system-prompt'"));
    }
    match model(&run) {
        "" => Err(Failure::invalid("Model is required")),
        name if models::find(name).is_none() => Err(Failure::bad_model(name)),
        _ => Ok(run),
    }
}

/// Decodes a client message.
pub(crate) fn decode(payload: &[u8]) -> Result<AgentClientMessage, Failure> {
    AgentClientMessage::decode_from_slice(payload).map_err(|error| {
        Failure::transport(Code::InvalidArgument, format!("parse binary: {error}"))
    })
}

/// The model asked for: the newer field, else the older one.
pub(crate) fn model(run: &AgentRunRequest) -> &str {
    let requested = run.requested_model.model_id.as_str();
    if requested.is_empty() { &run.model_details.model_id } else { requested }
}

/// The user's turn; empty when an earlier one is resumed.
pub(crate) fn user_message(run: &AgentRunRequest) -> UserMessage {
    user_action(run).and_then(|action| action.user_message.as_option().cloned()).unwrap_or_default()
}

fn user_action(run: &AgentRunRequest) -> Option<&UserMessageAction> {
    match &run.action.action {
        Some(Action::UserMessageAction(action)) => Some(action),
        Some(Action::ResumeAction(_) | Action::CancelAction(_)) | None => None,
    }
}

/// The blobs sent ahead.
pub(crate) fn sent_ahead(run: &AgentRunRequest) -> Result<Blobs, Failure> {
    let mut all = Blobs::new();
    for blob in &run.pre_fetched_blobs {
        if blobs::id_of(&blob.value) != blob.id {
            return Err(Failure::invalid("Blob id is not the SHA-256 of the blob"));
        }
        all.insert(blob.id.clone(), blob.value.clone());
    }
    Ok(all)
}

/// The ids of all blobs the run refers to, each once.
pub(crate) fn referenced(run: &AgentRunRequest) -> Vec<Vec<u8>> {
    let state = &run.conversation_state;
    let images = user_action(run).into_iter().flat_map(|action| {
        action.user_message.selected_context.selected_images.iter().filter_map(|image| match &image
            .data_or_blob_id
        {
            Some(DataOrBlobId::BlobId(id)) => Some(id),
            Some(DataOrBlobId::Data(_)) | None => None,
        })
    });
    let mut ids: Vec<Vec<u8>> = Vec::new();
    for id in state.root_prompt_messages_json.iter().chain(&state.turns).chain(images) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// What the model sees of the request before any context was asked for.
pub(crate) fn view(
    run: &AgentRunRequest,
    blobs: &Blobs,
    source: HistorySource,
) -> Result<View, Failure> {
    let mut view = View { model: model(run).to_owned(), ..View::default() };
    let action = user_action(run);
    let typed = action.and_then(|action| action.conversation_history.as_option());
    let roots = &run.conversation_state.root_prompt_messages_json;
    match source {
        HistorySource::RootBlobs => {
            for id in roots {
                let data = blobs.get(id).ok_or_else(Failure::blob_missing)?;
                let messages = history::from_blob(data)
                    .ok_or_else(|| Failure::invalid("Root prompt message is not valid"))?;
                view.messages.extend(messages);
            }
        }
        HistorySource::ConversationHistory => {}
    }
    if view.messages.is_empty() {
        view.messages.extend(typed.map(history::from_typed).unwrap_or_default());
    }
    if let Some(action) = action {
        view.messages.extend(action.prepend_user_messages.iter().map(|said| user(said, blobs)));
        view.messages.push(user(&action.user_message, blobs));
    }
    Ok(view)
}

fn user(said: &UserMessage, blobs: &Blobs) -> Message {
    let images = said.selected_context.selected_images.iter();
    let images = images.filter_map(|image| match &image.data_or_blob_id {
        Some(DataOrBlobId::Data(data)) => Some(data.len()),
        Some(DataOrBlobId::BlobId(id)) => blobs.get(id).map(Vec::len),
        None => None,
    });
    Message { images: images.collect(), ..Message::new(Role::User, said.text.as_str()) }
}

/// Adds what the request context says: instructions, and the tools the model is given.
pub(crate) fn add_context(view: &mut View, run: &AgentRunRequest, context: &RequestContext) {
    view.system.extend(context.cloud_rule.clone().filter(|rule| !rule.is_empty()));
    view.system.extend(context.rules.iter().map(|rule| rule.content.clone()));
    let callable = context.tools.iter().map(|tool| declared(tool, true));
    view.tools.extend(callable);
    for tool in &run.mcp_tools.mcp_tools {
        if view.tools.iter().all(|known| known.name != tool.name) {
            view.tools.push(declared(tool, false));
        }
    }
}

fn declared(tool: &McpToolDefinition, callable: bool) -> Tool {
    Tool {
        name: tool.name.clone(),
        alias: tool.tool_name.clone(),
        server: tool.provider_identifier.clone(),
        description: tool.description.clone(),
        schema: values::to_json(&tool.input_schema),
        callable,
    }
}

/// The provider's answer to tools under reserved names.
pub(crate) fn check_reserved(view: &View) -> Result<(), Failure> {
    use cursor_proto::aiserver::error_details::Error as Kind;
    if view.tools.iter().any(|tool| RESERVED.contains(&tool.name.as_str())) {
        let detail = "We're having trouble connecting to the model provider.";
        let kind = Kind::ERROR_PROVIDER_ERROR;
        return Err(
            Failure::new(Code::ResourceExhausted, kind, "Provider Error", detail).retryable(true)
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests;
