//! The service with a simulated backend, called through its router.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use accounts::{ClientKey, MarkTexts, PoolPolicy, Rotation};
use axum::Router;
use axum::body::Body;
use dialects::ImagePolicy;
use gateway::{Ambient, Beginning, Gateway, MemoryOptions, SuspendOptions};
use http::{HeaderMap, Method, Request};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use server::{App, Peer};
use simulator::{Config, Control, Simulator, tokens};
use store::MemoryStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tower::ServiceExt as _;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;
use upstream::transport::{Dialer, Origin, Pool, TransportOptions};
use upstream::{
    Backend, ChecksumAlphabet, ClientType, CompletionEndpoints, Endpoints, Flow, Identity,
};
use uuid::Uuid;

use crate::watch;

/// The administrator's key; as real ones, it has dashes.
pub(crate) const ADMIN: &str = "sk-admin-canary-0123456789";
pub(crate) const SHARED: &str = "sk-shared-canary-0123456789";

pub(crate) const ANN: &str = "user_01AAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const BOB: &str = "user_01BBBBBBBBBBBBBBBBBBBBBBBB";

pub(crate) fn session(user: &str) -> String {
    tokens::session_token(user, SystemTime::now() + Duration::from_secs(7200))
}

#[derive(Debug)]
pub(crate) struct Real;

impl Ambient for Real {
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        u64::try_from(since.as_millis()).expect("fits")
    }

    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let halves = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()];
        halves.concat().try_into().expect("32 bytes")
    }
}

fn gateway_options() -> gateway::Options {
    let call_window = Duration::from_millis(50);
    gateway::Options {
        first_message_timeout: Duration::from_secs(20),
        progress_timeout: Duration::from_secs(20),
        total_timeout: Duration::from_secs(60),
        max_turns: 100,
        max_attempts: 3,
        models_refresh: Duration::from_secs(600),
        usage_lookup: false,
        agent: AgentOptions {
            instructions: upstream::agent::InstructionChannel::default(),
            history: upstream::agent::HistoryChannel::default(),
            timezone: "UTC".into(),
            call_window,
        },
        chat: ChatOptions { call_window, ..ChatOptions::default() },
        suspend: SuspendOptions { timeout: Duration::from_secs(30), most: 100, bytes: 64 << 20 },
        memory: MemoryOptions { timeout: Duration::from_secs(600), most: 100, bytes: 64 << 20 },
        pool: PoolPolicy { rotation: Rotation::RoundRobin, ..PoolPolicy::default() },
        pool_wait: Duration::from_secs(2),
        texts: MarkTexts::parse("", ""),
        flow: Flow::Agent,
        usage_interval: Duration::ZERO,
        completion: gateway::CompletionOptions {
            first_event_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(20),
            region: accounts::Region::Us,
        },
        key_prefix: "sk-".into(),
        recording: gateway::RecordingOptions {
            enabled: true,
            content: false,
            content_limit: 1 << 10,
            retention: request_log::Retention::default(),
        },
        secrets: Vec::new(),
    }
}

pub(crate) fn server_options() -> server::Options {
    server::Options {
        key: ClientKey::new(ADMIN).expect("key"),
        shared_token: ClientKey::new(SHARED),
        auth_failures: 0,
        route_prefix: "/api".into(),
        body_limit: 4 << 20,
        body_timeout: Duration::from_secs(10),
        keep_alive: Duration::from_secs(15),
        images: ImagePolicy {
            max_bytes: 1 << 20,
            max_pixels: 1 << 20,
            max_count: 4,
            max_side: None,
            remote: false,
        },
        remote_images: server::RemoteImageOptions {
            timeout: Duration::from_secs(1),
            allow_private: false,
        },
        cors_origins: Vec::new(),
        logs_page: server::LogsPage::Default,
        responses: server::KeptOptions {
            timeout: Duration::from_secs(60),
            most: 100,
            bytes: 1 << 20,
        },
        health_page: server::Page::default(),
    }
}

/// Where the gateway asks, as whom, and how.
pub(crate) struct Setup {
    pub(crate) endpoints: Endpoints,
    pub(crate) identity: Identity,
    pub(crate) gateway: gateway::Options,
    pub(crate) server: server::Options,
    pub(crate) request_log: Option<Arc<dyn store::RequestLog>>,
    pub(crate) ambient: Arc<dyn Ambient>,
    pub(crate) store: Arc<MemoryStore>,
}

impl Setup {
    fn at(origin: &Origin) -> Self {
        let endpoints = Endpoints {
            api: origin.clone(),
            agent: origin.clone(),
            completion: CompletionEndpoints::at(origin),
            web: origin.clone(),
            oauth_client_id: "client-of-the-tests".into(),
        };
        let identity = Identity {
            client_version: "2.6.22".into(),
            client_type: ClientType::Ide,
            timezone: "UTC".into(),
            privacy_mode: true,
            checksum_alphabet: ChecksumAlphabet::default(),
            session_id: Uuid::from_u128(1),
            config_version: Uuid::from_u128(2),
        };
        Self {
            endpoints,
            identity,
            gateway: gateway_options(),
            server: server_options(),
            request_log: None,
            ambient: Arc::new(Real),
            store: Arc::default(),
        }
    }

