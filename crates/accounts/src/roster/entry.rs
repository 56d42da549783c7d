//! One account in the roster.

use std::time::Duration;

use super::rest::{Growth, Rest};
use super::{Cooling, Member, PoolPolicy};
use crate::id::UnixMs;
use crate::record::MarkKind;

const RATE_LIMIT: Growth =
    Growth { first: Duration::from_secs(10), longest: Duration::from_secs(300) };
const SUSPICION: Growth =
    Growth { first: Duration::from_secs(30), longest: Duration::from_secs(600) };

/// Model names come from clients; the account need not remember more rests than this.
const MODELS: usize = 64;

#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) member: Member,
    pub(super) in_use: u32,
    pub(super) started: u64,
    /// The roster's count at the last start.
    pub(super) turn: u64,
    last_start: Option<UnixMs>,
    /// Of the whole account.
    whole: Option<Rest>,
    models: Vec<(String, Rest)>,
    /// The model of the one request that probes a rest of this account.
    pub(super) probe: Option<String>,
}

/// What rests say about a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Well,
    /// A rest is over; a probe may see whether the account is well.
    HalfOpen,
    Resting {
        until: UnixMs,
    },
}

/// What the policy says about one more start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Free,
    Full,
    Paced { until: UnixMs },
}

impl Entry {
    pub(super) fn new(member: Member) -> Self {
        Self {
            member,
            in_use: 0,
            started: 0,
            turn: 0,
            last_start: None,
            whole: None,
            models: Vec::new(),
            probe: None,
        }
    }

    pub(super) fn start(&mut self, turn: u64, now: UnixMs) {
        self.in_use += 1;
        self.started += 1;
        self.turn = turn;
        self.last_start = Some(now);
    }

    /// The mark that counts now, with its end.
    pub(super) fn marked(&self, now: UnixMs) -> Option<(MarkKind, Option<UnixMs>)> {
        let mark = self.member.mark.as_ref()?;
        mark.holds(now).then_some((mark.kind, mark.until))
    }

    /// Whether the account may be in the active set.
    pub(super) fn fit(&self, now: UnixMs) -> bool {
        self.member.enabled
            && self.member.owner.is_none()
            && self.marked(now).is_none()
            && !self.whole.is_some_and(|rest| rest.lasts(now))
    }

    pub(super) fn health(&self, model: &str, now: UnixMs) -> Health {
        let of_model = self.models.iter().find(|(name, _)| name == model).map(|(_, rest)| rest);
        let Some(until) = self.whole.iter().chain(of_model).map(|rest| rest.until).max() else {
            return Health::Well;
        };
        if now < until { Health::Resting { until } } else { Health::HalfOpen }
    }

    pub(super) fn room(&self, policy: &PoolPolicy, now: UnixMs) -> Room {
        if policy.concurrency.is_some_and(|most| self.in_use >= most.get()) {
            return Room::Full;
        }
        match self.last_start {
            // A clock that was set back must not close the account.
            Some(last) if last <= now && now < last.after(policy.pace) => {
                Room::Paced { until: last.after(policy.pace) }
            }
            Some(_) | None => Room::Free,
        }
    }

    /// Whether the request that ends, or has shown itself good, was the probe.
    pub(super) fn end_probe(&mut self, model: &str) -> bool {
        self.probe.take_if(|probe| probe == model).is_some()
    }

    /// A success ends the rests that are over or were probed. During a rest it is that of a request
    /// which had started before, and says nothing.
    pub(super) fn served(&mut self, model: &str, probed: bool, now: UnixMs) {
        let stays = |rest: &Rest| !probed && rest.lasts(now);
        self.whole = self.whole.filter(stays);
        self.models.retain(|(name, rest)| name != model || stays(rest));
    }

    pub(super) fn cool_model(
        &mut self,
        model: &str,
        pause: Option<Duration>,
        probed: bool,
        now: UnixMs,
    ) {
        if let Some((_, rest)) = self.models.iter_mut().find(|(name, _)| name == model) {
            *rest = Rest::after(Some(*rest), RATE_LIMIT, pause, probed, now);
            return;
        }
        if self.models.len() >= MODELS {
            let oldest = self.models.iter().enumerate().min_by_key(|(_, (_, rest))| rest.until);
            if let Some((at, _)) = oldest {
                self.models.swap_remove(at);
            }
        }
        self.models.push((model.to_owned(), Rest::after(None, RATE_LIMIT, pause, probed, now)));
    }

    pub(super) fn cool_whole(&mut self, pause: Option<Duration>, probed: bool, now: UnixMs) {
        self.whole = Some(Rest::after(self.whole, SUSPICION, pause, probed, now));
    }

    pub(super) fn forget_suspicion(&mut self) {
        self.whole = None;
    }

    pub(super) fn forget_rests(&mut self) {
        self.whole = None;
        self.models.clear();
        self.probe = None;
    }

    pub(super) fn coolings(&self, now: UnixMs) -> Vec<Cooling> {
        let whole = self.whole.iter().map(|rest| (None, rest));
        let models = self.models.iter().map(|(name, rest)| (Some(name.clone()), rest));
        whole
            .chain(models)
            .filter(|(_, rest)| rest.lasts(now))
            .map(|(model, rest)| Cooling { model, until: rest.until })
            .collect()
    }
}
