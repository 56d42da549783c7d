//! Every REST call about an account against its vector, and who may make it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use simulator::{AccountBehaviour, CallOutcome, ProfileOverrides, tokens};

use super::client::{Server, USER, limit, post, token, vector};
use super::rest_client::{ORIGIN, Rest, assert_same_shape, cookie_request, open, web_token};

/// Every call with a cookie: method and path.
const COOKIE: [(&str, &str); 13] = [
    ("GET", "/api/usage-summary"),
    ("GET", "/api/auth/me"),
    ("GET", "/api/auth/stripe"),
    ("GET", "/api/auth/sessions"),
    ("GET", "/api/usage?user=user_01ABCDEFGHJKMNPQRSTVWXYZ01"),
    ("POST", "/api/dashboard/get-me"),
    ("POST", "/api/dashboard/get-user-privacy-mode"),
    ("POST", "/api/dashboard/is-on-new-pricing"),
    ("POST", "/api/dashboard/get-current-period-usage"),
    ("POST", "/api/dashboard/get-filtered-usage-events"),
    ("POST", "/api/dashboard/get-aggregated-usage-events"),
    ("POST", "/api/dashboard/teams"),
    ("POST", "/api/dashboard/get-hard-limit"),
];

/// Every call with a session token as bearer.
const BEARER: [(&str, &str); 6] = [
    ("GET", "/auth/full_stripe_profile"),
    ("GET", "/auth/stripe_profile"),
    ("GET", "/auth/has_valid_payment_method"),
    ("GET", "/auth/usage"),
    ("POST", "/auth/refresh"),
    ("POST", "/auth/logout"),
];

fn membership(name: &str) -> ProfileOverrides {
    ProfileOverrides { membership: Some(name.to_owned()), ..Default::default() }
}

fn path_of(vector: &Value) -> String {
    let url = vector["path"].as_str().unwrap();
    url.splitn(4, '/').nth(3).map(|path| format!("/{path}")).unwrap()
}

/// Calls what the vector describes.
async fn call(rest: &mut Rest, vector: &Value) -> Value {
    let path = path_of(vector);
    match vector["auth"].as_str() {
        Some("cookie") => {
            let method = vector["method"].as_str().unwrap();
            let body = vector.get("request_json").map(Value::to_string).unwrap_or_default();
            rest.cookie(method, &path, &body).await.ok()
        }
        _ => rest.bearer("GET", &path, &token(USER)).await.ok(),
    }
}

#[tokio::test]
async fn answers_have_the_shapes_of_the_vectors() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    for (profile, names) in [
        (
            ProfileOverrides::default(),
            vec![
                "usage_summary_pro",
                "stripe",
                "sessions",
                "get_me",
                "auth_me",
                "legacy_usage",
                "privacy",
                "is_on_new_pricing",
                "usage_events_not_yet",
                "hard_limit",
            ],
        ),
        (membership("free"), vec!["usage_summary_no_limit", "stripe_free"]),
        (membership("enterprise"), vec!["usage_summary_team", "teams"]),
    ] {
        server.control.set_profile(USER, profile);
        for name in names {
            let vector = vector("account_rest", name);
            let got = call(&mut rest, &vector).await;
            assert_same_shape(&got, &vector["response_json"], name);
        }
    }
}

#[tokio::test]
async fn usage_events_are_filtered() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    let day_ago = (now - 86_400_000).to_string();
    let all = json!({"teamId": 0, "startDate": day_ago, "endDate": now.to_string()});
    let filtered = "/api/dashboard/get-filtered-usage-events";
    let events = vector("account_rest", "usage_events");
    let mut request = all.clone();
    request["modelId"] = "claude-4.5-sonnet".into();
    let got = rest.cookie("POST", filtered, &request.to_string()).await.ok();
    assert_same_shape(&got, &events["response_json"], "usage_events");
    assert_eq!(got["usageEventsDisplay"][0]["kind"], "USAGE_EVENT_KIND_INCLUDED_IN_PRO");
    request["modelId"] = "gpt-5".into();
    let got = rest.cookie("POST", filtered, &request.to_string()).await.ok();
    assert_eq!(got, json!({"totalUsageEventsCount": 0}));
    request = all.clone();
    request["page"] = 2.into();
    let got = rest.cookie("POST", filtered, &request.to_string()).await.ok();
    assert_eq!(got, json!({"totalUsageEventsCount": 1}));
    let aggregated = "/api/dashboard/get-aggregated-usage-events";
    let got = rest.cookie("POST", aggregated, &all.to_string()).await.ok();
    let expected = vector("account_rest", "aggregated");
    assert_same_shape(&got, &expected["response_json"], "aggregated");
    let wrong = rest.cookie("POST", filtered, r#"{"startDate": true}"#).await;
    assert_eq!((wrong.status, wrong.text().contains("startDate")), (400, true));
}

