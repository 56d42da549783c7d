//! A gateway with accounts, a simulated backend behind it, and waiting with a deadline.

mod supplies;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use accounts::{Mark, MarkTexts, PoolPolicy, Rotation};
use conversation::{BlockKind, Event, Failure, Fold, Grammar, Reply, Turn};
use gateway::{
    AccountInput, AccountView, Ambient, Answer, Arrival, Ask, Beginning, ClientId,
    CompletionOptions, Gateway, Grant, MemoryOptions, Options, Recording, RecordingOptions,
    SuspendOptions,
};
use simulator::{AccountBehaviour, CallOutcome, Config, Control, Simulator, tokens};
use store::{MemoryStore, Store};
use tokio::task::JoinSet;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;
use upstream::transport::{Dialer, Origin, Pool, TransportOptions};
use upstream::{
    Backend, ChecksumAlphabet, ClientType, CompletionEndpoints, Endpoints, Flow, Identity,
};
use uuid::Uuid;

pub(crate) use supplies::{input, jump, jump_until, memory, names, session_for, sqlite};

/// The longest a test waits for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) const FLOWS: [Flow; 2] = [Flow::Agent, Flow::Chat];

pub(crate) const ANN: &str = "user_01AAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const BOB: &str = "user_01BBBBBBBBBBBBBBBBBBBBBBBB";

/// Waits for a future that must not take long.
pub(crate) async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    within(PATIENCE, what, future).await
}

pub(crate) async fn within<T>(limit: Duration, what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(limit, Box::pin(future)).await {
        Ok(value) => value,
        Err(_) => panic!("{what} took longer than {limit:?}"),
    }
}

