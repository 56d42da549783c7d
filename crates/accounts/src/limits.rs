//! What a client key has used, and whether it may use more.

mod calendar;
mod window;

use std::time::Duration;

use calendar::{next_period, period_start};
use window::Window;

use crate::id::{KeyId, UnixMs};
use crate::record::{KeyLimits, KeyUsage, Period};

/// The meter of one key. Minutes slide in steps of a second: what is counted late in a second is
/// forgotten up to one second early.
#[derive(Debug, Clone, Default)]
pub struct KeyMeter {
    /// There only while the key has such a limit: most keys have none.
    requests_minute: Option<Box<Window>>,
    tokens_minute: Option<Box<Window>>,
    /// Answers in progress.
    in_progress: u32,
    requests: u64,
    tokens: u64,
    /// Of the budget, as of the last request.
    period: Option<Period>,
    period_tokens: u64,
    period_start: UnixMs,
    last_used: Option<UnixMs>,
}

/// Which limit of a key is reached, and after which time it is worth trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitProblem {
    #[error("the key's limit of requests per minute is reached")]
    Requests { after: Duration },
    #[error("the key's limit of tokens per minute is reached")]
    Tokens { after: Duration },
    #[error("the key's limit of answers in progress at once is reached")]
    Concurrency,
    /// `None`: the budget is for ever.
    #[error("the key's budget of tokens is used up")]
    Budget { after: Option<Duration> },
}

impl LimitProblem {
    /// `None`: time alone does not help, or it is not known when it will.
    #[must_use]
    pub fn after(self) -> Option<Duration> {
        match self {
            Self::Requests { after } | Self::Tokens { after } => Some(after),
            Self::Concurrency => None,
            Self::Budget { after } => after,
        }
    }
}

impl KeyMeter {
    /// Goes on from what was kept. Minutes begin anew.
    #[must_use]
    pub fn restore(usage: KeyUsage) -> Self {
        Self {
            requests: usage.requests,
            tokens: usage.tokens,
            period_tokens: usage.period_tokens,
            period_start: usage.period_start,
            last_used: usage.last_used,
            ..Self::default()
        }
    }

    /// What is to be kept.
    #[must_use]
    pub fn usage(&self, key: &KeyId) -> KeyUsage {
        KeyUsage {
            key: key.clone(),
            requests: self.requests,
            tokens: self.tokens,
            period_tokens: self.period_tokens,
            period_start: self.period_start,
            last_used: self.last_used,
        }
    }

    /// Answers in progress.
    #[must_use]
    pub fn in_progress(&self) -> u32 {
        self.in_progress
    }

    /// Lets a request in and counts it, in progress until [`Self::finish`]. What an answer costs is
    /// known when it is there: tokens and budget are over a limit by the answers in progress.
    ///
    /// # Errors
    /// A limit is reached; nothing was counted.
    pub fn admit(&mut self, limits: &KeyLimits, now: UnixMs) -> Result<(), LimitProblem> {
        self.period = limits.budget.map(|budget| budget.period);
        self.roll(now);
        keep_window(&mut self.requests_minute, limits.requests_per_minute.is_some());
        keep_window(&mut self.tokens_minute, limits.tokens_per_minute.is_some());
        if let Some(budget) = limits.budget.filter(|budget| self.period_tokens >= budget.tokens) {
            let after = next_period(budget.period, now).map(|next| next.since(now));
            return Err(LimitProblem::Budget { after });
        }
        let reached = |window: &mut Option<Box<Window>>, limit: Option<u64>| {
            window.as_mut().zip(limit).and_then(|(window, limit)| window.reached(limit, now))
        };
        let requests = limits.requests_per_minute.map(u64::from);
        if let Some(after) = reached(&mut self.requests_minute, requests) {
            return Err(LimitProblem::Requests { after });
        }
        if let Some(after) = reached(&mut self.tokens_minute, limits.tokens_per_minute) {
            return Err(LimitProblem::Tokens { after });
        }
        if limits.concurrency.is_some_and(|most| self.in_progress >= most) {
            return Err(LimitProblem::Concurrency);
        }
        if let Some(window) = &mut self.requests_minute {
            window.add(1, now);
        }
        self.in_progress += 1;
        self.requests = self.requests.saturating_add(1);
        self.last_used = Some(now);
        Ok(())
    }

    /// An answer has ended, well or not; exactly once for each request that was let in.
    pub fn finish(&mut self, tokens: u64, now: UnixMs) {
        self.in_progress = self.in_progress.saturating_sub(1);
        self.roll(now);
        if let Some(window) = &mut self.tokens_minute {
            window.add(tokens, now);
        }
        self.tokens = self.tokens.saturating_add(tokens);
        self.period_tokens = self.period_tokens.saturating_add(tokens);
    }

    /// Begins a new period when the old one is over. When the operator has made the period longer,
    /// what was used of the shorter one counts.
    fn roll(&mut self, now: UnixMs) {
        let Some(period) = self.period else { return };
        let start = period_start(period, now);
        if self.period_start < start {
            self.period_tokens = 0;
        }
        self.period_start = start;
    }
}

