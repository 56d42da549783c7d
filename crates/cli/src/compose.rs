//! Puts the gateway together from its settings. The one place that knows all parts.

use std::sync::Arc;
use std::time::Duration;

use accounts::{ClientKey, Credential, MarkTexts, PoolPolicy, Region, Rotation};
use dialects::ImagePolicy;
use gateway::{
    AccountInput, AdminError, Ambient as _, Beginning, CompletionOptions, Gateway, MemoryOptions,
    SuspendOptions,
};
use secrecy::ExposeSecret as _;
use server::App;
use settings::Settings;
use store::{KeySource, SqliteStore, Store, StoreError};
use telemetry::Telemetry;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;
use upstream::transport::{Dialer, Origin, Pool, SystemProxies, TransportOptions};
use upstream::{Backend, CompletionEndpoints, Endpoints, Identity};

use crate::ambient::SystemAmbient;
use crate::terminal::Refused;

/// The parts that run.
pub(crate) struct Composition {
    pub(crate) gateway: Gateway,
    pub(crate) app: App,
    /// How long running answers may finish.
    pub(crate) grace: Duration,
}

/// What there must be before the database is looked for: a start that is refused makes none.
pub(crate) struct Parts {
    key: ClientKey,
    backend: Backend,
    beginning: Beginning,
    ambient: Arc<SystemAmbient>,
}

/// # Errors
/// A setting cannot be used; all that are wrong are named.
pub(crate) async fn compose(settings: &Settings) -> Result<Composition, Refused> {
    let parts = parts(settings)?;
    let store = open_store(settings).map_err(|error| store_problem(settings, &error))?;
    assemble(settings, parts, store).await
}

/// # Errors
/// A setting cannot be used.
pub(crate) fn parts(settings: &Settings) -> Result<Parts, Refused> {
    let ambient = Arc::new(SystemAmbient);
    let token = settings.auth_token.as_ref();
    let key = token.and_then(|token| ClientKey::new(token.expose_secret())).ok_or_else(|| {
        Refused(
            "auth_token is not set. Without a key the gateway would be open to everybody; \
             set AUTH_TOKEN or auth_token in the settings file."
                .to_owned(),
        )
    })?;
    let backend = backend(settings, &ambient)?;
    let beginning = Beginning { system_proxies: system_proxies()?, declared: declared(settings)? };
    Ok(Parts { key, backend, beginning, ambient })
}

/// # Errors
/// What the settings declare cannot be kept.
pub(crate) async fn assemble(
    settings: &Settings,
    parts: Parts,
    store: SqliteStore,
) -> Result<Composition, Refused> {
    let Parts { key, backend, beginning, ambient } = parts;
    let store: Arc<dyn Store> = Arc::new(store);
    let gateway = Gateway::open(backend, store, beginning, options(settings), ambient.clone())
        .await
        .map_err(|error| Refused(place(settings, &error)))?;
    let limits = settings.limits;
    let options = server::Options {
        key,
        shared_token: settings
            .shared_token
            .as_ref()
            .and_then(|token| ClientKey::new(token.expose_secret())),
        auth_failures: settings.auth_failures,
        route_prefix: settings.route_prefix.clone(),
        body_limit: limits.body_bytes,
        body_timeout: settings.timeouts.request_body,
        keep_alive: settings.timeouts.keep_alive,
        images: ImagePolicy {
            max_bytes: limits.image_bytes,
            max_pixels: limits.image_pixels,
            max_count: limits.images,
            max_side: limits.image_side,
            remote: settings.images.remote,
        },
        remote_images: server::RemoteImageOptions {
            timeout: settings.images.remote_timeout,
            allow_private: settings.images.remote_private,
        },
        cors_origins: settings.cors_origins.clone(),
        responses: server::KeptOptions {
            timeout: settings.responses.timeout,
            most: settings.responses.most,
            bytes: settings.responses.bytes,
        },
    };
    let known = gateway.clone();
    let knows = Arc::new(move |model: &str| known.catalogue().find(model).is_some());
    let version = env!("CARGO_PKG_VERSION");
    let telemetry = Telemetry::start(telemetry::Options { otlp: None, version }, knows)
        .map_err(|error| Refused(error.to_string()))?;
    let app = App::new(gateway.clone(), options, ambient, telemetry);
    Ok(Composition { gateway, app, grace: settings.timeouts.shutdown })
}

