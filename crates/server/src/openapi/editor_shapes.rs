//! What an editor sends and is answered: the shapes of code completion and file sync.

pub(super) const REQUESTS: &str = r#"
EditorSeverity = 'error'|'warning'|'information'|'hint'
EditorChunkRange request
  start_line? int32
  end_line_inclusive? int32
EditorChunk request
  content? string
  range? EditorChunkRange
  score? int32
  relative_path? string
EditorPosition request
  line? int32
  column? int32
EditorDataColumn request
  key? string
  type? string
EditorDataframe request
  name? string
  shape? string
  data_dimensionality? int32
  columns? [EditorDataColumn]
  row_count? int32
  index_column? string
EditorRange request
  start_position? EditorPosition
  end_position? EditorPosition
EditorRelatedInformation request
  message? string
  range? EditorRange
EditorDiagnostic request
  message? string
  range? EditorRange
  severity? EditorSeverity
  related_information? [EditorRelatedInformation]
EditorGitCommit request
  commit? string | Has no effect.
  author? string | Has no effect.
  date? string | Has no effect.
  message? string | Has no effect.
EditorFileGit request
  commits? [EditorGitCommit] | Has no effect.
EditorCurrentFile request
  relative_workspace_path? string
  contents? string
  rely_on_filesync? bool | Whether the upstream shall take its own copy of the file.
  sha_256_hash? string
  top_chunks? [EditorChunk]
  contents_start_at_line? int32
  cursor_position? EditorPosition | Counted from 0.
  dataframes? [EditorDataframe]
  total_number_of_lines? int32
  language_id? string
  selection? EditorRange
  alternative_version_id? int32
  diagnostics? [EditorDiagnostic]
  file_version? int32
  workspace_root_path? string
  line_ending? string
  file_git_context? EditorFileGit | Has no effect.
EditorLinterError request
  message? string
  range? EditorRange
  source? string
  related_information? [EditorRelatedInformation]
  severity? EditorSeverity
EditorLinterErrors request
  relative_workspace_path? string
  errors? [EditorLinterError]
  file_contents? string
EditorContextItem request
  contents? string
  symbol? string
  relative_workspace_path? string
  score? number
EditorFileDiffHistory request
  file_name? string
  diff_history? [string]
  diff_history_timestamps? [number] | Unix time in milliseconds.
EditorModelWindow request
  lines? [string]
  start_line_number? int32
  end_line_number? int32
EditorChangeRange request
  start_line_number? int32
  start_column? int32
  end_line_number? int32
  end_column? int32
EditorBlockChange request
  text? string
  range? EditorChangeRange
EditorBlockDiffPatch request
  start_model_window? EditorModelWindow
  changes? [EditorBlockChange]
  relative_path? string
  model_uuid? string
  start_from_change_index? int32
EditorParameterHint request
  label? string
  documentation? string
EditorLspPosition request
  line? int32
  character? int32
EditorLspRange request
  start_line? int32
  start_character? int32
  end_line? int32
  end_character? int32
EditorLspContextItem request
  uri? string
  type? string
  content? string
  range? EditorLspRange
EditorLspContext request
  uri? string
  symbol_name? string
  positions? [EditorLspPosition]
  context_items? [EditorLspContextItem]
  score? number
EditorIntentInfo request
  source? 'line_change'|'typing'|'option_hold'|'linter_errors'|'parameter_hints'|'cursor_prediction'|'manual_trigger'|'editor_change'|'lsp_suggestions'
EditorLineRange request
  start_line_number? int32
  end_line_number_inclusive? int32
EditorAdditionalFile request
  relative_workspace_path? string
  is_open? bool
  visible_range_content? [string]
  last_viewed_at? number
  start_line_number_one_indexed? [int32]
  visible_ranges? [EditorLineRange]
EditorUpdateRange request
  start_line_number? int32
  start_column? int32
  end_line_number_inclusive? int32
  end_column? int32
EditorFileUpdate request
  start_position? int32
  end_position? int32
  change_length? int32
  replaced_string? string
  range? EditorUpdateRange
EditorFileSyncUpdate request
  model_version? int32
  relative_workspace_path? string
  updates? [EditorFileUpdate]
  expected_file_length? int32
EditorLspSuggestion request
  label? string
EditorLspSuggestedItems request
  suggestions? [EditorLspSuggestion]
EditorSignatures request
  ranges? [EditorRange]
EditorDetailedLine request
  text? string
  line_number? number
  is_signature? bool
EditorCodeBlock request
  relative_workspace_path? string
  file_contents? string
  file_contents_length? int32
  range? EditorRange
  contents? string
  signatures? EditorSignatures
  override_contents? string
  original_contents? string
  detailed_lines? [EditorDetailedLine]
  file_git_context? EditorFileGit
