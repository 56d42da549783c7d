//! The same account in protobuf and in JSON, and the words of both.

use buffa::Enumeration as _;
use cursor_proto::Message;
use cursor_proto::aiserver::{
    GetAggregatedUsageEventsResponse, GetCurrentPeriodUsageResponse, GetFilteredUsageEventsRequest,
    GetFilteredUsageEventsResponse, GetHardLimitResponse, GetMeResponse, GetTeamsResponse,
    GetUserPrivacyModeResponse, IsOnNewPricingResponse, ListActiveSessionsResponse,
};
use serde_json::{Value, json};
use simulator::{AccountBehaviour, Privacy, ProfileOverrides};

use super::client::{Server, USER, post, unary};
use super::rest_client::{Rest, web_token};

const DASHBOARD: &str = "/aiserver.v1.DashboardService";

async fn rpc<M: Message>(rest: &mut Rest, method: &str) -> M {
    rpc_with(rest, method, Vec::new()).await
}

async fn rpc_with<M: Message>(rest: &mut Rest, method: &str, body: Vec<u8>) -> M {
    let (status, headers, body) = rest.0.call(unary(&format!("{DASHBOARD}/{method}")), body).await;
    assert_eq!((status, &headers["content-type"]), (200, &"application/proto".parse().unwrap()));
    M::decode_from_slice(&body).unwrap()
}

async fn json(rest: &mut Rest, name: &str) -> Value {
    rest.cookie("POST", &format!("/api/dashboard/{name}"), "{}").await.ok()
}

fn profiles() -> Vec<ProfileOverrides> {
    let words = ["free", "free_trial", "pro", "pro_plus", "ultra", "enterprise", "self_serve"];
    let modes = [
        Privacy::Unspecified,
        Privacy::NoStorage,
        Privacy::NoTraining,
        Privacy::UsageDataTrainingAllowed,
        Privacy::UsageCodebaseTrainingAllowed,
    ];
    let profile = |(at, word): (usize, &str)| ProfileOverrides {
        membership: Some(word.to_owned()),
        privacy: Some(modes[at % modes.len()]),
        ..Default::default()
    };
    words.into_iter().enumerate().map(profile).collect()
}

#[tokio::test]
async fn both_forms_tell_the_same() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    for profile in profiles() {
        server.control.set_profile(USER, profile);
        let me: GetMeResponse = rpc(&mut rest, "GetMe").await;
        let expected = json(&mut rest, "get-me").await;
        assert_eq!(json!(me.user_id), expected["userId"]);
        assert_eq!(json!(me.email), expected["email"]);
        assert_eq!(json!(me.team_id), expected["teamId"]);
        assert_eq!(json!(me.created_at), expected["createdAt"]);

        let privacy: GetUserPrivacyModeResponse = rpc(&mut rest, "GetUserPrivacyMode").await;
        let expected = json(&mut rest, "get-user-privacy-mode").await;
        let mode = privacy.privacy_mode.as_known().unwrap();
        assert_eq!(mode.proto_name(), expected["privacyMode"]);

        let pricing: IsOnNewPricingResponse = rpc(&mut rest, "IsOnNewPricing").await;
        let expected = json(&mut rest, "is-on-new-pricing").await;
        assert_eq!(json!(pricing.is_on_new_pricing), expected["isOnNewPricing"]);

        let period: GetCurrentPeriodUsageResponse = rpc(&mut rest, "GetCurrentPeriodUsage").await;
        let expected = json(&mut rest, "get-current-period-usage").await;
        assert_eq!(period.billing_cycle_end.to_string(), expected["billingCycleEnd"]);
        assert_eq!(period.plan_usage.is_set(), expected["planUsage"].is_object());
        if period.plan_usage.is_set() {
            assert_eq!(json!(period.plan_usage.remaining), expected["planUsage"]["remaining"]);
        }
        assert_eq!(period.spend_limit_usage.limit_type, expected["spendLimitUsage"]["limitType"]);

        let teams: GetTeamsResponse = rpc(&mut rest, "GetTeams").await;
        let expected = json(&mut rest, "teams").await;
        let names: Vec<_> = teams.teams.iter().map(|team| team.name.clone()).collect();
        let roles: Vec<_> =
            teams.teams.iter().map(|team| team.role.as_known().unwrap().proto_name()).collect();
        assert_eq!(names.first().map(String::as_str), expected["teams"][0]["name"].as_str());
        assert_eq!(roles.first().copied(), expected["teams"][0]["role"].as_str());

        let limit: GetHardLimitResponse = rpc(&mut rest, "GetHardLimit").await;
        let expected = json(&mut rest, "get-hard-limit").await;
        assert_eq!(i64::from(limit.hard_limit), expected["hardLimit"].as_i64().unwrap_or_default());
        assert_eq!(limit.no_usage_based_allowed, expected["noUsageBasedAllowed"] == true);

        let events: GetFilteredUsageEventsResponse = rpc(&mut rest, "GetFilteredUsageEvents").await;
        let expected = json(&mut rest, "get-filtered-usage-events").await;
        assert_eq!(json!(events.total_usage_events_count), expected["totalUsageEventsCount"]);
        if let Some(event) = events.usage_events_display.first() {
            let shown = &expected["usageEventsDisplay"][0];
            assert_eq!(event.kind.as_known().unwrap().proto_name(), shown["kind"]);
            assert_eq!(event.timestamp.to_string(), shown["timestamp"]);
            assert_eq!(
                json!(event.token_usage.cache_read_tokens),
                shown["tokenUsage"]["cacheReadTokens"]
            );
        }

        let sums: GetAggregatedUsageEventsResponse =
            rpc(&mut rest, "GetAggregatedUsageEvents").await;
        let expected = json(&mut rest, "get-aggregated-usage-events").await;
        assert_eq!(sums.total_input_tokens.to_string(), expected["totalInputTokens"]);
        assert_eq!(sums.aggregations.len(), expected["aggregations"].as_array().unwrap().len());
    }
}

