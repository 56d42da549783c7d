//! A whole reply is the fold of the same events that are streamed, so both modes cannot disagree.

use crate::{BlockKind, Event, Failure, FailureClass, Grammar, Seal, StopReason, Usage};

/// A finished answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub id: String,
    pub model: String,
    pub blocks: Vec<Block>,
    pub usage: Option<Usage>,
    pub stop: StopReason,
}

impl Reply {
    /// The text blocks, joined.
    #[must_use]
    pub fn text(&self) -> String {
        self.joined(&BlockKind::Text)
    }

    /// The reasoning blocks, joined.
    #[must_use]
    pub fn reasoning(&self) -> String {
        self.joined(&BlockKind::Reasoning)
    }

    fn joined(&self, kind: &BlockKind) -> String {
        self.blocks.iter().filter(|block| block.kind == *kind).map(|b| b.text.as_str()).collect()
    }
}

/// A closed block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    pub kind: BlockKind,
    /// Text, reasoning text, or argument text.
    pub text: String,
    pub seal: Seal,
}

/// Collects the events of one answer.
#[derive(Debug, Default)]
pub struct Fold {
    grammar: Grammar,
    id: String,
    model: String,
    blocks: Vec<Block>,
    usage: Option<Usage>,
    stop: Option<StopReason>,
}

impl Fold {
    /// # Errors
    /// The event is out of place: a fault of ours.
    pub fn push(&mut self, event: Event) -> Result<(), Failure> {
        self.grammar.accept(&event).map_err(|violation| {
            Failure::new(FailureClass::Internal, "The answer could not be assembled.")
                .log(violation.to_string())
        })?;
        match event {
            Event::Started { id, model } => (self.id, self.model) = (id, model),
            Event::Opened(kind) => {
                self.blocks.push(Block { kind, text: String::new(), seal: None });
            }
            Event::Delta(text) => {
                if let Some(block) = self.blocks.last_mut() {
                    block.text.push_str(&text);
                }
            }
            Event::Closed(seal) => {
                if let Some(block) = self.blocks.last_mut() {
                    block.seal = seal;
                }
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finished(stop) => self.stop = Some(stop),
        }
        Ok(())
    }

    /// # Errors
    /// The answer broke off before its end.
    pub fn finish(self) -> Result<Reply, Failure> {
        let Some(stop) = self.stop else {
            return Err(Failure::new(
                FailureClass::UpstreamFailed,
                "The answer was cut off before its end.",
            ));
        };
        let Self { id, model, blocks, usage, .. } = self;
        Ok(Reply { id, model, blocks, usage, stop })
    }
}

/// # Errors
/// The first failure of the stream, or the lack of an end.
pub fn fold(events: impl IntoIterator<Item = Result<Event, Failure>>) -> Result<Reply, Failure> {
    let mut fold = Fold::default();
    for event in events {
        fold.push(event?)?;
    }
    fold.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_merely_stops_is_a_failure() {
        let events = [
            Ok(Event::Started { id: "a".into(), model: "m".into() }),
            Ok(Event::Opened(BlockKind::Text)),
            Ok(Event::Delta("half".into())),
        ];
        let failure = fold(events).expect_err("no end");
        assert_eq!(failure.class, FailureClass::UpstreamFailed);
    }

    #[test]
    fn blocks_keep_their_order_and_seals() {
        let events = [
            Event::Started { id: "a".into(), model: "m".into() },
            Event::Opened(BlockKind::Reasoning),
            Event::Delta("hm".into()),
            Event::Closed(Some("sig".into())),
            Event::Opened(BlockKind::Text),
            Event::Delta("he".into()),
            Event::Delta("llo".into()),
            Event::Closed(None),
            Event::Finished(StopReason::EndTurn),
        ];
        let reply = fold(events.into_iter().map(Ok)).expect("complete");
        assert_eq!(reply.text(), "hello");
        assert_eq!(reply.reasoning(), "hm");
        assert_eq!(reply.blocks[0].seal.as_deref(), Some("sig"));
    }
}
