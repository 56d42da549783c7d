//! Calls on the chat flow: streamed, complete, answered on the same stream.

use cursor_proto::Message as _;
use cursor_proto::aiserver::client_side_tool_v2result::Result as Arm;
use cursor_proto::aiserver::stream_unified_chat_request_with_tools::Request;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Call, ClientSideToolV2Result, MCPParams,
    StreamUnifiedChatRequest, StreamUnifiedChatRequestWithTools, StreamUnifiedChatResponse,
    StreamUnifiedChatResponseWithTools, mcp_params,
};

use super::rig::*;
use super::*;

const ID: &str = "cid_call_5f1_0afc_5f1";

fn rig(names: &[&str]) -> Rig {
    Rig::new(Flow::Chat, &turn_with(tools(names)))
}

fn weather() -> Rig {
    rig(&["get_weather"])
}

fn golden(name: &str) -> StreamUnifiedChatRequestWithTools {
    let bytes = payload(File::ChatRequests, name);
    StreamUnifiedChatRequestWithTools::decode_from_slice(&bytes).expect(name)
}

fn request(message: &StreamUnifiedChatRequestWithTools) -> &StreamUnifiedChatRequest {
    match &message.request {
        Some(Request::StreamUnifiedChatRequest(request)) => request,
        other => panic!("a request, not {other:?}"),
    }
}

fn result(message: &StreamUnifiedChatRequestWithTools) -> &ClientSideToolV2Result {
    match &message.request {
        Some(Request::ClientSideToolV2Result(result)) => result,
        other => panic!("a result, not {other:?}"),
    }
}

fn frame(call: ClientSideToolV2Call) -> StreamUnifiedChatResponseWithTools {
    StreamUnifiedChatResponseWithTools { response: call.into(), ..Default::default() }
}

fn whole(id: &str, name: &str, arguments: &str) -> ClientSideToolV2Call {
    let tool = mcp_params::Tool { name: name.into(), ..Default::default() };
    ClientSideToolV2Call {
        tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
        tool_call_id: id.into(),
        name: format!("mcp_custom_{name}"),
        raw_args: arguments.into(),
        params: MCPParams { tools: vec![tool], ..Default::default() }.into(),
        ..Default::default()
    }
}

fn piece(id: &str, arguments: &str) -> StreamUnifiedChatResponseWithTools {
    frame(ClientSideToolV2Call { is_streaming: true, ..whole(id, "get_weather", arguments) })
}

fn last(id: &str, arguments: &str) -> StreamUnifiedChatResponseWithTools {
    frame(ClientSideToolV2Call {
        is_streaming: true,
        is_last_message: true,
        ..whole(id, "get_weather", arguments)
    })
}

fn said(text: &str) -> StreamUnifiedChatResponseWithTools {
    StreamUnifiedChatResponseWithTools {
        response: StreamUnifiedChatResponse { text: text.into(), ..Default::default() }.into(),
        ..Default::default()
    }
}

