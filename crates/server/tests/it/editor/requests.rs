//! Who may ask, what is refused, what is left out.

use serde_json::{Value, json};

use super::{KNOWN, about, upload};
use crate::rig::{Rig, SHARED};

const PATHS: [&str; 5] =
    ["/cpp/config", "/cpp/models", "/cpp/stream", "/file/upload", "/file/sync"];

#[tokio::test]
async fn without_a_key_nothing_is_told() {
    let rig = Rig::new().await;
    for path in PATHS {
        for headers in [&[][..], &[("authorization", "Bearer sk-wrong")], &[("authorization", "")]]
        {
            let answer = rig.call("POST", path, headers, "{").await;
            assert_eq!(answer.status, 401, "{path} {answer:?}");
            let error = &answer.json()["error"];
            assert_eq!(error["code"], 401, "{path}");
            assert!(error["type"].is_string() && error["details"]["title"].is_string(), "{error}");
        }
        let bearer = format!("Bearer {SHARED}");
        let answer = rig.call("GET", path, &[("authorization", &bearer)], "").await;
        assert_eq!((answer.status, &answer.json()["error"]["code"]), (405, &json!(405)), "{path}");
    }
    assert!(rig.control.calls().iter().all(|call| !call.path.contains("Cpp")));
}

#[tokio::test]
async fn files_need_the_key_of_their_editor() {
    let rig = Rig::new().await;
    let short = &"0".repeat(63);
    let odd = &format!("{}g", "0".repeat(63));
    for path in ["/file/upload", "/file/sync", "/cpp/stream"] {
        let given = [None, Some(""), Some("abc"), Some(short), Some(odd)];
        for key in given.into_iter().skip(usize::from(path == "/cpp/stream")) {
            let headers = key.map(|key| ("x-client-key", key));
            let answer = rig.post_with(path, headers.as_slice(), &upload("a", 1)).await;
            assert_eq!(answer.status, 400, "{path} {key:?} {answer:?}");
            let details = &answer.json()["error"]["details"];
            assert_eq!(details["additional_info"]["param"], "x-client-key", "{details}");
            assert!(key.is_none_or(|key| key.is_empty() || !answer.text.contains(key)));
        }
    }
    let answer = rig.post("/cpp/stream", &about("f(", 0, 2)).await;
    assert_eq!(answer.status, 200, "who says nothing of files needs none: {answer:?}");
}

#[tokio::test]
async fn errors_name_the_field_with_its_path() {
    let rig = Rig::new().await;
    let mut severity = about("a", 0, 0);
    severity["current_file"]["diagnostics"] = json!([{"message": "m", "severity": "error",
        "range": {"start_position": {"line": 0, "column": 0}}, "related_information": []},
        {"severity": "fatal"}]);
    let mut source = about("a", 0, 0);
    source["cpp_intent_info"] = json!({"source": "telepathy"});
    let mut column = about("a", 0, 0);
    column["current_file"]["cursor_position"]["column"] = json!("1");
    let mut update = super::sync(1, (0, 1), "b", "b");
    update["filesync_updates"][0]["updates"][0]["end_position"] = json!(1.5);
    let cases: [(&str, Value, &str); 6] = [
        ("/cpp/stream", severity, "current_file.diagnostics[1].severity"),
        ("/cpp/stream", source, "cpp_intent_info.source"),
        ("/cpp/stream", column, "current_file.cursor_position.column"),
        ("/file/sync", update, "filesync_updates[0].updates[0].end_position"),
        ("/file/upload", json!({"contents": 7}), "contents"),
        ("/cpp/config", json!({"supports_cpt": "yes"}), "supports_cpt"),
    ];
    for (path, body, field) in cases {
        let answer = rig.post_with(path, &KNOWN, &body).await;
        assert_eq!(answer.status, 400, "{path} {answer:?}");
        let error = &answer.json()["error"];
        assert_eq!(error["details"]["additional_info"]["param"], field, "{error}");
        assert!(error["details"]["detail"].as_str().expect("text").contains(field), "{error}");
        assert_eq!(
            (&error["code"], &error["type"]),
            (&json!(400), &json!("invalid_request_error"))
        );
    }
    for body in ["", "[]", "{", "null", "{} {}"] {
        let bearer = format!("Bearer {SHARED}");
        let headers = [("authorization", bearer.as_str()), KNOWN[0]];
        let answer = rig.call("POST", "/cpp/stream", &headers, body).await;
        assert_eq!(answer.status, 400, "{body:?} {answer:?}");
    }
    assert!(super::users(&rig, super::STREAM).is_empty());
}

