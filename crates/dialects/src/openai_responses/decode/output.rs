//! The form of the answer's text.

use conversation::{Failure, OutputShape};

use crate::Ignored;
use crate::openai_responses::wire;
use crate::problem::{check_name, missing, unsupported_value};
use crate::wire::raw_object;

/// # Errors
/// An unknown form or verbosity, or a schema that is not there.
pub(super) fn shape(
    text: Option<&wire::Text>,
    ignored: &mut Ignored,
) -> Result<OutputShape, Failure> {
    let Some(text) = text else { return Ok(OutputShape::Text) };
    text.unknown.report("text.", ignored);
    match text.verbosity.as_deref() {
        None | Some("medium") => {}
        Some("low" | "high") => ignored.add("text.", "verbosity"),
        Some(other) => {
            return Err(unsupported_value("text.verbosity", other, "'low', 'medium', and 'high'"));
        }
    }
    let Some(format) = &text.format else { return Ok(OutputShape::Text) };
    format.unknown.report("text.format.", ignored);
    match format.kind.as_deref() {
        Some("text") => Ok(OutputShape::Text),
        Some("json_object") => Ok(OutputShape::Json),
        Some("json_schema") => json_schema(format, ignored),
        Some(other) => {
            let supported = "'text', 'json_object', and 'json_schema'";
            Err(unsupported_value("text.format.type", other, supported))
        }
        None => Err(missing("text.format.type")),
    }
}

fn json_schema(format: &wire::Format, ignored: &mut Ignored) -> Result<OutputShape, Failure> {
    let name = format.name.clone().ok_or_else(|| missing("text.format.name"))?;
    check_name(&name, "text.format.name")?;
    let schema = format.schema.as_ref().ok_or_else(|| missing("text.format.schema"))?;
    let schema = raw_object(schema, "text.format.schema")?;
    for (field, given) in
        [("strict", format.strict == Some(true)), ("description", format.description.is_some())]
    {
        if given {
            ignored.add("text.format.", field);
        }
    }
    Ok(OutputShape::JsonSchema { name, schema })
}
