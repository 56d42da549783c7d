//! What account calls answer as protobuf (`reference/messages/account.md`), and the enum words that
//! both forms share.

use cursor_proto::aiserver::get_aggregated_usage_events_response::ModelUsageAggregation;
use cursor_proto::aiserver::get_current_period_usage_response::{PlanUsage, SpendLimitUsage};
use cursor_proto::aiserver::session::SessionType;
use cursor_proto::aiserver::{
    GetAggregatedUsageEventsRequest, GetAggregatedUsageEventsResponse,
    GetCurrentPeriodUsageResponse, GetFilteredUsageEventsRequest, GetFilteredUsageEventsResponse,
    GetHardLimitResponse, GetMeResponse, GetTeamsResponse, GetUserPrivacyModeResponse,
    IsOnNewPricingResponse, ListActiveSessionsResponse, PrivacyMode, Session, Team, TeamRole,
    TokenUsage, UsageEventDisplay, UsageEventKind,
};

use super::events::{self, Event, Filter, Sum};
use super::json::{display_message, sessions, shares};
use super::profile::{Plan, Privacy, Profile};
use super::time::{millis, rfc3339};

/// The word of a privacy mode.
pub(super) fn privacy_mode(privacy: Privacy) -> PrivacyMode {
    match privacy {
        Privacy::Unspecified => PrivacyMode::PRIVACY_MODE_UNSPECIFIED,
        Privacy::NoStorage => PrivacyMode::PRIVACY_MODE_NO_STORAGE,
        Privacy::NoTraining => PrivacyMode::PRIVACY_MODE_NO_TRAINING,
        Privacy::UsageDataTrainingAllowed => PrivacyMode::PRIVACY_MODE_USAGE_DATA_TRAINING_ALLOWED,
        Privacy::UsageCodebaseTrainingAllowed => {
            PrivacyMode::PRIVACY_MODE_USAGE_CODEBASE_TRAINING_ALLOWED
        }
    }
}

/// How a plan's requests are billed.
pub(super) fn event_kind(profile: &Profile) -> UsageEventKind {
    match profile.membership.as_str() {
        "pro" => UsageEventKind::USAGE_EVENT_KIND_INCLUDED_IN_PRO,
        "pro_plus" => UsageEventKind::USAGE_EVENT_KIND_INCLUDED_IN_PRO_PLUS,
        "ultra" => UsageEventKind::USAGE_EVENT_KIND_INCLUDED_IN_ULTRA,
        "enterprise" => UsageEventKind::USAGE_EVENT_KIND_INCLUDED_IN_BUSINESS,
        "free" | "free_trial" => UsageEventKind::USAGE_EVENT_KIND_FREE_CREDIT,
        _ => UsageEventKind::USAGE_EVENT_KIND_USAGE_BASED,
    }
}

/// The role in the one team an account can be in.
pub(super) const ROLE: TeamRole = TeamRole::TEAM_ROLE_MEMBER;

pub(crate) fn get_me(profile: &Profile) -> GetMeResponse {
    GetMeResponse {
        auth_id: profile.auth_id(),
        user_id: profile.number,
        email: Some(profile.email.clone()),
        first_name: Some("Simulated".to_owned()),
        last_name: Some("User".to_owned()),
        workos_id: Some(profile.user.clone()),
        team_id: profile.team.as_ref().map(|team| team.id),
        created_at: Some(rfc3339(profile.created)),
        is_enterprise_user: Some(profile.membership == "enterprise"),
        ..Default::default()
    }
}

pub(crate) fn privacy(profile: &Profile) -> GetUserPrivacyModeResponse {
    let privacy_mode = privacy_mode(profile.privacy).into();
    GetUserPrivacyModeResponse { privacy_mode, ..Default::default() }
}

pub(crate) fn new_pricing() -> IsOnNewPricingResponse {
    IsOnNewPricingResponse { is_on_new_pricing: true, ..Default::default() }
}

pub(crate) fn active_sessions(profile: &Profile) -> ListActiveSessionsResponse {
    let sessions = sessions(profile).map(|(session_id, kind, created_at, expires_at)| Session {
        session_id,
        r#type: kind.into(),
        created_at,
        expires_at,
        ..Default::default()
    });
    ListActiveSessionsResponse { sessions: sessions.into(), ..Default::default() }
}

/// The kinds of session that every account has one of.
pub(super) const SESSIONS: [SessionType; 2] =
    [SessionType::SESSION_TYPE_WEB, SessionType::SESSION_TYPE_CLIENT];

