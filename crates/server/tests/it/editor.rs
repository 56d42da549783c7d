//! Code completion and file sync for editors, with the shapes of `spec/v0.4-readme.md`.

mod accounts;
mod cancel;
mod changes;
mod files;
mod regions;
mod requests;
mod stream;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::rig::{Answer, Rig};

/// An editor's `x-client-key`.
const EDITOR: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const KNOWN: [(&str, &str); 1] = [("x-client-key", EDITOR)];

const UPLOAD: &str = "/aiserver.v1.FileSyncService/FSUploadFile";
const SYNC: &str = "/aiserver.v1.FileSyncService/FSSyncFile";
const STREAM: &str = "/aiserver.v1.AiService/StreamCpp";

const UUID: &str = "6f1c3c0a-0000-4000-8000-000000000001";
const PATH: &str = "src/a.rs";

fn hash(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn upload(text: &str, version: i32) -> Value {
    json!({"uuid": UUID, "relative_workspace_path": PATH, "contents": text,
        "model_version": version, "sha256_hash": hash(text)})
}

/// One replacement, which makes `after` of the text.
fn sync(version: i32, (start, end): (usize, usize), new: &str, after: &str) -> Value {
    let range = json!({"start_line_number": 1, "start_column": 1,
        "end_line_number_inclusive": 1, "end_column": 1});
    let update = json!({"start_position": start, "end_position": end,
        "change_length": units(new), "replaced_string": new, "range": range});
    let updates = json!([{"model_version": version, "relative_workspace_path": PATH,
        "updates": [update], "expected_file_length": units(after)}]);
    json!({"uuid": UUID, "relative_workspace_path": PATH, "model_version": version,
        "filesync_updates": updates, "sha256_hash": hash(after)})
}

/// A request for a completion at a place of a text.
fn about(text: &str, line: usize, column: usize) -> Value {
    let place = json!({"line": line, "column": column});
    json!({
        "current_file": {
            "relative_workspace_path": PATH, "contents": text, "rely_on_filesync": false,
            "top_chunks": [], "contents_start_at_line": 0, "cursor_position": place,
            "dataframes": [], "total_number_of_lines": text.lines().count(),
            "language_id": "rust", "selection": {"start_position": place, "end_position": place},
            "diagnostics": [], "workspace_root_path": "/work", "line_ending": "\n"
        },
        "diff_history": [], "model_name": "fast", "context_items": [], "diff_history_keys": [],
        "file_diff_histories": [], "merged_diff_histories": [], "block_diff_patches": [],
        "parameter_hints": [], "lsp_contexts": [], "additional_files": [],
        "filesync_updates": [], "code_results": [],
        "time_since_request_start": 0.5, "time_at_request_send": 1.76e12
    })
}

/// The same for the synced copy.
fn synced(version: i32, after: &str, line: usize, column: usize) -> Value {
    let mut body = about("", line, column);
    body["current_file"]["rely_on_filesync"] = json!(true);
    body["current_file"]["file_version"] = json!(version);
    body["current_file"]["sha_256_hash"] = json!(hash(after));
    body
}

async fn outcome(rig: &Rig, path: &str, body: &Value) -> String {
    let answer = rig.post_with(path, &KNOWN, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let json = answer.json();
    assert_eq!(json.as_object().expect("an object").len(), 1, "{json}");
    json["error"].as_str().expect("text").to_owned()
}

async fn complete(rig: &Rig, body: &Value) -> Answer {
    rig.post_with("/cpp/stream", &KNOWN, body).await
}

/// The events of a stream that is well formed and ends as it must.
#[track_caller]
fn events(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    let blocks = answer.text.strip_suffix("\n\n").expect("whole events").split("\n\n");
    let mut events: Vec<Value> = Vec::new();
    for block in blocks {
        let (name, data) = block.split_once('\n').expect("two lines");
        let name = name.strip_prefix("event: ").expect("a name");
        let data = data.strip_prefix("data: ").expect("data");
        let event: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(event["type"], name, "{block}");
        assert!(events.last().is_none_or(|last| last["type"] != "stream_end"), "{answer:?}");
        events.push(event);
    }
    assert_eq!(events.last(), Some(&json!({"type": "stream_end"})), "{answer:?}");
    events
}

/// The kinds of the events, each run of texts as one.
fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = events.iter().filter_map(|event| event["type"].as_str()).collect();
    kinds.dedup_by(|a, b| *a == "text" && *b == "text");
    kinds
}

/// All texts together.
fn text(events: &[Value]) -> String {
    events.iter().filter_map(|event| event["text"].as_str()).collect()
}

/// Users of the calls of a path so far.
fn users(rig: &Rig, path: &str) -> Vec<String> {
    let calls = rig.control.calls().into_iter().filter(|call| call.path == path);
    calls.map(|call| call.user.unwrap_or_default()).collect()
}