fn keep_window(window: &mut Option<Box<Window>>, wanted: bool) {
    if wanted {
        window.get_or_insert_default();
    } else {
        *window = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Budget;

    /// Noon of 2026-11-21.
    const NOON: UnixMs = UnixMs(1_795_262_400_000);

    fn at(ms: u64) -> UnixMs {
        UnixMs(NOON.0 + ms)
    }

    fn once(meter: &mut KeyMeter, limits: &KeyLimits, tokens: u64, now: UnixMs) {
        meter.admit(limits, now).expect("admitted");
        meter.finish(tokens, now);
    }

    #[test]
    fn requests_per_minute_are_refused_until_the_oldest_is_a_minute_old() {
        let limits = KeyLimits { requests_per_minute: Some(2), ..KeyLimits::default() };
        let mut meter = KeyMeter::default();
        once(&mut meter, &limits, 1, at(0));
        once(&mut meter, &limits, 1, at(10_500));
        let after = Duration::from_millis(49_000);
        assert_eq!(meter.admit(&limits, at(11_000)), Err(LimitProblem::Requests { after }));
        assert_eq!(meter.usage(&KeyId::new("k")).requests, 2, "a refusal does not count");
        once(&mut meter, &limits, 1, at(60_000));
        assert!(meter.admit(&limits, at(69_999)).is_err());
        once(&mut meter, &limits, 1, at(70_000));
    }

    #[test]
    fn tokens_of_the_last_minute_close_the_key_when_they_reach_the_limit() {
        let limits = KeyLimits { tokens_per_minute: Some(100), ..KeyLimits::default() };
        let mut meter = KeyMeter::default();
        once(&mut meter, &limits, 99, at(0));
        once(&mut meter, &limits, 500, at(5000));
        let after = Duration::from_secs(60);
        assert_eq!(meter.admit(&limits, at(5000)), Err(LimitProblem::Tokens { after }));
        assert_eq!(meter.admit(&limits, at(65_000)), Ok(()));
    }

    #[test]
    fn answers_in_progress_are_limited() {
        let limits = KeyLimits { concurrency: Some(2), ..KeyLimits::default() };
        let mut meter = KeyMeter::default();
        assert_eq!(meter.admit(&limits, at(0)), Ok(()));
        assert_eq!(meter.admit(&limits, at(0)), Ok(()));
        assert_eq!(meter.admit(&limits, at(0)), Err(LimitProblem::Concurrency));
        meter.finish(0, at(1));
        assert_eq!(meter.in_progress(), 1);
        assert_eq!(meter.admit(&limits, at(1)), Ok(()));
    }

    #[test]
    fn a_budget_is_new_in_each_period() {
        let day = |period| KeyLimits {
            budget: Some(Budget { tokens: 10, period }),
            ..KeyLimits::default()
        };
        let hour = 3_600_000;
        let mut meter = KeyMeter::default();
        once(&mut meter, &day(Period::Day), 10, at(0));
        let refused = |after: u64| {
            Err(LimitProblem::Budget { after: Some(Duration::from_secs(after * 3600)) })
        };
        assert_eq!(meter.admit(&day(Period::Day), at(hour)), refused(11));
        // The same tokens count for the longer period that is set instead.
        assert_eq!(meter.admit(&day(Period::Month), at(hour)), refused(9 * 24 + 11));
        assert_eq!(
            meter.admit(&day(Period::Ever), at(hour)),
            Err(LimitProblem::Budget { after: None })
        );
        once(&mut meter, &day(Period::Day), 3, at(12 * hour));
        let usage = meter.usage(&KeyId::new("k"));
        assert_eq!((usage.tokens, usage.period_tokens), (13, 3));
        assert_eq!(usage.period_start, at(12 * hour));
        assert_eq!(usage.last_used, Some(at(12 * hour)));
        // An answer that ends after midnight counts for the new day.
        meter.admit(&day(Period::Day), at(35 * hour)).expect("admitted");
        meter.finish(4, at(36 * hour));
        assert_eq!(meter.usage(&KeyId::new("k")).period_tokens, 4);
    }

    #[test]
    fn usage_survives_a_restart() {
        let limits = KeyLimits {
            budget: Some(Budget { tokens: 10, period: Period::Month }),
            ..KeyLimits::default()
        };
        let mut meter = KeyMeter::default();
        once(&mut meter, &limits, 10, at(0));
        let usage = meter.usage(&KeyId::new("k"));
        let mut meter = KeyMeter::restore(usage.clone());
        assert_eq!(meter.usage(&KeyId::new("k")), usage);
        assert!(matches!(meter.admit(&limits, at(5)), Err(LimitProblem::Budget { .. })));
    }

    #[test]
    fn a_key_without_limits_is_only_counted() {
        let mut meter = KeyMeter::default();
        for _ in 0..1000 {
            once(&mut meter, &KeyLimits::default(), u64::MAX / 2, at(0));
        }
        assert_eq!(meter.usage(&KeyId::new("k")).tokens, u64::MAX);
        assert!(LimitProblem::Concurrency.to_string().contains("in progress"));
    }
}
