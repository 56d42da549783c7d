//! The fields of every object that an editor sends, in the document's order.

use conversation::completion::{
    AdditionalFile, BlockChange, BlockDiffPatch, ChangeRange, Chunk, ChunkRange, CodeBlock,
    CodeResult, CompletionConfigQuery, CompletionRequest, ContextItem, ControlToken, CurrentFile,
    DataColumn, Dataframe, DetailedLine, Diagnostic, FileDiffHistory, FileGit, FileSync,
    FileSyncUpdate, FileUpdate, FileUpload, GitCommit, IntentInfo, IntentSource, LineRange,
    LinterError, LinterErrors, LspContext, LspContextItem, LspPosition, LspRange,
    LspSuggestedItems, LspSuggestion, ModelWindow, ParameterHint, Position, Range,
    RelatedInformation, Severity, Signatures, UpdateRange,
};

use super::read::{objects, words};

words!(Severity, IntentSource, ControlToken);

objects! {
    CompletionConfigQuery { is_nightly, model, supports_cpt }

    FileUpload { uuid, relative_workspace_path, contents, model_version, sha256_hash }
    FileSync { uuid, relative_workspace_path, model_version, filesync_updates, sha256_hash }
    FileSyncUpdate { model_version, relative_workspace_path, updates, expected_file_length }
    FileUpdate { start_position, end_position, change_length, replaced_string, range }
    UpdateRange { start_line_number, start_column, end_line_number_inclusive, end_column }

    CompletionRequest {
        current_file, diff_history, model_name, linter_errors, context_items, diff_history_keys,
        give_debug_output, file_diff_histories, merged_diff_histories, block_diff_patches,
        is_nightly, is_debug, immediately_ack, enable_more_context, parameter_hints, lsp_contexts,
        cpp_intent_info, workspace_id, additional_files, control_token, client_time,
        filesync_updates, time_since_request_start, time_at_request_send, client_timezone_offset,
        lsp_suggested_items, supports_cpt, supports_crlf_cpt, code_results,
    }

    CurrentFile {
        relative_workspace_path, contents, rely_on_filesync, sha_256_hash, top_chunks,
        contents_start_at_line, cursor_position, dataframes, total_number_of_lines, language_id,
        selection, alternative_version_id, diagnostics, file_version, workspace_root_path,
        line_ending;
        without file_git_context: FileGit
    }
    Chunk { content, range, score, relative_path }
    ChunkRange { start_line, end_line_inclusive }
    Position { line, column }
    Range { start_position, end_position }
    Dataframe { name, shape, data_dimensionality, columns, row_count, index_column }
    DataColumn { key, kind = "type" }
    Diagnostic { message, range, severity, related_information }
    RelatedInformation { message, range }

    LinterErrors { relative_workspace_path, errors, file_contents }
    LinterError { message, range, source, related_information, severity }
    ContextItem { contents, symbol, relative_workspace_path, score }
    FileDiffHistory { file_name, diff_history, diff_history_timestamps }
    BlockDiffPatch {
        start_model_window, changes, relative_path, model_uuid, start_from_change_index,
    }
    ModelWindow { lines, start_line_number, end_line_number }
    BlockChange { text, range }
    ChangeRange { start_line_number, start_column, end_line_number, end_column }
    ParameterHint { label, documentation }
    LspContext { uri, symbol_name, positions, context_items, score }
    LspPosition { line, character }
    LspContextItem { uri, kind = "type", content, range }
    LspRange { start_line, start_character, end_line, end_character }
    IntentInfo { source }
    AdditionalFile {
        relative_workspace_path, is_open, visible_range_content, last_viewed_at,
        start_line_number_one_indexed, visible_ranges,
    }
    LineRange { start_line_number, end_line_number_inclusive }
    LspSuggestedItems { suggestions }
    LspSuggestion { label }

    CodeResult { code_block, score }
    CodeBlock {
        relative_workspace_path, file_contents, file_contents_length, range, contents, signatures,
        override_contents, original_contents, detailed_lines, file_git_context,
    }
    Signatures { ranges }
    DetailedLine { text, line_number, is_signature }
    FileGit { commits }
    GitCommit { commit, author, date, message }
}
