//! REST calls as clients of the dashboard and of the API host make them, and JSON shapes.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Request;
use serde_json::Value;
use simulator::tokens;

use super::client::{Connection, Server, USER, post, token};

pub(crate) const ORIGIN: &str = "https://cursor.com";

/// One connection over which REST calls go.
pub(crate) struct Rest(pub(crate) Connection);

/// Status, content type and body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.body))
    }

    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{:?}", self.body);
        self.json()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

impl Rest {
    pub(crate) async fn new(server: &Server) -> Self {
        Self(server.connect().await)
    }

    pub(crate) async fn send(&mut self, request: http::request::Builder, body: &str) -> Answer {
        let (status, headers, body) = self.0.call(request, body.as_bytes().to_vec()).await;
        Answer { status, headers, body }
    }

    /// A cookie call of [`USER`]; a POST is JSON and comes from the dashboard.
    pub(crate) async fn cookie(&mut self, method: &str, path: &str, body: &str) -> Answer {
        self.send(cookie_request(method, path, USER, &token(USER)), body).await
    }

    pub(crate) async fn bearer(&mut self, method: &str, path: &str, token: &str) -> Answer {
        let body = if method == "GET" { "" } else { "{}" };
        self.send(open(method, path).header("authorization", format!("Bearer {token}")), body).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(open("GET", path), "").await
    }

    /// Exchanges a secret; the access token.
    pub(crate) async fn exchange(&mut self, secret: &str) -> Answer {
        self.send(post("/auth/exchange_user_api_key", secret), "{}").await
    }

    pub(crate) async fn oauth(&mut self, body: &Value) -> Answer {
        let request = open("POST", "/oauth/token").header("content-type", "application/json");
        self.send(request, &body.to_string()).await
    }

    pub(crate) async fn approve(&mut self, form: &str) -> Answer {
        let request = open("POST", "/loginDeepControl/approve")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(request, form).await
    }
}

/// A request without any credential.
pub(crate) fn open(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(format!("http://localhost{path}"))
}

pub(crate) fn cookie_request(
    method: &str,
    path: &str,
    user: &str,
    token: &str,
) -> http::request::Builder {
    let cookie = format!("WorkosCursorSessionToken={user}%3A%3A{token}");
    let request = open(method, path).header("cookie", cookie);
    if method == "GET" {
        return request;
    }
    request.header("origin", ORIGIN).header("content-type", "application/json")
}

pub(crate) fn web_token() -> String {
    tokens::web_token(USER, SystemTime::now() + Duration::from_secs(600))
}

/// Same keys and same JSON types, all the way down. Lists are compared by their first element.
#[track_caller]
pub(crate) fn assert_same_shape(got: &Value, expected: &Value, at: &str) {
    match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            let mut names: Vec<_> = [got.keys().collect::<Vec<_>>(), expected.keys().collect()]
                .map(|mut names| {
                    names.sort();
                    names
                })
                .to_vec();
            let (expected_names, got_names) = (names.pop(), names.pop());
            assert_eq!(got_names, expected_names, "{at}");
            for (name, value) in got {
                assert_same_shape(value, &expected[name], &format!("{at}.{name}"));
            }
        }
        (Value::Array(got), Value::Array(expected)) => {
            assert_eq!(got.is_empty(), expected.is_empty(), "{at}");
            for value in got {
                assert_same_shape(value, &expected[0], &format!("{at}[]"));
            }
        }
        (Value::Number(got), Value::Number(expected)) => {
            // The real server writes whole amounts without a point; a float stays a float.
            assert_eq!(got.is_f64(), expected.is_f64(), "{at}: {got} for {expected}");
        }
        (Value::String(got), Value::String(expected)) => {
            assert_eq!(kind_of(got), kind_of(expected), "{at}: {got} for {expected}");
        }
        (got, expected) => assert_eq!(got, expected, "{at}"),
    }
}

/// What sort of text it is, where that matters.
fn kind_of(text: &str) -> &'static str {
    let upper = |c: char| c.is_ascii_uppercase() || c == '_';
    if text.parse::<i64>().is_ok() {
        "number"
    } else if text.len() == 24 && text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok() {
        "instant"
    } else if text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "hash"
    } else if text.starts_with("user_") && text.len() == 31 {
        "user id"
    } else if text.contains('_') && text.chars().all(upper) {
        "enum"
    } else {
        "text"
    }
}
