//! `/config/*` and the examples: every status, against an owner of the test.

use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use server::{Applied, ConfigProblem, ConfigText, Configuration, Configured};

use crate::rig::{ADMIN, Answer, Rig, SHARED};

/// Says what the test wants, and keeps what it was asked.
#[derive(Debug)]
struct Owner {
    says: Result<Applied, ConfigProblem>,
    asked: Mutex<Vec<(String, String)>>,
}

impl Configuration for Owner {
    fn get(&self) -> BoxFuture<'_, Result<ConfigText, ConfigProblem>> {
        let text = "port = 1 # canary\n".to_owned();
        async { self.says.clone().map(|_| ConfigText { hash: "abc".into(), text }) }.boxed()
    }

    fn set(&self, hash: String, text: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>> {
        self.asked.lock().expect("asked").push((hash, text));
        async { self.says.clone() }.boxed()
    }

    fn reload(&self, hash: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>> {
        self.set(hash, "reload".to_owned())
    }
}

async fn rig(says: Result<Applied, ConfigProblem>) -> (Rig, Arc<Owner>) {
    let rig = Rig::empty().await;
    let owner = Arc::new(Owner { says, asked: Mutex::default() });
    rig.app.set_configured(Configured {
        owner: Some(owner.clone()),
        env_example: "# PORT=3000\n".to_owned(),
        config_example: "# port = 3000\n".to_owned(),
    });
    (rig, owner)
}

fn applied(changed: bool) -> Result<Applied, ConfigProblem> {
    Ok(Applied {
        hash: "def".into(),
        changed,
        restart: vec!["port".into(), "data_dir".into()],
        overridden: vec!["log.level".into()],
    })
}

async fn call(rig: &Rig, key: &str, method: &str, path: &str, hash: Option<&str>) -> Answer {
    let bearer = format!("Bearer {key}");
    let mut headers = vec![("authorization", bearer.as_str()), ("accept-language", "en")];
    headers.extend(hash.map(|hash| ("x-config-hash", hash)));
    rig.call(method, path, &headers, "port = 2\n").await
}

const CHANGES: [(&str, &str); 2] = [("POST", "/config/set"), ("GET", "/config/reload")];

#[tokio::test]
async fn the_file_is_given_as_it_is_with_its_hash() {
    let (rig, _) = rig(applied(true)).await;
    let answer = call(&rig, ADMIN, "POST", "/config/get", None).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "port = 1 # canary\n"));
    assert_eq!(answer.header("x-config-hash"), Some("abc"));
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_change_is_204_none_is_200_and_both_say_what_does_not_hold_yet() {
    for (changed, status) in [(true, 204), (false, 200)] {
        let (rig, owner) = rig(applied(changed)).await;
        for (method, path) in CHANGES {
            let answer = call(&rig, ADMIN, method, path, Some("ABC")).await;
            assert_eq!((answer.status, answer.text.as_str()), (status, ""), "{path}");
            assert_eq!(answer.header("x-config-hash"), Some("def"));
            assert_eq!(answer.header("x-config-restart"), Some("port, data_dir"));
            assert_eq!(answer.header("x-config-overridden"), Some("log.level"));
        }
        let asked = owner.asked.lock().expect("asked").clone();
        let of = |text: &str| ("abc".to_owned(), text.to_owned());
        assert_eq!(asked, [of("port = 2\n"), of("reload")]);
    }
}

#[tokio::test]
async fn without_a_hash_nothing_is_asked_for() {
    let (rig, owner) = rig(applied(true)).await;
    for (method, path) in CHANGES {
        for hash in [None, Some("  ")] {
            let answer = call(&rig, ADMIN, method, path, hash).await;
            assert_eq!((answer.status, &answer.json()["code"]), (428, &428.into()), "{path}");
        }
    }
    assert!(owner.asked.lock().expect("asked").is_empty());
}

#[tokio::test]
async fn who_saw_another_file_gets_412_and_the_hash_of_this_one() {
    let (rig, _) = rig(Err(ConfigProblem::Stale { hash: "new".into() })).await;
    for (method, path) in CHANGES {
        let answer = call(&rig, ADMIN, method, path, Some("old")).await;
        assert_eq!(answer.status, 412);
        assert_eq!(answer.header("x-config-hash"), Some("new"));
        assert_eq!(answer.json()["message"], "It was changed meanwhile");
    }
}

