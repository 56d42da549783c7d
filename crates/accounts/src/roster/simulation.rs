//! A pool under load with virtual time: 20 accounts, a tenth of which is always about to fall ill or
//! to recover.

use std::collections::BinaryHeap;

use super::*;
use crate::random::SplitMix;
use crate::record::{Mark, MarkKind};

const ACCOUNTS: u64 = 20;
const ATTEMPTS: usize = 3;
const LENGTH: u64 = 30 * 60 * 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Ill {
    Limited,
    Quota,
    Dead,
}

/// What happens next; earliest first by `Reverse`.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// An account falls ill or recovers.
    Turn(u64),
    Request,
    /// An attempt ends: account, its request.
    End(u64, Request),
    /// Somebody looks at the account.
    Look(u64),
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Request {
    tried: Vec<AccountId>,
    fails: Option<Ill>,
    preferred: Option<AccountId>,
}

#[derive(Debug, Default)]
struct Totals {
    requests: u64,
    served: u64,
    failed: u64,
    calls: u64,
    /// Calls that met an ill account.
    ill: u64,
    marks: u64,
}

struct World {
    roster: Roster,
    random: SplitMix,
    now: u64,
    events: BinaryHeap<std::cmp::Reverse<(u64, u64, Event)>>,
    count: u64,
    ill: Vec<Option<Ill>>,
    marked: Vec<bool>,
    totals: Totals,
}

fn member(id: u64, mark: Option<Mark>) -> Member {
    Member {
        id: AccountId(id),
        alias: Alias::new(format!("a{id}")),
        enabled: true,
        owner: None,
        mark,
        way: WayName::new("direct"),
    }
}

impl World {
    fn new(rotation: Rotation, seed: u64) -> Self {
        let mut roster = Roster::new(PoolPolicy { rotation, ..PoolPolicy::default() });
        (0..ACCOUNTS).for_each(|id| roster.put(member(id, None)));
        let mut world = Self {
            roster,
            random: SplitMix::new(seed),
            now: 1_800_000_000_000,
            events: BinaryHeap::new(),
            count: 0,
            ill: vec![None; 20],
            marked: vec![false; 20],
            totals: Totals::default(),
        };
        for id in 0..ACCOUNTS {
            let first = world.random.below(300_000);
            world.after(first, Event::Turn(id));
        }
        world.after(0, Event::Request);
        world
    }

    fn after(&mut self, wait: u64, event: Event) {
        self.count += 1;
        self.events.push(std::cmp::Reverse((self.now + wait, self.count, event)));
    }

    fn run(mut self) -> Totals {
        let end = self.now + LENGTH;
        while let Some(std::cmp::Reverse((when, _, event))) = self.events.pop() {
            self.now = when;
            match event {
                Event::Turn(id) if when < end => self.turn(id),
                Event::Request if when < end => {
                    let wait = self.random.below(100);
                    self.after(wait, Event::Request);
                    self.totals.requests += 1;
                    let known = self.random.chance(70);
                    let preferred = known.then(|| AccountId(self.random.below(ACCOUNTS)));
                    self.attempt(Request { tried: Vec::new(), fails: None, preferred });
                }
                Event::Turn(_) | Event::Request => {}
                Event::End(id, request) => self.end(id, request),
                Event::Look(id) => self.look(id, when < end),
            }
        }
        assert_eq!(self.roster.in_use(), 0);
        self.totals
    }

    /// Well for about nine times as long as ill.
    fn turn(&mut self, id: u64) {
        let at = usize::try_from(id).expect("small");
        let wait = if self.ill[at].is_some() {
            self.ill[at] = None;
            60_000 + self.random.below(600_000)
        } else {
            self.ill[at] = Some([Ill::Limited, Ill::Quota, Ill::Dead][self.random.index(3)]);
            5000 + self.random.below(70_000)
        };
        self.after(wait, Event::Turn(id));
    }

    fn attempt(&mut self, mut request: Request) {
        let choice = Choice::Any;
        let want = Want {
            model: "m",
            choice: &choice,
            preferred: request.preferred,
            tried: &request.tried,
            way: None,
        };
        let Ok(selected) = self.roster.select(&want, UnixMs(self.now)) else {
            self.totals.failed += 1;
            return;
        };
        let id = selected.id;
        let at = usize::try_from(id.0).expect("small");
        assert!(!self.marked[at], "a request to a marked account");
        self.totals.calls += 1;
        self.totals.ill += u64::from(self.ill[at].is_some());
        request.tried.push(id);
        request.fails = self.ill[at];
        let length = match request.fails {
            Some(_) => 20 + self.random.below(300),
            None => 200 + self.random.below(5000),
        };
        self.after(length, Event::End(id.0, request));
    }

    fn end(&mut self, id: u64, request: Request) {
        let outcome = match request.fails {
            None => Outcome::Served,
            Some(Ill::Limited) => Outcome::RateLimited { pause: None },
            Some(Ill::Quota | Ill::Dead) => Outcome::Suspect,
        };
        let way = WayName::new("direct");
        self.roster.settle(AccountId(id), "m", &way, outcome, UnixMs(self.now));
        if outcome == Outcome::Served {
            self.totals.served += 1;
        } else if request.tried.len() == ATTEMPTS {
            self.totals.failed += 1;
        } else {
            self.attempt(request);
        }
        if outcome == Outcome::Suspect {
            self.after(1000, Event::Look(id));
        }
    }

    fn look(&mut self, id: u64, again: bool) {
        let at = usize::try_from(id).expect("small");
        let kind = match self.ill[at] {
            Some(Ill::Quota) => MarkKind::Limit,
            Some(Ill::Dead) => MarkKind::Abnormal,
            Some(Ill::Limited) | None => {
                self.marked[at] = false;
                self.roster.put(member(id, None));
                self.roster.well(AccountId(id));
                return;
            }
        };
        let since = UnixMs(self.now);
        self.roster.put(member(id, Some(Mark { kind, reason: "seen".into(), since, until: None })));
        self.totals.marks += u64::from(!self.marked[at]);
        self.marked[at] = true;
        if again {
            self.after(10_000, Event::Look(id));
        }
    }
}

#[test]
fn a_tenth_of_the_pool_flapping_is_hardly_noticed() {
    for rotation in Rotation::ALL {
        for seed in 0..5 {
            let totals = World::new(rotation, seed).run();
            let Totals { requests, served, failed, calls, ill, marks } = totals;
            println!("{rotation:?} {seed}: {totals:?}");
            assert_eq!(served + failed, requests);
            assert!(requests > 20_000);
            assert!(marks >= 10, "{rotation:?} {seed}: {marks}");
            assert!(ill >= 10, "{rotation:?} {seed}: the flapping is noticed at all: {ill}");
            assert!(failed * 1000 <= requests, "{rotation:?} {seed}: {failed} of {requests}");
            assert!(calls <= 2 * requests, "{rotation:?} {seed}: {calls} calls for {requests}");
        }
    }
}
