//! Who may use which account, limits of the policy, ways, and what stays over changes.

use super::*;

#[test]
fn owned_accounts_serve_only_who_names_them_by_number() {
    let mut roster = roster(policy(Rotation::Sticky, 3), 3);
    roster.put(Member { owner: Some(KeyId::new("key_1")), ..member(1) });
    let named = Choice::Named(vec!["A1".into(), "a*".into()]);
    let named = Want { choice: &named, preferred: Some(AccountId(1)), ..want() };
    for want in [&want(), &named] {
        let turns: Vec<u64> = (0..4).map(|_| take(&mut roster, want, T0)).collect();
        assert!(!turns.contains(&1), "{turns:?}");
    }
    let one = Choice::One(AccountId(1));
    assert_eq!(take(&mut roster, &Want { choice: &one, ..want() }, T0), 1);
}

#[test]
fn named_accounts_serve_although_they_are_outside_the_set() {
    let mut roster = roster(policy(Rotation::Fixed, 2), 9);
    let named = Choice::Named(vec!["a2".into(), "A[89]".into(), "a?8".into(), "*9".into()]);
    let named = Want { choice: &named, ..want() };
    let turns: Vec<u64> = (0..4).map(|_| take(&mut roster, &named, T0)).collect();
    assert_eq!(turns, [2, 9, 2, 9]);
    assert!(roster.explain(&named, T0).contains(&(Alias::new("a1"), Reason::NotChosen)));
    let none = Choice::Named(Vec::new());
    assert_eq!(roster.select(&Want { choice: &none, ..want() }, T0), Err(Unavailable::Nobody));
}

#[test]
fn concurrency_and_pace_hold_for_every_choice() {
    let pace = Duration::from_millis(500);
    let concurrency = NonZeroU32::new(2);
    let mut roster = roster(PoolPolicy { concurrency, pace, ..policy(Rotation::Sticky, 3) }, 1);
    let one = Choice::One(AccountId(1));
    let one = Want { choice: &one, preferred: Some(AccountId(1)), ..want() };
    take(&mut roster, &one, T0);
    let next = UnixMs(T0.0 + 500);
    let soon = UnixMs(T0.0 + 499);
    for want in [&one, &Want { choice: ANY, ..one }] {
        assert_eq!(roster.select(want, soon), Err(Unavailable::Busy { again: Some(next) }));
    }
    assert_eq!(roster.explain(&one, soon)[0].1, Reason::Paced { until: next });
    take(&mut roster, &one, next);
    assert_eq!(roster.select(&one, at(1)), Err(Unavailable::Busy { again: None }));
    assert_eq!(roster.explain(&one, at(1))[0].1, Reason::Full);
    end(&mut roster, 1, Outcome::Served, at(1));
    // A clock that was set back does not close the account.
    assert_eq!(take(&mut roster, &one, UnixMs(T0.0 - 3_600_000)), 1);
}

#[test]
fn a_paced_account_that_rests_is_worth_asking_again_when_its_pace_is_over() {
    let pace = Duration::from_secs(2);
    let mut roster = roster(PoolPolicy { pace, ..PoolPolicy::default() }, 1);
    turn(&mut roster, &want(), LIMITED, T0);
    assert_eq!(roster.select(&want(), at(1)), Err(Unavailable::Out { again: Some(at(2)) }));
    assert!(roster.select(&want(), at(2)).expect("the last resort").probe);
}

