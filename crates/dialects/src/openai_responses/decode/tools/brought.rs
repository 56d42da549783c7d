//! Tools that items of the conversation bring: some clients declare all of theirs that way, others
//! those that a search for tools has found.

use conversation::Failure;
use serde_json::value::RawValue;

use super::parse_at;
use crate::openai_responses::error::PREVIOUS;
use crate::openai_responses::wire;
use crate::wire::TextOr;

/// A list of tools with its path.
type List = (String, Vec<Box<RawValue>>);

/// # Errors
/// A list of tools is none.
pub(super) fn find(request: &wire::Request, chain: &[String]) -> Result<Vec<List>, Failure> {
    let mut brought = Vec::new();
    for text in chain.iter().filter(|text| may_bring(text)) {
        if let Ok(raw) = serde_json::from_str::<&RawValue>(text) {
            brought.extend(tools_of(raw, PREVIOUS)?);
        }
    }
    let Some(TextOr::Other(items)) = &request.input else { return Ok(brought) };
    for (place, raw) in items.iter().enumerate().filter(|(_, raw)| may_bring(raw.get())) {
        brought.extend(tools_of(raw, &format!("input[{place}]"))?);
    }
    Ok(brought)
}

/// Spares most items the second reading.
fn may_bring(text: &str) -> bool {
    text.contains("additional_tools") || text.contains("tool_search_output")
}

fn tools_of(raw: &RawValue, path: &str) -> Result<Option<List>, Failure> {
    let item: wire::ToolItem = match parse_at::<wire::Reference>(raw, path)?.kind.as_deref() {
        Some("additional_tools" | "tool_search_output") => parse_at(raw, path)?,
        _ => return Ok(None),
    };
    Ok(item.tools.map(|tools| (format!("{path}.tools"), tools)))
}
