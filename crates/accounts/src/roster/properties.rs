//! What holds after any sequence of operations.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroUsize};

use super::*;
use crate::random::SplitMix;
use crate::record::{Mark, MarkKind};

const WAYS: [&str; 3] = ["direct", "p1", "p2"];
const MODELS: [&str; 2] = ["m", "n"];

fn member(random: &mut SplitMix, id: u64, now: UnixMs) -> Member {
    let mark = random.chance(10).then(|| Mark {
        kind: MarkKind::Abnormal,
        reason: "r".into(),
        since: now,
        until: random.chance(50).then(|| now.after(Duration::from_secs(random.below(20)))),
    });
    Member {
        id: AccountId(id),
        alias: Alias::new(format!("a{id}")),
        enabled: !random.chance(10),
        owner: None,
        mark,
        way: WayName::new(WAYS[random.index(WAYS.len())]),
    }
}

fn outcome(random: &mut SplitMix) -> Outcome {
    match random.below(8) {
        0 => Outcome::RateLimited { pause: None },
        1 => Outcome::RateLimited { pause: Some(Duration::from_secs(random.below(30))) },
        2 => Outcome::Suspect,
        3 => Outcome::NetworkTrouble,
        4 => Outcome::Blameless,
        _ => Outcome::Served,
    }
}

fn choice(random: &mut SplitMix) -> Choice {
    match random.below(4) {
        0 => Choice::One(AccountId(random.below(8))),
        1 => Choice::Named(vec![format!("a{}", random.below(8)), "a?3".into(), "*4".into()]),
        _ => Choice::Any,
    }
}

/// What the test knows of the accounts, beside the roster.
#[derive(Default)]
struct Model {
    members: HashMap<u64, Member>,
    in_use: HashMap<u64, u32>,
    last: HashMap<u64, UnixMs>,
    /// Account, model and way of the answers in progress.
    running: Vec<(u64, &'static str, WayName)>,
}

fn run(rotation: Rotation, seed: u64) {
    let mut random = SplitMix::new(seed);
    let pace = Duration::from_millis([0, 0, 300, 2000][random.index(4)]);
    let concurrency = NonZeroU32::new(u32::try_from(random.below(4)).expect("small"));
    let active = NonZeroUsize::new(1 + random.index(5)).expect("not zero");
    let policy = PoolPolicy { rotation, active, concurrency, pace };
    let mut roster = Roster::new(policy);
    let mut model = Model::default();
    let mut now = UnixMs(1_800_000_000_000);
    let mut selected = 0;
    for _ in 0..600 {
        now = now.after(Duration::from_millis(random.below(2000)));
        match random.below(20) {
            0..=1 => {
                let id = random.below(8);
                let member = member(&mut random, id, now);
                roster.put(member.clone());
                model.members.insert(id, member);
            }
            2 if random.chance(20) => {
                // Ids are never given twice, so it does not come back while answers go on.
                let id = random.below(8);
                if model.in_use.get(&id).is_none_or(|count| *count == 0) {
                    roster.remove(AccountId(id));
                    model.members.remove(&id);
                    model.last.remove(&id);
                }
            }
            2..=11 => selected += usize::from(select(&mut roster, &mut model, &mut random, now)),
            12 => {
                let name = random.chance(50).then(|| MODELS[random.index(2)]);
                roster.cool(AccountId(random.below(8)), name, None, now);
            }
            13 => roster.note_served(AccountId(random.below(8)), MODELS[random.index(2)], now),
            14 => roster.well(AccountId(random.below(8))),
            _ => {
                if model.running.is_empty() {
                    continue;
                }
                let at = random.index(model.running.len());
                let (id, name, way) = model.running.swap_remove(at);
                roster.settle(AccountId(id), name, &way, outcome(&mut random), now);
                *model.in_use.get_mut(&id).expect("running") -= 1;
            }
        }
        assert_eq!(roster.in_use(), model.running.len(), "selections minus settlements");
        for id in model.members.keys() {
            let state = roster.state(AccountId(*id), now).expect("known");
            assert_eq!(state.in_use, model.in_use.get(id).copied().unwrap_or(0));
        }
    }
    assert!(selected > 20, "{rotation:?} {seed}: the test did something: {selected}");
}

fn select(roster: &mut Roster, model: &mut Model, random: &mut SplitMix, now: UnixMs) -> bool {
    let choice = choice(random);
    let tried: Vec<AccountId> = (0..random.below(3)).map(|_| AccountId(random.below(8))).collect();
    let own = WayName::new("own");
    let name = MODELS[random.index(2)];
    let want = Want {
        model: name,
        choice: &choice,
        preferred: random.chance(50).then(|| AccountId(random.below(8))),
        tried: &tried,
        way: random.chance(10).then_some(&own),
    };
    let reasons = roster.explain(&want, now);
    let policy = roster.policy().clone();
    let chosen = match roster.select(&want, now) {
        Ok(selected) => selected.id,
        Err(Unavailable::Busy { again } | Unavailable::Out { again }) => {
            assert!(again.is_none_or(|again| again > now), "{again:?} is not after {now:?}");
            assert_eq!(reasons.len(), roster.len(), "everybody has a reason");
            return false;
        }
        Err(Unavailable::Nobody) => {
            assert!(reasons.iter().all(|(_, r)| matches!(r, Reason::Tried | Reason::NotChosen)));
            return false;
        }
    };
    let member = &model.members[&chosen.0];
    assert!(!reasons.iter().any(|(alias, _)| *alias == member.alias) || want.preferred.is_some());
    assert!(member.enabled, "a disabled account");
    let marked = member.mark.as_ref().is_some_and(|mark| mark.until.is_none_or(|end| now < end));
    assert!(!marked, "a marked account");
    assert!(!tried.contains(&chosen), "a tried account");
    let count = model.in_use.entry(chosen.0).or_default();
    *count += 1;
    assert!(policy.concurrency.is_none_or(|most| *count <= most.get()), "above concurrency");
    if let Some(last) = model.last.insert(chosen.0, now) {
        assert!(last.after(policy.pace) <= now, "twice within the pace");
    }
    let way = want.way.unwrap_or(&member.way).clone();
    model.running.push((chosen.0, name, way));
    true
}

#[test]
fn no_sequence_of_operations_breaks_a_bound() {
    for rotation in Rotation::ALL {
        for seed in 0..60 {
            run(rotation, seed);
        }
    }
}

#[test]
fn choosing_among_a_thousand_takes_microseconds() {
    for rotation in Rotation::ALL {
        let mut roster = Roster::new(PoolPolicy { rotation, ..PoolPolicy::default() });
        let mut random = SplitMix::new(1);
        for id in 0..1000 {
            let member = member(&mut random, id, UnixMs(1));
            roster.put(Member { way: WayName::new("direct"), ..member });
        }
        let choice = Choice::Any;
        let want = Want { model: "m", choice: &choice, preferred: None, tried: &[], way: None };
        let began = std::time::Instant::now();
        for step in 0..1000 {
            roster.select(&want, UnixMs(1_000_000 + step)).expect("an account");
        }
        let each = began.elapsed() / 1000;
        println!("{rotation:?}: {each:?}");
        // Unoptimised and on a busy machine; the release build is some ten times as fast.
        assert!(each < Duration::from_millis(2), "{rotation:?}: {each:?}");
    }
}
