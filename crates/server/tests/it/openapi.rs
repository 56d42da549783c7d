//! The description of the API against what the service really takes and answers.

mod answers;
mod own;
mod requests;

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use server::openapi_document;

use crate::rig::Answer;

/// The description, read strictly: what it does not name must not be there.
pub(crate) struct Description {
    document: Value,
    /// By schema: making one takes a while.
    validators: RefCell<HashMap<String, Rc<Validator>>>,
}

impl Description {
    pub(crate) fn strict() -> Self {
        let mut document = openapi_document().clone();
        let schemas = document["components"]["schemas"].as_object_mut().expect("schemas");
        schemas.values_mut().for_each(close);
        Self { document, validators: RefCell::default() }
    }

    /// As clients read it.
    pub(crate) fn open() -> Self {
        Self { document: openapi_document().clone(), validators: RefCell::default() }
    }

    fn operation(&self, method: &str, path: &str) -> &Value {
        let operation = &self.document["paths"][path][method.to_ascii_lowercase()];
        assert!(operation.is_object(), "{method} {path} is not described");
        operation
    }

    fn validator(&self, schema: &Value) -> Rc<Validator> {
        let make = || {
            let mut whole = schema.as_object().cloned().unwrap_or_else(Map::new);
            whole.insert("components".to_owned(), self.document["components"].clone());
            Rc::new(jsonschema::validator_for(&Value::Object(whole)).expect("a schema"))
        };
        let mut known = self.validators.borrow_mut();
        Rc::clone(known.entry(schema.to_string()).or_insert_with(make))
    }

    /// What is wrong with a value, by a schema of the description.
    pub(crate) fn mistakes(&self, schema: &Value, value: &Value) -> Vec<String> {
        let validator = self.validator(schema);
        let told = |error: jsonschema::ValidationError<'_>| {
            format!(
                "{}: {}",
                error.instance_path(),
                error.to_string().chars().take(300).collect::<String>()
            )
        };
        validator.iter_errors(value).map(told).collect()
    }

    /// The schema of a request's body.
    pub(crate) fn body(&self, path: &str) -> &Value {
        let body = &self.operation("POST", path)["requestBody"];
        &body["content"]["application/json"]["schema"]
    }

    /// Status, headers and body of an answer must be described.
    pub(crate) fn check(&self, method: &str, path: &str, answer: &Answer) {
        let call = format!("{method} {path}: {answer:?}");
        let operation = self.operation(method, path);
        let response = &operation["responses"][answer.status.to_string()];
        assert!(response.is_object(), "the status is not described: {call}");
        for name in answer.headers.keys() {
            let ours =
                ["x-cursor-", "x-config-"].iter().any(|start| name.as_str().starts_with(start))
                    || [
                        "x-ignored-fields",
                        "x-token-count",
                        "retry-after",
                        "x-request-id",
                        "set-cookie",
                        "x-should-retry",
                        "etag",
                    ]
                    .contains(&name.as_str());
            assert!(!ours || response["headers"][name.as_str()].is_object(), "{name} of {call}");
        }
        let content = response["content"].as_object().cloned().unwrap_or_default();
        if content.is_empty() {
            assert_eq!(answer.text, "", "{call}");
            return;
        }
        let media = answer.header("content-type").unwrap_or_default();
        let bare = media.split(';').next().unwrap_or_default();
        let described = content.iter().find(|(name, _)| name.starts_with(bare));
        let (_, described) = described.unwrap_or_else(|| panic!("the media type of {call}"));
        if bare == "application/json" {
            let mistakes = self.mistakes(&described["schema"], &answer.json());
            assert!(mistakes.is_empty(), "{mistakes:#?} in {call}");
        }
        if bare == "text/event-stream" {
            self.check_events(&described["x-itemSchema"], &answer.text);
        }
    }

    fn check_events(&self, schema: &Value, text: &str) {
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let mut count = 0;
        for data in data.filter(|data| *data != "[DONE]") {
            let event: Value = serde_json::from_str(data).expect("JSON");
            let mistakes = self.mistakes(schema, &event);
            assert!(mistakes.is_empty(), "{mistakes:#?} in {event}");
            count += 1;
        }
        assert!(count > 0, "no event in {text}");
    }
}

/// No fields but those that are named.
fn close(schema: &mut Value) {
    if schema["properties"].is_object() && schema.get("additionalProperties").is_none() {
        schema["additionalProperties"] = json!(false);
    }
}
