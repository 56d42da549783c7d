//! The history of a run: root prompt blobs or typed messages, as the model sees them.
//!
//! Root blobs are AI-SDK style JSON (`reference/messages/agent.md`, "Blob format"). A `system`
//! message among them is ignored, as the real server does.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};
use base64::{alphabet, engine::DecodePaddingMode};
use cursor_proto::agent::oneof::{
    conversation_history_assistant_content as assistant, conversation_history_message as history,
    conversation_history_tool_result_content as tool, conversation_history_user_content as user,
};
use cursor_proto::agent::{ConversationHistory, ConversationHistoryMessage};
use serde_json::Value;

use crate::view::{Message, Role};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The messages of one root prompt blob; `None` when it is not such JSON.
pub(crate) fn from_blob(data: &[u8]) -> Option<Vec<Message>> {
    let json: Value = serde_json::from_slice(data).ok()?;
    let content = json.get("content")?;
    Some(match json.get("role")?.as_str()? {
        "system" => Vec::new(),
        "user" => vec![from_parts(Role::User, content)],
        "assistant" => vec![from_parts(Role::Assistant, content)],
        "tool" => content
            .as_array()?
            .iter()
            .filter(|part| part["type"] == "tool-result")
            .map(|part| Message::new(Role::Tool, part_result(part)))
            .collect(),
        _ => return None,
    })
}

fn from_parts(role: Role, content: &Value) -> Message {
    let mut message = Message::new(role, "");
    let mut texts = Vec::new();
    if let Some(text) = content.as_str() {
        texts.push(text);
    }
    for part in content.as_array().into_iter().flatten() {
        match part["type"].as_str().unwrap_or_default() {
            "text" => texts.extend(part["text"].as_str()),
            "reasoning" => message.reasoning.push_str(part["text"].as_str().unwrap_or_default()),
            "tool-call" => message.calls += 1,
            "image" => message.images.extend(part["image"].as_str().and_then(image_size)),
            "file" => message.images.extend(part["data"].as_str().and_then(image_size)),
            _ => {}
        }
    }
    message.text = texts.join("\n");
    message
}

/// Bytes of an image in base64, plain or as a data URL.
fn image_size(data: &str) -> Option<usize> {
    let data = data.split_once("base64,").map_or(data, |(_, data)| data);
    BASE64.decode(data).or_else(|_| STANDARD.decode(data)).ok().map(|bytes| bytes.len())
}

fn part_result(part: &Value) -> String {
    let outputs = ["output", "result", "experimental_content"];
    outputs.iter().find_map(|name| part.get(name)).map(result_text).unwrap_or_default()
}

/// The text of a tool result in any of the forms the AI SDK had.
fn result_text(output: &Value) -> String {
    match output {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part["text"].as_str()).collect();
            if texts.is_empty() && !parts.is_empty() {
                output.to_string()
            } else {
                texts.join("\n")
            }
        }
        Value::Object(fields) => {
            match (fields.get("type").and_then(Value::as_str), fields.get("value")) {
                (Some("text" | "error-text" | "content"), Some(value)) => result_text(value),
                (Some("json" | "error-json"), Some(value)) => value.to_string(),
                _ => match fields.get("content") {
                    Some(content @ Value::Array(_)) => result_text(content),
                    _ => output.to_string(),
                },
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => output.to_string(),
    }
}

/// The messages of a typed history.
pub(crate) fn from_typed(all: &ConversationHistory) -> Vec<Message> {
    all.messages.iter().filter_map(typed).collect()
}

fn typed(message: &ConversationHistoryMessage) -> Option<Message> {
    Some(match message.message.as_ref()? {
        history::Message::User(said) => {
            let mut message = Message::new(Role::User, "");
            for content in &said.content {
                match &content.content {
                    Some(user::Content::Text(text)) => add_line(&mut message.text, &text.text),
                    Some(user::Content::Image(image)) => {
                        message.images.extend(image_size(&image.data));
                    }
                    None => {}
                }
            }
            message
        }
        history::Message::Assistant(said) => {
            let mut message = Message::new(Role::Assistant, "");
            for content in &said.content {
                match &content.content {
                    Some(assistant::Content::Text(text)) => add_line(&mut message.text, &text.text),
                    Some(assistant::Content::Reasoning(part)) => {
                        message.reasoning.push_str(&part.text);
                    }
                    Some(assistant::Content::ToolCall(_)) => message.calls += 1,
                    Some(assistant::Content::RedactedReasoning(_)) | None => {}
                }
            }
            message
        }
        history::Message::Tool(result) => {
            let mut message = Message::new(Role::Tool, "");
            for content in &result.content {
                if let Some(tool::Content::Text(text)) = &content.content {
                    add_line(&mut message.text, &text.text);
                }
            }
            message
        }
    })
}

fn add_line(text: &mut String, line: &str) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(json: &Value) -> Message {
        let mut all = from_blob(json.to_string().as_bytes()).expect("a root message");
        assert_eq!(all.len(), 1);
        all.remove(0)
    }

    #[test]
    fn user_messages() {
        assert_eq!(one(&json!({"role": "user", "content": "hi"})).text, "hi");
        let parts = json!({"role": "user", "content": [
            {"type": "text", "text": "a"},
            {"type": "image", "image": "AAAA", "mimeType": "image/png"},
            {"type": "image", "image": "data:image/png;base64,AAA=", "mediaType": "image/png"},
            {"type": "text", "text": "b"}]});
        let message = one(&parts);
        assert_eq!((message.text.as_str(), message.images), ("a\nb", vec![3, 2]));
    }

    #[test]
    fn assistant_messages() {
        let message = one(&json!({"role": "assistant", "id": "1", "content": [
            {"type": "reasoning", "text": "why"},
            {"type": "redacted-reasoning", "data": "x"},
            {"type": "text", "text": "so"},
            {"type": "tool-call", "toolCallId": "1", "toolName": "f", "args": {}},
            {"type": "tool-call", "toolCallId": "2", "toolName": "g", "args": {}}]}));
        assert_eq!((message.text.as_str(), message.reasoning.as_str()), ("so", "why"));
        assert_eq!(message.calls, 2);
    }

    #[test]
    fn tool_results_in_every_form() {
        for output in [
            json!({"result": "7"}),
            json!({"result": [{"type": "text", "text": "7"}]}),
            json!({"output": {"type": "text", "value": "7"}}),
            json!({"output": {"type": "error-text", "value": "7"}}),
            json!({"output": {"type": "json", "value": 7}}),
            json!({"output": {"type": "content", "value": [{"type": "text", "text": "7"}]}}),
            json!({"result": {"content": [{"type": "text", "text": "7"}], "isError": false}}),
            json!({"result": 7}),
        ] {
            let mut part = json!({"type": "tool-result", "toolCallId": "1", "toolName": "f"});
            part.as_object_mut()
                .expect("an object")
                .extend(output.as_object().expect("one").clone());
            let message = one(&json!({"role": "tool", "content": [part]}));
            assert_eq!((message.role, message.text.as_str()), (Role::Tool, "7"), "{output}");
        }
    }

    #[test]
    fn system_is_ignored_and_garbage_refused() {
        let system = json!({"role": "system", "content": "secret"}).to_string();
        assert!(from_blob(system.as_bytes()).expect("a message").is_empty());
        assert!(from_blob(b"not json").is_none());
        assert!(from_blob(br#"{"role":"robot","content":""}"#).is_none());
    }
}
