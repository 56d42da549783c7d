//! What the vectors say is what is read; what is written is the documented form.

mod exhausted;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

/// The answer of a vector of `account_rest.json`.
fn vector(name: &str) -> Value {
    let text = include_str!("../../../../fixtures/vectors/account_rest.json");
    let file: Value = serde_json::from_str(text).expect("fixture");
    let vectors = file["vectors"].as_array().expect("vectors");
    let vector = vectors.iter().find(|vector| vector["name"] == name).expect(name);
    vector["response_json"].clone()
}

fn read<T: DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).expect("it fits")
}

/// Reads the upstream's form; the documented form must come out, and be read as the same.
fn shown<T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug>(json: Value) -> Value {
    let read: T = read(json);
    let shown = serde_json::to_value(&read).expect("json");
    assert_eq!(self::read::<T>(shown.clone()), read, "what is kept is read again");
    shown
}

#[test]
fn every_vector_is_read_here_or_belongs_to_a_call_that_is_not_made() {
    let text = include_str!("../../../../fixtures/vectors/account_rest.json");
    let file: Value = serde_json::from_str(text).expect("fixture");
    let names: Vec<&str> = file["vectors"]
        .as_array()
        .expect("vectors")
        .iter()
        .map(|vector| vector["name"].as_str().expect("name"))
        .collect();
    let read = [
        "usage_summary_pro",
        "usage_summary_no_limit",
        "usage_summary_team",
        "stripe",
        "stripe_free",
        "sessions",
        "get_me",
        "privacy",
    ];
    // In tests/it/account.
    let elsewhere = ["is_on_new_pricing", "not_authenticated", "origin_refused"];
    let not_called = [
        "auth_me",
        "legacy_usage",
        "usage_events",
        "usage_events_not_yet",
        "aggregated",
        "teams",
        "hard_limit",
    ];
    let mut listed = [&read[..], &elsewhere, &not_called].concat();
    listed.sort_unstable();
    let mut found = names;
    found.sort_unstable();
    assert_eq!(found, listed);
}

#[test]
fn usage_of_a_paid_plan() {
    assert_eq!(
        shown::<Usage>(vector("usage_summary_pro")),
        json!({
            "billing_cycle_start": "2026-01-05T10:00:00.000Z",
            "billing_cycle_end": "2026-02-05T10:00:00.000Z",
            "membership_type": "pro",
            "limit_type": "user",
            "is_unlimited": false,
            "individual_usage": {
                "plan": {
                    "enabled": true,
                    "used": 500,
                    "limit": 2000,
                    "remaining": 1500,
                    "breakdown": { "included": 2000, "bonus": 0, "total": 2000 },
                },
                "on_demand": { "enabled": true, "used": 100, "limit": 5000, "remaining": 4900 },
            },
            "team_usage": {},
        })
    );
}

#[test]
fn usage_without_a_plan_or_a_limit() {
    assert_eq!(
        shown::<Usage>(vector("usage_summary_no_limit")),
        json!({
            "billing_cycle_start": "2026-01-05T10:00:00.000Z",
            "billing_cycle_end": "2026-02-05T10:00:00.000Z",
            "membership_type": "free",
            "limit_type": "user",
            "is_unlimited": false,
            "individual_usage": { "on_demand": { "enabled": false, "used": 0 } },
            "team_usage": {},
        })
    );
}

#[test]
fn usage_of_a_team() {
    assert_eq!(
        shown::<Usage>(vector("usage_summary_team")),
        json!({
            "billing_cycle_start": "2026-01-05T10:00:00.000Z",
            "billing_cycle_end": "2026-02-05T10:00:00.000Z",
            "membership_type": "enterprise",
            "limit_type": "team",
            "is_unlimited": true,
            "individual_usage": {
                "plan": {
                    "enabled": true,
                    "used": 10,
                    "limit": 0,
                    "remaining": 0,
                    "breakdown": { "included": 0, "bonus": 0, "total": 0 },
                },
            },
            "team_usage": {
                "on_demand": {
                    "enabled": true,
                    "used": 12345,
                    "limit": 100_000,
                    "remaining": 87655,
                },
            },
        })
    );
}

