//! The field list of the gateway document, `fixtures/clients/editor/fields.txt`, and bodies made
//! of it.

use std::path::Path;

use serde_json::{Map, Value, json};

/// One documented field.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) endpoint: String,
    pub(crate) path: String,
    pub(crate) kind: String,
    pub(crate) repeated: bool,
    /// Nothing upstream is known for it.
    pub(crate) left_out: bool,
}

impl Field {
    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('.').next().expect("a name")
    }

    /// The path of the object that has the field, with a dot at its end; empty for the body.
    pub(crate) fn parent(&self) -> &str {
        &self.path[..self.path.len() - self.name().len()]
    }

    /// A value of the field's type that is not the default; objects are empty.
    pub(crate) fn sample(&self) -> Value {
        match self.kind.as_str() {
            "string" => json!("text"),
            "int32" => json!(7),
            "float" | "double" => json!(1.5),
            "bool" => json!(true),
            "severity" => json!("warning"),
            "control_token" => json!("loud"),
            "intent" => json!("typing"),
            "object" => json!({}),
            other => panic!("{}: no sample of {other}", self.path),
        }
    }
}

pub(crate) fn fields(endpoint: &str) -> Vec<Field> {
    let file = "../../fixtures/clients/editor/fields.txt";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    let field = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let item = words[2].strip_prefix('[').and_then(|kind| kind.strip_suffix(']'));
        Field {
            endpoint: words[0].to_owned(),
            path: words[1].to_owned(),
            kind: item.unwrap_or(words[2]).to_owned(),
            repeated: item.is_some(),
            left_out: words.get(3) == Some(&"none"),
        }
    };
    let mut fields: Vec<Field> = text.expect("the list").lines().map(field).collect();
    fields.retain(|field| field.endpoint == endpoint);
    assert!(!fields.is_empty(), "{endpoint}");
    fields
}

/// A body with every field, one item in each array.
pub(crate) fn full(all: &[Field], prefix: &str) -> Value {
    let mut object = Map::new();
    for field in all.iter().filter(|field| field.parent() == prefix) {
        let mut value = field.sample();
        if field.kind == "object" {
            value = full(all, &format!("{}.", field.path));
        }
        let value = if field.repeated { json!([value]) } else { value };
        object.insert(field.name().to_owned(), value);
    }
    Value::Object(object)
}

/// The path of a field in a body of [`full`], with places in arrays, and its value.
pub(crate) fn at<'b>(body: &'b mut Value, path: &str) -> (String, &'b mut Value) {
    let mut place = String::new();
    let mut value = body;
    for name in path.split('.') {
        if value.is_array() {
            place.push_str("[0]");
            value = &mut value[0];
        }
        if !place.is_empty() {
            place.push('.');
        }
        place.push_str(name);
        value = value.get_mut(name).expect("there");
    }
    (place, value)
}
