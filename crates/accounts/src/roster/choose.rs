//! The choice itself: how each account stands to a request, and which of them is best.

use super::entry::{Entry, Health, Room};
use super::{Choice, PoolPolicy, Reason, Roster, Rotation, Unavailable, Want};
use crate::glob;
use crate::id::{AccountId, Alias, UnixMs};

/// How an account stands to a request.
#[derive(Debug, Clone, Copy)]
enum Standing {
    /// Tried, or not this request's to use.
    Outside(Reason),
    /// Certain: nothing goes there.
    Out {
        reason: Reason,
        until: Option<UnixMs>,
    },
    /// Taken as the last resort, unless `hindered` even then.
    Avoided {
        reason: Reason,
        until: UnixMs,
        rests: bool,
        hindered: Option<Reason>,
    },
    /// Well, but full or paced.
    Held {
        reason: Reason,
        until: Option<UnixMs>,
    },
    Free {
        probe: bool,
    },
}

/// What was chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick {
    pub(super) at: usize,
    pub(super) probe: bool,
    /// The account itself is probed, which only one request at a time may do.
    pub(super) probes_account: bool,
}

/// Smaller is better: answers in progress (where they matter), then the longest wait.
type Rank = (u32, u64);

/// What was seen of the accounts so far.
#[derive(Debug, Default)]
struct Tally {
    best: Option<(Rank, Pick)>,
    /// Of those that are avoided: the one that rests least.
    resort: Option<((UnixMs, Rank), Pick)>,
    held: bool,
    avoided: bool,
    out: bool,
    again: Option<UnixMs>,
}

impl Tally {
    fn add(&mut self, at: usize, rank: Rank, standing: Standing, now: UnixMs) {
        match standing {
            Standing::Outside(_) => {}
            Standing::Out { until, .. } => {
                self.out = true;
                self.again_at(until);
            }
            Standing::Avoided { until, rests, hindered, .. } => {
                self.avoided = true;
                match hindered {
                    Some(Reason::Paced { until }) => self.again_at(Some(until)),
                    // A rest that is over ends for others when its probe does, whenever that is.
                    _ => self.again_at((now < until).then_some(until)),
                }
                let rank = (until, rank);
                if hindered.is_none() && self.resort.is_none_or(|(best, _)| rank < best) {
                    let pick = Pick { at, probe: true, probes_account: rests };
                    self.resort = Some((rank, pick));
                }
            }
            Standing::Held { until, .. } => {
                self.held = true;
                self.again_at(until);
            }
            Standing::Free { probe } => {
                if self.best.is_none_or(|(best, _)| rank < best) {
                    self.best = Some((rank, Pick { at, probe, probes_account: probe }));
                }
            }
        }
    }

    fn again_at(&mut self, until: Option<UnixMs>) {
        self.again = [self.again, until].into_iter().flatten().min();
    }

    fn result(self) -> Result<Pick, Unavailable> {
        if let Some((_, pick)) = self.best {
            return Ok(pick);
        }
        if self.held {
            return Err(Unavailable::Busy { again: self.again });
        }
        if let Some((_, pick)) = self.resort {
            return Ok(pick);
        }
        if self.avoided || self.out {
            return Err(Unavailable::Out { again: self.again });
        }
        Err(Unavailable::Nobody)
    }
}

/// Brings the active set up to date: those that are out as a whole leave it, others are drawn by
/// id. Accounts that are full, paced, resting for one model or behind a way that is down stay.
pub(super) fn renew(
    entries: &[Entry],
    policy: &PoolPolicy,
    active: &mut Vec<AccountId>,
    now: UnixMs,
) {
    match policy.rotation {
        Rotation::Fixed | Rotation::Sticky => {}
        Rotation::RoundRobin | Rotation::LeastBusy => return,
    }
    let size = policy.active.get();
    active.truncate(size);
    active.retain(|id| {
        entries
            .binary_search_by_key(id, |entry| entry.member.id)
            .is_ok_and(|at| entries[at].fit(now))
    });
    if active.len() == size {
        return;
    }
    for entry in entries.iter().filter(|entry| entry.fit(now)) {
        if let Err(at) = active.binary_search(&entry.member.id) {
            active.insert(at, entry.member.id);
            if active.len() == size {
                return;
            }
        }
    }
}

impl Roster {
    /// The account for the request, given the active set; changes nothing.
    pub(super) fn choose(
        &self,
        active: &[AccountId],
        want: &Want<'_>,
        now: UnixMs,
    ) -> Result<Pick, Unavailable> {
        let ways = self.ways_matter(want, now);
        let look = |at: usize| self.standing(&self.entries[at], want, ways, now);
        let mut tally = Tally::default();
        if let Choice::One(id) = want.choice {
            if let Ok(at) = self.find(*id) {
                tally.add(at, self.rank(at), look(at), now);
            }
            return tally.result();
        }
        match self.policy.rotation {
            Rotation::RoundRobin | Rotation::LeastBusy => {
                for at in 0..self.entries.len() {
                    tally.add(at, self.rank(at), look(at), now);
                }
                return tally.result();
            }
            Rotation::Sticky => {
                let preferred = want.preferred.and_then(|id| self.find(id).ok());
                if let Some(at) = preferred
                    && let Standing::Free { probe } = look(at)
                {
                    return Ok(Pick { at, probe, probes_account: probe });
                }
            }
            Rotation::Fixed => {}
        }
        self.each_of_set(active, want, ways, now, |at, standing| {
            tally.add(at, self.rank(at), standing, now);
        });
        tally.result()
    }

