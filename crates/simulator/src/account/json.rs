//! What account calls answer as JSON (`reference/messages/account.md`, "JSON shapes").

use std::time::{Duration, SystemTime};

use cursor_proto::aiserver::session::SessionType;
use serde_json::{Map, Value, json};

use super::events::{self, Event, Filter, Sum};
use super::messages::{ROLE, SESSIONS, event_kind, privacy_mode, word};
use super::profile::{Plan, Profile};
use super::time::{millis, rfc3339};

const SESSION: Duration = Duration::from_secs(60 * 86_400);
const DAY: Duration = Duration::from_secs(86_400);

/// `GET /api/usage-summary`.
pub(crate) fn usage_summary(profile: &Profile) -> Value {
    let (mut individual, mut team) = (Map::new(), Map::new());
    if let Some(plan) = profile.plan {
        individual.insert("plan".into(), plan_usage(plan, profile.unlimited));
    }
    let payer = if profile.team.is_some() { &mut team } else { &mut individual };
    payer.insert("onDemand".into(), on_demand(profile.on_demand));
    let mut summary = json!({
        "billingCycleStart": rfc3339(profile.cycle_start),
        "billingCycleEnd": rfc3339(profile.cycle_end),
        "membershipType": profile.membership,
        "limitType": profile.limit_type(),
        "isUnlimited": profile.unlimited,
        "individualUsage": individual,
        "teamUsage": team,
    });
    if let Some(plan) = profile.plan.filter(|_| !profile.unlimited) {
        let text = display_message(plan);
        summary["autoModelSelectedDisplayMessage"] = text.as_str().into();
        summary["namedModelSelectedDisplayMessage"] = text.into();
    }
    summary
}

pub(super) fn display_message(plan: Plan) -> String {
    format!("You have used {:.0}% of your plan.", plan.percent())
}

fn plan_usage(plan: Plan, unlimited: bool) -> Value {
    // An unlimited plan has figures without a limit (vector `usage_summary_team`).
    let limit = if unlimited { 0 } else { plan.limit };
    let mut usage = json!({
        "enabled": true,
        "used": plan.used,
        "limit": limit,
        "remaining": limit.saturating_sub(plan.used),
        "breakdown": {"included": limit, "bonus": 0, "total": limit},
    });
    if !unlimited {
        let (auto, api) = shares(plan);
        usage["autoPercentUsed"] = auto.into();
        usage["apiPercentUsed"] = api.into();
        usage["totalPercentUsed"] = plan.percent().into();
    }
    usage
}

/// Per cent used by the automatic choice of models and by named models. How the real server
/// divides is not known.
pub(super) fn shares(plan: Plan) -> (f64, f64) {
    (plan.percent() * 0.06, plan.percent() * 0.8)
}

fn on_demand(usage: Option<Plan>) -> Value {
    match usage {
        Some(usage) => json!({
            "enabled": true,
            "used": usage.used,
            "limit": usage.limit,
            "remaining": usage.remaining(),
        }),
        None => json!({"enabled": false, "used": 0, "limit": null, "remaining": null}),
    }
}

/// The subscription, as `full_stripe_profile` and `/api/auth/stripe` tell it.
pub(crate) fn stripe(profile: &Profile, now: SystemTime) -> Value {
    let paid = !profile.is_free();
    let team = profile.team.as_ref().map(|_| profile.membership.as_str());
    let own = if team.is_some() { None } else { paid.then_some(profile.membership.as_str()) };
    let mut stripe = json!({
        "membershipType": profile.membership,
        "daysRemainingOnTrial": profile.trial_days(now),
        "verifiedStudent": false,
        "trialEligible": !paid,
        "trialLengthDays": if paid { 7 } else { 14 },
        "isOnStudentPlan": false,
        "isOnBillableAuto": paid,
        "customerBalance": paid.then_some(0.0),
        "trialWasCancelled": false,
        "isTeamMember": team.is_some(),
        "teamMembershipType": team,
        "individualMembershipType": own,
    });
    if let Some(status) = &profile.subscription_status {
        stripe["subscriptionStatus"] = status.as_str().into();
        stripe["paymentId"] = format!("cus_SIMULATED{}", profile.number).into();
    }
    stripe
}

/// A browser's session and a client's, 60 days long, as id, kind, begin and end.
pub(super) fn sessions(profile: &Profile) -> [(String, SessionType, String, String); 2] {
    use sha2::{Digest as _, Sha256};
    SESSIONS.map(|kind| {
        let hash = Sha256::digest(format!("{} {}", profile.user, word(kind)).as_bytes());
        let id = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let begin = profile.started - DAY;
        (id, kind, rfc3339(begin), rfc3339(begin + SESSION))
    })
}

/// `GET /api/auth/sessions`.
pub(crate) fn active_sessions(profile: &Profile) -> Value {
    let sessions = sessions(profile).map(|(id, kind, begin, end)| {
        json!({"sessionId": id, "type": word(kind), "createdAt": begin, "expiresAt": end})
    });
    json!({ "sessions": sessions })
}

/// `POST /api/dashboard/get-me`.
pub(crate) fn get_me(profile: &Profile) -> Value {
    let mut me = json!({
        "authId": profile.auth_id(),
        "userId": profile.number,
        "email": profile.email,
        "firstName": "Simulated",
        "lastName": "User",
        "workosId": profile.user,
        "createdAt": rfc3339(profile.created),
        "isEnterpriseUser": profile.membership == "enterprise",
    });
    if let Some(team) = &profile.team {
        me["teamId"] = team.id.into();
    }
    me
}

