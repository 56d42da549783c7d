//! The bodies that answer an editor: settings, models, outcomes and errors.

use std::time::Duration;

use conversation::completion::{
    CompletionConfig, CompletionModels, FileSyncOutcome, Heuristic, ImportPrediction,
    MergeBehavior, RejectedEditThresholds, SuggestionHints,
};
use conversation::{Failure, FailureClass, Retry};
use dialects::editor::{config_body, error_body, models_body, outcome_body};
use insta::assert_snapshot;
use serde_json::Value;

fn string(body: Vec<u8>) -> String {
    String::from_utf8(body).expect("UTF-8")
}

#[test]
fn an_error_body_has_the_shape_of_the_event() {
    let named = Failure::invalid("current_file.diagnostics[2].severity", "Not \"this\".");
    assert_snapshot!(string(error_body(&named, 400)), @r#"{"error":{"code":400,"type":"invalid_request_error","details":{"title":"Invalid request","detail":"Not \"this\".","additional_info":{"param":"current_file.diagnostics[2].severity"}}}}"#);
    let busy = Failure::new(FailureClass::Busy, "Later.")
        .retry(Retry::After(Duration::from_millis(2100)))
        .log("secret detail");
    assert_snapshot!(string(error_body(&busy, 429)), @r#"{"error":{"code":429,"type":"requests","details":{"title":"Too many requests","detail":"Later.","additional_info":{"code":"rate_limit_exceeded","retry_after_seconds":"3"}}}}"#);
}

#[test]
fn every_class_has_its_title() {
    let classes = [
        FailureClass::Invalid,
        FailureClass::ContextTooLong,
        FailureClass::Unauthenticated,
        FailureClass::Forbidden,
        FailureClass::UnknownModel,
        FailureClass::NotFound,
        FailureClass::TooLarge,
        FailureClass::Quota,
        FailureClass::Busy,
        FailureClass::Overloaded,
        FailureClass::AccountRejected,
        FailureClass::Refused,
        FailureClass::UpstreamFailed,
        FailureClass::Timeout,
        FailureClass::Internal,
    ];
    let mut titles: Vec<String> = Vec::new();
    for class in classes {
        let body = error_body(&Failure::new(class, "x"), 499);
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(body["error"]["code"], 499);
        assert!(body["error"]["type"].as_str().is_some_and(|kind| !kind.is_empty()));
        let title = body["error"]["details"]["title"].to_string();
        assert!(!titles.contains(&title), "{title} twice");
        titles.push(title);
    }
}

#[test]
fn settings_have_every_documented_field() {
    let config = CompletionConfig {
        above_radius: Some(1),
        below_radius: Some(2),
        merge_behavior: Some(MergeBehavior {
            kind: "none".into(),
            limit: Some(3),
            radius: Some(4),
        }),
        is_on: Some(true),
        is_ghost_text: Some(true),
        should_let_user_enable_cpp_even_if_not_pro: Some(true),
        heuristics: Heuristic::ALL.to_vec(),
        exclude_recently_viewed_files_patterns: vec![".env".into()],
        enable_rvf_tracking: true,
        global_debounce_duration_millis: 70,
        client_debounce_duration_millis: 50,
        cpp_url: "https://api3.example".into(),
        use_whitespace_diff_history: true,
        import_prediction_config: Some(ImportPrediction {
            is_disabled_by_backend: false,
            should_turn_on_automatically: true,
            python_enabled: true,
        }),
        enable_filesync_debounce_skipping: true,
        check_filesync_hash_percent: 0.005,
        geo_cpp_backend_url: "https://eu.example".into(),
        recently_rejected_edit_thresholds: Some(RejectedEditThresholds {
            hard_reject_threshold: 2,
            soft_reject_threshold: 5,
        }),
        is_fused_cursor_prediction_model: true,
        include_unchanged_lines: true,
        should_fetch_rvf_text: true,
        max_number_of_cleared_suggestions_since_last_accept: Some(20),
        suggestion_hint_config: Some(SuggestionHints {
            important_lsp_extensions: vec!["golang.go".into()],
            enabled_for_path_extensions: vec![".go".into(), ".rs".into()],
        }),
    };
    assert_snapshot!(string(config_body(&config)), @r#"{"above_radius":1,"below_radius":2,"merge_behavior":{"type":"none","limit":3,"radius":4},"is_on":true,"is_ghost_text":true,"should_let_user_enable_cpp_even_if_not_pro":true,"heuristics":["lots_of_added_text","duplicating_line_after_suggestion","duplicating_multiple_lines_after_suggestion","reverting_user_change","output_extends_beyond_range_and_is_repeated","suggesting_recently_rejected_edit"],"exclude_recently_viewed_files_patterns":[".env"],"enable_rvf_tracking":true,"global_debounce_duration_millis":70,"client_debounce_duration_millis":50,"cpp_url":"https://api3.example","use_whitespace_diff_history":true,"import_prediction_config":{"is_disabled_by_backend":false,"should_turn_on_automatically":true,"python_enabled":true},"enable_filesync_debounce_skipping":true,"check_filesync_hash_percent":0.005,"geo_cpp_backend_url":"https://eu.example","recently_rejected_edit_thresholds":{"hard_reject_threshold":2,"soft_reject_threshold":5},"is_fused_cursor_prediction_model":true,"include_unchanged_lines":true,"should_fetch_rvf_text":true,"max_number_of_cleared_suggestions_since_last_accept":20,"suggestion_hint_config":{"important_lsp_extensions":["golang.go"],"enabled_for_path_extensions":[".go",".rs"]}}"#);
    assert_snapshot!(string(config_body(&CompletionConfig::default())), @r#"{"heuristics":[],"exclude_recently_viewed_files_patterns":[],"enable_rvf_tracking":false,"global_debounce_duration_millis":0,"client_debounce_duration_millis":0,"cpp_url":"","use_whitespace_diff_history":false,"import_prediction_config":{"is_disabled_by_backend":false,"should_turn_on_automatically":false,"python_enabled":false},"enable_filesync_debounce_skipping":false,"check_filesync_hash_percent":0.0,"geo_cpp_backend_url":"","is_fused_cursor_prediction_model":false,"include_unchanged_lines":false,"should_fetch_rvf_text":false}"#);
    let strange =
        CompletionConfig { check_filesync_hash_percent: f32::NAN, ..CompletionConfig::default() };
    assert_eq!(config_body(&strange), config_body(&CompletionConfig::default()));
}

#[test]
fn models_and_outcomes_have_the_documents_words() {
    let models = CompletionModels {
        models: vec!["auto".into(), "fast".into()],
        default_model: Some("fast".into()),
    };
    assert_eq!(
        string(models_body(&models)),
        r#"{"models":["auto","fast"],"default_model":"fast"}"#
    );
    assert_eq!(string(models_body(&CompletionModels::default())), r#"{"models":[]}"#);
    for (outcome, word) in [
        (FileSyncOutcome::Ok, "unspecified"),
        (FileSyncOutcome::NonExistent, "non_existant"),
        (FileSyncOutcome::HashMismatch, "hash_mismatch"),
    ] {
        assert_eq!(string(outcome_body(outcome)), format!(r#"{{"error":"{word}"}}"#));
    }
}
