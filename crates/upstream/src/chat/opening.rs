//! From a turn to the one request of the chat flow: the whole conversation, oldest first, with a
//! header per message in the same order; system text in `explicit_context.context`
//! (`reference/messages/chat.md`, "Minimum request").

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conversation::{Failure, Image, Message, Part, ReasoningPart, ToolCall, ToolResult, Turn};
use cursor_proto::aiserver::conversation_message::{MessageType, Thinking, ToolResult as PastCall};
use cursor_proto::aiserver::image_proto::Dimension;
use cursor_proto::aiserver::stream_unified_chat_request::{ThinkingLevel, UnifiedMode};
use cursor_proto::aiserver::{
    AzureState, ClientSideToolV2, ClientSideToolV2Call, ClientSideToolV2Result,
    ConversationMessage, ConversationMessageHeader, ExplicitContext, ImageProto, MCPResult,
    ModelDetails, StreamUnifiedChatRequest, StreamUnifiedChatRequestWithTools,
};
use serde_json::json;
use uuid::Uuid;

use super::session::ChatSession;
use crate::session::{ClientMessage, Session, as_document, as_reminder};

/// Settings of the flow.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatOptions {
    /// Whether the server may answer with another model than the one asked for.
    pub allow_model_fallbacks: bool,
}

/// Builds the opening and the session that answers what comes back. `uuid` gives fresh ids.
///
/// # Errors
/// The turn has nothing to say to the model.
pub fn open(
    turn: &Turn,
    options: ChatOptions,
    uuid: &mut dyn FnMut() -> Uuid,
) -> Result<(ClientMessage, Session), Failure> {
    let conversation = messages(turn, uuid);
    if !conversation.iter().any(|message| message.r#type == MessageType::MESSAGE_TYPE_HUMAN) {
        return Err(Failure::invalid("messages", "The conversation has no user message."));
    }
    let headers = conversation
        .iter()
        .map(|message| ConversationMessageHeader {
            bubble_id: message.bubble_id.clone(),
            r#type: message.r#type,
            ..Default::default()
        })
        .collect();
    let mut request = StreamUnifiedChatRequest {
        conversation,
        model_details: ModelDetails {
            model_name: Some(turn.model.as_str().to_owned()),
            azure_state: AzureState::default().into(),
            max_mode: Some(false),
            ..Default::default()
        }
        .into(),
        is_chat: true,
        conversation_id: uuid().to_string(),
        full_conversation_headers_only: headers,
        allow_model_fallbacks: Some(options.allow_model_fallbacks),
        unified_mode: Some(UnifiedMode::UNIFIED_MODE_CHAT.into()),
        should_disable_tools: Some(true),
        thinking_level: Some(thinking_level(turn.model.as_str()).into()),
        unified_mode_name: Some("Ask".to_owned()),
        ..Default::default()
    };
    if !turn.instructions.is_empty() {
        request.explicit_context =
            ExplicitContext { context: turn.instructions.join("\n\n"), ..Default::default() }
                .into();
    }
    let session = ChatSession::new(uuid().simple().to_string(), turn.model.as_str());
    let opening =
        StreamUnifiedChatRequestWithTools { request: request.into(), ..Default::default() };
    Ok((ClientMessage::Chat(Box::new(opening)), Session::Chat(Box::new(session))))
}

/// Thinking variants are asked to think hard (upstream-protocol.md §9).
fn thinking_level(model: &str) -> ThinkingLevel {
    if model.contains("thinking") {
        ThinkingLevel::THINKING_LEVEL_HIGH
    } else {
        ThinkingLevel::THINKING_LEVEL_UNSPECIFIED
    }
}

