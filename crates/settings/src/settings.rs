//! The settings as the gateway uses them: parsed, complete, legal.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::raw::Origin;

/// Everything the gateway was told, validated.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    pub auth_token: Option<SecretString>,
    pub shared_token: Option<SecretString>,
    /// Wrong keys from one address in a minute.
    pub auth_failures: u32,
    pub key_prefix: String,
    pub store: StoreSettings,
    pub pool: PoolSettings,
    /// Begins with a slash, or empty.
    pub route_prefix: String,
    pub data_dir: PathBuf,
    pub log: LogSettings,
    pub request_log: RequestLogSettings,
    /// Where metrics are served without a key; `None` for nowhere.
    pub metrics_listen: Option<SocketAddr>,
    pub otlp: OtlpSettings,
    pub pages: PageSettings,
    pub upstream: UpstreamSettings,
    pub completion: CompletionSettings,
    pub timeouts: Timeouts,
    pub limits: Limits,
    pub models_refresh: Duration,
    pub tools: ToolSettings,
    pub conversations: Bounds,
    pub responses: Bounds,
    pub images: ImageSettings,
    /// Origins whose pages may call the gateway; `*` for all.
    pub cors_origins: Vec<String>,
    pub accounts: Vec<AccountSettings>,
}

/// Where the key to the kept secrets is.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    pub key: Option<SecretString>,
    pub key_file: Option<PathBuf>,
}

/// How accounts are chosen and marked.
#[derive(Debug, Clone)]
pub struct PoolSettings {
    pub rotation: Rotation,
    pub active: NonZeroUsize,
    pub concurrency: Option<NonZeroU32>,
    pub pace: Duration,
    pub wait: Duration,
    /// One text per line; empty for the built-in ones.
    pub limit_texts: String,
    pub abnormal_texts: String,
    pub usage_interval: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rotation {
    Sticky,
    Fixed,
    RoundRobin,
    LeastBusy,
}

#[derive(Debug, Clone)]
pub struct LogSettings {
    pub filter: String,
    pub format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

/// The record of client requests. Zero stands for no bound, but for `content_limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLogSettings {
    pub enabled: bool,
    /// Whether prompts, answers and thinking are kept.
    pub content: bool,
    /// Bytes of each of them; zero keeps nothing.
    pub content_limit: usize,
    pub age: Duration,
    pub rows: u64,
    pub bytes: u64,
}

/// Where traces and metrics are sent.
#[derive(Debug, Clone)]
pub struct OtlpSettings {
    /// `None` sends nothing.
    pub endpoint: Option<String>,
    /// Name and value.
    pub headers: Vec<(String, SecretString)>,
    pub traces: bool,
    pub metrics: bool,
    pub interval: Duration,
    pub service_name: String,
}

/// What some pages answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageSettings {
    pub health: HealthPage,
    pub logs: LogsPage,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HealthPage {
    Json,
    Text,
    Html,
}

/// What `GET /logs` answers; the file is there for the other two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogsPage {
    Default,
    Text(PathBuf),
    Html(PathBuf),
}

#[derive(Debug, Clone)]
pub struct UpstreamSettings {
    pub api_url: String,
    pub agent_url: String,
    pub web_url: String,
    pub oauth_client_id: String,
    pub ca_file: Option<PathBuf>,
    pub flow: Flow,
    pub client_version: String,
    pub client_type: ClientType,
    pub timezone: String,
    pub privacy_mode: bool,
    pub checksum_alphabet: ChecksumAlphabet,
    pub instructions: InstructionChannel,
    pub history: HistoryChannel,
    pub allow_model_fallbacks: bool,
    pub usage_lookup: bool,
    pub web_references: bool,
    pub max_streams: usize,
    pub max_message_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    Agent,
    Chat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientType {
    Ide,
    Cli,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumAlphabet {
    UrlSafe,
    Standard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InstructionChannel {
    CloudRule,
    UserText,
    CustomSystemPrompt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HistoryChannel {
    RootBlobs,
    ConversationHistory,
}

/// Code completion and file sync of editors.
#[derive(Debug, Clone)]
pub struct CompletionSettings {
    pub asia_url: String,
    pub eu_url: String,
    pub us_url: String,
    pub config_url: String,
    /// Where calls go when neither key nor account names a region.
    pub region: CompletionRegion,
    pub first_event_timeout: Duration,
    pub total_timeout: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompletionRegion {
    Asia,
    Eu,
    Us,
}

#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    pub connect: Duration,
    pub first_message: Duration,
    pub progress: Duration,
    pub total: Duration,
    pub ping_interval: Duration,
    pub ping: Duration,
    pub idle_connection: Duration,
    pub request_body: Duration,
    pub keep_alive: Duration,
    pub shutdown: Duration,
}

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub body_bytes: usize,
    pub image_bytes: usize,
    pub image_pixels: u64,
    /// Pixels; `None` scales nothing.
    pub image_side: Option<NonZeroU32>,
    pub images: usize,
    pub turns: usize,
    pub attempts: usize,
}

/// One account as written; its credential is parsed where credentials are known.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    pub alias: String,
    pub credential: SecretString,
    /// Overrides `upstream.flow`.
    pub flow: Option<Flow>,
    /// Overrides `upstream.timezone`.
    pub timezone: Option<String>,
    /// The key under which problems with it are reported, `accounts[0]`.
    pub key: String,
    pub origin: Origin,
}

/// Calls of the clients' tools.
#[derive(Debug, Clone, Copy)]
pub struct ToolSettings {
    /// Streams that wait for results; no timeout switches the waiting off.
    pub suspended: Bounds,
    pub call_window: Duration,
}

/// What is kept in memory, and how much of it at most.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub timeout: Duration,
    pub most: usize,
    pub bytes: usize,
}

#[derive(Debug, Clone, Copy)]
pub struct ImageSettings {
    pub remote: bool,
    /// Whether pictures may also come from addresses that are not public.
    pub remote_private: bool,
    pub remote_timeout: Duration,
}
