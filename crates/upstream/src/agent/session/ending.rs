//! How a run ends: by the end of its stream, or by itself when its turn has ended and the stream
//! stays open.

use std::time::{Duration, Instant};

use conversation::{Event, Failure, Usage, UsageSource};
use cursor_proto::agent::view::TurnEndedUpdateView;

use super::AgentSession;
use crate::classify::{classify, empty_answer, is_normal_end};
use crate::error::UpstreamError;
use crate::session::{Actions, left, undecodable};

/// A turn that has ended is over when the stream ends, or after this long: a server that keeps the
/// stream open must not keep a whole answer from the client. The last checkpoint comes in this time.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far the end of the turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Not in sight.
    Open,
    /// The server said that the turn has ended.
    Told,
    /// The stream's end is awaited until then.
    Awaited(Instant),
    /// The answer was ended.
    Over,
}

impl AgentSession {
    /// The figures are the whole run's: of a run that was resumed, the last answer reports those
    /// of the earlier ones too, for which the upstream told nothing.
    ///
    /// # Errors
    /// Calls wait for results, which the model will not see.
    pub(super) fn turn_ended(
        &mut self,
        ended: &TurnEndedUpdateView<'_>,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        if self.answer.is_suspended() {
            return Err(left());
        }
        if self.end == End::Open {
            self.end = End::Told;
        }
        let count = |tokens: Option<i64>| tokens.and_then(|tokens| u64::try_from(tokens).ok());
        if let (Some(input), Some(output)) = (count(ended.input_tokens), count(ended.output_tokens))
        {
            let usage = Usage {
                input,
                output,
                cache_read: count(ended.cache_read_tokens),
                cache_write: count(ended.cache_write_tokens),
                reasoning: count(ended.reasoning_tokens),
                source: UsageSource::Upstream,
            };
            actions.events.push(Event::Usage(usage));
        }
        Ok(())
    }

    /// Whether the server ended the turn and the answer is one. After results the model may have
    /// nothing more to say, if it says that it has ended.
    fn is_complete(&self) -> bool {
        self.end != End::Open && (self.answer.spoke() || self.resumed)
    }

    /// Takes bytes that are no message; once the turn is complete they cost the client nothing.
    pub(super) fn nonsense(&self, error: &dyn std::fmt::Display) -> Result<(), Failure> {
        if self.is_complete() {
            tracing::debug!(%error, "nonsense after the turn had ended");
            return Ok(());
        }
        Err(undecodable(error))
    }

    pub(crate) fn end(
        &mut self,
        result: Result<(), UpstreamError>,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        if self.end == End::Over {
            actions.done = true;
            return Ok(());
        }
        match result {
            Ok(()) => {}
            Err(error) if is_normal_end(&error) => {}
            // The turn is complete; what went wrong afterwards costs the client nothing.
            Err(error) if self.is_complete() => {
                tracing::debug!(%error, "stream failed after its turn had ended");
            }
            Err(error) => return Err(classify(&error)),
        }
        if self.answer.is_suspended() {
            return Err(left());
        }
        if !self.answer.spoke() && !self.is_complete() {
            return Err(empty_answer());
        }
        if self.answer.finish(actions) { Ok(()) } else { Err(classify(&UpstreamError::Cut)) }
    }

    /// Waits for the end of the stream, for a while.
    pub(super) fn await_end(&mut self, now: Instant, actions: &mut Actions) -> Option<Instant> {
        let due = match self.end {
            End::Awaited(due) => due,
            End::Told => now + PATIENCE,
            End::Open | End::Over => return None,
        };
        self.end = End::Awaited(due);
        if now < due {
            return Some(due);
        }
        self.end_by_itself(actions);
        None
    }

    /// Ends a complete answer without the stream's end. What that would not have made a success
    /// is left to it, or to the deadlines.
    fn end_by_itself(&mut self, actions: &mut Actions) {
        if self.answer.is_suspended() {
            return;
        }
        self.calls.stop_waiting(&mut self.answer, actions);
        if self.is_complete() && self.answer.may_finish() && self.answer.finish(actions) {
            self.end = End::Over;
        }
    }
}
