//! The request log, the settings, and how the service is: every answer is one that the description
//! tells of.

use std::sync::Arc;

use accounts::KeyId;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use request_log::{Entry, Status, Who};
use serde_json::json;
use server::{Applied, ConfigProblem, ConfigText, Configuration, Configured, Page, ROUTES};
use store::{RequestLog as _, StoreError};

use super::Description;
use crate::logs::{entry, full, rig};
use crate::rig::{ADMIN, ANN, Answer, Rig, SHARED, session};

/// An owner of settings that always says the same.
#[derive(Debug)]
pub(super) struct Owner(pub(super) Result<Applied, ConfigProblem>);

impl Configuration for Owner {
    fn get(&self) -> BoxFuture<'_, Result<ConfigText, ConfigProblem>> {
        let text = || ConfigText { hash: "abc".into(), text: "port = 1\n".into() };
        async move { self.0.clone().map(|_| text()) }.boxed()
    }

    fn set(&self, _hash: String, _text: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>> {
        async { self.0.clone() }.boxed()
    }

    fn reload(&self, hash: String) -> BoxFuture<'_, Result<Applied, ConfigProblem>> {
        self.set(hash, String::new())
    }
}

pub(super) fn configured(says: Result<Applied, ConfigProblem>) -> Configured {
    Configured {
        owner: Some(Arc::new(Owner(says))),
        env_example: "# PORT=3000\n".to_owned(),
        config_example: "# port = 3000\n".to_owned(),
    }
}

struct Caller<'a> {
    rig: &'a Rig,
    description: &'a Description,
}

impl Caller<'_> {
    async fn call(&self, key: &str, method: &str, called: &str, body: &str, status: u16) -> Answer {
        let headers = [("x-api-key", key), ("x-config-hash", "abc")];
        let answer = self.rig.call(method, called, &headers, body).await;
        assert_eq!(answer.status, status, "{called}: {answer:?}");
        let path = called.split('?').next().unwrap_or(called);
        self.description.check(method, path, &answer);
        answer
    }
}

