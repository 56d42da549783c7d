//! What the upstream keeps at its client, per conversation: kept until the follow-up turn needs
//! it, bounded in number, bytes and age. Losing an entry costs nothing but the rebuild.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use accounts::AccountId;
use tokio::time::Instant;
use upstream::Memory;

use crate::transcript::Mark;

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy)]
pub struct MemoryOptions {
    /// How long a conversation is remembered after its last answer.
    pub timeout: Duration,
    /// Most conversations.
    pub most: usize,
    /// Most bytes of all of them.
    pub bytes: usize,
}

/// A conversation that may go on: with whom, and from where.
#[derive(Debug, Clone)]
pub(crate) struct Remembered {
    pub(crate) account: AccountId,
    pub(crate) memory: Memory,
}

#[derive(Debug)]
struct Entry {
    remembered: Remembered,
    bytes: usize,
    at: Instant,
}

#[derive(Debug)]
pub(crate) struct Memories {
    options: MemoryOptions,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_mark: HashMap<Mark, Entry>,
    bytes: usize,
}

impl Memories {
    pub(crate) fn new(options: MemoryOptions) -> Self {
        Self { options, kept: Mutex::default() }
    }

    pub(crate) fn find(&self, mark: &Mark) -> Option<Remembered> {
        let kept = self.lock();
        let entry = kept.by_mark.get(mark)?;
        (entry.at.elapsed() < self.options.timeout).then(|| entry.remembered.clone())
    }

    /// Keeps the state after the answer `mark`; the one before it, `from`, is superseded.
    pub(crate) fn keep(&self, mark: Mark, from: Option<Mark>, remembered: Remembered) {
        let bytes = remembered.memory.bytes();
        let mut kept = self.lock();
        if let Some(from) = from {
            kept.remove(&from);
        }
        kept.remove(&mark);
        if self.options.timeout.is_zero() || bytes > self.options.bytes {
            return;
        }
        kept.bytes += bytes;
        kept.by_mark.insert(mark, Entry { remembered, bytes, at: Instant::now() });
        if kept.by_mark.len() > self.options.most || kept.bytes > self.options.bytes {
            kept.make_room(self.options);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, mark: &Mark) {
        if let Some(entry) = self.by_mark.remove(mark) {
            self.bytes -= entry.bytes;
        }
    }

    /// Drops what is too old, then the oldest down to nine tenths of the bounds, so that this
    /// happens seldom.
    fn make_room(&mut self, options: MemoryOptions) {
        let mut marks: Vec<(Instant, Mark)> =
            self.by_mark.iter().map(|(mark, entry)| (entry.at, *mark)).collect();
        marks.sort_unstable_by_key(|(at, _)| *at);
        let most = options.most - options.most / 10;
        let bytes = options.bytes - options.bytes / 10;
        for (at, mark) in marks {
            let fits = self.by_mark.len() <= most && self.bytes <= bytes;
            if fits && at.elapsed() < options.timeout {
                break;
            }
            self.remove(&mark);
        }
    }
}
