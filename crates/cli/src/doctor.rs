//! `cursor-api doctor`: looks at all that a gateway needs, and says what is wrong and how to cure it.
//!
//! A gateway that runs is asked; without one the same is done in this process. Checks run at the
//! same time and each for a bounded time.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use gateway::Ambient as _;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use settings::{LogSettings, Settings};
use store::SqliteStore;
use tempfile::TempDir;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use upstream::transport::{Proxy, Via};

use crate::admin::AdminClient;
use crate::ambient::SystemAmbient;
use crate::args::DoctorArgs;
use crate::compose::{assemble, parts, system_proxies};
use crate::terminal::{Refused, say};
use crate::{logging, sources};

mod finding;
mod kept;
mod local;
mod network;

use finding::{Finding, State};

/// For one check.
const PATIENCE: Duration = Duration::from_secs(10);
/// Accounts and proxies asked about at once.
const AT_ONCE: usize = 16;

pub(crate) async fn run(args: DoctorArgs) -> Result<ExitCode> {
    let findings = examine(&args).await;
    say(&if args.json { finding::json(&findings) } else { finding::text(&findings) });
    Ok(match finding::worst(&findings) {
        State::Ok | State::Note | State::Warning => ExitCode::SUCCESS,
        State::Failure => ExitCode::FAILURE,
    })
}

async fn examine(args: &DoctorArgs) -> Vec<Finding> {
    let settings = match sources::settings(&args.settings) {
        Ok(settings) => settings,
        Err(Refused(problems)) => return problems.lines().map(unusable).collect(),
    };
    let config = args.settings.config.clone().unwrap_or_else(|| PathBuf::from("config.toml"));
    let mut findings = Vec::new();
    let opened = open(args, &settings).await;
    findings.push(match &opened {
        Ok(_) => Finding::ok("settings", "can be used"),
        Err(Refused(problem)) => unusable(problem),
    });
    let client = opened.ok();
    if let Some(Opened { folder: Some(_), .. }) = &client {
        let found = "there is none yet; the first start makes it";
        findings.push(Finding::note("database", found));
    }
    let running = client.as_ref().and_then(|opened| opened.client.running());
    findings.extend(on_this_machine(&settings, &config, running).await);
    let client = client.map(|Opened { client, folder }| (Arc::new(client), folder));
    let mut checks = Checks::default();
    if let Some((client, _)) = &client {
        checks.request_log(client, &settings);
        checks.kept(client, args.offline).await;
    }
    if !args.offline {
        checks.network(&settings, client.as_ref().map(|(client, _)| &**client)).await;
    }
    findings.extend(checks.finish().await);
    if let Some((client, _folder)) = client
        && let Some(client) = Arc::into_inner(client)
    {
        client.close().await;
    }
    findings
}

fn unusable(problem: &str) -> Finding {
    let cure = "correct it; docs/configuration.md lists all settings";
    Finding::failure("settings", problem, cure)
}

async fn on_this_machine(
    settings: &Settings,
    config: &Path,
    running: Option<SocketAddr>,
) -> Vec<Finding> {
    let (settings, config) = (settings.clone(), config.to_owned());
    let work = move || local::examine(&settings, &config, running);
    let looked = tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(work)).await;
    match looked {
        Ok(Ok(findings)) => findings,
        Ok(Err(_)) | Err(_) => vec![late("this machine")],
    }
}

fn late(check: &str) -> Finding {
    let found = format!("no result within {PATIENCE:?}");
    Finding::failure(check, found, "try again; if it stays so, see the network and the disk")
}

/// A way to what is kept.
struct Opened {
    client: AdminClient,
    /// Where there is no database yet, one for these checks only.
    folder: Option<TempDir>,
}

async fn open(args: &DoctorArgs, settings: &Settings) -> Result<Opened, Refused> {
    if SqliteStore::is_in(&settings.data_dir) {
        let (client, _) = Box::pin(AdminClient::open(&args.settings)).await?;
        return Ok(Opened { client, folder: None });
    }
    let format = settings.log.format;
    logging::start(&LogSettings { filter: "warn".to_owned(), format })?;
    let parts = parts(settings)?;
    let folder = tempfile::tempdir().map_err(|error| Refused(format!("no folder: {error}")))?;
    let mut elsewhere = settings.clone();
    elsewhere.data_dir = folder.path().to_owned();
    elsewhere.store.key = None;
    elsewhere.store.key_file = None;
    let store = crate::compose::open_store(&elsewhere)
        .map_err(|error| crate::compose::store_problem(&elsewhere, &error))?;
    let composed = Box::pin(assemble(&elsewhere, parts, store)).await?;
    let key = settings.auth_token.clone().unwrap_or_default();
    Ok(Opened { client: AdminClient::over(composed, key), folder: Some(folder) })
}

/// Checks in progress; their findings come in the order in which they were begun.
#[derive(Default)]
struct Checks {
    running: JoinSet<(usize, Vec<Finding>)>,
    begun: usize,
}

impl Checks {
    fn begin(&mut self, name: String, check: impl Future<Output = Vec<Finding>> + Send + 'static) {
        let number = self.begun;
        self.begun += 1;
        self.running.spawn(async move {
            let findings = tokio::time::timeout(PATIENCE, check).await;
            (number, findings.unwrap_or_else(|_| vec![late(&name)]))
        });
    }

    fn note(&mut self, findings: Vec<Finding>) {
        self.begin(String::new(), std::future::ready(findings));
    }

