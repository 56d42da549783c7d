//! The chat session: order inside a frame, seals, refused calls, ends.

use cursor_proto::Message as _;
use cursor_proto::aiserver::conversation_message::Thinking;
use cursor_proto::aiserver::oneof::stream_unified_chat_request_with_tools::Request;
use cursor_proto::aiserver::{
    ClientSideToolV2Call, ClientSideToolV2Result, StreamUnifiedChatRequestWithTools,
    StreamUnifiedChatResponse, StreamUnifiedChatResponseWithTools,
};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn played(names: &[&str]) -> Run {
    play_whole(Flow::Chat, &stream(File::ChatResponses, names))
}

fn response(response: StreamUnifiedChatResponse) -> Vec<u8> {
    StreamUnifiedChatResponseWithTools { response: response.into(), ..Default::default() }
        .encode_to_vec()
}

fn call(id: &str, streaming: bool, last: bool) -> Vec<u8> {
    let call = ClientSideToolV2Call {
        tool_call_id: id.to_owned(),
        name: "mcp_custom_x".to_owned(),
        is_streaming: streaming,
        is_last_message: last,
        ..Default::default()
    };
    StreamUnifiedChatResponseWithTools { response: call.into(), ..Default::default() }
        .encode_to_vec()
}

fn play_messages(messages: &[Vec<u8>]) -> Run {
    let mut bytes: Vec<u8> = messages.iter().flat_map(|message| framed(0, message)).collect();
    bytes.extend(framed(2, b"{}"));
    play_whole(Flow::Chat, &bytes)
}

/// The refusals as the server reads them: from their bytes.
fn refusals(run: &Run) -> Vec<ClientSideToolV2Result> {
    run.sent
        .iter()
        .map(|message| match message {
            ClientMessage::Chat(message) => {
                let bytes = message.encode_to_vec();
                let read = StreamUnifiedChatRequestWithTools::decode_from_slice(&bytes);
                match read.expect("decodes").request {
                    Some(Request::ClientSideToolV2Result(result)) => *result,
                    other => panic!("a result, not {other:?}"),
                }
            }
            ClientMessage::Agent(_) => panic!("an agent message on the chat flow"),
        })
        .collect()
}

#[test]
fn a_signature_lands_on_the_end_of_its_own_block() {
    let run = played(&["thinking_text_1", "thinking_signature", "thinking_last", "text_1"]);
    assert_eq!(run.shape(), ["Reasoning", "closed c2lnbmF0dXJl", "Text", "closed -"]);
}

#[test]
fn a_signature_without_a_last_chunk_is_kept_when_text_follows_or_the_stream_ends() {
    let run = played(&["thinking_text_1", "thinking_signature", "text_1"]);
    assert_eq!(run.shape(), ["Reasoning", "closed c2lnbmF0dXJl", "Text", "closed -"]);
    let run = played(&["thinking_text_1", "thinking_signature"]);
    assert_eq!(run.shape(), ["Reasoning", "closed c2lnbmF0dXJl"]);
}

#[test]
fn redacted_thinking_is_a_block_of_its_own_with_its_seal() {
    let run = played(&["thinking_text_1", "thinking_redacted", "text_1"]);
    assert_eq!(
        run.shape(),
        ["Reasoning", "closed -", "Reasoning", "closed b3BhcXVl", "Text", "closed -"]
    );
    assert_eq!((run.thinking().as_str(), run.text().as_str()), ("Let me ", "Hello"));
}

#[test]
fn thinking_comes_before_the_text_of_its_frame() {
    let both = StreamUnifiedChatResponse {
        text: "answer".to_owned(),
        thinking: Thinking { text: "thought".to_owned(), ..Default::default() }.into(),
        ..Default::default()
    };
    let run = play_messages(&[response(both)]);
    assert_eq!(run.shape(), ["Reasoning", "closed -", "Text", "closed -"]);
    assert_eq!((run.thinking().as_str(), run.text().as_str()), ("thought", "answer"));
}

#[test]
fn a_call_streamed_with_growing_arguments_is_refused_once_when_complete() {
    let names = [
        "text_1",
        "partial_tool_call",
        "tool_call_streaming_1",
        "tool_call_streaming_2",
        "tool_call_complete",
        "tool_call_complete",
        "parallel_complete",
    ];
    let refused = refusals(&played(&names));
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].tool_call_id, "call_1\nfc_1", "the line feed is part of the id");
    assert_eq!(refused[0].model_call_id.as_deref(), Some("mc_1"));
    let error = refused[0].error.as_option().expect("error");
    assert!(!error.model_visible_error_message.is_empty());
}

