//! What the client says in a chat stream.
use crate::fixture::{Vector, vector};
use crate::{messages, wire};

vectors!(
    "chat_requests",
    check_request,
    [
        chat_smallest,
        chat_text,
        chat_system,
        chat_multi_turn,
        chat_unicode,
        chat_image,
        chat_two_images,
        chat_thinking_model,
        chat_thinking_history,
        chat_redacted_thinking_history,
        chat_web_search,
        chat_pdf_link,
        chat_tools,
        chat_tool_history,
        chat_context_items,
        tool_result_text,
        tool_result_error_flag,
        tool_result_image,
        tool_result_tool_error,
        tool_result_read_file,
        tool_result_terminal,
        idempotent_first,
        idempotent_close,
        bidi_request_id,
        bidi_append_first,
        bidi_append_second,
        bidi_append_binary,
        bidi_poll_start,
        health_probe,
        legacy_stream_chat,
        chat_tool_history_gzip_frame,
    ]
);

fn check_request(request: &Vector) {
    match request.get("decompressed_equals") {
        None => messages::check(request),
        Some(plain) => check_compressed(request, plain.as_str().expect("a name")),
    }
}

/// Only the frame is given; what is in it is another vector.
fn check_compressed(request: &Vector, plain: &str) {
    let plain = vector(FILE, plain);
    let stream = wire::read_cut_everywhere(&request.bytes("frame_hex"));
    let [frame] = stream.frames.as_slice() else { panic!("one frame: {stream:?}") };
    assert!(frame.is_compressed() && !frame.is_end_stream());
    let inflated = wire::inflate(frame, wire::LIMIT).expect("gzip");
    messages::check_wire(request.text("message_type"), &inflated, plain.value("json"));
    assert_eq!(inflated, plain.bytes("hex"));
}
