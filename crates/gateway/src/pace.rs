//! How an answer came: when its pieces did, and, if it is to be kept, what they said.

use std::time::Duration;

use conversation::{BlockKind, Event};
use request_log::{Chain, Excerpt, Gaps};
use tokio::time::Instant;

use crate::recording::Recording;

/// Kept by whoever drives the answer, so that noting a piece takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    /// When the request came.
    since: Option<Instant>,
    first: Option<Duration>,
    last: Option<Duration>,
    chain: Chain,
    gaps: Gaps,
    said: Option<Box<Said>>,
}

/// What was said, as far as it is kept.
#[derive(Debug, Default)]
pub(crate) struct Said {
    most: usize,
    is_thinking: bool,
    is_call: bool,
    pub(crate) answer: Excerpt,
    pub(crate) thinking: Excerpt,
}

impl Pace {
    pub(crate) fn new(since: Instant, content_limit: usize) -> Self {
        let said =
            (content_limit > 0).then(|| Box::new(Said { most: content_limit, ..Said::default() }));
        Self { since: Some(since), said, ..Self::default() }
    }

    /// Pieces that came together.
    pub(crate) fn see(&mut self, events: &[Event]) {
        let mut characters = 0;
        for event in events {
            if let Event::Delta(text) = event {
                // ASCII is most of it, and its length is known.
                characters += if text.is_ascii() { text.len() } else { text.chars().count() };
            }
            if let Some(said) = &mut self.said {
                said.see(event);
            }
        }
        self.push(characters);
    }

    /// So many characters came.
    pub(crate) fn push(&mut self, characters: usize) {
        let Some(since) = self.since.filter(|_| characters > 0) else { return };
        let at = since.elapsed();
        if let Some(last) = self.last {
            self.gaps.push(at.saturating_sub(last));
        }
        self.first.get_or_insert(at);
        self.last = Some(at);
        self.chain.push(characters, at);
    }

    /// The answer of another try, behind this one.
    pub(crate) fn add(&mut self, other: Self) {
        if self.first.is_none() {
            *self = other;
        }
    }

    pub(crate) fn first(&self) -> Option<Duration> {
        self.first
    }

    pub(crate) fn finish(self) -> (Chain, Gaps, Said) {
        let Self { chain, gaps, said, .. } = self;
        (chain, gaps, said.map(|said| *said).unwrap_or_default())
    }
}

impl Said {
    fn see(&mut self, event: &Event) {
        match event {
            Event::Opened(kind) => {
                self.is_thinking = matches!(kind, BlockKind::Reasoning);
                self.is_call = matches!(kind, BlockKind::ToolCall { .. });
                if let BlockKind::ToolCall { name, .. } = kind {
                    self.answer.push("[calls ", self.most);
                    self.answer.push(name, self.most);
                    self.answer.push(" ", self.most);
                }
            }
            Event::Delta(text) if self.is_thinking => self.thinking.push(text, self.most),
            Event::Delta(text) => self.answer.push(text, self.most),
            Event::Closed(_) if self.is_call => self.answer.push("]", self.most),
            Event::Closed(_) | Event::Started { .. } | Event::Usage(_) | Event::Finished(_) => {}
        }
    }
}

/// Hands the pace over however the answer ends.
#[derive(Debug)]
pub(crate) struct Paced {
    pub(crate) pace: Pace,
    recording: Recording,
}

impl Paced {
    pub(crate) fn new(recording: &Recording) -> Self {
        Self { pace: recording.pace(), recording: recording.clone() }
    }
}

impl Drop for Paced {
    fn drop(&mut self) {
        self.recording.add_pace(std::mem::take(&mut self.pace));
    }
}
