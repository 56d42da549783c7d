//! Which account serves the next request, as a pure choice.
//!
//! A *mark* is certain and hard: nothing goes to the account while it lasts. A *cooling* is a
//! suspicion and soft: the account is avoided, for one model or for everything, while others are
//! there; after its rest one request at a time probes whether it is well again. Trouble with the
//! network blames the *way* (a proxy, or the direct one), never the account behind it.
//!
//! The roster knows no clock: callers say what time it is.

mod choose;
mod entry;
#[cfg(test)]
mod properties;
mod reason;
mod rest;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
mod types;
mod ways;

use std::time::Duration;

use entry::Entry;
pub use reason::Reason;
pub use types::{
    Choice, Cooling, Member, MemberState, Outcome, PoolPolicy, Rotation, Selected, Unavailable,
    Want,
};
use ways::Ways;

use crate::id::{AccountId, Alias, UnixMs, WayName};

/// All accounts with what is known of them.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    policy: PoolPolicy,
    /// By id.
    entries: Vec<Entry>,
    /// The active set, by id; kept up to date by [`Self::select`]. Of no meaning for rotations over
    /// all.
    active: Vec<AccountId>,
    ways: Ways,
    /// Counts starts: the account with the smallest number has waited longest for its turn.
    turn: u64,
}

impl Roster {
    #[must_use]
    pub fn new(policy: PoolPolicy) -> Self {
        Self { policy, ..Self::default() }
    }

    /// Answers in progress go on; an active set that became too large loses its highest ids, one
    /// that became too small is filled by the next selection.
    pub fn set_policy(&mut self, policy: PoolPolicy) {
        self.policy = policy;
        self.active.truncate(self.policy.active.get());
    }

    #[must_use]
    pub fn policy(&self) -> &PoolPolicy {
        &self.policy
    }

    /// Puts an account in, or updates the one of the same id. Counters and coolings stay, unless a
    /// mark is taken away: then somebody knows that the account is well.
    pub fn put(&mut self, member: Member) {
        match self.find(member.id) {
            Ok(at) => {
                let entry = &mut self.entries[at];
                if entry.member.mark.is_some() && member.mark.is_none() {
                    entry.forget_rests();
                }
                entry.member = member;
            }
            Err(at) => self.entries.insert(at, Entry::new(member)),
        }
    }

    /// Answers in progress on the account are forgotten with it.
    pub fn remove(&mut self, id: AccountId) {
        if let Ok(at) = self.find(id) {
            self.entries.remove(at);
            self.active.retain(|active| *active != id);
        }
    }

    /// Chooses the account for a request. It counts as in use until [`Self::settle`].
    ///
    /// # Errors
    /// No account can take it now.
    pub fn select(&mut self, want: &Want<'_>, now: UnixMs) -> Result<Selected, Unavailable> {
        choose::renew(&self.entries, &self.policy, &mut self.active, now);
        let pick = self.choose(&self.active, want, now)?;
        self.turn += 1;
        let turn = self.turn;
        let entry = &mut self.entries[pick.at];
        entry.start(turn, now);
        if pick.probes_account {
            entry.probe = Some(want.model.to_owned());
        }
        Ok(Selected { id: entry.member.id, probe: pick.probe })
    }

    /// Gives an account back with what was learnt of it; exactly once for each selection. `way` is
    /// the one that the request took. Nothing happens for an account that was removed meanwhile.
    pub fn settle(
        &mut self,
        id: AccountId,
        model: &str,
        way: &WayName,
        outcome: Outcome,
        now: UnixMs,
    ) {
        let Ok(at) = self.find(id) else { return };
        let entry = &mut self.entries[at];
        entry.in_use = entry.in_use.saturating_sub(1);
        let mut probed = entry.end_probe(model);
        if entry.in_use == 0 {
            // However the caller named the model: nobody is left who could be probing.
            probed |= entry.probe.take().is_some();
        }
        match outcome {
            Outcome::Served => entry.served(model, probed, now),
            Outcome::Blameless => {}
            Outcome::RateLimited { pause } => entry.cool_model(model, pause, probed, now),
            Outcome::Suspect => entry.cool_whole(None, probed, now),
            Outcome::NetworkTrouble => {}
        }
        match outcome {
            // Whatever the upstream said, the way there works.
            Outcome::Served | Outcome::RateLimited { .. } | Outcome::Suspect => {
                self.ways.works(way);
            }
            Outcome::NetworkTrouble => self.ways.trouble(way, now),
            Outcome::Blameless => {}
        }
    }

    /// An answer is good, though the account is not given back yet: a probe that streams for
    /// minutes need not hold the others up.
    pub fn note_served(&mut self, id: AccountId, model: &str, now: UnixMs) {
        if let Ok(at) = self.find(id) {
            let probed = self.entries[at].end_probe(model);
            self.entries[at].served(model, probed, now);
        }
    }

    /// Lets an account rest, for one model or as a whole. Without a `pause` as long as after a rate
    /// limit or a suspicion; a longer one than those may grow to is shortened.
    pub fn cool(
        &mut self,
        id: AccountId,
        model: Option<&str>,
        pause: Option<Duration>,
        now: UnixMs,
    ) {
        let Ok(at) = self.find(id) else { return };
        match model {
            Some(model) => self.entries[at].cool_model(model, pause, false, now),
            None => self.entries[at].cool_whole(pause, false, now),
        }
    }

    /// Somebody looked at the account and it is well: a suspicion is forgotten. Rate limits of
    /// single models stay.
    pub fn well(&mut self, id: AccountId) {
        if let Ok(at) = self.find(id) {
            self.entries[at].forget_suspicion();
        }
    }

    /// The account's state for the administrator; `None` for an unknown one.
    #[must_use]
    pub fn state(&self, id: AccountId, now: UnixMs) -> Option<MemberState> {
        let entry = &self.entries[self.find(id).ok()?];
        Some(MemberState {
            active: match self.policy.rotation {
                Rotation::Fixed | Rotation::Sticky => {
                    self.active_now(now).binary_search(&id).is_ok()
                }
                Rotation::RoundRobin | Rotation::LeastBusy => entry.fit(now),
            },
            in_use: entry.in_use,
            started: entry.started,
            coolings: entry.coolings(now),
            mark: entry.member.mark.clone(),
        })
    }

    /// Why each account would not be taken for this request now. Those that would be are left out,
    /// and so is the one that would have to serve as the last resort.
    #[must_use]
    pub fn explain(&self, want: &Want<'_>, now: UnixMs) -> Vec<(Alias, Reason)> {
        self.reasons(&self.active_now(now), want, now)
    }

    /// Whether an account for everybody is well: enabled, not marked and not resting.
    #[must_use]
    pub fn can_serve(&self, now: UnixMs) -> bool {
        self.entries.iter().any(|entry| entry.fit(now))
    }

    /// Answers in progress on all accounts.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.entries.iter().map(|entry| entry.in_use as usize).sum()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The active set as the next selection would see it.
    fn active_now(&self, now: UnixMs) -> Vec<AccountId> {
        let mut active = self.active.clone();
        choose::renew(&self.entries, &self.policy, &mut active, now);
        active
    }

    fn find(&self, id: AccountId) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&id, |entry| entry.member.id)
    }
}
