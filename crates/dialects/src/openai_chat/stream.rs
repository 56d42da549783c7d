//! A streamed answer: one `data:` line per chunk, in OpenAI's shape.
//!
//! All chunks of an answer but the last two begin and end alike. The beginning is built when the
//! answer starts; a delta then costs three copies and one pass over its text.

use bytes::{BufMut, BytesMut};
use conversation::{BlockKind, Event, Failure, StopReason, Usage};

use super::reply::{ID_PREFIX, NO_ARGUMENTS, UsageBody, finish_reason};
use super::{Mode, ReplyForm, error_body};
use crate::{Encoder, json};

/// Follows the inside of a delta.
const TAIL: &[u8] = b"},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
/// The same when the client asked for usage: every chunk but the last has none.
const TAIL_WITH_USAGE: &[u8] = b"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n";
const ROLE: &[u8] = b"\"role\":\"assistant\",\"content\":\"\",\"refusal\":null";

/// Writes one answer as `chat.completion.chunk` events.
#[derive(Debug)]
pub struct StreamEncoder {
    /// The JSON text `"created":…,"model":…`, known from the beginning.
    origin: BytesMut,
    /// `data: {"id":…,"choices":[`, known when the answer starts.
    head: BytesMut,
    include_usage: bool,
    phase: Phase,
    block: Block,
    /// Tool calls opened so far.
    calls: usize,
    usage: Option<Usage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was written: the HTTP status can still change.
    Silent,
    /// The chunk with the role is out.
    Speaking,
    /// Ended, well or badly.
    Over,
}

/// Where a delta goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    Text,
    Reasoning,
    Call {
        index: usize,
        /// No argument text came yet.
        empty: bool,
    },
}

impl StreamEncoder {
    #[must_use]
    pub fn new(form: &ReplyForm, created_unix: i64) -> Self {
        let mut origin = BytesMut::new();
        origin.put_slice(format!("\"created\":{created_unix},\"model\":\"").as_bytes());
        json::escape_into(&form.model, &mut origin);
        origin.put_slice(b"\",\"choices\":[");
        let mut encoder = Self {
            origin,
            head: BytesMut::new(),
            include_usage: match form.mode {
                Mode::Whole => false,
                Mode::Stream { include_usage } => include_usage,
            },
            phase: Phase::Silent,
            block: Block::Text,
            calls: 0,
            usage: None,
        };
        encoder.start("");
        encoder
    }

    fn start(&mut self, id: &str) {
        self.head.clear();
        self.head.put_slice(b"data: {\"id\":\"");
        self.head.put_slice(ID_PREFIX.as_bytes());
        json::escape_into(id, &mut self.head);
        self.head.put_slice(b"\",\"object\":\"chat.completion.chunk\",");
        self.head.put_slice(&self.origin);
    }

    /// Opens a chunk; what follows is the inside of its delta.
    fn begin_delta(&self, room: usize, out: &mut BytesMut) {
        out.reserve(self.head.len() + TAIL_WITH_USAGE.len() + 64 + room);
        out.put_slice(&self.head);
        out.put_slice(b"{\"index\":0,\"delta\":{");
    }

    fn end_delta(&self, out: &mut BytesMut) {
        out.put_slice(if self.include_usage { TAIL_WITH_USAGE } else { TAIL });
    }

    /// The role, once, in a chunk of its own.
    fn speak(&mut self, out: &mut BytesMut) {
        if self.phase == Phase::Silent {
            self.phase = Phase::Speaking;
            self.begin_delta(ROLE.len(), out);
            out.put_slice(ROLE);
            self.end_delta(out);
        }
    }

    fn open(&mut self, kind: BlockKind, out: &mut BytesMut) {
        self.block = match kind {
            BlockKind::Text => Block::Text,
            BlockKind::Reasoning => Block::Reasoning,
            BlockKind::ToolCall { id, name } => {
                let index = self.calls;
                self.calls += 1;
                self.speak(out);
                self.begin_delta(id.len() + name.len() + 64, out);
                put_call_index(index, out);
                out.put_slice(b",\"id\":\"");
                json::escape_into(&id, out);
                out.put_slice(b"\",\"type\":\"function\",\"function\":{\"name\":\"");
                json::escape_into(&name, out);
                out.put_slice(b"\",\"arguments\":\"\"}}]");
                self.end_delta(out);
                Block::Call { index, empty: true }
            }
        };
    }

    fn delta(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        self.speak(out);
        self.begin_delta(text.len(), out);
        let end: &[u8] = match self.block {
            Block::Text => {
                out.put_slice(b"\"content\":\"");
                b"\""
            }
            Block::Reasoning => {
                out.put_slice(b"\"reasoning_content\":\"");
                b"\""
            }
            Block::Call { index, .. } => {
                self.block = Block::Call { index, empty: false };
                put_call_index(index, out);
                out.put_slice(b",\"function\":{\"arguments\":\"");
                b"\"}}]"
            }
        };
        json::escape_into(text, out);
        out.put_slice(end);
        self.end_delta(out);
    }

    fn close(&mut self, out: &mut BytesMut) {
        if let Block::Call { empty: true, .. } = self.block {
            self.delta(NO_ARGUMENTS, out);
        }
        self.block = Block::Text;
    }

    fn finish(&mut self, stop: &StopReason, out: &mut BytesMut) {
        self.speak(out);
        self.phase = Phase::Over;
        self.begin_delta(0, out);
        out.put_slice(b"},\"logprobs\":null,\"finish_reason\":\"");
        out.put_slice(finish_reason(stop, self.calls > 0).as_bytes());
        out.put_slice(if self.include_usage { b"\"}],\"usage\":null}\n\n" } else { b"\"}]}\n\n" });
        if let (true, Some(usage)) = (self.include_usage, &self.usage) {
            out.put_slice(&self.head);
            out.put_slice(b"],\"usage\":");
            out.put_slice(&json::to_vec(&UsageBody::from(usage)));
            out.put_slice(b"}\n\n");
        }
        out.put_slice(b"data: [DONE]\n\n");
    }
}

/// `"tool_calls":[{"index":N`
fn put_call_index(index: usize, out: &mut BytesMut) {
    out.put_slice(b"\"tool_calls\":[{\"index\":");
    put_number(index, out);
}

fn put_number(number: usize, out: &mut BytesMut) {
    if number >= 10 {
        put_number(number / 10, out);
    }
    out.put_u8(b"0123456789"[number % 10]);
}

impl Encoder for StreamEncoder {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if self.phase == Phase::Over {
            return;
        }
        match event {
            Event::Started { id, model: _ } => self.start(&id),
            Event::Opened(kind) => self.open(kind, out),
            Event::Delta(text) => self.delta(&text, out),
            Event::Closed(_) => self.close(out),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finished(stop) => self.finish(&stop, out),
        }
    }

    fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        out.put_slice(b"data: ");
        out.put_slice(&error_body(failure));
        out.put_slice(b"\n\n");
    }
}
