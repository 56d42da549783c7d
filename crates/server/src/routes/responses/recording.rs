//! A streamed answer that is kept as well, if the client wants it stored: from its first event, so
//! that it can be read while it runs, to its end or to the moment its reader leaves.

use bytes::BytesMut;
use conversation::{Event, Failure};
use dialects::Encoder;
use dialects::openai_responses::{self, Status, StreamEncoder};

use super::Call;
use crate::App;
use crate::kept::Background;

pub(super) struct Recording {
    app: App,
    encoder: StreamEncoder,
    call: Call,
    /// Of the answer, once it has begun.
    id: Option<String>,
    over: bool,
}

impl Recording {
    pub(super) fn new(app: App, encoder: StreamEncoder, call: Call) -> Self {
        Self { app, encoder, call, id: None, over: false }
    }

    /// Keeps a stage that has no answer yet, or never will.
    fn keep(&self, id: &str, status: Status) {
        if !self.call.form.store {
            return;
        }
        let (form, created) = (&self.call.form, self.call.created);
        let record = openai_responses::unfinished(id, status, form, created);
        let key = record.id.clone();
        let response = self.call.response.clone().at(record, Background::No);
        match status {
            Status::Queued | Status::InProgress => self.app.0.kept.put(&key, response),
            Status::Cancelled => self.app.0.kept.update(&key, response),
        }
    }

    fn keep_end(&mut self) {
        self.over = true;
        if !self.call.form.store {
            return;
        }
        if let Some(record) = self.encoder.record() {
            let key = record.id.clone();
            let response = self.call.response.clone().at(record, Background::No);
            self.app.0.kept.update(&key, response);
        }
    }
}

impl Encoder for Recording {
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

impl Drop for Recording {
    fn drop(&mut self) {
        if let (false, Some(id)) = (self.over, &self.id) {
            self.keep(id, Status::Cancelled);
        }
    }
}