#[tokio::test]
async fn figures_agree_between_calls() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let summary = rest.cookie("GET", "/api/usage-summary", "").await.ok();
    let plan = &summary["individualUsage"]["plan"];
    assert_eq!(
        (&plan["used"], &plan["limit"], &plan["remaining"]),
        (&json!(500), &json!(2000), &json!(1500))
    );
    assert_eq!(
        (&summary["membershipType"], &plan["totalPercentUsed"]),
        (&json!("pro"), &json!(25.0))
    );
    let period = rest.cookie("POST", "/api/dashboard/get-current-period-usage", "{}").await.ok();
    assert_eq!(
        (&period["planUsage"]["totalSpend"], &period["planUsage"]["limit"]),
        (&json!(500), &json!(2000))
    );
    let end: jiff::Timestamp = summary["billingCycleEnd"].as_str().unwrap().parse().unwrap();
    assert_eq!(period["billingCycleEnd"], end.as_millisecond().to_string());
    let me = rest.cookie("POST", "/api/dashboard/get-me", "{}").await.ok();
    assert_eq!(me["email"], "user_01abcdefghjkmnpqrstvwxyz01@example.invalid");
    assert_eq!(me["workosId"], USER);
    let full = rest.bearer("GET", "/auth/full_stripe_profile", &token(USER)).await;
    assert_eq!(full.headers["content-type"], "text/plain");
    let stripe = full.ok();
    assert_eq!(stripe, rest.bearer("GET", "/auth/stripe_profile", &token(USER)).await.ok());
    assert_eq!(stripe, rest.cookie("GET", "/api/auth/stripe", "").await.ok());
    assert_eq!(stripe["subscriptionStatus"], "active");
    let usage = rest.bearer("GET", "/auth/usage", &token(USER)).await.ok();
    assert_same_shape(&usage, &vector("account_rest", "legacy_usage")["response_json"], "usage");
    let method = rest.bearer("GET", "/auth/has_valid_payment_method", &token(USER)).await.ok();
    assert_eq!(method, json!({"hasValidPaymentMethod": true}));
    assert_eq!(rest.cookie("POST", "/api/dashboard/teams", "{}").await.ok(), json!({}));
}

#[tokio::test]
async fn a_test_may_set_the_profile() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let cycle_end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    server.control.set_profile(
        USER,
        ProfileOverrides {
            membership: Some("ultra".into()),
            used: Some(7),
            limit: Some(9),
            cycle_end: Some(cycle_end),
            on_demand_limit: Some(0),
            email: Some("else@example.invalid".into()),
            subscription_status: Some("past_due".into()),
            team: Some("Crew".into()),
            privacy: Some(simulator::Privacy::NoStorage),
        },
    );
    let summary = rest.cookie("GET", "/api/usage-summary", "").await.ok();
    assert_eq!(summary["membershipType"], "ultra");
    assert_eq!(summary["limitType"], "team");
    assert_eq!(summary["individualUsage"]["plan"]["remaining"], 2);
    assert_eq!(summary["teamUsage"]["onDemand"]["enabled"], false);
    assert_eq!(summary["billingCycleEnd"], "2096-10-02T07:06:40.000Z");
    let me = rest.cookie("POST", "/api/dashboard/get-me", "{}").await.ok();
    assert_eq!((&me["email"], me["teamId"].is_i64()), (&json!("else@example.invalid"), true));
    let stripe = rest.cookie("GET", "/api/auth/stripe", "").await.ok();
    assert_eq!(
        (&stripe["subscriptionStatus"], &stripe["isTeamMember"]),
        (&json!("past_due"), &json!(true))
    );
    let privacy = rest.cookie("POST", "/api/dashboard/get-user-privacy-mode", "{}").await.ok();
    assert_eq!(privacy["privacyMode"], "PRIVACY_MODE_NO_STORAGE");
    let hard = rest.cookie("POST", "/api/dashboard/get-hard-limit", "{}").await.ok();
    assert_eq!(hard, json!({"noUsageBasedAllowed": true}));
}