/// Waits for a state.
pub(crate) async fn until(limit: Duration, what: &str, state: impl Fn() -> bool) {
    within(limit, what, async {
        while !state() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// The real clock, which a test can put forward or back.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    offset_seconds: AtomicI64,
}

impl Clock {
    pub(crate) fn shift(&self, seconds: i64) {
        self.offset_seconds.store(seconds, Ordering::SeqCst);
    }
}

impl Ambient for Clock {
    fn unix_ms(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let offset = self.offset_seconds.load(Ordering::SeqCst) * 1000;
        u64::try_from(since.as_millis()).expect("fits").saturating_add_signed(offset)
    }

    fn uuid(&self) -> Uuid {
        Uuid::new_v4()
    }

    fn secret_bytes(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        bytes[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        bytes
    }
}

/// Parallel calls of the simulator come together.
const CALL_WINDOW: Duration = Duration::from_millis(50);

pub(crate) fn options() -> Options {
    Options {
        first_message_timeout: Duration::from_secs(20),
        progress_timeout: Duration::from_secs(20),
        total_timeout: Duration::from_secs(60),
        max_turns: 100,
        max_attempts: 3,
        models_refresh: Duration::from_secs(600),
        usage_lookup: true,
        agent: AgentOptions {
            instructions: upstream::agent::InstructionChannel::default(),
            history: upstream::agent::HistoryChannel::default(),
            timezone: "UTC".into(),
            call_window: CALL_WINDOW,
        },
        chat: ChatOptions { call_window: CALL_WINDOW, ..ChatOptions::default() },
        suspend: SuspendOptions { timeout: Duration::from_secs(30), most: 100, bytes: 64 << 20 },
        memory: MemoryOptions { timeout: Duration::from_secs(600), most: 100, bytes: 64 << 20 },
        pool: PoolPolicy { rotation: Rotation::RoundRobin, ..PoolPolicy::default() },
        pool_wait: Duration::from_secs(2),
        texts: MarkTexts::parse("", ""),
        flow: Flow::Agent,
        usage_interval: Duration::ZERO,
        key_prefix: "sk-".into(),
        completion: CompletionOptions {
            first_event_timeout: Duration::from_secs(10),
            total_timeout: Duration::from_secs(20),
            region: accounts::Region::Us,
        },
        recording: RecordingOptions {
            enabled: true,
            content: false,
            content_limit: 1 << 10,
            retention: request_log::Retention::default(),
        },
        secrets: Vec::new(),
    }
}

pub(crate) fn session(user: &str) -> String {
    tokens::session_token(user, SystemTime::now() + Duration::from_secs(3600))
}

/// A gateway over the pool, to whatever listens at `url`.
pub(crate) async fn gateway(
    url: &str,
    flow: Flow,
    credentials: &[&str],
    options: Options,
    clock: Arc<Clock>,
) -> Gateway {
    let declared = declared(credentials);
    open(url, Options { flow, ..options }, clock, Arc::new(MemoryStore::new()), declared).await
}

/// Accounts under the names `account-0` and so on.
pub(crate) fn declared(credentials: &[&str]) -> Vec<AccountInput> {
    let inputs = credentials.iter().enumerate().map(|(number, credential)| AccountInput {
        alias: Some(format!("account-{number}")),
        primary: Some((*credential).into()),
        ..AccountInput::default()
    });
    inputs.collect()
}

/// A gateway with what a store keeps.
pub(crate) async fn open(
    url: &str,
    options: Options,
    clock: Arc<Clock>,
    store: Arc<dyn Store>,
    declared: Vec<AccountInput>,
) -> Gateway {
    let beginning = Beginning { declared, ..Beginning::default() };
    begin(url, options, clock, store, beginning).await
}

/// A gateway that begins with all this.
pub(crate) async fn begin(
    url: &str,
    options: Options,
    clock: Arc<Clock>,
    store: Arc<dyn Store>,
    beginning: Beginning,
) -> Gateway {
    let origin = Origin::parse(url).expect("origin");
    let identity = Identity {
        client_version: "2.6.22".into(),
        client_type: ClientType::Ide,
        timezone: "UTC".into(),
        privacy_mode: true,
        checksum_alphabet: ChecksumAlphabet::default(),
        session_id: Uuid::from_u128(1),
        config_version: Uuid::from_u128(2),
    };
    let pool = Pool::new(TransportOptions::default(), Dialer::default());
    let endpoints = Endpoints {
        api: origin.clone(),
        agent: origin.clone(),
        completion: CompletionEndpoints::at(&origin),
        web: origin,
        // The one that the simulated backend knows.
        oauth_client_id: "KbZUR41cY7W6zRSdpSUJ7I7mLYBKOCmB".into(),
    };
    let backend = Backend::new(pool, endpoints, identity);
    Gateway::open(backend, store, beginning, options, clock).await.expect("a gateway")
}

/// Gateway and simulated backend; both end with the test.
pub(crate) struct Rig {
    pub(crate) gateway: Gateway,
    pub(crate) control: Control,
    pub(crate) clock: Arc<Clock>,
    pub(crate) url: String,
    _tasks: JoinSet<()>,
}

impl Rig {
    /// Two accounts, Ann's first.
    pub(crate) async fn new(flow: Flow) -> Self {
        Self::with(flow, options()).await
    }

    pub(crate) async fn with(flow: Flow, options: Options) -> Self {
        let credentials = [session(ANN), session(BOB)];
        let credentials: Vec<&str> = credentials.iter().map(String::as_str).collect();
        Self::start(flow, &credentials, options, Config::default()).await
    }

    pub(crate) async fn start(
        flow: Flow,
        credentials: &[&str],
        options: Options,
        config: Config,
    ) -> Self {
        let options = Options { flow, ..options };
        let store = Arc::new(MemoryStore::new());
        Self::over(store, declared(credentials), options, config).await
    }

    /// With a store and accounts that the settings declare.
    pub(crate) async fn over(
        store: Arc<dyn Store>,
        declared: Vec<AccountInput>,
        options: Options,
        config: Config,
    ) -> Self {
        let beginning = Beginning { declared, ..Beginning::default() };
        Self::beginning(store, beginning, options, config).await
    }

    /// With all that a gateway may begin with.
    pub(crate) async fn beginning(
        store: Arc<dyn Store>,
        beginning: Beginning,
        options: Options,
        config: Config,
    ) -> Self {
        let any = "127.0.0.1:0".parse().expect("address");
        let simulator = Simulator::bind(any, config).await.expect("a free port");
        let (url, control) = (format!("http://{}", simulator.local_addr()), simulator.control());
        let mut tasks = JoinSet::new();
        tasks.spawn(simulator.serve(std::future::pending()));
        let clock = Arc::new(Clock::default());
        let gateway = begin(&url, options, Arc::clone(&clock), store, beginning).await;
        Self { gateway, control, clock, url, _tasks: tasks }
    }

    /// Stops the gateway and starts another one over what the store keeps.
    pub(crate) async fn restart(
        &mut self,
        store: Arc<dyn Store>,
        declared: Vec<AccountInput>,
        options: Options,
    ) {
        soon("the end", self.gateway.shut_down(Duration::from_secs(1))).await;
        self.gateway = open(&self.url, options, Arc::clone(&self.clock), store, declared).await;
    }

    pub(crate) fn treat(&self, user: &str, behaviour: AccountBehaviour) {
        self.control.set_account(user, behaviour);
    }

    /// Asks and reads the whole answer.
    pub(crate) async fn ask(&self, prompt: &str) -> Result<Reply, Failure> {
        Box::pin(self.ask_turn(turn(prompt))).await
    }

    pub(crate) async fn ask_turn(&self, turn: Turn) -> Result<Reply, Failure> {
        Box::pin(self.ask_as(&grant(), turn)).await.0
    }

    /// The same for somebody else, with what the administrator is told of it.
    pub(crate) async fn ask_as(
        &self,
        grant: &Arc<Grant>,
        turn: Turn,
    ) -> (Result<Reply, Failure>, Recording) {
        let report = self.gateway.record(arrival(), grant);
        let ask = Ask::new(Arc::clone(grant), turn).recorded(report.clone());
        let answer = match soon("the beginning", self.gateway.answer(ask)).await {
            Ok(answer) => answer,
            Err(failure) => return (Err(failure), report),
        };
        let seen = read(answer).await;
        (seen.result.map(|()| seen.reply.expect("whole")), report)
    }

    /// The account as the administrator sees it.
    pub(crate) fn account(&self, alias: &str) -> AccountView {
        self.gateway.account(alias).unwrap_or_else(|| panic!("no account {alias}"))
    }

    pub(crate) fn mark(&self, alias: &str) -> Option<Mark> {
        self.account(alias).record.mark.clone()
    }

    /// The answer once its beginning is there.
    pub(crate) async fn begin(&self, prompt: &str) -> Result<Answer, Failure> {
        soon("the beginning", self.gateway.answer(asked(prompt))).await
    }

    /// Users and outcomes of the streams so far.
    pub(crate) fn streams(&self) -> Vec<(String, CallOutcome)> {
        let is_stream = |path: &str| path == upstream::agent::PATH || path == upstream::chat::PATH;
        self.control
            .calls()
            .into_iter()
            .filter(|call| is_stream(&call.path))
            .map(|call| (call.user.unwrap_or_default(), call.outcome))
            .collect()
    }

    pub(crate) fn users(&self) -> Vec<String> {
        self.streams().into_iter().map(|(user, _)| user).collect()
    }

    /// How often a path was called.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.control.calls().iter().filter(|call| call.path.ends_with(path)).count()
    }

    /// Invariant: however turns ended, everything is given back.
    pub(crate) async fn settled(&self) {
        until(PATIENCE, "everything to be given back", || {
            let stats = self.gateway.stats();
            (stats.active, stats.leases) == (0, 0) && self.control.active_streams() == 0
        })
        .await;
    }
}

/// A request of a chat client.
pub(crate) fn arrival() -> Arrival {
    let (dialect, endpoint) = (request_log::Dialect::OpenAiChat, "/v1/chat/completions");
    Arrival { request_id: "req_test".into(), dialect, endpoint, trace: None }
}

/// Whose requests these are.
pub(crate) const CLIENT: &str = "client";

pub(crate) fn grant() -> Arc<Grant> {
    of_client(CLIENT)
}

pub(crate) fn of_client(name: &str) -> Arc<Grant> {
    Arc::new(Grant::operator(ClientId::new(name)))
}

pub(crate) fn turn(prompt: &str) -> Turn {
    Turn::of_text("gpt-5", prompt)
}

pub(crate) fn asked(prompt: &str) -> Ask {
    Ask::new(grant(), turn(prompt))
}

/// What a reader saw of an answer.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) text: String,
    pub(crate) reply: Option<Reply>,
    pub(crate) result: Result<(), Failure>,
}

/// Reads to the end; the events must be legal.
pub(crate) async fn read(mut answer: Answer) -> Seen {
    let (mut grammar, mut fold) = (Grammar::default(), Fold::default());
    let mut text = String::new();
    let mut in_text = false;
    let mut result = Ok(());
    while let Some(batch) = soon("the next events", answer.next()).await {
        assert!(result.is_ok() && !grammar.is_ended(), "nothing follows the end");
        match batch {
            Ok(events) => {
                for event in events {
                    grammar.accept(&event).expect("legal events");
                    match &event {
                        Event::Opened(kind) => in_text = *kind == BlockKind::Text,
                        Event::Delta(delta) if in_text => text.push_str(delta),
                        _ => {}
                    }
                    fold.push(event).expect("legal events");
                }
            }
            Err(failure) => result = Err(failure),
        }
    }
    assert!(grammar.is_ended() || result.is_err(), "an answer that merely stops: {text}");
    Seen { text, reply: fold.finish().ok(), result }
}
