//! Each rule of the roster.

mod bounds;

use std::num::{NonZeroU32, NonZeroUsize};

use super::*;
use crate::id::KeyId;
use crate::record::{Mark, MarkKind};

const T0: UnixMs = UnixMs(1_800_000_000_000);

fn at(seconds: u64) -> UnixMs {
    UnixMs(T0.0 + seconds * 1000)
}

fn policy(rotation: Rotation, active: usize) -> PoolPolicy {
    let active = NonZeroUsize::new(active).expect("not zero");
    PoolPolicy { rotation, active, ..PoolPolicy::default() }
}

fn member(id: u64) -> Member {
    Member {
        id: AccountId(id),
        alias: Alias::new(format!("a{id}")),
        enabled: true,
        owner: None,
        mark: None,
        way: WayName::new("direct"),
    }
}

fn mark(until: Option<UnixMs>) -> Option<Mark> {
    Some(Mark { kind: MarkKind::Limit, reason: "used up".into(), since: T0, until })
}

fn roster(policy: PoolPolicy, count: u64) -> Roster {
    let mut roster = Roster::new(policy);
    for id in (1..=count).rev() {
        roster.put(member(id));
    }
    roster
}

const ANY: &Choice = &Choice::Any;

fn want<'a>() -> Want<'a> {
    Want { model: "m", choice: ANY, preferred: None, tried: &[], way: None }
}

fn take(roster: &mut Roster, want: &Want<'_>, now: UnixMs) -> u64 {
    roster.select(want, now).expect("an account").id.0
}

/// One request that ends at once.
fn turn(roster: &mut Roster, want: &Want<'_>, outcome: Outcome, now: UnixMs) -> u64 {
    let id = take(roster, want, now);
    end(roster, id, outcome, now);
    id
}

fn end(roster: &mut Roster, id: u64, outcome: Outcome, now: UnixMs) {
    roster.settle(AccountId(id), "m", &WayName::new("direct"), outcome, now);
}

const LIMITED: Outcome = Outcome::RateLimited { pause: None };

#[test]
fn a_fixed_number_takes_turns_in_order_of_id() {
    let mut roster = roster(policy(Rotation::Fixed, 2), 4);
    let turns: Vec<u64> = (0..5).map(|_| take(&mut roster, &want(), T0)).collect();
    assert_eq!(turns, [1, 2, 1, 2, 1]);
    assert_eq!(roster.in_use(), 5);
    let why = roster.explain(&want(), T0);
    assert_eq!(why, [(Alias::new("a3"), Reason::NotActive), (Alias::new("a4"), Reason::NotActive)]);
}

#[test]
fn another_is_drawn_only_when_one_of_the_set_is_out_as_a_whole() {
    let mut roster = roster(policy(Rotation::Fixed, 2), 4);
    assert_eq!(turn(&mut roster, &want(), LIMITED, T0), 1);
    // For that model somebody stands in; for others the set is what it was.
    let turns: Vec<u64> = (0..3).map(|_| take(&mut roster, &want(), at(1))).collect();
    assert_eq!(turns, [2, 3, 2]);
    let other = Want { model: "n", ..want() };
    assert_eq!([take(&mut roster, &other, at(1)), take(&mut roster, &other, at(1))], [1, 2]);
    assert!(!roster.state(AccountId(3), at(1)).expect("known").active);
    roster.put(Member { enabled: false, ..member(1) });
    assert!(roster.state(AccountId(3), at(1)).expect("known").active);
    let turns: Vec<u64> = (0..3).map(|_| take(&mut roster, &other, at(2))).collect();
    assert!(!turns.contains(&1) && turns.contains(&3), "{turns:?}");
    // Who comes back does not push the others out.
    roster.put(member(1));
    take(&mut roster, &other, at(3));
    assert!(!roster.state(AccountId(1), at(3)).expect("known").active);
}

#[test]
fn a_full_set_draws_nobody() {
    let one = NonZeroU32::new(1);
    let mut roster = roster(PoolPolicy { concurrency: one, ..policy(Rotation::Fixed, 2) }, 4);
    assert_eq!([take(&mut roster, &want(), T0), take(&mut roster, &want(), T0)], [1, 2]);
    assert_eq!(roster.select(&want(), T0), Err(Unavailable::Busy { again: None }));
    end(&mut roster, 2, Outcome::Served, T0);
    assert_eq!(take(&mut roster, &want(), T0), 2);
    // A request that failed on one of them waits for the other, and draws when both failed.
    let tried = [AccountId(1)];
    let once = Want { tried: &tried, ..want() };
    assert_eq!(roster.select(&once, T0), Err(Unavailable::Busy { again: None }));
    let tried = [AccountId(1), AccountId(2)];
    assert_eq!(take(&mut roster, &Want { tried: &tried, ..want() }, T0), 3);
}

