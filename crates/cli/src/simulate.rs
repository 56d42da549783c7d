//! `cursor-api simulate`: the simulated backend alone, for a gateway or another client.

use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use simulator::{Config, Simulator, Tls, tokens};

use crate::args::SimulateArgs;
use crate::lifecycle::stop_signal;
use crate::logging;
use crate::terminal::{Refused, say};

const TOKEN_LIFE: Duration = Duration::from_secs(60 * 24 * 3600);

pub(crate) async fn run(args: SimulateArgs) -> Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the composition root reads the environment")]
    let filter = std::env::var("LOG_LEVEL").unwrap_or_else(|_| "warn".to_owned());
    drop(logging::start(&settings::LogSettings { filter, format: settings::LogFormat::Text })?);
    let mut config = Config::default();
    if let Some(path) = &args.tls {
        let (tls, authority) = Tls::self_signed().context("certificate")?;
        std::fs::write(path, authority)
            .map_err(|error| Refused(format!("{}: {error}", path.display())))?;
        config.tls = Some(tls);
    }
    let scheme = if args.tls.is_some() { "https" } else { "http" };
    let simulator = Simulator::bind(args.listen, config)
        .await
        .map_err(|error| Refused(format!("cannot listen on {}: {error}", args.listen)))?;
    let token =
        tokens::session_token("user_01SIMULATEDSIMULATEDSIMULAT", SystemTime::now() + TOKEN_LIFE);
    // Before anybody is told that it runs, so that no signal is missed.
    let stop = stop_signal().context("listening for signals")?;
    say(&format!("simulated backend on {scheme}://{}", simulator.local_addr()));
    say(&format!("synthetic session token: {token}"));
    simulator.serve(stop).await;
    Ok(())
}
