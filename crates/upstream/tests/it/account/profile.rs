//! What is read of an account.

use std::sync::Arc;

use conversation::FailureClass;
use serde_json::json;
use simulator::{AccountBehaviour, Config};
use tokio::sync::Barrier;
use upstream::profile::{MembershipType, PrivacyMode, SessionType, SubscriptionStatus};
use upstream::transport::{TransportOptions, Via};
use upstream::{UpstreamError, classify};
use uuid::Uuid;

use super::rig::{Host, Reply, Rig, TOKEN, bearer, web};
use crate::peer::{Peer, Rules};
use crate::support::{Simulated, USER, backend, caller, origin, pool, soon, stamp};

/// Both hosts in good health, as the vectors say.
fn healthy(path: &str) -> Reply {
    Reply::vector(match path {
        "/api/usage-summary" => "usage_summary_pro",
        "/api/auth/sessions" => "sessions",
        "/api/dashboard/get-me" => "get_me",
        "/api/dashboard/get-user-privacy-mode" => "privacy",
        "/api/dashboard/is-on-new-pricing" => "is_on_new_pricing",
        "/auth/full_stripe_profile" => "stripe",
        other => panic!("{other} was not expected"),
    })
}

fn assert_silent(host: &Host) {
    assert_eq!(host.lines(), Vec::<String>::new());
}

fn agent() -> String {
    format!("cursor-api/{}", env!("CARGO_PKG_VERSION"))
}

#[tokio::test]
async fn the_usage_summary_is_asked_of_the_website_by_cookie() {
    let rig = Rig::start(healthy).await;
    let usage = soon("usage", rig.backend.usage_summary(&web(), &Via::Direct)).await;
    let usage = usage.expect("usage");
    assert_eq!(usage.membership_type, MembershipType::Pro);
    assert_eq!(usage.individual_usage.plan.expect("plan").remaining, 1500);
    let asked = rig.web.only();
    assert_eq!(asked.line, "GET /api/usage-summary");
    assert_eq!(asked.names(), ["accept", "cookie", "user-agent"]);
    let cookie = format!("WorkosCursorSessionToken={USER}%3A%3A{TOKEN}");
    assert_eq!(asked.headers["cookie"], cookie);
    assert_eq!(asked.headers["user-agent"], agent());
    assert_eq!(asked.body, "");
    assert_silent(&rig.api);
}

#[tokio::test]
async fn the_subscription_is_asked_of_the_api_by_bearer_and_may_come_as_text() {
    fn as_text(_: &str) -> Reply {
        let json = super::rig::rest_vector("stripe")["response_json"].to_string();
        Reply::new(200, json).header("content-type", "text/plain; charset=utf-8")
    }
    let rig = Rig::start(as_text).await;
    let stripe = soon("stripe", rig.backend.stripe(&bearer(), &Via::Direct)).await;
    let stripe = stripe.expect("stripe");
    assert_eq!(stripe.subscription_status, Some(SubscriptionStatus::Active));
    assert_eq!(stripe.customer_balance, Some(-1.5));
    let asked = rig.api.only();
    assert_eq!(asked.line, "GET /auth/full_stripe_profile");
    assert_eq!(asked.names(), ["accept", "authorization", "user-agent", "x-ghost-mode"]);
    assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(asked.headers["x-ghost-mode"], "true");
    assert_eq!(asked.headers["user-agent"], agent());
    assert_silent(&rig.web);
}

#[tokio::test]
async fn sessions_are_listed() {
    let rig = Rig::start(healthy).await;
    let sessions = soon("sessions", rig.backend.sessions(&web(), &Via::Direct)).await;
    let sessions = sessions.expect("sessions");
    let kinds: Vec<_> = sessions.iter().map(|session| &session.kind).collect();
    assert_eq!(kinds, [&SessionType::Web, &SessionType::Client]);
    assert_eq!(sessions[0].session_id, "ab".repeat(32));
    let asked = rig.web.only();
    assert_eq!(asked.line, "GET /api/auth/sessions");
    assert_eq!(asked.names(), ["accept", "cookie", "user-agent"]);
    assert_silent(&rig.api);
}

#[tokio::test]
async fn the_person_is_put_together_from_three_calls() {
    let rig = Rig::start(healthy).await;
    let user = soon("user", rig.backend.user(&web(), &Via::Direct)).await.expect("user");
    assert_eq!(user.user_id, 123_456);
    assert_eq!(user.email.as_deref(), Some("person@example.invalid"));
    assert!(user.is_on_new_pricing);
    assert_eq!(user.privacy_mode_info.privacy_mode, PrivacyMode::NoTraining);
    assert_eq!(user.privacy_mode_info.is_enforced_by_team, Some(false));
    let lines = [
        "POST /api/dashboard/get-me",
        "POST /api/dashboard/get-user-privacy-mode",
        "POST /api/dashboard/is-on-new-pricing",
    ];
    assert_eq!(rig.web.lines(), lines);
    for asked in rig.web.asked() {
        assert_eq!(asked.json(), json!({}));
        assert_eq!(asked.headers["content-type"], "application/json");
        assert_eq!(asked.headers["origin"], rig.web.url());
        assert!(asked.headers.contains_key("cookie"));
        let names = ["accept", "content-type", "cookie", "origin", "user-agent"];
        assert_eq!(asked.names(), names, "nothing else goes out");
    }
    assert_silent(&rig.api);
}