#[test]
fn round_robin_goes_over_all_and_least_busy_to_the_idlest() {
    let mut all = roster(policy(Rotation::RoundRobin, 1), 3);
    let turns: Vec<u64> = (0..4).map(|_| take(&mut all, &want(), T0)).collect();
    assert_eq!(turns, [1, 2, 3, 1]);
    let mut idle = roster(policy(Rotation::LeastBusy, 1), 3);
    let turns: Vec<u64> = (0..3).map(|_| take(&mut idle, &want(), T0)).collect();
    assert_eq!(turns, [1, 2, 3]);
    end(&mut idle, 3, Outcome::Served, T0);
    end(&mut idle, 2, Outcome::Served, T0);
    // Both are idle; the second was started first.
    assert_eq!([take(&mut idle, &want(), T0), take(&mut idle, &want(), T0)], [2, 3]);
}

#[test]
fn a_conversation_stays_where_it_was_while_that_may_serve() {
    let mut roster = roster(policy(Rotation::Sticky, 2), 4);
    let stay = Want { preferred: Some(AccountId(4)), ..want() };
    assert_eq!([take(&mut roster, &stay, T0), take(&mut roster, &stay, T0)], [4, 4]);
    assert_eq!([take(&mut roster, &want(), T0), take(&mut roster, &want(), T0)], [1, 2]);
    end(&mut roster, 2, Outcome::Served, T0);
    assert_eq!(take(&mut roster, &want(), T0), 2, "the least busy of the set");
    end(&mut roster, 4, LIMITED, T0);
    assert_eq!(take(&mut roster, &stay, T0), 1);
    roster.set_policy(policy(Rotation::RoundRobin, 2));
    assert_eq!(take(&mut roster, &stay, at(11)), 3, "only sticky honours it");
}

#[test]
fn a_rate_limit_rests_one_model_and_grows_with_failures_in_a_row() {
    let mut roster = roster(policy(Rotation::Fixed, 1), 2);
    let one = Choice::One(AccountId(1));
    let one = Want { choice: &one, ..want() };
    let mut now = T0;
    for rest in [10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(turn(&mut roster, &one, LIMITED, now), 1);
        let state = roster.state(AccountId(1), now).expect("known");
        let until = now.after(Duration::from_secs(rest));
        assert_eq!(state.coolings, [Cooling { model: Some("m".into()), until }]);
        assert_eq!(turn(&mut roster, &want(), Outcome::Served, now), 2);
        now = until;
    }
    let pause = Some(Duration::from_secs(7));
    turn(&mut roster, &one, Outcome::RateLimited { pause }, now);
    assert_eq!(roster.state(AccountId(1), now).expect("known").coolings[0].until, {
        now.after(Duration::from_secs(7))
    });
    let now = now.after(Duration::from_secs(7));
    assert_eq!(roster.select(&one, now), Ok(Selected { id: AccountId(1), probe: true }));
    end(&mut roster, 1, Outcome::Served, now);
    turn(&mut roster, &one, LIMITED, now);
    let state = roster.state(AccountId(1), now).expect("known");
    assert_eq!(state.coolings[0].until, now.after(Duration::from_secs(10)), "growth is forgotten");
}

#[test]
fn one_request_at_a_time_probes_after_a_rest() {
    let mut roster = roster(policy(Rotation::RoundRobin, 1), 2);
    assert_eq!(turn(&mut roster, &want(), LIMITED, T0), 1);
    let now = at(10);
    assert_eq!(take(&mut roster, &want(), now), 2);
    assert_eq!(roster.select(&want(), now), Ok(Selected { id: AccountId(1), probe: true }));
    assert_eq!(roster.in_use(), 2);
    assert_eq!([take(&mut roster, &want(), now), take(&mut roster, &want(), now)], [2, 2]);
    assert_eq!(roster.explain(&want(), now), [(Alias::new("a1"), Reason::Probing)]);
    // The answer has begun: the others need not wait for its end.
    roster.note_served(AccountId(1), "m", now);
    assert_eq!(roster.select(&want(), now), Ok(Selected { id: AccountId(1), probe: false }));
    assert!(roster.explain(&want(), now).is_empty());
}

#[test]
fn a_probe_that_tells_nothing_lets_the_next_one_try() {
    let mut roster = roster(policy(Rotation::Fixed, 1), 1);
    turn(&mut roster, &want(), LIMITED, T0);
    for outcome in [Outcome::Blameless, Outcome::NetworkTrouble] {
        assert!(roster.select(&want(), at(10)).expect("a probe").probe);
        assert_eq!(roster.select(&want(), at(10)), Err(Unavailable::Out { again: None }));
        end(&mut roster, 1, outcome, at(10));
    }
    assert!(roster.select(&want(), at(10)).expect("a probe").probe);
}

#[test]
fn a_probe_does_not_outlive_the_last_answer_in_progress() {
    let mut roster = roster(policy(Rotation::Fixed, 1), 1);
    turn(&mut roster, &want(), LIMITED, T0);
    assert!(roster.select(&want(), at(10)).expect("a probe").probe);
    let way = WayName::new("direct");
    roster.settle(AccountId(1), "other name", &way, Outcome::Blameless, at(10));
    assert!(roster.select(&want(), at(10)).expect("a probe").probe);
}

