//! A streamed answer: one `data:` line per chunk, each with a piece of the text.

use bytes::{BufMut, BytesMut};
use conversation::{BlockKind, Event, Failure, StopReason, Usage};

use super::ReplyForm;
use super::reply::{ID_PREFIX, OBJECT};
use crate::openai_chat::reply::text_finish_reason;
use crate::openai_chat::usage::UsageBody;
use crate::openai_chat::{Mode, error_body};
use crate::{Encoder, json};

/// Writes one answer as `text_completion` events.
#[derive(Debug)]
pub struct StreamEncoder {
    /// The JSON text `"object":…,"created":…,"model":…,"choices":[`, known from the beginning.
    origin: BytesMut,
    id: String,
    include_usage: bool,
    /// The prompt, until it was written.
    echo: Option<String>,
    /// Whether the open block is text.
    in_text: bool,
    usage: Option<Usage>,
    over: bool,
}

impl StreamEncoder {
    #[must_use]
    pub fn new(form: &ReplyForm, created_unix: i64) -> Self {
        let mut origin = BytesMut::new();
        let head = format!("\"object\":\"{OBJECT}\",\"created\":{created_unix},\"model\":\"");
        origin.put_slice(head.as_bytes());
        json::escape_into(&form.model, &mut origin);
        origin.put_slice(b"\",\"choices\":[");
        Self {
            origin,
            id: String::new(),
            include_usage: match form.mode {
                Mode::Whole => false,
                Mode::Stream { include_usage } => include_usage,
            },
            echo: form.echo.clone(),
            in_text: false,
            usage: None,
            over: false,
        }
    }

    /// Opens a chunk; what follows is the inside of its choices.
    fn begin(&self, room: usize, out: &mut BytesMut) {
        out.reserve(self.origin.len() + self.id.len() + 96 + room);
        out.put_slice(b"data: {\"id\":\"");
        out.put_slice(ID_PREFIX.as_bytes());
        json::escape_into(&self.id, out);
        out.put_slice(b"\",");
        out.put_slice(&self.origin);
    }

    fn choice(&self, text: &str, finish_reason: Option<&str>, out: &mut BytesMut) {
        self.begin(text.len(), out);
        out.put_slice(b"{\"text\":\"");
        json::escape_into(text, out);
        out.put_slice(b"\",\"index\":0,\"logprobs\":null,\"finish_reason\":");
        match finish_reason {
            Some(reason) => {
                out.put_u8(b'"');
                out.put_slice(reason.as_bytes());
                out.put_u8(b'"');
            }
            None => out.put_slice(b"null"),
        }
        out.put_slice(if self.include_usage { b"}],\"usage\":null}\n\n" } else { b"}]}\n\n" });
    }

    /// The prompt, once, in a chunk of its own.
    fn echo(&mut self, out: &mut BytesMut) {
        if let Some(prompt) = self.echo.take() {
            self.choice(&prompt, None, out);
        }
    }

    fn finish(&mut self, stop: &StopReason, out: &mut BytesMut) {
        self.echo(out);
        self.over = true;
        self.choice("", Some(text_finish_reason(stop)), out);
        if let (true, Some(usage)) = (self.include_usage, &self.usage) {
            self.begin(0, out);
            out.put_slice(b"],\"usage\":");
            out.put_slice(&json::to_vec(&UsageBody::from(usage)));
            out.put_slice(b"}\n\n");
        }
        out.put_slice(b"data: [DONE]\n\n");
    }
}

impl Encoder for StreamEncoder {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if self.over {
            return;
        }
        match event {
            Event::Started { id, model: _ } => self.id = id,
            Event::Opened(BlockKind::Text) => self.in_text = true,
            Event::Opened(BlockKind::Reasoning | BlockKind::ToolCall { .. }) | Event::Closed(_) => {
                self.in_text = false;
            }
            Event::Delta(text) if self.in_text => {
                self.echo(out);
                self.choice(&text, None, out);
            }
            Event::Delta(_) => {}
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finished(stop) => self.finish(&stop, out),
        }
    }

    fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
        if self.over {
            return;
        }
        self.over = true;
        out.put_slice(b"data: ");
        out.put_slice(&error_body(failure));
        out.put_slice(b"\n\n");
    }
}
