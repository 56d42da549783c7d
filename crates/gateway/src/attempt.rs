//! One turn: attempts on one account after the other until one becomes visible.
//!
//! Up to the first visible event a failure may be cured by another account; from then on the
//! status is spent and the failure goes to the client. The account is settled by its lease
//! however the attempt ends. A turn that ends with calls of the client's tools leaves its stream
//! waiting here, in the task that drove it, until the results come or the wait is over.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use accounts::{AccountId, UpstreamFlow};
use conversation::{Failure, FailureClass, ToolResult, Turn};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use upstream::transport::Exchange;
use upstream::{
    Caller, ClientMessage, Deadline, Flow, Memory, Opening, Route, Session, UpstreamError, agent,
    chat, classify,
};

use crate::account::{Account, no_accounts};
use crate::answer::Batch;
use crate::counters::Running;
use crate::driver::{Drive, Ending, Wait, Waiting};
use crate::grant::Grant;
use crate::keys::Metering;
use crate::lease::{Lease, Purpose, may_try_elsewhere};
use crate::memories::Remembered;
use crate::recording::Recording;
use crate::service::Inner;
use crate::suspended::Resume;
use crate::transcript::Place;

/// How often a call is made that the upstream turns away unseen.
const MOST_TURNED_AWAY: usize = 3;

/// A turn on its way, and where its answer goes.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) grant: Arc<Grant>,
    pub(crate) turn: Turn,
    pub(crate) route: Route,
    pub(crate) place: Place,
    pub(crate) recording: Recording,
    /// Whether an account was marked because of it without a look.
    pub(crate) has_marked: AtomicBool,
    pub(crate) out: mpsc::Sender<Batch>,
    /// Counts the turn against the limits of its key as long as it lives.
    pub(crate) metering: Option<Metering>,
    /// Counts the turn as long as it lives.
    pub(crate) _running: Running,
}

/// The task that serves a turn, and those that take its stream on.
pub(crate) struct TurnTask {
    pub(crate) gateway: Arc<Inner>,
}

/// A stream that waits for results, with the account it runs on.
struct Live {
    waiting: Waiting,
    lease: Lease,
}

/// What to do next: from the transcript, or on a stream that waited.
struct Job {
    work: Work,
    resumed: Option<(Live, Vec<ToolResult>)>,
}

impl TurnTask {
    /// Runs the turn to its end, or until the client leaves or the gateway cuts it; then waits
    /// for the results of calls, if that is how it ended.
    pub(crate) async fn run(self, work: Work, cut: CancellationToken) {
        let mut next = Some(Job { work, resumed: None });
        while let Some(Job { work, resumed }) = next.take() {
            let ended = tokio::select! {
                biased;
                () = cut.cancelled() => Err(shutting_down()),
                () = work.grant.revoked() => Err(revoked()),
                ended = self.serve(&work, resumed) => ended,
            };
            match ended {
                Ok(None) => {}
                Ok(Some(live)) => {
                    drop(work);
                    next = Box::pin(self.wait(live, &cut)).await;
                }
                Err(failure) => self.tell(&work, failure, &cut).await,
            }
        }
    }

    async fn tell(&self, work: &Work, failure: Failure, cut: &CancellationToken) {
        let failure = self.gateway.redaction.failure(failure);
        self.gateway.counters().fail();
        work.recording.failed(&failure);
        tracing::info!(
            request = work.recording.request_id(),
            class = failure.class.name(),
            model = self.gateway.redaction.text(work.turn.model.as_str()),
            failure = %failure,
            "turn failed"
        );
        // Waits for a slow reader, but not for ever; one that has gone needs no word.
        let patience = self.gateway.options().progress_timeout;
        let word = tokio::time::timeout(patience, work.out.send(Err(failure)));
        tokio::select! {
            _ = word => {}
            () = stop_waiting(cut) => {}
        }
    }

    /// Keeps the stream alive until its results come, or nobody wants it any more.
    async fn wait(&self, live: Live, cut: &CancellationToken) -> Option<Job> {
        let Live { mut waiting, lease } = live;
        lease.served_so_far();
        let wait = tokio::select! {
            biased;
            () = cut.cancelled() => return None,
            wait = waiting.for_results(&self.gateway) => wait,
        };
        let (Resume { work, results }, alive) = match wait {
            Wait::Resumed(resume) => (*resume, true),
            Wait::Dismissed => return None,
            // Taken at the very moment it was given up: then the request is under way.
            Wait::Over if !self.gateway.suspended.leave(&waiting.ticket) => {
                ((&mut waiting.ticket.resume).await.ok()?, false)
            }
            Wait::Over => return None,
        };
        let resumed = alive.then_some((Live { waiting, lease }, results));
        Some(Job { work, resumed })
    }

