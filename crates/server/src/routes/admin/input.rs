//! Reads the JSON of a request: what does not fit is told with its path and without its value, which
//! may be a secret; what is not known is remembered by name.

use std::collections::BTreeSet;
use std::fmt;

use conversation::Failure;
use serde::de::DeserializeOwned;
use serde_ignored::Path;

/// A body that was understood.
#[derive(Debug)]
pub(super) struct Input<T> {
    pub(super) value: T,
    pub(super) unused: Unused,
}

/// Paths of fields that had no effect: unique, bounded and fit for a header. Places in lists are left
/// out (`tokens[].note`).
#[derive(Debug, Default)]
pub(super) struct Unused(BTreeSet<String>);

impl Unused {
    fn add(&mut self, path: &Path<'_>) {
        const MOST: usize = 32;
        const LONGEST: usize = 60;
        if self.0.len() >= MOST {
            return;
        }
        let mut text = String::new();
        write_path(path, &mut text);
        let printable = |c: char| if c.is_ascii_graphic() && c != ',' { c } else { '?' };
        self.0.insert(text.chars().take(LONGEST).map(printable).collect());
    }
}

impl fmt::Display for Unused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

/// As deep as serde_json lets a text be.
fn write_path(path: &Path<'_>, out: &mut String) {
    match path {
        Path::Root => {}
        Path::Seq { parent, .. } => {
            write_path(parent, out);
            out.push_str("[]");
        }
        Path::Map { parent, key } => {
            write_path(parent, out);
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(key);
        }
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => write_path(parent, out),
    }
}

/// # Errors
/// The text is no JSON, or not of the shape of `T`.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Input<T>, Failure> {
    let mut unused = Unused::default();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut json, &mut track);
    let value = serde_ignored::deserialize(tracked, |path| unused.add(&path));
    let value = value.and_then(|value| json.end().map(|()| value));
    value.map(|value| Input { value, unused }).map_err(|error| {
        let path = track.path().to_string();
        failure(if path == "." { "" } else { &path }, &error)
    })
}

fn failure(path: &str, error: &serde_json::Error) -> Failure {
    use serde_json::error::Category;
    match error.classify() {
        Category::Syntax | Category::Eof | Category::Io => {
            let (line, column) = (error.line(), error.column());
            Failure::invalid(path, format!("The body is no JSON: line {line}, column {column}."))
        }
        Category::Data => {
            let text = error.to_string();
            let reason = in_json_words(without_value(&text));
            let text = if path.is_empty() { reason } else { format!("{path}: {reason}") };
            Failure::invalid(path, text)
        }
    }
}

/// `invalid type: string "…", expected a boolean at line 1 column 5` without what was found.
fn without_value(text: &str) -> &str {
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let text = &text[..end];
    text.rfind(", expected ").map_or(text, |at| &text[at + 2..])
}

/// Says what is expected as JSON calls it, not Rust.
fn in_json_words(reason: &str) -> String {
    let Some(wanted) = reason.strip_prefix("expected ") else { return reason.to_owned() };
    let first = wanted.split(' ').next().unwrap_or(wanted);
    let word = match first {
        "struct" | "map" => "an object",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "tuple" => "a list",
        "unit" => "null",
        "string" => "a string",
        _ => match wanted {
            "a sequence" => "a list",
            "a map" => "an object",
            other => other,
        },
    };
    format!("expected {word}")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Body {
        rows: Vec<Row>,
    }

    #[derive(Debug, Deserialize)]
    struct Row {
        #[expect(dead_code, reason = "only its type matters")]
        name: String,
        #[expect(dead_code, reason = "only its type matters")]
        on: Option<bool>,
    }

    fn refused(text: &str) -> Failure {
        parse::<Body>(text.as_bytes()).expect_err("refused")
    }

    #[test]
    fn what_is_wrong_is_told_with_its_path_and_without_the_value() {
        let failure = refused(r#"{"rows":[{"name":"a"},{"name":"b","on":"canary, expected x"}]}"#);
        assert_eq!(failure.client, "rows[1].on: expected a boolean");
        assert_eq!(failure.param.as_deref(), Some("rows[1].on"));
        assert_eq!(refused(r#"{"rows":[{}]}"#).client, "rows[0]: missing field `name`");
        assert_eq!(refused(r#"["canary"]"#).client, "[0]: expected a list");
        assert_eq!(refused("null").client, "expected an object");
        assert_eq!(refused("[]").client, "expected an object");
        assert!(!refused(r#""canary""#).client.contains("canary"));
    }

    #[test]
    fn what_is_expected_is_told_in_words_of_json() {
        for (rust, json) in [
            ("expected u32", "expected a whole number, 0 or more"),
            ("expected i64", "expected a whole number"),
            ("expected f64", "expected a number"),
            ("expected a sequence", "expected a list"),
            ("expected a map", "expected an object"),
            ("expected struct Get with 1 element", "expected an object"),
            ("expected string or map", "expected a string"),
            ("expected a boolean", "expected a boolean"),
            ("expected one of `day`, `month`", "expected one of `day`, `month`"),
            ("missing field `name`", "missing field `name`"),
        ] {
            assert_eq!(in_json_words(rust), json);
        }
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        assert_eq!(refused("{\"rows\":\n[}").client, "The body is no JSON: line 2, column 2.");
        assert_eq!(refused("").client, "The body is no JSON: line 1, column 0.");
        assert_eq!(refused("{\"rows\":[]}x").client, "The body is no JSON: line 1, column 12.");
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        assert_eq!(refused(&deep).client, "The body is no JSON: line 1, column 100005.");
    }

    #[test]
    fn unknown_fields_are_remembered_by_name() {
        let text = r#"{"rows":[{"name":"a","x":1,"on":null},{"name":"a","x":1}],"y\r\n,":{"z":2}}"#;
        let input = parse::<Body>(text.as_bytes()).expect("body");
        assert_eq!(input.value.rows.len(), 2);
        assert_eq!(input.unused.to_string(), "rows[].x, y???");
    }

    #[test]
    fn hostile_names_stay_few_and_short() {
        let many: Vec<String> =
            (0..1000).map(|n| format!("\"{}{n}\":0", "x".repeat(500 - n / 4))).collect();
        let text = format!("{{\"rows\":[],{}}}", many.join(","));
        let input = parse::<Body>(text.as_bytes()).expect("body");
        assert!(input.unused.to_string().len() < 2048);
    }
}