#[test]
fn the_golden_timeline_is_two_answers_on_one_stream() {
    let mut rig = weather();
    let names = ["stream_start", "text_1", "partial_tool_call", "tool_call_streaming_1"];
    let step = rig.vectors(File::ChatResponses, &names);
    assert_eq!(
        (step.text(), step.calls()),
        ("Hello".into(), vec![call(ID, "get_weather", r#"{"city": "O"#)])
    );
    let step = rig.vectors(File::ChatResponses, &["tool_call_streaming_2", "tool_call_complete"]);
    assert_eq!(step.events, [Event::Delta(r#"slo"}"#.into()), Event::Closed(None)]);
    let step = rig.vectors(File::ChatResponses, &["parallel_complete"]);
    assert!(step.suspended);
    assert_eq!(rig.session.pending_calls(), [ID]);

    let step = rig.resume(&[text_result(ID, "-3 C")]);
    assert_eq!(step.bytes(), [payload(File::ChatRequests, "tool_result_text")]);
    let step = rig.vectors(File::ChatResponses, &["text_2", "usage_uuid"]);
    assert_eq!(step.text(), ", wörld 👋");
    let end = rig.end().expect("ends");
    assert_eq!(end.events.last(), Some(&Event::Finished(conversation::StopReason::EndTurn)));
    assert!(rig.session.usage_id().is_some());
}

#[test]
fn the_request_declares_the_tools_as_the_vector_does() {
    let rig = weather();
    let ClientMessage::Chat(opening) = &rig.opening else { panic!("chat") };
    let golden = golden("chat_tools");
    let (own, expected) = (request(opening), request(&golden));
    assert_eq!(own.mcp_tools, expected.mcp_tools);
    assert_eq!(own.supported_tools, expected.supported_tools);
    let shape = |request: &StreamUnifiedChatRequest| {
        (
            request.is_chat,
            request.is_agentic,
            request.unified_mode,
            request.unified_mode_name.clone(),
            request.should_disable_tools,
            request.thinking_level,
        )
    };
    assert_eq!(shape(own), shape(expected));
}

#[test]
fn results_have_the_form_of_the_vectors() {
    for (name, given, vector) in [
        ("get_weather", error_result("call_2", "no such city"), "tool_result_error_flag"),
        ("shot", image_result("call_3"), "tool_result_image"),
    ] {
        let expected = golden(vector);
        let asked = result(&expected);
        let mut rig = rig(&["get_weather", "shot"]);
        rig.messages(&[frame(ClientSideToolV2Call {
            model_call_id: asked.model_call_id.clone(),
            tool_index: asked.tool_index,
            ..whole(&asked.tool_call_id, name, "{}")
        })]);
        assert!(rig.wait(150).suspended);
        let step = rig.resume(&[given]);
        assert_eq!(step.bytes(), [payload(File::ChatRequests, vector)], "{vector}");
    }
}

#[test]
fn the_history_has_the_form_of_the_vector() {
    use conversation::{Message, Part, ToolCall};
    let mut turn = turn_with(tools(&["get_weather"]));
    turn.messages.push(Message::Assistant(vec![Part::ToolCall(ToolCall {
        id: ID.into(),
        name: "get_weather".into(),
        arguments: r#"{"city":"Oslo"}"#.into(),
    })]));
    turn.messages.push(Message::ToolResults(vec![text_result(ID, "-3 C")]));
    turn.messages.push(Message::User(vec![Part::Text("Thanks, and tomorrow?".into())]));
    let rig = Rig::new(Flow::Chat, &turn);
    let ClientMessage::Chat(opening) = &rig.opening else { panic!("chat") };
    let golden = golden("chat_tool_history");
    let mut expected = request(&golden).conversation[1].tool_results[0].clone();
    // The client's id has no room for it.
    expected.model_call_id = None;
    expected.result.get_or_insert_default().model_call_id = None;
    assert_eq!(request(opening).conversation[1].tool_results, [expected]);
}

#[test]
fn a_call_in_one_frame_is_whole_at_once() {
    let mut rig = rig(&["get_time"]);
    let step = rig.vectors(File::ChatResponses, &["tool_call_single_frame"]);
    assert_eq!(step.calls(), [call("toolu_9", "get_time", "{}")]);
    assert!(!step.suspended);
    assert!(!rig.wait(149).suspended);
    assert!(rig.wait(1).suspended);
}

#[test]
fn compact_repeats_and_texts_that_do_not_grow_are_skipped() {
    let mut rig = weather();
    let step = rig.messages(&[
        piece("c1", r#"{"city": "Os"#),
        piece("c1", r#"{"city":"Oslo"#),
        piece("c1", r#"{"city": "Os"#),
        piece("c1", r#"{"city": "Oslo"#),
        last("c1", r#"{"city":"Oslo"}"#),
        last("c1", r#"{"city":"Oslo"}"#),
    ]);
    assert_eq!(step.calls(), [call("c1", "get_weather", r#"{"city": "Oslo"}"#)]);
}

#[test]
fn parallel_calls_that_interleave_do_not_overlap() {
    let mut rig = weather();
    let step = rig.messages(&[
        piece("c1", r#"{"city": "O"#),
        piece("c2", r#"{"city": "B"#),
        last("c2", r#"{"city": "Bergen"}"#),
    ]);
    assert_eq!(step.calls(), [call("c1", "get_weather", r#"{"city": "O"#)]);
    assert!(!rig.wait(1400).suspended, "the first is not complete");
    let step = rig.messages(&[last("c1", r#"{"city": "Oslo"}"#)]);
    assert_eq!(step.calls(), [call("c2", "get_weather", r#"{"city": "Bergen"}"#)]);
    assert!(rig.wait(150).suspended);
    assert_eq!(rig.session.pending_calls(), ["c1", "c2"]);
    let step = rig.resume(&[text_result("c2", "b"), text_result("c1", "o")]);
    let ids: Vec<_> = step.chat().iter().map(|sent| result(sent).tool_call_id.clone()).collect();
    assert_eq!(ids, ["c1", "c2"]);
}

#[test]
fn a_call_whose_last_frame_is_missing_is_complete_when_all_are() {
    let mut rig = weather();
    rig.messages(&[piece("c1", r#"{"city": "Oslo"}"#), piece("c2", "")]);
    assert!(!rig.wait(5000).suspended);
    assert!(rig.vectors(File::ChatResponses, &["parallel_complete"]).suspended);
    assert_eq!(rig.session.pending_calls(), ["c1"]);
    assert_eq!(rig.resume(&[text_result("c1", "x")]).sent.len(), 1);
}

#[test]
fn one_at_a_time_keeps_the_rest_for_the_next_answer() {
    let mut tools = tools(&["get_weather"]);
    tools.parallel = false;
    let mut rig = Rig::new(Flow::Chat, &turn_with(tools));
    let step = rig.messages(&[
        piece("c1", r#"{"city": "O"#),
        piece("c2", r#"{"city": "B"#),
        last("c1", r#"{"city": "Oslo"}"#),
        last("c2", r#"{"city": "Bergen"}"#),
    ]);
    assert!(step.suspended);
    assert_eq!(step.calls(), [call("c1", "get_weather", r#"{"city": "Oslo"}"#)]);
    let step = rig.resume(&[text_result("c1", "x")]);
    assert_eq!(step.calls(), [call("c2", "get_weather", r#"{"city": "Bergen"}"#)]);
    assert!(step.suspended);
    assert_eq!(rig.session.pending_calls(), ["c2"]);
}

#[test]
fn what_comes_while_suspended_is_of_the_next_answer() {
    let mut rig = weather();
    rig.messages(&[frame(whole("c1", "get_weather", "{}"))]);
    assert!(rig.wait(150).suspended);
    let step = rig.messages(&[said("late"), frame(whole("c2", "get_weather", "{}"))]);
    assert!(step.events.is_empty());
    let step = rig.messages(&[frame(whole("r1", "read_file", "{}"))]);
    assert_eq!(step.sent.len(), 1, "refusals do not wait");
    let step = rig.resume(&[text_result("c1", "x")]);
    assert_eq!((step.text(), step.calls().len()), ("late".into(), 1));
    assert!(rig.wait(150).suspended);
    assert_eq!(rig.session.pending_calls(), ["c2"]);
}

#[test]
fn what_the_client_does_not_have_is_refused_with_a_word_on_what_it_has() {
    for call in [
        whole("c1", "other", "{}"),
        ClientSideToolV2Call {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_READ_FILE.into(),
            params: None,
            ..whole("c1", "read_file", "{}")
        },
    ] {
        let mut rig = weather();
        let step = rig.messages(&[frame(call)]);
        assert!(step.calls().is_empty());
        let sent = step.chat();
        let refused = result(&sent[0]);
        let reason = &refused.error.model_visible_error_message;
        assert!(reason.contains("mcp_custom_get_weather"), "{reason}");
        assert!(refused.result.is_none());
    }
}

#[test]
fn a_call_without_a_result_is_answered_with_an_error() {
    let mut rig = weather();
    rig.messages(&[frame(whole("c1", "get_weather", "{}"))]);
    rig.wait(150);
    let sent = rig.resume(&[]).chat();
    assert!(result(&sent[0]).error.is_set() && result(&sent[0]).result.is_none());
}

#[test]
fn a_renamed_tool_is_answered_under_the_name_it_was_called_by() {
    let mut rig = rig(&["Task"]);
    let step = rig.messages(&[frame(whole("c1", "client_Task", ""))]);
    assert_eq!(step.calls(), [call("c1", "Task", "{}")]);
    rig.wait(150);
    let sent = rig.resume(&[text_result("c1", "x")]).chat();
    match &result(&sent[0]).result {
        Some(Arm::McpResult(result)) => assert_eq!(result.selected_tool, "client_Task"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn reasoning_ends_with_its_seal_before_a_call() {
    let mut rig = weather();
    let step = rig.vectors(
        File::ChatResponses,
        &["thinking_text_1", "thinking_signature", "tool_call_complete", "parallel_complete"],
    );
    let closed = step.events.iter().position(|event| matches!(event, Event::Closed(Some(_))));
    let opened = step
        .events
        .iter()
        .position(|event| matches!(event, Event::Opened(BlockKind::ToolCall { .. })));
    assert!(closed.expect("sealed") < opened.expect("called"), "{:?}", step.events);
    assert!(step.suspended);
}

#[test]
fn sources_of_a_search_are_listed_at_the_end_if_wanted() {
    let turn = turn();
    let route = Route { web_search: true, ..Route::plain(&turn.model) };
    let opening = Opening::plain(&turn, &route);
    for (web_references, expected) in [
        (
            true,
            "Hello\n\nWebReferences:\n1. [One](https://example.invalid/1)\n2. [Two](https://example.invalid/2)",
        ),
        (false, "Hello"),
    ] {
        let options = ChatOptions { web_references, ..ChatOptions::default() };
        let (message, mut session) =
            crate::chat::open(&opening, options, &mut || Uuid::nil()).expect("opens");
        let mut actions = Actions::default();
        for name in ["web_citation", "text_1", "web_citation"] {
            let message = payload(File::ChatResponses, name).into();
            session.receive(&message, &mut actions).expect("a message");
        }
        session.end(Ok(()), &mut actions).expect("ends");
        let run = Run { events: actions.events, sent: Vec::new(), result: Ok(()) };
        run.check_grammar();
        assert_eq!(run.text(), expected);
        let ClientMessage::Chat(message) = message else { panic!("chat") };
        assert_eq!(request(&message).use_web.as_deref(), Some("full_search"));
        assert_eq!(request(&message).conversation[0].use_web, Some(true));
    }
}
