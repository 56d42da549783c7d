//! A streamed answer: named events, in Anthropic's order.
//!
//! A block of text or thinking is announced when its first piece comes, so that an empty one
//! leaves no trace. The beginning of its deltas is built once; a delta then costs two copies and
//! one pass over its text.

use bytes::{BufMut, BytesMut};
use conversation::{BlockKind, Event, Failure, Seal, StopReason, Usage};

use super::reply::{ID_PREFIX, NO_INPUT, UsageBody, stop_reason};
use super::{ReplyForm, error_body, seal};
use crate::{Encoder, json};

const PING: &[u8] = b"event: ping\ndata: {\"type\":\"ping\"}\n\n";
/// Ends a delta whose text is open.
const TAIL: &[u8] = b"\"}}\n\n";

/// Writes one answer as the events of the Messages API.
#[derive(Debug)]
pub struct StreamEncoder {
    /// `message_start` from `"type":"message"` to `"usage":`, known from the beginning.
    origin: BytesMut,
    id: String,
    request_id: String,
    input_estimate: u64,
    /// The text of a thinking block that is left out, until its signature takes it; `None` when
    /// thinking is shown.
    withheld: Option<String>,
    phase: Phase,
    block: Block,
    /// Index of the block that is open, or of the next one.
    index: usize,
    /// From `event:` to the text of a delta of the open block.
    head: BytesMut,
    has_calls: bool,
    usage: Option<Usage>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was written: the HTTP status can still change.
    Silent,
    /// `message_start` is out.
    Speaking,
    /// Ended, well or badly.
    Over,
}

/// What the open block is, and whether the client knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    None,
    Text { announced: bool },
    Thinking { announced: bool },
    Call { empty: bool },
}

impl StreamEncoder {
    /// `input_estimate` is what the first event tells of the input, which the upstream tells
    /// only at the end.
    #[must_use]
    pub fn new(form: &ReplyForm, request_id: &str, input_estimate: u64) -> Self {
        let mut origin = BytesMut::new();
        origin.put_slice(b"\"type\":\"message\",\"role\":\"assistant\",\"model\":\"");
        json::escape_into(&form.model, &mut origin);
        origin
            .put_slice(b"\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"stop_details\":null,\"usage\":");
        Self {
            origin,
            id: String::new(),
            request_id: request_id.to_owned(),
            input_estimate,
            withheld: form.omits_thinking.then(String::new),
            phase: Phase::Silent,
            block: Block::None,
            index: 0,
            head: BytesMut::new(),
            has_calls: false,
            usage: None,
        }
    }

    /// `message_start`, once, and the `ping` that follows it.
    fn speak(&mut self, out: &mut BytesMut) {
        if self.phase != Phase::Silent {
            return;
        }
        self.phase = Phase::Speaking;
        let usage = match &self.usage {
            Some(usage) => UsageBody::from(usage),
            None => UsageBody::at_start(self.input_estimate),
        };
        out.put_slice(
            b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"",
        );
        out.put_slice(ID_PREFIX.as_bytes());
        json::escape_into(&self.id, out);
        out.put_slice(b"\",");
        out.put_slice(&self.origin);
        out.put_slice(&json::to_vec(&usage));
        out.put_slice(b"}}\n\n");
        out.put_slice(PING);
    }

    fn open(&mut self, kind: BlockKind, out: &mut BytesMut) {
        self.block = match kind {
            BlockKind::Text => Block::Text { announced: false },
            BlockKind::Reasoning => Block::Thinking { announced: false },
            BlockKind::ToolCall { id, name } => {
                self.has_calls = true;
                self.begin_block(out);
                out.put_slice(b"{\"type\":\"tool_use\",\"id\":\"");
                json::escape_into(&id, out);
                out.put_slice(b"\",\"name\":\"");
                json::escape_into(&name, out);
                out.put_slice(b"\",\"input\":{}}}\n\n");
                self.set_head(b"input_json_delta\",\"partial_json");
                Block::Call { empty: true }
            }
        };
    }

    /// Opens `content_block_start`; the block itself and two brackets follow.
    fn begin_block(&mut self, out: &mut BytesMut) {
        self.speak(out);
        out.put_slice(
            b"event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":",
        );
        json::put_number(self.index, out);
        out.put_slice(b",\"content_block\":");
    }

    /// `delta` is the type of the delta and the name of its field.
    fn set_head(&mut self, delta: &[u8]) {
        self.head.clear();
        put_delta(self.index, delta, &mut self.head);
    }