    async fn open(self) -> (App, Gateway) {
        let pool = Pool::new(TransportOptions::default(), Dialer::default());
        let backend = Backend::new(pool, self.endpoints, self.identity);
        let telemetry = telemetry::Options { otlp: None, version: "test" };
        let telemetry = telemetry::Telemetry::start(telemetry, Arc::new(|_| false));
        let telemetry = telemetry.expect("telemetry");
        let (store, ambient) = (self.store, self.ambient);
        let beginning = Beginning {
            request_log: self.request_log,
            observer: Some(Arc::new(telemetry.clone())),
            ..Beginning::default()
        };
        let opened =
            Gateway::open(backend, store, beginning, self.gateway, Arc::clone(&ambient)).await;
        let gateway = opened.expect("a gateway");
        (App::new(gateway.clone(), self.server, ambient, telemetry), gateway)
    }
}

/// A simulated backend on a port of its own, until the tasks end.
pub(crate) async fn simulate(tasks: &mut JoinSet<()>) -> (Origin, Control) {
    let any = "127.0.0.1:0".parse().expect("address");
    let simulator = Simulator::bind(any, Config::default()).await.expect("a free port");
    let url = format!("http://{}", simulator.local_addr());
    let control = simulator.control();
    tasks.spawn(simulator.serve(std::future::pending()));
    (Origin::parse(&url).expect("origin"), control)
}

/// The service; everything ends with the test.
pub(crate) struct Rig {
    pub(crate) app: App,
    pub(crate) gateway: Gateway,
    pub(crate) control: Control,
    pub(crate) router: Router,
    _tasks: JoinSet<()>,
}

impl Rig {
    /// Without accounts.
    pub(crate) async fn empty() -> Self {
        Self::with(|_| ()).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut server::Options)) -> Self {
        Self::set_up(|setup| change(&mut setup.server)).await
    }

    pub(crate) async fn set_up(change: impl FnOnce(&mut Setup)) -> Self {
        watch::install();
        let mut tasks = JoinSet::new();
        let (origin, control) = simulate(&mut tasks).await;
        let mut setup = Setup::at(&origin);
        change(&mut setup);
        let (app, gateway) = setup.open().await;
        let router = server::router(app.clone());
        Self { app, gateway, control, router, _tasks: tasks }
    }

    /// With the accounts `ann` and `bob`.
    pub(crate) async fn new() -> Self {
        Self::empty().await.peopled().await
    }

    pub(crate) async fn peopled(self) -> Self {
        let tokens = json!({"tokens": [
            {"alias": "ann", "token": session(ANN)}, {"alias": "bob", "token": session(BOB)}]});
        let added = self.post("/tokens/add", &tokens).await;
        assert_eq!((added.status, &added.json()["tokens_count"]), (200, &json!(2)), "{added:?}");
        self
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let sent = Box::pin(self.router.clone().oneshot(request));
        let response = tokio::time::timeout(Duration::from_secs(20), sent).await;
        let (head, body) = response.expect("in time").expect("infallible").into_parts();
        let bytes = body.collect().await.expect("a whole body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answer { status: head.status.as_u16(), headers: head.headers, text }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        self.send(request(method, path, headers, body)).await
    }

    /// As the administrator.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {ADMIN}");
        let headers = [&[("authorization", bearer.as_str())], headers].concat();
        self.call("POST", path, &headers, &body.to_string()).await
    }

    /// A turn that the simulator answers, as the holder of a key.
    pub(crate) async fn chat(&self, key: &str) -> Answer {
        let body = json!({"model": "gpt-5", "messages": [{"role": "user", "content": "hello"}]});
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str())];
        self.call("POST", "/v1/chat/completions", &headers, &body.to_string()).await
    }

    /// A managed key.
    pub(crate) async fn key(&self, body: &Value) -> Key {
        let created = self.post("/keys/create", body).await;
        assert_eq!(created.status, 200, "{created:?}");
        let json = created.json();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        Key { id: text(&json["id"]), forms: [0, 1, 2].map(|at| text(&json["keys"][at])) }
    }

    /// Aliases in the order of `/tokens/get`.
    pub(crate) async fn aliases(&self) -> Vec<String> {
        let json = self.post("/tokens/get", &json!({})).await.json();
        let rows = json["tokens"].as_array().expect("rows").iter();
        rows.map(|row| row[1].as_str().expect("alias").to_owned()).collect()
    }

    /// An account as `/tokens/get` shows it.
    pub(crate) async fn account(&self, alias: &str) -> Value {
        let json = self.post("/tokens/get", &json!({})).await.json();
        let rows = json["tokens"].as_array().expect("rows");
        rows.iter().find(|row| row[1] == alias).expect("the account")[2].clone()
    }
}

/// A key in its three forms.
pub(crate) struct Key {
    pub(crate) id: String,
    pub(crate) forms: [String; 3],
}

pub(crate) fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Request<Body> {
    let mut request =
        Request::builder().method(Method::try_from(method).expect("method")).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).expect("request");
    request.extensions_mut().insert(Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    request
}

/// `GET` over a socket of its own; the answer as it comes.
pub(crate) async fn fetch(address: &str, path: &str, headers: &str) -> String {
    let fetched = async {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("answered");
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(Duration::from_secs(20), fetched).await.expect("in time")
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("text"))
    }
}
