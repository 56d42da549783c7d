//! A suggestion as the messages of a stream.
//!
//! The order is that of the captures (`cpp_timeline` of the vectors): model info, then for each
//! edit its range, its text in pieces and its end, `begin_edit` between two of them, the
//! prediction before the end of the last edit, and debug messages after `done_stream`.

use cursor_proto::aiserver::stream_cpp_response::{CursorPredictionTarget, ModelInfo};
use cursor_proto::aiserver::{LineRange, StreamCppResponse};

use super::current::Current;
use super::script::{Edit, Prediction, Suggestion};
use crate::player::texts;

/// Code points of a piece of text.
const PIECE: usize = 8;

/// The messages of one answer.
#[derive(Debug, Default)]
pub(crate) struct Events {
    pub(crate) all: Vec<StreamCppResponse>,
    /// How many there are when each of the edits is over.
    pub(crate) edits: Vec<usize>,
}

/// The messages of a suggestion; none if there is none. `id`: the request's, for the binding
/// ids; `debug`: this many debug messages.
pub(crate) fn events(suggestion: &Suggestion, current: &Current, id: &str, debug: usize) -> Events {
    let mut events = Events::default();
    if suggestion.is_empty() {
        return events;
    }
    let info = ModelInfo {
        is_fused_cursor_prediction_model: true,
        is_multidiff_model: true,
        ..Default::default()
    };
    events.send(StreamCppResponse { model_info: info.into(), ..Default::default() });
    for (number, edit) in suggestion.edits.iter().enumerate() {
        if number > 0 {
            events.send(StreamCppResponse { begin_edit: Some(true), ..Default::default() });
        }
        events.edit(edit, format!("{id}:{number}"));
        if number + 1 == suggestion.edits.len() {
            events.predict(suggestion, id);
        }
        events.send(StreamCppResponse { done_edit: Some(true), ..Default::default() });
        events.edits.push(events.all.len());
    }
    if suggestion.edits.is_empty() {
        events.predict(suggestion, id);
    }
    events.send(StreamCppResponse { done_stream: Some(true), ..Default::default() });
    for number in 1..=debug {
        events.send(debugging(suggestion, current, number, debug));
    }
    events
}

impl Events {
    fn send(&mut self, message: StreamCppResponse) {
        self.all.push(message);
    }

    fn edit(&mut self, edit: &Edit, binding_id: String) {
        let range = LineRange {
            start_line_number: edit.start,
            end_line_number_inclusive: edit.end,
            ..Default::default()
        };
        self.send(StreamCppResponse {
            range_to_replace: range.into(),
            should_remove_leading_eol: edit.leading_eol.then_some(true),
            binding_id: Some(binding_id),
            ..Default::default()
        });
        for piece in texts::pieces(&edit.text, PIECE) {
            self.send(StreamCppResponse { text: piece.to_owned(), ..Default::default() });
        }
    }

    fn predict(&mut self, suggestion: &Suggestion, id: &str) {
        let Some(Prediction { path, line, content }) = &suggestion.prediction else { return };
        let target = CursorPredictionTarget {
            relative_path: path.clone(),
            line_number_one_indexed: i32::try_from(*line).unwrap_or(i32::MAX),
            expected_content: content.clone(),
            should_retrigger_cpp: true,
            ..Default::default()
        };
        self.send(StreamCppResponse {
            cursor_prediction_target: target.into(),
            binding_id: Some(format!("{id}:{}", suggestion.edits.len())),
            ..Default::default()
        });
    }
}

/// The first tells everything, the others only which they are. The times are not measured, so
/// that the same file always gives the same bytes.
fn debugging(
    suggestion: &Suggestion,
    current: &Current,
    number: usize,
    count: usize,
) -> StreamCppResponse {
    let debug_server_timing = Some(format!("simulated {number}/{count}"));
    if number > 1 {
        return StreamCppResponse { debug_server_timing, ..Default::default() };
    }
    let texts: Vec<&str> = suggestion.edits.iter().map(|edit| edit.text.as_str()).collect();
    let time = || Some("0".to_owned());
    StreamCppResponse {
        debug_model_output: Some(texts.join("\n")),
        debug_model_input: Some(format!("{}:{}:{}", current.path, current.line, current.column)),
        debug_stream_time: time(),
        debug_total_time: time(),
        debug_ttft_time: time(),
        debug_server_timing,
        ..Default::default()
    }
}
