//! What a completion is made of: edits of whole lines, one after the other.
//!
//! ```text
//! edit   = RangeReplace Text*
//! legal  = ModelInfo? ( edit CursorPrediction? DoneEdit ( BeginEdit edit … )* )? DoneStream Debug*
//! ```
//!
//! The upstream keeps to this order in what was seen of it; nothing here enforces it, since an
//! editor is told of every event as it comes.

/// One step of a completion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CompletionEvent {
    /// Which kind of model answers.
    ModelInfo {
        /// The model also predicts where the cursor goes next.
        is_fused_cursor_prediction_model: bool,
        /// The model may make several edits in one answer.
        is_multidiff_model: bool,
    },
    /// The lines that the following texts replace.
    RangeReplace {
        /// From 1.
        start_line_number: i32,
        /// From 1, included. One less than the start: nothing is replaced.
        end_line_number_inclusive: i32,
        /// Ties the edits of one completion together.
        binding_id: Option<String>,
        /// The first line break of the text is not part of the edit.
        should_remove_leading_eol: Option<bool>,
    },
    /// A piece of the replacement, to be appended to those before it.
    Text(String),
    /// Where the cursor is expected next.
    CursorPrediction {
        relative_path: String,
        line_number_one_indexed: i32,
        /// The text of that line, so that the editor can tell whether the place still holds.
        expected_content: String,
        /// The editor should ask again once the cursor is there.
        should_retrigger_cpp: bool,
        binding_id: Option<String>,
    },
    /// The edit is whole and may be applied.
    DoneEdit,
    /// Another edit follows.
    BeginEdit,
    /// Nothing but debug output follows.
    DoneStream,
    /// Measurements and texts for developers, when they were asked for. Times are texts, as the
    /// upstream words them.
    Debug {
        model_input: Option<String>,
        model_output: Option<String>,
        stream_time: Option<String>,
        total_time: Option<String>,
        ttft_time: Option<String>,
        server_timing: Option<String>,
    },
}
