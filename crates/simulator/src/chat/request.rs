//! The chat request: what it must hold, and what the model will see of it.
//!
//! Pure (`reference/upstream-protocol.md` §6, §8.1, §8.4).

use cursor_proto::aiserver::conversation_message::MessageType;
use cursor_proto::aiserver::{ClientSideToolV2, ConversationMessage, StreamUnifiedChatRequest};
use serde_json::Value;

use super::result;
use crate::failure::Failure;
use crate::models;
use crate::view::{Message, Role, Tool, View};

/// Checks a request as the server does before it answers.
pub(crate) fn check(request: &StreamUnifiedChatRequest) -> Result<(), Failure> {
    if request.conversation.is_empty() {
        return Err(Failure::invalid("Conversation is required"));
    }
    let name = request.model_details.model_name.as_deref().unwrap_or_default();
    if name.is_empty() {
        return Err(Failure::invalid("Model details are required"));
    }
    if models::find(name).is_none() {
        return Err(Failure::bad_model(name));
    }
    let bubbles = request.conversation.iter().map(|message| (&message.bubble_id, message.r#type));
    let headers = request.full_conversation_headers_only.iter();
    if !bubbles.eq(headers.map(|header| (&header.bubble_id, header.r#type))) {
        return Err(Failure::invalid("Conversation does not match full_conversation_headers_only"));
    }
    for message in &request.conversation {
        if message.bubble_id.is_empty() {
            return Err(Failure::invalid("Bubble id is required"));
        }
        if !matches!(
            message.r#type.as_known(),
            Some(MessageType::MESSAGE_TYPE_HUMAN | MessageType::MESSAGE_TYPE_AI)
        ) {
            return Err(Failure::invalid("Message type is required"));
        }
    }
    Ok(())
}

/// What the model sees.
pub(crate) fn view(request: &StreamUnifiedChatRequest) -> View {
    let context = request.explicit_context.context.as_str();
    View {
        model: request.model_details.model_name.clone().unwrap_or_default(),
        system: (!context.is_empty()).then(|| context.to_owned()).into_iter().collect(),
        messages: request.conversation.iter().flat_map(messages).collect(),
        tools: tools(request),
    }
}

/// One message, and the results of its tool calls as messages of their own.
fn messages(said: &ConversationMessage) -> Vec<Message> {
    let role = match said.r#type.as_known() {
        Some(MessageType::MESSAGE_TYPE_AI) => Role::Assistant,
        Some(MessageType::MESSAGE_TYPE_HUMAN | MessageType::MESSAGE_TYPE_UNSPECIFIED) | None => {
            Role::User
        }
    };
    let mut reasoning = said.thinking.text.clone();
    for block in &said.all_thinking_blocks {
        if block.text != said.thinking.text {
            reasoning.push_str(&block.text);
        }
    }
    let message = Message {
        role,
        text: said.text.clone(),
        reasoning,
        images: said.images.iter().map(|image| image.data.len()).collect(),
        calls: said.tool_results.len(),
    };
    let results =
        said.tool_results.iter().map(|done| Message::new(Role::Tool, result::text(&done.result)));
    std::iter::once(message).chain(results).collect()
}

/// The tools the model is given: none unless the client is an agent that can run MCP tools.
fn tools(request: &StreamUnifiedChatRequest) -> Vec<Tool> {
    let can_run = request
        .supported_tools
        .iter()
        .any(|tool| *tool == ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP);
    if !request.is_agentic || !can_run || request.should_disable_tools == Some(true) {
        return Vec::new();
    }
    let declared = request.mcp_tools.iter().map(|tool| Tool {
        name: tool.name.clone(),
        alias: tool.name.clone(),
        server: tool.server_name.clone(),
        description: tool.description.clone(),
        schema: serde_json::from_str(&tool.parameters).unwrap_or(Value::Null),
        callable: true,
    });
    declared.collect()
}

#[cfg(test)]
mod tests {
    use cursor_proto::Message as _;
    use cursor_proto::aiserver::StreamUnifiedChatRequestWithTools;
    use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools::Request;
    use serde_json::json;

    use super::*;

    fn vector(name: &str) -> StreamUnifiedChatRequest {
        let text = include_str!("../../../../fixtures/vectors/chat_requests.json");
        let all: Value = serde_json::from_str(text).expect("a JSON file");
        let mut vectors = all["vectors"].as_array().into_iter().flatten();
        let found = vectors.find(|vector| vector["name"] == name).expect("the vector");
        let bytes = hex::decode(found["hex"].as_str().expect("hex")).expect("hex");
        match StreamUnifiedChatRequestWithTools::decode_from_slice(&bytes)
            .expect("a request")
            .request
        {
            Some(Request::StreamUnifiedChatRequest(request)) => *request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn requests_of_the_vectors_are_accepted() {
        for name in [
            "chat_smallest",
            "chat_text",
            "chat_system",
            "chat_multi_turn",
            "chat_image",
            "chat_tools",
        ] {
            check(&vector(name)).unwrap_or_else(|failure| panic!("{name}: {failure:?}"));
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let refused = |change: &dyn Fn(&mut StreamUnifiedChatRequest)| {
            let mut request = vector("chat_multi_turn");
            change(&mut request);
            check(&request).expect_err("must be refused").body().to_string()
        };
        assert!(
            refused(&|request| request.conversation.clear()).contains("Conversation is required")
        );
        assert!(refused(&|request| request.model_details = None.into()).contains("Model details"));
        assert!(
            refused(&|request| request.full_conversation_headers_only.swap(0, 1))
                .contains("headers")
        );
        assert!(
            refused(&|request| request.full_conversation_headers_only.truncate(1))
                .contains("headers")
        );
        let unknown = |request: &mut StreamUnifiedChatRequest| {
            request.model_details.get_or_insert_default().model_name =
                Some("no-such-model-xyz".into());
        };
        assert!(refused(&unknown).contains("ERROR_BAD_MODEL_NAME"));
    }

    #[test]
    fn the_model_sees_text_system_and_images() {
        let view = view(&vector("chat_system"));
        assert_eq!(view.system, ["You are a helpful assistant."]);
        assert_eq!(view.model, "claude-4.5-sonnet");
        assert_eq!(super::view(&vector("chat_two_images")).messages[0].images, [66, 40]);
        let history = super::view(&vector("chat_thinking_history"));
        assert_eq!(history.messages[1].reasoning, "I consider the question.");
    }

    #[test]
    fn tool_history_is_a_call_and_its_result() {
        let view = view(&vector("chat_tool_history"));
        let roles: Vec<_> = view.messages.iter().map(|message| message.role).collect();
        assert_eq!(roles, [Role::User, Role::Assistant, Role::Tool, Role::User]);
        assert_eq!((view.messages[1].calls, view.messages[2].text.as_str()), (1, "-3 C"));
    }

    #[test]
    fn tools_need_an_agent_that_runs_mcp() {
        let with = vector("chat_tools");
        let seen = tools(&with);
        assert_eq!((seen[0].name.as_str(), seen[0].server.as_str()), ("get_weather", "custom"));
        assert_eq!(seen[0].schema["required"], json!(["city"]));
        for change in [
            |request: &mut StreamUnifiedChatRequest| request.is_agentic = false,
            |request: &mut StreamUnifiedChatRequest| request.supported_tools.clear(),
            |request: &mut StreamUnifiedChatRequest| request.should_disable_tools = Some(true),
        ] {
            let mut request = with.clone();
            change(&mut request);
            assert!(tools(&request).is_empty());
        }
    }
}
