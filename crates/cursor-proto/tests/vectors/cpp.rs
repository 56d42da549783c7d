//! Code completion: requests, every kind of response, configuration and one whole stream.
use serde_json::json;

use crate::fixture::{Vector, vector};
use crate::{messages, timeline};

const RESPONSE: &str = "aiserver.v1.StreamCppResponse";

vectors!(
    "cpp",
    check_cpp,
    [
        stream_cpp_request_full,
        stream_cpp_request_small,
        stream_cpp_request_filesync,
        control_token_quiet,
        control_token_loud,
        control_token_op,
        cpp_model_info,
        cpp_range,
        cpp_text_1,
        cpp_text_2,
        cpp_done_edit,
        cpp_begin_edit,
        cpp_cursor_prediction,
        cpp_done_stream,
        cpp_debug,
        cpp_combined,
        cpp_deletion,
        cpp_config_request,
        cpp_config_response,
        record_cpp_fate,
        refresh_tab_context,
        refresh_tab_context_response,
        cpp_timeline,
        cpp_no_suggestion,
    ]
);

fn check_cpp(vector: &Vector) {
    match vector.name() {
        "cpp_timeline" => check_timeline(vector),
        // "No suggestion" is a status without a body, which is no stream of frames at all.
        "cpp_no_suggestion" => {
            assert_eq!(vector.value("http_status"), &json!(204));
            assert_eq!(vector.bytes("server_bytes_hex"), b"");
        }
        _ => messages::check(vector),
    }
}

fn check_timeline(stream: &Vector) {
    let frames = timeline::server_stream(stream).frames;
    let steps = stream.value("steps").as_array().expect("a list");
    assert_eq!(frames.len(), steps.len());
    for (frame, step) in frames.iter().zip(steps) {
        match step.as_str().expect("a name") {
            "end" => assert_eq!((frame.is_end_stream(), frame.data.as_ref()), (true, &b"{}"[..])),
            name => {
                assert_eq!(frame.encode(), vector(FILE, name).bytes("frame_hex"), "{name}");
                timeline::check_message(RESPONSE, FILE, name, &frame.data);
            }
        }
    }
}