#[tokio::test]
async fn what_has_no_effect_is_told() {
    let rig = Rig::new().await;
    let mut body = about("f(", 0, 2);
    body["colour"] = json!("red");
    body["current_file"]["file_git_context"] = json!({"commits": []});
    body["current_file"]["diagnostics"] = json!([{"message": "m", "mood": 1}, {"mood": 2}]);
    body["current_file"]["nothing"] = Value::Null;
    let answer = super::complete(&rig, &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let ignored = answer.header("x-ignored-fields").expect("told");
    for name in ["colour", "current_file.file_git_context", "current_file.diagnostics[].mood"] {
        assert!(ignored.contains(name), "{name}: {ignored}");
    }
    assert!(!ignored.contains("nothing"), "{ignored}");
    let mut body = upload("a", 1);
    body["colour"] = json!("red");
    let answer = rig.post_with("/file/upload", &KNOWN, &body).await;
    assert_eq!((answer.status, answer.header("x-ignored-fields")), (200, Some("colour")));
    let mut body = super::sync(2, (0, 1), "b", "b");
    body["filesync_updates"][0]["colour"] = json!("red");
    let answer = rig.post_with("/file/sync", &KNOWN, &body).await;
    assert_eq!(answer.header("x-ignored-fields"), Some("filesync_updates[].colour"));
    let answer = rig.post("/cpp/config", &json!({"model": "fast", "mood": "good"})).await;
    assert_eq!((answer.status, answer.header("x-ignored-fields")), (200, Some("mood")));
    let answer = super::complete(&rig, &about("f(", 0, 2)).await;
    assert_eq!(answer.header("x-ignored-fields"), None);
}

#[tokio::test]
async fn the_settings_of_an_editor_have_the_documented_shape() {
    let rig = Rig::new().await;
    let body = json!({"is_nightly": false, "model": "fast", "supports_cpt": true});
    let answer = rig.post("/cpp/config", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut config = answer.json();
    let url = config["cpp_url"].take();
    assert!(url.as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{url}");
    assert_eq!(config["geo_cpp_backend_url"].take(), url);
    let percent = config["check_filesync_hash_percent"].take().as_f64().expect("a number");
    assert!((percent - 0.005).abs() < 1e-9, "{percent}");
    let expected = json!({
        "above_radius": 1, "below_radius": 2,
        "merge_behavior": {"type": "none", "limit": 3, "radius": 4},
        "is_on": true, "is_ghost_text": true, "should_let_user_enable_cpp_even_if_not_pro": true,
        "heuristics": ["lots_of_added_text", "duplicating_line_after_suggestion",
            "duplicating_multiple_lines_after_suggestion", "reverting_user_change",
            "output_extends_beyond_range_and_is_repeated", "suggesting_recently_rejected_edit"],
        "exclude_recently_viewed_files_patterns": [".env", ".pem"],
        "enable_rvf_tracking": true, "global_debounce_duration_millis": 70,
        "client_debounce_duration_millis": 50, "cpp_url": null,
        "use_whitespace_diff_history": true,
        "import_prediction_config": {"is_disabled_by_backend": false,
            "should_turn_on_automatically": true, "python_enabled": false},
        "enable_filesync_debounce_skipping": false, "check_filesync_hash_percent": null,
        "geo_cpp_backend_url": null,
        "recently_rejected_edit_thresholds":
            {"hard_reject_threshold": 2, "soft_reject_threshold": 5},
        "is_fused_cursor_prediction_model": true, "include_unchanged_lines": false,
        "should_fetch_rvf_text": false, "max_number_of_cleared_suggestions_since_last_accept": 20,
        "suggestion_hint_config": {"important_lsp_extensions": ["golang.go"],
            "enabled_for_path_extensions": [".go", ".rs"]}
    });
    assert_eq!(config, expected);
    let answer = rig.post("/cpp/config", &json!({"model": "no-such-model-xyz"})).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (404, &json!(404)), "{answer:?}");
}

#[tokio::test]
async fn the_models_need_no_body() {
    let rig = Rig::new().await;
    let bearer = format!("Bearer {SHARED}");
    for body in ["", "{}"] {
        let answer = rig.call("POST", "/cpp/models", &[("authorization", &bearer)], body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let expected = json!({"models": ["fast", "advanced"], "default_model": "fast"});
        assert_eq!(answer.json(), expected);
    }
}

#[tokio::test]
async fn a_key_for_some_models_completes_with_those_alone() {
    let rig = Rig::new().await;
    for (models, model, status) in [
        (json!(["fast"]), json!("fast"), 200),
        (json!(["fast"]), json!("advanced"), 403),
        (json!(["fast"]), Value::Null, 403),
        (json!(["fast"]), json!(""), 403),
        (json!(["fast", "auto"]), Value::Null, 200),
        (json!(["gpt-*"]), json!("fast"), 403),
        (json!([]), Value::Null, 200),
    ] {
        let key = rig.key(&json!({"limits": {"models": models}})).await;
        let bearer = format!("Bearer {}", key.forms[0]);
        let mut body = about("f(", 0, 2);
        body["model_name"] = model;
        let headers = [("authorization", bearer.as_str()), KNOWN[0]];
        let answer = rig.call("POST", "/cpp/stream", &headers, &body.to_string()).await;
        assert_eq!(answer.status, status, "{models} {body} {answer:?}");
        if status == 403 {
            assert_eq!(answer.json()["error"]["details"]["additional_info"]["param"], "model");
        }
    }
}
