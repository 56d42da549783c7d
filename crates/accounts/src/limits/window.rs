//! What was used in the last minute.

use std::time::Duration;

use crate::id::UnixMs;

const SLOTS: usize = 60;

/// A sliding minute of 60 slots, one for each second of the clock.
///
/// A slot ends with its last second, so what is counted late in a second is forgotten up to one
/// second early: the limit holds exactly for every 59 seconds, and for 60 with the error of one
/// slot.
#[derive(Debug, Clone)]
pub(super) struct Window {
    slots: [u64; SLOTS],
    /// The second of the newest slot.
    newest: u64,
}

impl Default for Window {
    fn default() -> Self {
        Self { slots: [0; SLOTS], newest: 0 }
    }
}

impl Window {
    pub(super) fn add(&mut self, amount: u64, now: UnixMs) {
        self.slide(now);
        let slot = self.slot(self.newest);
        *slot = slot.saturating_add(amount);
    }

    /// When `limit` is reached: how long it is until enough is forgotten, so that one more fits.
    pub(super) fn reached(&mut self, limit: u64, now: UnixMs) -> Option<Duration> {
        self.slide(now);
        let mut sum = self.slots.iter().fold(0, |sum: u64, slot| sum.saturating_add(*slot));
        if sum < limit {
            return None;
        }
        let oldest = (self.newest + 1).saturating_sub(SLOTS as u64);
        for second in oldest..=self.newest {
            sum = sum.saturating_sub(*self.slot(second));
            if sum < limit {
                return Some(UnixMs((second + SLOTS as u64).saturating_mul(1000)).since(now));
            }
        }
        // A limit of zero is never kept.
        Some(Duration::from_secs(SLOTS as u64))
    }

    fn slide(&mut self, now: UnixMs) {
        let second = now.seconds();
        // A clock that was set back by more than a minute must not close the key until it catches
        // up.
        if second >= self.newest + SLOTS as u64 || second + (SLOTS as u64) < self.newest {
            *self = Self { newest: second, ..Self::default() };
        }
        while self.newest < second {
            self.newest += 1;
            *self.slot(self.newest) = 0;
        }
    }

    fn slot(&mut self, second: u64) -> &mut u64 {
        &mut self.slots[usize::try_from(second % SLOTS as u64).expect("below 60")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SplitMix;

    #[test]
    fn no_59_seconds_ever_hold_more_than_the_limit() {
        for seed in 0..50 {
            let mut random = SplitMix::new(seed);
            let limit = 1 + random.below(30);
            let mut window = Window::default();
            let mut taken: Vec<u64> = Vec::new();
            let mut now = 1_795_262_400_000 + random.below(1000);
            let mut refused = 0;
            for _ in 0..2000 {
                now += random.below(4000 / limit + 1);
                let inside = |span: u64| taken.iter().filter(|at| now - **at < span).count() as u64;
                match window.reached(limit, UnixMs(now)) {
                    None => {
                        assert!(inside(59_000) < limit, "{seed}: more than the limit");
                        window.add(1, UnixMs(now));
                        taken.push(now);
                    }
                    Some(after) => {
                        refused += 1;
                        assert!(inside(60_000) >= limit, "{seed}: refused without need");
                        let then = UnixMs(now).after(after);
                        assert!(then.0 > now);
                        assert_eq!(window.clone().reached(limit, then), None, "{seed}: too early");
                        let before = UnixMs(then.0 - 1);
                        assert!(
                            window.clone().reached(limit, before).is_some(),
                            "{seed}: too late"
                        );
                    }
                }
            }
            assert!(refused > 0 && !taken.is_empty(), "{seed}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_close_the_key() {
        let mut window = Window::default();
        window.add(5, UnixMs(7_200_000));
        assert!(window.reached(5, UnixMs(7_199_000)).is_some());
        assert_eq!(window.reached(5, UnixMs(3_600_000)), None);
        window.add(5, UnixMs(0));
        assert!(window.reached(0, UnixMs(0)).is_some(), "nothing fits into nothing");
        window.add(1, UnixMs(u64::MAX));
        assert!(window.reached(1, UnixMs(u64::MAX)).is_some());
    }
}