#[test]
fn the_subscription() {
    assert_eq!(
        shown::<Stripe>(vector("stripe")),
        json!({
            "membership_type": "pro",
            "payment_id": "cus_SYNTHETIC0000",
            "days_remaining_on_trial": 0,
            "subscription_status": "active",
            "verified_student": false,
            "trial_eligible": false,
            "trial_length_days": 7,
            "is_on_student_plan": false,
            "is_on_billable_auto": true,
            "customer_balance": -1.5,
            "trial_was_cancelled": false,
            "is_team_member": false,
            "individual_membership_type": "pro",
        })
    );
    assert_eq!(
        shown::<Stripe>(vector("stripe_free")),
        json!({
            "membership_type": "free",
            "days_remaining_on_trial": 0,
            "verified_student": false,
            "trial_eligible": true,
            "trial_length_days": 14,
            "is_on_student_plan": false,
            "is_on_billable_auto": false,
            "trial_was_cancelled": false,
            "is_team_member": false,
        })
    );
}

#[test]
fn sessions_have_short_words() {
    let dates = ("2026-01-05T10:00:00.000Z", "2026-03-06T10:00:00.000Z");
    assert_eq!(
        shown::<Vec<SessionInfo>>(vector("sessions")["sessions"].clone()),
        json!([
            {
                "session_id": "ab".repeat(32),
                "type": "web",
                "created_at": dates.0,
                "expires_at": dates.1,
            },
            {
                "session_id": "cd".repeat(32),
                "type": "client",
                "created_at": dates.0,
                "expires_at": dates.1,
            },
        ])
    );
}

#[test]
fn the_person_and_the_privacy_mode() {
    let mut user: User = read(vector("get_me"));
    assert_eq!(user.privacy_mode_info, PrivacyModeInfo::default());
    user.privacy_mode_info = read(vector("privacy"));
    user.team_id = Some(7);
    let kept = serde_json::to_value(&user).expect("json");
    assert_eq!(
        kept,
        json!({
            "user_id": 123_456,
            "email": "person@example.invalid",
            "first_name": "A",
            "last_name": "B",
            "workos_id": "user_01ABCDEFGHJKMNPQRSTVWXYZ01",
            "team_id": 7,
            "created_at": "2026-01-05T10:00:00.000Z",
            "is_enterprise_user": false,
            "is_on_new_pricing": false,
            "privacy_mode_info": { "privacy_mode": "no_training", "is_enforced_by_team": false },
        })
    );
    assert_eq!(read::<User>(kept), user);
}

#[test]
fn a_profile_has_the_parts_that_were_read() {
    assert_eq!(shown::<Profile>(json!({})), json!({}));
    let profile = Profile { usage: Some(read(vector("usage_summary_pro"))), ..Default::default() };
    let kept = serde_json::to_value(&profile).expect("json");
    assert_eq!(kept.as_object().expect("object").keys().collect::<Vec<_>>(), ["usage"]);
    assert_eq!(read::<Profile>(kept), profile);
}

/// Every word of `spec/v0.4-readme.md`, and the protobuf name of those that have one.
#[test]
fn every_word_is_read_and_written() {
    fn check<T>(words: &[&str], prefix: &str, is_other: fn(&T) -> bool)
    where
        T: DeserializeOwned + Serialize + PartialEq + std::fmt::Debug,
    {
        for word in words {
            let named = format!("{prefix}{}", word.to_uppercase());
            for text in [(*word).to_owned(), named] {
                let read: T = read(json!(text));
                assert!(!is_other(&read), "{text}");
                assert_eq!(serde_json::to_value(&read).expect("json"), json!(word));
            }
        }
        for (text, kept) in [
            ("Self-Serve", "Self-Serve"),
            (&format!("{prefix}NEW"), if prefix.is_empty() { "NEW" } else { "new" }),
        ] {
            let unknown: T = read(json!(text));
            assert!(is_other(&unknown), "{text}");
            assert_eq!(serde_json::to_value(&unknown).expect("json"), kept);
        }
    }
    check::<MembershipType>(
        &["free", "free_trial", "pro", "pro_plus", "ultra", "enterprise"],
        "",
        |word| matches!(word, MembershipType::Other(_)),
    );
    check::<LimitType>(&["user", "team"], "", |word| matches!(word, LimitType::Other(_)));
    check::<SubscriptionStatus>(
        &[
            "trialing",
            "active",
            "incomplete",
            "incomplete_expired",
            "past_due",
            "canceled",
            "unpaid",
            "paused",
        ],
        "",
        |word| matches!(word, SubscriptionStatus::Other(_)),
    );
    check::<PrivacyMode>(
        &[
            "unspecified",
            "no_storage",
            "no_training",
            "usage_data_training_allowed",
            "usage_codebase_training_allowed",
        ],
        "PRIVACY_MODE_",
        |word| matches!(word, PrivacyMode::Other(_)),
    );
    check::<SessionType>(
        &["unspecified", "web", "client", "bugbot", "background_agent"],
        "SESSION_TYPE_",
        |word| matches!(word, SessionType::Other(_)),
    );
}

