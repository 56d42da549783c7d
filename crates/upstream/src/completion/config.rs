//! The settings of completion and its models: the question, and what the answer says
//! (`reference/messages/completion.md`, "Configuration and model list").

use conversation::completion::{
    CompletionConfig, CompletionConfigQuery, CompletionModels, Heuristic, ImportPrediction,
    MergeBehavior, RejectedEditThresholds, SuggestionHints,
};
use cursor_proto::EnumValue;
use cursor_proto::aiserver as wire;
use cursor_proto::aiserver::cpp_config_response::Heuristic as WireHeuristic;

pub(super) fn query(query: &CompletionConfigQuery) -> wire::CppConfigRequest {
    let CompletionConfigQuery { is_nightly, model, supports_cpt } = query;
    wire::CppConfigRequest {
        is_nightly: *is_nightly,
        model: model.clone(),
        supports_cpt: *supports_cpt,
        ..Default::default()
    }
}

/// What the document of the gateway has no name for (`allows_tab_chunks` and the waits of the tab
/// context) concerns calls that are not offered, and stays here.
pub(super) fn config(config: wire::CppConfigResponse) -> CompletionConfig {
    CompletionConfig {
        above_radius: config.above_radius,
        below_radius: config.below_radius,
        merge_behavior: config.merge_behavior.into_option().map(|behavior| MergeBehavior {
            kind: behavior.r#type,
            limit: behavior.limit,
            radius: behavior.radius,
        }),
        is_on: config.is_on,
        is_ghost_text: config.is_ghost_text,
        should_let_user_enable_cpp_even_if_not_pro: config
            .should_let_user_enable_cpp_even_if_not_pro,
        heuristics: config.heuristics.into_iter().filter_map(heuristic).collect(),
        exclude_recently_viewed_files_patterns: config.exclude_recently_viewed_files_patterns,
        enable_rvf_tracking: config.enable_rvf_tracking,
        global_debounce_duration_millis: config.global_debounce_duration_millis,
        client_debounce_duration_millis: config.client_debounce_duration_millis,
        cpp_url: config.cpp_url,
        use_whitespace_diff_history: config.use_whitespace_diff_history,
        import_prediction_config: config.import_prediction_config.into_option().map(|import| {
            ImportPrediction {
                is_disabled_by_backend: import.is_disabled_by_backend,
                should_turn_on_automatically: import.should_turn_on_automatically,
                python_enabled: import.python_enabled,
            }
        }),
        enable_filesync_debounce_skipping: config.enable_filesync_debounce_skipping,
        check_filesync_hash_percent: config.check_filesync_hash_percent,
        geo_cpp_backend_url: config.geo_cpp_backend_url,
        recently_rejected_edit_thresholds: config
            .recently_rejected_edit_thresholds
            .into_option()
            .map(|thresholds| RejectedEditThresholds {
                hard_reject_threshold: thresholds.hard_reject_threshold,
                soft_reject_threshold: thresholds.soft_reject_threshold,
            }),
        is_fused_cursor_prediction_model: config.is_fused_cursor_prediction_model,
        include_unchanged_lines: config.include_unchanged_lines,
        should_fetch_rvf_text: config.should_fetch_rvf_text,
        max_number_of_cleared_suggestions_since_last_accept: config
            .max_number_of_cleared_suggestions_since_last_accept,
        suggestion_hint_config: config.suggestion_hint_config.into_option().map(|hints| {
            SuggestionHints {
                important_lsp_extensions: hints.important_lsp_extensions,
                enabled_for_path_extensions: hints.enabled_for_path_extensions,
            }
        }),
    }
}

/// `None` for a filter that has no name here: an editor could not apply it.
fn heuristic(heuristic: EnumValue<WireHeuristic>) -> Option<Heuristic> {
    let Some(known) = heuristic.as_known() else {
        tracing::debug!(number = heuristic.to_i32(), "unknown completion heuristic");
        return None;
    };
    match known {
        WireHeuristic::HEURISTIC_UNSPECIFIED => None,
        WireHeuristic::HEURISTIC_LOTS_OF_ADDED_TEXT => Some(Heuristic::LotsOfAddedText),
        WireHeuristic::HEURISTIC_DUPLICATING_LINE_AFTER_SUGGESTION => {
            Some(Heuristic::DuplicatingLineAfterSuggestion)
        }
        WireHeuristic::HEURISTIC_DUPLICATING_MULTIPLE_LINES_AFTER_SUGGESTION => {
            Some(Heuristic::DuplicatingMultipleLinesAfterSuggestion)
        }
        WireHeuristic::HEURISTIC_REVERTING_USER_CHANGE => Some(Heuristic::RevertingUserChange),
        WireHeuristic::HEURISTIC_OUTPUT_EXTENDS_BEYOND_RANGE_AND_IS_REPEATED => {
            Some(Heuristic::OutputExtendsBeyondRangeAndIsRepeated)
        }
        WireHeuristic::HEURISTIC_SUGGESTING_RECENTLY_REJECTED_EDIT => {
            Some(Heuristic::SuggestingRecentlyRejectedEdit)
        }
    }
}

pub(super) fn models(models: wire::AvailableCppModelsResponse) -> CompletionModels {
    CompletionModels { models: models.models, default_model: models.default_model }
}
