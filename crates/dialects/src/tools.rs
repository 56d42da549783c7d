//! Rules for tools and their calls that dialects share.

use conversation::Failure;
use serde_json::value::RawValue;

use crate::problem::{check_name, missing, shown};
use crate::wire::raw_object;

/// Most tools of a request; the APIs themselves take fewer.
pub(crate) const MAX_TOOLS: usize = 1024;
/// The schema of a tool that takes nothing.
pub(crate) const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;
/// What a call without argument text has, because clients parse the text as JSON.
pub(crate) const NO_ARGUMENTS: &str = "{}";

/// The argument text of a call as clients get it.
pub(crate) fn shown_arguments(text: &str) -> &str {
    if text.is_empty() { NO_ARGUMENTS } else { text }
}

/// The name of the tool that is declared at `path`.
///
/// # Errors
/// It is missing or not legal.
pub(crate) fn declared_name(name: Option<String>, path: &str) -> Result<String, Failure> {
    let path = format!("{path}.name");
    let name = name.ok_or_else(|| missing(path.as_str()))?;
    check_name(&name, &path)?;
    Ok(name)
}

/// The schema at `path`.
///
/// # Errors
/// It is no object, or nested too deeply.
pub(crate) fn parameters(schema: Option<&RawValue>, path: &str) -> Result<String, Failure> {
    match schema {
        Some(schema) => raw_object(schema, path),
        None => Ok(NO_PARAMETERS.to_owned()),
    }
}

pub(crate) fn too_many(path: &str) -> Failure {
    Failure::invalid(path, format!("Too many tools: at most {MAX_TOOLS} are accepted."))
}

pub(crate) fn same_name(name: &str, path: &str) -> Failure {
    Failure::invalid(path, format!("Two tools have the name '{}'.", shown(name)))
}

/// The failure of a choice that names a tool which is not there.
pub(crate) fn not_offered(name: &str, path: &str) -> Failure {
    let message = format!("Tool choice '{}' not found in the offered tools.", shown(name));
    Failure::invalid(path, message)
}

/// Arguments that a client hands back: a string as the model wrote it, which need not be good
/// JSON. A cut answer comes back like that, and refusing it would end the conversation for ever.
/// Some clients send the object itself. Nothing at all is an empty object.
///
/// # Errors
/// They are missing or something else, or nested too deeply.
pub(crate) fn arguments(raw: Option<&RawValue>, path: &str) -> Result<String, Failure> {
    let Some(raw) = raw else { return Err(missing(path)) };
    let text = match raw.get().as_bytes() {
        [b'{', ..] => return raw_object(raw, path),
        [b'"', ..] => serde_json::from_str::<String>(raw.get()).ok(),
        _ => None,
    };
    match text {
        Some(text) if text.trim_ascii().is_empty() => Ok(NO_ARGUMENTS.to_owned()),
        Some(text) => Ok(text),
        None => {
            let message = format!("Invalid type for '{path}': expected a string with JSON.");
            Err(Failure::invalid(path, message))
        }
    }
}
