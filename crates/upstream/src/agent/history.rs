//! Earlier messages for the agent flow, in either of the forms that sources report as working:
//! JSON blobs that the server builds its prompt from, or the typed `conversation_history`.
//!
//! In the blob form a `system` message is ignored by the server, so instructions travel by
//! another channel and reminders inside the conversation become marked user text.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conversation::{Image, Message, Part, ToolResult};
use cursor_proto::agent::{
    ConversationHistory, ConversationHistoryAssistantContent, ConversationHistoryAssistantMessage,
    ConversationHistoryImageContent, ConversationHistoryMessage,
    ConversationHistoryReasoningContent, ConversationHistoryRedactedReasoningContent,
    ConversationHistoryTextContent, ConversationHistoryToolCall, ConversationHistoryToolMessage,
    ConversationHistoryToolResultContent, ConversationHistoryUserContent,
    ConversationHistoryUserMessage,
};
use serde_json::{Value, json};

use crate::ids;
use crate::offer::Names;
use crate::session::{as_document, as_reminder};

/// The content of one root blob per message (agent.md, "Blob format").
pub(super) fn root_blobs(messages: &[Message], names: &Names) -> Vec<Vec<u8>> {
    let mut names = ToolNames::new(names);
    messages
        .iter()
        .filter_map(|message| root_message(message, &mut names))
        .map(|json| json.to_string().into_bytes())
        .collect()
}

/// Tool results carry only the call's id; the server also wants the tool's name, as it knows it.
struct ToolNames<'a> {
    names: &'a Names,
    /// By the client's id of the call.
    of_calls: HashMap<String, String>,
}

impl<'a> ToolNames<'a> {
    fn new(names: &'a Names) -> Self {
        Self { names, of_calls: HashMap::new() }
    }

    fn note(&mut self, parts: &[Part]) {
        for part in parts {
            if let Part::ToolCall(call) = part {
                self.of_calls.insert(call.id.clone(), self.names.to_upstream(&call.name));
            }
        }
    }

    fn of(&self, call_id: &str) -> &str {
        self.of_calls.get(call_id).map_or("tool", String::as_str)
    }
}

fn root_message(message: &Message, names: &mut ToolNames<'_>) -> Option<Value> {
    let (role, content) = match message {
        Message::User(parts) => ("user", parts.iter().filter_map(user_part).collect()),
        Message::Instruction(text) => ("user", vec![json_text(&as_reminder(text))]),
        Message::Assistant(parts) => {
            names.note(parts);
            let part = |part| assistant_part(part, names);
            ("assistant", parts.iter().filter_map(part).collect())
        }
        Message::ToolResults(results) => {
            ("tool", results.iter().map(|result| tool_result(result, names)).collect::<Vec<_>>())
        }
    };
    (!content.is_empty()).then(|| json!({ "role": role, "content": content }))
}

fn json_text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn user_part(part: &Part) -> Option<Value> {
    match part {
        Part::Text(text) => Some(json_text(text)),
        Part::File(file) => Some(json_text(&as_document(&file.name, &file.text))),
        Part::Image(image) => Some(json!({
            "type": "image",
            "image": STANDARD.encode(&image.data),
            "mimeType": image.format.mime_type(),
        })),
        Part::Reasoning(_) | Part::ToolCall(_) => None,
    }
}

fn assistant_part(part: &Part, names: &ToolNames<'_>) -> Option<Value> {
    match part {
        Part::Text(text) if text.is_empty() => None,
        Part::Text(text) => Some(json_text(text)),
        Part::Reasoning(reasoning) => Some(match (&reasoning.seal, reasoning.text.as_str()) {
            (Some(seal), "") => json!({ "type": "redacted-reasoning", "data": seal }),
            (Some(seal), text) => json!({ "type": "reasoning", "text": text, "signature": seal }),
            (None, text) => json!({ "type": "reasoning", "text": text }),
        }),
        Part::ToolCall(call) => Some(json!({
            "type": "tool-call",
            "toolCallId": ids::to_upstream(&call.id),
            "toolName": names.of(&call.id),
            "args": arguments(&call.arguments),
        })),
        Part::Image(_) | Part::File(_) => None,
    }
}