#[tokio::test]
async fn sessions_in_both_forms() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let request = unary("/aiserver.v1.AuthService/ListActiveSessions");
    let (status, _, body) = rest.0.call(request, Vec::new()).await;
    assert_eq!(status, 200);
    let proto = ListActiveSessionsResponse::decode_from_slice(&body).unwrap();
    let expected = rest.cookie("GET", "/api/auth/sessions", "").await.ok();
    assert_eq!(proto.sessions.len(), 2);
    for (session, expected) in proto.sessions.iter().zip(expected["sessions"].as_array().unwrap()) {
        assert_eq!(session.session_id, expected["sessionId"]);
        assert_eq!(session.r#type.as_known().unwrap().proto_name(), expected["type"]);
        assert_eq!(session.expires_at, expected["expiresAt"]);
    }
}

#[tokio::test]
async fn the_words_of_rest_answers_are_legal() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let statuses = [
        "trialing",
        "active",
        "incomplete",
        "incomplete_expired",
        "past_due",
        "canceled",
        "unpaid",
        "paused",
    ];
    for profile in profiles() {
        let membership = profile.membership.clone();
        server.control.set_profile(USER, profile);
        let summary = rest.cookie("GET", "/api/usage-summary", "").await.ok();
        assert_eq!(summary["membershipType"].as_str(), membership.as_deref());
        assert!(["user", "team"].contains(&summary["limitType"].as_str().unwrap()));
        let stripe = rest.cookie("GET", "/api/auth/stripe", "").await.ok();
        if let Some(status) = stripe["subscriptionStatus"].as_str() {
            assert!(statuses.contains(&status), "{status}");
        }
        let trial = stripe["daysRemainingOnTrial"].as_i64().unwrap();
        assert_eq!(trial > 0, membership.as_deref() == Some("free_trial"));
    }
}

#[tokio::test]
async fn filters_and_refusals_in_protobuf() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let filter = GetFilteredUsageEventsRequest { start_date: Some(i64::MAX), ..Default::default() };
    let none: GetFilteredUsageEventsResponse =
        rpc_with(&mut rest, "GetFilteredUsageEvents", filter.encode_to_vec()).await;
    assert_eq!((none.total_usage_events_count, none.usage_events_display.len()), (0, 0));
    let me = format!("{DASHBOARD}/GetMe");
    assert_eq!(rest.0.call(unary(&me), vec![0xff]).await.0, 400);
    let web = post(&me, &web_token())
        .header("content-type", "application/proto")
        .header("x-cursor-client-version", "2.6.22");
    assert_eq!(rest.0.call(web, Vec::new()).await.0, 401);
    assert_eq!(rest.0.call(unary(&format!("{DASHBOARD}/Unknown")), Vec::new()).await.0, 404);
    server.control.set_account(USER, AccountBehaviour::Blocked);
    assert_eq!(rest.0.call(unary(&me), Vec::new()).await.0, 403);
}
