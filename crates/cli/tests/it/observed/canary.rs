//! Nothing that opens anything, and nothing that was said, is to be seen from outside: not in log
//! lines, figures, traces, health, the request log, the files, or what commands print.

use std::net::SocketAddr;

use serde_json::json;

use super::collector::Collector;
use super::rig::{FLOWS, TALKS, body, configure, key_of, record, request_id, send, stop, user};
use crate::client::{Answer, Call, get, post};
use crate::process::{Finished, KEY, Running};
use crate::site::{Site, token};

const SHARED: &str = "sk-canary-shared-0123456789abcdef";
const WRONG: &str = "sk-canary-wrong-0123456789abcdef";
const API_KEY: &str = "key_canary0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "canary-of-the-proxy";
const COLLECTOR: &str = "canary-of-the-collector";
const STORE: &str = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";
const SAID: &str = "canary-that-was-said";
const THOUGHT: &str = "canary-that-was-thought";
const ARGUMENT: &str = "canary-of-an-argument";

/// Everything that must not be seen, with a name for it.
type Secrets = Vec<(String, String)>;

fn leaks(secrets: &Secrets, text: &str) -> Vec<String> {
    let found = secrets.iter().filter_map(|(name, secret)| {
        let at = text.find(secret.as_str())?;
        let (from, to) = (at.saturating_sub(120), (at + secret.len() + 60).min(text.len()));
        let (from, to) = (text.floor_char_boundary(from), text.ceil_char_boundary(to));
        Some(format!("{name}: {}", &text[from..to]))
    });
    found.collect()
}

#[track_caller]
fn free(secrets: &Secrets, place: &str, text: &str) {
    let leaks = leaks(secrets, text);
    assert!(leaks.is_empty(), "{place}: {leaks:#?}");
}

/// What is of the token alone: its claims.
fn claims(token: &str) -> String {
    token.split('.').nth(1).expect("claims").to_owned()
}

struct Scene {
    site: Site,
    secrets: Secrets,
    gateway: Running,
    address: SocketAddr,
}

async fn scene(collector: &Collector, format: &str) -> Scene {
    let site = Site::new().await;
    let settings = format!(
        "shared_token = \"{SHARED}\"\nstore.key = \"{STORE}\"\ntimeouts.first_message = \"3s\"\n\
         otlp.endpoint = \"{}\"\notlp.headers = \"authorization=Bearer {COLLECTOR}\"\n\
         otlp.interval = \"1s\"",
        collector.url
    );
    configure(&site, &settings);
    let start = site.start(&["serve", "--port", "0"]);
    let start = start.env("LOG_LEVEL", "trace").env("LOG_FORMAT", format);
    let mut gateway = start.log_to(&site.path("log")).spawn();
    let address = gateway.address_after("listening on http://");
    let mut secrets: Secrets = [
        ("auth_token", KEY),
        ("shared_token", SHARED),
        ("a wrong key", WRONG),
        ("an account's API key", API_KEY),
        ("a proxy's password", PASSWORD),
        ("otlp.headers", COLLECTOR),
        ("store.key", STORE),
        ("prompt or answer", SAID),
        ("thinking", THOUGHT),
        ("a call's argument", ARGUMENT),
    ]
    .map(|(name, secret)| (name.to_owned(), secret.to_owned()))
    .into();
    for user in FLOWS.map(user) {
        secrets.push(("an account's token".to_owned(), claims(&token(&user))));
    }
    Scene { site, secrets, gateway, address }
}

impl Scene {
    /// Calls whose answers show keys once; those become secrets.
    async fn keys(&mut self) -> Vec<String> {
        let (mut forms, lent) = (Vec::new(), token("user_01LENT"));
        self.secrets.push(("a lent token".to_owned(), claims(&lent)));
        let built = json!({ "token": lent });
        for (path, body) in [("/keys/create", json!({"name": "one"})), ("/build-key", built)] {
            let answer = send(self.address, path, KEY, &body).await;
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
            let keys = answer.json()["keys"].clone();
            for form in keys.as_array().expect("forms") {
                let form = form.as_str().expect("a text").to_owned();
                self.secrets.push((format!("a key of {path}"), form.clone()));
                forms.push(form);
            }
        }
        vec![forms[0].clone(), forms[3].clone()]
    }

