//! From an editor's question to `StreamCppRequest`, field by field
//! (`reference/messages/completion.md`, "Seed field → protobuf map").
//!
//! Every neutral struct is taken apart completely, here and in the modules beside this one, so that
//! a new field cannot be forgotten.

use conversation::completion::{
    BlockChange, BlockDiffPatch, ChangeRange, CompletionRequest, ControlToken, FileDiffHistory,
    IntentInfo, LspSuggestedItems, LspSuggestion, ModelWindow, ParameterHint,
};
use cursor_proto::aiserver as wire;
use cursor_proto::aiserver::stream_cpp_request::ControlToken as WireToken;

use super::file::{current_file, linter_errors};
use super::surroundings::{additional_file, context_item, lsp_context};
use super::{all, results, sync};

pub(super) fn request(request: &CompletionRequest) -> wire::StreamCppRequest {
    let CompletionRequest {
        current_file: file,
        diff_history,
        model_name,
        linter_errors: errors,
        context_items,
        diff_history_keys,
        give_debug_output,
        file_diff_histories,
        merged_diff_histories,
        block_diff_patches,
        is_nightly,
        is_debug,
        immediately_ack,
        enable_more_context,
        parameter_hints,
        lsp_contexts,
        cpp_intent_info,
        workspace_id,
        additional_files,
        control_token: token,
        client_time,
        filesync_updates,
        time_since_request_start,
        time_at_request_send,
        client_timezone_offset,
        lsp_suggested_items,
        supports_cpt,
        supports_crlf_cpt,
        code_results,
    } = request;
    wire::StreamCppRequest {
        current_file: current_file(file).into(),
        diff_history: diff_history.clone(),
        model_name: model_name.clone(),
        linter_errors: errors.as_ref().map(linter_errors).into(),
        diff_history_keys: diff_history_keys.clone(),
        give_debug_output: *give_debug_output,
        file_diff_histories: all(file_diff_histories, diff_histories),
        merged_diff_histories: all(merged_diff_histories, diff_histories),
        block_diff_patches: all(block_diff_patches, patch),
        is_nightly: *is_nightly,
        is_debug: *is_debug,
        immediately_ack: *immediately_ack,
        context_items: all(context_items, context_item),
        parameter_hints: all(parameter_hints, parameter_hint),
        lsp_contexts: all(lsp_contexts, lsp_context),
        cpp_intent_info: cpp_intent_info.as_ref().map(intent).into(),
        enable_more_context: *enable_more_context,
        workspace_id: workspace_id.clone(),
        additional_files: all(additional_files, additional_file),
        control_token: token.map(|token| control_token(token).into()),
        client_time: *client_time,
        filesync_updates: all(filesync_updates, sync::update),
        time_since_request_start: *time_since_request_start,
        time_at_request_send: *time_at_request_send,
        client_timezone_offset: *client_timezone_offset,
        lsp_suggested_items: lsp_suggested_items.as_ref().map(suggested_items).into(),
        supports_cpt: *supports_cpt,
        supports_crlf_cpt: *supports_crlf_cpt,
        code_results: all(code_results, results::code_result),
        ..Default::default()
    }
}

fn diff_histories(history: &FileDiffHistory) -> wire::CppFileDiffHistory {
    let FileDiffHistory { file_name, diff_history, diff_history_timestamps } = history;
    wire::CppFileDiffHistory {
        file_name: file_name.clone(),
        diff_history: diff_history.clone(),
        diff_history_timestamps: diff_history_timestamps.clone(),
        ..Default::default()
    }
}

fn patch(patch: &BlockDiffPatch) -> wire::BlockDiffPatch {
    let BlockDiffPatch {
        start_model_window,
        changes,
        relative_path,
        model_uuid,
        start_from_change_index,
    } = patch;
    wire::BlockDiffPatch {
        start_model_window: start_model_window.as_ref().map(window).into(),
        changes: all(changes, change),
        relative_path: relative_path.clone(),
        start_from_change_index: *start_from_change_index,
        model_uuid: model_uuid.clone(),
        ..Default::default()
    }
}

fn window(window: &ModelWindow) -> wire::block_diff_patch::ModelWindow {
    let ModelWindow { lines, start_line_number, end_line_number } = window;
    wire::block_diff_patch::ModelWindow {
        lines: lines.clone(),
        start_line_number: *start_line_number,
        end_line_number: *end_line_number,
        ..Default::default()
    }
}

fn change(change: &BlockChange) -> wire::block_diff_patch::Change {
    let BlockChange { text, range } = change;
    wire::block_diff_patch::Change {
        text: text.clone(),
        range: range.as_ref().map(change_range).into(),
        ..Default::default()
    }
}

fn change_range(range: &ChangeRange) -> wire::IRange {
    let ChangeRange { start_line_number, start_column, end_line_number, end_column } = *range;
    wire::IRange {
        start_line_number,
        start_column,
        end_line_number,
        end_column,
        ..Default::default()
    }
}

fn parameter_hint(hint: &ParameterHint) -> wire::CppParameterHint {
    let ParameterHint { label, documentation } = hint;
    wire::CppParameterHint {
        label: label.clone(),
        documentation: documentation.clone(),
        ..Default::default()
    }
}

fn intent(info: &IntentInfo) -> wire::CppIntentInfo {
    let IntentInfo { source } = info;
    // The upstream takes the document's words.
    let source = source.map_or_else(String::new, |source| source.name().to_owned());
    wire::CppIntentInfo { source, ..Default::default() }
}

fn control_token(token: ControlToken) -> WireToken {
    match token {
        ControlToken::Quiet => WireToken::CONTROL_TOKEN_QUIET,
        ControlToken::Loud => WireToken::CONTROL_TOKEN_LOUD,
        ControlToken::Op => WireToken::CONTROL_TOKEN_OP,
    }
}

fn suggested_items(items: &LspSuggestedItems) -> wire::LspSuggestedItems {
    let LspSuggestedItems { suggestions } = items;
    let suggestion = |suggestion: &LspSuggestion| {
        let LspSuggestion { label } = suggestion;
        wire::LspSuggestion { label: label.clone(), ..Default::default() }
    };
    wire::LspSuggestedItems { suggestions: all(suggestions, suggestion), ..Default::default() }
}