#[tokio::test]
async fn a_bad_text_gets_all_reasons() {
    let reasons = ["port: no (config.toml:1)".to_owned(), "host: no (config.toml:2)".to_owned()];
    let (rig, _) = rig(Err(ConfigProblem::Invalid(reasons.to_vec()))).await;
    for (method, path) in CHANGES {
        let answer = call(&rig, ADMIN, method, path, Some("old")).await;
        let json = answer.json();
        assert_eq!((answer.status, &json["status"]), (400, &"error".into()));
        assert_eq!(json["details"], serde_json::json!(reasons));
        assert!(json["error"].as_str().expect("text").contains(&reasons[1]), "{json}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_is_500_and_an_owner_that_has_gone_503() {
    for (problem, status) in [
        (ConfigProblem::Failed("Read-only file system".into()), 500),
        (ConfigProblem::Unavailable, 503),
    ] {
        let (rig, _) = rig(Err(problem)).await;
        for (method, path) in [CHANGES[0], CHANGES[1], ("POST", "/config/get")] {
            let answer = call(&rig, ADMIN, method, path, Some("old")).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(
                answer.json()["error"].as_str().is_some_and(|e| e.contains("nothing was changed"))
            );
        }
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_or_no_text_is_refused() {
    let (rig, owner) = rig(applied(true)).await;
    let bearer = format!("Bearer {ADMIN}");
    let headers = [("authorization", bearer.as_str()), ("x-config-hash", "abc")];
    let long = "#".repeat((1 << 20) + 1);
    assert_eq!(rig.call("POST", "/config/set", &headers, &long).await.status, 413);
    let mut request = crate::rig::request("POST", "/config/set", &headers, "");
    *request.body_mut() = axum::body::Body::from(vec![0xFF, 0xFE]);
    assert_eq!(rig.send(request).await.status, 400);
    assert!(owner.asked.lock().expect("asked").is_empty());
}

#[tokio::test]
async fn only_the_administrator_sees_or_changes_settings() {
    let (rig, _) = rig(applied(true)).await;
    for (method, path) in [CHANGES[0], CHANGES[1], ("POST", "/config/get")] {
        for (key, status) in [(SHARED, 403), ("sk-wrong", 401)] {
            let answer = call(&rig, key, method, path, Some("abc")).await;
            assert_eq!(answer.status, status, "{path}");
            assert!(!answer.text.contains("canary"));
        }
    }
}

#[tokio::test]
async fn the_examples_are_open_and_plain() {
    let (rig, _) = rig(applied(true)).await;
    for (path, text) in [("/env-example", "# PORT=3000\n"), ("/config-example", "# port = 3000\n")]
    {
        let answer = rig.call("GET", path, &[], "").await;
        assert_eq!((answer.status, answer.text.as_str()), (200, text));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
}

#[tokio::test]
async fn a_gateway_without_a_settings_file_says_so() {
    let rig = Rig::empty().await;
    for (method, path) in [CHANGES[0], CHANGES[1], ("POST", "/config/get")] {
        let answer = call(&rig, ADMIN, method, path, Some("abc")).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text.contains("no settings file"), "{answer:?}");
    }
    assert_eq!(rig.call("GET", "/env-example", &[], "").await.status, 404);
}

#[tokio::test]
async fn origins_of_web_pages_change_while_serving() {
    const NAME: &str = "access-control-allow-origin";
    let rig = Rig::empty().await;
    let visit = |origin: &'static str| {
        let rig = &rig;
        async move {
            let answer = rig.call("GET", "/health", &[("origin", origin)], "").await;
            answer.header(NAME).map(str::to_owned)
        }
    };
    assert_eq!(visit("https://a.example").await, None);
    let change = |origins: &[&str]| {
        let mut options = crate::rig::server_options();
        options.cors_origins = origins.iter().map(|&origin| origin.to_owned()).collect();
        rig.app.set_options(options);
    };
    change(&["https://a.example"]);
    assert_eq!(visit("https://a.example").await.as_deref(), Some("https://a.example"));
    assert_eq!(visit("https://b.example").await, None);
    change(&["*"]);
    assert_eq!(visit("https://b.example").await.as_deref(), Some("*"));
    change(&[]);
    assert_eq!(visit("https://a.example").await, None);
    let preflight = [("origin", "https://a.example"), ("access-control-request-method", "POST")];
    assert_ne!(rig.call("OPTIONS", "/v1/models", &preflight, "").await.status, 200);
}