#[tokio::test]
async fn without_privacy_mode_and_pricing_a_person_is_still_one() {
    fn only_me(path: &str) -> Reply {
        match path {
            "/api/dashboard/get-me" => Reply::vector("get_me"),
            "/api/dashboard/is-on-new-pricing" => Reply::new(200, "<html>"),
            _ => Reply::new(500, ""),
        }
    }
    let rig = Rig::start(only_me).await;
    let user = soon("user", rig.backend.user(&web(), &Via::Direct)).await.expect("user");
    assert_eq!(user.user_id, 123_456);
    assert!(!user.is_on_new_pricing);
    assert_eq!(user.privacy_mode_info.privacy_mode, PrivacyMode::Unspecified);

    fn all_but_me(path: &str) -> Reply {
        match path {
            "/api/dashboard/get-me" => Reply::vector("not_authenticated"),
            other => healthy(other),
        }
    }
    let rig = Rig::start(all_but_me).await;
    let error = soon("user", rig.backend.user(&web(), &Via::Direct)).await.expect_err("refused");
    assert_eq!(classify(&error).class, FailureClass::AccountRejected);
}

#[tokio::test]
async fn a_profile_is_asked_for_all_at_once() {
    // Six calls; none is answered before the last is made.
    let rig = Rig::gated(healthy, Some(Arc::new(Barrier::new(6)))).await;
    let (bearer, web) = (bearer(), web());
    let profile = rig.backend.profile(&bearer, &web, &Via::Direct, true);
    let profile = soon("the profile", profile).await;
    assert_eq!(profile.usage.expect("usage").membership_type, MembershipType::Pro);
    assert_eq!(profile.stripe.expect("stripe").trial_length_days, 7);
    assert_eq!(profile.user.expect("user").user_id, 123_456);
    assert_eq!(profile.sessions.expect("asked for").expect("sessions").len(), 2);
    assert_eq!((rig.api.lines().len(), rig.web.lines().len()), (1, 5));
}

#[tokio::test]
async fn each_part_of_a_profile_fails_by_itself() {
    fn half(path: &str) -> Reply {
        match path {
            "/auth/full_stripe_profile" => Reply::new(503, ""),
            "/api/usage-summary" => Reply::vector("not_authenticated"),
            other => healthy(other),
        }
    }
    let rig = Rig::start(half).await;
    let (bearer, web) = (bearer(), web());
    let profile = rig.backend.profile(&bearer, &web, &Via::Direct, false);
    let profile = soon("the profile", profile).await;
    let class = |error: &UpstreamError| classify(error).class;
    assert_eq!(class(&profile.usage.expect_err("refused")), FailureClass::AccountRejected);
    assert_eq!(class(&profile.stripe.expect_err("down")), FailureClass::Overloaded);
    assert!(profile.user.is_ok());
    assert!(profile.sessions.is_none());
    assert!(!rig.web.lines().iter().any(|line| line.contains("sessions")), "not asked for");
}

#[tokio::test]
async fn the_configuration_has_a_version() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let version = soon("the version", backend.config_version(&caller(), stamp())).await;
    let version = version.expect("a version");
    assert_ne!(version, Uuid::nil());
    let call = simulated.control.calls().pop().expect("a call");
    assert_eq!(call.user.as_deref(), Some(USER));
    simulated.control.set_account(USER, AccountBehaviour::LoggedOut);
    let refused = soon("the refusal", backend.config_version(&caller(), stamp())).await;
    assert_eq!(classify(&refused.expect_err("refused")).class, FailureClass::AccountRejected);
}

#[tokio::test]
async fn a_configuration_without_a_uuid_has_no_version() {
    // Field 6 with the text `v1`, and nothing at all.
    for body in [&b"\x32\x02v1"[..], &b""[..]] {
        let peer = Peer::start(Rules::default(), move |mut call| async move {
            assert_eq!(
                call.request.uri().path(),
                "/aiserver.v1.ServerConfigService/GetServerConfig"
            );
            let head = http::Response::builder().header("content-type", "application/proto");
            call.answer(head).send_data(body.into(), true).expect("sent");
        })
        .await;
        let backend = backend(origin(peer.address), pool(TransportOptions::default()));
        let version = soon("the version", backend.config_version(&caller(), stamp())).await;
        assert!(matches!(version, Err(UpstreamError::Protocol(_))), "{version:?}");
    }
}

#[tokio::test]
async fn a_check_tells_whether_the_credential_is_accepted() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    assert!(soon("the check", backend.check(&caller(), stamp())).await.is_ok());
    for (behaviour, class) in [
        (AccountBehaviour::LoggedOut, FailureClass::AccountRejected),
        (AccountBehaviour::Blocked, FailureClass::Forbidden),
        (AccountBehaviour::HttpStatus(503), FailureClass::Overloaded),
    ] {
        simulated.control.set_account(USER, behaviour);
        let error = soon("the check", backend.check(&caller(), stamp())).await;
        assert_eq!(classify(&error.expect_err("refused")).class, class);
    }
}
