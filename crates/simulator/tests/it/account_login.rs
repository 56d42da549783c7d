//! Login in a browser, the upgrade of a web token, and refreshing.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use simulator::{AccountBehaviour, Config, tokens};

use super::client::{Server, USER, token, vector};
use super::connections::http1_with;
use super::rest_client::{Rest, assert_same_shape, cookie_request, open, web_token};

const UUID: &str = "11111111-1111-4111-8111-000000000001";
const CLIENT_ID: &str = "KbZUR41cY7W6zRSdpSUJ7I7mLYBKOCmB";
const SUMMARY: &str = "/api/usage-summary";
const STRIPE: &str = "/auth/full_stripe_profile";

/// The path and query of a link in the vectors.
fn link(key: &str) -> String {
    let vector = vector("auth", "login_url");
    let url = vector[key].as_str().unwrap();
    format!("/{}", url.splitn(4, '/').nth(3).unwrap())
}

fn challenge() -> String {
    vector("auth", "pkce")["challenge"].as_str().unwrap().to_owned()
}

fn form(user: &str) -> String {
    format!("uuid={UUID}&challenge={}&user={user}", challenge())
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap().to_owned()
}

fn refresh_request(token: &str) -> Value {
    json!({"grant_type": "refresh_token", "client_id": CLIENT_ID, "refresh_token": token})
}

#[tokio::test]
async fn a_login_by_hand() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let (page, poll) = (link("url"), link("poll"));
    let pending = rest.get(&poll).await;
    assert_eq!((pending.status, pending.text()), (404, String::new()), "nobody opened the link");
    let shown = rest.get(&format!("{page}&redirectTarget=cli")).await;
    assert_eq!(shown.status, 200);
    let html = shown.text();
    assert!(html.contains(r#"action="/loginDeepControl/approve""#) && html.contains(&challenge()));
    for resource in ["src=", "href=", "url(", "http:", "https:", "//", "<script", "<link", "import"]
    {
        assert!(!html.contains(resource), "{resource}: {html}");
    }
    let policy = shown.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'"));
    assert_eq!(server.control.logins_waiting(), [UUID]);
    assert_eq!(rest.get(&poll).await.status, 404, "not yet approved");
    assert_eq!(rest.approve(&form(USER)).await.status, 200);
    assert_eq!(server.control.logins_waiting(), Vec::<String>::new());
    assert_eq!(rest.approve(&form(USER)).await.status, 404, "approved once");
    let foreign = format!("/auth/poll?uuid={UUID}&verifier={}", "b".repeat(43));
    for _ in 0..3 {
        let wrong = rest.get(&foreign).await;
        assert_eq!((wrong.status, wrong.text()), (404, String::new()), "another verifier");
    }
    let done = rest.get(&poll).await.ok();
    let mut expected = vector("auth", "poll_done")["json"].clone();
    assert_same_shape(&done, &expected, "poll");
    for key in ["challenge", "authId", "uuid"] {
        assert_eq!(done[key], expected[key].take(), "{key}");
    }
    assert_eq!(rest.get(&poll).await.status, 404, "given out once");
    let access = text(&done, "accessToken");
    assert_eq!(rest.bearer("GET", STRIPE, &access).await.status, 200);
    let polls = server.control.calls();
    let users: Vec<_> = polls
        .iter()
        .filter(|call| call.path == "/auth/poll")
        .map(|call| call.user.clone())
        .collect();
    assert_eq!(users.iter().flatten().collect::<Vec<_>>(), [USER]);
}

#[tokio::test]
async fn a_login_over_http_1() {
    let server = Server::plain().await;
    let path = |key| http::Request::get(link(key));
    assert_eq!(http1_with(&server, path("poll"), "").await, (404, bytes::Bytes::new()));
    assert_eq!(http1_with(&server, path("url"), "").await.0, 200);
    let approve = http::Request::post("/loginDeepControl/approve")
        .header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(http1_with(&server, approve, &form(USER)).await.0, 200);
    let (status, body) = http1_with(&server, path("poll"), "").await;
    let done: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, done["uuid"].as_str()), (200, Some(UUID)));
    let access = text(&done, "accessToken");
    let summary = cookie_request("GET", SUMMARY, USER, &access);
    assert_eq!(http1_with(&server, summary, "").await.0, 200);
    // The simulator's own origin is told by the `Host` header here.
    for (origin, status) in [("http://localhost", 200), ("http://else", 403)] {
        let me = http::Request::post("/api/dashboard/get-me")
            .header("cookie", format!("WorkosCursorSessionToken={USER}::{access}"))
            .header("content-type", "application/json")
            .header("origin", origin);
        assert_eq!(http1_with(&server, me, "{}").await.0, status, "{origin}");
    }
}

