//! The notation in which the shapes of bodies are written down: one line for each field, which reads
//! like the tables of a manual, and becomes JSON Schema (draft 2020-12).
//!
//! ```text
//! Name request | What it is.
//!   field string | A field that must be there.
//!   other? [uint] or 'all' | One that may be left out.
//!   + Another
//! Alias = string or [Name] | Another name for a type.
//! ```
//!
//! In a `request`, a field that may be left out may as well be `null`; in an `answer` it is left out.
//! A `part` is like an answer, and there only for others to take over.
//! `+` takes over all fields of another shape. Types: `string`, `text` (not empty), `int`, `int32`,
//! `uint`, `positive`, `number`, `bool`, `object`, `any`, `null`, `time`, `uuid`, `hex64`; `'word'`
//! and `'one'|'other'`; `1`; `[T]` a list, `{T}` an object with values of this type, `(T, U)` a list of just
//! these; `Name`; and `or` between any of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Where a document keeps its shapes.
const PLACE: &str = "#/components/schemas/";
/// Marks shapes that are not to be shown by themselves.
pub(super) const PART: &str = "x-part";

/// What is wrong with a text in this notation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake(pub(super) String);

/// Reads shapes and adds them to those that are there.
///
/// # Errors
/// The text is not in the notation, or a name stands there twice.
pub(super) fn read(text: &str, shapes: &mut BTreeMap<String, Value>) -> Result<(), Mistake> {
    let mut open: Option<Object> = None;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let of_line = |Mistake(what)| Mistake(format!("{what} in `{}`", line.trim()));
        if let Some(field) = line.strip_prefix("  ") {
            let object = open.as_mut().ok_or_else(|| of_line(Mistake("no shape".into())))?;
            object.field(field.trim(), shapes).map_err(of_line)?;
            continue;
        }
        if let Some(object) = open.take() {
            add(shapes, object)?;
        }
        let (head, about) = split(line);
        match head.split_once(" = ") {
            Some((name, shape)) => {
                let shape = described(of(shape).map_err(of_line)?, about);
                if shapes.insert(name.to_owned(), shape).is_some() {
                    return Err(of_line(Mistake("a second one".into())));
                }
            }
            None => open = Some(Object::new(head, about).map_err(of_line)?),
        }
    }
    open.map_or(Ok(()), |object| add(shapes, object))
}

/// The schema of one type.
///
/// # Errors
/// It is not in the notation.
pub(super) fn of(text: &str) -> Result<Value, Mistake> {
    let mut rest = text.trim();
    let shape = union(&mut rest)?;
    if rest.is_empty() { Ok(shape) } else { Err(Mistake(format!("`{rest}` is too much"))) }
}

fn add(shapes: &mut BTreeMap<String, Value>, object: Object) -> Result<(), Mistake> {
    let name = object.name.clone();
    match shapes.insert(name.clone(), object.schema()) {
        None => Ok(()),
        Some(_) => Err(Mistake(format!("a second shape {name}"))),
    }
}

/// What stands before and behind the bar.
fn split(line: &str) -> (&str, &str) {
    line.split_once(" | ").map_or((line.trim(), ""), |(head, about)| (head.trim(), about.trim()))
}

fn described(mut shape: Value, about: &str) -> Value {
    if let Some(object) = shape.as_object_mut().filter(|_| !about.is_empty()) {
        object.insert("description".to_owned(), about.into());
    }
    shape
}

struct Object {
    name: String,
    about: String,
    /// What may be left out may be `null`.
    nullable: bool,
    part: bool,
    properties: Map<String, Value>,
    required: Vec<Value>,
}

impl Object {
    fn new(head: &str, about: &str) -> Result<Self, Mistake> {
        let (name, word) = head.split_once(' ').unwrap_or((head, ""));
        let (nullable, part) = match word {
            "request" => (true, false),
            "answer" => (false, false),
            "part" => (false, true),
            other => return Err(Mistake(format!("`{other}` is no kind of shape"))),
        };
        let (name, about) = (name.to_owned(), about.to_owned());
        Ok(Self { name, about, nullable, part, properties: Map::new(), required: Vec::new() })
    }