#[test]
fn an_incomplete_call_is_not_refused_yet() {
    assert_eq!(refusals(&played(&["text_1", "tool_call_streaming_1"])), []);
}

#[test]
fn built_in_tools_and_calls_in_one_frame_are_refused_under_their_own_numbers() {
    let names = ["tool_call_single_frame", "tool_call_read_file", "tool_call_terminal", "text_1"];
    let refused = refusals(&played(&names));
    let ids: Vec<&str> = refused.iter().map(|result| result.tool_call_id.as_str()).collect();
    assert_eq!(ids, ["toolu_9", "toolu_5", "toolu_6"]);
    assert!(refused[1].tool != refused[2].tool, "the tool's number is echoed");
}

/// Defect: only the call refused last was remembered, so parallel calls that were repeated got
/// a second answer each.
#[test]
fn parallel_calls_that_are_repeated_are_refused_once_each() {
    let messages =
        ["a", "b", "a", "b"].map(|id| call(id, true, true)).into_iter().collect::<Vec<_>>();
    let ids: Vec<String> = refusals(&play_messages_with_text(messages))
        .into_iter()
        .map(|result| result.tool_call_id)
        .collect();
    assert_eq!(ids, ["a", "b"]);
}

fn play_messages_with_text(mut messages: Vec<Vec<u8>>) -> Run {
    messages.push(payload(File::ChatResponses, "text_1"));
    play_messages(&messages)
}

#[test]
fn frames_that_are_not_for_the_client_say_nothing() {
    let names = [
        "stream_start",
        "server_bubble_id",
        "text_empty",
        "web_citation",
        "ai_web_search_results",
        "status_updates",
        "context_window_status",
        "filled_prompt_debug",
        "slow_request",
        "intermediate_text",
        "conversation_summary",
        "user_rules",
        "text_1",
        "unknown_field",
        "event_id_and_tracing",
    ];
    let run = played(&names);
    assert_eq!(run.text(), "Helloknownx");
    assert_eq!(run.sent, []);
}

#[test]
fn compressed_messages_and_a_compressed_end_are_read() {
    let mut bytes = Vec::new();
    for name in ["thinking_text_1", "text_1"] {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        std::io::Write::write_all(&mut encoder, &payload(File::ChatResponses, name)).expect("gzip");
        bytes.extend(framed(1, &encoder.finish().expect("gzip")));
    }
    bytes.extend(framed(1, b""));
    bytes.extend(framed(0, &payload(File::ChatResponses, "text_2")));
    bytes.extend(framed(2, b""));
    let run = play(Flow::Chat, bytes.chunks(3));
    assert_eq!((run.thinking().as_str(), run.text().as_str()), ("Let me ", "Hello, wörld 👋"));
}

#[test]
fn an_empty_message_is_legal_and_no_progress() {
    let mut session = session(Flow::Chat);
    let mut actions = Actions::default();
    session.receive(&Bytes::new(), &mut actions).expect("a message");
    assert!(!actions.progress);
    assert!(actions.events.iter().all(|event| matches!(event, Event::Started { .. })));
}

#[test]
fn an_answer_that_says_nothing_is_a_failure() {
    for names in [&[][..], &["stream_start", "server_bubble_id", "usage_uuid"]] {
        assert_eq!(played(names).class(), Some(FailureClass::UpstreamFailed), "{names:?}");
    }
}

#[test]
fn an_abort_after_text_is_a_normal_end_and_before_any_text_a_failure() {
    let mut bytes = cut_stream(File::ChatResponses, &["text_1"]);
    bytes.extend(error_frame("error_user_aborted"));
    assert_eq!(play_whole(Flow::Chat, &bytes).result, Ok(()));
    let run = play_whole(Flow::Chat, &error_frame("error_user_aborted"));
    assert_eq!(run.class(), Some(FailureClass::UpstreamFailed));
}

#[test]
fn the_usage_id_of_the_last_frame_is_remembered() {
    let mut session = session(Flow::Chat);
    assert_eq!(session.usage_id(), None);
    let last = payload(File::ChatResponses, "final_multi_field").into();
    session.receive(&last, &mut Actions::default()).expect("a message");
    assert_eq!(session.usage_id(), Some("11111111-1111-4111-8111-000000000320"));
    assert_eq!(session.tick(Instant::now(), &mut Actions::default()), None);
}