#[tokio::test]
async fn a_test_approves_a_login() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    assert!(!server.control.approve_login(UUID, USER), "none waits");
    rest.get(&link("url")).await;
    assert!(!server.control.approve_login(UUID, "nobody"));
    assert!(server.control.approve_login(UUID, "user_chosen"));
    let done = rest.get(&link("poll")).await.ok();
    assert_eq!(done["authId"], "auth0|user_chosen");
}

#[tokio::test]
async fn a_web_token_becomes_a_session_token() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let web = web_token();
    assert_eq!(rest.bearer("GET", STRIPE, &web).await.status, 401);
    let path = "/api/auth/loginDeepCallbackControl";
    let mut body = vector("auth", "deep_callback_body")["json"].clone();
    let upgrade = || cookie_request("POST", path, USER, &web);
    assert_eq!(rest.send(upgrade(), &body.to_string()).await.status, 200);
    assert_eq!(rest.send(upgrade(), &body.to_string()).await.status, 400, "approved once");
    let done = rest.get(&link("poll")).await.ok();
    assert_eq!(done["authId"], format!("auth0|{USER}"));
    let access = text(&done, "accessToken");
    assert_ne!(access, web);
    assert_eq!(rest.bearer("GET", STRIPE, &access).await.status, 200);
    assert_eq!(rest.send(cookie_request("GET", SUMMARY, USER, &web), "").await.status, 200);
    body["challenge"] = "short".into();
    assert_eq!(rest.send(upgrade(), &body.to_string()).await.status, 400);
}

#[tokio::test]
async fn links_are_checked() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let challenge = challenge();
    for query in [
        String::new(),
        format!("uuid={UUID}&mode=login"),
        format!("uuid={UUID}&challenge={challenge}"),
        format!("uuid=1&challenge={challenge}&mode=login"),
        format!("uuid={UUID}&challenge=%3Cscript%3E&mode=login"),
    ] {
        let answer = rest.get(&format!("/loginDeepControl?{query}")).await;
        assert_eq!((answer.status, answer.text().contains("script")), (400, false), "{query}");
    }
    rest.get(&link("url")).await;
    let other = "c".repeat(43);
    let stolen = format!("/loginDeepControl?uuid={UUID}&challenge={other}&mode=login");
    assert_eq!(rest.get(&stolen).await.status, 409);
    let form_of =
        |challenge: &str, user: &str| format!("uuid={UUID}&challenge={challenge}&user={user}");
    assert_eq!(rest.approve(&form_of(&other, USER)).await.status, 404);
    assert_eq!(rest.approve(&form_of(&challenge, "%3Cb%3E")).await.status, 400);
    assert_eq!(rest.approve(&form_of(&challenge, "")).await.status, 400);
    assert_eq!(server.control.logins_waiting(), [UUID]);
    for query in ["", "?uuid=1&verifier=2", "?verifier=x"] {
        assert_eq!(rest.get(&format!("/auth/poll{query}")).await.status, 404);
    }
    let long = format!("/auth/poll?uuid={UUID}&verifier={}", "a".repeat(4000));
    assert_eq!(rest.get(&long).await.status, 414);
}

#[tokio::test]
async fn behaviours_reach_the_poll() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    rest.get(&link("url")).await;
    assert!(server.control.approve_login(UUID, USER));
    for (behaviour, status) in
        [(AccountBehaviour::Blocked, 403), (AccountBehaviour::HttpStatus(502), 502)]
    {
        server.control.set_account(USER, behaviour);
        assert_eq!(rest.get(&link("poll")).await.status, status);
    }
    server.control.set_account(USER, AccountBehaviour::LoggedOut);
    let access = text(&rest.get(&link("poll")).await.ok(), "accessToken");
    assert_eq!(rest.bearer("GET", STRIPE, &access).await.status, 401);
    server.control.set_account(USER, AccountBehaviour::Healthy);
    assert_eq!(rest.bearer("GET", STRIPE, &access).await.status, 200);
}

