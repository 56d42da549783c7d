//! Earlier messages for the chat flow: human and AI messages, oldest first. Reasoning is a message
//! of its own before the text; finished calls are one with `tool_results`
//! (`reference/upstream-protocol.md` §6, §8.4).

use conversation::{Image, Message, Part, ReasoningPart, ToolCall, ToolResult, Turn};
use cursor_proto::aiserver::conversation_message::{MessageType, Thinking, ToolResult as PastCall};
use cursor_proto::aiserver::image_proto::Dimension;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Call, ClientSideToolV2Result, ConversationMessage,
    ImageProto, MCPParams, MCPResult, mcp_params,
};
use uuid::Uuid;

use super::{SERVER, model_name, result};
use crate::ids;
use crate::offer::Names;
use crate::session::{as_document, as_reminder};
use crate::transcript;

/// The whole conversation of a turn.
pub(super) fn messages(
    turn: &Turn,
    names: &Names,
    uuid: &mut dyn FnMut() -> Uuid,
) -> Vec<ConversationMessage> {
    let mut out: Vec<ConversationMessage> = Vec::new();
    let messages = transcript::whole(&turn.messages);
    let mut pending: Vec<&ToolCall> = Vec::new();
    for message in messages.iter() {
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
                    .map(|(index, result)| past_call(result, &pending, index, names))
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
fn past_call(result: &ToolResult, pending: &[&ToolCall], index: usize, names: &Names) -> PastCall {
    let call = pending.iter().find(|call| call.id == result.call_id);
    let tool = call.map_or_else(|| "tool".to_owned(), |call| names.to_upstream(&call.name));
    let arguments = call.map_or("{}", |call| call.arguments.as_str());
    let id = ids::to_upstream(&result.call_id);
    let params = mcp_params::Tool {
        name: tool.clone(),
        parameters: arguments.to_owned(),
        server_name: SERVER.to_owned(),
        ..Default::default()
    };
    PastCall {
        tool_call_id: id.clone(),
        tool_name: model_name(&tool),
        raw_args: arguments.to_owned(),
        result: ClientSideToolV2Result {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
            tool_call_id: id.clone(),
            tool_index: Some(u32::try_from(index).unwrap_or(u32::MAX)),
            result: MCPResult {
                selected_tool: tool.clone(),
                result: result::json(result, false),
                ..Default::default()
            }
            .into(),
            ..Default::default()
        }
        .into(),
        tool_call: ClientSideToolV2Call {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
            tool_call_id: id,
            name: model_name(&tool),
            raw_args: arguments.to_owned(),
            params: MCPParams { tools: vec![params], ..Default::default() }.into(),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }
}