/// Arguments as an object; text that is no JSON stays text.
fn arguments(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// Pictures go beside the text, in the field that the form has for them.
fn tool_result(result: &ToolResult, names: &ToolNames<'_>) -> Value {
    let mut json = json!({
        "type": "tool-result",
        "toolCallId": ids::to_upstream(&result.call_id),
        "toolName": names.of(&result.call_id),
        "result": result_text(result),
        "isError": result.is_error,
    });
    if result.content.iter().any(|part| matches!(part, Part::Image(_))) {
        let content = result.content.iter().filter_map(|part| match part {
            Part::Text(text) => Some(json_text(text)),
            Part::File(file) => Some(json_text(&as_document(&file.name, &file.text))),
            Part::Image(image) => Some(json!({
                "type": "image",
                "data": STANDARD.encode(&image.data),
                "mimeType": image.format.mime_type(),
            })),
            Part::Reasoning(_) | Part::ToolCall(_) => None,
        });
        json["experimental_content"] = content.collect();
    }
    json
}

fn result_text(result: &ToolResult) -> String {
    let texts: Vec<String> = result
        .content
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.clone()),
            Part::File(file) => Some(as_document(&file.name, &file.text)),
            Part::Image(_) => Some("[image]".to_owned()),
            Part::Reasoning(_) | Part::ToolCall(_) => None,
        })
        .collect();
    texts.join("\n")
}

/// The typed form.
pub(super) fn typed(messages: &[Message], names: &Names) -> ConversationHistory {
    let mut typed = Vec::new();
    let mut names = ToolNames::new(names);
    for message in messages {
        match message {
            Message::User(parts) => typed.push(user(parts.iter().filter_map(typed_user).collect())),
            Message::Instruction(text) => typed.push(user(vec![ConversationHistoryUserContent {
                content: typed_text(&as_reminder(text)).into(),
                ..Default::default()
            }])),
            Message::Assistant(parts) => {
                names.note(parts);
                let content =
                    parts.iter().filter_map(|part| typed_assistant(part, &names)).collect();
                typed.push(ConversationHistoryMessage {
                    message: ConversationHistoryAssistantMessage { content, ..Default::default() }
                        .into(),
                    ..Default::default()
                });
            }
            Message::ToolResults(results) => {
                typed.extend(results.iter().map(|result| typed_result(result, &names)));
            }
        }
    }
    ConversationHistory { messages: typed, ..Default::default() }
}

fn user(content: Vec<ConversationHistoryUserContent>) -> ConversationHistoryMessage {
    ConversationHistoryMessage {
        message: ConversationHistoryUserMessage { content, ..Default::default() }.into(),
        ..Default::default()
    }
}

fn typed_text(text: &str) -> ConversationHistoryTextContent {
    ConversationHistoryTextContent { text: text.to_owned(), ..Default::default() }
}

fn typed_image(image: &Image) -> ConversationHistoryImageContent {
    ConversationHistoryImageContent {
        data: STANDARD.encode(&image.data),
        mime_type: Some(image.format.mime_type().to_owned()),
        ..Default::default()
    }
}

fn typed_user(part: &Part) -> Option<ConversationHistoryUserContent> {
    let content = match part {
        Part::Text(text) => typed_text(text).into(),
        Part::File(file) => typed_text(&as_document(&file.name, &file.text)).into(),
        Part::Image(image) => typed_image(image).into(),
        Part::Reasoning(_) | Part::ToolCall(_) => return None,
    };
    Some(ConversationHistoryUserContent { content, ..Default::default() })
}