    async fn finish(mut self) -> Vec<Finding> {
        let mut all = Vec::new();
        while let Some(done) = self.running.join_next().await {
            match done {
                Ok(done) => all.push(done),
                Err(_) => all.push((usize::MAX, vec![late("a check")])),
            }
        }
        all.sort_by_key(|(number, _)| *number);
        all.into_iter().flat_map(|(_, findings)| findings).collect()
    }

    /// A database that is not there yet has no log beside it.
    fn request_log(&mut self, client: &Arc<AdminClient>, settings: &Settings) {
        let data = &settings.data_dir;
        let data = SqliteStore::is_in(data).then(|| data.clone());
        let (this, enabled) = (Arc::clone(client), settings.request_log.enabled);
        self.begin("request_log".to_owned(), async move {
            vec![kept::request_log(&this, data, enabled).await]
        });
    }

    /// Store, proxies and accounts.
    async fn kept(&mut self, client: &Arc<AdminClient>, offline: bool) {
        let this = Arc::clone(client);
        self.begin("store".to_owned(), async move { vec![kept::store(&this).await] });
        if !offline {
            match kept::proxies(client).await {
                Ok(names) => self.proxies(client, names),
                Err(finding) => self.note(vec![finding]),
            }
        }
        let mut accounts = kept::accounts(client).await;
        if let Ok(known) = &accounts
            && !offline
            && !known.is_empty()
        {
            // Figures may be days old. What does not come in time stays as it is known.
            let reading = kept::read_usage(client, known);
            if tokio::time::timeout(PATIENCE, reading).await.is_ok() {
                accounts = kept::accounts(client).await;
            }
        }
        match accounts {
            Ok(accounts) if accounts.is_empty() => {
                let cure = "add one: `cursor-api login` or `cursor-api accounts add`";
                let found = "there are none: requests are answered with 503";
                self.note(vec![Finding::warning("accounts", found, cure)]);
            }
            Ok(accounts) => self.accounts(client, accounts, offline),
            Err(finding) => self.note(vec![finding]),
        }
    }

    fn proxies(&mut self, client: &Arc<AdminClient>, names: Vec<String>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        for name in names {
            let (client, places) = (Arc::clone(client), Arc::clone(&places));
            self.begin(format!("proxy:{name}"), async move {
                let _place = places.acquire().await;
                vec![kept::proxy(&client, &name).await]
            });
        }
    }

    /// All of them; the version of the client is told once, and not of each account.
    fn accounts(&mut self, client: &Arc<AdminClient>, accounts: Vec<kept::Account>, offline: bool) {
        let now =
            Timestamp::from_millisecond(i64::try_from(SystemAmbient.unix_ms()).unwrap_or(i64::MAX))
                .unwrap_or_default();
        if offline {
            self.note(accounts.iter().map(|account| kept::known(account, now)).collect());
            return;
        }
        let client = Arc::clone(client);
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let version = Arc::new(std::sync::OnceLock::new());
        for account in accounts {
            let (client, places) = (Arc::clone(&client), Arc::clone(&places));
            let version = Arc::clone(&version);
            self.begin(format!("account:{}", account.alias), async move {
                let known = kept::known(&account, now);
                if known.state == State::Failure {
                    return vec![known];
                }
                let _place = places.acquire().await;
                match kept::asked(&client, &account.alias).await {
                    Ok(asked) if asked.state == State::Failure => vec![asked],
                    Ok(_) => {
                        let fine = Finding::ok("client version", "the upstream accepts it");
                        let first = version.set(()).is_ok();
                        first.then_some(fine).into_iter().chain([known]).collect()
                    }
                    Err(outdated) if version.set(()).is_ok() => vec![outdated, known],
                    Err(_) => vec![known],
                }
            });
        }
    }

    async fn network(&mut self, settings: &Settings, client: Option<&AdminClient>) {
        let via = match via(client).await {
            Ok(via) => via,
            Err(finding) => return self.note(vec![finding]),
        };
        let outside = network::Outside::new(settings, via);
        for (url, keys) in network::endpoints(settings) {
            let outside = outside.clone();
            self.begin(
                format!("connection:{url}"),
                async move { outside.endpoint(&url, &keys).await },
            );
        }
        let url = settings.upstream.api_url.clone();
        let now = || {
            let now = i64::try_from(SystemAmbient.unix_ms()).unwrap_or(i64::MAX);
            Timestamp::from_millisecond(now).unwrap_or_default()
        };
        let asking = async move { outside.upstream(&url, now).await };
        self.begin("upstream".to_owned(), asking);
    }
}

/// The general proxy; without what is kept, what the environment says.
async fn via(client: Option<&AdminClient>) -> Result<Via, Finding> {
    let cure = "see the proxies (docs/how-to/proxies.md)";
    let system = || match system_proxies() {
        Ok(system) => Ok(Via::System(Arc::new(system))),
        Err(Refused(problem)) => Err(Finding::failure("proxies", problem, cure)),
    };
    let Some(client) = client else { return system() };
    let listed = client.call("/proxies/get", &json!({ "secrets": true })).await;
    let listed = listed.map_err(|error| Finding::failure("proxies", error.to_string(), cure))?;
    let general = listed["general_proxy"].as_str().unwrap_or_default();
    let address = listed["proxies"]["proxies"][general].as_str().map(SecretString::from);
    match address.as_ref().map(secrecy::ExposeSecret::expose_secret) {
        Some("non") => Ok(Via::Direct),
        Some("sys") => system(),
        Some(url) => match Proxy::parse(url) {
            Ok(proxy) => Ok(Via::Proxy(Arc::new(proxy))),
            Err(error) => Err(Finding::failure("proxies", error.to_string(), cure)),
        },
        None => Err(Finding::failure("proxies", format!("there is no proxy `{general}`"), cure)),
    }
}
