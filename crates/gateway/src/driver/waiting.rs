//! A stream between two requests: its duties go on, and nothing of it is seen.

use tokio::time::{Instant, sleep_until};
use upstream::transport::Exchange;
use upstream::{Actions, Caller, Session};

use super::step::{Step, next_batch, send};
use crate::service::Inner;
use crate::suspended::{Resume, Ticket};

/// A stream that waits for the results of a client's tools.
pub(crate) struct Waiting {
    pub(crate) exchange: Exchange,
    pub(crate) session: Session,
    pub(crate) caller: Caller,
    pub(crate) ticket: Ticket,
}

/// How the wait ended.
pub(crate) enum Wait {
    /// A request takes the stream on.
    Resumed(Box<Resume>),
    /// The way to the stream was taken out of the registry; nobody will come.
    Dismissed,
    /// No request came in time, or the stream ended; the registry still names it.
    Over,
}

impl Waiting {
    pub(crate) async fn for_results(&mut self, gateway: &Inner) -> Wait {
        let Self { exchange, session, ticket, caller: _ } = self;
        let deadline = Instant::now() + gateway.suspended.timeout();
        let mut actions = Actions::default();
        loop {
            let due = session.tick(Instant::now().into_std(), &mut actions);
            send(exchange, &mut actions);
            let wake = due.map_or(deadline, |due| deadline.min(due.into()));
            tokio::select! {
                biased;
                resume = &mut ticket.resume => {
                    return resume.map_or(Wait::Dismissed, |resume| Wait::Resumed(Box::new(resume)));
                }
                () = sleep_until(wake) => {
                    if Instant::now() >= deadline {
                        tracing::debug!("no results came in time; the stream is given up");
                        return Wait::Over;
                    }
                }
                step = next_batch(exchange, session, &mut actions) => match step {
                    // What the server stores here meanwhile counts as well.
                    Step::Messages => gateway.suspended.update(ticket, session.bytes()),
                    Step::Undecodable(failure) => {
                        tracing::debug!(%failure, "suspended stream given up");
                        return Wait::Over;
                    }
                    Step::End(result) => {
                        tracing::debug!(?result, "suspended stream ended");
                        return Wait::Over;
                    }
                }
            }
        }
    }
}
