//! The pauses between the pieces of one answer, counted by their length.

use std::time::Duration;

/// Upper bounds of the classes, in milliseconds; longer pauses are the last class.
const BOUNDS: [u32; 12] = [5, 10, 20, 35, 50, 75, 100, 250, 500, 1000, 2500, 10_000];

/// A histogram of pauses: small enough to be carried by every stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gaps {
    counts: [u32; BOUNDS.len() + 1],
    total: Duration,
}

impl Gaps {
    pub fn push(&mut self, gap: Duration) {
        let millis = gap.as_millis();
        let class = BOUNDS.iter().position(|bound| millis <= u128::from(*bound));
        let count = &mut self.counts[class.unwrap_or(BOUNDS.len())];
        *count = count.saturating_add(1);
        self.total += gap;
    }

    /// Upper bound of every class and how many pauses are in it; `None` is the class of all longer
    /// ones.
    pub fn classes(&self) -> impl Iterator<Item = (Option<Duration>, u32)> + '_ {
        let bounds = BOUNDS.iter().map(|ms| Some(Duration::from_millis(u64::from(*ms))));
        bounds.chain([None]).zip(self.counts)
    }

    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|count| u64::from(*count)).sum()
    }

    /// All pauses together.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pause_is_in_the_class_whose_bound_it_does_not_exceed() {
        let mut gaps = Gaps::default();
        for ms in [0, 5, 6, 10_000, 10_001] {
            gaps.push(Duration::from_millis(ms));
        }
        let classes: Vec<_> = gaps.classes().filter(|(_, count)| *count > 0).collect();
        let ms = |ms| Some(Duration::from_millis(ms));
        assert_eq!(classes, [(ms(5), 2), (ms(10), 1), (ms(10_000), 1), (None, 1)]);
        assert_eq!(gaps.count(), 5);
        assert_eq!(gaps.total(), Duration::from_millis(20_012));
    }
}
