//! The bodies that answer `/cpp/config`, `/cpp/models`, `/file/upload` and `/file/sync`.

use conversation::completion::{CompletionConfig, CompletionModels, FileSyncOutcome};
use serde::Serialize;

use crate::json;

#[derive(Serialize)]
struct Config<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    above_radius: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    below_radius: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_behavior: Option<Merge<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_ghost_text: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    should_let_user_enable_cpp_even_if_not_pro: Option<bool>,
    heuristics: Vec<&'static str>,
    exclude_recently_viewed_files_patterns: &'a [String],
    enable_rvf_tracking: bool,
    global_debounce_duration_millis: i32,
    client_debounce_duration_millis: i32,
    cpp_url: &'a str,
    use_whitespace_diff_history: bool,
    import_prediction_config: Imports,
    enable_filesync_debounce_skipping: bool,
    check_filesync_hash_percent: f32,
    geo_cpp_backend_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    recently_rejected_edit_thresholds: Option<Thresholds>,
    is_fused_cursor_prediction_model: bool,
    include_unchanged_lines: bool,
    should_fetch_rvf_text: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_number_of_cleared_suggestions_since_last_accept: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion_hint_config: Option<Hints<'a>>,
}

#[derive(Serialize)]
struct Merge<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    radius: Option<i32>,
}

#[derive(Serialize)]
struct Imports {
    is_disabled_by_backend: bool,
    should_turn_on_automatically: bool,
    python_enabled: bool,
}

#[derive(Serialize)]
struct Thresholds {
    hard_reject_threshold: i32,
    soft_reject_threshold: i32,
}

#[derive(Serialize)]
struct Hints<'a> {
    important_lsp_extensions: &'a [String],
    enabled_for_path_extensions: &'a [String],
}

/// The body that answers `/cpp/config`. Optional fields that are absent are left out; the import
/// settings are not optional there, so absent ones are written as switched off.
#[must_use]
pub fn config_body(config: &CompletionConfig) -> Vec<u8> {
    let imports = config.import_prediction_config.unwrap_or_default();
    json::to_vec(&Config {
        above_radius: config.above_radius,
        below_radius: config.below_radius,
        merge_behavior: config.merge_behavior.as_ref().map(|merge| Merge {
            kind: &merge.kind,
            limit: merge.limit,
            radius: merge.radius,
        }),
        is_on: config.is_on,
        is_ghost_text: config.is_ghost_text,
        should_let_user_enable_cpp_even_if_not_pro: config
            .should_let_user_enable_cpp_even_if_not_pro,
        heuristics: config.heuristics.iter().map(|heuristic| heuristic.name()).collect(),
        exclude_recently_viewed_files_patterns: &config.exclude_recently_viewed_files_patterns,
        enable_rvf_tracking: config.enable_rvf_tracking,
        global_debounce_duration_millis: config.global_debounce_duration_millis,
        client_debounce_duration_millis: config.client_debounce_duration_millis,
        cpp_url: &config.cpp_url,
        use_whitespace_diff_history: config.use_whitespace_diff_history,
        import_prediction_config: Imports {
            is_disabled_by_backend: imports.is_disabled_by_backend,
            should_turn_on_automatically: imports.should_turn_on_automatically,
            python_enabled: imports.python_enabled,
        },
        enable_filesync_debounce_skipping: config.enable_filesync_debounce_skipping,
        check_filesync_hash_percent: number(config.check_filesync_hash_percent),
        geo_cpp_backend_url: &config.geo_cpp_backend_url,
        recently_rejected_edit_thresholds: config.recently_rejected_edit_thresholds.map(|edits| {
            Thresholds {
                hard_reject_threshold: edits.hard_reject_threshold,
                soft_reject_threshold: edits.soft_reject_threshold,
            }
        }),
        is_fused_cursor_prediction_model: config.is_fused_cursor_prediction_model,
        include_unchanged_lines: config.include_unchanged_lines,
        should_fetch_rvf_text: config.should_fetch_rvf_text,
        max_number_of_cleared_suggestions_since_last_accept: config
            .max_number_of_cleared_suggestions_since_last_accept,
        suggestion_hint_config: config.suggestion_hint_config.as_ref().map(|hints| Hints {
            important_lsp_extensions: &hints.important_lsp_extensions,
            enabled_for_path_extensions: &hints.enabled_for_path_extensions,
        }),
    })
}

/// JSON has no word for what is no number, and the field must be one.
fn number(value: f32) -> f32 {
    if value.is_finite() { value } else { 0.0 }
}

#[derive(Serialize)]
struct Models<'a> {
    models: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    default_model: Option<&'a str>,
}

/// The body that answers `/cpp/models`.
#[must_use]
pub fn models_body(models: &CompletionModels) -> Vec<u8> {
    json::to_vec(&Models { models: &models.models, default_model: models.default_model.as_deref() })
}

#[derive(Serialize)]
struct Outcome {
    error: &'static str,
}

/// The body that answers `/file/upload` and `/file/sync`, with status 200 whatever it says.
#[must_use]
pub fn outcome_body(outcome: FileSyncOutcome) -> Vec<u8> {
    json::to_vec(&Outcome { error: outcome.name() })
}
