//! What the upstream keeps at its client, per conversation: kept until the follow-up turn needs
//! it, bounded in number, bytes and age. Losing an entry costs nothing but the rebuild.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accounts::AccountId;
use arc_swap::ArcSwap;
use tokio::time::Instant;
use upstream::Memory;

use crate::transcript::Digest;

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
    options: ArcSwap<MemoryOptions>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    by_digest: HashMap<Digest, Entry>,
    bytes: usize,
}

impl Memories {
    pub(crate) fn new(options: MemoryOptions) -> Self {
        Self { options: ArcSwap::from_pointee(options), kept: Mutex::default() }
    }

    /// What is kept already is held to it when more comes.
    pub(crate) fn set_options(&self, options: MemoryOptions) {
        self.options.store(Arc::new(options));
    }

    pub(crate) fn find(&self, digest: &Digest) -> Option<Remembered> {
        let kept = self.lock();
        let entry = kept.by_digest.get(digest)?;
        (entry.at.elapsed() < self.options.load().timeout).then(|| entry.remembered.clone())
    }

    /// Keeps the state after the answer `digest`; the one before it, `from`, is superseded.
    pub(crate) fn keep(&self, digest: Digest, from: Option<Digest>, remembered: Remembered) {
        let options = **self.options.load();
        let bytes = remembered.memory.bytes();
        let mut kept = self.lock();
        if let Some(from) = from {
            kept.remove(&from);
        }
        kept.remove(&digest);
        if options.timeout.is_zero() || bytes > options.bytes {
            return;
        }
        kept.bytes += bytes;
        kept.by_digest.insert(digest, Entry { remembered, bytes, at: Instant::now() });
        if kept.by_digest.len() > options.most || kept.bytes > options.bytes {
            kept.make_room(options);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn remove(&mut self, digest: &Digest) {
        if let Some(entry) = self.by_digest.remove(digest) {
            self.bytes -= entry.bytes;
        }
    }

    /// Drops what is too old, then the oldest down to nine tenths of the bounds, so that this
    /// happens seldom.
    fn make_room(&mut self, options: MemoryOptions) {
        let mut digests: Vec<(Instant, Digest)> =
            self.by_digest.iter().map(|(digest, entry)| (entry.at, *digest)).collect();
        digests.sort_unstable_by_key(|(at, _)| *at);
        let most = options.most - options.most / 10;
        let bytes = options.bytes - options.bytes / 10;
        for (at, digest) in digests {
            let fits = self.by_digest.len() <= most && self.bytes <= bytes;
            if fits && at.elapsed() < options.timeout {
                break;
            }
            self.remove(&digest);
        }
    }
}
