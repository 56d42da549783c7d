//! Counters of the calls that carry one tag.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::Serialize;

use crate::control::CallOutcome;

/// What happened to the calls of one tag.
#[derive(Debug, Default)]
pub(crate) struct Tag {
    started: AtomicU64,
    completed: AtomicU64,
    failed: AtomicU64,
    cancelled: AtomicU64,
    chunks: AtomicU64,
}

#[derive(Serialize)]
struct SimStats {
    sim_stats: Option<TagCounts>,
}

/// How many calls of one tag there were, by how they ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TagCounts {
    /// All of them.
    pub started: u64,
    /// Those that still run.
    pub active: u64,
    /// Ended in the orderly way.
    pub completed: u64,
    /// Ended with an error, or cut by the script.
    pub failed: u64,
    /// Left by the client.
    pub cancelled: u64,
    /// Pieces or events sent.
    pub chunks: u64,
}

impl TagCounts {
    /// The `stats` text.
    pub(crate) fn text(sim_stats: Option<Self>) -> String {
        serde_json::to_string(&SimStats { sim_stats }).unwrap_or_default()
    }
}

impl Tag {
    pub(crate) fn start(&self) {
        self.started.fetch_add(1, Relaxed);
    }

    pub(crate) fn piece(&self) {
        self.chunks.fetch_add(1, Relaxed);
    }

    pub(crate) fn finish(&self, outcome: CallOutcome) {
        let counter = match outcome {
            CallOutcome::Completed => &self.completed,
            CallOutcome::Failed | CallOutcome::Refused(_) => &self.failed,
            CallOutcome::Cancelled => &self.cancelled,
            CallOutcome::Running => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(crate) fn counts(&self) -> TagCounts {
        let of = |counter: &AtomicU64| counter.load(Relaxed);
        let (completed, failed) = (of(&self.completed), of(&self.failed));
        let (cancelled, started) = (of(&self.cancelled), of(&self.started));
        TagCounts {
            started,
            active: started.saturating_sub(completed + failed + cancelled),
            completed,
            failed,
            cancelled,
            chunks: of(&self.chunks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_text() {
        assert_eq!(TagCounts::text(None), r#"{"sim_stats":null}"#);
        let tag = Tag::default();
        for _ in 0..5 {
            tag.start();
        }
        tag.finish(CallOutcome::Completed);
        tag.finish(CallOutcome::Failed);
        tag.finish(CallOutcome::Cancelled);
        tag.piece();
        assert_eq!(
            TagCounts::text(Some(tag.counts())),
            r#"{"sim_stats":{"started":5,"active":2,"completed":1,"failed":1,"cancelled":1,"chunks":1}}"#
        );
    }
}
