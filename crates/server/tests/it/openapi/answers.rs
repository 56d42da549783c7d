//! Every answer, good or bad, is one that the description tells of.

use serde_json::{Value, json};
use server::ROUTES;

use super::Description;
use crate::rig::{ADMIN, ANN, Answer, Rig, SHARED, session};

const EDITOR: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

struct Checked {
    rig: Rig,
    description: Description,
}

impl Checked {
    async fn new() -> Self {
        let rig = Rig::with(|options| options.route_prefix.clear()).await.peopled().await;
        rig.app.set_configured(super::own::configured(Ok(server::Applied::default())));
        Self { rig, description: Description::strict() }
    }

    async fn post(&self, path: &str, status: u16, body: Value) -> Answer {
        let answer = self.rig.post_with(path, &[("x-client-key", EDITOR)], &body).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        self.description.check("POST", path, &answer);
        answer
    }

    /// `path` as the description has it, and as it is called.
    async fn call(&self, method: &str, path: &str, called: &str, status: u16) -> Answer {
        let answer = self.rig.call(method, called, &[("x-api-key", ADMIN)], "").await;
        assert_eq!(answer.status, status, "{called}: {answer:?}");
        self.description.check(method, path, &answer);
        answer
    }
}

fn chat(text: &str) -> Value {
    json!({"model": "claude-4.5-sonnet", "messages": [{"role": "user", "content": text}],
        "temperature": 1, "tools": [{"type": "function", "function": {"name": "look",
        "parameters": {"type": "object"}}}]})
}

fn messages(text: &str) -> Value {
    json!({"model": "claude-4.5-sonnet", "max_tokens": 100, "top_k": 5,
        "messages": [{"role": "user", "content": text}],
        "tools": [{"name": "look", "input_schema": {"type": "object"}}]})
}

