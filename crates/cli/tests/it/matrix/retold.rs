//! The earlier answers as the first message of a session tells them to the upstream.

use cursor_proto::agent::oneof::agent_client_message::Message as Agent;
use cursor_proto::aiserver::ConversationMessage;
use cursor_proto::aiserver::conversation_message::{MessageType, ToolResult as PastCall};
use cursor_proto::aiserver::oneof::client_side_tool_v2result::Result as Outcome;
use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools::Request;
use serde_json::Value;
use upstream::ClientMessage;

/// A call as the upstream wrote it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Original {
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// What an opening tells of earlier answers.
#[derive(Debug, Default)]
pub(super) struct Retold {
    pub(super) text: String,
    pub(super) calls: Vec<Past>,
    /// Text and seal of every sealed block of reasoning.
    pub(super) sealed: Vec<(String, String)>,
}

/// A call with its result as it stands in the history.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) id: String,
    pub(super) call: Original,
    pub(super) result: String,
}

/// Reads the first message of a session.
pub(super) fn retold(opening: &ClientMessage) -> Retold {
    let mut retold = Retold::default();
    match opening {
        ClientMessage::Agent(message) => {
            let Some(Agent::RunRequest(run)) = &message.message else { panic!("{message:?}") };
            for blob in &run.pre_fetched_blobs {
                let message: Value = serde_json::from_slice(&blob.value).expect("JSON");
                for part in message["content"].as_array().into_iter().flatten() {
                    retold.part(&message["role"], part);
                }
            }
        }
        ClientMessage::Chat(message) => {
            let Some(Request::StreamUnifiedChatRequest(request)) = &message.request else {
                panic!("{message:?}")
            };
            request.conversation.iter().for_each(|message| retold.message(message));
        }
    }
    retold
}

impl Retold {
    /// A part of a message that the agent flow builds its prompt from.
    fn part(&mut self, role: &Value, part: &Value) {
        let text = |name: &str| part[name].as_str().expect("a text").to_owned();
        match part["type"].as_str().expect("a type") {
            "text" if role == "assistant" => self.text += &text("text"),
            "text" => {}
            "reasoning" if part.get("signature").is_none() => {}
            "reasoning" => self.sealed.push((text("text"), text("signature"))),
            "redacted-reasoning" => self.sealed.push((String::new(), text("data"))),
            "tool-call" => self.calls.push(Past {
                id: text("toolCallId"),
                call: Original { name: text("toolName"), arguments: part["args"].clone() },
                result: String::new(),
            }),
            "tool-result" => {
                let call = self.calls.iter_mut().find(|call| call.id == text("toolCallId"));
                let call = call.expect("a result has its call");
                assert_eq!(text("toolName"), call.call.name);
                call.result = text("result");
            }
            other => panic!("unknown part {other}"),
        }
    }

    /// A message of the chat flow.
    fn message(&mut self, message: &ConversationMessage) {
        if message.r#type != MessageType::MESSAGE_TYPE_AI {
            return;
        }
        self.text += &message.text;
        if let Some(thinking) = message.thinking.as_option() {
            let seal = format!("{}{}", thinking.signature, thinking.redacted_thinking);
            if !seal.is_empty() {
                self.sealed.push((thinking.text.clone(), seal));
            }
        }
        self.calls.extend(message.tool_results.iter().map(past_of_chat));
    }
}

fn past_of_chat(past: &PastCall) -> Past {
    let id = &past.tool_call_id;
    let call = past.tool_call.as_option().expect("the call");
    let result = past.result.as_option().expect("the result");
    assert_eq!((&call.tool_call_id, &result.tool_call_id), (id, id));
    let Some(Outcome::McpResult(outcome)) = &result.result else { panic!("{result:?}") };
    let content: Value = serde_json::from_str(&outcome.result).expect("JSON");
    let name = &outcome.selected_tool;
    assert_eq!(past.tool_name, format!("mcp_custom_{name}"));
    Past {
        id: id.clone(),
        call: Original {
            name: name.clone(),
            arguments: serde_json::from_str(&past.raw_args).expect("JSON"),
        },
        result: content["content"][0]["text"].as_str().expect("a text").to_owned(),
    }
}