#[test]
fn a_way_in_trouble_is_avoided_while_there_are_others() {
    let proxy = WayName::new("proxy");
    let mut roster = roster(policy(Rotation::Fixed, 2), 3);
    for id in [1, 2] {
        roster.put(Member { way: proxy.clone(), ..member(id) });
    }
    let trouble = |roster: &mut Roster, now| {
        let id = roster.select(&want(), now).expect("an account").id;
        roster.settle(id, "m", &proxy, Outcome::NetworkTrouble, now);
        id.0
    };
    assert_eq!(trouble(&mut roster, T0), 1);
    assert_eq!([take(&mut roster, &want(), at(1)), take(&mut roster, &want(), at(1))], [3, 3]);
    let down = Reason::WayDown { until: at(2) };
    assert_eq!(roster.explain(&want(), at(1))[0], (Alias::new("a1"), down));
    // The last resort: as many as want to.
    let tried = [AccountId(3)];
    let rest = Want { tried: &tried, ..want() };
    let turns: Vec<u64> = (0..3).map(|_| take(&mut roster, &rest, at(1))).collect();
    assert_eq!(turns, [2, 1, 2]);
    // Twice in a row doubles it; a success ends it at once.
    roster.settle(AccountId(2), "m", &proxy, Outcome::NetworkTrouble, at(2));
    let down = Reason::WayDown { until: at(6) };
    assert_eq!(roster.explain(&want(), at(2))[0], (Alias::new("a1"), down));
    roster.settle(AccountId(2), "m", &proxy, Outcome::Served, at(3));
    assert_eq!(roster.explain(&want(), at(3)), [(Alias::new("a3"), Reason::NotActive)]);
}

#[test]
fn a_way_that_all_share_is_not_avoided() {
    let mut roster = roster(policy(Rotation::Fixed, 2), 3);
    for now in 0..5 {
        let id = take(&mut roster, &want(), at(now * 100));
        end(&mut roster, id, Outcome::NetworkTrouble, at(now * 100));
    }
    let turns: Vec<u64> = (0..4).map(|_| take(&mut roster, &want(), at(401))).collect();
    assert_eq!(turns, [2, 1, 2, 1]);
    // Nor one that the request brings along, whatever the ways of the accounts are.
    roster.put(Member { way: WayName::new("proxy"), ..member(3) });
    assert_eq!(take(&mut roster, &want(), at(401)), 3);
    let own = WayName::new("own");
    assert_ne!(take(&mut roster, &Want { way: Some(&own), ..want() }, at(401)), 3);
}

#[test]
fn the_set_survives_changes_of_its_size() {
    let mut roster = roster(policy(Rotation::Fixed, 3), 6);
    roster.put(Member { enabled: false, ..member(2) });
    take(&mut roster, &want(), T0);
    roster.put(member(2));
    let active = |roster: &Roster| -> Vec<u64> {
        let is = |id: &u64| roster.state(AccountId(*id), T0).is_some_and(|state| state.active);
        (1..=6).filter(is).collect()
    };
    assert_eq!(active(&roster), [1, 3, 4]);
    roster.set_policy(policy(Rotation::Fixed, 2));
    assert_eq!(active(&roster), [1, 3]);
    roster.set_policy(policy(Rotation::Fixed, 5));
    assert_eq!(active(&roster), [1, 2, 3, 4, 5]);
    roster.remove(AccountId(1));
    assert_eq!(active(&roster), [2, 3, 4, 5, 6]);
    assert_eq!(roster.len(), 5);
}

#[test]
fn counters_stay_with_an_update_and_go_with_a_removal() {
    let mut roster = roster(policy(Rotation::Fixed, 2), 1);
    take(&mut roster, &want(), T0);
    turn(&mut roster, &want(), LIMITED, T0);
    roster.put(Member { alias: Alias::new("new"), ..member(1) });
    let state = roster.state(AccountId(1), T0).expect("known");
    assert_eq!((state.in_use, state.started, state.coolings.len()), (1, 2, 1));
    roster.remove(AccountId(1));
    assert_eq!(roster.in_use(), 0);
    end(&mut roster, 1, Outcome::Served, T0);
    assert_eq!(roster.state(AccountId(1), T0), None);
}

#[test]
fn rotations_have_names() {
    for rotation in Rotation::ALL {
        assert_eq!(Rotation::parse(rotation.as_str()), Some(rotation));
    }
    assert_eq!(Rotation::parse("Fixed"), None);
}
