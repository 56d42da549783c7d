//! The pauses between the pieces of answers. They come already counted by class, which the
//! library's own histogram cannot take.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;
use request_log::Gaps;

#[derive(Debug)]
pub(super) struct GapHistogram {
    /// Upper bound of every class, seconds, and how many pauses are in it.
    classes: Box<[(f64, AtomicU64)]>,
    total_nanos: AtomicU64,
}

impl Default for GapHistogram {
    fn default() -> Self {
        let bound = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |d| d.as_secs_f64());
        let classes =
            Gaps::default().classes().map(|(b, _)| (bound(b), AtomicU64::new(0))).collect();
        Self { classes, total_nanos: AtomicU64::new(0) }
    }
}

impl GapHistogram {
    pub(super) fn add(&self, gaps: &Gaps) {
        if gaps.count() == 0 {
            return;
        }
        for ((_, sum), (_, count)) in self.classes.iter().zip(gaps.classes()) {
            if count > 0 {
                sum.fetch_add(u64::from(count), Ordering::Relaxed);
            }
        }
        // Five hundred years fit.
        let nanos = u64::try_from(gaps.total().as_nanos()).unwrap_or(u64::MAX);
        self.total_nanos.fetch_add(nanos, Ordering::Relaxed);
    }
}

impl Collector for GapHistogram {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let classes: Vec<(f64, u64)> = self
            .classes
            .iter()
            .map(|(bound, count)| (*bound, count.load(Ordering::Relaxed)))
            .collect();
        // The sum of the classes, so that both agree while somebody adds.
        let count = classes.iter().map(|(_, count)| count).sum();
        let sum = Duration::from_nanos(self.total_nanos.load(Ordering::Relaxed)).as_secs_f64();
        encoder
            .encode_descriptor(
                "inter_token_gap",
                "Pauses between the pieces of streamed answers.",
                Some(&Unit::Seconds),
                MetricType::Histogram,
            )?
            .encode_histogram::<NoLabelSet>(sum, count, &classes, None)
    }
}