#[tokio::test]
async fn the_request_log_is_as_described() {
    let (rig, log) = rig(Vec::new()).await;
    rig.post("/tokens/profile/update", &json!(["ann"])).await;
    let token = session(ANN);
    let built = rig.post("/build-key", &json!({"token": token, "timezone": "UTC"})).await.json();
    let mine = built["keys"][0].as_str().expect("a key");
    let listed = rig.post("/keys/get", &json!({})).await.json();
    let id = listed["keys"][0]["id"].as_str().expect("an id");
    let own = full(4, Who::Key(KeyId::new(id)), 3);
    let pending = Entry { status: Status::Pending, http_status: None, close: None, ..entry(3) };
    log.put(vec![entry(1), full(2, Who::Operator, 1), pending, own]).await.expect("put");
    let description = Description::strict();
    let it = Caller { rig: &rig, description: &description };
    let line = json!({"$ref": "#/components/schemas/LogEntry"});
    for (key, count) in [(ADMIN, 4), (mine, 1), (SHARED, 0)] {
        let page = it.call(key, "POST", "/logs/get", "", 200).await.json();
        assert_eq!(page["logs"].as_array().map(Vec::len), Some(count), "{page}");
        it.call(key, "POST", "/logs/get", r#"{"query": {"limit": 1}}"#, 200).await;
        it.call(key, "POST", "/logs/get", r#"{"query": {"limit": 0}, "x": 1}"#, 400).await;
        it.call(key, "POST", "/logs/get", r#"{"query": {"since": 0}, "x": 1}"#, 200).await;
        it.call(key, "POST", "/logs/tokens/get", r#"["1", "3", "x"]"#, 200).await;
        it.call(key, "POST", "/logs/tokens/get", r#"["1", 3]"#, 400).await;
        let lines = it.call(key, "GET", "/logs/export?since=0", "", 200).await;
        assert_eq!(lines.text.lines().count(), count);
        for text in lines.text.lines() {
            let mistakes =
                description.mistakes(&line, &serde_json::from_str(text).expect("an entry"));
            assert!(mistakes.is_empty(), "{mistakes:#?} in {text}");
        }
        it.call(key, "GET", "/logs/export?format=csv", "", 200).await;
        for query in ["format=xml", "limit=0", "cursor=x", "model=a&model=b", "stream=2"] {
            it.call(key, "GET", &format!("/logs/export?{query}"), "", 400).await;
        }
    }
    // Not only entries of which little is known have been seen.
    let tokens = it.call(mine, "POST", "/logs/tokens/get", r#"["1", "2", "3"]"#, 200).await.json();
    assert_eq!(
        (&tokens["total"], &tokens["tokens"]["3"]["primary_token"]),
        (&json!(1), &json!("***"))
    );
    for (error, status) in
        [(StoreError::Unavailable("x".to_owned()), 503), (StoreError::TooBroad, 400)]
    {
        for (method, path) in [("POST", "/logs/get"), ("GET", "/logs/export")] {
            log.fail_next(error.clone());
            it.call(ADMIN, method, path, "", status).await;
        }
    }
    it.call(ADMIN, "GET", "/logs", "", 200).await;
    let off = Rig::empty().await;
    let it = Caller { rig: &off, description: &description };
    it.call(ADMIN, "POST", "/logs/get", "", 404).await;
    it.call(ADMIN, "GET", "/logs/export", "", 404).await;
}

#[tokio::test]
async fn settings_are_as_described() {
    let description = Description::strict();
    let rig = Rig::empty().await;
    let it = Caller { rig: &rig, description: &description };
    let calls = [("POST", "/config/get"), ("POST", "/config/set"), ("GET", "/config/reload")];
    for (method, path) in calls {
        it.call(ADMIN, method, path, "", 404).await;
    }
    it.call(ADMIN, "GET", "/env-example", "", 404).await;
    it.call(ADMIN, "GET", "/config-example", "", 404).await;
    let applied = |changed| {
        let (restart, overridden) = (vec!["port".into()], vec!["log.level".into()]);
        Ok(Applied { hash: "def".into(), changed, restart, overridden })
    };
    let stale = Err(ConfigProblem::Stale { hash: "new".into() });
    let invalid = Err(ConfigProblem::Invalid(vec!["port: no".into(), "host: no".into()]));
    let failed = Err(ConfigProblem::Failed("Read-only file system".into()));
    for (says, status) in [
        (applied(true), 204),
        (applied(false), 200),
        (stale, 412),
        (invalid, 400),
        (failed, 500),
        (Err(ConfigProblem::Unavailable), 503),
    ] {
        let rig = Rig::empty().await;
        rig.app.set_configured(configured(says));
        let it = Caller { rig: &rig, description: &description };
        for (method, path) in &calls[1..] {
            let answer = it.call(ADMIN, method, path, "port = 2\n", status).await;
            assert_eq!(answer.header("x-config-hash").is_some(), [200, 204, 412].contains(&status));
            let answer = rig.call(method, path, &[("x-api-key", ADMIN)], "").await;
            assert_eq!(answer.status, 428);
            description.check(method, path, &answer);
        }
        // It answers with the text, or fails as they do.
        match status {
            200 | 204 => it.call(ADMIN, "POST", "/config/get", "", 200).await,
            500 | 503 => it.call(ADMIN, "POST", "/config/get", "", status).await,
            _ => continue,
        };
        it.call(ADMIN, "GET", "/env-example", "", 200).await;
        it.call(ADMIN, "GET", "/config-example", "", 200).await;
    }
}

#[tokio::test]
async fn how_the_service_is_is_as_described() {
    let description = Description::strict();
    for page in [Page::Json, Page::Text, Page::Html] {
        let rig = Rig::with(|options| options.health_page = page).await;
        let it = Caller { rig: &rig, description: &description };
        it.call(ADMIN, "GET", "/health", "", 200).await;
        it.call(ADMIN, "GET", "/health/ready", "", 503).await;
        rig.app.begin();
        for peopled in [false, true] {
            if peopled {
                assert_eq!(rig.post("/tokens/add", &json!([session(ANN)])).await.status, 200);
            }
            it.call(ADMIN, "GET", "/health", "", 200).await;
            it.call(ADMIN, "GET", "/health/live", "", 200).await;
            it.call(ADMIN, "GET", "/health/ready", "", 200).await;
            it.call(ADMIN, "GET", "/metrics", "", 200).await;
        }
    }
}

/// All but how the service is.
#[tokio::test]
async fn what_is_asked_of_a_gateway_that_stops_is_refused_as_described() {
    let rig = Rig::with(|options| options.route_prefix.clear()).await;
    rig.app.drain();
    let description = Description::strict();
    for route in ROUTES {
        let path = route.path.replace("{*", "{");
        let called = path.replace("{id}", "x").replace("{page}", "docs/clients.md");
        let answer = rig.call(route.method, &called, &[("x-api-key", ADMIN)], "").await;
        let serves = ["/health", "/health/live"].contains(&route.path);
        assert_eq!(answer.status, if serves { 200 } else { 503 }, "{called}");
        description.check(route.method, &path, &answer);
    }
}
