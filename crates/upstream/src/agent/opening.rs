//! From a turn to the first message of a run.
//!
//! Where sources disagree on how text reaches the model, the way is a setting:
//! [`InstructionChannel`] for system text, [`HistoryChannel`] for earlier messages (agent.md,
//! "System prompt and history").

use std::time::Duration;

use conversation::{Failure, Image, Message, Part, ReasoningEffort};
use cursor_proto::agent::oneof::selected_image::DataOrBlobId;
use cursor_proto::agent::requested_model::ModelParameterValue;
use cursor_proto::agent::selected_image::Dimension;
use cursor_proto::agent::{
    AgentClientMessage, AgentMode, AgentRunRequest, ConversationAction, ConversationStateStructure,
    McpTools, ModelDetails, PreFetchedBlob, RequestedModel, ResumeAction, SelectedContext,
    SelectedImage, UserMessage, UserMessageAction,
};
use uuid::Uuid;

use super::context::{Context, definitions};
use super::history;
use super::memory::AgentMemory;
use super::session::{AgentSession, Start};
use crate::memory::Memory;
use crate::offer::Offer;
use crate::route::{Opening, Route};
use crate::session::{Answer, ClientMessage, Session, as_document, as_reminder};
use crate::transcript;

/// How system text reaches the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InstructionChannel {
    /// `RequestContext.cloud_rule`; called the only honoured channel by the project that tried.
    #[default]
    CloudRule,
    /// Before the user's text; works, though some models take it for prompt injection.
    UserText,
    /// `AgentRunRequest.custom_system_prompt`; team accounts only.
    CustomSystemPrompt,
}

/// How earlier messages reach the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryChannel {
    /// `root_prompt_messages_json` blobs; the server builds the prompt from these.
    #[default]
    RootBlobs,
    /// `UserMessageAction.conversation_history`; ignored in July 2026, used in August 2026.
    ConversationHistory,
}

/// Settings of the flow.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    pub instructions: InstructionChannel,
    pub history: HistoryChannel,
    /// IANA name for the request context.
    pub timezone: String,
    /// How long no call may move before those of an answer count as complete.
    pub call_window: Duration,
}

/// The longest name that providers take for a tool.
const LONGEST_NAME: usize = 64;

/// Builds the opening and the session that answers what comes back. `uuid` gives fresh ids.
///
/// # Errors
/// The turn has nothing to say to the model.
pub fn open(
    opening: &Opening<'_>,
    options: &AgentOptions,
    uuid: &mut dyn FnMut() -> Uuid,
) -> Result<(ClientMessage, Session), Failure> {
    let Opening { turn, route, timezone, memory } = *opening;
    let messages = transcript::whole(&turn.messages);
    let (earlier, current) = split(&messages);
    if current.is_none() && earlier.is_empty() {
        return Err(Failure::invalid("messages", "The conversation has no user message."));
    }
    let memory = memory.and_then(Memory::agent);
    let conversation_id =
        memory.map_or_else(|| uuid().to_string(), |memory| memory.conversation_id.clone());
    // A store that is nearly full would refuse what this turn brings.
    let memory = memory.filter(|memory| !memory.blobs.is_nearly_full());
    let offer = Offer::new(&turn.tools, LONGEST_NAME);
    let mut run = request(route, &offer, conversation_id.clone());

    let mut texts = turn.instructions.clone();
    texts.extend(offer.instruction.clone());
    let mut instructions = texts.join("\n\n");
    let mut prefix = String::new();
    match options.instructions {
        InstructionChannel::CloudRule => {}
        // Without a user's text to stand before, the rule is the only way left.
        InstructionChannel::UserText if current.is_none() => {}
        InstructionChannel::UserText => prefix = std::mem::take(&mut instructions),
        InstructionChannel::CustomSystemPrompt => {
            let text = std::mem::take(&mut instructions);
            run.custom_system_prompt = (!text.is_empty()).then_some(text);
        }
    }

    let mut blobs = memory.map(|memory| memory.blobs.clone()).unwrap_or_default();
    let mut state = memory.map(continued).unwrap_or_default();
    // A resumed run has no user message to hang a typed history on.
    let as_blobs = options.history == HistoryChannel::RootBlobs || current.is_none();
    if as_blobs {
        for content in history::root_blobs(earlier, offer.names()) {
            let id = blobs.add(content.clone());
            run.pre_fetched_blobs.push(PreFetchedBlob {
                id: id.clone(),
                value: content,
                ..Default::default()
            });
            state.root_prompt_messages_json.push(id);
        }
    }
    let action = match current {
        Some(current) => {
            let (message, has_images) = user_message(current, &prefix, mode(&offer), uuid);
            run.client_supports_inline_images = has_images.then_some(true);
            let mut action =
                UserMessageAction { user_message: message.into(), ..Default::default() };
            if !as_blobs && !earlier.is_empty() {
                action.conversation_history = history::typed(earlier, offer.names()).into();
            }
            action.into()
        }
        None => {
            // Nothing else tells a resumed run what it may do.
            state.mode = Some(mode(&offer).into());
            ResumeAction::default().into()
        }
    };
    run.conversation_state = state.into();
    run.action = ConversationAction { action, ..Default::default() }.into();

    let answer = Answer::new(
        uuid().simple().to_string(),
        turn.model.as_str(),
        offer.parallel,
        options.call_window,
    );
    let context = Context {
        instructions,
        timezone: timezone.unwrap_or(&options.timezone).to_owned(),
        web_search: route.web_search,
    };
    let session = AgentSession::new(Start { context, offer, conversation_id, blobs, answer });
    let opening = AgentClientMessage { message: run.into(), ..Default::default() };
    Ok((ClientMessage::Agent(Box::new(opening)), Session::Agent(Box::new(session))))
}