#[test]
fn a_crowd_that_fails_or_ends_well_after_a_failure_says_nothing_new() {
    let mut roster = roster(policy(Rotation::Fixed, 1), 2);
    for _ in 0..6 {
        take(&mut roster, &want(), T0);
    }
    for _ in 0..5 {
        end(&mut roster, 1, LIMITED, T0);
    }
    end(&mut roster, 1, Outcome::Served, at(1));
    let state = roster.state(AccountId(1), at(1)).expect("known");
    assert_eq!(state.coolings, [Cooling { model: Some("m".into()), until: at(10) }]);
}

#[test]
fn a_suspect_rests_as_a_whole_until_somebody_has_looked() {
    let mut roster = roster(policy(Rotation::Fixed, 1), 2);
    assert_eq!(turn(&mut roster, &want(), Outcome::Suspect, T0), 1);
    let other = Want { model: "n", ..want() };
    assert_eq!(take(&mut roster, &other, T0), 2);
    let until = at(30);
    let why = Reason::Cooling { until };
    assert_eq!(roster.explain(&other, T0), [(Alias::new("a1"), why)]);
    roster.well(AccountId(1));
    let one = Choice::One(AccountId(1));
    let one = Want { choice: &one, ..want() };
    let well = Ok(Selected { id: AccountId(1), probe: false });
    assert_eq!(roster.select(&one, T0), well);
    end(&mut roster, 1, Outcome::Suspect, T0);
    roster.put(Member { mark: mark(None), ..member(1) });
    assert_eq!(roster.select(&one, at(31)), Err(Unavailable::Out { again: None }));
    // The mark is cleared: so is the rest.
    roster.put(member(1));
    assert_eq!(roster.select(&one, T0), well);
}

#[test]
fn one_bad_answer_never_closes_a_gateway_with_one_account() {
    let mut roster = roster(policy(Rotation::Sticky, 3), 1);
    turn(&mut roster, &want(), LIMITED, T0);
    let probe = Ok(Selected { id: AccountId(1), probe: true });
    assert_eq!(roster.select(&want(), at(1)), probe);
    // A burst does not hammer.
    assert_eq!(roster.select(&want(), at(1)), Err(Unavailable::Out { again: Some(at(10)) }));
    assert_eq!(roster.explain(&want(), at(1)).len(), 1);
    end(&mut roster, 1, Outcome::Served, at(1));
    let well = Ok(Selected { id: AccountId(1), probe: false });
    assert_eq!(roster.select(&want(), at(1)), well);
}

#[test]
fn the_last_resort_is_the_one_that_rests_least() {
    let mut roster = roster(policy(Rotation::Fixed, 3), 3);
    assert_eq!(turn(&mut roster, &want(), Outcome::Suspect, T0), 1);
    let pause = Some(Duration::from_secs(60));
    assert_eq!(turn(&mut roster, &want(), Outcome::RateLimited { pause }, T0), 2);
    assert_eq!(turn(&mut roster, &want(), LIMITED, T0), 3);
    let turns: Vec<u64> = (0..3).map(|_| take(&mut roster, &want(), at(1))).collect();
    assert_eq!(turns, [3, 1, 2]);
    assert_eq!(roster.select(&want(), at(1)), Err(Unavailable::Out { again: Some(at(10)) }));
}

#[test]
fn marks_are_hard_until_they_are_over() {
    let mut roster = roster(policy(Rotation::Sticky, 3), 2);
    roster.put(Member { mark: mark(Some(at(60))), ..member(1) });
    roster.put(Member { enabled: false, ..member(2) });
    assert_eq!(roster.select(&want(), T0), Err(Unavailable::Out { again: Some(at(60)) }));
    assert_eq!(
        roster.explain(&want(), T0),
        [(Alias::new("a1"), Reason::Marked(MarkKind::Limit)), (Alias::new("a2"), Reason::Disabled)]
    );
    assert_eq!(take(&mut roster, &want(), at(60)), 1);
}

#[test]
fn nobody_is_there_when_there_are_none_or_all_were_tried() {
    let mut empty = Roster::new(PoolPolicy::default());
    assert!(empty.is_empty());
    assert_eq!(empty.select(&want(), T0), Err(Unavailable::Nobody));
    let mut roster = roster(PoolPolicy::default(), 2);
    let tried = [AccountId(1), AccountId(2)];
    let all = Want { tried: &tried, ..want() };
    assert_eq!(roster.select(&all, T0), Err(Unavailable::Nobody));
    let other = Choice::One(AccountId(9));
    assert_eq!(roster.select(&Want { choice: &other, ..want() }, T0), Err(Unavailable::Nobody));
    assert_eq!(roster.explain(&all, T0)[0].1, Reason::Tried);
}