EditorCodeResult request
  code_block? EditorCodeBlock
  score? number
EditorCompletionRequest request | What is to be completed. Any field may be left out.
  current_file? EditorCurrentFile
  diff_history? [string]
  model_name? string | One of `/cpp/models`.
  linter_errors? EditorLinterErrors
  context_items? [EditorContextItem]
  diff_history_keys? [string]
  give_debug_output? bool
  file_diff_histories? [EditorFileDiffHistory]
  merged_diff_histories? [EditorFileDiffHistory]
  block_diff_patches? [EditorBlockDiffPatch]
  is_nightly? bool
  is_debug? bool
  immediately_ack? bool
  enable_more_context? bool
  parameter_hints? [EditorParameterHint]
  lsp_contexts? [EditorLspContext]
  cpp_intent_info? EditorIntentInfo
  workspace_id? string
  additional_files? [EditorAdditionalFile]
  control_token? 'quiet'|'loud'|'op'
  client_time? number | Unix time in milliseconds.
  filesync_updates? [EditorFileSyncUpdate]
  time_since_request_start? number
  time_at_request_send? number
  client_timezone_offset? number
  lsp_suggested_items? EditorLspSuggestedItems
  supports_cpt? bool
  supports_crlf_cpt? bool
  code_results? [EditorCodeResult]
EditorCompletionConfigQuery request
  is_nightly? bool
  model? string | One of `/cpp/models`.
  supports_cpt? bool
EditorFileUpload request | A file as the editor has it.
  uuid? string
  relative_workspace_path? string
  contents? string
  model_version? int32
  sha256_hash? string
EditorFileSync request | What changed in a file that was uploaded.
  uuid? string
  relative_workspace_path? string
  model_version? int32
  filesync_updates? [EditorFileSyncUpdate]
  sha256_hash? string
"#;

pub(super) const ANSWERS: &str = r#"
EditorConfig answer | How the editor is to complete.
  above_radius? int32
  below_radius? int32
  merge_behavior? EditorMerge
  is_on? bool
  is_ghost_text? bool
  should_let_user_enable_cpp_even_if_not_pro? bool
  heuristics ['lots_of_added_text'|'duplicating_line_after_suggestion'|'duplicating_multiple_lines_after_suggestion'|'reverting_user_change'|'output_extends_beyond_range_and_is_repeated'|'suggesting_recently_rejected_edit']
  exclude_recently_viewed_files_patterns [string]
  enable_rvf_tracking bool
  global_debounce_duration_millis int32
  client_debounce_duration_millis int32
  cpp_url string
  use_whitespace_diff_history bool
  import_prediction_config EditorImports
  enable_filesync_debounce_skipping bool
  check_filesync_hash_percent number
  geo_cpp_backend_url string
  recently_rejected_edit_thresholds? EditorThresholds
  is_fused_cursor_prediction_model bool
  include_unchanged_lines bool
  should_fetch_rvf_text bool
  max_number_of_cleared_suggestions_since_last_accept? int32
  suggestion_hint_config? EditorHints
EditorMerge answer
  type string
  limit? int32
  radius? int32
EditorImports answer
  is_disabled_by_backend bool
  should_turn_on_automatically bool
  python_enabled bool
EditorThresholds answer
  hard_reject_threshold int32
  soft_reject_threshold int32
EditorHints answer
  important_lsp_extensions [string]
  enabled_for_path_extensions [string]
EditorModels answer
  models [string]
  default_model? string
EditorOutcome answer
  error 'unspecified'|'non_existant'|'hash_mismatch' | `unspecified` when all went well; otherwise the file must be uploaded again.
EditorEvent answer | An event of a completion; `event:` repeats its type.
  type 'model_info'|'range_replace'|'text'|'cursor_prediction'|'done_edit'|'begin_edit'|'done_stream'|'debug'|'error'|'stream_end'
  is_fused_cursor_prediction_model? bool | Of `model_info`.
  is_multidiff_model? bool
  start_line_number? int32 | Of `range_replace`, counted from 1.
  end_line_number_inclusive? int32
  binding_id? string
  should_remove_leading_eol? bool
  text? string | Of `text`: to be added to what came before.
  relative_path? string | Of `cursor_prediction`.
  line_number_one_indexed? int32
  expected_content? string
  should_retrigger_cpp? bool
  model_input? string | Of `debug`.
  model_output? string
  stream_time? string
  total_time? string
  ttft_time? string
  server_timing? string
  error? EditorErrorInside | Of `error`.
"#;
