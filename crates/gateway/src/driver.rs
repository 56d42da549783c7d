//! Drives one attempt: upstream messages through the session to the client, duties on time.
//!
//! The only `select!` over a running stream. What is ready together is handled together and
//! handed on as one batch. A slow client fills the channel; then the upstream is not read until
//! there is room, while heartbeats go on. A turn that ends with calls for the client leaves its
//! stream to wait for the results.

use std::sync::Arc;

use accounts::AccountId;
use conversation::{
    Event, Failure, Grammar, Limiter, ToolResult, Usage, Verdict, WithoutReasoning,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until};
use upstream::transport::Exchange;
use upstream::{Actions, Caller, Deadline, Session, UpstreamError, classify};

use self::step::{Step, next_batch, send};
pub(crate) use self::waiting::{Wait, Waiting};
use crate::attempt::Work;
use crate::estimate::Meter;
use crate::options::Options;
use crate::pace::Paced;
use crate::service::Inner;
use crate::transcript::AnswerDigest;

mod end;
mod step;
mod waiting;

/// How an attempt ended after its answer had become visible, or without anybody to see it.
pub(crate) enum Ending {
    Answered,
    /// Answered with calls of the client's tools; the stream waits for their results.
    Suspended(Box<Waiting>),
    /// The client left.
    Abandoned,
    /// The client is there but has not read for too long; a word to it would not be read either.
    Stalled,
    /// The upstream turned the call away unseen; it may be made once more.
    NotTaken(Failure),
    FailedVisibly(Failure),
}

pub(crate) struct Drive<'a> {
    gateway: &'a Inner,
    /// As they were when it began.
    options: Arc<Options>,
    work: &'a Work,
    session: Session,
    caller: Caller,
    account: AccountId,
    digest: AnswerDigest,
    limiter: Option<Limiter>,
    /// For a client that wants no reasoning.
    filter: Option<WithoutReasoning>,
    meter: Meter,
    pace: Paced,
    grammar: Grammar,
    /// Events not yet handed on: before the first visible one, or for a full channel.
    pending: Vec<Event>,
    /// How many of them were measured already.
    looked_at: usize,
    visible: bool,
    /// The client's own limit ended the answer; the upstream's figures would be of another one.
    limited: bool,
    started: Instant,
    opened: Instant,
    /// The last message of substance; `None` before the first.
    progress: Option<Instant>,
}

/// How the loop ended.
enum Driven {
    /// The answer is complete; its rest waits in `pending`.
    Finished,
    /// The same, and the stream waits for results.
    Suspended,
    Abandoned,
    NotTaken(Failure),
    Stalled,
}

/// Whether the loop goes on.
enum Flow {
    Continue,
    Finished,
    Suspended,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(
        gateway: &'a Inner,
        work: &'a Work,
        session: Session,
        caller: Caller,
        account: AccountId,
        started: Instant,
    ) -> Self {
        Self {
            gateway,
            options: Arc::clone(&gateway.options()),
            work,
            session,
            caller,
            account,
            digest: AnswerDigest::new(&work.place),
            limiter: Limiter::new(&work.turn.limits),
            filter: (work.turn.reasoning.wanted == Some(false)).then(WithoutReasoning::default),
            meter: Meter::default(),
            pace: Paced::new(&work.recording),
            grammar: Grammar::default(),
            pending: Vec::new(),
            looked_at: 0,
            visible: false,
            limited: false,
            started,
            opened: Instant::now(),
            progress: None,
        }
    }

    /// On a stream that waited.
    pub(crate) fn resume(
        gateway: &'a Inner,
        work: &'a Work,
        waiting: Waiting,
        account: AccountId,
        started: Instant,
    ) -> (Self, Exchange) {
        let Waiting { exchange, session, caller, ticket: _ } = waiting;
        let mut drive = Self::new(gateway, work, session, caller, account, started);
        // The stream has spoken before: the model may think as long as in mid-answer.
        drive.progress = Some(drive.opened);
        (drive, exchange)
    }