/// `GET /api/auth/me`, the older form.
pub(crate) fn auth_me(profile: &Profile) -> Value {
    json!({
        "email": profile.email,
        "email_verified": true,
        "name": "Simulated User",
        "sub": profile.user,
        "id": profile.number,
        "updated_at": rfc3339(profile.created),
        "picture": null,
    })
}

/// `GET /api/usage` and `GET /auth/usage`: request counters of old plans.
pub(crate) fn legacy_usage(profile: &Profile) -> Value {
    let requests = profile.plan.map_or(0, |plan| plan.used / 50);
    json!({
        "gpt-4": {
            "numRequests": requests,
            "numRequestsTotal": requests,
            "numTokens": requests.saturating_mul(500),
            "maxRequestUsage": profile.plan.map_or(50, |plan| plan.limit / 50),
            "maxTokenUsage": null,
        },
        "startOfMonth": rfc3339(profile.cycle_start),
    })
}

/// `POST /api/dashboard/get-user-privacy-mode`.
pub(crate) fn privacy(profile: &Profile) -> Value {
    let mode = word(privacy_mode(profile.privacy));
    json!({"privacyMode": mode, "isEnforcedByTeam": false})
}

/// `POST /api/dashboard/is-on-new-pricing`.
pub(crate) fn new_pricing() -> Value {
    json!({"isOnNewPricing": true})
}

/// `POST /api/dashboard/get-current-period-usage`: the message in protobuf's JSON.
pub(crate) fn current_period(profile: &Profile) -> Value {
    let mut usage = json!({
        "billingCycleStart": millis(profile.cycle_start).to_string(),
        "billingCycleEnd": millis(profile.cycle_end).to_string(),
        "spendLimitUsage": {"limitType": profile.limit_type()},
        "displayThreshold": 100,
        "enabled": true,
    });
    if let Some(plan) = profile.plan {
        let (auto, api) = shares(plan);
        usage["planUsage"] = json!({
            "totalSpend": plan.used,
            "includedSpend": plan.used.min(plan.limit),
            "remaining": plan.remaining(),
            "limit": plan.limit,
            "autoPercentUsed": auto,
            "apiPercentUsed": api,
            "totalPercentUsed": plan.percent(),
        });
        usage["displayMessage"] = display_message(plan).into();
    }
    if let Some(spend) = profile.on_demand {
        usage["spendLimitUsage"] = json!({
            "totalSpend": spend.used,
            "individualLimit": spend.limit,
            "individualUsed": spend.used,
            "individualRemaining": spend.remaining(),
            "limitType": profile.limit_type(),
        });
    }
    usage
}

/// `POST /api/dashboard/get-filtered-usage-events`.
pub(crate) fn filtered_events(profile: &Profile, filter: &Filter) -> Value {
    let all = filter.all(profile);
    let page: Vec<Value> = filter.page(&all).iter().map(|event| shown(profile, event)).collect();
    let mut answer = json!({"totalUsageEventsCount": all.len()});
    if !page.is_empty() {
        answer["usageEventsDisplay"] = page.into();
    }
    answer
}

fn shown(profile: &Profile, event: &Event) -> Value {
    json!({
        "timestamp": event.timestamp.to_string(),
        "model": event.model,
        "kind": word(event_kind(profile)),
        "requestsCosts": 1.0,
        "isTokenBasedCall": true,
        "tokenUsage": {
            "inputTokens": event.input,
            "outputTokens": event.output,
            "cacheWriteTokens": event.cache_write,
            "cacheReadTokens": event.cache_read,
            "totalCents": event.cents,
        },
        "owningUser": profile.number.to_string(),
    })
}

/// `POST /api/dashboard/get-aggregated-usage-events`.
pub(crate) fn aggregated_events(profile: &Profile, filter: &Filter) -> Value {
    let (models, total) = events::sums(&filter.all(profile));
    let models: Vec<Value> = models
        .iter()
        .map(|sum: &Sum| {
            json!({
                "modelIntent": sum.model,
                "inputTokens": sum.input.to_string(),
                "outputTokens": sum.output.to_string(),
                "cacheWriteTokens": sum.cache_write.to_string(),
                "cacheReadTokens": sum.cache_read.to_string(),
                "totalCents": sum.cents,
            })
        })
        .collect();
    json!({
        "aggregations": models,
        "totalInputTokens": total.input.to_string(),
        "totalOutputTokens": total.output.to_string(),
        "totalCacheWriteTokens": total.cache_write.to_string(),
        "totalCacheReadTokens": total.cache_read.to_string(),
        "totalCostCents": total.cents,
    })
}

/// `POST /api/dashboard/teams`.
pub(crate) fn teams(profile: &Profile) -> Value {
    match &profile.team {
        None => json!({}),
        Some(team) => json!({"teams": [{
            "id": team.id,
            "name": team.name,
            "role": word(ROLE),
            "hasBilling": true,
            "subscriptionStatus": profile.subscription_status,
        }]}),
    }
}

/// `POST /api/dashboard/get-hard-limit`, in dollars.
pub(crate) fn hard_limit(profile: &Profile) -> Value {
    match profile.on_demand {
        Some(spend) => json!({"hardLimit": spend.limit / 100}),
        None => json!({"noUsageBasedAllowed": true}),
    }
}