    /// Calls `see` with the active set, and with as many others, by id, as are needed to stand in
    /// for those of the set that cannot serve this request. Full and paced ones keep their place;
    /// so do tried ones as long as anybody else of the set can serve.
    fn each_of_set(
        &self,
        active: &[AccountId],
        want: &Want<'_>,
        ways: bool,
        now: UnixMs,
        mut see: impl FnMut(usize, Standing),
    ) {
        let mut able = 0;
        let mut tried = 0;
        for at in active.iter().filter_map(|id| self.find(*id).ok()) {
            let standing = self.standing(&self.entries[at], want, ways, now);
            match standing {
                Standing::Free { .. } | Standing::Held { .. } => able += 1,
                Standing::Outside(Reason::Tried) => tried += 1,
                Standing::Outside(_) | Standing::Out { .. } | Standing::Avoided { .. } => {}
            }
            see(at, standing);
        }
        let mut missing = self.policy.active.get().saturating_sub(able + tried);
        if able == 0 {
            missing = missing.max(1);
        }
        for (at, entry) in self.entries.iter().enumerate() {
            if missing == 0 {
                return;
            }
            if active.binary_search(&entry.member.id).is_ok() {
                continue;
            }
            let standing = self.standing(entry, want, ways, now);
            if matches!(standing, Standing::Free { .. } | Standing::Held { .. }) {
                missing -= 1;
            }
            see(at, standing);
        }
    }

    fn rank(&self, at: usize) -> Rank {
        let entry = &self.entries[at];
        match self.policy.rotation {
            Rotation::Fixed | Rotation::RoundRobin => (0, entry.turn),
            Rotation::LeastBusy | Rotation::Sticky => (entry.in_use, entry.turn),
        }
    }

    /// Whether ways that are down are worth avoiding. When all accounts share one, or the request
    /// brings its own, there is no other to be gained.
    fn ways_matter(&self, want: &Want<'_>, now: UnixMs) -> bool {
        if want.way.is_some() || !self.ways.any_down(now) {
            return false;
        }
        let mut ways = self
            .entries
            .iter()
            .filter(|entry| {
                chosen(entry, want.choice) && entry.member.enabled && entry.marked(now).is_none()
            })
            .map(|entry| &entry.member.way);
        let first = ways.next();
        ways.any(|way| Some(way) != first)
    }

    fn standing(&self, entry: &Entry, want: &Want<'_>, ways: bool, now: UnixMs) -> Standing {
        if !chosen(entry, want.choice) {
            return Standing::Outside(Reason::NotChosen);
        }
        if want.tried.contains(&entry.member.id) {
            return Standing::Outside(Reason::Tried);
        }
        if !entry.member.enabled {
            return Standing::Out { reason: Reason::Disabled, until: None };
        }
        if let Some((kind, until)) = entry.marked(now) {
            return Standing::Out { reason: Reason::Marked(kind), until };
        }
        let health = entry.health(want.model, now);
        let held = match entry.room(&self.policy, now) {
            Room::Free => None,
            Room::Full => Some((Reason::Full, None)),
            Room::Paced { until } => Some((Reason::Paced { until }, Some(until))),
        };
        let probing = (health != Health::Well && entry.probe.is_some()).then_some(Reason::Probing);
        let hindered = probing.or(held.map(|(reason, _)| reason));
        let down = if ways { self.ways.down(&entry.member.way, now) } else { None };
        match (health, down) {
            (Health::Resting { until }, down) => Standing::Avoided {
                reason: Reason::Cooling { until },
                until: down.map_or(until, |down| down.max(until)),
                rests: true,
                hindered,
            },
            (Health::HalfOpen | Health::Well, Some(until)) => Standing::Avoided {
                reason: probing.unwrap_or(Reason::WayDown { until }),
                until,
                rests: health == Health::HalfOpen,
                hindered,
            },
            (Health::HalfOpen, None) if probing.is_some() => {
                Standing::Avoided { reason: Reason::Probing, until: now, rests: true, hindered }
            }
            (Health::HalfOpen | Health::Well, None) => match held {
                Some((reason, until)) => Standing::Held { reason, until },
                None => Standing::Free { probe: health == Health::HalfOpen },
            },
        }
    }

    pub(super) fn reasons(
        &self,
        active: &[AccountId],
        want: &Want<'_>,
        now: UnixMs,
    ) -> Vec<(Alias, Reason)> {
        let ways = self.ways_matter(want, now);
        let mut needed = vec![false; self.entries.len()];
        match (want.choice, self.policy.rotation) {
            (Choice::Any | Choice::Named(_), Rotation::Fixed | Rotation::Sticky) => {
                self.each_of_set(active, want, ways, now, |at, _| needed[at] = true);
            }
            (Choice::One(_), _) | (_, Rotation::RoundRobin | Rotation::LeastBusy) => {
                needed.fill(true);
            }
        }
        let picked = self.choose(active, want, now).ok().map(|pick| pick.at);
        let reason = |at: usize, entry: &Entry| match self.standing(entry, want, ways, now) {
            Standing::Outside(reason)
            | Standing::Out { reason, .. }
            | Standing::Avoided { reason, .. }
            | Standing::Held { reason, .. } => Some(reason),
            Standing::Free { .. } => (!needed[at]).then_some(Reason::NotActive),
        };
        self.entries
            .iter()
            .enumerate()
            .filter(|(at, _)| picked != Some(*at))
            .filter_map(|(at, entry)| Some((entry.member.alias.clone(), reason(at, entry)?)))
            .collect()
    }
}

fn chosen(entry: &Entry, choice: &Choice) -> bool {
    let member = &entry.member;
    match choice {
        Choice::Any => member.owner.is_none(),
        Choice::One(id) => member.id == *id,
        Choice::Named(names) => {
            member.owner.is_none()
                && names.iter().any(|name| glob::matches(name, member.alias.as_str()))
        }
    }
}
