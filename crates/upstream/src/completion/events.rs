//! From a message of the stream to the events in it
//! (`reference/messages/completion.md`, "Gateway event ↔ StreamCppResponse field").

use std::collections::VecDeque;

use conversation::completion::CompletionEvent;
use cursor_proto::aiserver as wire;

/// Appends the events of one message, which may have several, in the order of the document.
pub(super) fn events(message: wire::StreamCppResponse, out: &mut VecDeque<CompletionEvent>) {
    let wire::StreamCppResponse { text, binding_id, .. } = message;
    // Beside these two a text is not part of the edit.
    let alone = message.model_info.is_unset() && message.range_to_replace.is_unset();
    out.extend(message.model_info.into_option().map(|info| CompletionEvent::ModelInfo {
        is_fused_cursor_prediction_model: info.is_fused_cursor_prediction_model,
        is_multidiff_model: info.is_multidiff_model,
    }));
    out.extend(message.range_to_replace.into_option().map(|range| CompletionEvent::RangeReplace {
        start_line_number: range.start_line_number,
        end_line_number_inclusive: range.end_line_number_inclusive,
        binding_id: binding_id.clone(),
        should_remove_leading_eol: message.should_remove_leading_eol,
    }));
    if alone && !text.is_empty() {
        out.push_back(CompletionEvent::Text(text));
    }
    out.extend(message.cursor_prediction_target.into_option().map(|target| {
        CompletionEvent::CursorPrediction {
            relative_path: target.relative_path,
            line_number_one_indexed: target.line_number_one_indexed,
            expected_content: target.expected_content,
            should_retrigger_cpp: target.should_retrigger_cpp,
            binding_id,
        }
    }));
    for (said, event) in [
        (message.done_edit, CompletionEvent::DoneEdit),
        (message.begin_edit, CompletionEvent::BeginEdit),
        (message.done_stream, CompletionEvent::DoneStream),
    ] {
        out.extend((said == Some(true)).then_some(event));
    }
    let debug = [
        message.debug_model_input,
        message.debug_model_output,
        message.debug_stream_time,
        message.debug_total_time,
        message.debug_ttft_time,
        message.debug_server_timing,
    ];
    if debug.iter().any(Option::is_some) {
        let [model_input, model_output, stream_time, total_time, ttft_time, server_timing] = debug;
        out.push_back(CompletionEvent::Debug {
            model_input,
            model_output,
            stream_time,
            total_time,
            ttft_time,
            server_timing,
        });
    }
}
