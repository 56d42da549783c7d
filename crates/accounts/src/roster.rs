//! Which account serves the next turn, as a pure choice.
//!
//! Accounts take turns. After a failure of its own an account rests, for one model or for
//! everything, by what the failure was about; a bad request marks nobody. The roster knows no
//! clock: callers say what time it is.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::id::Alias;

/// What an attempt says about its account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Served,
    /// The request, the network or the client was at fault; nothing is known of the account.
    Blameless,
    /// This account, for this model, for now.
    RateLimited {
        pause: Option<Duration>,
    },
    /// This account, for everything, until somebody acts or a long while has passed.
    Out(Verdict),
}

/// Why an account is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    Quota,
    Rejected,
}

/// A rest without a stated pause.
const FIRST_REST: Duration = Duration::from_secs(10);
/// The longest rest after rate limits, stated or not.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// A rejected account is probed again after this long.
const OUT_REST: Duration = Duration::from_secs(600);

/// One account's state.
#[derive(Debug, Clone)]
struct RosterEntry {
    alias: Alias,
    out: Option<(Verdict, Instant)>,
    resting: HashMap<String, Rest>,
    active: usize,
}

#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Instant,
    /// Grows with failures in a row.
    last: Duration,
}

/// All accounts, in the operator's order.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    entries: Vec<RosterEntry>,
    next: usize,
}

impl Roster {
    #[must_use]
    pub fn new(aliases: impl IntoIterator<Item = Alias>) -> Self {
        let entries = aliases
            .into_iter()
            .map(|alias| RosterEntry { alias, out: None, resting: HashMap::new(), active: 0 })
            .collect();
        Self { entries, next: 0 }
    }

    /// The next account in turn that may serve `model`. It counts as busy until
    /// [`Self::settle`].
    ///
    /// Marks prefer other accounts; when every account that was not tried is marked, the one that
    /// rests least is taken all the same, so that one bad answer never closes the gateway.
    /// `None` when all were tried or there are none.
    pub fn take(&mut self, model: &str, tried: &[Alias], now: Instant) -> Option<Alias> {
        let count = self.entries.len();
        let at = (0..count)
            .map(|step| (self.next + step) % count)
            .filter(|&at| !tried.contains(&self.entries[at].alias))
            .min_by_key(|&at| self.entries[at].rest(model, now))?;
        self.entries[at].active += 1;
        self.next = (at + 1) % count;
        Some(self.entries[at].alias.clone())
    }

    /// This very account, unless it rests: the one that served a conversation before has its
    /// beginning in a cache. The turn of the others does not change.
    pub fn take_this(&mut self, alias: &Alias, model: &str, now: Instant) -> Option<Alias> {
        let entry = self.entries.iter_mut().find(|entry| entry.alias == *alias)?;
        if !entry.rest(model, now).is_zero() {
            return None;
        }
        entry.active += 1;
        Some(entry.alias.clone())
    }

