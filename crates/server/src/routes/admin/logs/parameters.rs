//! The query of an address as the JSON that a body would hold, so that both are read in one way.

use std::collections::BTreeMap;

use serde_json::{Number, Value};

/// Values that are no text.
const NUMBERS: [&str; 6] =
    ["limit", "offset", "min_total_time", "max_total_time", "min_tokens", "max_tokens"];
const FLAGS: [&str; 5] = ["reverse", "stream", "has_chain", "has_usage", "has_error"];
const LISTS: [&str; 2] = ["include_models", "exclude_models"];

/// Why they cannot be read: the name, which may be anything.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Twice(pub(super) String);

/// What is no number where one belongs stays a text, which reading then refuses by name.
///
/// # Errors
/// A name stands there twice that is no list's.
pub(super) fn to_json(pairs: Vec<(String, String)>) -> Result<Value, Twice> {
    let mut fields = BTreeMap::new();
    for (name, text) in pairs {
        let known = |names: &[&str]| names.contains(&name.as_str());
        if known(&LISTS) {
            let list = fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = list {
                list.push(Value::String(text));
            }
            continue;
        }
        let value = match text.as_str() {
            "true" if known(&FLAGS) => Value::Bool(true),
            "false" if known(&FLAGS) => Value::Bool(false),
            text if known(&NUMBERS) => match serde_json::from_str::<Number>(text) {
                Ok(number) => Value::Number(number),
                Err(_) => Value::String(text.to_owned()),
            },
            text => Value::String(text.to_owned()),
        };
        if fields.insert(name.clone(), value).is_some() {
            return Err(Twice(name));
        }
    }
    Ok(Value::Object(fields.into_iter().collect()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_have_the_types_of_their_fields() {
        let pairs = [
            ("limit", "5"),
            ("min_total_time", "0.5"),
            ("stream", "true"),
            ("reverse", "yes"),
            ("offset", "x"),
            ("include_models", "a"),
            ("include_models", "b"),
            ("model", "7"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(
            to_json(pairs.to_vec()),
            Ok(json!({"limit": 5, "min_total_time": 0.5, "stream": true, "reverse": "yes",
                "offset": "x", "include_models": ["a", "b"], "model": "7"}))
        );
        let twice = vec![("model".to_owned(), "a".to_owned()); 2];
        assert_eq!(to_json(twice), Err(Twice("model".to_owned())));
    }
}
