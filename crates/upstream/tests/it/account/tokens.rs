//! How tokens are got and renewed.

use conversation::FailureClass;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use upstream::transport::Via;
use upstream::{PollSchedule, PollStep, UpstreamError, classify};

use super::rig::{Answer, OTHER_TOKEN, Reply, Rig, TOKEN, auth_vector, bearer, pkce, web};
use crate::support::{CLIENT_ID, USER, soon};

fn text(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(ExposeSecret::expose_secret)
}

/// The answer of an `auth.json` vector, with tokens where it has place holders.
fn oauth(name: &str) -> Reply {
    let mut json = auth_vector(name)["response_json"].clone();
    for value in json.as_object_mut().expect("object").values_mut() {
        if *value == "<jwt>" {
            *value = json!(OTHER_TOKEN);
        }
    }
    Reply::json(200, &json)
}

#[tokio::test]
async fn vector_oauth_refresh() {
    let rig = Rig::start(|_| oauth("oauth_refresh")).await;
    let tokens = soon("refresh", rig.backend.refresh_oauth(&bearer(), &Via::Direct)).await;
    let tokens = tokens.expect("tokens");
    assert_eq!(tokens.access.expose_secret(), OTHER_TOKEN);
    assert!(tokens.refresh.is_none(), "the old one stays");
    let asked = rig.api.only();
    assert_eq!(asked.line, "POST /oauth/token");
    assert_eq!(asked.names(), ["accept", "content-type", "user-agent", "x-ghost-mode"]);
    assert_eq!(asked.headers["content-type"], "application/json");
    let mut expected = auth_vector("oauth_refresh")["request_json"].clone();
    expected["client_id"] = json!(CLIENT_ID);
    expected["refresh_token"] = json!(TOKEN);
    assert_eq!(asked.json(), expected);
    assert!(rig.web.asked().is_empty());
}

#[tokio::test]
async fn vector_oauth_refresh_refused() {
    let answers: [Answer; 6] = [
        |_| oauth("oauth_refresh_refused"),
        |_| Reply::json(400, &json!({ "error": "invalid_grant" })),
        |_| Reply::json(403, &json!({ "error": "invalid_grant", "error_description": "text" })),
        |_| Reply::json(200, &json!({ "access_token": TOKEN, "shouldLogout": true })),
        |_| Reply::json(200, &json!({ "access_token": "", "shouldLogout": false })),
        |_| Reply::json(200, &json!({ "access_token": null })),
    ];
    for answer in answers {
        let rig = Rig::start(answer).await;
        let refused = soon("refresh", rig.backend.refresh_oauth(&bearer(), &Via::Direct)).await;
        let failure = classify(&refused.expect_err("refused"));
        assert_eq!(failure.class, FailureClass::AccountRejected);
    }
}

/// A wrong client id is the operator's mistake and no fault of the account.
#[tokio::test]
async fn another_error_of_a_refresh_blames_no_account() {
    let rig = Rig::start(|_| Reply::json(400, &json!({ "error": "invalid_client" }))).await;
    let refused = soon("refresh", rig.backend.refresh_oauth(&bearer(), &Via::Direct)).await;
    assert_eq!(classify(&refused.expect_err("refused")).class, FailureClass::Invalid);
}

#[tokio::test]
async fn an_exchange_gives_both_tokens() {
    fn both(_: &str) -> Reply {
        Reply::json(200, &json!({ "accessToken": OTHER_TOKEN, "refreshToken": TOKEN }))
    }
    let rig = Rig::start(both).await;
    let tokens = soon("exchange", rig.backend.exchange(&bearer(), &Via::Direct)).await;
    let tokens = tokens.expect("tokens");
    assert_eq!(tokens.access.expose_secret(), OTHER_TOKEN);
    assert_eq!(text(tokens.refresh.as_ref()), Some(TOKEN));
    let asked = rig.api.only();
    assert_eq!(asked.line, "POST /auth/exchange_user_api_key");
    assert_eq!(asked.headers["authorization"], format!("Bearer {TOKEN}"));
    assert_eq!(asked.json(), json!({}));
    let names = ["accept", "authorization", "content-type", "user-agent", "x-ghost-mode"];
    assert_eq!(asked.names(), names);

    let access = soon("exchange", rig.backend.exchange_api_key(&bearer(), &Via::Direct)).await;
    assert_eq!(access.expect("a token").expose_secret(), OTHER_TOKEN);
}