    fn field(&mut self, line: &str, known: &BTreeMap<String, Value>) -> Result<(), Mistake> {
        if let Some(name) = line.strip_prefix("+ ") {
            let unknown = || Mistake(format!("no shape {name} before this one"));
            let other = known.get(name).ok_or_else(unknown)?;
            self.properties.extend(other["properties"].as_object().cloned().unwrap_or_default());
            self.required.extend(other["required"].as_array().cloned().unwrap_or_default());
            return Ok(());
        }
        let (head, about) = split(line);
        let (name, shape) = head.split_once(' ').ok_or_else(|| Mistake("no type".into()))?;
        let shape = of(shape)?;
        let shape = match name.strip_suffix('?') {
            Some(name) => (name, if self.nullable { or_null(shape) } else { shape }),
            None => {
                self.required.push(name.into());
                (name, shape)
            }
        };
        match self.properties.insert(shape.0.to_owned(), described(shape.1, about)) {
            None => Ok(()),
            Some(_) => Err(Mistake(format!("a second {}", shape.0))),
        }
    }

    fn schema(self) -> Value {
        let mut schema = json!({"type": "object", "properties": self.properties});
        if !self.required.is_empty() {
            schema["required"] = self.required.into();
        }
        if self.part {
            schema[PART] = true.into();
        }
        described(schema, &self.about)
    }
}

fn or_null(shape: Value) -> Value {
    // What takes anything takes this, too.
    if shape.as_object().is_some_and(Map::is_empty) {
        return shape;
    }
    any_of(vec![shape, json!({"type": "null"})])
}

fn any_of(shapes: Vec<Value>) -> Value {
    let plain = |shape: &Value| {
        shape.as_object().is_some_and(|object| object.len() == 1 && object.contains_key("type"))
    };
    if shapes.iter().all(plain) {
        let types = shapes.into_iter().flat_map(|mut shape| match shape["type"].take() {
            Value::Array(types) => types,
            one => vec![one],
        });
        return json!({"type": types.collect::<Vec<Value>>()});
    }
    let shapes = shapes.into_iter().flat_map(|mut shape| match shape.get_mut("anyOf") {
        Some(Value::Array(inner)) => std::mem::take(inner),
        Some(_) | None => vec![shape],
    });
    json!({"anyOf": shapes.collect::<Vec<Value>>()})
}

fn union(rest: &mut &str) -> Result<Value, Mistake> {
    let mut shapes = vec![term(rest)?];
    while let Some(more) = rest.strip_prefix(" or ") {
        *rest = more;
        shapes.push(term(rest)?);
    }
    match <[Value; 1]>::try_from(shapes) {
        Ok([shape]) => Ok(shape),
        Err(shapes) => Ok(any_of(shapes)),
    }
}

fn term(rest: &mut &str) -> Result<Value, Mistake> {
    match rest.chars().next() {
        Some('[') => inside(rest, "]").map(|shape| json!({"type": "array", "items": shape})),
        Some('{') => {
            inside(rest, "}").map(|shape| json!({"type": "object", "additionalProperties": shape}))
        }
        Some('(') => tuple(rest),
        Some('\'') => words(rest),
        Some(_) => named(rest),
        None => Err(Mistake("a type is missing".into())),
    }
}

fn inside(rest: &mut &str, end: &str) -> Result<Value, Mistake> {
    *rest = &rest[1..];
    let shape = union(rest)?;
    *rest = rest.strip_prefix(end).ok_or_else(|| Mistake(format!("no `{end}`")))?;
    Ok(shape)
}

fn tuple(rest: &mut &str) -> Result<Value, Mistake> {
    *rest = &rest[1..];
    let mut shapes = vec![union(rest)?];
    while let Some(more) = rest.strip_prefix(", ") {
        *rest = more;
        shapes.push(union(rest)?);
    }
    *rest = rest.strip_prefix(')').ok_or_else(|| Mistake("no `)`".into()))?;
    let count = shapes.len();
    Ok(json!({"type": "array", "prefixItems": shapes, "minItems": count, "maxItems": count}))
}

fn words(rest: &mut &str) -> Result<Value, Mistake> {
    let mut words = Vec::new();
    loop {
        *rest = &rest[1..];
        let (word, more) = rest.split_once('\'').ok_or_else(|| Mistake("no `'`".into()))?;
        words.push(word.to_owned());
        *rest = more;
        match rest.strip_prefix('|') {
            Some(more) if more.starts_with('\'') => *rest = more,
            Some(_) | None => break,
        }
    }
    Ok(match <[String; 1]>::try_from(words) {
        Ok([word]) => json!({"type": "string", "const": word}),
        Err(words) => json!({"type": "string", "enum": words}),
    })
}

