//! Which answer a conversation gets: the rules 1 to 5 of the scenarios.
//!
//! Asked again after every round of tools on a live stream.

use super::{Role, View};
use crate::script::{self, Directive};

/// The answer to play.
#[derive(Debug)]
pub(crate) enum Play {
    /// A step of a program.
    Step(Vec<Directive>),
    /// A text that the rules give.
    Text(String),
}

/// Selects the answer to a conversation.
pub(crate) fn select(view: &View) -> Play {
    let program = view
        .messages
        .iter()
        .rposition(|message| message.role == Role::User && script::has_directive(&message.text));
    match program {
        Some(at) => {
            let mut steps = script::steps(script::parse(&view.messages[at].text));
            let played = view.messages[at + 1..].iter().filter(|message| message.calls > 0).count();
            if played < steps.len() {
                Play::Step(steps.swap_remove(played))
            } else {
                Play::Text(last_results(view).unwrap_or_else(|| view.echo()))
            }
        }
        None if ends_with_results(view) => {
            Play::Text(last_results(view).unwrap_or_else(|| view.echo()))
        }
        None => Play::Text(view.echo()),
    }
}

/// Whether nothing but blank user messages follows the last tool result. A client whose protocol
/// cannot end with a result sends an empty message after it.
fn ends_with_results(view: &View) -> bool {
    let mut backwards = view.messages.iter().rev();
    backwards
        .find(|message| message.role != Role::User || !message.text.trim().is_empty())
        .is_some_and(|message| message.role == Role::Tool)
}

/// The results after the last assistant message (rule 4).
fn last_results(view: &View) -> Option<String> {
    let assistant = view.messages.iter().rposition(|message| message.role == Role::Assistant);
    let quoted: Vec<String> = view.messages[assistant.map_or(0, |at| at + 1)..]
        .iter()
        .filter(|message| message.role == Role::Tool)
        .map(|message| format!("tool result: {}", script::cut(&message.text, 500)))
        .collect();
    (!quoted.is_empty()).then(|| quoted.join("\n"))
}
