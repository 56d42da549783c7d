//! The golden vectors of both notes: requests to the byte, answers to the event.

use std::collections::VecDeque;

use conversation::completion::{
    CompletionConfigQuery, CompletionEvent, CompletionRequest, FileSync, FileSyncOutcome,
    FileUpload, Heuristic,
};
use cursor_proto::Message;
use cursor_proto::aiserver as wire;
use serde_json::{Value, json};

use super::neutral::Neutral;
use crate::completion::{config, events, request, sync};

const CPP: &str = include_str!("../../../../../fixtures/vectors/cpp.json");
const FILESYNC: &str = include_str!("../../../../../fixtures/vectors/filesync.json");

fn vectors(text: &str) -> Vec<Value> {
    let file: Value = serde_json::from_str(text).expect("fixture");
    file["vectors"].as_array().expect("vectors").clone()
}

fn of_type(text: &str, kind: &str) -> Vec<Value> {
    let kind = format!("aiserver.v1.{kind}");
    vectors(text).into_iter().filter(|vector| vector["message_type"] == kind.as_str()).collect()
}

fn bytes(vector: &Value) -> Vec<u8> {
    hex::decode(vector["hex"].as_str().expect("hex")).expect("hex")
}

fn decode<M: Message + Default>(vector: &Value) -> M {
    M::decode_from_slice(&bytes(vector)).expect("the vector decodes")
}

#[test]
fn completion_requests_are_those_of_the_vectors() {
    let all = of_type(CPP, "StreamCppRequest");
    assert_eq!(all.len(), 6);
    for mut vector in all {
        let name = vector["name"].clone();
        let mut wanted: wire::StreamCppRequest = decode(&vector);
        // The file goes along whether anything is known of it or not.
        wanted.current_file.get_or_insert_default();
        // Notebook cells are no part of the document.
        wanted.current_file.modify(|file| file.cell_start_lines.clear());
        let file = vector["json"].get_mut("current_file").and_then(Value::as_object_mut);
        file.map(|file| file.remove("cell_start_lines"));
        let value = CompletionRequest::from_json(&vector["json"]);
        let encoded = request::request(&value).encode_to_vec();
        assert_eq!(hex::encode(encoded), hex::encode(wanted.encode_to_vec()), "{name}");
        if name == "stream_cpp_request_small" || name == "stream_cpp_request_filesync" {
            assert_eq!(wanted.encode_to_vec(), bytes(&vector), "{name}");
        }
    }
}

#[test]
fn file_requests_and_the_question_for_settings_are_those_of_the_vectors() {
    let mut checked = 0;
    let mut check = |vector: &Value, encoded: Vec<u8>| {
        assert_eq!(hex::encode(encoded), hex::encode(bytes(vector)), "{}", vector["name"]);
        checked += 1;
    };
    for vector in of_type(FILESYNC, "FSUploadFileRequest") {
        let upload = FileUpload::from_json(&vector["json"]);
        check(&vector, sync::upload(&upload).encode_to_vec());
    }
    for vector in of_type(FILESYNC, "FSSyncFileRequest") {
        let changes = FileSync::from_json(&vector["json"]);
        check(&vector, sync::sync(&changes).encode_to_vec());
    }
    for vector in of_type(CPP, "CppConfigRequest") {
        let query = CompletionConfigQuery::from_json(&vector["json"]);
        check(&vector, config::query(&query).encode_to_vec());
    }
    assert_eq!(checked, 3 + 4 + 1);
}

#[test]
fn outcomes_of_uploads_and_syncs_are_told_apart() {
    let outcome = |vector: &Value| {
        FileSyncOutcome::ALL.into_iter().find(|outcome| {
            let name = vector["name"].as_str().expect("a name");
            name.ends_with(outcome.name())
                || (*outcome == FileSyncOutcome::Ok && name.ends_with("_ok"))
        })
    };
    let uploads = of_type(FILESYNC, "FSUploadFileResponse");
    let syncs = of_type(FILESYNC, "FSSyncFileResponse");
    assert_eq!((uploads.len(), syncs.len()), (3, 3));
    for vector in &uploads {
        let answer: wire::FSUploadFileResponse = decode(vector);
        assert_eq!(sync::uploaded(answer.error).ok(), outcome(vector), "{}", vector["name"]);
    }
    for vector in &syncs {
        let answer: wire::FSSyncFileResponse = decode(vector);
        assert_eq!(sync::synced(answer.error).ok(), outcome(vector), "{}", vector["name"]);
    }
    let odd = wire::FSSyncFileResponse::decode_from_slice(&[8, 9]).expect("decodes");
    let error = sync::synced(odd.error).expect_err("no outcome that we know");
    assert!(error.to_string().contains("unknown outcome 9"), "{error}");
    let odd = wire::FSUploadFileResponse::decode_from_slice(&[8, 3]).expect("decodes");
    sync::uploaded(odd.error).expect_err("no outcome that we know");
}

