//! Says that deliveries fail, but not each time.

use std::time::Duration;

use tokio::time::Instant;

use super::post::Trouble;

/// Between two lines about the same.
const PAUSE: Duration = Duration::from_mins(1);

#[derive(Debug)]
pub(super) struct Complaints {
    what: &'static str,
    collector: String,
    said: Option<Instant>,
    is_failing: bool,
}

impl Complaints {
    /// The collector's name must be fit to be shown.
    pub(super) fn new(what: &'static str, collector: String) -> Self {
        Self { what, collector, said: None, is_failing: false }
    }

    /// `lost` is how much is gone for good so far.
    pub(super) fn failed(&mut self, trouble: &Trouble, lost: u64) {
        self.is_failing = true;
        if self.said.is_some_and(|said| said.elapsed() < PAUSE) {
            return;
        }
        self.said = Some(Instant::now());
        let (what, collector) = (self.what, &self.collector);
        tracing::warn!(what, collector, %trouble, lost, "telemetry is not delivered");
    }

    pub(super) fn worked(&mut self) {
        // Only after a complaint; those who heard none need not be calmed.
        if std::mem::take(&mut self.is_failing) {
            tracing::debug!(what = self.what, "telemetry is delivered again");
        }
    }
}