    /// Gives an account back with what was learnt of it.
    pub fn settle(&mut self, alias: &Alias, model: &str, outcome: Outcome, now: Instant) {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.alias == *alias) else {
            return;
        };
        entry.active = entry.active.saturating_sub(1);
        match outcome {
            Outcome::Served => entry.clear(model),
            Outcome::Blameless => {}
            Outcome::RateLimited { pause } => {
                let grown = entry.resting.get(model).map_or(FIRST_REST, |rest| rest.last * 2);
                let rest = pause.unwrap_or(grown).min(LONGEST_REST);
                entry.resting.insert(model.to_owned(), Rest { until: now + rest, last: rest });
            }
            Outcome::Out(verdict) => entry.out = Some((verdict, now + OUT_REST)),
        }
    }

    /// An answer was good, though the account is not given back yet.
    pub fn note_served(&mut self, alias: &Alias, model: &str) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.alias == *alias) {
            entry.clear(model);
        }
    }

    /// Turns in progress on all accounts.
    #[must_use]
    pub fn active(&self) -> usize {
        self.entries.iter().map(|entry| entry.active).sum()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl RosterEntry {
    fn clear(&mut self, model: &str) {
        self.out = None;
        self.resting.remove(model);
    }

    /// How long the account should still be left alone; zero when it may serve.
    fn rest(&self, model: &str, now: Instant) -> Duration {
        let out = self.out.map(|(_, until)| until);
        let resting = self.resting.get(model).map(|rest| rest.until);
        out.max(resting).map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roster(names: &[&str]) -> Roster {
        Roster::new(names.iter().map(|name| Alias::new(*name)))
    }

    fn take(roster: &mut Roster, now: Instant) -> String {
        roster.take("m", &[], now).expect("an account").as_str().to_owned()
    }

    #[test]
    fn accounts_take_turns() {
        let now = Instant::now();
        let mut roster = roster(&["a", "b"]);
        assert_eq!(
            [take(&mut roster, now), take(&mut roster, now), take(&mut roster, now)],
            ["a", "b", "a"]
        );
        assert_eq!(roster.active(), 3);
    }

    #[test]
    fn a_bad_request_marks_nobody() {
        let now = Instant::now();
        let mut roster = roster(&["a", "b"]);
        roster.settle(&Alias::new("a"), "m", Outcome::Blameless, now);
        assert_eq!(take(&mut roster, now), "a");
    }

    #[test]
    fn a_rate_limit_rests_the_account_for_that_model_only() {
        let now = Instant::now();
        let mut roster = roster(&["a", "b"]);
        let pause = Some(Duration::from_secs(7));
        roster.settle(&Alias::new("a"), "m", Outcome::RateLimited { pause }, now);
        assert_eq!([take(&mut roster, now), take(&mut roster, now)], ["b", "b"]);
        assert_eq!(roster.take("other", &[], now).expect("account").as_str(), "a");
        roster.next = 0;
        assert_eq!(take(&mut roster, now + Duration::from_secs(8)), "a");
    }

    #[test]
    fn rests_grow_with_failures_in_a_row_up_to_a_cap() {
        let now = Instant::now();
        let mut roster = roster(&["a"]);
        for _ in 0..10 {
            roster.settle(&Alias::new("a"), "m", Outcome::RateLimited { pause: None }, now);
        }
        assert_eq!(roster.entries[0].rest("m", now), LONGEST_REST);
    }

    #[test]
    fn one_bad_answer_never_closes_the_gateway() {
        let now = Instant::now();
        let mut roster = roster(&["a", "b"]);
        roster.settle(&Alias::new("a"), "m", Outcome::Out(Verdict::Rejected), now);
        roster.settle(&Alias::new("b"), "m", Outcome::RateLimited { pause: None }, now);
        // Both are marked; the shorter rest goes first.
        assert_eq!(take(&mut roster, now), "b");
        roster.settle(&Alias::new("a"), "m", Outcome::Served, now);
        assert_eq!(take(&mut roster, now), "a");
    }

    #[test]
    fn tried_accounts_are_not_tried_again() {
        let now = Instant::now();
        let mut roster = roster(&["a", "b"]);
        let (a, b) = (Alias::new("a"), Alias::new("b"));
        assert_eq!(roster.take("m", std::slice::from_ref(&a), now), Some(b.clone()));
        assert_eq!(roster.take("m", &[a, b], now), None);
    }

    #[test]
    fn what_was_learnt_while_an_account_was_held_stays() {
        let now = Instant::now();
        let mut roster = roster(&["a"]);
        let a = Alias::new("a");
        take(&mut roster, now);
        roster.note_served(&a, "m");
        assert_eq!(roster.active(), 1);
        roster.settle(&a, "m", Outcome::Out(Verdict::Quota), now);
        // The long one ends without a word of its own.
        roster.settle(&a, "m", Outcome::Blameless, now);
        assert!(!roster.entries[0].rest("m", now).is_zero());
    }

    #[test]
    fn a_certain_account_is_taken_unless_it_rests() {
        let now = Instant::now();
        let mut roster = roster(&["a", "b"]);
        let b = Alias::new("b");
        assert_eq!(roster.take_this(&b, "m", now), Some(b.clone()));
        assert_eq!(take(&mut roster, now), "a");
        let pause = Some(Duration::from_secs(7));
        roster.settle(&b, "m", Outcome::RateLimited { pause }, now);
        assert_eq!(roster.take_this(&b, "m", now), None);
        assert_eq!(roster.take_this(&b, "other", now), Some(b));
        assert_eq!(roster.take_this(&Alias::new("c"), "m", now), None);
    }

    #[test]
    fn no_accounts_serve_nobody() {
        assert_eq!(roster(&[]).take("m", &[], Instant::now()), None);
    }
}
