//! Answers that must be JSON, or fit a schema: the upstream has no such mode, so the model is
//! told, its answer is checked, and a bad one is sent back to it once. What still does not fit is
//! an error, never a finished answer.

use conversation::{Failure, FailureClass, OutputShape, Turn};
use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

use self::cost::Cost;

mod cost;

/// Most evaluations of parts of a schema for one answer: some tenths of a second.
const MOST_EVALUATIONS: u64 = 100_000;

/// Most mistakes that are told to the model.
const SHOWN: usize = 8;
/// Longest text of one mistake.
const SHOWN_CHARS: usize = 300;

/// What an answer's text must be.
#[derive(Debug)]
pub(crate) struct Format {
    /// `None`: any JSON object.
    schema: Option<Schema>,
}

#[derive(Debug)]
struct Schema {
    text: String,
    json: Value,
    validator: Validator,
}

impl Format {
    /// `None` for free text.
    ///
    /// # Errors
    /// The schema is none.
    pub(crate) fn of(turn: &Turn) -> Result<Option<Self>, Failure> {
        match &turn.output {
            OutputShape::Text => Ok(None),
            OutputShape::Json => Ok(Some(Self { schema: None })),
            OutputShape::JsonSchema { name, schema } => {
                let parsed = Schema::parse(schema).map_err(|reason| {
                    let text = format!("Invalid schema for response_format '{name}': {reason}");
                    Failure::invalid("response_format", text)
                })?;
                Ok(Some(Self { schema: Some(parsed) }))
            }
        }
    }

    /// What the model is told before.
    pub(crate) fn instruction(&self) -> String {
        let rule = "Your final answer must be one JSON value and nothing else: no explanation, no \
                    Markdown, no code fence around it.";
        match &self.schema {
            None => format!("{rule} It must be a JSON object."),
            Some(schema) => {
                format!("{rule} It must be valid against this JSON Schema:\n{}", schema.text)
            }
        }
    }

    /// The JSON text in an answer.
    ///
    /// # Errors
    /// What is wrong with it, in words for the model.
    pub(crate) fn check<'a>(&self, answer: &'a str) -> Result<&'a str, String> {
        let mut reason = None;
        for candidate in candidates(answer) {
            match serde_json::from_str::<Value>(candidate) {
                Ok(value) => match self.mistakes(&value) {
                    None => return Ok(candidate),
                    // Of several candidates, one that is JSON is the one that was meant.
                    Some(mistakes) => reason = Some(mistakes),
                },
                Err(error) => reason = reason.or(Some(format!("It is not valid JSON: {error}."))),
            }
        }
        Err(reason.unwrap_or_else(|| "It is empty.".to_owned()))
    }

    fn mistakes(&self, value: &Value) -> Option<String> {
        let Some(schema) = &self.schema else {
            return (!value.is_object()).then(|| "It is not a JSON object.".to_owned());
        };
        if Cost::new(&schema.json, MOST_EVALUATIONS).of(value).is_err() {
            return Some("Checking it against the schema would take too long.".to_owned());
        }
        let mistakes: Vec<String> = schema
            .validator
            .iter_errors(value)
            .take(SHOWN)
            .map(|error| {
                let text: String = error.to_string().chars().take(SHOWN_CHARS).collect();
                format!("- at `{}`: {text}", error.instance_path())
            })
            .collect();
        (!mistakes.is_empty()).then(|| mistakes.join("\n"))
    }
}

impl Schema {
    fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let validator = jsonschema::options()
            // Linear in the text: a client's pattern must not stop the gateway.
            .with_pattern_options(PatternOptions::regex())
            .build(&json)
            .map_err(|error| error.to_string())?;
        Ok(Self { text: text.to_owned(), json, validator })
    }
}

/// Where the JSON of an answer may be: models like to put words or a fence around it.
fn candidates(answer: &str) -> impl Iterator<Item = &str> {
    let whole = Some(answer.trim()).filter(|text| !text.is_empty());
    let fenced = answer.find("```").and_then(|start| {
        let inside = &answer[start + 3..];
        let inside = &inside[inside.find('\n')? + 1..];
        Some(inside[..inside.rfind("```")?].trim())
    });
    let braces = answer.find(['{', '[']).and_then(|start| {
        let end = answer.rfind(['}', ']'])?;
        answer.get(start..=end)
    });
    [whole, fenced, braces].into_iter().flatten()
}

/// The answer that did not fit, twice.
pub(crate) fn misfit(reason: &str) -> Failure {
    Failure::new(
        FailureClass::UpstreamFailed,
        "The model's answer does not have the requested format, even after it was asked to \
         correct it.",
    )
    .log(format!("structured output: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(schema: &str) -> Format {
        let mut turn = Turn::of_text("m", "x");
        turn.output = OutputShape::JsonSchema { name: "n".into(), schema: schema.into() };
        Format::of(&turn).expect("a schema").expect("a format")
    }

    const PERSON: &str = r#"{"type":"object","properties":{"age":{"type":"integer"}},"required":["age"],"additionalProperties":false}"#;

    #[test]
    fn json_is_found_where_models_put_it() {
        let format = format(PERSON);
        for (answer, found) in [
            ("{\"age\":3}", "{\"age\":3}"),
            ("  {\"age\":3}\n", "{\"age\":3}"),
            ("```json\n{\"age\":3}\n```", "{\"age\":3}"),
            ("Here it is:\n```\n{\"age\": 3}\n```\nBye.", "{\"age\": 3}"),
            ("Sure! {\"age\":3} is it.", "{\"age\":3}"),
        ] {
            assert_eq!(format.check(answer), Ok(found), "{answer}");
        }
    }

    #[test]
    fn what_does_not_fit_is_told_with_its_place() {
        let format = format(PERSON);
        let reason = format.check("{\"age\":\"three\"}").expect_err("wrong type");
        assert!(reason.contains("/age") && reason.contains("integer"), "{reason}");
        assert!(format.check("```json\n{}\n```").expect_err("missing").contains("age"));
        assert!(format.check("no json").expect_err("none").contains("not valid JSON"));
        assert_eq!(format.check(" ").expect_err("empty"), "It is empty.");
    }

    #[test]
    fn plain_json_mode_wants_an_object() {
        let mut turn = Turn::of_text("m", "x");
        turn.output = OutputShape::Json;
        let format = Format::of(&turn).expect("fine").expect("a format");
        assert_eq!(format.check("{}"), Ok("{}"));
        assert!(format.check("[1]").is_err());
    }

    #[test]
    fn a_bad_schema_is_the_clients_mistake() {
        let mut turn = Turn::of_text("m", "x");
        for schema in [r#"{"type":"nonsense"}"#, r#"{"$ref":"http://127.0.0.1:1/schema.json"}"#] {
            turn.output = OutputShape::JsonSchema { name: "n".into(), schema: schema.into() };
            let failure = Format::of(&turn).expect_err(schema);
            assert_eq!(failure.class, FailureClass::Invalid);
        }
    }

    #[test]
    fn a_pattern_of_the_clients_cannot_stop_the_gateway() {
        let format = format(r#"{"type":"string","pattern":"^(a+)+$"}"#);
        let answer = format!("\"{}!\"", "a".repeat(50_000));
        assert!(format.check(&answer).is_err());
    }
}
