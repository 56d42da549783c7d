//! What the server says in a chat stream.
use cursor_proto::Message as _;
use cursor_proto::aiserver::StreamUnifiedChatResponseWithTools;
use cursor_proto::aiserver::stream_unified_chat_response_with_tools::Response;

use crate::fixture::Vector;
use crate::{meaning, messages};

vectors!(
    "chat_responses",
    check_response,
    [
        stream_start,
        server_bubble_id,
        thinking_text_1,
        thinking_text_2,
        thinking_signature,
        thinking_redacted,
        thinking_last,
        text_1,
        text_2,
        text_empty,
        web_citation,
        ai_web_search_results,
        status_updates,
        usage_uuid,
        context_window_status,
        filled_prompt_debug,
        slow_request,
        intermediate_text,
        final_multi_field,
        partial_tool_call,
        tool_call_streaming_1,
        tool_call_streaming_2,
        tool_call_complete,
        tool_call_single_frame,
        tool_call_read_file,
        tool_call_terminal,
        parallel_complete,
        conversation_summary,
        user_rules,
        event_id_and_tracing,
        idempotent_welcome,
        idempotent_chunk,
        idempotent_ack,
        legacy_text,
        prompt_dry_run,
        unknown_field,
    ]
);

fn check_response(response: &Vector) {
    match response.name() {
        "unknown_field" => check_unknown_field(response),
        _ => messages::check(response),
    }
}

/// The server adds fields in every release: they change nothing, and survive being passed on.
fn check_unknown_field(response: &Vector) {
    let message_type = response.text("message_type");
    let wire = response.bytes("hex");
    assert_eq!(meaning::unknown_fields(message_type, &wire), [format!("{message_type}: 1007")]);

    let mut decoded: StreamUnifiedChatResponseWithTools = messages::decode(&wire);
    assert_eq!(decoded.encode_to_vec(), wire);
    decoded.__buffa_unknown_fields.clear();
    let known = meaning::encode(message_type, response.value("json"));
    assert_eq!(decoded, messages::decode(&known));
    let Some(Response::StreamUnifiedChatResponse(chat)) = decoded.response else {
        panic!("no chat response")
    };
    assert_eq!(chat.text, "known");
}