    /// Tells of a block of text or thinking, if that was not done.
    fn announce(&mut self, out: &mut BytesMut) {
        match self.block {
            Block::Text { announced: false } => {
                self.block = Block::Text { announced: true };
                self.begin_block(out);
                out.put_slice(b"{\"type\":\"text\",\"text\":\"\"}}\n\n");
                self.set_head(b"text_delta\",\"text");
            }
            Block::Thinking { announced: false } => {
                self.block = Block::Thinking { announced: true };
                self.begin_block(out);
                out.put_slice(b"{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}}\n\n");
                self.set_head(b"thinking_delta\",\"thinking");
            }
            Block::Call { .. } => self.block = Block::Call { empty: false },
            Block::None | Block::Text { announced: true } | Block::Thinking { announced: true } => {
            }
        }
    }

    fn delta(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() || self.block == Block::None {
            return;
        }
        self.announce(out);
        if let (Block::Thinking { .. }, Some(withheld)) = (self.block, &mut self.withheld) {
            withheld.push_str(text);
            return;
        }
        out.reserve(self.head.len() + text.len() + TAIL.len() + 16);
        out.put_slice(&self.head);
        json::escape_into(text, out);
        out.put_slice(TAIL);
    }

    fn close(&mut self, sealed: &Seal, out: &mut BytesMut) {
        let sealed = sealed.as_deref().filter(|seal| !seal.is_empty());
        match self.block {
            Block::None | Block::Text { announced: false } => {
                self.block = Block::None;
                return;
            }
            Block::Thinking { announced: false } => {
                let Some(data) = sealed else {
                    self.block = Block::None;
                    return;
                };
                self.begin_block(out);
                out.put_slice(b"{\"type\":\"redacted_thinking\",\"data\":\"");
                json::escape_into(data, out);
                out.put_slice(TAIL);
            }
            Block::Thinking { announced: true } => {
                put_delta(self.index, b"signature_delta\",\"signature", out);
                match &mut self.withheld {
                    None => json::escape_into(seal::to_signature(sealed), out),
                    Some(text) => {
                        json::escape_into(&seal::with_text(&std::mem::take(text), sealed), out);
                    }
                }
                out.put_slice(TAIL);
            }
            Block::Call { empty: true } => self.delta(NO_INPUT, out),
            Block::Text { announced: true } | Block::Call { empty: false } => {}
        }
        out.put_slice(
            b"event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":",
        );
        json::put_number(self.index, out);
        out.put_slice(b"}\n\n");
        self.block = Block::None;
        self.index += 1;
    }

    fn finish(&mut self, stop: &StopReason, out: &mut BytesMut) {
        self.speak(out);
        self.phase = Phase::Over;
        let (reason, sequence) = stop_reason(stop, self.has_calls);
        out.put_slice(b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"");
        out.put_slice(reason.as_bytes());
        out.put_slice(b"\",\"stop_sequence\":");
        out.put_slice(&json::to_vec(&sequence));
        out.put_slice(b",\"stop_details\":null},\"usage\":");
        let usage = self.usage.as_ref().map(UsageBody::from).unwrap_or_default();
        out.put_slice(&json::to_vec(&usage));
        out.put_slice(b"}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
    }
}

/// `content_block_delta` up to the beginning of its text.
fn put_delta(index: usize, delta: &[u8], out: &mut BytesMut) {
    out.put_slice(
        b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":",
    );
    json::put_number(index, out);
    out.put_slice(b",\"delta\":{\"type\":\"");
    out.put_slice(delta);
    out.put_slice(b"\":\"");
}

impl Encoder for StreamEncoder {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if self.phase == Phase::Over {
            return;
        }
        match event {
            Event::Started { id, model: _ } => self.id = id,
            Event::Opened(kind) => self.open(kind, out),
            Event::Delta(text) => self.delta(&text, out),
            Event::Closed(seal) => self.close(&seal, out),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Finished(stop) => self.finish(&stop, out),
        }
    }

    /// The open block stays open: clients take a block that was stopped for a complete one and
    /// may run the tool that it calls.
    fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
        if self.phase == Phase::Over {
            return;
        }
        self.phase = Phase::Over;
        out.put_slice(b"event: error\ndata: ");
        out.put_slice(&error_body(failure, &self.request_id));
        out.put_slice(b"\n\n");
    }

    fn heartbeat(&self, out: &mut BytesMut) {
        match self.phase {
            // A client that sees any event before `message_start` gives up.
            Phase::Silent => out.put_slice(b": keep-alive\n\n"),
            Phase::Speaking => out.put_slice(PING),
            Phase::Over => {}
        }
    }
}
