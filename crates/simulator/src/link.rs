//! One stream as a session sees it: messages in, frames out, a clock, its account.
//!
//! Shared by both chat flows; knows no message types.

use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, Sleep};

use crate::body::{Finish, Output};
use crate::call::Call;
use crate::control::CallOutcome;
use crate::envelope;
use crate::failure::Failure;
use crate::inbox::{Arrival, Inbox};

/// Time for bytes to leave the process before a reset overtakes them.
const LAST_BYTES: Duration = Duration::from_millis(20);

/// Why a session stops before its orderly end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// With an error in the end frame.
    Failure(Failure),
    /// With a reset of the stream.
    Reset,
    /// With the end of the connection.
    Cut,
    /// With the end of the body and no end frame.
    NoEnd,
    /// With an end frame and nothing before it.
    Empty,
    /// The client withdrew its question.
    Withdrawn,
    /// The client closed its side while a tool was running.
    Unanswered,
    /// The client is gone.
    Left,
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// What a session waited for.
#[derive(Debug)]
pub(crate) enum Event {
    Message(Bytes),
    /// The client will send no more.
    End,
    /// The time is over.
    Time,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Link {
    inbox: Inbox,
    pub(crate) out: Output,
    pub(crate) call: Call,
    timer: Pin<Box<Sleep>>,
}

impl Link {
    pub(crate) fn new(inbox: Inbox, out: Output, call: Call) -> Self {
        Self { inbox, out, call, timer: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    /// Waits for the next message, at most until `until`.
    pub(crate) async fn event(&mut self, until: Instant) -> Result<Event, Halt> {
        if self.timer.deadline() != until {
            self.timer.as_mut().reset(until);
        }
        std::future::poll_fn(|cx| match self.inbox.poll_next(cx) {
            Poll::Ready(arrival) => Poll::Ready(event(arrival)),
            Poll::Pending => self.timer.as_mut().poll(cx).map(|()| Ok(Event::Time)),
        })
        .await
    }

    /// The next message if it is already here; [`Event::Time`] if not.
    pub(crate) async fn event_now(&mut self) -> Result<Event, Halt> {
        std::future::poll_fn(|cx| {
            Poll::Ready(match self.inbox.poll_next(cx) {
                Poll::Ready(arrival) => event(arrival),
                Poll::Pending => Ok(Event::Time),
            })
        })
        .await
    }

    /// Sends nothing and hears nothing for a while.
    pub(crate) async fn silence(&mut self, time: Duration) {
        self.out.flushed().await;
        tokio::time::sleep(time).await;
    }

    /// Ends the stream as the session ended.
    pub(crate) async fn close(mut self, result: Result<(), Halt>) -> Finish {
        let (finish, outcome) = match result {
            Ok(()) | Err(Halt::Empty) => {
                self.out.frame(envelope::END, b"{}");
                (Finish::End, CallOutcome::Completed)
            }
            Err(Halt::Failure(failure)) => {
                self.out.frame(envelope::END, &failure.end());
                (Finish::End, CallOutcome::Failed)
            }
            Err(Halt::Withdrawn) => {
                self.out.frame(envelope::END, &Failure::aborted().end());
                (Finish::End, CallOutcome::Cancelled)
            }
            Err(Halt::Unanswered) => {
                // A normal end for a client: `reference/messages/errors.md`, rule 3.
                self.out.frame(envelope::END, &Failure::aborted().end());
                (Finish::End, CallOutcome::Completed)
            }
            Err(Halt::NoEnd) => (Finish::End, CallOutcome::Failed),
            Err(Halt::Left) => (Finish::Reset, CallOutcome::Cancelled),
            Err(Halt::Reset) => (Finish::Reset, CallOutcome::Failed),
            Err(Halt::Cut) => (Finish::Cut, CallOutcome::Failed),
        };
        self.call.finish(outcome);
        if matches!(finish, Finish::Reset | Finish::Cut) {
            self.silence(LAST_BYTES).await;
        }
        finish
    }
}

fn event(arrival: Arrival) -> Result<Event, Halt> {
    match arrival {
        Arrival::Message(message) => Ok(Event::Message(message)),
        Arrival::End => Ok(Event::End),
        Arrival::Reset => Err(Halt::Left),
        Arrival::Broken(failure) => Err(failure.into()),
    }
}