#[test]
fn figures_that_do_not_fit_do_not_lose_the_answer() {
    let mut json = vector("usage_summary_pro");
    json["individualUsage"]["plan"] = json!({
        "enabled": 1,
        "used": 4_000_000_000_u64,
        "limit": "2000",
        "remaining": -1.0e12,
        "breakdown": { "included": 12.9, "bonus": "many", "total": [] },
    });
    json["individualUsage"]["onDemand"] =
        json!({ "enabled": "true", "used": "7.5", "limit": "NaN", "remaining": {} });
    let usage: Usage = read(json);
    let plan = usage.individual_usage.plan.expect("a plan");
    assert!(plan.enabled);
    assert_eq!((plan.used, plan.limit, plan.remaining), (i32::MAX, 2000, i32::MIN));
    assert_eq!(plan.breakdown, PlanBreakdown { included: 12, bonus: 0, total: 0 });
    assert_eq!(
        usage.individual_usage.on_demand,
        Some(OnDemandUsage { enabled: true, used: 7, limit: None, remaining: None })
    );
    let mut stripe = vector("stripe");
    stripe["customerBalance"] = json!("-2.25");
    stripe["trialLengthDays"] = json!(1e300);
    let stripe: Stripe = read(stripe);
    assert_eq!((stripe.customer_balance, stripe.trial_length_days), (Some(-2.25), i32::MAX));
}

#[test]
fn what_is_null_or_missing_is_absent() {
    let usage: Usage = read(json!({ "membershipType": "pro" }));
    let nulls: Usage = read(json!({
        "billingCycleStart": null, "billingCycleEnd": null, "membershipType": "pro",
        "limitType": null, "isUnlimited": null, "individualUsage": null,
        "teamUsage": { "plan": null, "onDemand": null },
    }));
    assert_eq!(usage, nulls);
    assert_eq!(usage.individual_usage, IndividualUsage::default());
    assert_eq!(usage.resets_unix_ms(), None);

    let stripe: Stripe = read(json!({ "membershipType": "pro", "subscriptionStatus": "" }));
    let nulls: Stripe = read(json!({
        "membershipType": "pro", "paymentId": null, "daysRemainingOnTrial": null,
        "subscriptionStatus": null, "verifiedStudent": null, "trialEligible": null,
        "trialLengthDays": null, "isOnStudentPlan": null, "isOnBillableAuto": null,
        "customerBalance": null, "trialWasCancelled": null, "isTeamMember": null,
        "teamMembershipType": null, "individualMembershipType": null,
    }));
    assert_eq!(stripe, nulls);

    let user: User = read(json!({ "userId": 1 }));
    let nulls: User = read(json!({
        "userId": 1, "email": null, "firstName": null, "lastName": null, "workosId": null,
        "teamId": null, "createdAt": null, "isEnterpriseUser": null, "isOnNewPricing": null,
        "privacyModeInfo": { "privacyMode": null, "isEnforcedByTeam": null },
    }));
    assert_eq!(user, nulls);

    let session: SessionInfo = read(json!({ "sessionId": "ab" }));
    let nulls: SessionInfo = read(json!({
        "sessionId": "ab", "type": null, "createdAt": null, "expiresAt": null,
    }));
    assert_eq!(session, nulls);
    assert_eq!(session.kind, SessionType::Unspecified);
}

#[test]
fn an_answer_that_says_something_else_is_no_profile() {
    let other = || json!({ "error": "not_authenticated" });
    assert!(serde_json::from_value::<Usage>(other()).is_err());
    assert!(serde_json::from_value::<Stripe>(other()).is_err());
    assert!(serde_json::from_value::<User>(other()).is_err());
    assert!(serde_json::from_value::<SessionInfo>(other()).is_err());
}
