//! The one request of the chat flow.

use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools::Request;

use conversation::{Message, Part, ReasoningPart, ToolCall, ToolResult, Turn};

use super::*;

fn request(turn: &Turn) -> StreamUnifiedChatRequest {
    let mut next = 0;
    let mut uuid = || {
        next += 1;
        Uuid::from_u128(next)
    };
    let route = Route::plain(&turn.model);
    let opening = Opening::plain(turn, &route);
    let (message, _) = open(&opening, ChatOptions::default(), &mut uuid).expect("opens");
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
        ("mcp_custom_get_weather", "{\"city\":\"Oslo\"}")
    );
}
