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
use crate::attempt::Opened;
use crate::estimate::Meter;
use crate::service::Inner;

/// Messages handled before the batch is handed on, so that a flood does not become one batch.
const MOST_MESSAGES: usize = 256;

/// How long the figures of a finished turn may keep its end waiting.
const USAGE_PATIENCE: Duration = Duration::from_secs(3);

/// How an attempt ended after its answer had become visible, or without anybody to see it.
pub(crate) enum Ending {
    Answered,
    /// The client left.
    Abandoned,
    /// The upstream turned the call away unseen; it may be made once more.
    NotTaken(Failure),
    FailedVisibly(Failure),
}

pub(crate) struct Drive<'a> {
    gateway: &'a Inner,
    turn: &'a Turn,
    out: &'a mpsc::Sender<Batch>,
    exchange: Exchange,
    session: Session,
    caller: Caller,
    limiter: Option<Limiter>,
    meter: Meter,
    grammar: Grammar,
    /// Events not yet handed on: before the first visible one, or for a full channel.
    pending: Vec<Event>,
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
    End(Result<(), UpstreamError>),
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
        opened: Opened,
        started: Instant,
    ) -> Self {
        Self {
            gateway,
            turn,
            out,
            exchange: opened.exchange,
            session: opened.session,
            caller: opened.caller,
            limiter: Limiter::new(&turn.limits),
            meter: Meter::default(),
            grammar: Grammar::default(),
            pending: Vec::new(),
            visible: false,
            limited: false,
            started,
            opened: Instant::now(),
            progress: None,
        }
    }

    /// Runs to the end. `Err` means that nothing was visible.
    pub(crate) async fn run(mut self) -> Result<Ending, Failure> {
        match self.drive().await {
            Ok(ending) => Ok(ending),
            Err(failure) if self.visible => {
                // What was seen before the failure goes first.
                self.deliver_rest().await;
                Ok(Ending::FailedVisibly(failure))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn drive(&mut self) -> Result<Ending, Failure> {
        let mut actions = Actions::default();
        let wake = self.tick(&mut actions)?;
        let timer = sleep_until(wake);
        tokio::pin!(timer);
        loop {
            let blocked = self.visible && !self.pending.is_empty();
            tokio::select! {
                biased;
                () = self.out.closed() => return Ok(Ending::Abandoned),
                // Cancel-safe: without a permit nothing is taken from `pending`.
                permit = self.out.reserve(), if blocked => {
                    let Ok(permit) = permit else { return Ok(Ending::Abandoned) };
                    permit.send(Ok(std::mem::take(&mut self.pending)));
                    // The wait was the client's; the upstream was not asked.
                    self.progress = Some(Instant::now());
                }
                // Cancel-safe: all progress is kept in the exchange and the session.
                step = next_batch(&mut self.exchange, &mut self.session, &mut actions),
                    if !blocked =>
                {
                    let waiting = self.progress.is_none();
                    let flow = match step? {
                        Step::Messages => self.carry_out(&mut actions)?,
                        Step::End(Err(error @ UpstreamError::NotTaken(_))) => {
                            return Ok(Ending::NotTaken(classify(&error)));
                        }
                        Step::End(result) => {
                            if result.is_err() {
                                // What came before the error is seen before it.
                                self.carry_out(&mut actions)?;
                            }
                            self.session.end(result, &mut actions)?;
                            self.carry_out(&mut actions)?
                        }
                    };
                    if let Flow::Finished = flow {
                        return self.finish().await;
                    }
                    // From the first message on another deadline holds, which may be a shorter
                    // one. Later ones only move away, so the timer finds them by itself.
                    if waiting && self.progress.is_some() {
                        let wake = self.tick(&mut actions)?;
                        timer.as_mut().reset(wake);
                    }
                }
                () = &mut timer => {
                    let wake = self.tick(&mut actions)?;
                    timer.as_mut().reset(wake);
                }
            }
        }
    }

    /// Does what is due and tells when the next thing is.
    fn tick(&mut self, actions: &mut Actions) -> Result<Instant, Failure> {
        let now = Instant::now();
        let blocked = self.visible && !self.pending.is_empty();
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
            if blocked {
                tracing::debug!("the client has not read for too long");
            }
            return Err(classify(&UpstreamError::Deadline(deadline)));
        }
        let mut wake = total.min(since + patience);
        if let Some(next) = self.session.tick(now.into_std(), actions) {
            wake = wake.min(next.into());
        }
        self.send(actions)?;
        Ok(wake)
    }

    fn send(&mut self, actions: &mut Actions) -> Result<(), Failure> {
        for message in actions.send.drain(..) {
            // A closed stream says by its end why it is closed.
            if let Err(error) = message.send(&mut self.exchange) {
                tracing::debug!(%error, "answer not sent");
                break;
            }
        }
        Ok(())
    }

    /// Carries out what the session wants after a batch.
    fn carry_out(&mut self, actions: &mut Actions) -> Result<Flow, Failure> {
        self.send(actions)?;
        if std::mem::take(&mut actions.progress) {
            self.progress = Some(Instant::now());
        }
        let mut finished = actions.done;
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
            return Ok(Flow::Finished);
        }
        self.hand_on();
        Ok(Flow::Continue)
    }

    /// Hands the batch on if it is visible and there is room.
    fn hand_on(&mut self) {
        self.visible = self.visible || self.pending.iter().any(Event::is_visible);
        if !self.visible || self.pending.is_empty() {
            return;
        }
        self.look_at_pending();
        match self.out.try_send(Ok(std::mem::take(&mut self.pending))) {
            Ok(()) => {}
            // Kept, and sent by the loop when there is room; a closed channel ends the loop.
            Err(TrySendError::Full(batch) | TrySendError::Closed(batch)) => {
                self.pending = batch.unwrap_or_default();
            }
        }
    }

    /// Measures and checks what is about to go out; once for every event.
    fn look_at_pending(&mut self) {
        for event in &self.pending {
            self.meter.see(event);
            if cfg!(debug_assertions)
                && let Err(violation) = self.grammar.accept(event)
            {
                tracing::error!(%violation, "a session broke the grammar of events");
            }
        }
    }

    /// Adds the figures and hands the end on.
    async fn finish(&mut self) -> Result<Ending, Failure> {
        self.look_at_pending();
        if let Some(usage) = self.usage().await {
            let before_end = self.pending.len().saturating_sub(1);
            self.pending.insert(before_end, Event::Usage(usage));
        }
        self.visible = true;
        Ok(if self.deliver_rest().await { Ending::Answered } else { Ending::Abandoned })
    }

    /// Waits for room as long as a stalled client is waited for.
    async fn deliver_rest(&mut self) -> bool {
        if self.pending.is_empty() {
            return true;
        }
        let rest = std::mem::take(&mut self.pending);
        let patience = self.gateway.options.progress_timeout;
        matches!(timeout(patience, self.out.send(Ok(rest))).await, Ok(Ok(())))
    }

    /// Figures that the stream did not tell: asked for where the upstream keeps them, else
    /// estimated and marked so.
    async fn usage(&self) -> Option<conversation::Usage> {
        let estimate = self.meter.estimate(self.turn)?;
        if self.limited || !self.gateway.options.usage_lookup {
            return Some(estimate);
        }
        let Some(id) = self.session.usage_id() else { return Some(estimate) };
        let stamp = self.gateway.ambient.stamp();
        let lookup = self.gateway.backend.token_usage(&self.caller, stamp, id);
        let looked_up = tokio::select! {
            biased;
            () = self.out.closed() => return None,
            looked_up = timeout(USAGE_PATIENCE, lookup) => looked_up,
        };
        match looked_up {
            Ok(Ok(usage)) => Some(usage),
            Ok(Err(error)) => {
                tracing::debug!(%error, "usage not told");
                Some(estimate)
            }
            Err(_) => Some(estimate),
        }
    }
}

/// Everything that is ready, up to a bound: at least one message, or the end.
async fn next_batch(
    exchange: &mut Exchange,
    session: &mut Session,
    actions: &mut Actions,
) -> Result<Step, Failure> {
    let mut taken = 0;
    std::future::poll_fn(|cx| {
        loop {
            let received = match exchange.poll_next(cx) {
                Poll::Ready(received) => received,
                Poll::Pending if taken > 0 => return Poll::Ready(Ok(Step::Messages)),
                Poll::Pending => return Poll::Pending,
            };
            match received {
                Received::Message(message) => {
                    if let Err(failure) = session.receive(&message, actions) {
                        return Poll::Ready(Err(failure));
                    }
                    taken += 1;
                    if taken >= MOST_MESSAGES {
                        return Poll::Ready(Ok(Step::Messages));
                    }
                }
                Received::End(result) => return Poll::Ready(Ok(Step::End(result))),
            }
        }
    })
    .await
}
