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

fn routed(turn: &Turn, route: &Route, memory: Option<&Memory>) -> StreamUnifiedChatRequest {
    let opening = Opening { memory, ..Opening::plain(turn, route) };
    let mut next = 0;
    let mut uuid = || {
        next += 1;
        Uuid::from_u128(next)
    };
    request_alone(&opening, &mut uuid).expect("a request")
}

#[test]
fn effort_is_a_thinking_level() {
    let level = |model: &str, effort| {
        let turn = Turn::of_text(model, "Hi");
        let route = Route { effort, ..Route::plain(&turn.model) };
        routed(&turn, &route, None).thinking_level.expect("a level")
    };
    let (none, medium, high) = (
        ThinkingLevel::THINKING_LEVEL_UNSPECIFIED,
        ThinkingLevel::THINKING_LEVEL_MEDIUM,
        ThinkingLevel::THINKING_LEVEL_HIGH,
    );
    assert_eq!(level("gpt-5", Some(ReasoningEffort::XHigh)), high);
    assert_eq!(level("gpt-5", Some(ReasoningEffort::Low)), medium);
    assert_eq!(level("gpt-5-thinking", Some(ReasoningEffort::None)), none);
    assert_eq!(level("gpt-5-thinking", None), high);
    assert_eq!(level("gpt-5", None), none);
}

#[test]
fn the_route_decides_model_mode_and_web() {
    let turn = Turn::of_text("alias", "Hi");
    let model = conversation::ModelName::new("gpt-5");
    let plain = routed(&turn, &Route::plain(&model), None);
    assert_eq!(plain.model_details.max_mode, Some(false));
    assert_eq!((plain.use_web, plain.conversation[0].use_web), (None, None));
    let route = Route { max_mode: true, web_search: true, ..Route::plain(&model) };
    let all = routed(&turn, &route, None);
    assert_eq!(all.model_details.model_name.as_deref(), Some("gpt-5"));
    assert_eq!(all.model_details.max_mode, Some(true));
    // As in the vector `chat_web_search`.
    assert_eq!(all.use_web.as_deref(), Some("full_search"));
    assert_eq!(all.conversation[0].use_web, Some(true));
}

#[test]
fn a_conversation_keeps_its_id() {
    let turn = Turn::of_text("m", "Hi");
    let route = Route::plain(&turn.model);
    let memory = Memory::of_chat("the-conversation".into());
    assert_eq!(routed(&turn, &route, Some(&memory)).conversation_id, "the-conversation");
    assert_ne!(routed(&turn, &route, None).conversation_id, "the-conversation");
}
