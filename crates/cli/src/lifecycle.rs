//! Signals, and what the service manager is told: the first signal ends the program in order, the
//! second at once.

use std::convert::Infallible;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

/// Resolves on the first SIGINT or SIGTERM; a second one ends the process, with the code that shells
/// give to what the signal killed.
///
/// # Errors
/// The system does not let us listen for signals.
pub(crate) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    const INTERRUPTED: i32 = 128 + 2;
    const TERMINATED: i32 = 128 + 15;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("stopping: running answers may finish; signal again to stop at once");
        #[expect(clippy::disallowed_methods, reason = "lives until the process ends")]
        tokio::spawn(async move {
            let code = tokio::select! {
                _ = interrupt.recv() => INTERRUPTED,
                _ = terminate.recv() => TERMINATED,
            };
            std::process::exit(code);
        });
    })
}

/// The service manager, if one listens (`NOTIFY_SOCKET`).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manager;

impl Manager {
    /// Requests can come.
    pub(crate) fn ready(self, status: &str) {
        tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// No request should come any more.
    pub(crate) fn stopping(self) {
        tell(&[NotifyState::Stopping, NotifyState::Status("running answers may finish")]);
    }

    /// Says that the process lives, twice in the time that the manager allows; never returns. It runs
    /// beside what it vouches for: a runtime that hangs says nothing.
    pub(crate) async fn watchdog(self) -> Infallible {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return std::future::pending().await;
        };
        let mut beats = tokio::time::interval((limit / 2).max(Duration::from_millis(1)));
        loop {
            beats.tick().await;
            tell(&[NotifyState::Watchdog]);
        }
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager was not told");
    }
}
