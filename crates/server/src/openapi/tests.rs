//! The document against the table of routes, and against itself.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// Every operation of the document with its path.
fn all() -> Vec<(String, String, Value)> {
    let paths = document()["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("an item") {
            all.push((method.to_ascii_uppercase(), path.clone(), operation.clone()));
        }
    }
    all
}

#[test]
fn the_document_has_no_mistake() {
    assert_eq!(build().err(), None);
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let described: BTreeSet<(&str, &str)> =
        operations().map(|one| (one.method, one.path)).collect();
    let served: BTreeSet<(&str, &str)> =
        ROUTES.iter().map(|route| (route.method, route.path)).collect();
    assert_eq!(described, served);
}

#[test]
fn a_body_is_described_where_one_is_read() {
    for operation in operations() {
        let exposure = exposure(operation.method, operation.path).expect("a route");
        let described = !matches!(operation.body, operation::Body::None);
        assert_eq!(described, exposure.reads_body, "{} {}", operation.method, operation.path);
    }
}

#[test]
fn operations_have_names_for_programs_and_for_people() {
    let mut ids = BTreeSet::new();
    let tags: BTreeSet<&str> = TAGS.iter().map(|(name, _)| *name).collect();
    for operation in operations() {
        let id = operation.id;
        assert!(ids.insert(id), "{id} twice");
        assert!(id.starts_with(|c: char| c.is_ascii_lowercase()), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{id}");
        assert!(tags.contains(operation.tag), "{id}: {}", operation.tag);
        assert!(!operation.summary.is_empty() && !operation.summary.ends_with('.'), "{id}");
        assert!(!operation.answers.is_empty(), "{id}");
    }
}

#[test]
fn parameters_of_the_path_are_those_of_the_path() {
    for (_, path, operation) in all() {
        let named: BTreeSet<String> = path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .map(str::to_owned)
            .collect();
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        let described: BTreeSet<String> = parameters
            .iter()
            .filter(|parameter| parameter["in"] == "path")
            .map(|parameter| parameter["name"].as_str().expect("a name").to_owned())
            .collect();
        assert_eq!(named, described, "{path}");
    }
}

/// All that the document refers to.
fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                found.insert(reference.clone());
            }
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn what_is_referred_to_is_there_and_what_is_there_is_referred_to() {
    let mut found = BTreeSet::new();
    references(document(), &mut found);
    for reference in &found {
        let pointer = reference.strip_prefix('#').expect("a reference inside");
        assert!(document().pointer(pointer).is_some(), "{reference}");
    }
    for name in document()["components"]["schemas"].as_object().expect("schemas").keys() {
        let reference = format!("#/components/schemas/{name}");
        assert!(found.contains(&reference), "{name} is not used");
    }
}

/// An export takes what a search takes, and in which form it is sent.
#[test]
fn an_export_has_the_filters_of_a_search() {
    let names = |fields: &Value| -> BTreeSet<String> {
        fields.as_object().expect("fields").keys().cloned().collect()
    };
    let mut filters = names(&document()["components"]["schemas"]["LogsFilter"]["properties"]);
    filters.insert("format".to_owned());
    let parameters = document()["paths"]["/logs/export"]["get"]["parameters"].as_array();
    let parameters = parameters.expect("parameters").iter();
    let parameters: BTreeSet<String> =
        parameters.map(|one| one["name"].as_str().expect("a name").to_owned()).collect();
    assert_eq!(parameters, filters);
}

#[test]
fn the_committed_document_is_this_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api.json");
    let mut text = serde_json::to_string_pretty(document()).expect("JSON");
    text.push('\n');
    #[expect(clippy::disallowed_methods, reason = "a switch for developers")]
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    let committed = std::fs::read_to_string(&path).expect("the document is committed");
    assert!(committed == text, "docs/api.json is stale; run with UPDATE_DOCUMENTS=1");
}