fn messages(turn: &Turn, uuid: &mut dyn FnMut() -> Uuid) -> Vec<ConversationMessage> {
    let mut out: Vec<ConversationMessage> = Vec::new();
    let mut pending: Vec<&ToolCall> = Vec::new();
    for message in &turn.messages {
        match message {
            Message::User(parts) => out.push(human(parts, uuid)),
            Message::Instruction(text) => {
                out.push(human(&[Part::Text(as_reminder(text))], uuid));
            }
            Message::Assistant(parts) => {
                pending = parts
                    .iter()
                    .filter_map(|part| match part {
                        Part::ToolCall(call) => Some(call),
                        Part::Text(_) | Part::Image(_) | Part::File(_) | Part::Reasoning(_) => None,
                    })
                    .collect();
                assistant(parts, &mut out, uuid);
            }
            Message::ToolResults(results) => {
                let past = results
                    .iter()
                    .enumerate()
                    .map(|(index, result)| past_call(result, &pending, index))
                    .collect();
                out.push(ConversationMessage {
                    r#type: MessageType::MESSAGE_TYPE_AI.into(),
                    bubble_id: uuid().to_string(),
                    tool_results: past,
                    is_agentic: true,
                    ..Default::default()
                });
            }
        }
    }
    out
}

fn human(parts: &[Part], uuid: &mut dyn FnMut() -> Uuid) -> ConversationMessage {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    for part in parts {
        match part {
            Part::Text(text) => texts.push(text.clone()),
            Part::File(file) => texts.push(as_document(&file.name, &file.text)),
            Part::Image(image) => images.push(image_proto(image, uuid())),
            Part::Reasoning(_) | Part::ToolCall(_) => {}
        }
    }
    ConversationMessage {
        text: texts.join("\n"),
        r#type: MessageType::MESSAGE_TYPE_HUMAN.into(),
        images,
        bubble_id: uuid().to_string(),
        ..Default::default()
    }
}

fn image_proto(image: &Image, uuid: Uuid) -> ImageProto {
    ImageProto {
        data: image.data.clone(),
        dimension: Dimension {
            width: i32::try_from(image.width).unwrap_or(i32::MAX),
            height: i32::try_from(image.height).unwrap_or(i32::MAX),
            ..Default::default()
        }
        .into(),
        uuid: uuid.to_string(),
        ..Default::default()
    }
}

/// Reasoning stands in an AI message of its own before the text, with its seal unchanged (§6).
fn assistant(parts: &[Part], out: &mut Vec<ConversationMessage>, uuid: &mut dyn FnMut() -> Uuid) {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(piece) => text.push_str(piece),
            Part::Reasoning(reasoning) => out.push(ConversationMessage {
                r#type: MessageType::MESSAGE_TYPE_AI.into(),
                bubble_id: uuid().to_string(),
                thinking: thinking(reasoning).into(),
                ..Default::default()
            }),
            Part::Image(_) | Part::File(_) | Part::ToolCall(_) => {}
        }
    }
    if !text.is_empty() {
        out.push(ConversationMessage {
            text,
            r#type: MessageType::MESSAGE_TYPE_AI.into(),
            bubble_id: uuid().to_string(),
            ..Default::default()
        });
    }
}

fn thinking(reasoning: &ReasoningPart) -> Thinking {
    let seal = reasoning.seal.clone().unwrap_or_default();
    if reasoning.text.is_empty() {
        return Thinking { redacted_thinking: seal, ..Default::default() };
    }
    Thinking {
        text: reasoning.text.clone(),
        signature: seal,
        is_last_thinking_chunk: true,
        ..Default::default()
    }
}