#[tokio::test]
async fn every_refresh_gives_another_token_and_keeps_the_old_one() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let mut seen = HashSet::new();
    let mut access = text(&rest.exchange("key_0123456789abcdef").await.ok(), "accessToken");
    for _ in 0..3 {
        let exchanged = rest.exchange(&access).await.ok();
        assert_eq!(exchanged["accessToken"], exchanged["refreshToken"]);
        assert!(seen.insert(text(&exchanged, "accessToken")));
        let refreshed = rest.bearer("POST", "/auth/refresh", &access).await.ok();
        assert!(seen.insert(text(&refreshed, "accessToken")));
        let granted = rest.oauth(&refresh_request(&access)).await.ok();
        assert_same_shape(&granted, &vector("auth", "oauth_refresh")["response_json"], "oauth");
        assert!(seen.insert(text(&granted, "access_token")));
        access = text(&granted, "access_token");
    }
    for token in &seen {
        assert_eq!(rest.bearer("GET", STRIPE, token).await.status, 200, "the old ones stay valid");
    }
    assert_eq!(rest.bearer("POST", "/auth/refresh", "key_0123456789abcdef").await.status, 401);
}

#[tokio::test]
async fn oauth_says_when_to_log_in_again() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let refused = vector("auth", "oauth_refresh_refused")["response_json"].clone();
    let revoked = token(USER);
    server.control.revoke_token(&revoked);
    let now = SystemTime::now();
    let expired = tokens::session_token(USER, now - Duration::from_secs(1));
    for secret in ["unknown".to_owned(), String::new(), expired, web_token(), revoked] {
        assert_eq!(rest.oauth(&refresh_request(&secret)).await.ok(), refused);
    }
    for (key, value) in [
        ("client_id", json!("other")),
        ("client_id", Value::Null),
        ("grant_type", json!("password")),
        ("refresh_token", Value::Null),
        ("refresh_token", json!(7)),
    ] {
        let valid = tokens::session_token(USER, now + Duration::from_secs(900));
        let mut request = refresh_request(&valid);
        request[key] = value;
        assert_eq!(rest.oauth(&request).await.status, 400, "{key}");
    }
}

#[tokio::test]
async fn behaviours_reach_refreshing() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let request = refresh_request(&token(USER));
    for (behaviour, status, oauth) in [
        (AccountBehaviour::QuotaReached, 200, 200),
        (AccountBehaviour::LoggedOut, 401, 200),
        (AccountBehaviour::Blocked, 403, 403),
        (AccountBehaviour::HttpStatus(500), 500, 500),
    ] {
        server.control.set_account(USER, behaviour.clone());
        assert_eq!(rest.exchange(&token(USER)).await.status, status, "{behaviour:?}");
        let answer = rest.oauth(&request).await;
        assert_eq!(answer.status, oauth, "{behaviour:?}");
        if behaviour == AccountBehaviour::LoggedOut {
            assert_eq!(answer.json()["shouldLogout"], true);
        }
    }
    server.control.set_account(USER, AccountBehaviour::Down);
    let post = open("POST", "/oauth/token").header("content-type", "application/json");
    let mut stream = rest.0.send(post).await;
    stream.send_raw(request.to_string()).await;
    stream.half_close();
    assert!(stream.head().await.is_none(), "the connection is cut");
    let last = server.control.calls().pop().unwrap();
    assert_eq!((last.path.as_str(), last.user.as_deref()), ("/oauth/token", Some(USER)));
}

#[tokio::test]
async fn refresh_tokens_may_outlive_access_tokens() {
    let refresh_lifetime = Some(Duration::from_secs(600));
    let config = Config { token_lifetime: Duration::ZERO, refresh_lifetime, ..Config::default() };
    let server = Server::start(config).await;
    let mut rest = Rest::new(&server).await;
    let first = rest.exchange("key_0123456789abcdef").await.ok();
    let (access, refresh) = (text(&first, "accessToken"), text(&first, "refreshToken"));
    assert_ne!(access, refresh);
    assert_eq!(rest.bearer("GET", STRIPE, &access).await.status, 401);
    let again = rest.bearer("POST", "/auth/refresh", &refresh).await.ok();
    assert_ne!(text(&again, "refreshToken"), refresh);
}

#[tokio::test]
async fn logout_ends_one_token() {
    let server = Server::plain().await;
    let mut rest = Rest::new(&server).await;
    let access = text(&rest.exchange(&token(USER)).await.ok(), "accessToken");
    assert_eq!(rest.bearer("POST", "/auth/logout", &access).await.status, 200);
    assert_eq!(rest.bearer("POST", "/auth/logout", &access).await.status, 401);
    assert_eq!(rest.oauth(&refresh_request(&access)).await.ok()["shouldLogout"], true);
    assert_eq!(rest.bearer("GET", STRIPE, &token(USER)).await.status, 200);
}
