//! Tool results in the words of the chat flow: on the same stream and in history
//! (`reference/upstream-protocol.md` §8.3, §8.4).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use conversation::{Part, ToolResult};
use serde::Serialize;

use crate::session::as_document;

/// `MCPResult.result` is JSON text. On the stream a plain text result is said twice, as servers
/// of MCP do.
pub(super) fn json(result: &ToolResult, on_stream: bool) -> String {
    let content: Vec<Item> = result.content.iter().filter_map(item).collect();
    let texts: Option<Vec<Structured<'_>>> = content
        .iter()
        .map(|item| match item {
            Item::Text { text } => {
                Some(Structured { r#type: "text", text, annotations: (), _meta: () })
            }
            Item::Image { .. } => None,
        })
        .collect();
    let structured_content =
        texts.filter(|texts| on_stream && !result.is_error && !texts.is_empty());
    let wire = Wire {
        content: &content,
        structured_content: structured_content.map(|result| Result { result }),
        is_error: result.is_error,
    };
    // Texts always have a JSON form.
    serde_json::to_string(&wire).unwrap_or_default()
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    content: &'a [Item],
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_content: Option<Result<'a>>,
    is_error: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Item {
    Text {
        text: String,
    },
    #[serde(rename_all = "camelCase")]
    Image {
        data: String,
        mime_type: &'static str,
    },
}

#[derive(Serialize)]
struct Result<'a> {
    result: Vec<Structured<'a>>,
}

#[derive(Serialize)]
struct Structured<'a> {
    r#type: &'static str,
    text: &'a str,
    annotations: (),
    _meta: (),
}

fn item(part: &Part) -> Option<Item> {
    match part {
        Part::Text(text) => Some(Item::Text { text: text.clone() }),
        Part::File(file) => Some(Item::Text { text: as_document(&file.name, &file.text) }),
        Part::Image(image) => Some(Item::Image {
            data: STANDARD.encode(&image.data),
            mime_type: image.format.mime_type(),
        }),
        // Not part of a result.
        Part::Reasoning(_) | Part::ToolCall(_) => None,
    }
}
