//! A gateway with an account for each flow, and ways to ask it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::{Answer, Call, get, post};
use crate::process::{KEY, PATIENCE, Running};
use crate::site::{Site, token};

/// Aliases of the accounts; each has the flow of this name.
pub(crate) const FLOWS: [&str; 2] = ["agent", "chat"];

/// Paths that answer prompts, with the words for their dialects.
pub(crate) const TALKS: [(&str, &str); 4] = [
    ("/v1/chat/completions", "openai_chat"),
    ("/v1/completions", "openai_completions"),
    ("/v1/messages", "anthropic"),
    ("/v1/responses", "openai_responses"),
];

pub(crate) fn user(flow: &str) -> String {
    format!("user_01{}", flow.to_uppercase())
}

/// A folder whose settings have the accounts, and these lines.
pub(crate) async fn site(more: &str) -> Site {
    let site = Site::new().await;
    configure(&site, more);
    site
}

pub(crate) fn configure(site: &Site, more: &str) {
    let url = format!("\"http://{}\"", site.upstream);
    let accounts = FLOWS.map(|flow| {
        let credential = token(&user(flow));
        format!(
            "[[accounts]]\nalias = \"{flow}\"\nflow = \"{flow}\"\ncredential = \"{credential}\"\n"
        )
    });
    site.configure(&format!(
        "completion.asia_url = {url}\ncompletion.eu_url = {url}\n\
         completion.us_url = {url}\ncompletion.config_url = {url}\n{more}\n{}",
        accounts.concat()
    ));
}

/// The administrator's key for one account.
pub(crate) fn key_of(flow: &str) -> String {
    format!("{KEY}-{flow}")
}

/// A request of the path's dialect.
pub(crate) fn body(path: &str, prompt: &str, stream: bool) -> Value {
    match path {
        "/v1/responses" => json!({"model": "gpt-5", "stream": stream, "input": prompt}),
        "/v1/completions" => json!({"model": "gpt-5", "stream": stream, "prompt": prompt}),
        _ => json!({"model": "gpt-5", "stream": stream, "max_tokens": 1000,
            "messages": [{"role": "user", "content": prompt}]}),
    }
}

pub(crate) async fn send(address: SocketAddr, path: &str, key: &str, body: &Value) -> Answer {
    Call::send(address, &post(path, key), body.to_string().as_bytes()).await.rest().await
}

/// By which the request stands in the log.
pub(crate) fn request_id(head: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix("x-request-id: "));
    line.unwrap_or_else(|| panic!("no id: {head}")).to_owned()
}

/// What the log finds, for the administrator.
pub(crate) async fn logs(address: SocketAddr, query: &Value) -> Value {
    let answer = send(address, "/logs/get", KEY, &json!({ "query": query })).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Tries until there is something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut look: impl FnMut() -> F,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < PATIENCE, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The only record of a request, once it is written and over.
pub(crate) async fn record(address: SocketAddr, request_id: &str) -> Value {
    let query = &json!({ "request_id": request_id });
    until(request_id, || async move {
        let found = logs(address, query).await;
        let record = found["logs"].get(0)?;
        assert_eq!(found["total"], 1, "{found}");
        (record["status"] != "pending").then(|| record.clone())
    })
    .await
}

/// The figures of `/metrics`.
pub(crate) async fn figures(address: SocketAddr) -> String {
    let answer = get(address, "/metrics", KEY).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// The sum of all series that begin like this: a name, or a name and some of its labels.
pub(crate) fn figure(text: &str, series: &str) -> f64 {
    let found = text.lines().filter(|line| line.starts_with(series));
    found.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

/// What is wrong by the gateway's own word, and how it says it is.
pub(crate) async fn problems(address: SocketAddr) -> (String, Vec<String>) {
    let health = get(address, "/health", KEY).await.json();
    let problems = health["problems"].as_array().into_iter().flatten();
    let problems = problems.map(|problem| problem.as_str().expect("a word").to_owned());
    (health["status"].as_str().expect("a word").to_owned(), problems.collect())
}

/// Ends in order.
pub(crate) async fn stop(mut gateway: Running) {
    gateway.signal("TERM");
    assert_eq!(gateway.ended(PATIENCE).await.code(), Some(0));
}