#[test]
fn settings_say_what_the_vector_says() {
    let vectors = of_type(CPP, "CppConfigResponse");
    let [vector] = &vectors[..] else { panic!("one vector") };
    let config = config::config(decode(vector));
    assert_eq!((config.above_radius, config.below_radius), (Some(1), Some(2)));
    let merge = config.merge_behavior.expect("set");
    assert_eq!((merge.kind.as_str(), merge.limit, merge.radius), ("none", Some(3), Some(4)));
    assert_eq!((config.is_on, config.is_ghost_text), (Some(true), Some(true)));
    assert_eq!(config.should_let_user_enable_cpp_even_if_not_pro, Some(true));
    assert_eq!(config.heuristics, Heuristic::ALL);
    assert_eq!(config.exclude_recently_viewed_files_patterns, [".env", ".pem"]);
    assert!(config.enable_rvf_tracking && config.use_whitespace_diff_history);
    assert_eq!(config.global_debounce_duration_millis, 70);
    assert_eq!(config.client_debounce_duration_millis, 50);
    assert_eq!(config.cpp_url, "https://api3.cursor.sh");
    let import = config.import_prediction_config.expect("set");
    assert!(import.should_turn_on_automatically);
    assert!(!import.is_disabled_by_backend && !import.python_enabled);
    assert_eq!(config.check_filesync_hash_percent, 0.005);
    assert_eq!(config.geo_cpp_backend_url, "https://us-eu.gcpp.cursor.sh");
    let thresholds = config.recently_rejected_edit_thresholds.expect("set");
    assert_eq!(thresholds.hard_reject_threshold, 2);
    assert_eq!(thresholds.soft_reject_threshold, 5);
    assert!(config.is_fused_cursor_prediction_model);
    assert!(!config.enable_filesync_debounce_skipping);
    assert!(!config.include_unchanged_lines && !config.should_fetch_rvf_text);
    assert_eq!(config.max_number_of_cleared_suggestions_since_last_accept, Some(20));
    let hints = config.suggestion_hint_config.expect("set");
    assert_eq!(hints.important_lsp_extensions, ["golang.go"]);
    assert_eq!(hints.enabled_for_path_extensions, [".go", ".rs"]);
}

/// Filters that an editor could not apply are left out; the others stay.
#[test]
fn an_unknown_filter_is_left_out() {
    let answer = wire::CppConfigResponse::decode_from_slice(&[0x42, 3, 0, 99, 4]).expect("decodes");
    assert_eq!(config::config(answer).heuristics, [Heuristic::RevertingUserChange]);
}

#[test]
fn every_message_of_the_stream_gives_the_events_of_its_vector() {
    let all = of_type(CPP, "StreamCppResponse");
    assert_eq!(all.len(), 11);
    for vector in all {
        let mut found = VecDeque::new();
        events::events(decode(&vector), &mut found);
        let found: Vec<Value> = found.into_iter().map(told).collect();
        assert_eq!(Value::from(found), vector["gateway_events"], "{}", vector["name"]);
    }
}

/// The event as the document has it.
fn told(event: CompletionEvent) -> Value {
    let mut object = match event {
        CompletionEvent::ModelInfo { is_fused_cursor_prediction_model, is_multidiff_model } => {
            json!({
                "type": "model_info",
                "is_fused_cursor_prediction_model": is_fused_cursor_prediction_model,
                "is_multidiff_model": is_multidiff_model,
            })
        }
        CompletionEvent::RangeReplace {
            start_line_number,
            end_line_number_inclusive,
            binding_id,
            should_remove_leading_eol,
        } => json!({
            "type": "range_replace",
            "start_line_number": start_line_number,
            "end_line_number_inclusive": end_line_number_inclusive,
            "binding_id": binding_id,
            "should_remove_leading_eol": should_remove_leading_eol,
        }),
        CompletionEvent::Text(text) => json!({ "type": "text", "text": text }),
        CompletionEvent::CursorPrediction {
            relative_path,
            line_number_one_indexed,
            expected_content,
            should_retrigger_cpp,
            binding_id,
        } => json!({
            "type": "cursor_prediction",
            "relative_path": relative_path,
            "line_number_one_indexed": line_number_one_indexed,
            "expected_content": expected_content,
            "should_retrigger_cpp": should_retrigger_cpp,
            "binding_id": binding_id,
        }),
        CompletionEvent::DoneEdit => json!({ "type": "done_edit" }),
        CompletionEvent::BeginEdit => json!({ "type": "begin_edit" }),
        CompletionEvent::DoneStream => json!({ "type": "done_stream" }),
        CompletionEvent::Debug {
            model_input,
            model_output,
            stream_time,
            total_time,
            ttft_time,
            server_timing,
        } => json!({
            "type": "debug",
            "model_input": model_input,
            "model_output": model_output,
            "stream_time": stream_time,
            "total_time": total_time,
            "ttft_time": ttft_time,
            "server_timing": server_timing,
        }),
    };
    object.as_object_mut().expect("an object").retain(|_, value| !value.is_null());
    object
}
