//! `cursor-api serve`: the gateway with the operator's settings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use server::{Server, router};
use settings::{Layers, Settings};

use crate::args::ServeArgs;
use crate::compose::{Composition, compose};
use crate::lifecycle::stop_signal;
use crate::logging;
use crate::terminal::{Refused, say};

/// How long connections may still write after the grace period.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: ServeArgs) -> Result<()> {
    let settings = settings(args)?;
    logging::start(&settings.log)?;
    let composition = compose(&settings).await?;
    let server = Server::bind(settings.listen).await.map_err(|e| Refused(e.to_string()))?;
    let address = server.local_addr().context("listening address")?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "listening beyond this machine; the key is all that protects it");
    }
    if settings.accounts.is_empty() {
        tracing::warn!("no accounts are configured; every request will be answered with 503");
    }
    tracing::info!(%address, accounts = settings.accounts.len(), "gateway ready");
    // Before anybody is told that it runs, so that no signal is missed.
    let stop = stop_signal().context("listening for signals")?;
    say(&format!("listening on http://{address}"));
    serve(server, composition, stop).await;
    Ok(())
}

/// Runs until `stop`, then in order to the end.
pub(crate) async fn serve(
    server: Server,
    composition: Composition,
    stop: impl Future<Output = ()>,
) {
    let Composition { gateway, app, grace } = composition;
    gateway.start();
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let finishing = gateway.clone();
    let stopping = async move {
        stop.await;
        // A receiver that has gone means that serving is over already.
        let _ = ended.send(());
    };
    // Longer than the gateway's, so that answers that are cut can still say so.
    let serving = server.serve(router(app), stopping, grace + LAST_WORDS);
    let draining = async move {
        if end.await.is_ok() {
            finishing.shut_down(grace).await;
        }
    };
    tokio::join!(serving, draining);
}

fn settings(args: ServeArgs) -> Result<Settings> {
    const DEFAULT: &str = "config.toml";
    let (path, must_exist) = match args.config {
        Some(path) => (path, true),
        None => (PathBuf::from(DEFAULT), false),
    };
    let layers = file(Layers::default(), &path, must_exist)?;
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let layers = layers.env(|name| std::env::var(name).ok());
    let layers = layers.flag("host", "--host", args.host).flag("port", "--port", args.port);
    Ok(Settings::resolve(layers).map_err(|problems| Refused(problems.to_string()))?)
}

fn file(layers: Layers, path: &Path, must_exist: bool) -> Result<Layers, Refused> {
    match std::fs::read_to_string(path) {
        Ok(content) => Ok(layers.file(path, &content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => Ok(layers),
        Err(error) => Err(Refused(format!("{}: {error}", path.display()))),
    }
}
