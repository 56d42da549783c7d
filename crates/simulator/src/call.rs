//! The account of one call: its record, its tags, its place among the active streams.
//!
//! Dropped without an outcome it counts as cancelled: that is how a client's reset shows.

use std::sync::Arc;

use crate::control::{CallOutcome, CallRecord};
use crate::state::{ActiveStream, Connection, State, StreamKind, Tag};

/// One call while it runs.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) state: Arc<State>,
    sequence: u64,
    tags: Vec<(String, Arc<Tag>)>,
    stream: Option<ActiveStream>,
    finished: bool,
}

impl Call {
    /// Notes a call that was just received.
    pub(crate) fn begin(state: &Arc<State>, record: CallRecord) -> Self {
        let sequence = state.note_call(record);
        let state = Arc::clone(state);
        Self { state, sequence, tags: Vec::new(), stream: None, finished: false }
    }

    /// Counts the call among the active streams of its connection.
    pub(crate) fn is_stream(&mut self, connection: &Arc<Connection>, kind: StreamKind) {
        self.stream = Some(ActiveStream::open(Arc::clone(connection), kind));
    }

    /// Notes what the request says about itself.
    pub(crate) fn asks_for(&self, model: &str) {
        self.state.update_call(self.sequence, |record| record.model = Some(model.to_owned()));
    }

    /// Notes whose call it is, where no header says so.
    pub(crate) fn is_of(&self, user: &str) {
        self.state.update_call(self.sequence, |record| record.user = Some(user.to_owned()));
    }

    /// Counts the call under a name, once.
    pub(crate) fn tag(&mut self, name: &str) {
        if self.tags.iter().all(|(known, _)| known != name) {
            let tag = self.state.tag(name);
            tag.start();
            self.tags.push((name.to_owned(), tag));
        }
    }

    /// Counts one piece sent.
    pub(crate) fn piece(&self) {
        for (_, tag) in &self.tags {
            tag.piece();
        }
    }

    /// Sets the outcome. Counters are final before the last byte leaves, so that a test that saw
    /// the end also sees them.
    pub(crate) fn finish(&mut self, outcome: CallOutcome) {
        if !std::mem::replace(&mut self.finished, true) {
            for (_, tag) in &self.tags {
                tag.finish(outcome);
            }
            self.state.finish_call(self.sequence, outcome);
            self.stream = None;
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.finish(CallOutcome::Cancelled);
    }
}
