//! An answer to a client that wants no reasoning: its blocks are left out.

use crate::{BlockKind, Event};

/// Takes the reasoning blocks out of one answer's events.
#[derive(Debug, Default)]
pub struct WithoutReasoning {
    inside: bool,
}

impl WithoutReasoning {
    /// Whether the event stays.
    pub fn keeps(&mut self, event: &Event) -> bool {
        match event {
            Event::Opened(BlockKind::Reasoning) => {
                self.inside = true;
                false
            }
            Event::Delta(_) => !self.inside,
            Event::Closed(_) => !std::mem::take(&mut self.inside),
            Event::Opened(BlockKind::Text | BlockKind::ToolCall { .. })
            | Event::Started { .. }
            | Event::Usage(_)
            | Event::Finished(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StopReason;

    #[test]
    fn reasoning_goes_and_the_rest_stays_legal() {
        let events = [
            Event::Started { id: "a".into(), model: "m".into() },
            Event::Opened(BlockKind::Reasoning),
            Event::Delta("hm".into()),
            Event::Closed(Some("seal".into())),
            Event::Opened(BlockKind::Text),
            Event::Delta("hello".into()),
            Event::Closed(None),
            Event::Opened(BlockKind::Reasoning),
            Event::Closed(None),
            Event::Finished(StopReason::EndTurn),
        ];
        let mut filter = WithoutReasoning::default();
        let kept = events.into_iter().filter(|event| filter.keeps(event)).map(Ok);
        let reply = crate::fold(kept).expect("legal");
        assert_eq!((reply.text().as_str(), reply.blocks.len()), ("hello", 1));
    }
}
