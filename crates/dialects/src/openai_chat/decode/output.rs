//! The form that the answer's text must have.

use conversation::{Failure, OutputShape};

use crate::Ignored;
use crate::openai_chat::wire;
use crate::problem::{check_name, missing, unsupported_value};
use crate::wire::raw_object;

/// # Errors
/// An unknown form, or a schema that is not there.
pub(super) fn output_shape(
    format: Option<wire::ResponseFormat>,
    ignored: &mut Ignored,
) -> Result<OutputShape, Failure> {
    let Some(format) = format else { return Ok(OutputShape::Text) };
    format.unknown.report("response_format.", ignored);
    match format.kind.as_deref() {
        Some("text") => Ok(OutputShape::Text),
        Some("json_object") => Ok(OutputShape::Json),
        Some("json_schema") => json_schema(format.json_schema, ignored),
        Some(other) => {
            let supported = "'text', 'json_object', and 'json_schema'";
            Err(unsupported_value("response_format.type", other, supported))
        }
        None => Err(missing("response_format.type")),
    }
}

fn json_schema(
    format: Option<wire::JsonSchema>,
    ignored: &mut Ignored,
) -> Result<OutputShape, Failure> {
    const PATH: &str = "response_format.json_schema";
    let format = format.ok_or_else(|| missing(PATH))?;
    format.unknown.report(&format!("{PATH}."), ignored);
    let name = format.name.ok_or_else(|| missing(format!("{PATH}.name")))?;
    check_name(&name, &format!("{PATH}.name"))?;
    let schema_path = format!("{PATH}.schema");
    let schema = format.schema.ok_or_else(|| missing(schema_path.as_str()))?;
    Ok(OutputShape::JsonSchema { name, schema: raw_object(&schema, &schema_path)? })
}
