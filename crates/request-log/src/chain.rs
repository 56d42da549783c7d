//! How an answer grew: characters over time, in a bounded number of points.

use std::time::Duration;

/// Most points; when they are used up, neighbours are joined.
const POINTS: usize = 64;

/// Characters that came since the point before, and when, since the request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainPoint {
    pub characters: u32,
    /// Milliseconds.
    pub at: u32,
}

/// The points of one answer, in order. However long the answer, they are few; joined points tell
/// when the last of their characters came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain(Vec<ChainPoint>);

impl Chain {
    /// As it was kept.
    #[must_use]
    pub fn restore(points: Vec<ChainPoint>) -> Self {
        Self(points)
    }

    /// More characters have come. Those that come within the resolution of a point join it.
    pub fn push(&mut self, characters: usize, at: Duration) {
        let characters = u32::try_from(characters).unwrap_or(u32::MAX);
        let at = u32::try_from(at.as_millis()).unwrap_or(u32::MAX);
        if let Some(last) = self.0.last_mut().filter(|last| last.at == at) {
            last.characters = last.characters.saturating_add(characters);
            return;
        }
        // Before there is one more, so that the memory is never doubled for it.
        if self.0.len() == POINTS {
            self.halve();
        }
        self.0.push(ChainPoint { characters, at });
    }

    fn halve(&mut self) {
        for at in 0..self.0.len() / 2 {
            let (first, second) = (self.0[2 * at], self.0[2 * at + 1]);
            let characters = first.characters.saturating_add(second.characters);
            self.0[at] = ChainPoint { characters, at: second.at };
        }
        self.0.truncate(POINTS / 2);
    }

    #[must_use]
    pub fn points(&self) -> &[ChainPoint] {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn characters(&self) -> u64 {
        self.0.iter().map(|point| u64::from(point.characters)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_answer_has_few_points_and_loses_no_character() {
        let mut chain = Chain::default();
        for step in 0..100_000_u64 {
            chain.push(3, Duration::from_millis(step));
        }
        assert!(chain.points().len() <= POINTS, "{}", chain.points().len());
        assert_eq!(chain.characters(), 300_000);
        assert!(chain.points().is_sorted_by(|a, b| a.at < b.at));
        assert_eq!(chain.points().last().map(|point| point.at), Some(99_999));
    }

    #[test]
    fn what_comes_at_once_is_one_point() {
        let mut chain = Chain::default();
        chain.push(2, Duration::from_millis(7));
        chain.push(3, Duration::from_millis(7));
        assert_eq!(chain.points(), [ChainPoint { characters: 5, at: 7 }]);
    }
}
