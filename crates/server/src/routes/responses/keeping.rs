//! A streamed answer that is kept as well, if the client wants it stored: from its first event, so
//! that it can be read while it runs, to its end or to the moment its reader leaves.

use bytes::BytesMut;
use conversation::{Event, Failure};
use dialects::Encoder;
use dialects::openai_responses::{self, Status, StreamEncoder};
use tokio_util::sync::CancellationToken;

use super::Call;
use crate::App;
use crate::kept::Background;

pub(super) struct Keeping {
    app: App,
    encoder: StreamEncoder,
    call: Call,
    /// For an answer in the background: what stops it.
    stop: Option<CancellationToken>,
    /// Of the answer, once it has begun.
    id: Option<String>,
    over: bool,
}

impl Keeping {
    pub(super) fn new(
        app: App,
        encoder: StreamEncoder,
        call: Call,
        stop: Option<CancellationToken>,
    ) -> Self {
        Self { app, encoder, call, stop, id: None, over: false }
    }

    fn background(&self, id: &str, is_over: bool) -> Background {
        match &self.stop {
            None => Background::No,
            Some(_) if is_over => Background::Over,
            Some(stop) => {
                let (form, created) = (&self.call.form, self.call.created);
                let cancelled =
                    openai_responses::unfinished(id, Status::Cancelled, form, created).body;
                Background::Running { stop: stop.clone(), cancelled: cancelled.into() }
            }
        }
    }

    /// Keeps a stage that has no answer yet, or never will.
    fn keep(&self, id: &str, status: Status) {
        if !self.call.form.store {
            return;
        }
        let (form, created) = (&self.call.form, self.call.created);
        let record = openai_responses::unfinished(id, status, form, created);
        let key = record.id.clone();
        let is_over = match status {
            Status::Queued | Status::InProgress => false,
            Status::Cancelled => true,
        };
        let response = self.call.response.clone().at(record, self.background(id, is_over));
        if is_over {
            self.app.0.kept.update(&key, response);
        } else {
            self.app.0.kept.put(&key, response);
        }
    }

    fn keep_end(&mut self) {
        self.over = true;
        if !self.call.form.store {
            return;
        }
        if let Some(record) = self.encoder.record() {
            let key = record.id.clone();
            let over = self.background(&key, true);
            let response = self.call.response.clone().at(record, over);
            self.app.0.kept.update(&key, response);
        }
    }
}

impl Encoder for Keeping {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if let Event::Started { id, .. } = &event
            && self.id.is_none()
        {
            let id = id.clone();
            self.keep(&id, Status::InProgress);
            self.id = Some(id);
        }
        let ends = matches!(event, Event::Finished(_));
        if ends {
            self.encoder.set_now(self.app.unix_seconds());
        }
        self.encoder.encode(event, out);
        if ends {
            self.keep_end();
        }
    }

    fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
        self.encoder.fail(failure, out);
        self.keep_end();
    }

    fn heartbeat(&self, out: &mut BytesMut) {
        self.encoder.heartbeat(out);
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        if let (false, Some(id)) = (self.over, &self.id) {
            self.keep(id, Status::Cancelled);
        }
    }
}
