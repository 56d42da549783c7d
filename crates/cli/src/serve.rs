//! `cursor-api serve`: the gateway with the operator's settings.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context as _, Result};
use server::{App, Server, metrics_router, router};
use settings::Settings;
use tokio::task::JoinSet;

use crate::args::SettingsArgs;
use crate::compose::{Composition, compose};
use crate::lifecycle::{Manager, stop_signal};
use crate::reload::Reload;
use crate::terminal::{Refused, say};
use crate::{logging, reload, sources};

/// How long connections may still write after the grace period.
const LAST_WORDS: Duration = Duration::from_secs(2);

pub(crate) async fn run(args: SettingsArgs) -> Result<()> {
    let layers = sources::layers(&args)?;
    // Before it is known how to go on: a hangup must not end a gateway that is being started.
    let (reload, handle) =
        Reload::new(args, &layers, reload::INTERVAL).context("listening for signals")?;
    let notices: Vec<String> = layers.notices().iter().map(ToString::to_string).collect();
    let settings = Settings::resolve(layers).map_err(|problems| Refused(problems.to_string()))?;
    let lines = logging::start(&settings.log)?;
    for notice in notices {
        tracing::warn!("{notice}");
    }
    let composition = compose(&settings).await?;
    composition.app.set_configured(reload::configured(Some(handle)));
    let server = Server::bind(settings.listen).await.map_err(|e| Refused(e.to_string()))?;
    let metrics = match settings.metrics_listen {
        Some(address) => {
            Some(Server::bind(address).await.map_err(|e| Refused(format!("metrics.listen: {e}")))?)
        }
        None => None,
    };
    let address = server.local_addr().context("listening address")?;
    if !address.ip().is_loopback() {
        tracing::warn!(%address, "listening beyond this machine; the key is all that protects it");
    }
    let accounts = composition.gateway.accounts().len();
    if accounts == 0 {
        tracing::warn!(
            "there are no accounts, and requests are answered with 503: add one with \
             `cursor-api accounts add` or `cursor-api login`"
        );
    }
    tracing::info!(%address, accounts, "gateway ready");
    // Before anybody is told that it runs, so that no signal is missed.
    let stop = stop_signal().context("listening for signals")?;
    say(&format!("listening on http://{address}"));
    let (gateway, app) = (composition.gateway.clone(), composition.app.clone());
    app.watch_panics();
    let metrics = serve_metrics(metrics, app.clone());
    let parts = reload::Parts { gateway, app, lines };
    // What waits for the settings file must not keep connections from being accepted. It ends when
    // this function does.
    let mut owner = JoinSet::new();
    owner.spawn(reload.run(settings, parts));
    tokio::select! {
        () = serve(server, composition, stop) => {}
        never = Manager.watchdog() => match never {},
        never = metrics => match never {},
    }
    Ok(())
}

/// Serves figures on an address of their own, if there is one, until it is dropped.
async fn serve_metrics(server: Option<Server>, app: App) -> Infallible {
    if let Some(server) = server {
        if let Ok(address) = server.local_addr() {
            tracing::info!(%address, "metrics are served to anybody who reaches this address");
        }
        server.serve(metrics_router(app), std::future::pending(), LAST_WORDS).await;
    }
    std::future::pending().await
}

/// Runs until `stop`, then in order to the end.
pub(crate) async fn serve(
    server: Server,
    composition: Composition,
    stop: impl Future<Output = ()>,
) {
    let Composition { gateway, app, grace, telemetry } = composition;
    gateway.start();
    app.begin();
    let at = server.local_addr().map(|address| format!("listening on http://{address}"));
    Manager.ready(&at.unwrap_or_default());
    let (ended, end) = tokio::sync::oneshot::channel::<()>();
    let finishing = gateway.clone();
    let told = app.clone();
    let stopping = async move {
        stop.await;
        told.drain();
        Manager.stopping();
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
    // The last requests have let go of what was noted of them only now.
    gateway.finish_log().await;
    telemetry.shut_down(LAST_WORDS).await;
}