#[tokio::test]
async fn only_the_cookie_opens_the_dashboard() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let expired = tokens::session_token(USER, SystemTime::now() - Duration::from_secs(1));
    for (method, path) in COOKIE {
        assert_eq!(rest.cookie(method, path, "{}").await.status, 200, "{path}");
        let web = rest.send(cookie_request(method, path, USER, &web_token()), "{}").await;
        assert_eq!(web.status, 200, "{path}");
        let refused = [
            open(method, path).header("origin", ORIGIN),
            open(method, path).header("cookie", "WorkosCursorSessionToken=nonsense"),
            open(method, path).header("authorization", format!("Bearer {}", token(USER))),
            cookie_request(method, path, USER, &token("user_other")),
            cookie_request(method, path, USER, &expired),
            cookie_request(method, path, "", &token(USER)),
        ];
        for request in refused {
            let answer = rest.send(request, "{}").await;
            assert_eq!(answer.status, 401, "{path}");
            let expected = vector("account_rest", "not_authenticated");
            assert_same_shape(&answer.json(), &expected["response_json"], path);
            assert_eq!(answer.json()["error"], "not_authenticated");
        }
    }
    let other = rest.cookie("GET", "/api/usage?user=user_other", "").await;
    assert_eq!(other.status, 403);
    assert_eq!(rest.cookie("GET", "/api/usage", "").await.status, 400);
}

#[tokio::test]
async fn a_post_with_a_cookie_needs_an_origin() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let expected = vector("account_rest", "origin_refused");
    let posts = COOKIE.iter().filter(|(method, _)| *method == "POST").map(|(_, path)| *path);
    for path in posts.chain(["/api/auth/loginDeepCallbackControl"]) {
        for origin in [None, Some("https://cursor.com.example"), Some("null")] {
            let mut request = cookie_request("POST", path, USER, &token(USER));
            let headers = request.headers_mut().unwrap();
            headers.remove("origin");
            if let Some(origin) = origin {
                headers.insert("origin", origin.parse().unwrap());
            }
            let answer = rest.send(request, "{}").await;
            assert_eq!(
                (answer.status, &answer.json()),
                (403, &expected["response_json"]),
                "{path}"
            );
        }
    }
    let mut request = cookie_request("POST", "/api/dashboard/get-me", USER, &token(USER));
    request.headers_mut().unwrap().insert("origin", "http://localhost".parse().unwrap());
    assert_eq!(rest.send(request, "{}").await.status, 200, "the simulator's own origin");
}

#[tokio::test]
async fn only_a_session_token_opens_bearer_calls() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    for (method, path) in BEARER {
        assert_eq!(rest.bearer(method, path, &token(USER)).await.status, 200, "{path}");
        for wrong in [web_token(), "key_0123456789abcdef".to_owned(), "nonsense".to_owned()] {
            let answer = rest.bearer(method, path, &wrong).await;
            assert_eq!(
                (answer.status, &answer.json()["error"]),
                (401, &json!("not_authenticated"))
            );
        }
        let cookie =
            rest.send(cookie_request(method, path, USER, &token("user_third")), "{}").await;
        assert_eq!(cookie.status, 401, "the cookie is not read: {path}");
    }
}