    /// Runs to the end; `results` are those that a waiting stream goes on with. `Err` means that
    /// nothing was visible.
    pub(crate) async fn run(
        mut self,
        mut exchange: Exchange,
        results: Option<Vec<ToolResult>>,
    ) -> Result<Ending, Failure> {
        let driven = self.drive(&mut exchange, results).await;
        if let Ok(Driven::Suspended) = driven {
            // The end is large and soon over: a stream that runs does not carry it along.
            return Ok(Box::pin(self.suspend(exchange)).await);
        }
        // Whatever the client still waits for, the upstream's part is over.
        drop(exchange);
        if self.visible && !matches!(driven, Ok(Driven::Finished)) {
            self.note_estimate();
        }
        match driven {
            Ok(Driven::Finished | Driven::Suspended) => Ok(Box::pin(self.finish()).await),
            Ok(Driven::Abandoned) => Ok(Ending::Abandoned),
            Ok(Driven::NotTaken(failure)) => Ok(Ending::NotTaken(failure)),
            Ok(Driven::Stalled) => Ok(Ending::Stalled),
            Err(failure) if self.visible => {
                // What was seen before the failure goes first.
                self.deliver_rest().await;
                Ok(Ending::FailedVisibly(failure))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn drive(
        &mut self,
        exchange: &mut Exchange,
        results: Option<Vec<ToolResult>>,
    ) -> Result<Driven, Failure> {
        let mut actions = Actions::default();
        if let Some(results) = results {
            let id = self.gateway.ambient.uuid().simple().to_string();
            self.session.resume(id, &results, &mut actions);
        }
        let wake = self.tick(&mut actions)?;
        if let Some(driven) = self.carry_out(exchange, &mut actions).into_driven() {
            return Ok(driven);
        }
        let timer = sleep_until(wake);
        tokio::pin!(timer);
        loop {
            let blocked = self.is_blocked();
            tokio::select! {
                biased;
                () = self.work.out.closed() => return Ok(Driven::Abandoned),
                // Before the upstream, so that a flood starves neither heartbeats nor deadlines.
                () = &mut timer => {
                    if self.is_stalled() {
                        tracing::info!("the client has not read for too long");
                        return Ok(Driven::Stalled);
                    }
                    let wake = self.tick(&mut actions)?;
                    // What was due may have been the end.
                    if let Some(driven) = self.carry_out(exchange, &mut actions).into_driven() {
                        return Ok(driven);
                    }
                    timer.as_mut().reset(wake);
                }
                // Cancel-safe: without a permit nothing is taken from `pending`.
                permit = self.work.out.reserve(), if blocked => {
                    let Ok(permit) = permit else { return Ok(Driven::Abandoned) };
                    permit.send(Ok(std::mem::take(&mut self.pending)));
                    self.looked_at = 0;
                    // The wait was the client's; the upstream was not asked.
                    self.progress = Some(Instant::now());
                }
                // Cancel-safe: all progress is kept in the exchange and the session.
                step = next_batch(exchange, &mut self.session, &mut actions), if !blocked => {
                    if let Some(driven) = self.take_step(step, exchange, &mut actions)? {
                        return Ok(driven);
                    }
                    // The batch may have brought a duty or a deadline that is sooner; later ones
                    // the timer finds by itself.
                    let wake = self.tick(&mut actions)?;
                    if wake < timer.deadline() {
                        timer.as_mut().reset(wake);
                    }
                    timer.as_mut().reset(wake);
                }
            }
        }
    }

    /// What a batch means for the loop; `None` to go on.
    fn take_step(
        &mut self,
        step: Step,
        exchange: &mut Exchange,
        actions: &mut Actions,
    ) -> Result<Option<Driven>, Failure> {
        // What came before an end or an error is seen before it, and may itself have been the end.
        let before = self.carry_out(exchange, actions);
        match (before, step) {
            (Flow::Suspended, Step::Messages) => Ok(Some(Driven::Suspended)),
            // A stream that has ended cannot wait.
            (Flow::Finished, _) | (Flow::Suspended, Step::Undecodable(_) | Step::End(_)) => {
                Ok(Some(Driven::Finished))
            }
            (Flow::Continue, step) => self.take_last_step(step, exchange, actions),
        }
    }

    fn take_last_step(
        &mut self,
        step: Step,
        exchange: &mut Exchange,
        actions: &mut Actions,
    ) -> Result<Option<Driven>, Failure> {
        match step {
            Step::Messages => Ok(None),
            Step::Undecodable(failure) => Err(failure),
            Step::End(Err(error @ UpstreamError::NotTaken(_))) => {
                Ok(Some(Driven::NotTaken(classify(&error))))
            }
            Step::End(result) => {
                self.session.end(result, actions)?;
                // The end of a session is the end of the answer.
                self.carry_out(exchange, actions);
                Ok(Some(Driven::Finished))
            }
        }
    }

    /// Whether a full channel keeps what is visible from going out.
    fn is_blocked(&self) -> bool {
        self.visible && !self.pending.is_empty()
    }

    fn is_stalled(&self) -> bool {
        let patience = self.options.progress_timeout;
        self.is_blocked() && self.progress.is_some_and(|at| at.elapsed() >= patience)
    }

    /// Does what is due and tells when the next thing is.
    fn tick(&mut self, actions: &mut Actions) -> Result<Instant, Failure> {
        let now = Instant::now();
        let (since, patience, deadline) = match self.progress {
            None => (self.opened, self.options.first_message_timeout, Deadline::FirstMessage),
            Some(at) => (at, self.options.progress_timeout, Deadline::Progress),
        };
        let total = self.started + self.options.total_timeout;
        let missed = if now >= total {
            Some(Deadline::Total)
        } else {
            (now >= since + patience).then_some(deadline)
        };
        if let Some(deadline) = missed {
            // An answer that is complete ends well, whatever its stream still waits for.
            self.session.end(Err(UpstreamError::Deadline(deadline)), actions)?;
            return Ok(now);
        }
        let mut wake = total.min(since + patience);
        if let Some(next) = self.session.tick(now.into_std(), actions) {
            wake = wake.min(next.into());
        }
        Ok(wake)
    }

    /// Carries out what the session wants after a batch.
    fn carry_out(&mut self, exchange: &mut Exchange, actions: &mut Actions) -> Flow {
        send(exchange, actions);
        if std::mem::take(&mut actions.progress) {
            self.progress = Some(Instant::now());
        }
        let suspended = std::mem::take(&mut actions.suspended);
        let mut finished = actions.done;
        for event in actions.events.drain(..) {
            if self.filter.as_mut().is_some_and(|filter| !filter.keeps(&event)) {
                continue;
            }
            match &mut self.limiter {
                None => self.pending.push(event),
                Some(limiter) => {
                    if limiter.push(event, &mut self.pending) == Verdict::Ended {
                        self.limited = true;
                        finished = true;
                        break;
                    }
                }
            }
        }
        actions.events.clear();
        if finished || (suspended && !self.gateway.suspended.is_on()) {
            return Flow::Finished;
        }
        if suspended {
            return Flow::Suspended;
        }
        self.hand_on();
        Flow::Continue
    }

    /// Hands the batch on if it is visible and there is room.
    fn hand_on(&mut self) {
        if !self.visible && self.pending.iter().any(Event::is_visible) {
            self.visible = true;
            // Others may be waiting to see whether the account serves.
            self.gateway.note_served(self.account, self.work.route.model.as_str());
        }
        if !self.visible || self.pending.is_empty() {
            return;
        }
        self.look_at_pending();
        match self.work.out.try_send(Ok(std::mem::take(&mut self.pending))) {
            Ok(()) => self.looked_at = 0,
            // Kept, and sent by the loop when there is room; a closed channel ends the loop.
            Err(TrySendError::Full(batch) | TrySendError::Closed(batch)) => {
                self.pending = batch.unwrap_or_default();
            }
        }
    }

    /// Figures of the answer so far, for its key and the request log.
    fn note_usage(&self, usage: &Usage) {
        if let Some(metering) = &self.work.metering {
            metering.note(usage);
        }
        self.work.recording.usage(usage);
    }

    /// Measures and checks what is about to go out; once for every event.
    fn look_at_pending(&mut self) {
        self.pace.pace.see(&self.pending[self.looked_at..]);
        for event in &self.pending[self.looked_at..] {
            self.meter.see(event);
            if let Event::Usage(usage) = event {
                self.note_usage(usage);
            }
            self.digest.see(event);
            if cfg!(debug_assertions)
                && let Err(violation) = self.grammar.accept(event)
            {
                tracing::error!(%violation, "a session broke the grammar of events");
            }
        }
        self.looked_at = self.pending.len();
    }
}

impl Flow {
    fn into_driven(self) -> Option<Driven> {
        match self {
            Self::Continue => None,
            Self::Finished => Some(Driven::Finished),
            Self::Suspended => Some(Driven::Suspended),
        }
    }
}
