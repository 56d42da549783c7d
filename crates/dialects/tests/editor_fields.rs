//! Every field that the gateway document lists, one by one: it arrives, it may be `null`, a wrong
//! value is named with its path, and what is not listed is reported.

use conversation::{Failure, FailureClass};
use dialects::Ignored;
use dialects::editor::{Decoded, decode_config, decode_stream, decode_sync, decode_upload};
use serde_json::{Value, json};

use fields::{Field, at, fields, full};
use writer::Write;

#[path = "support/editor_fields.rs"]
mod fields;
#[path = "support/editor_writer.rs"]
mod writer;

const ENDPOINTS: [&str; 4] = ["/cpp/config", "/cpp/stream", "/file/upload", "/file/sync"];

/// What a body becomes: the neutral type as JSON, its text, and the ignored fields.
type Outcome = Result<(Value, String, Ignored), Failure>;

fn outcome<T: Write + std::fmt::Debug>(decoded: Result<Decoded<T>, Failure>) -> Outcome {
    let Decoded { request, ignored } = decoded?;
    Ok((request.json().unwrap_or(json!({})), format!("{request:?}"), ignored))
}

fn decode(endpoint: &str, body: &Value) -> Outcome {
    let body = body.to_string();
    let body = body.as_bytes();
    match endpoint {
        "/cpp/config" => outcome(decode_config(body)),
        "/cpp/stream" => outcome(decode_stream(body)),
        "/file/upload" => outcome(decode_upload(body)),
        "/file/sync" => outcome(decode_sync(body)),
        other => panic!("{other}"),
    }
}

/// Fields of the list, without those that have nothing upstream.
fn carried(endpoint: &str) -> Vec<Field> {
    let mut fields = fields(endpoint);
    fields.retain(|field| !field.left_out);
    fields
}

/// A body with nothing but this field and the objects around it. An object gets its first field,
/// because an empty one may mean the same as none.
fn alone(field: &Field, all: &[Field]) -> Value {
    let mut value = field.sample();
    if field.kind == "object" {
        let inside = format!("{}.", field.path);
        let child = all.iter().find(|child| child.parent() == inside).expect("a field of it");
        return alone(child, all);
    }
    let mut path = field.path.as_str();
    loop {
        let this = all.iter().find(|field| field.path == path).expect("listed");
        let item = if this.repeated { json!([value]) } else { value };
        value = json!({ this.name(): item });
        match path.rsplit_once('.') {
            Some((outer, _)) => path = outer,
            None => return value,
        }
    }
}

#[test]
fn the_list_is_that_of_the_document() {
    let count = |endpoint| fields(endpoint).len();
    assert_eq!(ENDPOINTS.map(count), [3, 211, 5, 18]);
    let left_out: Vec<String> = fields("/cpp/stream")
        .into_iter()
        .filter(|field| field.left_out)
        .map(|field| field.path)
        .collect();
    assert_eq!(left_out.len(), 6);
    assert!(left_out.iter().all(|path| path.starts_with("current_file.file_git_context")));
}

#[test]
fn every_field_arrives_when_it_comes_alone() {
    for endpoint in ENDPOINTS {
        let all = fields(endpoint);
        let (nothing, default, _) =
            decode(endpoint, &json!({})).expect("everything may be missing");
        assert_eq!(nothing, json!({}));
        for field in carried(endpoint) {
            let body = alone(&field, &all);
            let (written, text, ignored) = decode(endpoint, &body).expect(&field.path);
            assert_eq!(written, body, "{}", field.path);
            assert_ne!(text, default, "{}", field.path);
            assert!(ignored.is_empty(), "{}: {ignored}", field.path);
        }
    }
}

#[test]
fn what_has_nothing_upstream_is_accepted_left_out_and_reported() {
    let all = fields("/cpp/stream");
    for field in all.iter().filter(|field| field.left_out) {
        let (written, _, ignored) = decode("/cpp/stream", &alone(field, &all)).expect("legal");
        assert_eq!(written, json!({}), "{}", field.path);
        assert_eq!(ignored.to_string(), "current_file.file_git_context", "{}", field.path);
    }
}

#[test]
fn all_fields_arrive_together() {
    for endpoint in ENDPOINTS {
        let all = carried(endpoint);
        let body = full(&all, "");
        let (written, _, ignored) = decode(endpoint, &body).expect(endpoint);
        assert_eq!(written, body, "{endpoint}");
        assert!(ignored.is_empty(), "{ignored}");
    }
}

#[test]
fn every_field_may_be_null() {
    for endpoint in ENDPOINTS {
        let all = carried(endpoint);
        for field in &all {
            let mut body = full(&all, "");
            *at(&mut body, &field.path).1 = Value::Null;
            let (written, _, ignored) = decode(endpoint, &body).expect(&field.path);
            assert!(ignored.is_empty(), "{}: {ignored}", field.path);

            // The same as if it had not been there.
            let parent = field.parent().trim_end_matches('.');
            let mut object = if parent.is_empty() { &mut body } else { at(&mut body, parent).1 };
            if object.is_array() {
                object = &mut object[0];
            }
            object.as_object_mut().expect("an object").remove(field.name());
            assert_eq!(written, decode(endpoint, &body).expect("legal").0, "{}", field.path);
        }
    }
}

