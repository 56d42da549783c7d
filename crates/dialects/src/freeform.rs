//! Custom tools take free text, and the upstream knows only tools that take JSON. Such a tool is
//! offered as a function of one text; the text is read out of the model's arguments while they
//! come in, and put back into that form when the client returns the call.

use conversation::{Failure, Tool};
use serde::Serialize;

use crate::json;
use crate::problem::{missing, unsupported_value};

mod reader;

pub(crate) use reader::Reader;

/// Name of the one parameter, as the structs below write it.
const INPUT: &str = "input";

/// What the text must look like. It is told to the model and not enforced.
#[derive(Debug)]
pub(crate) struct Grammar {
    /// The kind of grammar, in words for the model.
    kind: &'static str,
    definition: String,
}

impl Grammar {
    /// Reads the fields of the grammar at `path`.
    ///
    /// # Errors
    /// One of them is missing, or the syntax is unknown.
    pub(crate) fn read(
        syntax: Option<&str>,
        definition: Option<String>,
        path: &str,
    ) -> Result<Self, Failure> {
        let kind = match syntax {
            Some("lark") => "Lark grammar",
            Some("regex") => "regular expression",
            Some(other) => {
                let supported = "'lark' and 'regex'";
                return Err(unsupported_value(format!("{path}.syntax"), other, supported));
            }
            None => return Err(missing(format!("{path}.syntax"))),
        };
        let definition = definition.ok_or_else(|| missing(format!("{path}.definition")))?;
        Ok(Self { kind, definition })
    }
}

/// Whether the format at `path`, of this type, has a grammar.
///
/// # Errors
/// The type is missing or unknown.
pub(crate) fn has_grammar(kind: Option<&str>, path: &str) -> Result<bool, Failure> {
    match kind {
        Some("text") => Ok(false),
        Some("grammar") => Ok(true),
        Some(other) => {
            Err(unsupported_value(format!("{path}.type"), other, "'text' and 'grammar'"))
        }
        None => Err(missing(format!("{path}.type"))),
    }
}

#[derive(Serialize)]
struct Schema {
    #[serde(rename = "type")]
    kind: &'static str,
    properties: Properties,
    required: [&'static str; 1],
    #[serde(rename = "additionalProperties")]
    additional: bool,
}

#[derive(Serialize)]
struct Properties {
    input: Text,
}

#[derive(Serialize)]
struct Text {
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
}

/// The function that stands for a custom tool; its name was checked.
pub(crate) fn tool(name: String, description: Option<String>, grammar: Option<Grammar>) -> Tool {
    let mut about = "The whole input of the tool, as plain text.".to_owned();
    if let Some(Grammar { kind, definition }) = grammar {
        about = format!("{about} It must match this {kind}:\n{definition}");
    }
    let schema = Schema {
        kind: "object",
        properties: Properties { input: Text { kind: "string", description: about } },
        required: [INPUT],
        additional: false,
    };
    let parameters = String::from_utf8(json::to_vec(&schema)).expect("JSON is UTF-8");
    let mut description = description.unwrap_or_default();
    if !description.is_empty() {
        description.push_str("\n\n");
    }
    description.push_str("Put the text that this tool takes into `input`, and nothing around it.");
    Tool { name, description, parameters }
}

#[derive(Serialize)]
struct Arguments<'a> {
    input: &'a str,
}

/// The arguments that stand for a text.
pub(crate) fn wrap(input: &str) -> String {
    String::from_utf8(json::to_vec(&Arguments { input })).expect("JSON is UTF-8")
}

/// The text that complete arguments stand for.
pub(crate) fn unwrap(arguments: &str) -> String {
    let mut text = String::with_capacity(arguments.len());
    let mut reader = Reader::default();
    reader.push(arguments, &mut text);
    reader.finish(&mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_told_what_the_text_must_be() {
        let plain = tool("say".into(), None, None);
        assert_eq!(
            plain.parameters,
            r#"{"type":"object","properties":{"input":{"type":"string","description":"The whole input of the tool, as plain text."}},"required":["input"],"additionalProperties":false}"#
        );
        assert!(plain.description.starts_with("Put the text"));
        for (syntax, kind) in [("lark", "Lark grammar"), ("regex", "regular expression")] {
            let grammar = Grammar::read(Some(syntax), Some("a+".into()), "f").expect("legal");
            let tool = tool("t".into(), Some("Edits.".into()), Some(grammar));
            assert!(tool.description.starts_with("Edits.\n\n"));
            assert!(tool.parameters.contains(&format!("It must match this {kind}:\\na+\"")));
        }
    }

    #[test]
    fn wrong_formats_are_named() {
        for (failure, path) in [
            (has_grammar(None, "f").expect_err("no type"), "f.type"),
            (has_grammar(Some("json"), "f").expect_err("unknown"), "f.type"),
            (Grammar::read(None, None, "f").expect_err("no syntax"), "f.syntax"),
            (Grammar::read(Some("peg"), None, "f").expect_err("unknown"), "f.syntax"),
            (Grammar::read(Some("lark"), None, "f").expect_err("nothing"), "f.definition"),
        ] {
            assert_eq!(failure.param.as_deref(), Some(path));
        }
        assert!(has_grammar(Some("grammar"), "f") == Ok(true));
        assert!(has_grammar(Some("text"), "f") == Ok(false));
    }
}
