//! What the description says of requests is what is understood.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use server::{Applied, ROUTES, openapi_document};

use super::Description;
use crate::rig::{ADMIN, Rig};

const EDITOR: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// Requests of real clients, by folder and beginning of the name.
const RECORDED: &[(&str, &str, &str)] = &[
    ("openai_chat", "request-", "/v1/chat/completions"),
    ("openai_completions", "request-", "/v1/completions"),
    ("openai_responses", "request-", "/v1/responses"),
    ("anthropic", "request-", "/v1/messages"),
    ("anthropic", "count-", "/v1/messages/count_tokens"),
    ("editor", "request-config", "/cpp/config"),
    ("editor", "request-stream", "/cpp/stream"),
    ("editor", "request-sync", "/file/sync"),
    ("editor", "request-upload", "/file/upload"),
];

fn files(folder: &str, start: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/clients").join(folder);
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let named = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(start) && name.ends_with(".json")
    };
    paths.filter(named).collect()
}

#[test]
fn recorded_requests_are_as_described() {
    let description = Description::open();
    for (folder, start, path) in RECORDED {
        let files = files(folder, start);
        assert!(!files.is_empty(), "{folder}/{start}*");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("read");
            let request: Value = serde_json::from_str(&text).expect("JSON");
            let mistakes = description.mistakes(description.body(path), &request);
            assert!(mistakes.is_empty(), "{}: {mistakes:#?}", file.display());
        }
    }
}

/// A request that has every field of the editor's API has no field that is not described.
#[test]
fn every_field_of_an_editor_is_described() {
    let description = Description::strict();
    for (name, path) in [
        ("request-stream-full", "/cpp/stream"),
        ("request-sync", "/file/sync"),
        ("request-upload", "/file/upload"),
    ] {
        let file = files("editor", name).remove(0);
        let text = std::fs::read_to_string(file).expect("read");
        let request: Value = serde_json::from_str(&text).expect("JSON");
        let mistakes = description.mistakes(description.body(path), &request);
        assert!(mistakes.is_empty(), "{name}: {mistakes:#?}");
    }
}

/// The examples are taken, and no field of theirs is unknown.
#[tokio::test]
async fn examples_are_understood() {
    let rig = Rig::new().await;
    let applied = Applied { changed: true, ..Applied::default() };
    rig.app.set_configured(super::own::configured(Ok(applied)));
    let strict = Description::strict();
    for route in ROUTES.iter().filter(|route| route.reads_body) {
        let path = route.path;
        let operation = &openapi_document()["paths"][path]["post"];
        let content = &operation["requestBody"]["content"];
        if let Some(text) = content["text/plain"]["example"].as_str() {
            let headers = [("x-api-key", ADMIN), ("x-config-hash", "abc")];
            let answer = rig.call("POST", path, &headers, text).await;
            strict.check("POST", path, &answer);
            assert_eq!(answer.status, 204, "{path}: {answer:?}");
            continue;
        }
        let example = &content["application/json"]["example"];
        let mistakes = strict.mistakes(strict.body(path), example);
        assert!(mistakes.is_empty(), "{path}: {mistakes:#?}");
        let answer = rig.post_with(path, &[("x-client-key", EDITOR)], example).await;
        strict.check("POST", path, &answer);
        assert_eq!(answer.header("x-ignored-fields"), None, "{path}: {answer:?}");
        // Those with a made-up token, key or login are understood and then refused for that.
        let made_up = ["/token-profile/get", "/config-version/get", "/token-upgrade", "/build-key"];
        assert!(answer.status != 400 || made_up.contains(&path), "{path}: {answer:?}");
    }
}

/// A value that fits a schema.
fn filled(schema: &Value, depth: usize) -> Value {
    if let Some(pointer) = schema["$ref"].as_str() {
        let target = openapi_document().pointer(&pointer[1..]).expect("there");
        return if depth > 6 { json!({}) } else { filled(target, depth + 1) };
    }
    for key in ["anyOf", "enum"] {
        if let Some(first) = schema[key].as_array().and_then(|list| list.first()) {
            return if key == "enum" { first.clone() } else { filled(first, depth) };
        }
    }
    if !schema["const"].is_null() {
        return schema["const"].clone();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => {
            let properties = schema["properties"].as_object().cloned().unwrap_or_default();
            let fill = |(name, schema): (String, Value)| (name, filled(&schema, depth));
            Value::Object(properties.into_iter().map(fill).collect())
        }
        Some("array") => match schema["prefixItems"].as_array() {
            Some(parts) => parts.iter().map(|part| filled(part, depth)).collect(),
            None if depth > 6 => json!([]),
            None => json!([filled(&schema["items"], depth + 1)]),
        },
        Some("integer") => json!(schema["minimum"].as_i64().unwrap_or(1).max(1)),
        Some("number") => json!(1.5),
        Some("boolean") => json!(false),
        Some("string") => match schema["format"].as_str() {
            Some("uuid") => json!("0f0e0d0c-0b0a-4908-8706-050403020100"),
            Some("date-time") => json!("2027-01-31T12:00:00Z"),
            _ if schema["pattern"].is_string() => json!(EDITOR),
            _ => json!("x"),
        },
        _ => Value::Null,
    }
}

/// No field is described that is not known: of the gateway's own endpoints, the body with all of
/// them is either answered, or refused for what a field holds.
#[tokio::test]
async fn described_fields_are_known() {
    let rig = Rig::new().await;
    let mut answered = 0;
    for route in ROUTES.iter().filter(|route| route.reads_body) {
        let operation = &openapi_document()["paths"][route.path]["post"];
        let Some(media) = operation["requestBody"]["content"].get("application/json") else {
            continue;
        };
        let schema = &media["schema"];
        let answer = rig.post(route.path, &filled(schema, 0)).await;
        let names = answer.header("x-ignored-fields").unwrap_or_default();
        let own = !route.path.starts_with("/v1/") && !route.path.starts_with("/cpp/");
        assert!(!own || names.is_empty(), "{}: {names}", route.path);
        answered += u32::from(own && answer.status == 200);
    }
    assert!(answered >= 15, "{answered}");
}
