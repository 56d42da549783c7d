//! When an account has nothing left, and until when.

use super::*;

fn plan(used: i32, limit: i32) -> PlanUsage {
    PlanUsage {
        enabled: true,
        used,
        limit,
        remaining: (limit - used).max(0),
        breakdown: PlanBreakdown { included: limit, bonus: 0, total: limit },
    }
}

fn usage(plan: Option<PlanUsage>, on_demand: Option<OnDemandUsage>) -> Usage {
    let mut usage: Usage = read(vector("usage_summary_no_limit"));
    usage.individual_usage = IndividualUsage { plan, on_demand };
    usage
}

#[test]
fn the_vectors_have_something_left() {
    for name in ["usage_summary_pro", "usage_summary_no_limit", "usage_summary_team"] {
        assert!(!read::<Usage>(vector(name)).exhausted(), "{name}");
    }
}

#[test]
fn a_plan_that_is_used_up_is_exhausted() {
    assert!(usage(Some(plan(2000, 2000)), None).exhausted());
    assert!(usage(Some(plan(2100, 2000)), None).exhausted());
    assert!(!usage(Some(plan(1999, 2000)), None).exhausted());
}

#[test]
fn a_plan_that_is_off_or_without_limit_says_nothing() {
    assert!(!usage(Some(PlanUsage { enabled: false, ..plan(2000, 2000) }), None).exhausted());
    assert!(!usage(Some(plan(10, 0)), None).exhausted());
    assert!(!usage(None, None).exhausted());
}

#[test]
fn who_is_unlimited_is_never_exhausted() {
    let mut usage = usage(Some(plan(2000, 2000)), None);
    usage.is_unlimited = true;
    assert!(!usage.exhausted());
}

#[test]
fn a_bonus_is_used_after_the_plan() {
    let bonus = |bonus, total| {
        let breakdown = PlanBreakdown { included: 2000, bonus, total };
        usage(Some(PlanUsage { breakdown, ..plan(2100, 2000) }), None).exhausted()
    };
    assert!(!bonus(300, 2300));
    assert!(!bonus(300, 0), "the total is not always told");
    assert!(!bonus(0, 2300), "nor what it is made of");
    assert!(bonus(100, 2100));
    assert!(!bonus(i32::MAX, i32::MAX), "no overflow");
}

#[test]
fn on_demand_usage_goes_on_after_the_plan() {
    let more = |enabled, limit, remaining| {
        let more = OnDemandUsage { enabled, used: 100, limit, remaining };
        usage(Some(plan(2000, 2000)), Some(more)).exhausted()
    };
    assert!(!more(true, Some(5000), Some(4900)));
    assert!(!more(true, None, None));
    assert!(!more(true, Some(5000), None));
    assert!(more(true, Some(5000), Some(0)));
    assert!(more(true, Some(100), None));
    assert!(more(false, None, None));
    assert!(more(false, Some(5000), Some(4900)));
}

#[test]
fn what_the_team_has_left_counts() {
    let mut usage = usage(Some(plan(2000, 2000)), None);
    usage.team_usage.plan = Some(plan(2000, 2000));
    assert!(usage.exhausted());
    usage.team_usage.plan = Some(plan(1000, 2000));
    assert!(!usage.exhausted());
    usage.team_usage.plan = None;
    usage.team_usage.on_demand =
        Some(OnDemandUsage { enabled: true, used: 0, limit: None, remaining: None });
    assert!(!usage.exhausted());
}

#[test]
fn the_cycle_ends_at_an_instant() {
    let mut usage = usage(None, None);
    assert_eq!(usage.resets_unix_ms(), Some(1_770_285_600_000));
    for (text, expected) in [
        ("2026-02-05T12:00:00+02:00", Some(1_770_285_600_000)),
        ("2026-02-05T10:00:00.123456789Z", Some(1_770_285_600_123)),
        ("1969-12-31T23:59:59Z", None),
        ("soon", None),
        ("", None),
    ] {
        usage.billing_cycle_end = text.to_owned();
        assert_eq!(usage.resets_unix_ms(), expected, "{text}");
    }
}
