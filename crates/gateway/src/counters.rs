//! What is in progress, and what was: counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::service::Inner;

/// Since the start.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) total: AtomicU64,
    pub(crate) active: AtomicUsize,
    /// Answers that are made to fit a format; each has a turn of its own while the model speaks.
    pub(crate) formatting: AtomicUsize,
    pub(crate) failed: AtomicU64,
}

impl Counters {
    pub(crate) fn fail(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

/// One turn in progress; counted down when dropped.
pub(crate) struct Running(pub(crate) Arc<Inner>);

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Running")
    }
}

impl Running {
    /// It ended badly after it had begun.
    pub(crate) fn count_failure(&self) {
        self.0.counters().fail();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.counters().active.fetch_sub(1, Ordering::AcqRel);
    }
}

/// An answer that is made to fit; counted down when dropped.
pub(crate) struct InFormat(pub(crate) Arc<Inner>);

impl Drop for InFormat {
    fn drop(&mut self) {
        self.0.counters().formatting.fetch_sub(1, Ordering::AcqRel);
    }
}
