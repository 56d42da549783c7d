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
    sim_stats: Option<Stats>,
}

#[derive(Serialize)]
struct Stats {
    started: u64,
    active: u64,
    completed: u64,
    failed: u64,
    cancelled: u64,
    chunks: u64,
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

    /// The `stats` text.
    pub(crate) fn stats(tag: Option<&Self>) -> String {
        let sim_stats = tag.map(|tag| {
            let of = |counter: &AtomicU64| counter.load(Relaxed);
            let (completed, failed) = (of(&tag.completed), of(&tag.failed));
            let (cancelled, started) = (of(&tag.cancelled), of(&tag.started));
            Stats {
                started,
                active: started.saturating_sub(completed + failed + cancelled),
                completed,
                failed,
                cancelled,
                chunks: of(&tag.chunks),
            }
        });
        serde_json::to_string(&SimStats { sim_stats }).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stats_text() {
        assert_eq!(Tag::stats(None), r#"{"sim_stats":null}"#);
        let tag = Tag::default();
        for _ in 0..5 {
            tag.start();
        }
        tag.finish(CallOutcome::Completed);
        tag.finish(CallOutcome::Failed);
        tag.finish(CallOutcome::Cancelled);
        tag.piece();
        assert_eq!(
            Tag::stats(Some(&tag)),
            r#"{"sim_stats":{"started":5,"active":2,"completed":1,"failed":1,"cancelled":1,"chunks":1}}"#
        );
    }
}