fn backend(settings: &Settings, ambient: &SystemAmbient) -> Result<Backend, Refused> {
    let (upstream, completion) = (&settings.upstream, &settings.completion);
    let timeouts = settings.timeouts;
    let origin = |key: &str, url: &str| {
        Origin::parse(url).map_err(|error| Refused(format!("{key}: {error}")))
    };
    let endpoints = Endpoints {
        api: origin("upstream.api_url", &upstream.api_url)?,
        agent: origin("upstream.agent_url", &upstream.agent_url)?,
        web: origin("upstream.web_url", &upstream.web_url)?,
        completion: CompletionEndpoints {
            asia: origin("completion.asia_url", &completion.asia_url)?,
            eu: origin("completion.eu_url", &completion.eu_url)?,
            us: origin("completion.us_url", &completion.us_url)?,
            config: origin("completion.config_url", &completion.config_url)?,
        },
        oauth_client_id: upstream.oauth_client_id.clone(),
    };
    if let Some(path) = &upstream.ca_file
        && let Err(error) = std::fs::metadata(path)
    {
        return Err(Refused(format!("upstream.ca_file: {}: {error}", path.display())));
    }
    let options = TransportOptions {
        connect_timeout: timeouts.connect,
        ping_interval: timeouts.ping_interval,
        ping_timeout: timeouts.ping,
        idle_timeout: timeouts.idle_connection,
        max_streams: upstream.max_streams,
        max_message_bytes: upstream.max_message_bytes,
    };
    let identity = Identity {
        client_version: upstream.client_version.clone(),
        client_type: match upstream.client_type {
            settings::ClientType::Ide => upstream::ClientType::Ide,
            settings::ClientType::Cli => upstream::ClientType::Cli,
        },
        timezone: upstream.timezone.clone(),
        privacy_mode: upstream.privacy_mode,
        checksum_alphabet: match upstream.checksum_alphabet {
            settings::ChecksumAlphabet::UrlSafe => upstream::ChecksumAlphabet::UrlSafe,
            settings::ChecksumAlphabet::Standard => upstream::ChecksumAlphabet::Standard,
        },
        session_id: ambient.uuid(),
        config_version: ambient.uuid(),
    };
    let pool = Pool::new(options, Dialer::new(upstream.ca_file.clone()));
    Ok(Backend::new(pool, endpoints, identity))
}

fn options(settings: &Settings) -> gateway::Options {
    let upstream = &settings.upstream;
    let timeouts = settings.timeouts;
    let (policy, texts) = pool(settings);
    gateway::Options {
        first_message_timeout: timeouts.first_message,
        progress_timeout: timeouts.progress,
        total_timeout: timeouts.total,
        max_turns: settings.limits.turns,
        max_attempts: settings.limits.attempts,
        models_refresh: settings.models_refresh,
        usage_lookup: upstream.usage_lookup,
        agent: AgentOptions {
            instructions: match upstream.instructions {
                settings::InstructionChannel::CloudRule => {
                    upstream::agent::InstructionChannel::CloudRule
                }
                settings::InstructionChannel::UserText => {
                    upstream::agent::InstructionChannel::UserText
                }
                settings::InstructionChannel::CustomSystemPrompt => {
                    upstream::agent::InstructionChannel::CustomSystemPrompt
                }
            },
            history: match upstream.history {
                settings::HistoryChannel::RootBlobs => upstream::agent::HistoryChannel::RootBlobs,
                settings::HistoryChannel::ConversationHistory => {
                    upstream::agent::HistoryChannel::ConversationHistory
                }
            },
            timezone: upstream.timezone.clone(),
            call_window: settings.tools.call_window,
        },
        chat: ChatOptions {
            allow_model_fallbacks: upstream.allow_model_fallbacks,
            call_window: settings.tools.call_window,
            web_references: upstream.web_references,
            slow_pool: None,
        },
        suspend: SuspendOptions {
            timeout: settings.tools.suspended.timeout,
            most: settings.tools.suspended.most,
            bytes: settings.tools.suspended.bytes,
        },
        memory: MemoryOptions {
            timeout: settings.conversations.timeout,
            most: settings.conversations.most,
            bytes: settings.conversations.bytes,
        },
        pool: policy,
        pool_wait: settings.pool.wait,
        texts,
        flow: match upstream.flow {
            settings::Flow::Agent => upstream::Flow::Agent,
            settings::Flow::Chat => upstream::Flow::Chat,
        },
        usage_interval: settings.pool.usage_interval,
        key_prefix: settings.key_prefix.clone(),
        completion: CompletionOptions {
            first_event_timeout: settings.completion.first_event_timeout,
            total_timeout: settings.completion.total_timeout,
            region: match settings.completion.region {
                settings::CompletionRegion::Asia => Region::Asia,
                settings::CompletionRegion::Eu => Region::Eu,
                settings::CompletionRegion::Us => Region::Us,
            },
        },
    }
}

