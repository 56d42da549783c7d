//! How the editor should behave, and which completion models there are.

/// Whose settings are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompletionConfigQuery {
    pub is_nightly: Option<bool>,
    /// Name of the completion model; empty when the client names none.
    pub model: String,
    pub supports_cpt: Option<bool>,
}

/// The settings that the upstream hands to an editor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CompletionConfig {
    /// Lines above the cursor that matter.
    pub above_radius: Option<i32>,
    /// Lines below the cursor that matter.
    pub below_radius: Option<i32>,
    pub merge_behavior: Option<MergeBehavior>,
    pub is_on: Option<bool>,
    pub is_ghost_text: Option<bool>,
    pub should_let_user_enable_cpp_even_if_not_pro: Option<bool>,
    /// Filters that the editor applies to suggestions.
    pub heuristics: Vec<Heuristic>,
    pub exclude_recently_viewed_files_patterns: Vec<String>,
    /// Whether to keep track of recently viewed files.
    pub enable_rvf_tracking: bool,
    /// Milliseconds.
    pub global_debounce_duration_millis: i32,
    /// Milliseconds.
    pub client_debounce_duration_millis: i32,
    pub cpp_url: String,
    pub use_whitespace_diff_history: bool,
    pub import_prediction_config: Option<ImportPrediction>,
    pub enable_filesync_debounce_skipping: bool,
    /// Share of the requests that should carry the file's hash.
    pub check_filesync_hash_percent: f32,
    pub geo_cpp_backend_url: String,
    pub recently_rejected_edit_thresholds: Option<RejectedEditThresholds>,
    pub is_fused_cursor_prediction_model: bool,
    pub include_unchanged_lines: bool,
    pub should_fetch_rvf_text: bool,
    pub max_number_of_cleared_suggestions_since_last_accept: Option<i32>,
    pub suggestion_hint_config: Option<SuggestionHints>,
}

/// How neighbouring changes of the history are merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeBehavior {
    /// The document's `type`.
    pub kind: String,
    pub limit: Option<i32>,
    pub radius: Option<i32>,
}

/// A filter that the editor applies to suggestions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Heuristic {
    LotsOfAddedText,
    DuplicatingLineAfterSuggestion,
    DuplicatingMultipleLinesAfterSuggestion,
    RevertingUserChange,
    OutputExtendsBeyondRangeAndIsRepeated,
    SuggestingRecentlyRejectedEdit,
}

impl Heuristic {
    /// Every heuristic, in the document's order.
    pub const ALL: [Self; 6] = [
        Self::LotsOfAddedText,
        Self::DuplicatingLineAfterSuggestion,
        Self::DuplicatingMultipleLinesAfterSuggestion,
        Self::RevertingUserChange,
        Self::OutputExtendsBeyondRangeAndIsRepeated,
        Self::SuggestingRecentlyRejectedEdit,
    ];

    /// The document's word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LotsOfAddedText => "lots_of_added_text",
            Self::DuplicatingLineAfterSuggestion => "duplicating_line_after_suggestion",
            Self::DuplicatingMultipleLinesAfterSuggestion => {
                "duplicating_multiple_lines_after_suggestion"
            }
            Self::RevertingUserChange => "reverting_user_change",
            Self::OutputExtendsBeyondRangeAndIsRepeated => {
                "output_extends_beyond_range_and_is_repeated"
            }
            Self::SuggestingRecentlyRejectedEdit => "suggesting_recently_rejected_edit",
        }
    }
}

/// Completion of imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ImportPrediction {
    pub is_disabled_by_backend: bool,
    pub should_turn_on_automatically: bool,
    pub python_enabled: bool,
}

/// How often an edit may be rejected before it is shown less, and no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RejectedEditThresholds {
    pub hard_reject_threshold: i32,
    pub soft_reject_threshold: i32,
}

/// Where hints of language servers are used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuggestionHints {
    pub important_lsp_extensions: Vec<String>,
    pub enabled_for_path_extensions: Vec<String>,
}

/// The completion models of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompletionModels {
    pub models: Vec<String>,
    pub default_model: Option<String>,
}
