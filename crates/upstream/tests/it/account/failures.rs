//! What goes wrong with any account call, and that no credential comes out with it.

use std::time::Duration;

use conversation::{FailureClass, Scope};
use secrecy::SecretString;
use serde_json::{Value, json};
use upstream::transport::{TransportOptions, Via};
use upstream::{Backend, PollSchedule, UpstreamError, WebCredential, classify};

use super::rig::{Answer, CANARY, OTHER_TOKEN, Reply, Rig, TOKEN, bearer, pkce, web};
use crate::peer::{Peer, Rules};
use crate::support::{USER, backend, origin, pool, soon};

type Calls = Vec<(&'static str, Result<String, UpstreamError>)>;

/// Makes every call; of what succeeds, what it prints.
async fn every_call(backend: &Backend) -> Calls {
    fn printed<T: std::fmt::Debug>(
        result: Result<T, UpstreamError>,
    ) -> Result<String, UpstreamError> {
        result.map(|value| format!("{value:?}"))
    }
    let (web, via, pkce) = (&web(), &Via::Direct, &pkce());
    soon("all calls", async {
        vec![
            ("usage", printed(backend.usage_summary(web, via).await)),
            ("stripe", printed(backend.stripe(&bearer(), via).await)),
            ("sessions", printed(backend.sessions(web, via).await)),
            ("user", printed(backend.user(web, via).await)),
            ("refresh", printed(backend.refresh_oauth(&bearer(), via).await)),
            ("exchange", printed(backend.exchange(&bearer(), via).await)),
            ("poll", printed(backend.poll_login(pkce, via).await)),
            ("deep login", printed(backend.deep_login(web, pkce, via).await)),
        ]
    })
    .await
}

#[tokio::test]
async fn statuses_keep_their_meaning() {
    let answers: [(Answer, FailureClass); 8] = [
        (|_| Reply::vector("not_authenticated"), FailureClass::AccountRejected),
        (|_| Reply::vector("origin_refused"), FailureClass::Forbidden),
        (|_| Reply::new(402, ""), FailureClass::Quota),
        (|_| Reply::new(429, ""), FailureClass::Busy),
        (|_| Reply::new(500, "<html>"), FailureClass::UpstreamFailed),
        (|_| Reply::new(503, ""), FailureClass::Overloaded),
        (|_| Reply::new(504, ""), FailureClass::Timeout),
        (
            |_| Reply::json(401, &json!({ "code": "unauthenticated", "message": "Error" })),
            FailureClass::AccountRejected,
        ),
    ];
    for (answer, class) in answers {
        let rig = Rig::start(answer).await;
        for (name, result) in every_call(&rig.backend).await {
            let error = result.expect_err(name);
            assert_eq!(classify(&error).class, class, "{name}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_pause_is_told_on() {
    let rig = Rig::start(|_| Reply::new(429, "").header("retry-after", "7")).await;
    let error = soon("usage", rig.backend.usage_summary(&web(), &Via::Direct)).await;
    match error.expect_err("busy") {
        UpstreamError::Status { retry_after, .. } => {
            assert_eq!(retry_after, Some(Duration::from_secs(7)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let rig = Rig::start(|_| Reply::new(302, "").header("location", "/elsewhere")).await;
    for (name, result) in every_call(&rig.backend).await {
        let error = result.expect_err(name);
        assert!(matches!(error, UpstreamError::Status { .. }), "{name}: {error:?}");
    }
    let lines = [rig.api.lines(), rig.web.lines()].concat();
    assert_eq!(lines.len(), 10, "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("elsewhere")));
}

/// The calls that read their answer; the deep login does not.
fn reading(calls: Calls) -> impl Iterator<Item = (&'static str, Result<String, UpstreamError>)> {
    calls.into_iter().filter(|(name, _)| *name != "deep login")
}

#[tokio::test]
async fn what_is_no_json_of_the_kind_is_a_violation_and_not_repeated() {
    let answers: [Answer; 5] = [
        |_| {
            Reply::new(200, format!("<!doctype html><p>{TOKEN}"))
                .header("content-type", "text/html")
        },
        |_| Reply::json(200, &json!(TOKEN)),
        |_| Reply::json(200, &json!([TOKEN])),
        |_| {
            Reply::json(
                200,
                &json!({ "accessToken": [TOKEN], "shouldLogout": TOKEN, "sessions": TOKEN }),
            )
        },
        |_| Reply::new(200, ""),
    ];
    for answer in answers {
        let rig = Rig::start(answer).await;
        for (name, result) in reading(every_call(&rig.backend).await) {
            let error = result.expect_err(name);
            assert!(matches!(error, UpstreamError::Protocol(_)), "{name}: {error:?}");
            let printed = format!("{error} {error:?}");
            assert!(!printed.contains(CANARY) && !printed.contains("html"), "{name}: {printed}");
        }
    }
}

#[tokio::test]
async fn an_answer_above_a_mebibyte_is_refused() {
    fn of_size(size: usize) -> Reply {
        let filler = "x".repeat(size - r#"{"membershipType":"pro","x":""}"#.len());
        Reply::json(200, &json!({ "membershipType": "pro", "x": filler }))
    }
    let rig = Rig::start(|_| of_size(1 << 20)).await;
    let usage = soon("usage", rig.backend.usage_summary(&web(), &Via::Direct)).await;
    usage.expect("as long as it may be");
    let rig = Rig::start(|_| of_size((1 << 20) + 1)).await;
    let usage = soon("usage", rig.backend.usage_summary(&web(), &Via::Direct)).await;
    let error = usage.expect_err("too long");
    assert!(matches!(&error, UpstreamError::Protocol(text) if text.contains("longer")), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_not_waited_for() {
    let (asked, mut was_asked) = tokio::sync::mpsc::channel(1);
    let peer = Peer::start(Rules::default(), move |call| {
        let asked = asked.clone();
        async move {
            asked.send(()).await.expect("the test waits");
            std::future::pending::<()>().await;
            drop(call);
        }
    })
    .await;
    let backend = backend(origin(peer.address), pool(TransportOptions::default()));
    let (web, via) = (web(), Via::Direct);
    let call = async {
        let before = tokio::time::Instant::now();
        let error = backend.usage_summary(&web, &via).await.expect_err("no answer");
        (error, before.elapsed())
    };
    // Once the question is out, time jumps to whatever is waited for.
    let pausing = async {
        was_asked.recv().await;
        tokio::time::pause();
    };
    let ((error, waited), ()) = tokio::join!(call, pausing);
    assert!(matches!(error, UpstreamError::Deadline(_)), "{error:?}");
    assert_eq!(classify(&error).class, FailureClass::Timeout);
    assert!((15..16).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test]
async fn nobody_there_is_a_network_failure() {
    let address = crate::raw::closed().await;
    let backend = backend(origin(address), pool(TransportOptions::default()));
    for (name, result) in every_call(&backend).await {
        let error = result.expect_err(name);
        assert_eq!(classify(&error).scope, Scope::Network, "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_credential_that_would_break_its_header_goes_nowhere() {
    let rig = Rig::start(|path| panic!("{path} was asked")).await;
    let breaking = ["canary; other=1", "canary\r\nx: y", "canary %3A", "canary,", ""];
    for text in breaking {
        let good_user = WebCredential { user_id: USER.to_owned(), token: text.into() };
        let good_token = WebCredential { user_id: text.to_owned(), token: bearer() };
        for web in [good_user, good_token] {
            let error = soon("refusal", rig.backend.usage_summary(&web, &Via::Direct)).await;
            let error = error.expect_err("refused");
            assert!(matches!(error, UpstreamError::Protocol(_)), "{error:?}");
            assert!(!format!("{error} {error:?}").contains(CANARY), "{error}");
        }
    }
    let broken = SecretString::from("canary\n");
    let error = soon("refusal", rig.backend.stripe(&broken, &Via::Direct)).await;
    assert!(!error.expect_err("refused").to_string().contains(CANARY));
    assert_eq!((rig.api.seen().calls(), rig.web.seen().calls()), (0, 0));
}

#[tokio::test]
async fn credentials_come_out_nowhere() {
    fn tokens(path: &str) -> Reply {
        let body: Value = match path {
            "/oauth/token" => json!({ "access_token": TOKEN, "refresh_token": OTHER_TOKEN }),
            _ => json!({ "accessToken": TOKEN, "refreshToken": OTHER_TOKEN }),
        };
        Reply::json(200, &body)
    }
    let rig = Rig::start(tokens).await;
    let mut printed = format!("{:?} {:?} {:?}", web(), pkce(), rig.backend);
    let mut tokens = 0;
    for (name, result) in every_call(&rig.backend).await {
        match result {
            Ok(text) => {
                tokens += usize::from(text.contains("access"));
                printed += &text;
            }
            Err(error) => {
                let failure = classify(&error);
                printed += &format!("{name} {error} {error:?} {failure:?}");
            }
        }
    }
    assert_eq!(tokens, 3, "refresh, exchange and poll gave some");
    let polled = rig.backend.poll_login(&pkce(), &Via::Direct).await;
    printed += &format!("{polled:?} {:?}", PollSchedule::new().after(&polled));
    let (bearer, web) = (bearer(), web());
    let profile = rig.backend.profile(&bearer, &web, &Via::Direct, true);
    printed += &format!("{:?}", soon("the profile", profile).await);
    assert!(!printed.contains(CANARY), "{printed}");
    assert!(!printed.contains("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"), "{printed}");
}
