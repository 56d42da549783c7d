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
            let reason = without_value(&text);
            let text =
                if path.is_empty() { reason.to_owned() } else { format!("{path}: {reason}") };
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
        #[allow(dead_code)]
        name: String,
        #[allow(dead_code)]
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
        assert_eq!(refused(r#"["canary"]"#).client, "[0]: expected a sequence");
        assert!(!refused(r#""canary""#).client.contains("canary"));
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
