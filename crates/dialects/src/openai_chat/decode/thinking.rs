//! The reasoning of an assistant message that the client hands back.

use conversation::{Failure, Part, ReasoningPart};

use super::parts::Reader;
use crate::openai_chat::wire;
use crate::problem::{missing, unsupported_value};

/// The reasoning of a message. What was sealed comes back in `reasoning_details`; the plain text
/// beside it says the same once more.
///
/// # Errors
/// A detail is of an unknown kind or incomplete.
pub(super) fn parts(
    message: &mut wire::Message,
    path: &str,
    reader: &mut Reader<'_>,
) -> Result<Vec<Part>, Failure> {
    let plain = message.reasoning_content.take().filter(|text| !text.is_empty());
    let mut blocks = Vec::new();
    for (place, detail) in message.reasoning_details.take().into_iter().flatten().enumerate() {
        let path = format!("{path}.reasoning_details[{place}]");
        let block = block(detail, &path, reader)?;
        if !block.text.is_empty() || block.seal.is_some() {
            blocks.push(block);
        }
    }
    let Some(plain) = plain else { return Ok(as_parts(blocks)) };
    if blocks.is_empty() {
        blocks.push(ReasoningPart { text: plain, seal: None });
    } else if plain != blocks.iter().map(|block| block.text.as_str()).collect::<String>() {
        reader.ignored.add("messages[].", "reasoning_content");
    }
    Ok(as_parts(blocks))
}

fn as_parts(blocks: Vec<ReasoningPart>) -> Vec<Part> {
    blocks.into_iter().map(Part::Reasoning).collect()
}

fn block(
    detail: wire::ReasoningDetail,
    path: &str,
    reader: &mut Reader<'_>,
) -> Result<ReasoningPart, Failure> {
    detail.unknown.report("messages[].reasoning_details[].", reader.ignored);
    let seal = |text: Option<String>| text.filter(|text| !text.is_empty());
    match detail.kind.as_deref() {
        Some("reasoning.text") => Ok(ReasoningPart {
            text: detail.text.unwrap_or_default(),
            seal: seal(detail.signature),
        }),
        Some("reasoning.summary") => {
            Ok(ReasoningPart { text: detail.summary.unwrap_or_default(), seal: None })
        }
        Some("reasoning.encrypted") => match seal(detail.data) {
            Some(data) => Ok(ReasoningPart { text: String::new(), seal: Some(data) }),
            None => Err(missing(format!("{path}.data"))),
        },
        Some(other) => Err(unsupported_value(
            format!("{path}.type"),
            other,
            "'reasoning.text', 'reasoning.summary', and 'reasoning.encrypted'",
        )),
        None => Err(missing(format!("{path}.type"))),
    }
}