/// Where a declared account that cannot be was written.
fn place(settings: &Settings, error: &AdminError) -> String {
    let AdminError::Invalid { field, text } = error else { return error.to_string() };
    let row = field.strip_prefix("accounts[").and_then(|rest| rest.split_once(']'));
    let account = row.and_then(|(row, _)| settings.accounts.get(row.parse::<usize>().ok()?));
    let origin = account.map_or_else(String::new, |account| format!(" ({})", account.origin));
    format!("{field}: {text}{origin}")
}

/// Accounts that the settings declare; all credentials that are none are named at once.
fn declared(settings: &Settings) -> Result<Vec<AccountInput>, Refused> {
    let problems: Vec<String> = settings
        .accounts
        .iter()
        .filter_map(|account| {
            let error = Credential::parse(account.credential.expose_secret()).err()?;
            let (key, origin) = (&account.key, &account.origin);
            Some(format!("{key}.credential is no credential: {error} ({origin})"))
        })
        .collect();
    if !problems.is_empty() {
        return Err(Refused(problems.join("\n")));
    }
    let input = |account: &settings::AccountSettings| AccountInput {
        alias: Some(account.alias.clone()),
        primary: Some(account.credential.clone()),
        timezone: account.timezone.clone(),
        flow: account.flow.map(|flow| match flow {
            settings::Flow::Agent => "agent".to_owned(),
            settings::Flow::Chat => "chat".to_owned(),
        }),
        ..AccountInput::default()
    };
    Ok(settings.accounts.iter().map(input).collect())
}

/// The database, made on the first start.
///
/// # Errors
/// It cannot be used; another process may have it.
pub(crate) fn open_store(settings: &Settings) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&settings.data_dir, key_source(settings), random)
}

pub(crate) fn store_problem(settings: &Settings, error: &StoreError) -> Refused {
    Refused(format!("data_dir: {}: {error}", settings.data_dir.display()))
}

/// Where the key of the kept secrets is.
pub(crate) fn key_source(settings: &Settings) -> KeySource {
    match (&settings.store.key, &settings.store.key_file) {
        (Some(key), _) => KeySource::Given(key.clone()),
        (None, Some(file)) => KeySource::File(file.clone()),
        (None, None) => KeySource::default_in(&settings.data_dir),
    }
}

fn random(bytes: &mut [u8]) {
    for chunk in bytes.chunks_mut(32) {
        chunk.copy_from_slice(&SystemAmbient.secret_bytes()[..chunk.len()]);
    }
}

/// How accounts are chosen and marked: what a reload changes.
pub(crate) fn pool(settings: &Settings) -> (PoolPolicy, MarkTexts) {
    let pool = &settings.pool;
    let rotation = match pool.rotation {
        settings::Rotation::Sticky => Rotation::Sticky,
        settings::Rotation::Fixed => Rotation::Fixed,
        settings::Rotation::RoundRobin => Rotation::RoundRobin,
        settings::Rotation::LeastBusy => Rotation::LeastBusy,
    };
    let policy = PoolPolicy {
        rotation,
        active: pool.active,
        concurrency: pool.concurrency,
        pace: pool.pace,
    };
    (policy, MarkTexts::parse(&pool.limit_texts, &pool.abnormal_texts))
}

fn system_proxies() -> Result<SystemProxies, Refused> {
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let proxies = SystemProxies::new(|name| std::env::var(name).ok());
    proxies.map_err(|error| Refused(format!("proxies of the environment: {error}")))
}