fn named(rest: &mut &str) -> Result<Value, Mistake> {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
    let (name, more) = rest.split_at(end);
    *rest = more;
    if name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Ok(json!({"$ref": format!("{PLACE}{name}")}));
    }
    if let Ok(number) = name.parse::<u64>() {
        return Ok(json!({"type": "integer", "const": number}));
    }
    Ok(match name {
        "string" => json!({"type": "string"}),
        "text" => json!({"type": "string", "minLength": 1}),
        "int" => json!({"type": "integer"}),
        "int32" => {
            json!({"type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX})
        }
        "uint" => json!({"type": "integer", "minimum": 0}),
        "positive" => json!({"type": "integer", "minimum": 1}),
        "number" => json!({"type": "number"}),
        "bool" => json!({"type": "boolean"}),
        "object" => json!({"type": "object"}),
        "any" => json!({}),
        "null" => json!({"type": "null"}),
        "time" => json!({"type": "string", "format": "date-time"}),
        "uuid" => json!({"type": "string", "format": "uuid"}),
        "hex64" => json!({"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}),
        other => return Err(Mistake(format!("no type `{other}`"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(text: &str) -> Result<BTreeMap<String, Value>, Mistake> {
        let mut shapes = BTreeMap::new();
        read(text, &mut shapes).map(|()| shapes)
    }

    #[test]
    fn types_become_schemas() {
        for (text, schema) in [
            ("string", json!({"type": "string"})),
            ("string or null", json!({"type": ["string", "null"]})),
            ("'a'", json!({"type": "string", "const": "a"})),
            ("'a'|'b'", json!({"type": "string", "enum": ["a", "b"]})),
            ("[uint]", json!({"type": "array", "items": {"type": "integer", "minimum": 0}})),
            ("{bool}", json!({"type": "object", "additionalProperties": {"type": "boolean"}})),
            (
                "A or [B]",
                json!({"anyOf": [{"$ref": "#/components/schemas/A"},
                {"type": "array", "items": {"$ref": "#/components/schemas/B"}}]}),
            ),
            (
                "(string, [any])",
                json!({"type": "array", "minItems": 2, "maxItems": 2,
                "prefixItems": [{"type": "string"}, {"type": "array", "items": {}}]}),
            ),
        ] {
            assert_eq!(of(text), Ok(schema), "{text}");
        }
    }

    #[test]
    fn shapes_have_fields_and_take_over_those_of_others() {
        let read =
            shapes("A answer | First.\n  x? string | An x.\nB request\n  + A\n  y int\n  z? A\n");
        let read = read.expect("shapes");
        assert_eq!(
            read["A"],
            json!({"type": "object", "description": "First.",
                "properties": {"x": {"type": "string", "description": "An x."}}})
        );
        assert_eq!(read["B"]["required"], json!(["y"]));
        assert_eq!(
            read["B"]["properties"]["z"],
            json!({"anyOf": [{"$ref": "#/components/schemas/A"}, {"type": "null"}]})
        );
        assert_eq!(read["B"]["properties"]["x"]["type"], "string");
        let nested = shapes("A request\n  x? string or object\n  y? A or [A]\n").expect("shapes");
        let properties = &nested["A"]["properties"];
        assert_eq!(properties["x"]["type"], json!(["string", "object", "null"]));
        assert_eq!(properties["y"]["anyOf"].as_array().map(Vec::len), Some(3));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for text in [
            "  x string",
            "A thing",
            "A answer\n  x",
            "A answer\n  x strin",
            "A answer\n  x [int",
            "A answer\n  x 'a",
            "A answer\n  x int\n  x int",
            "A = int\nA = int",
            "A = int int",
            "A answer\nA answer",
            "A answer\n  + B",
        ] {
            assert!(shapes(text).is_err(), "{text}");
        }
        let Mistake(text) = shapes("A answer\n  x strin").expect_err("wrong");
        assert_eq!(text, "no type `strin` in `x strin`");
    }
}