#[tokio::test]
async fn behaviours_reach_account_calls() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let control = server.control.clone();
    control.set_account(USER, AccountBehaviour::QuotaReached);
    let summary = rest.cookie("GET", "/api/usage-summary", "").await.ok();
    let plan = &summary["individualUsage"]["plan"];
    assert_eq!((&plan["used"], &plan["remaining"]), (&plan["limit"], &json!(0)));
    assert_eq!(summary["individualUsage"]["onDemand"]["enabled"], false);
    let end: jiff::Timestamp = summary["billingCycleEnd"].as_str().unwrap().parse().unwrap();
    let ahead = SystemTime::from(end).duration_since(SystemTime::now()).unwrap();
    assert!(ahead > Duration::from_secs(2 * 86_400), "{ahead:?}");
    for (behaviour, status) in [
        (AccountBehaviour::RateLimited { retry_after: None }, 200),
        (AccountBehaviour::LoggedOut, 401),
        (AccountBehaviour::Blocked, 403),
        (AccountBehaviour::HttpStatus(503), 503),
    ] {
        control.set_account(USER, behaviour.clone());
        for (method, path) in COOKIE {
            assert_eq!(rest.cookie(method, path, "{}").await.status, status, "{path}");
        }
        for (method, path) in BEARER.iter().filter(|(_, path)| *path != "/auth/logout") {
            assert_eq!(rest.bearer(method, path, &token(USER)).await.status, status, "{path}");
        }
    }
    control.set_account(USER, AccountBehaviour::Down);
    let request = cookie_request("GET", "/api/usage-summary", USER, &token(USER));
    let mut stream = rest.0.send(request).await;
    assert!(stream.head().await.is_none(), "the connection is cut");
}

#[tokio::test]
async fn a_revoked_token_is_refused_everywhere_and_no_other() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let revoked = tokens::session_token(USER, SystemTime::now() + Duration::from_secs(900));
    let stripe = "/auth/full_stripe_profile";
    assert_eq!(rest.bearer("GET", stripe, &revoked).await.status, 200);
    server.control.revoke_token(&revoked);
    assert_eq!(rest.bearer("GET", stripe, &revoked).await.status, 401);
    let cookie = cookie_request("GET", "/api/usage-summary", USER, &revoked);
    assert_eq!(rest.send(cookie, "").await.status, 401);
    let rpc = post("/aiserver.v1.AiService/AvailableModels", &revoked)
        .header("content-type", "application/proto")
        .header("x-cursor-client-version", "2.6.22");
    assert_eq!(rest.send(rpc, "").await.status, 401);
    assert_eq!(rest.exchange(&revoked).await.status, 401);
    assert_eq!(rest.bearer("GET", stripe, &token(USER)).await.status, 200);
    server.control.revoke_token("key_0123456789abcdef");
    assert_eq!(rest.exchange("key_0123456789abcdef").await.status, 401);
}

#[tokio::test]
async fn input_is_bounded_and_checked() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let long = format!("/api/usage-summary?x={}", "a".repeat(4000));
    assert_eq!(rest.cookie("GET", &long, "").await.status, 414);
    let huge = format!(r#"{{"x": "{}"}}"#, "a".repeat(1 << 20));
    assert_eq!(rest.cookie("POST", "/api/dashboard/get-me", &huge).await.status, 413);
    let request = open("POST", "/oauth/token").header("content-type", "application/json");
    assert_eq!(rest.send(request, &huge).await.status, 413);
    assert_eq!(
        rest.send(post("/auth/exchange_user_api_key", &token(USER)), &huge).await.status,
        413
    );
    let deep = "[".repeat(60_000);
    for body in ["", "[]", "nonsense", deep.as_str()] {
        assert_eq!(rest.cookie("POST", "/api/dashboard/get-me", body).await.status, 400);
    }
    let no_json = open("POST", "/oauth/token").header("content-type", "text/plain");
    assert_eq!(rest.send(no_json, "{}").await.status, 415);
    let wrong_method = rest.cookie("POST", "/api/usage-summary", "{}").await;
    assert_eq!(
        (wrong_method.status, &wrong_method.headers["allow"]),
        (405, &"GET".parse().unwrap())
    );
    assert_eq!(rest.cookie("GET", "/api/dashboard/get-me", "").await.status, 405);
    assert_eq!(rest.cookie("POST", "/api/dashboard/unknown", "{}").await.status, 404);
}

#[tokio::test]
async fn calls_are_recorded_without_credentials() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    limit(rest.cookie("GET", "/api/usage-summary", "")).await;
    rest.bearer("GET", "/auth/usage", "nonsense").await;
    let calls = server.control.calls();
    let [summary, usage] = calls.as_slice() else { panic!("{calls:?}") };
    assert_eq!(
        (summary.path.as_str(), summary.user.as_deref()),
        ("/api/usage-summary", Some(USER))
    );
    assert_eq!(summary.outcome, CallOutcome::Completed);
    assert_eq!((usage.user.as_deref(), usage.outcome), (None, CallOutcome::Refused(401)));
    assert!(!format!("{calls:?}").contains("eyJ"));
}
