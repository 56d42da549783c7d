//! Puts the gateway together from its settings. The one place that knows all parts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use accounts::{ClientKey, Credential};
use gateway::{AccountInput, AdminError, Ambient as _, Beginning, Catalogue, Gateway};
use secrecy::ExposeSecret as _;
use server::App;
use settings::Settings;
use store::{KeySource, LateRequestLog, RequestLog, SqliteStore, Store, StoreError};
use telemetry::Telemetry;
use upstream::transport::{Dialer, Origin, Pool, SystemProxies, TransportOptions};
use upstream::{Backend, CompletionEndpoints, Endpoints, Identity};

use crate::ambient::SystemAmbient;
use crate::logging;
use crate::terminal::Refused;

pub(crate) mod options;

/// The parts that run.
pub(crate) struct Composition {
    pub(crate) gateway: Gateway,
    pub(crate) app: App,
    pub(crate) telemetry: Telemetry,
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
    let key = key(settings)?;
    let backend = backend(settings, &ambient)?;
    let beginning = Beginning {
        system_proxies: system_proxies()?,
        declared: declared(settings)?,
        ..Beginning::default()
    };
    Ok(Parts { key, backend, beginning, ambient })
}

/// The administrator's key.
///
/// # Errors
/// There is none.
pub(crate) fn key(settings: &Settings) -> Result<ClientKey, Refused> {
    let token = settings.auth_token.as_ref();
    let is_sendable = |token: &str| token.trim() == token && token.chars().all(|c| !c.is_control());
    if token.is_some_and(|token| !is_sendable(token.expose_secret())) {
        let text = "auth_token cannot be sent by a client: it has blanks at its ends, or line ends";
        return Err(Refused(text.to_owned()));
    }
    token.and_then(|token| ClientKey::new(token.expose_secret())).ok_or_else(|| {
        Refused(
            "auth_token is not set. Without a key the gateway would be open to everybody; \
             set AUTH_TOKEN or auth_token in the settings file."
                .to_owned(),
        )
    })
}

/// # Errors
/// What the settings declare cannot be kept.
pub(crate) async fn assemble(
    settings: &Settings,
    parts: Parts,
    store: SqliteStore,
) -> Result<Composition, Refused> {
    let Parts { key, backend, mut beginning, ambient } = parts;
    // Before the store keeps what is declared.
    let options = options::server(settings, key)?;
    let store: Arc<dyn Store> = Arc::new(store);
    // Models are known once there is a gateway, which wants the observer before.
    let catalogue = Arc::new(OnceLock::<Arc<Catalogue>>::new());
    let known = Arc::clone(&catalogue);
    let knows = move |model: &str| known.get().is_some_and(|known| known.find(model).is_some());
    let telemetry = Telemetry::start(options::telemetry(settings), Arc::new(knows))
        .map_err(|error| Refused(error.to_string()))?;
    beginning.observer = Some(Arc::new(telemetry.clone()));
    beginning.request_log = Some(request_log(settings));
    let gateway =
        Gateway::open(backend, store, beginning, options::gateway(settings), ambient.clone())
            .await
            .map_err(|error| Refused(place(settings, &error)))?;
    // Set once, here.
    let _ = catalogue.set(gateway.shared_catalogue());
    let app = App::new(gateway.clone(), options, ambient, telemetry.clone());
    Ok(Composition { gateway, app, telemetry, grace: settings.timeouts.shutdown })
}

/// Requests are served without it as well, and it may come later.
fn request_log(settings: &Settings) -> Arc<dyn RequestLog> {
    Arc::new(LateRequestLog::open(&settings.data_dir))
}

fn backend(settings: &Settings, ambient: &SystemAmbient) -> Result<Backend, Refused> {
    let upstream = &settings.upstream;
    let timeouts = settings.timeouts;
    let endpoints = endpoints(settings)?;
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

/// # Errors
/// One is none, or the file of authorities cannot be read.
fn endpoints(settings: &Settings) -> Result<Endpoints, Refused> {
    let (upstream, completion) = (&settings.upstream, &settings.completion);
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
    Ok(endpoints)
}

/// What can be told to be wrong without doing it; all of it at once, one per line. Gives what the
/// edge would have. Reads the files that the settings name, and must be called on a runtime.
///
/// # Errors
/// See above.
pub(crate) fn check(settings: &Settings) -> Result<server::Options, Refused> {
    let telemetry = telemetry::check(&options::telemetry(settings));
    let found = [
        key(settings).map(drop),
        endpoints(settings).map(drop),
        declared(settings).map(drop),
        key_source(settings).check().map_err(|error| Refused(format!("store.key: {error}"))),
        logging::check(&settings.log),
        options::logs_page(settings).map(drop),
        telemetry.map_err(|error| Refused(error.to_string())),
    ];
    let problems: Vec<String> =
        found.into_iter().filter_map(|result| result.err().map(|refused| refused.0)).collect();
    if problems.is_empty() {
        options::server(settings, key(settings)?)
    } else {
        Err(Refused(problems.join("\n")))
    }
}

/// Where a declared account that cannot be was written.
pub(crate) fn place(settings: &Settings, error: &AdminError) -> String {
    let AdminError::Invalid { field, text } = error else { return error.to_string() };
    let row = field.strip_prefix("accounts[").and_then(|rest| rest.split_once(']'));
    let account = row.and_then(|(row, _)| settings.accounts.get(row.parse::<usize>().ok()?));
    let origin = account.map_or_else(String::new, |account| format!(" ({})", account.origin));
    format!("{field}: {text}{origin}")
}

/// Accounts that the settings declare; all credentials that are none are named at once.
pub(crate) fn declared(settings: &Settings) -> Result<Vec<AccountInput>, Refused> {
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

/// # Errors
/// What the environment says is no proxy.
pub(crate) fn system_proxies() -> Result<SystemProxies, Refused> {
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let proxies = SystemProxies::new(|name| std::env::var(name).ok());
    proxies.map_err(|error| Refused(format!("proxies of the environment: {error}")))
}
