//! Waiting with a deadline, a pool with short waits, and a simulator in the test's runtime.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use simulator::{Config, Control, Simulator, tokens};
use tokio::task::JoinSet;
use upstream::transport::{Dialer, Origin, Pool, TransportOptions, Via};
use upstream::{
    Backend, CallStamp, Caller, ChecksumAlphabet, ClientType, CompletionEndpoints, Endpoints,
    Identity, MachineIds,
};
use uuid::Uuid;

pub(crate) const USER: &str = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";

/// As which client the tests refresh tokens.
pub(crate) const CLIENT_ID: &str = "client-of-the-tests";

/// The longest a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for a future that must not take long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {PATIENCE:?}"),
    }
}

/// Waits for a state.
pub(crate) async fn until(what: &str, state: impl Fn() -> bool) {
    soon(what, async {
        while !state() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

pub(crate) fn pool(options: TransportOptions) -> Pool {
    Pool::new(options, Dialer::default())
}

pub(crate) fn origin(address: SocketAddr) -> Origin {
    Origin::parse(&format!("http://{address}")).expect("origin")
}

/// A simulator that stops with the test.
pub(crate) struct Simulated {
    pub(crate) address: SocketAddr,
    pub(crate) control: Control,
    _tasks: JoinSet<()>,
}

impl Simulated {
    pub(crate) async fn start(config: Config) -> Self {
        let any = "127.0.0.1:0".parse().expect("address");
        let simulator = Simulator::bind(any, config).await.expect("a free port");
        let (address, control) = (simulator.local_addr(), simulator.control());
        let mut tasks = JoinSet::new();
        tasks.spawn(simulator.serve(std::future::pending()));
        Self { address, control, _tasks: tasks }
    }

    /// The backend as the gateway sees this simulator.
    pub(crate) fn backend(&self) -> Backend {
        backend(origin(self.address), pool(TransportOptions::default()))
    }
}

pub(crate) fn backend(origin: Origin, pool: Pool) -> Backend {
    let endpoints = Endpoints {
        api: origin.clone(),
        agent: origin.clone(),
        completion: CompletionEndpoints::at(&origin),
        web: origin,
        oauth_client_id: CLIENT_ID.to_owned(),
    };
    backend_of(endpoints, pool)
}

pub(crate) fn backend_of(endpoints: Endpoints, pool: Pool) -> Backend {
    let identity = Identity {
        client_version: "2.6.22".into(),
        client_type: ClientType::Ide,
        timezone: "UTC".into(),
        privacy_mode: true,
        checksum_alphabet: ChecksumAlphabet::default(),
        session_id: Uuid::from_u128(1),
        config_version: Uuid::from_u128(2),
    };
    Backend::new(pool, endpoints, identity)
}

/// A caller that the simulator accepts.
pub(crate) fn caller() -> Caller {
    let token = tokens::session_token(USER, SystemTime::now() + Duration::from_secs(3600));
    Caller {
        bearer: token.into(),
        machine: MachineIds::derive(USER),
        timezone: None,
        client_key: None,
        session_id: None,
        config_version: None,
        via: Via::Direct,
    }
}

pub(crate) fn stamp() -> CallStamp {
    CallStamp { unix_ms: 1_769_525_000_000, request_id: Uuid::from_u128(3) }
}
