//! The end of an answer: figures, what a follow-up turn can use, and the stream that waits.

use std::time::Duration;

use conversation::Event;
use tokio::time::timeout;
use upstream::transport::Exchange;

use super::{Drive, Ending, Waiting};
use crate::memories::Remembered;
use crate::suspended::Terms;
use crate::transcript::Digest;

/// How long the figures of a finished turn may keep its end waiting.
const USAGE_PATIENCE: Duration = Duration::from_secs(3);

impl Drive<'_> {
    /// Hands on the rest and the end.
    pub(super) async fn finish(mut self) -> Ending {
        let may_look_up = self.may_look_up();
        if !self.add_figures(may_look_up).await {
            return Ending::Abandoned;
        }
        self.remember();
        if self.deliver_rest().await { Ending::Answered } else { Ending::Abandoned }
    }

    /// The same, with a stream that waits. It is entered before the client sees the end, for the
    /// results may be back at once.
    pub(super) async fn suspend(mut self, exchange: Exchange) -> Ending {
        // The upstream knows the figures of whole turns only, and this one goes on.
        if !self.add_figures(false).await {
            return Ending::Abandoned;
        }
        let digest = self.remember();
        let calls = self.session.pending_calls();
        let terms = Terms::new(&self.work.turn, &self.work.route);
        let bytes = self.session.bytes();
        let ticket = self.gateway.suspended.enter(digest, calls, terms, bytes);
        // A client that left in the middle may have had enough to go on from: then its next request
        // is under way to the stream already.
        if !self.deliver_rest().await && self.gateway.suspended.leave(&ticket) {
            return Ending::Abandoned;
        }
        let Self { session, caller, .. } = self;
        Ending::Suspended(Box::new(Waiting { exchange, session, caller, ticket }))
    }

    /// Keeps what a follow-up turn can use; gives the digest it will be asked for by.
    fn remember(&mut self) -> Digest {
        self.look_at_pending();
        let digest = self.digest.clone().end();
        let remembered = Remembered { account: self.account, memory: self.session.memory() };
        let from = self.work.place.answered.map(|(from, _)| from);
        self.gateway.memories.keep(digest, from, remembered);
        digest
    }

    /// Puts the figures before the end. Nobody waits for figures with text in hand. `false` when
    /// the client has gone meanwhile.
    async fn add_figures(&mut self, may_look_up: bool) -> bool {
        self.look_at_pending();
        let end = self.pending.pop();
        self.looked_at = self.pending.len();
        self.visible = true;
        if let Some(estimate) = self.note_estimate() {
            let usage = if may_look_up {
                if !self.deliver_rest().await {
                    return false;
                }
                Box::pin(self.looked_up()).await.unwrap_or(estimate)
            } else {
                estimate
            };
            self.note_usage(&usage);
            self.pending.push(Event::Usage(usage));
        }
        // Both were looked at, or say nothing to those who look.
        self.pending.extend(end);
        self.looked_at = self.pending.len();
        true
    }

    /// Counts what was said against the limits of the key, when the upstream told no figures: an
    /// answer costs what it costs, whether its reader stays to the end or not.
    pub(super) fn note_estimate(&self) -> Option<conversation::Usage> {
        let estimate = self.meter.estimate(&self.work.turn)?;
        self.note_usage(&estimate);
        Some(estimate)
    }

    /// Waits for room as long as a stalled client is waited for.
    pub(super) async fn deliver_rest(&mut self) -> bool {
        if self.pending.is_empty() {
            return true;
        }
        let rest = std::mem::take(&mut self.pending);
        self.looked_at = 0;
        let patience = self.options.progress_timeout;
        matches!(timeout(patience, self.work.out.send(Ok(rest))).await, Ok(Ok(())))
    }

    /// Whether the upstream keeps figures that its stream did not tell. Those of an answer that the
    /// client's limit ended would be another answer's.
    fn may_look_up(&self) -> bool {
        let default = self.options.usage_lookup;
        self.work.grant.looks_up_usage(self.work.turn.model.as_str(), default)
            && !self.limited
            && self.session.usage_id().is_some()
    }

    async fn looked_up(&self) -> Option<conversation::Usage> {
        let id = self.session.usage_id()?;
        let stamp = self.gateway.ambient.stamp();
        let lookup = self.gateway.backend.token_usage(&self.caller, stamp, id);
        let looked_up = tokio::select! {
            biased;
            () = self.work.out.closed() => return None,
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