/// Values that the field does not take.
fn wrong(field: &Field) -> Vec<Value> {
    if field.repeated {
        return vec![json!({}), json!("x"), json!(1), json!(true)];
    }
    let mut wrong = vec![json!([])];
    if field.kind != "object" {
        wrong.push(json!({}));
    }
    match field.kind.as_str() {
        "string" => wrong.extend([json!(1), json!(true)]),
        "int32" => wrong.extend([
            json!("1"),
            json!(true),
            json!(1.5),
            json!(2_147_483_648_u64),
            json!(-2_147_483_649_i64),
            json!(1e300),
        ]),
        "float" => wrong.extend([json!("1"), json!(true), json!(1e39), json!(-1e300)]),
        "double" => wrong.extend([json!("1"), json!(true)]),
        "bool" => wrong.extend([json!(1), json!("true")]),
        "severity" | "control_token" | "intent" => {
            wrong.extend([json!(1), json!(""), json!("unknown"), json!("Error"), json!(true)]);
        }
        "object" => wrong.extend([json!("x"), json!(1), json!(true)]),
        other => panic!("{other}"),
    }
    wrong
}

#[test]
fn every_wrong_value_is_named_with_its_whole_path() {
    for endpoint in ENDPOINTS {
        let all = fields(endpoint);
        for field in &all {
            let mut wrong = wrong(field);
            if field.repeated {
                let item = Field { repeated: false, ..field.clone() };
                wrong.extend(self::wrong(&item).into_iter().map(|item| json!([item])));
                wrong.push(json!([null]));
            }
            for value in wrong {
                let mut body = full(&all, "");
                let (place, old) = at(&mut body, &field.path);
                let in_item = field.repeated && value.is_array();
                *old = value.clone();
                let failure = decode(endpoint, &body).expect_err(&format!("{place}: {value}"));
                let place = if in_item { format!("{place}[0]") } else { place };
                assert_eq!(failure.class, FailureClass::Invalid);
                assert_eq!(failure.param.as_deref(), Some(place.as_str()), "{value}");
                assert!(failure.client.contains(&place), "{}", failure.client);
            }
        }
    }
}

#[test]
fn every_word_of_a_closed_set_is_taken() {
    let all = fields("/cpp/stream");
    for (kind, words) in [
        ("severity", &["error", "warning", "information", "hint"][..]),
        ("control_token", &["quiet", "loud", "op"]),
        (
            "intent",
            &[
                "line_change",
                "typing",
                "option_hold",
                "linter_errors",
                "parameter_hints",
                "cursor_prediction",
                "manual_trigger",
                "editor_change",
                "lsp_suggestions",
            ],
        ),
    ] {
        for field in all.iter().filter(|field| field.kind == kind) {
            let mut seen = Vec::new();
            for word in words {
                let mut body = alone(field, &all);
                *at(&mut body, &field.path).1 = json!(word);
                let (written, text, _) = decode("/cpp/stream", &body).expect(word);
                assert_eq!(written, body);
                assert!(!seen.contains(&text), "{word} means what another word means");
                seen.push(text);
            }
        }
    }
}

#[test]
fn what_is_not_listed_is_reported_at_any_depth() {
    for endpoint in ENDPOINTS {
        let all = carried(endpoint);
        let objects = all.iter().filter(|field| field.kind == "object");
        for path in objects.map(|field| field.path.as_str()).chain([""]) {
            let mut body = full(&all, "");
            let (place, mut object) = match path {
                "" => (String::new(), &mut body),
                path => at(&mut body, path),
            };
            let mut expected = place.replace("[0]", "[]");
            if object.is_array() {
                expected += "[]";
                object = &mut object[0];
            }
            object["colour"] = json!({"deep": [1, {"er": null}]});
            object["nothing"] = Value::Null;
            let (_, _, ignored) = decode(endpoint, &body).expect(path);
            let dot = if expected.is_empty() { "" } else { "." };
            assert_eq!(ignored.to_string(), format!("{expected}{dot}colour"), "{path}");
        }
    }
}

#[test]
fn items_are_counted_over_all_arrays() {
    let many = |count: usize| {
        let texts = vec![""; count / 2];
        json!({"diff_history": texts, "code_results": vec![json!({}); count / 2]})
    };
    assert!(decode("/cpp/stream", &many(100_000)).is_ok());
    let failure = decode("/cpp/stream", &many(100_002)).expect_err("too many");
    assert_eq!(failure.param.as_deref(), Some("diff_history"));
    assert!(failure.client.contains("at most 100000 items"), "{}", failure.client);
}

#[test]
fn what_is_no_json_object_is_told() {
    for (body, message) in [
        ("", "not valid JSON"),
        ("nonsense", "not valid JSON"),
        ("{} {}", "trailing characters"),
        ("[]", "must be a JSON object, but got an array"),
        ("null", "must be a JSON object"),
    ] {
        let failure = decode_stream(body.as_bytes()).expect_err(body);
        assert_eq!(failure.param, None, "{body}");
        assert!(failure.client.contains(message), "{body}: {}", failure.client);
    }
}

#[test]
fn depth_does_no_harm() {
    // What is known has the depth of the document, and what is not known is skipped.
    let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
    let decoded = decode_stream(format!("{{\"colour\":{open}{close}}}").as_bytes());
    assert_eq!(decoded.expect("skipped").ignored.to_string(), "colour");
    let failure = decode_stream(format!("{{\"diff_history\":{open}{close}}}").as_bytes());
    assert_eq!(failure.expect_err("refused").param.as_deref(), Some("diff_history[0]"));
}
