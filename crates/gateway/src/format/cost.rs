//! How often a validator looks at parts of an answer, told before it does.
//!
//! A schema of two kilobytes can make a validator work for hours, by references that double at
//! every level. Counting needs no time for that: the count of a part of the schema at a part of
//! the answer is computed once and used again. Where it is not known which subschema applies,
//! all of them are counted.

use std::collections::HashMap;

use serde_json::Value;

/// Longest chain of references and levels; deeper ones are refused.
const DEEPEST: usize = 256;

/// Counts evaluations of subschemas of one schema at parts of one answer.
pub(super) struct Cost<'a> {
    root: &'a Value,
    most: u64,
    /// By the addresses of both parts.
    known: HashMap<(*const Value, *const Value), u64>,
}

/// Too many evaluations, or no end to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooCostly;

/// Subschemas that look at the same part of the answer.
const HERE: [&str; 11] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "$ref",
    "$dynamicRef",
    "dependentSchemas",
    "dependencies",
];
/// Subschemas that look at what is inside an object or an array.
const INSIDE: [&str; 10] = [
    "properties",
    "patternProperties",
    "additionalProperties",
    "unevaluatedProperties",
    "propertyNames",
    "items",
    "prefixItems",
    "additionalItems",
    "unevaluatedItems",
    "contains",
];

impl<'a> Cost<'a> {
    pub(super) fn new(root: &'a Value, most: u64) -> Self {
        Self { root, most, known: HashMap::new() }
    }

    /// # Errors
    /// More than the most, or no end to it.
    pub(super) fn of(&mut self, answer: &'a Value) -> Result<u64, TooCostly> {
        self.at(self.root, answer, 0)
    }

    fn at(&mut self, schema: &'a Value, answer: &'a Value, depth: usize) -> Result<u64, TooCostly> {
        let Value::Object(keywords) = schema else { return Ok(1) };
        let key = (std::ptr::from_ref(schema), std::ptr::from_ref(answer));
        if let Some(count) = self.known.get(&key) {
            return Ok(*count);
        }
        if depth > DEEPEST || self.known.len() as u64 > self.most {
            return Err(TooCostly);
        }
        let mut count: u64 = 1;
        for (keyword, value) in keywords {
            let keyword = keyword.as_str();
            if HERE.contains(&keyword) {
                for part in self.parts(keyword, value) {
                    count = self.add(count, part, answer, depth)?;
                }
            } else if INSIDE.contains(&keyword) {
                count = self.inside(count, keyword, value, answer, depth)?;
            }
        }
        self.known.insert(key, count);
        Ok(count)
    }

    fn inside(
        &mut self,
        mut count: u64,
        keyword: &str,
        value: &'a Value,
        answer: &'a Value,
        depth: usize,
    ) -> Result<u64, TooCostly> {
        match (answer, value) {
            // The one keyword that says which part it is about.
            (Value::Object(fields), Value::Object(named)) if keyword == "properties" => {
                for (name, field) in fields {
                    if let Some(part) = named.get(name) {
                        count = self.add(count, part, field, depth)?;
                    }
                }
            }
            (Value::Object(fields), _) => {
                for field in fields.values() {
                    for part in self.parts(keyword, value) {
                        count = self.add(count, part, field, depth)?;
                    }
                }
            }
            (Value::Array(items), _) => {
                for item in items {
                    for part in self.parts(keyword, value) {
                        count = self.add(count, part, item, depth)?;
                    }
                }
            }
            (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_), _) => {}
        }
        Ok(count)
    }

    fn add(
        &mut self,
        count: u64,
        part: &'a Value,
        answer: &'a Value,
        depth: usize,
    ) -> Result<u64, TooCostly> {
        let count = count.saturating_add(self.at(part, answer, depth + 1)?);
        if count > self.most { Err(TooCostly) } else { Ok(count) }
    }

    /// The subschemas of a keyword: itself, those in its list or under its names, or the one that
    /// it refers to.
    fn parts(&self, keyword: &str, value: &'a Value) -> Vec<&'a Value> {
        const NAMED: [&str; 4] =
            ["properties", "patternProperties", "dependentSchemas", "dependencies"];
        match value {
            Value::Array(list) => list.iter().collect(),
            Value::Object(named) if NAMED.contains(&keyword) => named.values().collect(),
            Value::String(reference) => self.target(reference).into_iter().collect(),
            Value::Object(_) | Value::Bool(_) => vec![value],
            Value::Null | Value::Number(_) => Vec::new(),
        }
    }

    /// The part of the schema behind `#`, `#/$defs/x` or `#anchor`. Others are not fetched by
    /// anybody, and a validator is not even made of them.
    fn target(&self, reference: &str) -> Option<&'a Value> {
        let (_, fragment) = reference.split_once('#')?;
        if fragment.is_empty() || fragment.starts_with('/') {
            let decoded = fragment.replace("%25", "%").replace("%24", "$");
            return self.root.pointer(&decoded);
        }
        anchored(self.root, fragment)
    }
}

/// The part of a schema that has this anchor.
fn anchored<'a>(schema: &'a Value, anchor: &str) -> Option<&'a Value> {
    match schema {
        Value::Object(fields) => {
            let named = ["$anchor", "$dynamicAnchor"]
                .iter()
                .any(|key| fields.get(*key).and_then(Value::as_str) == Some(anchor));
            if named {
                return Some(schema);
            }
            fields.values().find_map(|field| anchored(field, anchor))
        }
        Value::Array(items) => items.iter().find_map(|item| anchored(item, anchor)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cost(schema: &Value, answer: &Value) -> Result<u64, TooCostly> {
        Cost::new(schema, 100_000).of(answer)
    }

    #[test]
    fn an_ordinary_schema_costs_about_what_the_answer_is_long() {
        let tree = json!({
            "type": "object",
            "properties": {"children": {"type": "array", "items": {"$ref": "#"}}}
        });
        let leaf = json!({"children": []});
        let answer = json!({"children": vec![leaf; 100]});
        assert!(cost(&tree, &answer).expect("cheap") < 1000);
    }

    /// Defect: two such requests stopped a gateway with two cores for everybody.
    #[test]
    fn references_that_double_at_every_level_are_refused_at_once() {
        for combinator in ["oneOf", "anyOf", "allOf"] {
            let mut defs = serde_json::Map::new();
            defs.insert("a0".into(), json!({"type": "integer"}));
            for level in 1..60 {
                let next = json!({"$ref": format!("#/$defs/a{}", level - 1)});
                defs.insert(format!("a{level}"), json!({combinator: [next, next]}));
            }
            let schema = json!({"$defs": defs, "$ref": "#/$defs/a59"});
            assert_eq!(cost(&schema, &json!(1)), Err(TooCostly), "{combinator}");
        }
    }

    #[test]
    fn doubling_with_the_depth_of_the_answer_is_refused_as_well() {
        let schema = json!({
            "additionalProperties": {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}
        });
        let deep = (0..40).fold(json!(1), |inner, _| json!({"a": inner}));
        assert_eq!(cost(&schema, &deep), Err(TooCostly));
        assert!(cost(&schema, &json!({"a": {"a": 1}})).is_ok());
    }

    #[test]
    fn a_reference_to_itself_has_no_end() {
        assert_eq!(cost(&json!({"$ref": "#"}), &json!(1)), Err(TooCostly));
    }
}
