//! Drives one attempt: upstream messages through the session to the client, duties on time.
//!
//! The only `select!` over a running stream. What is ready together is handled together and
//! handed on as one batch. A slow client fills the channel; then the upstream is not read until
//! there is room, while heartbeats go on.

use std::task::Poll;
use std::time::Duration;

use conversation::{Event, Failure, Grammar, Limiter, Turn, Verdict};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{Instant, sleep_until, timeout};
use upstream::transport::{Exchange, Received};
use upstream::{Actions, Caller, Deadline, Session, UpstreamError, classify};

use crate::answer::Batch;
use crate::estimate::Meter;
use crate::service::Inner;

/// Bytes of messages handled before the batch is handed on: enough that a flood does not pay for a
/// hand-over every few pieces, little enough that a slow reader holds little.
const MOST_BYTES: usize = 16 << 10;

/// Bytes around a message on the wire.
const ENVELOPE: usize = 5;

/// How long the figures of a finished turn may keep its end waiting.
const USAGE_PATIENCE: Duration = Duration::from_secs(3);

/// How an attempt ended after its answer had become visible, or without anybody to see it.
pub(crate) enum Ending {
    Answered,
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
    turn: &'a Turn,
    out: &'a mpsc::Sender<Batch>,
    session: Session,
    caller: Caller,
    limiter: Option<Limiter>,
    meter: Meter,
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

/// What one turn of the loop brought.
enum Step {
    Messages,
    /// Bytes that are no message, after those that were.
    Undecodable(Failure),
    End(Result<(), UpstreamError>),
}

/// How the loop ended.
enum Driven {
    /// The answer is complete; its rest waits in `pending`.
    Finished,
    Abandoned,
    NotTaken(Failure),
    Stalled,
}

/// Whether the loop goes on.
enum Flow {
    Continue,
    Finished,
}

impl<'a> Drive<'a> {
    pub(crate) fn new(
        gateway: &'a Inner,
        turn: &'a Turn,
        out: &'a mpsc::Sender<Batch>,
        session: Session,
        caller: Caller,
        started: Instant,
    ) -> Self {
        Self {
            gateway,
            turn,
            out,
            session,
            caller,
            limiter: Limiter::new(&turn.limits),
            meter: Meter::default(),
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

    /// Runs to the end. `Err` means that nothing was visible.
    pub(crate) async fn run(mut self, mut exchange: Exchange) -> Result<Ending, Failure> {
        let driven = self.drive(&mut exchange).await;
        // Whatever the client still waits for, the upstream's part is over.
        drop(exchange);
        match driven {
            Ok(Driven::Finished) => Ok(self.finish().await),
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

    async fn drive(&mut self, exchange: &mut Exchange) -> Result<Driven, Failure> {
        let mut actions = Actions::default();
        let wake = self.tick(exchange, &mut actions)?;
        let timer = sleep_until(wake);
        tokio::pin!(timer);
        loop {
            let blocked = self.is_blocked();
            tokio::select! {
                biased;
                () = self.out.closed() => return Ok(Driven::Abandoned),
                // Before the upstream, so that a flood starves neither heartbeats nor deadlines.
                () = &mut timer => {
                    if self.is_stalled() {
                        tracing::info!("the client has not read for too long");
                        return Ok(Driven::Stalled);
                    }
                    let wake = self.tick(exchange, &mut actions)?;
                    if let Flow::Finished = self.carry_out(exchange, &mut actions) {
                        return Ok(Driven::Finished);
                    }
                    timer.as_mut().reset(wake);
                }
                // Cancel-safe: without a permit nothing is taken from `pending`.
                permit = self.out.reserve(), if blocked => {
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
                    // Messages move deadlines: that of progress, and the rest of calls.
                    let wake = self.tick(exchange, &mut actions)?;
                    if let Flow::Finished = self.carry_out(exchange, &mut actions) {
                        return Ok(Driven::Finished);
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
        if let Flow::Finished = before {
            return Ok(Some(Driven::Finished));
        }
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
        let patience = self.gateway.options.progress_timeout;
        self.is_blocked() && self.progress.is_some_and(|at| at.elapsed() >= patience)
    }

    /// Does what is due and tells when the next thing is.
    fn tick(&mut self, exchange: &mut Exchange, actions: &mut Actions) -> Result<Instant, Failure> {
        let now = Instant::now();
        let (since, patience, deadline) = match self.progress {
            None => {
                (self.opened, self.gateway.options.first_message_timeout, Deadline::FirstMessage)
            }
            Some(at) => (at, self.gateway.options.progress_timeout, Deadline::Progress),
        };
        let total = self.started + self.gateway.options.total_timeout;
        if now >= total {
            return Err(classify(&UpstreamError::Deadline(Deadline::Total)));
        }
        if now >= since + patience {
            return Err(classify(&UpstreamError::Deadline(deadline)));
        }
        let mut wake = total.min(since + patience);
        if let Some(next) = self.session.tick(now.into_std(), actions) {
            wake = wake.min(next.into());
        }
        send(exchange, actions);
        Ok(wake)
    }

    /// Carries out what the session wants after a batch.
    fn carry_out(&mut self, exchange: &mut Exchange, actions: &mut Actions) -> Flow {
        send(exchange, actions);
        if std::mem::take(&mut actions.progress) {
            self.progress = Some(Instant::now());
        }
        // Without a way to take results yet, an answer that ends with calls ends the turn.
        let mut finished = actions.done || std::mem::take(&mut actions.suspended);
        for event in actions.events.drain(..) {
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
        if finished {
            return Flow::Finished;
        }
        self.hand_on();
        Flow::Continue
    }

    /// Hands the batch on if it is visible and there is room.
    fn hand_on(&mut self) {
        self.visible = self.visible || self.pending.iter().any(Event::is_visible);
        if !self.visible || self.pending.is_empty() {
            return;
        }
        self.look_at_pending();
        match self.out.try_send(Ok(std::mem::take(&mut self.pending))) {
            Ok(()) => self.looked_at = 0,
            // Kept, and sent by the loop when there is room; a closed channel ends the loop.
            Err(TrySendError::Full(batch) | TrySendError::Closed(batch)) => {
                self.pending = batch.unwrap_or_default();
            }
        }
    }

    /// Measures and checks what is about to go out; once for every event.
    fn look_at_pending(&mut self) {
        for event in &self.pending[self.looked_at..] {
            self.meter.see(event);
            if cfg!(debug_assertions)
                && let Err(violation) = self.grammar.accept(event)
            {
                tracing::error!(%violation, "a session broke the grammar of events");
            }
        }
        self.looked_at = self.pending.len();
    }

    /// Hands on the rest, then the figures and the end. Nobody waits for figures with text in hand.
    async fn finish(&mut self) -> Ending {
        self.look_at_pending();
        let end = self.pending.pop();
        self.visible = true;
        if let Some(estimate) = self.meter.estimate(self.turn) {
            let usage = if self.may_look_up() {
                if !self.deliver_rest().await {
                    return Ending::Abandoned;
                }
                self.looked_up().await.unwrap_or(estimate)
            } else {
                estimate
            };
            self.pending.push(Event::Usage(usage));
        }
        self.pending.extend(end);
        if self.deliver_rest().await { Ending::Answered } else { Ending::Abandoned }
    }

    /// Waits for room as long as a stalled client is waited for.
    async fn deliver_rest(&mut self) -> bool {
        if self.pending.is_empty() {
            return true;
        }
        let rest = std::mem::take(&mut self.pending);
        self.looked_at = 0;
        let patience = self.gateway.options.progress_timeout;
        matches!(timeout(patience, self.out.send(Ok(rest))).await, Ok(Ok(())))
    }

    /// Whether the upstream keeps figures that its stream did not tell. Those of an answer that the
    /// client's limit ended would be another answer's.
    fn may_look_up(&self) -> bool {
        self.gateway.options.usage_lookup && !self.limited && self.session.usage_id().is_some()
    }

    async fn looked_up(&self) -> Option<conversation::Usage> {
        let id = self.session.usage_id()?;
        let stamp = self.gateway.ambient.stamp();
        let lookup = self.gateway.backend.token_usage(&self.caller, stamp, id);
        let looked_up = tokio::select! {
            biased;
            () = self.out.closed() => return None,
            looked_up = timeout(USAGE_PATIENCE, lookup) => looked_up,
        };
        match looked_up {
            Ok(Ok(usage)) => usage,
            Ok(Err(error)) => {
                tracing::debug!(%error, "usage not told");
                None
            }
            Err(_) => None,
        }
    }
}

fn send(exchange: &mut Exchange, actions: &mut Actions) {
    for message in actions.send.drain(..) {
        // A closed stream says by its end why it is closed.
        if let Err(error) = message.send(exchange) {
            tracing::debug!(%error, "answer not sent");
            break;
        }
    }
}

/// Everything that is ready, up to a bound: at least one message, or the end.
async fn next_batch(exchange: &mut Exchange, session: &mut Session, actions: &mut Actions) -> Step {
    let mut taken = 0;
    let mut bytes = 0;
    std::future::poll_fn(|cx| {
        loop {
            let received = match exchange.poll_next(cx) {
                Poll::Ready(received) => received,
                Poll::Pending if taken > 0 => return Poll::Ready(Step::Messages),
                Poll::Pending => return Poll::Pending,
            };
            match received {
                Received::Message(message) => {
                    if let Err(failure) = session.receive(&message, actions) {
                        return Poll::Ready(Step::Undecodable(failure));
                    }
                    taken += 1;
                    // An envelope costs even when it is empty.
                    bytes += message.len() + ENVELOPE;
                    if bytes >= MOST_BYTES {
                        return Poll::Ready(Step::Messages);
                    }
                }
                Received::End(result) => return Poll::Ready(Step::End(result)),
            }
        }
    })
    .await
}
