//! SIGHUP: the settings are read again, and what can change while serving changes.

use std::convert::Infallible;

use gateway::Gateway;
use settings::{Layers, Settings, Written};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::args::SettingsArgs;
use crate::{compose, sources};

/// Settings that hold from the next request on; all others need a restart.
const LIVE: [&str; 6] = [
    "pool.rotation",
    "pool.active",
    "pool.concurrency",
    "pool.pace",
    "pool.limit_texts",
    "pool.abnormal_texts",
];

/// Waits for signals from the moment it is made.
pub(crate) struct Reload {
    hangups: Signal,
    args: SettingsArgs,
    /// As the process was started: what needs a restart is measured by it.
    started: Written,
}

impl Reload {
    /// # Errors
    /// The system does not let us listen for the signal.
    pub(crate) fn new(args: SettingsArgs, layers: &Layers) -> std::io::Result<Self> {
        let hangups = signal(SignalKind::hangup())?;
        Ok(Self { hangups, args, started: layers.written() })
    }

    /// Never ends.
    pub(crate) async fn run(mut self, gateway: &Gateway) -> Infallible {
        loop {
            if self.hangups.recv().await.is_none() {
                // No signal can come any more.
                std::future::pending::<()>().await;
            }
            self.apply(gateway);
        }
    }

    fn apply(&self, gateway: &Gateway) {
        match self.read() {
            Ok((settings, written)) => {
                let (pool, texts) = compose::pool(&settings);
                let options = gateway.options();
                gateway.set_options(gateway::Options { pool, texts, ..(*options).clone() });
                let changed = needs_restart(&self.started, &written);
                if !changed.is_empty() {
                    let changed = changed.join(", ");
                    tracing::warn!(changed, "changed settings that need a restart");
                }
                tracing::info!("settings read again: the pool's hold from now on");
            }
            Err(problems) => {
                for problem in problems.lines() {
                    tracing::error!("{problem}");
                }
                tracing::error!("the settings cannot be used; those from before still hold");
            }
        }
    }

    fn read(&self) -> Result<(Settings, Written), String> {
        let layers = sources::layers(&self.args).map_err(|refused| refused.0)?;
        let written = layers.written();
        let settings = Settings::resolve(layers).map_err(|problems| problems.to_string())?;
        Ok((settings, written))
    }
}

fn needs_restart(before: &Written, after: &Written) -> Vec<&'static str> {
    let mut changed = before.changed(after);
    changed.retain(|key| !LIVE.contains(key));
    changed
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use settings::KEYS;

    use super::*;

    #[test]
    fn the_registry_tells_of_the_same_live_settings() {
        let told: Vec<&str> = KEYS
            .iter()
            .filter(|key| key.doc.contains("Live: SIGHUP"))
            .map(|key| key.name)
            .collect();
        assert_eq!(told, LIVE);
    }

    #[test]
    fn only_what_is_not_live_needs_a_restart() {
        let written = |text: &str| Layers::default().file(Path::new("config.toml"), text).written();
        let before = written("port = 1\n[pool]\nactive = 2\nwait = \"1s\"");
        let after = written("port = 2\n[pool]\nactive = 3\nwait = \"2s\"");
        assert_eq!(needs_restart(&before, &after), ["port", "pool.wait"]);
        assert!(needs_restart(&before, &before).is_empty());
    }
}
