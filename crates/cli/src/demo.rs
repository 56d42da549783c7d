//! `cursor-api demo`: gateway and simulated backend in one process, ready to be tried.
//!
//! No account, no network: everything stays on loopback, and all tokens are synthetic.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use server::Server;
use settings::{Layers, Settings};
use simulator::{Config, Simulator, tokens};
use tokio::sync::oneshot;

use crate::ambient::random_key;
use crate::args::{DemoArgs, FlowArg};
use crate::compose::compose;
use crate::lifecycle::stop_signal;
use crate::terminal::{Refused, say};
use crate::{logging, reload, serve};

/// How long the demo's synthetic account lives.
const TOKEN_LIFE: Duration = Duration::from_secs(60 * 24 * 3600);

pub(crate) async fn run(args: DemoArgs) -> Result<()> {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let simulator = Simulator::bind(loopback, Config::default()).await.context("simulator")?;
    let upstream = format!("http://{}", simulator.local_addr());
    let key = match args.key {
        Some(key) => key,
        None => random_key("sk-demo-").context("random key")?,
    };
    let folder = folder()?;
    let settings = settings(&args.listen, args.flow, &key, &upstream, folder.path())?;
    let _fixed = logging::start(&settings.log)?;
    let composition = compose(&settings).await?;
    // Without an owner: there is no settings file.
    composition.app.set_configured(reload::configured(None));
    let server = Server::bind(settings.listen).await.map_err(|e| Refused(e.to_string()))?;
    let address = server.local_addr().context("listening address")?;
    // Before anybody is told that it runs, so that no signal is missed.
    let stopping = stop_signal().context("listening for signals")?;
    say(&welcome(address, &key, args.flow));
    let (stop, stopped) = oneshot::channel::<()>();
    let simulating = simulator.serve(async {
        // Ends as well when the other half has gone.
        let _ = stopped.await;
    });
    let gatewaying = async move {
        serve::serve(server, composition, stopping).await;
        drop(stop);
    };
    tokio::join!(gatewaying, simulating);
    Ok(())
}

/// A temporary folder unless `DATA_DIR` names one.
enum Folder {
    Temporary(tempfile::TempDir),
    Named(PathBuf),
}

impl Folder {
    fn path(&self) -> PathBuf {
        match self {
            Self::Temporary(folder) => folder.path().to_owned(),
            Self::Named(path) => path.clone(),
        }
    }
}

fn folder() -> Result<Folder> {
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    match std::env::var_os("DATA_DIR") {
        Some(path) => Ok(Folder::Named(path.into())),
        None => Ok(Folder::Temporary(tempfile::tempdir().context("temporary folder")?)),
    }
}

fn settings(
    listen: &SocketAddr,
    flow: FlowArg,
    key: &str,
    upstream: &str,
    folder: PathBuf,
) -> Result<Settings, Refused> {
    let token =
        tokens::session_token("user_01DEMODEMODEMODEMODEMODEMO", SystemTime::now() + TOKEN_LIFE);
    let flow = match flow {
        FlowArg::Agent => "agent",
        FlowArg::Chat => "chat",
    };
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let log_level = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "warn".to_owned());
    let fixed = |name: &str| {
        Some(match name {
            "AUTH_TOKEN" => key.to_owned(),
            "CURSOR_ACCOUNTS" => format!("demo={token}"),
            "DATA_DIR" => folder.display().to_string(),
            "HOST" => listen.ip().to_string(),
            "LOG_LEVEL" => log_level.clone(),
            "PORT" => listen.port().to_string(),
            "UPSTREAM_AGENT_URL" | "UPSTREAM_API_URL" | "UPSTREAM_WEB_URL" => upstream.to_owned(),
            "COMPLETION_ASIA_URL"
            | "COMPLETION_EU_URL"
            | "COMPLETION_US_URL"
            | "COMPLETION_CONFIG_URL" => upstream.to_owned(),
            "UPSTREAM_FLOW" => flow.to_owned(),
            _ => return None,
        })
    };
    Settings::resolve(Layers::default().env(fixed)).map_err(|p| Refused(p.to_string()))
}

fn welcome(address: SocketAddr, key: &str, flow: FlowArg) -> String {
    let flow = match flow {
        FlowArg::Agent => "agent",
        FlowArg::Chat => "chat",
    };
    format!(
        r#"cursor-api demo: gateway and simulated backend ({flow} flow), nothing leaves this machine.

  base URL  http://{address}/v1
  API key   {key}

Try it:

curl -N http://{address}/v1/chat/completions -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{"model":"gpt-5","stream":true,"messages":[{{"role":"user","content":"Hello! [[sim: say Hello from the simulated backend.]]"}}]}}'

With the official Python SDK (pip install openai):

from openai import OpenAI
client = OpenAI(base_url="http://{address}/v1", api_key="{key}")
print(client.chat.completions.create(model="gpt-5", messages=[{{"role": "user", "content": "Hello!"}}]).choices[0].message.content)

With Claude Code:

ANTHROPIC_BASE_URL=http://{address} ANTHROPIC_AUTH_TOKEN={key} ANTHROPIC_MODEL=claude-4.5-sonnet claude

Ctrl-C stops it."#
    )
}