/// The request without the conversation.
fn request(route: &Route, offer: &Offer, conversation_id: String) -> AgentRunRequest {
    let model = route.model.as_str();
    let mut run = AgentRunRequest {
        conversation_id: Some(conversation_id),
        requested_model: RequestedModel {
            model_id: model.to_owned(),
            max_mode: route.max_mode,
            parameters: parameters(route),
            ..Default::default()
        }
        .into(),
        model_details: ModelDetails {
            model_id: model.to_owned(),
            display_model_id: model.to_owned(),
            display_name: model.to_owned(),
            max_mode: route.max_mode.then_some(true),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    };
    if !offer.is_empty() {
        let mcp_tools = definitions(offer);
        run.mcp_tools = McpTools { mcp_tools, ..Default::default() }.into();
    }
    run
}

/// What the model's parameters say of thinking: `thinking` and `effort` of one maker's models,
/// `reasoning` of the others (models.md, "Id forms seen"). An id that names a variant has said it.
fn parameters(route: &Route) -> Vec<ModelParameterValue> {
    let model = route.model.as_str();
    let variant =
        ["-thinking", "-low", "-medium", "-high", "-xhigh"].iter().any(|end| model.ends_with(end));
    let Some(effort) = route.effort.filter(|_| !variant && model != "default") else {
        return Vec::new();
    };
    let level = match effort {
        ReasoningEffort::None => None,
        ReasoningEffort::Minimal | ReasoningEffort::Low => Some("low"),
        ReasoningEffort::Medium => Some("medium"),
        ReasoningEffort::High | ReasoningEffort::XHigh => Some("high"),
    };
    let parameter = |id: &str, value: &str| ModelParameterValue {
        id: id.to_owned(),
        value: value.to_owned(),
        ..Default::default()
    };
    match (model.starts_with("claude"), level) {
        (true, Some(level)) => vec![parameter("thinking", "true"), parameter("effort", level)],
        (true, None) => vec![parameter("thinking", "false")],
        (false, Some(level)) => vec![parameter("reasoning", level)],
        (false, None) => Vec::new(),
    }
}

/// The state to go on from. The server leaves old user messages out of the prompt parts that it
/// echoes, so those are rebuilt from the client's transcript; so are the results of calls.
fn continued(memory: &AgentMemory) -> ConversationStateStructure {
    let mut state = memory.state();
    state.root_prompt_messages_json.clear();
    state.pending_tool_calls.clear();
    state
}

/// Without tools of the client's there is nothing to act on: answer only.
fn mode(offer: &Offer) -> AgentMode {
    if offer.is_empty() { AgentMode::AGENT_MODE_ASK } else { AgentMode::AGENT_MODE_AGENT }
}

/// The last user message with the reminders after it, and all that came before. `None` when the
/// conversation ends otherwise, with tool results say.
fn split(messages: &[Message]) -> (&[Message], Option<&[Message]>) {
    let trailing = messages
        .iter()
        .rposition(|message| !matches!(message, Message::Instruction(_)))
        .filter(|&at| matches!(messages[at], Message::User(_)));
    match trailing {
        Some(at) => (&messages[..at], Some(&messages[at..])),
        None => (messages, None),
    }
}

fn user_message(
    current: &[Message],
    prefix: &str,
    mode: AgentMode,
    uuid: &mut dyn FnMut() -> Uuid,
) -> (UserMessage, bool) {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    if !prefix.is_empty() {
        texts.push(prefix.to_owned());
    }
    for message in current {
        match message {
            Message::User(parts) => {
                for part in parts {
                    match part {
                        Part::Text(text) => texts.push(text.clone()),
                        Part::File(file) => texts.push(as_document(&file.name, &file.text)),
                        Part::Image(image) => images.push(selected_image(image, uuid())),
                        Part::Reasoning(_) | Part::ToolCall(_) => {}
                    }
                }
            }
            Message::Instruction(text) => texts.push(as_reminder(text)),
            Message::Assistant(_) | Message::ToolResults(_) => {}
        }
    }
    let has_images = !images.is_empty();
    let mut message = UserMessage {
        text: texts.join("\n"),
        message_id: uuid().to_string(),
        mode: mode.into(),
        ..Default::default()
    };
    if has_images {
        message.selected_context =
            SelectedContext { selected_images: images, ..Default::default() }.into();
    }
    (message, has_images)
}

fn selected_image(image: &Image, uuid: Uuid) -> SelectedImage {
    SelectedImage {
        uuid: uuid.to_string(),
        path: format!("image.{}", image.format.extension()),
        dimension: Dimension {
            width: i32::try_from(image.width).unwrap_or(i32::MAX),
            height: i32::try_from(image.height).unwrap_or(i32::MAX),
            ..Default::default()
        }
        .into(),
        mime_type: image.format.mime_type().to_owned(),
        data_or_blob_id: Some(DataOrBlobId::Data(image.data.clone())),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests;
