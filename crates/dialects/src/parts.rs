//! Rules for parts and results that hold in every dialect.

use conversation::{Image, Message, Part, ToolResult};

/// The text parts, in order.
pub(crate) fn texts(parts: &[Part]) -> Vec<&str> {
    parts
        .iter()
        .filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Image(_) | Part::File(_) | Part::Reasoning(_) | Part::ToolCall(_) => None,
        })
        .collect()
}

/// The parts without those that are texts and say nothing.
pub(crate) fn without_empty_texts(mut parts: Vec<Part>) -> Vec<Part> {
    parts.retain(|part| match part {
        Part::Text(text) => !text.is_empty(),
        Part::Image(_) | Part::File(_) | Part::Reasoning(_) | Part::ToolCall(_) => true,
    });
    parts
}

/// A picture, or nothing where it has to be fetched first: the turn is decoded again then.
pub(crate) fn picture(image: Option<Image>) -> Part {
    image.map_or_else(|| Part::Text(String::new()), Part::Image)
}

/// Adds a result. Those that follow each other belong to one message.
pub(crate) fn push_result(messages: &mut Vec<Message>, result: ToolResult) {
    match messages.last_mut() {
        Some(Message::ToolResults(results)) => results.push(result),
        Some(Message::User(_) | Message::Assistant(_) | Message::Instruction(_)) | None => {
            messages.push(Message::ToolResults(vec![result]));
        }
    }
}