pub(crate) fn teams(profile: &Profile) -> GetTeamsResponse {
    let teams = profile.team.iter().map(|team| Team {
        id: team.id,
        name: team.name.clone(),
        role: ROLE.into(),
        has_billing: true,
        subscription_status: profile.subscription_status.clone().unwrap_or_default(),
        ..Default::default()
    });
    GetTeamsResponse { teams: teams.collect(), ..Default::default() }
}

pub(crate) fn hard_limit(profile: &Profile) -> GetHardLimitResponse {
    GetHardLimitResponse {
        hard_limit: profile.on_demand.map_or(0, |spend| cents(spend.limit / 100)),
        no_usage_based_allowed: profile.on_demand.is_none(),
        ..Default::default()
    }
}

pub(crate) fn current_period(profile: &Profile) -> GetCurrentPeriodUsageResponse {
    GetCurrentPeriodUsageResponse {
        billing_cycle_start: millis(profile.cycle_start),
        billing_cycle_end: millis(profile.cycle_end),
        plan_usage: profile.plan.map(plan_usage).into(),
        spend_limit_usage: spend_usage(profile).into(),
        display_threshold: Some(100),
        enabled: true,
        display_message: profile.plan.map(display_message).unwrap_or_default(),
        ..Default::default()
    }
}

fn plan_usage(plan: Plan) -> PlanUsage {
    let (auto, api) = shares(plan);
    PlanUsage {
        total_spend: cents(plan.used),
        included_spend: cents(plan.used.min(plan.limit)),
        remaining: cents(plan.remaining()),
        limit: cents(plan.limit),
        auto_percent_used: Some(auto),
        api_percent_used: Some(api),
        total_percent_used: Some(plan.percent()),
        ..Default::default()
    }
}

fn spend_usage(profile: &Profile) -> SpendLimitUsage {
    let limit_type = profile.limit_type().to_owned();
    let Some(spend) = profile.on_demand else {
        return SpendLimitUsage { limit_type, ..Default::default() };
    };
    SpendLimitUsage {
        total_spend: cents(spend.used),
        individual_limit: Some(cents(spend.limit)),
        individual_used: cents(spend.used),
        individual_remaining: cents(spend.remaining()),
        limit_type,
        ..Default::default()
    }
}

fn cents(amount: u32) -> i32 {
    i32::try_from(amount).unwrap_or(i32::MAX)
}

pub(crate) fn filtered_events(
    profile: &Profile,
    request: GetFilteredUsageEventsRequest,
) -> GetFilteredUsageEventsResponse {
    let filter = Filter {
        start: request.start_date,
        end: request.end_date,
        user: request.user_id,
        model: request.model_id,
        page: request.page,
        page_size: request.page_size,
    };
    let all = filter.all(profile);
    let page = filter.page(&all);
    GetFilteredUsageEventsResponse {
        total_usage_events_count: i32::try_from(all.len()).unwrap_or(i32::MAX),
        usage_events_display: page.iter().map(|event| shown(profile, event)).collect(),
        ..Default::default()
    }
}

fn shown(profile: &Profile, event: &Event) -> UsageEventDisplay {
    let usage = TokenUsage {
        input_tokens: event.input,
        output_tokens: event.output,
        cache_write_tokens: event.cache_write,
        cache_read_tokens: event.cache_read,
        total_cents: event.cents,
        ..Default::default()
    };
    UsageEventDisplay {
        timestamp: event.timestamp,
        model: event.model.to_owned(),
        kind: event_kind(profile).into(),
        requests_costs: 1.0,
        is_token_based_call: Some(true),
        token_usage: usage.into(),
        owning_user: Some(profile.number.to_string()),
        ..Default::default()
    }
}

pub(crate) fn aggregated_events(
    profile: &Profile,
    request: &GetAggregatedUsageEventsRequest,
) -> GetAggregatedUsageEventsResponse {
    let filter = Filter {
        start: request.start_date,
        end: request.end_date,
        user: request.user_id,
        ..Filter::default()
    };
    let (models, total) = events::sums(&filter.all(profile));
    GetAggregatedUsageEventsResponse {
        aggregations: models.iter().map(aggregation).collect(),
        total_input_tokens: total.input,
        total_output_tokens: total.output,
        total_cache_write_tokens: total.cache_write,
        total_cache_read_tokens: total.cache_read,
        total_cost_cents: total.cents,
        ..Default::default()
    }
}

fn aggregation(sum: &Sum) -> ModelUsageAggregation {
    ModelUsageAggregation {
        model_intent: sum.model.to_owned(),
        input_tokens: sum.input,
        output_tokens: sum.output,
        cache_write_tokens: sum.cache_write,
        cache_read_tokens: sum.cache_read,
        total_cents: sum.cents,
        ..Default::default()
    }
}

/// A word as JSON has it.
pub(super) fn word(value: impl buffa::Enumeration) -> &'static str {
    value.proto_name()
}