    async fn serve(
        &self,
        work: &Work,
        resumed: Option<(Live, Vec<ToolResult>)>,
    ) -> Result<Option<Live>, Failure> {
        let started = Instant::now();
        if let Some((Live { waiting, lease }, results)) = resumed {
            work.recording.trying(lease.account().id, lease.account().alias());
            self.note_asking(work, lease.account());
            let (drive, exchange) =
                Drive::resume(&self.gateway, work, waiting, lease.account().id, started);
            match Box::pin(drive.run(exchange, Some(results))).await {
                // Nothing was seen of it: the transcript has all that is needed.
                Ok(Ending::NotTaken(failure)) | Err(failure) => {
                    let account = lease.account().alias();
                    let request = work.recording.request_id();
                    tracing::debug!(request, %account, %failure, "resumed stream failed");
                    work.recording.attempt_failed(&failure, true);
                }
                Ok(ending) => return settle(work, lease, ending),
            }
        }
        self.attempts(work, started).await
    }

    async fn attempts(&self, work: &Work, started: Instant) -> Result<Option<Live>, Failure> {
        let options = Arc::clone(&self.gateway.options());
        let model = work.route.model.as_str();
        let remembered = work.place.answered.and_then(|(m, _)| self.gateway.memories.find(&m));
        let preferred = remembered.as_ref().map(|remembered| remembered.account);
        let mut tried: Vec<AccountId> = Vec::new();
        let mut last = None;
        while tried.len() < options.max_attempts {
            let purpose = Purpose {
                grant: &work.grant,
                choice: &work.grant.choice,
                model,
                preferred,
                tried: &tried,
            };
            let lease = match self.lease(work, purpose, last.is_some()).await {
                Ok(Some(lease)) => lease,
                Ok(None) => return Ok(None),
                Err(failure) => {
                    // What was tried tells more than that nobody is left to try.
                    last.get_or_insert(failure);
                    break;
                }
            };
            tried.push(lease.account().id);
            let alias = lease.account().alias();
            work.recording.trying(lease.account().id, alias.clone());
            self.note_asking(work, lease.account());
            let memory = memory_of(remembered.as_ref(), lease.account().id);
            match self.attempt(work, lease.account(), memory, started).await {
                Ok(ending) => return settle(work, lease, ending),
                Err(failure) => {
                    let again =
                        may_try_elsewhere(&failure) && started.elapsed() < options.total_timeout;
                    work.recording.attempt_failed(&failure, again);
                    tracing::debug!(
                        request = work.recording.request_id(),
                        account = %alias, %failure, again, "attempt failed before output"
                    );
                    lease.failed_again(&failure, &work.has_marked);
                    if !again {
                        return Err(failure);
                    }
                    last = Some(more_useful(last, failure));
                }
            }
        }
        Err(last.unwrap_or_else(no_accounts))
    }

    fn note_asking(&self, work: &Work, account: &Account) {
        let flow = match account.flow(self.gateway.options().flow) {
            Flow::Agent => UpstreamFlow::Agent,
            Flow::Chat => UpstreamFlow::Chat,
        };
        work.recording.asking(flow, work.route.model.as_str());
    }

    /// `None` when the client has gone while it waited for one. After an attempt that failed,
    /// nobody waits: its failure is at hand.
    async fn lease(
        &self,
        work: &Work,
        purpose: Purpose<'_>,
        is_again: bool,
    ) -> Result<Option<Lease>, Failure> {
        let gateway = &self.gateway;
        let leased = if is_again {
            gateway.try_lease(purpose).map_err(|_| no_accounts())
        } else {
            tokio::select! {
                biased;
                () = work.out.closed() => return Ok(None),
                leased = gateway.lease(purpose) => leased,
            }
        };
        // Only for those who may know, for it looks at every account.
        if work.grant.is_operator() {
            let taken = leased.as_ref().ok().map(|lease| lease.account().alias());
            let mut others = gateway.passed_over(purpose);
            // It may be full now, by this very request.
            others.retain(|(alias, _)| Some(alias) != taken.as_ref());
            work.recording.set_passed_over(others);
        }
        leased.map(Some)
    }

