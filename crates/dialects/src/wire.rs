//! Reading request bodies into wire structs: one pass, and every mistake with the path of its
//! field. What the fields mean is the business of each dialect.

use std::fmt;
use std::marker::PhantomData;

use conversation::Failure;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::Ignored;

/// Deepest nesting of a JSON text that is passed on unread, such as a tool's schema.
const MAX_RAW_DEPTH: usize = 100;

/// Declares a struct as clients send it: every field may be missing or `null`, and the names of
/// all others that are not `null` are collected in `unknown`. A field whose JSON name is a word
/// of Rust is written `field = "name": Type`.
macro_rules! wire {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field:ident $(= $key:literal)? : $type:ty),* $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $vis struct $name {
            $($(#[$field_meta])* pub(crate) $field: Option<$type>,)*
            pub(crate) unknown: $crate::wire::Unknown,
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Fields;
                impl<'de> serde::de::Visitor<'de> for Fields {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        let mut value = $name::default();
                        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                            match key.as_ref() {
                                $($crate::wire::wire!(@key $field $($key)?) => {
                                    value.$field = map.next_value()?;
                                })*
                                _ => value.unknown.take(&key, &mut map)?,
                            }
                        }
                        Ok(value)
                    }
                }
                deserializer.deserialize_map(Fields)
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}
pub(crate) use wire;

/// Names of fields that a wire struct does not have.
#[derive(Debug, Default)]
pub(crate) struct Unknown(Vec<String>);

impl Unknown {
    const MAX: usize = 32;
    const MAX_NAME: usize = 64;

    /// Skips the value that belongs to `key`.
    pub(crate) fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: &str,
        map: &mut A,
    ) -> Result<(), A::Error> {
        let value: Option<serde::de::IgnoredAny> = map.next_value()?;
        if value.is_some() && self.0.len() < Self::MAX {
            self.0.push(key.chars().take(Self::MAX_NAME).collect());
        }
        Ok(())
    }

    /// Hands the names over; `prefix` is where they stood, with its dot.
    pub(crate) fn report(&self, prefix: &str, ignored: &mut Ignored) {
        for name in &self.0 {
            ignored.add(prefix, name);
        }
    }
}

/// A field that is a string or something longer.
#[derive(Debug)]
pub(crate) enum TextOr<T> {
    Text(String),
    Other(T),
}

/// What may stand instead of a string.
pub(crate) trait Alternative: DeserializeOwned {
    /// Follows "expected".
    const EXPECTED: &'static str;
}

impl Alternative for Vec<String> {
    const EXPECTED: &'static str = "a string or an array of strings";
}

impl Alternative for Vec<Box<RawValue>> {
    const EXPECTED: &'static str = "a string or an array";
}

impl<'de, T: Alternative> Deserialize<'de> for TextOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either<T>(PhantomData<T>);
        impl<'de, T: Alternative> Visitor<'de> for Either<T> {
            type Value = TextOr<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(T::EXPECTED)
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(TextOr::Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Self::Value, E> {
                Ok(TextOr::Text(text))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
                T::deserialize(SeqAccessDeserializer::new(items)).map(TextOr::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(fields)).map(TextOr::Other)
            }
        }
        deserializer.deserialize_any(Either(PhantomData))
    }
}

/// Reads a body.
///
/// # Errors
/// It is not JSON, or a field has the wrong type.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        explain(error.inner(), path)
    })?;
    json.end().map_err(|error| explain(&error, String::new()))?;
    Ok(value)
}

/// Reads a part of a body that was kept as text; `at` is the path of that part.
///
/// # Errors
/// A field has the wrong type.
pub(crate) fn parse_at<T: DeserializeOwned>(raw: &RawValue, at: &str) -> Result<T, Failure> {
    let mut json = serde_json::Deserializer::from_str(raw.get());
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let path = match path.as_str() {
            "." => at.to_owned(),
            inner if inner.starts_with('[') => format!("{at}{inner}"),
            inner => format!("{at}.{inner}"),
        };
        explain(error.inner(), path)
    })
}

/// What is wrong with a body, at this path.
pub(crate) fn explain(error: &serde_json::Error, path: String) -> Failure {
    let text = error.to_string();
    match error.classify() {
        Category::Data => wrong_type(&text, path),
        Category::Syntax if text.starts_with("recursion limit") => bad_body(
            "The request body is nested too deeply: at most 128 levels are accepted.".to_owned(),
        ),
        Category::Syntax | Category::Eof | Category::Io => {
            bad_body(format!("The request body is not valid JSON: {text}."))
        }
    }
}

fn bad_body(message: String) -> Failure {
    Failure { param: None, ..Failure::invalid("", message) }
}

/// Says in a person's words what `serde` says in its own; never repeats the value itself.
fn wrong_type(text: &str, path: String) -> Failure {
    let text = text.rsplit_once(" at line ").map_or(text, |(text, _)| text);
    let (found, expected) = text.rsplit_once(", expected ").unwrap_or((text, "another value"));
    let expected = match expected {
        "a sequence" => "an array",
        "u64" => "a non-negative integer",
        "i64" => "an integer",
        "i32" => "an integer of 32 bits",
        "f64" => "a number",
        other => other,
    };
    let found = found.strip_prefix("invalid type: ").and_then(|found| {
        [
            ("boolean", "a boolean"),
            ("integer", "an integer"),
            ("floating point", "a number with a fraction"),
            ("string", "a string"),
            ("null", "null"),
            ("sequence", "an array"),
            ("map", "an object"),
        ]
        .into_iter()
        .find_map(|(start, word)| found.starts_with(start).then_some(word))
    });
    let found = found.map(|found| format!(", but got {found} instead")).unwrap_or_default();
    if path == "." {
        return bad_body(format!("The request body must be a JSON object{found}."));
    }
    let subject = match text {
        _ if text.starts_with("invalid value: string") => "value",
        _ if text.starts_with("invalid length") => "length",
        _ => "type",
    };
    let message = format!("Invalid {subject} for '{path}': expected {expected}{found}.");
    Failure::invalid(path, message)
}

