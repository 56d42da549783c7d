//! An answer in progress, as its reader sees it.

use conversation::{Event, Failure};
use std::task::{Context, Poll, ready};
use tokio::sync::mpsc;

use crate::recording::Recording;

/// A batch of events that were ready together, or the failure that ends the answer.
pub(crate) type Batch = Result<Vec<Event>, Failure>;

/// Batches that may wait for a slow reader; beyond that the upstream is not read.
pub(crate) const BATCHES: usize = 8;

/// The events of one answer. The first batch is there: an answer exists only once its beginning
/// is visible. Dropping it means that the reader has gone.
#[derive(Debug)]
pub struct Answer {
    first: Option<Vec<Event>>,
    rest: mpsc::Receiver<Batch>,
    /// What its reader is told, the log must not hide.
    recording: Recording,
    is_over: bool,
}

impl Answer {
    /// Waits for the beginning.
    ///
    /// # Errors
    /// The turn failed before anything was visible.
    pub(crate) async fn begin(
        mut rest: mpsc::Receiver<Batch>,
        recording: Recording,
    ) -> Result<Self, Failure> {
        match rest.recv().await {
            Some(Ok(first)) => Ok(Self { first: Some(first), rest, recording, is_over: false }),
            Some(Err(failure)) => Err(failure),
            None => Err(broken()),
        }
    }

    /// The next batch. `None` only after a batch that ended the answer; a driver that vanished is
    /// reported as a failure once.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Vec<Event>, Failure>>> {
        let next = match self.first.take() {
            Some(first) => Some(Ok(first)),
            None => match ready!(self.rest.poll_recv(cx)) {
                None if !self.is_over => Some(Err(broken())),
                next => next,
            },
        };
        match &next {
            Some(Ok(events)) => self.is_over = matches!(events.last(), Some(Event::Finished(_))),
            Some(Err(failure)) => {
                self.is_over = true;
                self.recording.failed(failure);
            }
            None => {}
        }
        Poll::Ready(next)
    }

    /// [`Self::poll_next`] as a future; cancel-safe.
    pub async fn next(&mut self) -> Option<Result<Vec<Event>, Failure>> {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }
}

pub(crate) fn broken() -> Failure {
    Failure::new(
        conversation::FailureClass::Internal,
        "The gateway stopped working on this answer.",
    )
    .log("the driver of a turn ended without an end")
}