    async fn administer(&self, keys: &[String]) {
        let proxy = format!("http://user:{PASSWORD}@127.0.0.1:1");
        let away = json!({"aliases": ["key"], "proxy": "tunnel"});
        for (path, body) in [
            ("/tokens/add", json!([{"alias": "key", "token": API_KEY}])),
            ("/proxies/add", json!({"proxies": {"tunnel": proxy}})),
            ("/proxies/test", json!({"name": "tunnel"})),
            ("/tokens/proxy/set", away),
            ("/tokens/test", json!(["agent", "key"])),
            ("/tokens/refresh", json!(["agent", "key"])),
            ("/tokens/profile/update", json!(["chat", "key"])),
            ("/tokens/get", json!({"mask": true})),
            ("/tokens/add", json!([API_KEY, {"token": WRONG}])),
            ("/keys/get", json!({})),
            ("/keys/revoke", json!([keys[0].clone() + "x"])),
            ("/pool/get", json!({})),
            ("/logs/get", json!({"query": {"key": WRONG}})),
            ("/config/set", json!(format!("auth_token = \"{WRONG}"))),
        ] {
            let answer = send(self.address, path, KEY, &body).await;
            assert!([200, 400, 404, 428, 502].contains(&answer.status), "{path}: {answer:?}");
            free(&self.secrets, path, &format!("{} {}", answer.head, answer.body));
        }
    }

    /// The settings file, changed and refused; `pages.health` becomes another one.
    async fn health(&self, page: &str) -> Answer {
        let head = post("/config/get", KEY);
        let answer = Call::send(self.address, &head, b"").await.rest().await;
        let hash = answer.head.lines().find_map(|line| line.strip_prefix("x-config-hash: "));
        let head =
            format!("{}x-config-hash: {}\r\n", post("/config/set", KEY), hash.expect("a hash"));
        let bad = format!("{}\nport = \"{WRONG}\"\notlp.heders = \"{COLLECTOR}\"", answer.body);
        let broken = answer.body.replace("\"\n", "\n");
        for text in [bad, broken] {
            let refused = Call::send(self.address, &head, text.as_bytes()).await.rest().await;
            assert_eq!(refused.status, 400, "{refused:?}");
            free(&self.secrets, "/config/set", &format!("{} {}", refused.head, refused.body));
        }
        let lines = answer.body.lines().filter(|line| !line.starts_with("pages.health"));
        let lines: String = lines.map(|line| format!("{line}\n")).collect();
        let text = format!("pages.health = \"{page}\"\n{lines}");
        let set = Call::send(self.address, &head, text.as_bytes()).await.rest().await;
        assert!([200, 204].contains(&set.status), "{set:?}");
        get(self.address, "/health", KEY).await
    }

    /// Every dialect in every way that it can end; the ids of the requests that count.
    async fn talk(&self, keys: &[String]) -> Vec<String> {
        let mut ids = Vec::new();
        let good = format!("{SAID} [[sim: think \"{THOUGHT}\"]] [[sim: say \"{SAID} again\"]]");
        let cut = format!("[[sim: say \"{SAID}\"]] [[sim: cut]]");
        let late = format!("[[sim: say \"{SAID}\"]] [[sim: error internal]]");
        let early = format!("{SAID} [[sim: error internal]]");
        let refused = format!("{SAID} [[sim: http 401]]");
        let mut callers = FLOWS.map(key_of).to_vec();
        callers.extend([SHARED.to_owned(), keys[0].clone(), keys[1].clone()]);
        for (path, _) in TALKS {
            for key in &callers {
                for (prompt, stream) in [(&good, false), (&good, true), (&early, true)] {
                    let answer = send(self.address, path, key, &body(path, prompt, stream)).await;
                    assert!(answer.status < 504, "{path}: {answer:?}");
                    ids.push(request_id(&answer.head));
                }
            }
            for prompt in [&late, &cut, &refused] {
                let answer = send(self.address, path, KEY, &body(path, prompt, true)).await;
                ids.push(request_id(&answer.head));
            }
            for wrong in [
                format!(
                    "{{\"model\": \"gpt-5\", \"messages\": \"{SAID}\", \"input\": 5, \"prompt\": {{}}}}"
                ),
                format!("{{\"model\": \"gpt-5\", {SAID}"),
            ] {
                let answer =
                    Call::send(self.address, &post(path, KEY), wrong.as_bytes()).await.rest().await;
                assert_eq!(answer.status, 400, "{path}: {answer:?}");
                ids.push(request_id(&answer.head));
            }
            let refused = send(self.address, path, WRONG, &body(path, SAID, true)).await;
            assert_eq!(refused.status, 401, "{path}: {refused:?}");
            let mut gone = {
                let body =
                    body(path, &format!("{SAID} [[sim: delay 20ms]] [[sim: chunks 9999]]"), true);
                Call::send(self.address, &post(path, KEY), body.to_string().as_bytes()).await
            };
            gone.until("w2 ").await;
            ids.push(request_id(&gone.all()));
        }
        ids.extend(self.others().await);
        ids
    }