    /// One attempt. `Err` means that nothing was visible.
    async fn attempt(
        &self,
        work: &Work,
        account: &Arc<Account>,
        mut memory: Option<Memory>,
        started: Instant,
    ) -> Result<Ending, Failure> {
        let mut renewed = false;
        let mut turned_away = 0;
        loop {
            let Opened { exchange, session, caller } = tokio::select! {
                biased;
                () = work.out.closed() => return Ok(Ending::Abandoned),
                // Large and soon over: on the heap it costs a running stream nothing.
                opened = Box::pin(self.open_in_time(work, account, memory.as_ref(), started)) => {
                    opened?
                }
            };
            let bearer = caller.bearer.clone();
            let drive = Drive::new(&self.gateway, work, session, caller, account.id, started);
            match drive.run(exchange, None).await {
                // The upstream has lost its part of what both sides kept.
                Err(failure) if memory.is_some() && is_stale(&failure) => memory = None,
                // A token that is refused may just have ended; then a fresh one is worth a try.
                Err(failure)
                    if failure.class == FailureClass::AccountRejected
                        && !renewed
                        && Box::pin(self.gateway.revive(account, &bearer)).await =>
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
    async fn open_in_time(
        &self,
        work: &Work,
        account: &Arc<Account>,
        memory: Option<&Memory>,
        started: Instant,
    ) -> Result<Opened, Failure> {
        let (first, total) = {
            let options = self.gateway.options();
            (Instant::now() + options.first_message_timeout, started + options.total_timeout)
        };
        match timeout_at(first.min(total), self.open(work, account, memory)).await {
            Ok(opened) => opened,
            Err(_) if total < first => Err(classify(&UpstreamError::Deadline(Deadline::Total))),
            Err(_) => Err(classify(&UpstreamError::Deadline(Deadline::FirstMessage))),
        }
    }

    async fn open(
        &self,
        work: &Work,
        account: &Arc<Account>,
        memory: Option<&Memory>,
    ) -> Result<Opened, Failure> {
        let gateway = &self.gateway;
        let bearer = gateway.bearer(account).await?;
        let caller = gateway.caller(account, bearer, &work.grant)?;
        let timezone = caller.timezone.as_deref();
        let (message, session) = self.opening(work, account, timezone, memory)?;
        let exchange = gateway
            .backend
            .open(&caller, gateway.ambient.stamp(), &message)
            .await
            .map_err(|error| classify(&error))?;
        Ok(Opened { exchange, session, caller })
    }

    fn opening(
        &self,
        work: &Work,
        account: &Account,
        timezone: Option<&str>,
        memory: Option<&Memory>,
    ) -> Result<(ClientMessage, Session), Failure> {
        let mut uuid = || self.gateway.ambient.uuid();
        let options = self.gateway.options();
        let opening = Opening { turn: &work.turn, route: &work.route, timezone, memory };
        match account.flow(options.flow) {
            Flow::Agent => agent::open(&opening, &options.agent, &mut uuid),
            Flow::Chat => {
                let mut chat = options.chat;
                if let Some(record) = work.grant.record() {
                    let wanted = &record.options;
                    chat.web_references = wanted.web_references.unwrap_or(chat.web_references);
                    chat.slow_pool = wanted.slow_pool.or(chat.slow_pool);
                }
                chat::open(&opening, chat, &mut uuid)
            }
        }
    }
}

/// Gives the account back, unless the stream lives on.
fn settle(work: &Work, lease: Lease, ending: Ending) -> Result<Option<Live>, Failure> {
    match ending {
        Ending::Answered => {
            lease.served();
            Ok(None)
        }
        Ending::Suspended(waiting) => Ok(Some(Live { waiting: *waiting, lease })),
        Ending::Abandoned | Ending::Stalled => Ok(None),
        Ending::FailedVisibly(failure) | Ending::NotTaken(failure) => {
            work.recording.attempt_failed(&failure, false);
            lease.failed(&failure);
            Err(failure)
        }
    }
}

/// What was kept for a conversation is of use to the account it was kept with.
fn memory_of(remembered: Option<&Remembered>, account: AccountId) -> Option<Memory> {
    remembered.filter(|remembered| remembered.account == account).map(|r| r.memory.clone())
}

/// "Conversation data missing" and the like (`reference/upstream-protocol.md` §15).
fn is_stale(failure: &Failure) -> bool {
    let log = failure.log.to_ascii_lowercase();
    log.contains("conversation data") || log.contains("blob not found")
}

/// Of two failed attempts, the one to tell of: a dead account must not hide that another one is
/// only busy.
pub(crate) fn more_useful(earlier: Option<Failure>, later: Failure) -> Failure {
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
pub(crate) async fn stop_waiting(cut: &CancellationToken) {
    const LAST_WORD: Duration = Duration::from_millis(500);
    cut.cancelled().await;
    tokio::time::sleep(LAST_WORD).await;
}

pub(crate) fn revoked() -> Failure {
    Failure::new(FailureClass::Unauthenticated, "The API key was revoked.")
}

pub(crate) fn shutting_down() -> Failure {
    Failure::new(FailureClass::Overloaded, "The gateway is shutting down.")
}
