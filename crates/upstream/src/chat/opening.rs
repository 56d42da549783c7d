//! From a turn to the one request of the chat flow: the whole conversation, oldest first, with a
//! header per message in the same order; system text in `explicit_context.context`
//! (`reference/messages/chat.md`, "Minimum request").

use std::time::Duration;

use conversation::{Failure, ReasoningEffort};
use cursor_proto::aiserver::conversation_message::MessageType;
use cursor_proto::aiserver::stream_unified_chat_request::{ThinkingLevel, UnifiedMode};
use cursor_proto::aiserver::{
    AzureState, ClientSideToolV2, ConversationMessageHeader, ExplicitContext, ModelDetails,
    StreamUnifiedChatRequest, StreamUnifiedChatRequestWithTools, mcp_params,
};
use uuid::Uuid;

use super::session::ChatSession;
use super::{SERVER, history};
use crate::memory::Memory;
use crate::offer::Offer;
use crate::route::{Opening, Route};
use crate::session::{Answer, ClientMessage, Session};

/// The longest name of a tool: providers take 64 bytes, and ours has a prefix there.
const LONGEST_NAME: usize = 64 - "mcp_custom_".len();

/// Settings of the flow.
#[derive(Debug, Clone, Copy)]
pub struct ChatOptions {
    /// Whether the server may answer with another model than the one asked for.
    pub allow_model_fallbacks: bool,
    /// Whether the sources of a web search are listed at the end of the answer.
    pub web_references: bool,
    /// Whether requests may wait in the slow queue when the plan is used up; `None` does not say.
    pub slow_pool: Option<bool>,
    /// How long no call may move before those of an answer count as complete.
    pub call_window: Duration,
}

impl Default for ChatOptions {
    fn default() -> Self {
        Self {
            allow_model_fallbacks: false,
            web_references: false,
            slow_pool: None,
            call_window: Duration::from_millis(150),
        }
    }
}

/// Builds the opening and the session that answers what comes back. `uuid` gives fresh ids.
///
/// # Errors
/// The turn has nothing to say to the model.
pub fn open(
    opening: &Opening<'_>,
    options: ChatOptions,
    uuid: &mut dyn FnMut() -> Uuid,
) -> Result<(ClientMessage, Session), Failure> {
    let offer = Offer::new(&opening.turn.tools, LONGEST_NAME);
    let request = request(opening, options, &offer, uuid)?;
    let answer = Answer::new(
        uuid().simple().to_string(),
        opening.turn.model.as_str(),
        offer.parallel,
        options.call_window,
    );
    let conversation_id = request.conversation_id.clone();
    let session = ChatSession::new(answer, offer, conversation_id, options.web_references);
    let opening =
        StreamUnifiedChatRequestWithTools { request: request.into(), ..Default::default() };
    Ok((ClientMessage::Chat(Box::new(opening)), Session::Chat(Box::new(session))))
}

/// The request alone, to have its tokens counted.
///
/// # Errors
/// The turn has nothing to say to the model.
pub(crate) fn request_alone(
    opening: &Opening<'_>,
    uuid: &mut dyn FnMut() -> Uuid,
) -> Result<StreamUnifiedChatRequest, Failure> {
    let offer = Offer::new(&opening.turn.tools, LONGEST_NAME);
    request(opening, ChatOptions::default(), &offer, uuid)
}

fn request(
    opening: &Opening<'_>,
    options: ChatOptions,
    offer: &Offer,
    uuid: &mut dyn FnMut() -> Uuid,
) -> Result<StreamUnifiedChatRequest, Failure> {
    let Opening { turn, route, memory, .. } = *opening;
    let mut conversation = history::messages(turn, offer.names(), uuid);
    let human =
        conversation.iter_mut().rfind(|message| message.r#type == MessageType::MESSAGE_TYPE_HUMAN);
    let Some(human) = human else {
        return Err(Failure::invalid("messages", "The conversation has no user message."));
    };
    human.use_web = route.web_search.then_some(true);
    let headers = conversation
        .iter()
        .map(|message| ConversationMessageHeader {
            bubble_id: message.bubble_id.clone(),
            r#type: message.r#type,
            ..Default::default()
        })
        .collect();
    let memory = memory.and_then(Memory::chat);
    let mut request = StreamUnifiedChatRequest {
        conversation,
        model_details: ModelDetails {
            model_name: Some(route.model.as_str().to_owned()),
            azure_state: AzureState::default().into(),
            max_mode: Some(route.max_mode),
            enable_slow_pool: options.slow_pool,
            ..Default::default()
        }
        .into(),
        use_web: route.web_search.then(|| "full_search".to_owned()),
        is_chat: true,
        conversation_id: memory.map_or_else(|| uuid().to_string(), str::to_owned),
        full_conversation_headers_only: headers,
        allow_model_fallbacks: Some(options.allow_model_fallbacks),
        unified_mode: Some(UnifiedMode::UNIFIED_MODE_CHAT.into()),
        should_disable_tools: Some(true),
        thinking_level: Some(thinking_level(route).into()),
        unified_mode_name: Some("Ask".to_owned()),
        ..Default::default()
    };
    offer_tools(&mut request, offer);
    let mut texts = turn.instructions.clone();
    texts.extend(offer.instruction.clone());
    if !texts.is_empty() {
        request.explicit_context =
            ExplicitContext { context: texts.join("\n\n"), ..Default::default() }.into();
    }
    Ok(request)
}

/// Tools are given to agents only (§8.1).
fn offer_tools(request: &mut StreamUnifiedChatRequest, offer: &Offer) {
    if offer.is_empty() {
        return;
    }
    request.is_chat = false;
    request.is_agentic = true;
    request.supported_tools = vec![ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into()];
    request.unified_mode = Some(UnifiedMode::UNIFIED_MODE_AGENT.into());
    request.unified_mode_name = Some("Agent".to_owned());
    request.should_disable_tools = Some(false);
    request.mcp_tools = offer
        .tools()
        .map(|(name, tool)| mcp_params::Tool {
            name,
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
            server_name: SERVER.to_owned(),
            ..Default::default()
        })
        .collect();
}

/// What was asked for; else thinking variants are asked to think hard (§9).
fn thinking_level(route: &Route) -> ThinkingLevel {
    match route.effort {
        Some(ReasoningEffort::High | ReasoningEffort::XHigh) => ThinkingLevel::THINKING_LEVEL_HIGH,
        Some(ReasoningEffort::Minimal | ReasoningEffort::Low | ReasoningEffort::Medium) => {
            ThinkingLevel::THINKING_LEVEL_MEDIUM
        }
        None if route.model.as_str().contains("thinking") => ThinkingLevel::THINKING_LEVEL_HIGH,
        Some(ReasoningEffort::None) | None => ThinkingLevel::THINKING_LEVEL_UNSPECIFIED,
    }
}

#[cfg(test)]
mod tests;