/// A finished call in the history form (§8.4).
fn past_call(result: &ToolResult, pending: &[&ToolCall], index: usize) -> PastCall {
    let call = pending.iter().find(|call| call.id == result.call_id);
    let name = call.map_or("tool", |call| call.name.as_str());
    let arguments = call.map_or("{}", |call| call.arguments.as_str());
    let index = u32::try_from(index).unwrap_or(u32::MAX);
    PastCall {
        tool_call_id: result.call_id.clone(),
        tool_name: name.to_owned(),
        raw_args: arguments.to_owned(),
        result: ClientSideToolV2Result {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
            tool_call_id: result.call_id.clone(),
            tool_index: Some(index),
            result: MCPResult {
                selected_tool: name.to_owned(),
                result: result_json(result),
                ..Default::default()
            }
            .into(),
            ..Default::default()
        }
        .into(),
        tool_call: ClientSideToolV2Call {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
            tool_call_id: result.call_id.clone(),
            name: name.to_owned(),
            raw_args: arguments.to_owned(),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }
}

/// `MCPResult.result` is JSON text (§8.3).
fn result_json(result: &ToolResult) -> String {
    let content: Vec<_> = result
        .content
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(json!({ "type": "text", "text": text })),
            Part::File(file) => {
                Some(json!({ "type": "text", "text": as_document(&file.name, &file.text) }))
            }
            Part::Image(image) => Some(json!({
                "type": "image",
                "data": STANDARD.encode(&image.data),
                "mimeType": image.format.mime_type(),
            })),
            Part::Reasoning(_) | Part::ToolCall(_) => None,
        })
        .collect();
    json!({ "content": content, "isError": result.is_error }).to_string()
}

#[cfg(test)]
mod tests {
    use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools::Request;

    use super::*;

    fn request(turn: &Turn) -> StreamUnifiedChatRequest {
        let mut next = 0;
        let mut uuid = || {
            next += 1;
            Uuid::from_u128(next)
        };
        let (message, _) = open(turn, ChatOptions::default(), &mut uuid).expect("opens");
        match message {
            ClientMessage::Chat(message) => match message.request {
                Some(Request::StreamUnifiedChatRequest(request)) => *request,
                other => panic!("{other:?}"),
            },
            ClientMessage::Agent(_) => panic!("chat"),
        }
    }

    #[test]
    fn every_message_has_its_header_in_order() {
        let mut turn = Turn::of_text("claude-4.5-sonnet", "And 3+3?");
        turn.instructions = vec!["Be brief.".into()];
        turn.messages.insert(0, Message::User(vec![Part::Text("What is 2+2?".into())]));
        turn.messages.insert(
            1,
            Message::Assistant(vec![
                Part::Reasoning(ReasoningPart { text: "sum".into(), seal: Some("sig".into()) }),
                Part::Text("4".into()),
            ]),
        );
        let request = request(&turn);
        assert_eq!(request.conversation.len(), 4);
        for (message, header) in
            request.conversation.iter().zip(&request.full_conversation_headers_only)
        {
            assert_eq!(message.bubble_id, header.bubble_id);
            assert_eq!(message.r#type, header.r#type);
        }
        let thinking = request.conversation[1].thinking.as_option().expect("thinking");
        assert_eq!(thinking.signature, "sig");
        assert_eq!(request.explicit_context.as_option().expect("context").context, "Be brief.");
    }

    #[test]
    fn thinking_models_are_asked_to_think() {
        let request = request(&Turn::of_text("claude-4.5-sonnet-thinking", "Hi"));
        assert_eq!(request.thinking_level, Some(ThinkingLevel::THINKING_LEVEL_HIGH.into()));
    }

    #[test]
    fn results_find_the_name_and_arguments_of_their_call() {
        let mut turn = Turn::of_text("m", "Weather?");
        turn.messages.push(Message::Assistant(vec![Part::ToolCall(ToolCall {
            id: "c1".into(),
            name: "get_weather".into(),
            arguments: "{\"city\":\"Oslo\"}".into(),
        })]));
        turn.messages.push(Message::ToolResults(vec![ToolResult {
            call_id: "c1".into(),
            content: vec![Part::Text("-3 C".into())],
            is_error: false,
        }]));
        let request = request(&turn);
        let past = &request.conversation[1].tool_results[0];
        assert_eq!(
            (past.tool_name.as_str(), past.raw_args.as_str()),
            ("get_weather", "{\"city\":\"Oslo\"}")
        );
    }
}
