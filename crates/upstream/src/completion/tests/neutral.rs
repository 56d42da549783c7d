//! Neutral values from a path of the document or from protobuf JSON, so that tests need not write
//! them out.

use conversation::completion::*;
use serde_json::Value;

/// A value that can be made with one field set, or from what a vector says.
pub(super) trait Neutral: Sized {
    /// Only the field at `path` is set; without a path, a value that is not the default, or a
    /// default group.
    fn at(path: &[&str]) -> Self;

    /// By the document's names, which are those of protobuf JSON.
    fn from_json(value: &Value) -> Self;
}

macro_rules! plain {
    ($($kind:ty: $sample:expr, $read:expr;)*) => {$(
        impl Neutral for $kind {
            fn at(path: &[&str]) -> Self {
                assert!(path.is_empty(), "{path:?} within a {}", stringify!($kind));
                $sample
            }

            fn from_json(value: &Value) -> Self {
                let read: fn(&Value) -> Option<$kind> = $read;
                read(value).unwrap_or_else(|| panic!("{value} is no {}", stringify!($kind)))
            }
        }
    )*};
}

plain! {
    bool: true, Value::as_bool;
    i32: -7, |value| value.as_i64()?.try_into().ok();
    f32: 1.5, |value| value.as_f64().map(|number| number as f32);
    f64: -2.25, Value::as_f64;
    String: "text".to_owned(), |value| value.as_str().map(str::to_owned);
    Severity: Severity::Hint, |value| match value.as_str()? {
        "DIAGNOSTIC_SEVERITY_ERROR" => Some(Severity::Error),
        "DIAGNOSTIC_SEVERITY_WARNING" => Some(Severity::Warning),
        _ => None,
    };
    ControlToken: ControlToken::Op, |value| match value.as_str()? {
        "CONTROL_TOKEN_QUIET" => Some(ControlToken::Quiet),
        "CONTROL_TOKEN_LOUD" => Some(ControlToken::Loud),
        "CONTROL_TOKEN_OP" => Some(ControlToken::Op),
        _ => None,
    };
    IntentSource: IntentSource::LspSuggestions, |value| {
        IntentSource::ALL.into_iter().find(|source| Some(source.name()) == value.as_str())
    };
}

impl<T: Neutral> Neutral for Option<T> {
    fn at(path: &[&str]) -> Self {
        Some(T::at(path))
    }

    fn from_json(value: &Value) -> Self {
        Some(T::from_json(value))
    }
}

impl<T: Neutral> Neutral for Vec<T> {
    fn at(path: &[&str]) -> Self {
        vec![T::at(path)]
    }

    fn from_json(value: &Value) -> Self {
        value.as_array().expect("a list").iter().map(T::from_json).collect()
    }
}

macro_rules! groups {
    ($($group:ident { $($field:ident $(= $name:literal)?),* $(,)? })*) => {$(
        impl Neutral for $group {
            fn at(path: &[&str]) -> Self {
                let mut group = Self::default();
                let Some((name, rest)) = path.split_first() else { return group };
                match *name {
                    $(groups!(@name $field $($name)?) => group.$field = Neutral::at(rest),)*
                    name => panic!("{} has no {name}", stringify!($group)),
                }
                group
            }

            fn from_json(value: &Value) -> Self {
                let mut group = Self::default();
                for (name, value) in value.as_object().expect("an object") {
                    match name.as_str() {
                        $(groups!(@name $field $($name)?) => {
                            group.$field = Neutral::from_json(value);
                        })*
                        name => panic!("{} has no {name}", stringify!($group)),
                    }
                }
                group
            }
        }
    )*};
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
}

groups! {
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
        line_ending,
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
    FileSyncUpdate { model_version, relative_workspace_path, updates, expected_file_length }
    FileUpdate { start_position, end_position, change_length, replaced_string, range }
    UpdateRange { start_line_number, start_column, end_line_number_inclusive, end_column }
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
    FileUpload { uuid, relative_workspace_path, contents, model_version, sha256_hash }
    FileSync { uuid, relative_workspace_path, model_version, filesync_updates, sha256_hash }
    CompletionConfigQuery { is_nightly, model, supports_cpt }
}
