//! The checker of event sequences; runs in debug builds and in every test of a stream.

use std::fmt;

use crate::Event;

/// Accepts one answer's events in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grammar {
    #[default]
    Fresh,
    Between,
    InBlock,
    Ended,
}

/// An event that may not stand where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    pub state: Grammar,
    pub event: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "event {} in state {:?}", self.event, self.state)
    }
}

impl std::error::Error for Violation {}

impl Grammar {
    /// # Errors
    /// The event is not legal after those accepted so far; the state does not change.
    pub fn accept(&mut self, event: &Event) -> Result<(), Violation> {
        *self = match (*self, event) {
            (Self::Fresh, Event::Started { .. }) | (Self::InBlock, Event::Closed(_)) => {
                Self::Between
            }
            (Self::Between, Event::Opened(_)) => Self::InBlock,
            (Self::InBlock, Event::Delta(text)) if !text.is_empty() => Self::InBlock,
            (Self::Between | Self::InBlock, Event::Usage(_)) => *self,
            (Self::Between, Event::Finished(_)) => Self::Ended,
            (state, event) => return Err(Violation { state, event: name(event) }),
        };
        Ok(())
    }

    /// Whether the answer is complete.
    #[must_use]
    pub fn is_ended(self) -> bool {
        self == Self::Ended
    }
}

fn name(event: &Event) -> &'static str {
    match event {
        Event::Started { .. } => "started",
        Event::Opened(_) => "opened",
        Event::Delta(_) => "delta",
        Event::Closed(_) => "closed",
        Event::Usage(_) => "usage",
        Event::Finished(_) => "finished",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockKind, StopReason};

    fn started() -> Event {
        Event::Started { id: "a".into(), model: "m".into() }
    }

    fn check(events: &[Event]) -> Result<Grammar, Violation> {
        let mut grammar = Grammar::default();
        for event in events {
            grammar.accept(event)?;
        }
        Ok(grammar)
    }

    #[test]
    fn a_complete_answer_is_ended() {
        let events = [
            started(),
            Event::Opened(BlockKind::Text),
            Event::Delta("x".into()),
            Event::Closed(None),
            Event::Finished(StopReason::EndTurn),
        ];
        assert!(check(&events).expect("legal").is_ended());
    }

    #[test]
    fn blocks_do_not_overlap() {
        let events =
            [started(), Event::Opened(BlockKind::Text), Event::Opened(BlockKind::Reasoning)];
        assert_eq!(check(&events).expect_err("overlap").event, "opened");
    }

    #[test]
    fn an_open_block_may_not_finish() {
        let events =
            [started(), Event::Opened(BlockKind::Text), Event::Finished(StopReason::EndTurn)];
        assert!(check(&events).is_err());
    }

    #[test]
    fn nothing_follows_the_end() {
        let events = [started(), Event::Finished(StopReason::EndTurn), started()];
        assert!(check(&events).is_err());
    }

    #[test]
    fn empty_deltas_are_refused() {
        let events = [started(), Event::Opened(BlockKind::Text), Event::Delta(String::new())];
        assert!(check(&events).is_err());
    }
}