fn typed_assistant(
    part: &Part,
    names: &ToolNames<'_>,
) -> Option<ConversationHistoryAssistantContent> {
    let content = match part {
        Part::Text(text) if text.is_empty() => return None,
        Part::Text(text) => typed_text(text).into(),
        Part::Reasoning(reasoning) => match &reasoning.seal {
            Some(seal) if reasoning.text.is_empty() => {
                ConversationHistoryRedactedReasoningContent {
                    data: seal.clone(),
                    ..Default::default()
                }
                .into()
            }
            seal => ConversationHistoryReasoningContent {
                text: reasoning.text.clone(),
                signature: seal.clone(),
                ..Default::default()
            }
            .into(),
        },
        Part::ToolCall(call) => ConversationHistoryToolCall {
            tool_call_id: ids::to_upstream(&call.id),
            tool_name: names.of(&call.id).to_owned(),
            args_json: call.arguments.clone(),
            ..Default::default()
        }
        .into(),
        Part::Image(_) | Part::File(_) => return None,
    };
    Some(ConversationHistoryAssistantContent { content, ..Default::default() })
}

fn typed_result(result: &ToolResult, names: &ToolNames<'_>) -> ConversationHistoryMessage {
    let content = result.content.iter().filter_map(|part| match part {
        Part::Text(text) => Some(typed_text(text).into()),
        Part::File(file) => Some(typed_text(&as_document(&file.name, &file.text)).into()),
        Part::Image(image) => Some(typed_image(image).into()),
        Part::Reasoning(_) | Part::ToolCall(_) => None,
    });
    let content = content
        .map(|content| ConversationHistoryToolResultContent { content, ..Default::default() });
    ConversationHistoryMessage {
        message: ConversationHistoryToolMessage {
            tool_call_id: ids::to_upstream(&result.call_id),
            tool_name: names.of(&result.call_id).to_owned(),
            content: content.collect(),
            is_error: Some(result.is_error),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use conversation::{ReasoningPart, ToolCall};

    use super::*;

    fn names() -> Names {
        crate::offer::Offer::new(&conversation::Tools::default(), 64).names().clone()
    }

    fn messages() -> Vec<Message> {
        vec![
            Message::User(vec![Part::Text("What is 2+2?".into())]),
            Message::Assistant(vec![
                Part::Reasoning(ReasoningPart { text: "sum".into(), seal: Some("c2ln".into()) }),
                Part::Text("4".into()),
                Part::ToolCall(ToolCall {
                    id: "c1".into(),
                    name: "get_weather".into(),
                    arguments: "{}".into(),
                }),
            ]),
            Message::ToolResults(vec![ToolResult {
                call_id: "c1".into(),
                content: vec![Part::Text("ok".into())],
                is_error: false,
            }]),
        ]
    }

    /// The vector `run_conversation_history` holds exactly this history.
    #[test]
    fn the_typed_form_equals_the_vector() {
        use cursor_proto::Message as _;
        let text = include_str!("../../../../fixtures/vectors/agent_client.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        let vector = file["vectors"]
            .as_array()
            .expect("vectors")
            .iter()
            .find(|v| v["name"] == "run_conversation_history")
            .expect("vector")
            .clone();
        let bytes = hex::decode(vector["hex"].as_str().expect("hex")).expect("hex");
        let message =
            cursor_proto::agent::AgentClientMessage::decode_from_slice(&bytes).expect("decodes");
        let Some(cursor_proto::agent::oneof::agent_client_message::Message::RunRequest(run)) =
            message.message
        else {
            panic!("a run request");
        };
        let action = run.action.as_option().expect("action").action.clone().expect("arm");
        let cursor_proto::agent::oneof::conversation_action::Action::UserMessageAction(action) =
            action
        else {
            panic!("a user message");
        };
        let expected = action.conversation_history.as_option().expect("history").clone();
        assert_eq!(typed(&messages(), &names()), expected);
    }

    #[test]
    fn root_blobs_keep_order_roles_and_tool_names() {
        let blobs = root_blobs(&messages(), &names());
        let parsed: Vec<Value> =
            blobs.iter().map(|blob| serde_json::from_slice(blob).expect("JSON")).collect();
        assert_eq!(parsed[0]["role"], "user");
        assert_eq!(parsed[1]["content"][0]["signature"], "c2ln");
        assert_eq!(parsed[2]["content"][0]["toolName"], "get_weather");
    }
}