#[tokio::test]
async fn an_exchange_without_a_token_is_a_refusal() {
    let rig = Rig::start(|_| Reply::json(200, &json!({ "accessToken": "" }))).await;
    let refused = soon("exchange", rig.backend.exchange(&bearer(), &Via::Direct)).await;
    let failure = classify(&refused.expect_err("refused"));
    assert_eq!(failure.class, FailureClass::AccountRejected);
}

#[tokio::test]
async fn vector_deep_callback_body() {
    // What it answers is of no interest.
    let rig = Rig::start(|_| Reply::new(200, "<html>")).await;
    let login = soon("the login", rig.backend.deep_login(&web(), &pkce(), &Via::Direct)).await;
    login.expect("agreed");
    let (vector, asked) = (auth_vector("deep_callback_body"), rig.web.only());
    let path = vector["path"].as_str().and_then(|url| url.strip_prefix("https://cursor.com"));
    assert_eq!(asked.line, format!("POST {}", path.expect("a path")));
    assert_eq!(asked.json(), vector["json"]);
    assert_eq!(asked.headers["content-type"], "application/json");
    assert_eq!(asked.headers["origin"], rig.web.url());
    let page = auth_vector("login_url")["url"].as_str().expect("url").to_owned();
    assert_eq!(asked.headers["referer"], page.replace("https://cursor.com", &rig.web.url()));
    let cookie = format!("WorkosCursorSessionToken={USER}%3A%3A{TOKEN}");
    assert_eq!(asked.headers["cookie"], cookie);
    let names = ["accept", "content-type", "cookie", "origin", "referer", "user-agent"];
    assert_eq!(asked.names(), names);
    assert!(rig.api.asked().is_empty());
}

#[tokio::test]
async fn vector_poll_pending() {
    let vector = auth_vector("poll_pending");
    assert_eq!((&vector["http_status"], &vector["body"]), (&json!(404), &json!("")));
    let answers: [Answer; 2] = [
        |_| Reply::new(404, ""),
        |_| Reply::json(404, &json!({ "code": "not_found", "message": "not yet" })),
    ];
    for answer in answers {
        let rig = Rig::start(answer).await;
        let polled = soon("the poll", rig.backend.poll_login(&pkce(), &Via::Direct)).await;
        assert!(matches!(polled, Ok(None)), "{polled:?}");
        let asked = rig.api.only();
        let url = auth_vector("login_url")["poll"].as_str().expect("url").to_owned();
        let path = url.strip_prefix("https://api2.cursor.sh").expect("the API");
        assert_eq!(asked.line, format!("GET {path}"));
        assert_eq!(asked.names(), ["accept", "user-agent", "x-ghost-mode"]);
        assert_eq!(asked.headers["x-ghost-mode"], "true");
        assert!(rig.web.asked().is_empty());
    }
}

#[tokio::test]
async fn vector_poll_done() {
    let rig = Rig::start(|_| Reply::json(200, &auth_vector("poll_done")["json"])).await;
    let polled = soon("the poll", rig.backend.poll_login(&pkce(), &Via::Direct)).await;
    assert_eq!(PollSchedule::new().after(&polled), PollStep::Done);
    let tokens = polled.expect("an answer").expect("tokens");
    let vector: Value = auth_vector("poll_done")["json"].clone();
    assert_eq!(tokens.access.expose_secret(), vector["accessToken"]);
    assert_eq!(text(tokens.refresh.as_ref()), vector["refreshToken"].as_str());
    assert_eq!(tokens.auth_id.as_deref(), vector["authId"].as_str());
}

#[tokio::test]
async fn a_login_that_is_refused_is_not_polled_on() {
    fn refused(_: &str) -> Reply {
        Reply::json(403, &json!({ "error": "sign_in_policy_violation" }))
    }
    let rig = Rig::start(refused).await;
    let polled = soon("the poll", rig.backend.poll_login(&pkce(), &Via::Direct)).await;
    assert_eq!(PollSchedule::new().after(&polled), PollStep::GiveUp);
    let error = polled.expect_err("refused");
    assert!(matches!(error, UpstreamError::Status { .. }), "{error:?}");
    assert_eq!(classify(&error).class, FailureClass::Forbidden);
}

#[tokio::test]
async fn a_poll_that_fails_is_made_again() {
    let rig = Rig::start(|_| Reply::new(502, "<html>")).await;
    let polled = soon("the poll", rig.backend.poll_login(&pkce(), &Via::Direct)).await;
    assert!(matches!(PollSchedule::new().after(&polled), PollStep::Wait(_)));
}
