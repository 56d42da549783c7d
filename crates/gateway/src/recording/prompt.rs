//! A conversation as text, for operators who keep what was said.

use std::fmt::Write as _;

use conversation::{Message, Part, ToolResult, Turn};

/// The end of the conversation in so many bytes; what came last says most. Redacted.
pub(super) fn of(turn: &Turn, most: usize) -> String {
    let mut messages: Vec<String> = Vec::new();
    let mut bytes = 0;
    for message in turn.messages.iter().rev() {
        if bytes > most {
            break;
        }
        let text = told(message);
        bytes += text.len();
        messages.push(text);
    }
    if bytes <= most {
        messages.extend(turn.instructions.iter().rev().map(|text| format!("system: {text}")));
    }
    messages.reverse();
    request_log::tail(&messages.join("\n"), most)
}

fn told(message: &Message) -> String {
    let mut text = String::new();
    match message {
        Message::User(content) => parts("user", content, &mut text),
        Message::Assistant(content) => parts("assistant", content, &mut text),
        Message::Instruction(instruction) => {
            let _ = write!(text, "system: {instruction}");
        }
        Message::ToolResults(results) => {
            for (at, ToolResult { content, .. }) in results.iter().enumerate() {
                if at > 0 {
                    text.push('\n');
                }
                parts("tool", content, &mut text);
            }
        }
    }
    text
}

fn parts(role: &str, content: &[Part], text: &mut String) {
    let _ = write!(text, "{role}:");
    for part in content {
        text.push(' ');
        match part {
            Part::Text(said) => text.push_str(said),
            Part::Image(_) => text.push_str("[picture]"),
            Part::File(_) => text.push_str("[file]"),
            Part::Reasoning(_) => text.push_str("[thinking]"),
            Part::ToolCall(call) => {
                let _ = write!(text, "[calls {} {}]", call.name, call.arguments);
            }
        }
    }
}
