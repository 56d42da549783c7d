//! A folder with settings and data, as an operator has it, and commands that are run in it, in front
//! of a simulated backend in the test's own process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use simulator::{Config, Control, Simulator, tokens};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::process::{Finished, KEY, Running, Start, cursor_api_in};

pub(crate) struct Site {
    folder: TempDir,
    pub(crate) control: Control,
    pub(crate) upstream: SocketAddr,
    _tasks: JoinSet<()>,
}

/// The port of a gateway that is asked; none when none runs.
#[derive(Clone, Copy)]
pub(crate) struct Beside(Option<u16>);

/// A session token of a user.
pub(crate) fn token(user: &str) -> String {
    tokens::session_token(user, SystemTime::now() + Duration::from_secs(30 * 24 * 3600))
}

impl Site {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    /// With more lines in the settings file.
    pub(crate) async fn with(settings: &str) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let simulator = Simulator::bind(any, Config::default()).await.expect("a free port");
        let (upstream, control) = (simulator.local_addr(), simulator.control());
        let mut tasks = JoinSet::new();
        tasks.spawn(simulator.serve(std::future::pending()));
        let folder = TempDir::new().expect("a folder");
        let site = Self { folder, control, upstream, _tasks: tasks };
        site.configure(settings);
        site
    }

    /// Writes the settings file anew.
    pub(crate) fn configure(&self, more: &str) {
        let upstream = self.upstream;
        let content = format!(
            "auth_token = \"{KEY}\"\n\
             upstream.api_url = \"http://{upstream}\"\n\
             upstream.agent_url = \"http://{upstream}\"\n\
             upstream.web_url = \"http://{upstream}\"\n\
             {more}\n"
        );
        self.write("config.toml", &content);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: &str) {
        std::fs::write(self.path(name), content).expect("written");
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Start {
        cursor_api_in(self.folder.path(), arguments)
    }

    pub(crate) fn start_owned(&self, arguments: &[String]) -> Start {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        self.start(&arguments)
    }

    /// A gateway in this folder, on a free port; its log is the file `log`.
    pub(crate) fn serve(&self) -> (Running, SocketAddr) {
        let start = self.start(&["serve", "--port", "0"]).env("LOG_LEVEL", "info");
        let mut process = start.log_to(&self.path("log")).spawn();
        let address = process.address_after("listening on http://");
        (process, address)
    }

    /// Runs a command to its end; nothing it says may hold a secret.
    pub(crate) async fn run(&self, beside: Beside, arguments: &[&str]) -> Finished {
        self.run_with(beside, arguments, None).await
    }

    pub(crate) async fn run_with(
        &self,
        beside: Beside,
        arguments: &[&str],
        stdin: Option<&str>,
    ) -> Finished {
        let mut start = self.start_owned(&beside.arguments(arguments));
        if let Some(text) = stdin {
            start = start.stdin(text);
        }
        let finished = start.finish().await;
        // How tokens begin, API keys of the tests, what is written as a secret, the gateway's key.
        for secret in ["eyJ", "key_0", "canary", KEY] {
            let said = format!("{}{}", finished.stdout, finished.stderr);
            assert!(!said.contains(secret), "{arguments:?} shows {secret}: {finished:?}");
        }
        finished
    }

    /// Runs a command that must succeed; its standard output.
    pub(crate) async fn good(&self, beside: Beside, arguments: &[&str]) -> String {
        let finished = self.run(beside, arguments).await;
        assert_eq!(finished.code, Some(0), "{arguments:?}: {finished:?}");
        finished.stdout
    }

    pub(crate) async fn listed(&self, beside: Beside) -> Vec<Value> {
        let text = self.good(beside, &["accounts", "list", "--json"]).await;
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    pub(crate) async fn aliases(&self, beside: Beside) -> Vec<String> {
        let name = |account: Value| account["alias"].as_str().expect("an alias").to_owned();
        self.listed(beside).await.into_iter().map(name).collect()
    }

    /// The same steps in a folder of their own without a gateway, then in another beside one.
    pub(crate) async fn both_ways<F: Future<Output = ()>>(
        steps: impl Fn(std::sync::Arc<Self>, Beside) -> F,
    ) {
        let alone = std::sync::Arc::new(Self::new().await);
        steps(alone, Beside::none()).await;
        let site = std::sync::Arc::new(Self::new().await);
        let (_gateway, address) = site.serve();
        steps(site, address.into()).await;
    }
}

impl Beside {
    /// No gateway runs.
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// With the port that is to be asked.
    pub(crate) fn arguments(self, arguments: &[&str]) -> Vec<String> {
        let port = self.0.map(|port| ["--port".to_owned(), port.to_string()]);
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        arguments.chain(port.into_iter().flatten()).collect()
    }
}

impl From<SocketAddr> for Beside {
    fn from(address: SocketAddr) -> Self {
        Self(Some(address.port()))
    }
}
