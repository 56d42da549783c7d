//! What a gateway is told, and what it tells of itself.

use std::sync::Arc;
use std::time::Duration;

use accounts::{MarkTexts, PoolPolicy};
use request_log::Observer;
use secrecy::SecretString;
use store::RequestLog;
use upstream::Flow;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;
use upstream::transport::SystemProxies;

use crate::admin::AccountInput;
use crate::completion::CompletionOptions;
use crate::memories::MemoryOptions;
use crate::recorder::{LogStats, RecordingOptions};
use crate::suspended::SuspendOptions;

/// Waits and limits of turns.
#[derive(Debug, Clone)]
pub struct Options {
    pub first_message_timeout: Duration,
    pub progress_timeout: Duration,
    pub total_timeout: Duration,
    /// Most answers in progress at once.
    pub max_turns: usize,
    /// Most accounts tried for one request.
    pub max_attempts: usize,
    pub models_refresh: Duration,
    /// Whether to ask for the tokens of a finished turn where the stream does not tell them.
    pub usage_lookup: bool,
    pub agent: AgentOptions,
    pub chat: ChatOptions,
    pub suspend: SuspendOptions,
    pub memory: MemoryOptions,
    pub pool: PoolPolicy,
    /// How long a turn waits while all accounts that could serve it are busy.
    pub pool_wait: Duration,
    /// Words in a failure that mark an account.
    pub texts: MarkTexts,
    /// For accounts that name no flow.
    pub flow: Flow,
    /// How often the usage of accounts is read; zero never.
    pub usage_interval: Duration,
    /// In front of the text of client keys.
    pub key_prefix: String,
    pub completion: CompletionOptions,
    pub recording: RecordingOptions,
    /// Texts that are told and kept nowhere, whoever says them: the operator's own keys.
    pub secrets: Vec<SecretString>,
}

/// What a gateway begins with, besides what its store holds.
#[derive(Debug, Default)]
pub struct Beginning {
    /// What the environment says of proxies.
    pub system_proxies: SystemProxies,
    /// Accounts that the settings declare.
    pub declared: Vec<AccountInput>,
    /// Where the request log is kept.
    pub request_log: Option<Arc<dyn RequestLog>>,
    /// Is told of every request that is over.
    pub observer: Option<Arc<dyn Observer>>,
}

/// Figures since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub total: u64,
    pub active: usize,
    pub failed: u64,
    /// Accounts in use, each as often as it is.
    pub leases: usize,
    /// Streams that wait for the results of a client's tools.
    pub suspended: usize,
    /// Open connections to the upstream.
    pub connections: usize,
    pub log: LogStats,
}
