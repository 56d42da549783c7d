//! The client's transcript made whole: every call of the history has a result.
//!
//! Clients leave calls open when a user interrupts them, and providers refuse a history that has
//! such calls. They are answered with an error instead of being dropped.

use std::borrow::Cow;
use std::collections::HashSet;

use conversation::{Message, Part, ToolResult};

use crate::session::NO_RESULT;

/// The same messages, with results for the calls that never got one.
pub(crate) fn whole(messages: &[Message]) -> Cow<'_, [Message]> {
    let answered: HashSet<&str> = messages
        .iter()
        .flat_map(|message| match message {
            Message::ToolResults(results) => results.as_slice(),
            Message::User(_) | Message::Assistant(_) | Message::Instruction(_) => &[],
        })
        .map(|result| result.call_id.as_str())
        .collect();
    if messages.iter().all(|message| missing(message, &answered).is_empty()) {
        return Cow::Borrowed(messages);
    }
    let mut out = Vec::with_capacity(messages.len() + 1);
    let mut open = Vec::new();
    for message in messages {
        match message {
            Message::ToolResults(results) => {
                let mut results = results.clone();
                results.append(&mut open);
                out.push(Message::ToolResults(results));
            }
            Message::User(_) | Message::Assistant(_) | Message::Instruction(_) => {
                close(&mut open, &mut out);
                out.push(message.clone());
            }
        }
        open.extend(missing(message, &answered));
    }
    close(&mut open, &mut out);
    Cow::Owned(out)
}

fn close(open: &mut Vec<ToolResult>, out: &mut Vec<Message>) {
    if !open.is_empty() {
        out.push(Message::ToolResults(std::mem::take(open)));
    }
}

/// Results for the calls of a message that have none.
fn missing(message: &Message, answered: &HashSet<&str>) -> Vec<ToolResult> {
    let Message::Assistant(parts) = message else { return Vec::new() };
    parts
        .iter()
        .filter_map(|part| match part {
            Part::ToolCall(call) if !answered.contains(call.id.as_str()) => Some(ToolResult {
                call_id: call.id.clone(),
                content: vec![Part::Text(NO_RESULT.to_owned())],
                is_error: true,
            }),
            Part::ToolCall(_)
            | Part::Text(_)
            | Part::Image(_)
            | Part::File(_)
            | Part::Reasoning(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use conversation::ToolCall;

    use super::*;

    fn calls(ids: &[&str]) -> Message {
        let call = |id: &&str| {
            Part::ToolCall(ToolCall { id: (*id).into(), name: "f".into(), arguments: "{}".into() })
        };
        Message::Assistant(ids.iter().map(call).collect())
    }

    fn results(ids: &[&str]) -> Message {
        let result =
            |id: &&str| ToolResult { call_id: (*id).into(), content: Vec::new(), is_error: false };
        Message::ToolResults(ids.iter().map(result).collect())
    }

    fn ids(message: &Message) -> Vec<(&str, bool)> {
        match message {
            Message::ToolResults(results) => {
                results.iter().map(|result| (result.call_id.as_str(), result.is_error)).collect()
            }
            other => panic!("results, not {other:?}"),
        }
    }

    #[test]
    fn a_whole_transcript_is_left_alone() {
        let messages = [calls(&["a", "b"]), results(&["b"]), results(&["a"])];
        assert!(matches!(whole(&messages), Cow::Borrowed(_)));
    }

    #[test]
    fn a_call_without_a_result_gets_one_beside_the_others() {
        let messages = [calls(&["a", "b"]), results(&["b"]), Message::User(Vec::new())];
        let whole = whole(&messages);
        assert_eq!(whole.len(), 3);
        assert_eq!(ids(&whole[1]), [("b", false), ("a", true)]);
    }

    #[test]
    fn a_call_that_was_interrupted_gets_one_before_the_next_message() {
        let messages = [calls(&["a"]), Message::User(Vec::new()), calls(&["b"])];
        let whole = whole(&messages);
        assert_eq!(whole.len(), 5);
        assert_eq!((ids(&whole[1]), ids(&whole[4])), (vec![("a", true)], vec![("b", true)]));
        assert!(matches!(whole[2], Message::User(_)));
    }
}
