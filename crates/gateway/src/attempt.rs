//! One turn: attempts on one account after the other until one becomes visible.
//!
//! Up to the first visible event a failure may be cured by another account; from then on the
//! status is spent and the failure goes to the client. The account is settled by its lease
//! however the attempt ends.

use std::sync::Arc;
use std::time::Duration;

use conversation::{Failure, FailureClass, Turn};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use upstream::transport::Exchange;
use upstream::{
    Caller, ClientMessage, Deadline, Flow, Opening, Route, Session, UpstreamError, agent, chat,
    classify,
};

use crate::account::{Account, no_accounts};
use crate::answer::Batch;
use crate::driver::{Drive, Ending};
use crate::lease::{Lease, may_try_elsewhere};
use crate::service::Inner;

/// How often a call is made that the upstream turns away unseen.
const MOST_TURNED_AWAY: usize = 3;

/// A turn and where its answer goes.
pub(crate) struct TurnTask {
    pub(crate) gateway: Arc<Inner>,
    pub(crate) turn: Turn,
    pub(crate) out: mpsc::Sender<Batch>,
}

impl TurnTask {
    /// Runs the turn to its end, or until the client leaves or the gateway cuts it.
    pub(crate) async fn run(self, cut: CancellationToken) {
        let ended = tokio::select! {
            biased;
            () = cut.cancelled() => Err(shutting_down()),
            ended = self.attempts() => ended,
        };
        if let Err(failure) = ended {
            self.gateway.counters().fail();
            tracing::info!(
                class = failure.class.name(),
                model = %self.turn.model,
                failure = %failure,
                "turn failed"
            );
            // Waits for a slow reader, but not for ever; one that has gone needs no word.
            let patience = self.gateway.options.progress_timeout;
            let word = tokio::time::timeout(patience, self.out.send(Err(failure)));
            tokio::select! {
                _ = word => {}
                () = stop_waiting(&cut) => {}
            }
        }
    }

    async fn attempts(&self) -> Result<(), Failure> {
        let started = Instant::now();
        let options = &self.gateway.options;
        let model = self.turn.model.as_str();
        let mut tried = Vec::new();
        let mut last = None;
        while tried.len() < options.max_attempts {
            let Some(lease) = Lease::take(&self.gateway.roster, model, &tried) else { break };
            tried.push(lease.alias().clone());
            let account = self.gateway.accounts.get(lease.alias()).ok_or_else(no_accounts)?;
            match self.attempt(account, started).await {
                Ok(Ending::Answered) => {
                    lease.served();
                    return Ok(());
                }
                Ok(Ending::Abandoned | Ending::Stalled) => return Ok(()),
                Ok(Ending::FailedVisibly(failure) | Ending::NotTaken(failure)) => {
                    lease.failed(&failure);
                    return Err(failure);
                }
                Err(failure) => {
                    let again =
                        may_try_elsewhere(&failure) && started.elapsed() < options.total_timeout;
                    tracing::debug!(
                        account = %lease.alias(), %failure, again, "attempt failed before output"
                    );
                    if matches!(failure.class, FailureClass::AccountRejected | FailureClass::Quota)
                    {
                        tracing::warn!(account = %lease.alias(), %failure, "account is out");
                    }
                    lease.failed(&failure);
                    if !again {
                        return Err(failure);
                    }
                    last = Some(more_useful(last, failure));
                }
            }
        }
        Err(last.unwrap_or_else(no_accounts))
    }

    /// One attempt. `Err` means that nothing was visible.
    async fn attempt(&self, account: &Account, started: Instant) -> Result<Ending, Failure> {
        let mut renewed = false;
        let mut turned_away = 0;
        loop {
            let Opened { exchange, session, caller } = tokio::select! {
                biased;
                () = self.out.closed() => return Ok(Ending::Abandoned),
                opened = self.open_in_time(account, started) => opened?,
            };
            let bearer = caller.bearer.clone();
            let drive = Drive::new(&self.gateway, &self.turn, &self.out, session, caller, started);
            match drive.run(exchange).await {
                // An exchanged token that is refused is worth one more, for it may just have ended.
                Err(failure)
                    if failure.class == FailureClass::AccountRejected
                        && !renewed
                        && account.tokens.refused(&bearer) =>
                {
                    renewed = true;
                }
                // A connection that was being closed, or one full call too many on it.
                Ok(Ending::NotTaken(failure)) => {
                    turned_away += 1;
                    if turned_away >= MOST_TURNED_AWAY {
                        return Err(failure);
                    }
                }
                ended => return ended,
            }
        }
    }

    /// Getting a token, a connection and a stream counts as waiting for the first message.
    async fn open_in_time(&self, account: &Account, started: Instant) -> Result<Opened, Failure> {
        let options = &self.gateway.options;
        let first = Instant::now() + options.first_message_timeout;
        let total = started + options.total_timeout;
        match timeout_at(first.min(total), self.open(account)).await {
            Ok(opened) => opened,
            Err(_) if total < first => Err(classify(&UpstreamError::Deadline(Deadline::Total))),
            Err(_) => Err(classify(&UpstreamError::Deadline(Deadline::FirstMessage))),
        }
    }

    async fn open(&self, account: &Account) -> Result<Opened, Failure> {
        let gateway = &self.gateway;
        let bearer = account.tokens.bearer(&gateway.backend, gateway.ambient.as_ref()).await?;
        let caller = account.caller(bearer);
        let (message, session) = self.opening(account)?;
        let exchange = gateway
            .backend
            .open(&caller, gateway.ambient.stamp(), &message)
            .await
            .map_err(|error| classify(&error))?;
        Ok(Opened { exchange, session, caller })
    }

    fn opening(&self, account: &Account) -> Result<(ClientMessage, Session), Failure> {
        let mut uuid = || self.gateway.ambient.uuid();
        let options = &self.gateway.options;
        let route = Route::plain(&self.turn.model);
        let timezone = account.timezone();
        let opening = Opening { timezone, ..Opening::plain(&self.turn, &route) };
        match account.flow {
            Flow::Agent => agent::open(&opening, &options.agent, &mut uuid),
            Flow::Chat => chat::open(&opening, options.chat, &mut uuid),
        }
    }
}

/// Of two failed attempts, the one to tell of: a dead account must not hide that another one is
/// only busy.
fn more_useful(earlier: Option<Failure>, later: Failure) -> Failure {
    match earlier {
        Some(earlier) if later.class == FailureClass::AccountRejected => earlier,
        Some(_) | None => later,
    }
}

/// A stream that was opened.
pub(crate) struct Opened {
    pub(crate) exchange: Exchange,
    pub(crate) session: Session,
    pub(crate) caller: Caller,
}

/// Returns a moment after the cut: a reader that stalls must not keep the gateway from stopping.
async fn stop_waiting(cut: &CancellationToken) {
    const LAST_WORD: Duration = Duration::from_millis(500);
    cut.cancelled().await;
    tokio::time::sleep(LAST_WORD).await;
}

fn shutting_down() -> Failure {
    Failure::new(FailureClass::Overloaded, "The gateway is shutting down.")
}
