//! An API and a website whose answers a test writes, and which note what they were asked.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::HeaderMap;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Barrier;
use upstream::transport::{Origin, TransportOptions};
use upstream::{Backend, CompletionEndpoints, Endpoints, Pkce, WebCredential};
use uuid::Uuid;

use crate::peer::{Call, Peer, Rules, Seen};
use crate::support::{CLIENT_ID, USER, backend_of, origin, pool};

/// Stands in every credential of these tests, and may come out nowhere.
pub(super) const CANARY: &str = "canary";
pub(super) const TOKEN: &str = "eyJhbGciOiJub25lIn0.token-canary.AAAA";
pub(super) const OTHER_TOKEN: &str = "eyJhbGciOiJub25lIn0.other-canary.AAAA";

pub(super) fn bearer() -> SecretString {
    SecretString::from(TOKEN)
}

pub(super) fn web() -> WebCredential {
    WebCredential { user_id: USER.to_owned(), token: bearer() }
}

/// The login of the vectors.
pub(super) fn pkce() -> Pkce {
    let random = std::array::from_fn(|i| u8::try_from(i).expect("small"));
    Pkce::new(Uuid::from_u128(0x11111111_1111_4111_8111_000000000001), random)
}

pub(super) fn rest_vector(name: &str) -> Value {
    named(include_str!("../../../../../fixtures/vectors/account_rest.json"), name)
}

pub(super) fn auth_vector(name: &str) -> Value {
    named(include_str!("../../../../../fixtures/vectors/auth.json"), name)
}

fn named(file: &str, name: &str) -> Value {
    let file: Value = serde_json::from_str(file).expect("fixture");
    let vectors = file["vectors"].as_array().expect("vectors");
    vectors.iter().find(|vector| vector["name"] == name).expect(name).clone()
}

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Bytes,
}

impl Reply {
    pub(super) fn new(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, body.to_string()).header("content-type", "application/json")
    }

    /// The answer of a vector of `account_rest.json`, with its status.
    pub(super) fn vector(name: &str) -> Self {
        let vector = rest_vector(name);
        let status = vector["http_status"].as_u64().unwrap_or(200);
        Self::json(u16::try_from(status).expect("status"), &vector["response_json"])
    }

    pub(super) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// The answer to a path.
pub(super) type Answer = fn(&str) -> Reply;

/// One request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) line: String,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The names of all headers, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// A host that answers by path.
pub(super) struct Host {
    peer: Peer,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Host {
    async fn start(answer: Answer, gate: Option<Arc<Barrier>>) -> Self {
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let noted = Arc::clone(&asked);
        let peer = Peer::start(Rules::default(), move |mut call| {
            let (noted, gate) = (Arc::clone(&noted), gate.clone());
            async move {
                let read = read(&mut call).await;
                let reply = answer(call.request.uri().path());
                noted.lock().expect("lock").push(read);
                if let Some(gate) = gate {
                    gate.wait().await;
                }
                send(&mut call, reply);
            }
        })
        .await;
        Self { peer, asked }
    }

    pub(super) fn origin(&self) -> Origin {
        origin(self.peer.address)
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.peer.address)
    }

    pub(super) fn seen(&self) -> &Seen {
        &self.peer.seen
    }

    /// Everything it was asked, in order of request line.
    pub(super) fn asked(&self) -> Vec<Asked> {
        let mut asked = self.asked.lock().expect("lock").clone();
        asked.sort_by(|a, b| a.line.cmp(&b.line));
        asked
    }

    /// The one thing it was asked.
    pub(super) fn only(&self) -> Asked {
        let asked = self.asked();
        assert_eq!(asked.len(), 1, "{asked:?}");
        asked[0].clone()
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn read(call: &mut Call) -> Asked {
    let mut body = Vec::new();
    while let Some(data) = call.request.body_mut().data().await {
        body.extend_from_slice(&data.expect("no reset"));
    }
    let head = &call.request;
    let path = head.uri().path_and_query().expect("a path");
    Asked {
        line: format!("{} {path}", head.method()),
        headers: head.headers().clone(),
        body: String::from_utf8(body).expect("text"),
    }
}

fn send(call: &mut Call, reply: Reply) {
    let mut head = http::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        head = head.header(name, value);
    }
    call.answer(head).send_data(reply.body, true).expect("sent");
}

/// Both hosts, and the backend as the gateway sees them.
pub(super) struct Rig {
    pub(super) api: Host,
    pub(super) web: Host,
    pub(super) backend: Backend,
}

impl Rig {
    pub(super) async fn start(answer: Answer) -> Self {
        Self::gated(answer, None).await
    }

    /// Nobody gets an answer before so many ask as the gate says.
    pub(super) async fn gated(answer: Answer, gate: Option<Arc<Barrier>>) -> Self {
        let api = Host::start(answer, gate.clone()).await;
        let web = Host::start(answer, gate).await;
        let endpoints = Endpoints {
            api: api.origin(),
            agent: api.origin(),
            web: web.origin(),
            completion: CompletionEndpoints::at(&api.origin()),
            oauth_client_id: CLIENT_ID.to_owned(),
        };
        let backend = backend_of(endpoints, pool(TransportOptions::default()));
        Self { api, web, backend }
    }
}