    /// Tools, and what is no talk.
    async fn others(&self) -> Vec<String> {
        let mut ids = Vec::new();
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let tool = json!({"name": "weather", "description": SAID, "input_schema": schema});
        let call = format!("[[sim: tool weather={{\"city\": \"{ARGUMENT}\"}}]]");
        let mut called = body("/v1/messages", &call, false);
        called["tools"] = json!([tool]);
        let asked = body("/v1/messages", SAID, false);
        let file = json!({"uuid": "6f1c3c0a-0000-4000-8000-000000000001", "contents": SAID,
            "relative_workspace_path": "a.rs", "model_version": 1, "sha256_hash": SAID});
        for (path, body) in [
            ("/v1/messages", called),
            ("/v1/messages/count_tokens", asked),
            ("/v1/responses/input_tokens", json!({"model": "gpt-5", "input": SAID})),
            ("/v1/responses/compact", json!({"model": "gpt-5", "input": SAID})),
            ("/cpp/config", json!({"model": "fast"})),
            ("/cpp/stream", json!({"current_file": {"contents": SAID}})),
            ("/file/upload", file.clone()),
            ("/file/sync", file),
        ] {
            let answer = send(self.address, path, KEY, &body).await;
            ids.push(request_id(&answer.head));
        }
        ids
    }

    /// The request log in every form, for everybody who may ask.
    async fn logs(&self, keys: &[String]) {
        for key in [KEY, SHARED, &keys[0], &keys[1]] {
            let query = json!({"query": {"limit": 1000}});
            let found = send(self.address, "/logs/get", key, &query).await;
            let count = found.json()["logs"].as_array().map_or(0, Vec::len);
            assert!(count >= 8, "there is something to leak: {found:?}");
            free(&self.secrets, "/logs/get", &format!("{} {}", found.head, found.body));
            for path in ["/logs/export", "/logs/export?format=csv", "/logs"] {
                let found = get(self.address, path, key).await;
                assert_eq!(found.status, 200, "{path}: {found:?}");
                free(&self.secrets, path, &format!("{} {}", found.head, found.body));
            }
            let names: Vec<String> = (0..10).map(|id| id.to_string()).collect();
            let accounts = send(self.address, "/logs/tokens/get", key, &json!(names)).await;
            if key == KEY {
                let all = leaks(&self.secrets, &accounts.body);
                assert!(!all.is_empty(), "the scan sees what is there: {accounts:?}");
            } else {
                free(&self.secrets, "/logs/tokens/get", &accounts.body);
            }
        }
    }

    /// The files, but for the settings, which hold what they were given.
    fn files(&self) {
        let mut all = String::new();
        for entry in std::fs::read_dir(self.site.path("data")).expect("a folder") {
            let path = entry.expect("readable").path();
            let bytes = std::fs::read(&path).expect("bytes");
            let text = String::from_utf8_lossy(&bytes);
            free(&self.secrets, &path.display().to_string(), &text);
            all += &text;
        }
        // They are no riddle to the scan.
        for plain in ["gpt-5", "Something went wrong", "tunnel"] {
            assert!(all.contains(plain), "no {plain} in the files");
        }
    }

    async fn command(&self, arguments: &[&str]) {
        let Finished { stdout, stderr, .. } = self.site.start(arguments).finish().await;
        assert!(!stdout.is_empty(), "{arguments:?}: {stderr}");
        free(&self.secrets, &format!("{arguments:?}"), &format!("{stdout}{stderr}"));
    }
}

async fn scan(format: &str) {
    let collector = Collector::start().await;
    let mut scene = scene(&collector, format).await;
    let keys = scene.keys().await;
    scene.administer(&keys).await;
    let ids = scene.talk(&keys).await;
    for id in &ids {
        record(scene.address, id).await;
    }
    for page in ["text", "html", "json"] {
        let health = scene.health(page).await;
        assert_eq!(health.status, 200, "{health:?}");
        free(&scene.secrets, page, &format!("{} {}", health.head, health.body));
    }
    for path in ["/metrics", "/health/ready", "/env-example", "/config-example", "/openapi.json"] {
        let shown = get(scene.address, path, KEY).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        free(&scene.secrets, path, &format!("{} {}", shown.head, shown.body));
    }
    scene.logs(&keys).await;
    scene.files();
    let port = scene.address.port().to_string();
    scene.command(&["doctor", "--json", "--port", &port]).await;
    scene.command(&["config", "show", "--origin"]).await;
    scene.command(&["config", "show", "--json"]).await;
    scene.command(&["logs", "--port", &port, "--json"]).await;
    let Scene { site, secrets, gateway, .. } = scene;
    stop(gateway).await;
    let posted = collector.posted();
    assert!(collector.spans().len() > ids.len() && !collector.metrics().is_empty());
    for posted in &posted {
        assert_eq!(posted.headers["authorization"], format!("Bearer {COLLECTOR}"));
        free(&secrets, &posted.path, &String::from_utf8_lossy(&posted.body));
    }
    let log = std::fs::read_to_string(site.path("log")).expect("a log");
    // All of it, also what libraries trace; and our own lines are among them.
    assert!(log.lines().count() > 1000 && ids.iter().any(|id| log.contains(id)), "{log}");
    free(&secrets, "log lines", &log);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_word_is_seen_with_lines_as_text() {
    scan("text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_and_no_word_is_seen_with_lines_as_json() {
    scan("json").await;
}
