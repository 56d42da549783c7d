//! The calls of an assistant message that the client hands back.

use conversation::{Failure, ToolCall};

use super::parts::Reader;
use crate::freeform;
use crate::openai_chat::wire;
use crate::problem::{missing, shown, unsupported_value};
use crate::tools::arguments;

/// A call in `tool_calls`.
///
/// # Errors
/// It is malformed, or has the id of an earlier one.
pub(super) fn tool_call(
    call: wire::ToolCall,
    path: &str,
    earlier: &[ToolCall],
    reader: &mut Reader<'_>,
) -> Result<ToolCall, Failure> {
    call.unknown.report("messages[].tool_calls[].", reader.ignored);
    let custom = match call.kind.as_deref() {
        Some("function") | None => false,
        Some("custom") => true,
        Some(other) => {
            let supported = "'function' and 'custom'";
            return Err(unsupported_value(format!("{path}.type"), other, supported));
        }
    };
    let id = call.id.filter(|id| !id.is_empty()).ok_or_else(|| missing(format!("{path}.id")))?;
    if earlier.iter().any(|call| call.id == id) {
        let message = format!("Duplicate tool call id '{}' in one message.", shown(&id));
        return Err(Failure::invalid(format!("{path}.id"), message));
    }
    if custom {
        return custom_call(call.custom, id, &format!("{path}.custom"), reader);
    }
    let function = call.function.ok_or_else(|| missing(format!("{path}.function")))?;
    let path = format!("{path}.function");
    function_call(function, id, &path, "messages[].tool_calls[].function.", reader)
}

/// A call under the name `function_call` or `function`.
///
/// # Errors
/// It is malformed.
pub(super) fn function_call(
    call: wire::FunctionCall,
    id: String,
    path: &str,
    ignored_prefix: &str,
    reader: &mut Reader<'_>,
) -> Result<ToolCall, Failure> {
    call.unknown.report(ignored_prefix, reader.ignored);
    let name =
        call.name.filter(|name| !name.is_empty()).ok_or_else(|| missing(format!("{path}.name")))?;
    let arguments = arguments(call.arguments.as_deref(), &format!("{path}.arguments"))?;
    Ok(ToolCall { id, name, arguments })
}

fn custom_call(
    call: Option<wire::CustomCall>,
    id: String,
    path: &str,
    reader: &mut Reader<'_>,
) -> Result<ToolCall, Failure> {
    let call = call.ok_or_else(|| missing(path))?;
    call.unknown.report("messages[].tool_calls[].custom.", reader.ignored);
    let name =
        call.name.filter(|name| !name.is_empty()).ok_or_else(|| missing(format!("{path}.name")))?;
    let input = call.input.ok_or_else(|| missing(format!("{path}.input")))?;
    Ok(ToolCall { id, name, arguments: freeform::wrap(&input) })
}
