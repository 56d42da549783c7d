//! A rest after a failure, and how it grows.

use std::time::Duration;

use crate::id::UnixMs;

/// How long rests are: `first`, doubled with every failure in a row, up to `longest`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

/// Kept after its end, as the memory of failures in a row, until something succeeds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rest {
    pub(super) until: UnixMs,
    failures: u32,
}

impl Rest {
    /// The rest after a failure. `probed`: the failure is that of a request which went out although
    /// the account rested.
    ///
    /// Other failures during a rest are those of requests that had started before it, and say
    /// nothing new: a crowd that fails together counts once.
    pub(super) fn after(
        before: Option<Self>,
        growth: Growth,
        pause: Option<Duration>,
        probed: bool,
        now: UnixMs,
    ) -> Self {
        let pause = pause.map(|pause| pause.min(growth.longest));
        match before {
            Some(rest) if !probed && rest.lasts(now) => {
                let until = pause.map_or(rest.until, |pause| rest.until.max(now.after(pause)));
                Self { until, ..rest }
            }
            before => {
                let failures = before.map_or(0, |rest| rest.failures.saturating_add(1));
                let grown = growth.first.saturating_mul(1 << failures.min(16)).min(growth.longest);
                Self { until: now.after(pause.unwrap_or(grown)), failures }
            }
        }
    }

    pub(super) fn lasts(self, now: UnixMs) -> bool {
        now < self.until
    }
}