fn responses(text: &str) -> Value {
    json!({"model": "claude-4.5-sonnet", "input": text,
        "tools": [{"type": "function", "name": "look", "parameters": {"type": "object"}},
            {"type": "custom", "name": "write"}, {"type": "web_search"}]})
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

const ANSWER: &str = "[[sim: think \"hm\"; say \"yes\"; tool look={}; usage 10 5]]";
const BROKEN: &str = "[[sim: error unavailable]]";

#[tokio::test]
async fn answers_of_models_are_as_described() {
    let it = Checked::new().await;
    for (path, body) in [
        ("/v1/chat/completions", chat as fn(&str) -> Value),
        ("/v1/messages", messages),
        ("/v1/responses", responses),
    ] {
        it.post(path, 200, body("hello")).await;
        it.post(path, 200, body(ANSWER)).await;
        it.post(path, 200, streamed(body(ANSWER))).await;
        it.post(path, 400, json!({"model": 5})).await;
        it.post(path, 400, json!({})).await;
        let mut unknown = body("hello");
        unknown["model"] = json!("nobody-knows");
        it.post(path, 404, unknown).await;
        for fault in ["rate_limit", "usage_limit", "overloaded", "internal", "permission_denied"] {
            let asked = body(&format!("[[sim: error {fault}]]"));
            let answer = it.rig.post(path, &asked).await;
            assert!(answer.status >= 400, "{answer:?}");
            it.description.check("POST", path, &answer);
        }
    }
    let continued = json!({"model": "gpt-5", "input": "x", "previous_response_id": "resp_none"});
    it.post("/v1/responses", 400, continued).await;
    it.post("/v1/responses/compact", 200, responses("hello")).await;
    it.post("/v1/responses/input_tokens", 200, responses("hello")).await;
    it.post("/v1/messages/count_tokens", 200, messages("hello")).await;
    it.post("/v1/messages/count_tokens", 400, json!({"messages": 1})).await;
}

#[tokio::test]
async fn answers_that_fail_at_once_are_as_described() {
    let it = Checked::new().await;
    for (path, body) in [
        ("/v1/chat/completions", chat(BROKEN)),
        ("/v1/messages", messages(BROKEN)),
        ("/v1/responses", responses(BROKEN)),
        ("/v1/completions", json!({"model": "gpt-5", "prompt": BROKEN})),
    ] {
        let answer = it.rig.post(path, &body).await;
        assert!([502, 503, 529].contains(&answer.status), "{answer:?}");
        it.description.check("POST", path, &answer);
    }
}

#[tokio::test]
async fn texts_and_code_are_as_described() {
    let it = Checked::new().await;
    let prompt = json!({"model": "gpt-5", "prompt": "Once", "echo": true, "seed": 1});
    it.post("/v1/completions", 200, prompt.clone()).await;
    it.post("/v1/completions", 200, streamed(prompt)).await;
    it.post("/v1/completions", 200, json!({"model": "fast", "prompt": "f(", "suffix": "\n"})).await;
    it.post("/v1/completions", 400, json!({"model": "gpt-5", "prompt": [1]})).await;
    it.post("/cpp/config", 200, json!({"model": "fast", "more": 1})).await;
    it.post("/cpp/config", 400, json!({"model": 1})).await;
    it.post("/cpp/models", 200, json!({})).await;
    let file = json!({"current_file": {"relative_workspace_path": "a.py", "contents": "x = f(\n",
        "cursor_position": {"line": 0, "column": 6}, "language_id": "python",
        "total_number_of_lines": 2}, "model_name": "fast", "give_debug_output": true});
    it.post("/cpp/stream", 200, file).await;
    it.post("/cpp/stream", 400, json!({"control_token": "x"})).await;
    let upload = json!({"uuid": "u", "relative_workspace_path": "a.py", "contents": "x",
        "model_version": 1});
    it.post("/file/upload", 200, upload).await;
    it.post("/file/sync", 200, json!({"uuid": "u", "relative_workspace_path": "b.py"})).await;
    let answer = it.rig.post("/file/upload", &json!({})).await;
    assert_eq!(answer.status, 400);
    it.description.check("POST", "/file/upload", &answer);
}

#[tokio::test]
async fn stored_responses_and_models_are_as_described() {
    let it = Checked::new().await;
    let made = it.post("/v1/responses", 200, responses(ANSWER)).await.json();
    let id = made["id"].as_str().expect("an id");
    const ONE: &str = "/v1/responses/{id}";
    let items = format!("{ONE}/input_items");
    it.call("GET", ONE, &format!("/v1/responses/{id}"), 200).await;
    it.call("GET", ONE, "/v1/responses/resp_none", 404).await;
    it.call("GET", ONE, &format!("/v1/responses/{id}?stream=true"), 400).await;
    it.call("GET", &items, &format!("/v1/responses/{id}/input_items?limit=1"), 200).await;
    it.call("GET", &items, &format!("/v1/responses/{id}/input_items?limit=0"), 400).await;
    it.call("POST", &format!("{ONE}/cancel"), &format!("/v1/responses/{id}/cancel"), 400).await;
    it.call("DELETE", ONE, &format!("/v1/responses/{id}"), 200).await;
    it.call("DELETE", ONE, &format!("/v1/responses/{id}"), 404).await;
    let later =
        json!({"model": "gpt-5", "input": "[[sim: delay 1s; say \"a b c\"]]", "background": true});
    let later = it.post("/v1/responses", 200, later).await.json();
    let called = format!("/v1/responses/{}/cancel", later["id"].as_str().expect("an id"));
    it.call("POST", &format!("{ONE}/cancel"), &called, 200).await;

    it.call("GET", "/v1/models", "/v1/models", 200).await;
    it.call("GET", "/v1/models/{id}", "/v1/models/gpt-5", 200).await;
    it.call("GET", "/v1/models/{id}", "/v1/models/a/b", 404).await;
    let anthropic = [("x-api-key", ADMIN), ("anthropic-version", "2023-06-01")];
    for (path, called, status) in [
        ("/v1/models", "/v1/models?limit=2", 200),
        ("/v1/models", "/v1/models?limit=0", 400),
        ("/v1/models/{id}", "/v1/models/gpt-5", 200),
        ("/v1/models/{id}", "/v1/models/none", 404),
    ] {
        let answer = it.rig.call("GET", called, &anthropic, "").await;
        assert_eq!(answer.status, status, "{answer:?}");
        it.description.check("GET", path, &answer);
    }
}

#[tokio::test]
async fn answers_to_the_administrator_are_as_described() {
    let it = Checked::new().await;
    it.post("/v1/chat/completions", 200, chat("hello")).await;
    for path in ["profile/update", "config-version/update", "refresh", "test", "marks/clear"] {
        it.post(&format!("/tokens/{path}"), 200, json!(["ann", "nobody"])).await;
    }
    it.post("/tokens/tags/set", 200, json!({"tokens": ["ann"], "tags": {"timezone": "UTC"}})).await;
    it.post("/tokens/tags/set", 400, json!({"tokens": ["ann"], "tags": {}})).await;
    it.post("/tokens/proxy/set", 200, json!({"aliases": ["ann"], "proxy": null})).await;
    it.post("/tokens/timezone/set", 200, json!({"aliases": ["ann"], "timezone": "UTC"})).await;
    it.post("/tokens/merge", 200, json!({"ann": {"gcpp_host": "EU", "flow": "chat"}, "x": {}}))
        .await;
    it.post("/tokens/status/set", 200, json!({"aliases": ["bob"], "enabled": false})).await;
    let shown = it.post("/tokens/get", 200, json!({})).await;
    it.post("/pool/get", 200, json!({})).await;
    it.post("/tokens/get", 200, json!({"mask": true, "more": true})).await;
    it.post("/tokens/set", 200, shown.json()).await;
    it.post("/tokens/add", 200, json!([session(ANN), {"token": "x"}])).await;
    it.post("/tokens/alias/set", 200, json!({"ann": "anna"})).await;
    it.post("/tokens/del", 200, json!({"aliases": ["bob", "x"], "expectation": "detailed"})).await;
    it.post("/tokens/del", 400, json!({"aliases": "bob"})).await;

    let started = it.post("/login/start", 200, json!({})).await.json();
    it.post("/login/finish", 200, json!({"id": started["id"]})).await;
    it.post("/login/finish", 400, json!({"id": "x"})).await;
    it.post("/login/finish", 404, json!({"id": "0f0e0d0c-0b0a-4908-8706-050403020100"})).await;
}

#[tokio::test]
async fn keys_and_proxies_are_as_described() {
    let it = Checked::new().await;
    let full = json!({"name": "k", "expires_in": 100, "options": {"timezone": "UTC",
        "gcpp_host": "EU", "disable_vision": true, "log_content": true, "usage_check_models": {"type": "custom",
        "model_ids": "a"}}, "limits": {"models": ["*"], "requests_per_minute": 5,
        "tokens_per_minute": 5000, "concurrency": 2, "budget": {"tokens": 5, "period": "day"}}});
    let made = it.post("/keys/create", 200, full).await.json();
    let (id, key) = (&made["id"], made["keys"][0].as_str().expect("a key"));
    assert_eq!(it.rig.chat(key).await.status, 200);
    it.post("/build-key", 200, json!({"token": session(ANN), "name": "built"})).await;
    it.post("/build-key", 400, json!({"token": "x"})).await;
    it.post("/keys/rotate", 200, json!({"id": id})).await;
    it.post("/keys/rotate", 404, json!({"id": "nobody"})).await;
    it.post("/keys/set", 200, json!({"id": id, "name": "l", "limits": {"budget": null}})).await;
    it.post("/keys/get", 200, json!({})).await;
    it.post("/keys/revoke", 200, json!([id, "nobody"])).await;
    it.post("/keys/set", 409, json!({"id": id, "name": "m"})).await;
    it.post("/keys/rotate", 409, json!({"id": id})).await;
    it.post("/keys/get", 200, json!({})).await;
    it.post("/keys/del", 200, json!({"ids": [id]})).await;
    it.post("/keys/create", 400, json!({"expires": "tomorrow"})).await;

    let set = json!({"proxies": {"a": "non", "b": "http://u:p@127.0.0.1:1"}, "general": "a"});
    it.post("/proxies/set", 200, set).await;
    it.post("/proxies/set", 400, json!({"proxies": {"a": 1}})).await;
    it.post("/proxies/get", 200, json!({})).await;
    it.post("/proxies/add", 200, json!({"proxies": {"c": "sys", "d": "?"}})).await;
    it.post("/proxies/set-general", 200, json!({"name": "c"})).await;
    it.post("/proxies/set-general", 400, json!({"name": "nobody"})).await;
    it.post("/proxies/test", 200, json!({"name": "a"})).await;
    let answer = it.rig.post("/proxies/test", &json!({"name": "b"})).await;
    it.description.check("POST", "/proxies/test", &answer);
    let del = json!({"names": ["b", "nobody"], "expectation": "detailed"});
    it.post("/proxies/del", 200, del).await;
}

#[tokio::test]
async fn calls_for_one_token_and_random_values_are_as_described() {
    let it = Checked::new().await;
    let web = simulator::tokens::web_token(
        ANN,
        std::time::SystemTime::now() + std::time::Duration::from_secs(7200),
    );
    let both = json!({"session_token": session(ANN), "web_token": web, "include_sessions": true});
    it.post("/token-profile/get", 200, both).await;
    it.post("/token-profile/get", 400, json!({})).await;
    it.post("/config-version/get", 200, json!({"token": session(ANN)})).await;
    it.post("/config-version/get", 400, json!({"token": 5})).await;
    it.post("/token-upgrade", 200, json!({"token": web})).await;
    it.post("/token-upgrade", 400, json!({})).await;
    it.rig.control.set_account(ANN, simulator::AccountBehaviour::Blocked);
    let answer = it.rig.post("/token-upgrade", &json!({"token": web})).await;
    it.description.check("POST", "/token-upgrade", &answer);
}

/// Every route without a parameter, for who has no key, a wrong one, and one that may not.
#[tokio::test]
async fn refusals_and_open_routes_are_as_described() {
    let it = Checked::new().await;
    let client = it.rig.key(&json!({})).await;
    for route in ROUTES {
        let path = route.path.replace("{*", "{");
        let called = path.replace("{id}", "x").replace("{page}", "docs/clients.md");
        let keys = [None, Some("sk-wrong"), Some(client.forms[0].as_str()), Some(SHARED)];
        for key in keys {
            let headers: Vec<(&str, &str)> = key.iter().map(|key| ("x-api-key", *key)).collect();
            let answer = it.rig.call(route.method, &called, &headers, "[").await;
            it.description.check(route.method, &path, &answer);
        }
        if route.reads_body {
            let long = " ".repeat((4 << 20) + 1);
            let headers =
                [("x-api-key", ADMIN), ("x-client-key", EDITOR), ("x-config-hash", "abc")];
            let answer = it.rig.call(route.method, &called, &headers, &long).await;
            assert_eq!(answer.status, 413, "{called}: {answer:?}");
            it.description.check(route.method, &path, &answer);
        }
    }
}
