//! What an editor asks when it wants a completion.

use super::{
    AdditionalFile, ChangeRange, CodeResult, ContextItem, CurrentFile, FileSyncUpdate,
    LinterErrors, LspContext,
};

/// A request for a completion at the cursor of the current file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CompletionRequest {
    pub current_file: CurrentFile,
    /// Superseded by `file_diff_histories`.
    pub diff_history: Vec<String>,
    pub model_name: Option<String>,
    pub linter_errors: Option<LinterErrors>,
    pub context_items: Vec<ContextItem>,
    /// Superseded by `file_diff_histories`.
    pub diff_history_keys: Vec<String>,
    pub give_debug_output: Option<bool>,
    /// The latest edits, per file.
    pub file_diff_histories: Vec<FileDiffHistory>,
    pub merged_diff_histories: Vec<FileDiffHistory>,
    pub block_diff_patches: Vec<BlockDiffPatch>,
    pub is_nightly: Option<bool>,
    pub is_debug: Option<bool>,
    pub immediately_ack: Option<bool>,
    pub enable_more_context: Option<bool>,
    pub parameter_hints: Vec<ParameterHint>,
    pub lsp_contexts: Vec<LspContext>,
    pub cpp_intent_info: Option<IntentInfo>,
    pub workspace_id: Option<String>,
    pub additional_files: Vec<AdditionalFile>,
    pub control_token: Option<ControlToken>,
    /// Milliseconds of Unix time.
    pub client_time: Option<f64>,
    /// Edits since the version that the upstream's copy has.
    pub filesync_updates: Vec<FileSyncUpdate>,
    /// Milliseconds since the completion was triggered.
    pub time_since_request_start: f64,
    /// Milliseconds of Unix time.
    pub time_at_request_send: f64,
    /// Minutes from local time to UTC: -480 in UTC+8.
    pub client_timezone_offset: Option<f64>,
    pub lsp_suggested_items: Option<LspSuggestedItems>,
    pub supports_cpt: Option<bool>,
    pub supports_crlf_cpt: Option<bool>,
    pub code_results: Vec<CodeResult>,
}

/// The latest edits of one file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FileDiffHistory {
    pub file_name: String,
    /// Oldest first, each as lines `12-|old` and `12+|new`.
    pub diff_history: Vec<String>,
    /// Milliseconds of Unix time, one for each edit.
    pub diff_history_timestamps: Vec<f64>,
}

/// Edits within a window of lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockDiffPatch {
    /// The lines before the edits.
    pub start_model_window: Option<ModelWindow>,
    pub changes: Vec<BlockChange>,
    pub relative_path: String,
    /// Which completion they come from.
    pub model_uuid: String,
    /// The first change that applies.
    pub start_from_change_index: i32,
}

/// A window of lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ModelWindow {
    pub lines: Vec<String>,
    pub start_line_number: i32,
    pub end_line_number: i32,
}

/// One edit within a window.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BlockChange {
    /// The new text.
    pub text: String,
    pub range: Option<ChangeRange>,
}

/// The parameter that is being typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ParameterHint {
    /// `x: int`.
    pub label: String,
    pub documentation: Option<String>,
}

/// Why the editor asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IntentInfo {
    pub source: Option<IntentSource>,
}

/// What made the editor ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IntentSource {
    LineChange,
    Typing,
    OptionHold,
    LinterErrors,
    ParameterHints,
    CursorPrediction,
    ManualTrigger,
    EditorChange,
    LspSuggestions,
}

impl IntentSource {
    /// Every source, in the document's order.
    pub const ALL: [Self; 9] = [
        Self::LineChange,
        Self::Typing,
        Self::OptionHold,
        Self::LinterErrors,
        Self::ParameterHints,
        Self::CursorPrediction,
        Self::ManualTrigger,
        Self::EditorChange,
        Self::LspSuggestions,
    ];

    /// The document's word, which the upstream understands too.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LineChange => "line_change",
            Self::Typing => "typing",
            Self::OptionHold => "option_hold",
            Self::LinterErrors => "linter_errors",
            Self::ParameterHints => "parameter_hints",
            Self::CursorPrediction => "cursor_prediction",
            Self::ManualTrigger => "manual_trigger",
            Self::EditorChange => "editor_change",
            Self::LspSuggestions => "lsp_suggestions",
        }
    }
}

/// How eager the model should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ControlToken {
    Quiet,
    Loud,
    /// The user asked by hand.
    Op,
}

impl ControlToken {
    pub const ALL: [Self; 3] = [Self::Quiet, Self::Loud, Self::Op];

    /// The document's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quiet => "quiet",
            Self::Loud => "loud",
            Self::Op => "op",
        }
    }
}

/// What the language server suggests at the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LspSuggestedItems {
    pub suggestions: Vec<LspSuggestion>,
}

/// One suggestion of a language server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LspSuggestion {
    pub label: String,
}