/// The text of a raw value that must be an object and is passed on unread.
///
/// # Errors
/// It is something else, or nested too deeply for whoever reads it.
pub(crate) fn raw_object(raw: &RawValue, path: &str) -> Result<String, Failure> {
    let text = raw.get();
    if !text.starts_with('{') {
        let message = format!("Invalid type for '{path}': expected an object.");
        return Err(Failure::invalid(path, message));
    }
    if depth(text) > MAX_RAW_DEPTH {
        let message = format!("'{path}' is nested too deeply: at most {MAX_RAW_DEPTH} levels.");
        return Err(Failure::invalid(path, message));
    }
    Ok(text.to_owned())
}

/// Deepest nesting of a text that is known to be JSON.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut in_string, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    wire! {
        struct Sample {
            kind = "type": String,
            count: u64,
            list: Vec<Sample>,
            either: TextOr<Vec<String>>,
            schema: Box<RawValue>,
        }
    }

    #[track_caller]
    fn check(body: &str, param: Option<&str>, message: &str) {
        let failure = parse::<Sample>(body.as_bytes()).expect_err("a mistake");
        assert_eq!((failure.param.as_deref(), failure.client.as_str()), (param, message));
    }

    #[test]
    fn a_struct_is_read_and_its_unknown_fields_are_named() {
        let sample: Sample = parse(
            br#"{"type":"t","count":3,"extra":{"a":[1]},"nothing":null,
                "list":[{"either":"x","more":1},{"either":["y","z"]}],"schema":{ "b" : 1.50 }}"#,
        )
        .expect("legal");
        assert_eq!((sample.kind.as_deref(), sample.count), (Some("t"), Some(3)));
        assert_eq!(sample.schema.expect("given").get(), r#"{ "b" : 1.50 }"#);
        let mut ignored = Ignored::default();
        sample.unknown.report("", &mut ignored);
        let list = sample.list.expect("given");
        list[0].unknown.report("list[].", &mut ignored);
        assert_eq!(ignored.to_string(), "extra, list[].more");
        assert!(matches!(&list[0].either, Some(TextOr::Text(text)) if text == "x"));
        assert!(matches!(&list[1].either, Some(TextOr::Other(list)) if list.len() == 2));
    }

    #[test]
    fn a_wrong_type_is_told_with_its_path_and_without_the_value() {
        check(
            r#"{"type":5}"#,
            Some("type"),
            "Invalid type for 'type': expected a string, but got an integer instead.",
        );
        check(
            r#"{"list":[{},{"list":[{"either":{"a":1}}]}]}"#,
            Some("list[1].list[0].either"),
            "Invalid type for 'list[1].list[0].either': expected an array, but got an object instead.",
        );
        check(
            r#"{"list":[{"either":["a",[]]}]}"#,
            Some("list[0].either[1]"),
            "Invalid type for 'list[0].either[1]': expected a string, but got an array instead.",
        );
        check(
            r#"{"either":true}"#,
            Some("either"),
            "Invalid type for 'either': expected a string or an array of strings, but got a boolean instead.",
        );
        check(
            r#"{"count":-1}"#,
            Some("count"),
            "Invalid type for 'count': expected a non-negative integer.",
        );
        check(
            &format!(r#"{{"count":"{}, expected x at line 3"}}"#, "secret ".repeat(10_000)),
            Some("count"),
            "Invalid type for 'count': expected a non-negative integer, but got a string instead.",
        );
    }

    #[test]
    fn what_is_not_json_is_told_with_its_place() {
        check(
            "{\"type\":\n tru}",
            None,
            "The request body is not valid JSON: expected ident at line 2 column 5.",
        );
        check(
            "",
            None,
            "The request body is not valid JSON: EOF while parsing a value at line 1 column 0.",
        );
        check(
            "{} {}",
            None,
            "The request body is not valid JSON: trailing characters at line 1 column 4.",
        );
        check("[1]", None, "The request body must be a JSON object, but got an array instead.");
    }

    #[test]
    fn depth_is_bounded() {
        let deep = format!("{}{}", r#"{"list":["#.repeat(70), "]}".repeat(70));
        check(
            &deep,
            None,
            "The request body is nested too deeply: at most 128 levels are accepted.",
        );
        let raw = format!(
            r#"{{"schema":{}{}}}"#,
            r#"{"a":"#.repeat(200),
            "0".to_owned() + &"}".repeat(200)
        );
        let sample: Sample = parse(raw.as_bytes()).expect("raw text is not read");
        let failure = raw_object(&sample.schema.expect("given"), "schema").expect_err("deep");
        assert_eq!(failure.param.as_deref(), Some("schema"));
        assert_eq!(depth(r#"{"a\"{[":["]}",{}]}"#), 3);
    }
}
