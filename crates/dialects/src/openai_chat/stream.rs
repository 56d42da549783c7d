//! A streamed answer: one `data:` line per chunk, in OpenAI's shape.
//!
//! All chunks of an answer but the last two begin and end alike. The beginning is built when the
//! answer starts; a delta then costs three copies and one pass over its text.

use bytes::{BufMut, BytesMut};
use conversation::{BlockKind, Event, Failure, StopReason, Usage};

use super::reply::{Detail, ID_PREFIX, finish_reason};
use super::usage::UsageBody;
use super::{CallForm, Mode, ReplyForm, error_body};
use crate::freeform::Reader;
use crate::tools::NO_ARGUMENTS;
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
    call_form: CallForm,
    phase: Phase,
    block: Block,
    /// Tool calls opened so far.
    calls: usize,
    /// Sealed blocks of reasoning so far.
    seals: usize,
    /// Details that wait, because nothing visible was said yet: the insides of chunks.
    waiting: Vec<Vec<u8>>,
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
#[derive(Debug)]
enum Block {
    Text,
    Reasoning {
        /// All of it, because a seal belongs to the whole.
        text: String,
    },
    Call {
        index: usize,
        /// No argument text came yet.
        empty: bool,
    },
    Custom {
        index: usize,
        reader: Reader,
    },
    FunctionCall {
        empty: bool,
    },
    /// A call that the form has no room for.
    Hidden,
}

/// The beginning and the end of what is written around a piece of text.
type Frame = (&'static [u8], &'static [u8]);

const CONTENT: Frame = (b"\"content\":\"", b"\"");
const REASONING: Frame = (b"\"reasoning_content\":\"", b"\"");
const FUNCTION_CALL: Frame = (b"\"function_call\":{\"arguments\":\"", b"\"}");
/// These two follow a call's index.
const ARGUMENTS: Frame = (b",\"function\":{\"arguments\":\"", b"\"}}]");
const INPUT: Frame = (b",\"custom\":{\"input\":\"", b"\"}}]");

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
            call_form: form.calls.clone(),
            phase: Phase::Silent,
            block: Block::Text,
            calls: 0,
            seals: 0,
            waiting: Vec::new(),
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
            for details in std::mem::take(&mut self.waiting) {
                self.put_details(&details, out);
            }
        }
    }

    fn put_details(&self, details: &[u8], out: &mut BytesMut) {
        self.begin_delta(details.len(), out);
        out.put_slice(b"\"reasoning_details\":[");
        out.put_slice(details);
        out.put_slice(b"]");
        self.end_delta(out);
    }

    /// A seal alone is nothing that a client can see: it waits for what is.
    fn seal(&mut self, text: &str, seal: &str, out: &mut BytesMut) {
        let details = json::to_vec(&Detail::new(text, seal, self.seals));
        self.seals += 1;
        if self.phase == Phase::Silent {
            self.waiting.push(details);
        } else {
            self.put_details(&details, out);
        }
    }

    fn open(&mut self, kind: BlockKind, out: &mut BytesMut) {
        self.block = match kind {
            BlockKind::Text => Block::Text,
            BlockKind::Reasoning => Block::Reasoning { text: String::new() },
            BlockKind::ToolCall { id, name } => {
                self.speak(out);
                let index = self.calls;
                self.calls += 1;
                self.open_call(index, &id, &name, out)
            }
        };
    }

    fn open_call(&self, index: usize, id: &str, name: &str, out: &mut BytesMut) -> Block {
        let custom = match &self.call_form {
            CallForm::Function if index > 0 => return Block::Hidden,
            CallForm::Function => {
                self.begin_delta(name.len() + 64, out);
                out.put_slice(b"\"function_call\":{\"name\":\"");
                json::escape_into(name, out);
                out.put_slice(b"\",\"arguments\":\"\"}");
                self.end_delta(out);
                return Block::FunctionCall { empty: true };
            }
            CallForm::Tools { custom } => custom.contains(name),
        };
        let (kind, field): (&[u8], &[u8]) = if custom {
            (b"\",\"type\":\"custom\",\"custom\":{\"name\":\"", b"\",\"input\":\"\"}}]")
        } else {
            (b"\",\"type\":\"function\",\"function\":{\"name\":\"", b"\",\"arguments\":\"\"}}]")
        };
        self.begin_delta(id.len() + name.len() + 64, out);
        put_call_index(index, out);
        out.put_slice(b",\"id\":\"");
        json::escape_into(id, out);
        out.put_slice(kind);
        json::escape_into(name, out);
        out.put_slice(field);
        self.end_delta(out);
        if custom {
            Block::Custom { index, reader: Reader::default() }
        } else {
            Block::Call { index, empty: true }
        }
    }

    /// A chunk with a piece of text; `index` is that of the call it belongs to.
    fn put_text(&self, index: Option<usize>, frame: Frame, text: &str, out: &mut BytesMut) {
        self.begin_delta(text.len(), out);
        if let Some(index) = index {
            put_call_index(index, out);
        }
        out.put_slice(frame.0);
        json::escape_into(text, out);
        out.put_slice(frame.1);
        self.end_delta(out);
    }

    fn delta(&mut self, text: &str, out: &mut BytesMut) {
        if text.is_empty() {
            return;
        }
        self.speak(out);
        match &mut self.block {
            Block::Text => self.put_text(None, CONTENT, text, out),
            Block::Reasoning { text: all } => {
                all.push_str(text);
                self.put_text(None, REASONING, text, out);
            }
            Block::Call { index, empty } => {
                *empty = false;
                let index = *index;
                self.put_text(Some(index), ARGUMENTS, text, out);
            }
            Block::Custom { index, reader } => {
                let mut input = String::with_capacity(text.len());
                reader.push(text, &mut input);
                let index = *index;
                if !input.is_empty() {
                    self.put_text(Some(index), INPUT, &input, out);
                }
            }
            Block::FunctionCall { empty } => {
                *empty = false;
                self.put_text(None, FUNCTION_CALL, text, out);
            }
            Block::Hidden => {}
        }
    }

    fn close(&mut self, seal: Option<&str>, out: &mut BytesMut) {
        match std::mem::replace(&mut self.block, Block::Text) {
            Block::Reasoning { text } => {
                if let Some(seal) = seal {
                    self.seal(&text, seal, out);
                }
            }
            Block::Call { index, empty: true } => {
                self.put_text(Some(index), ARGUMENTS, NO_ARGUMENTS, out);
            }
            Block::FunctionCall { empty: true } => {
                self.put_text(None, FUNCTION_CALL, NO_ARGUMENTS, out);
            }
            Block::Custom { index, mut reader } => {
                let mut input = String::new();
                reader.finish(&mut input);
                if !input.is_empty() {
                    self.put_text(Some(index), INPUT, &input, out);
                }
            }
            Block::Text
            | Block::Call { empty: false, .. }
            | Block::FunctionCall { empty: false }
            | Block::Hidden => {}
        }
    }

    fn finish(&mut self, stop: &StopReason, out: &mut BytesMut) {
        self.speak(out);
        self.phase = Phase::Over;
        self.begin_delta(0, out);
        out.put_slice(b"},\"logprobs\":null,\"finish_reason\":\"");
        out.put_slice(finish_reason(stop, self.calls > 0, &self.call_form).as_bytes());
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
    json::put_number(index, out);
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
            Event::Closed(seal) => self.close(seal.as_deref(), out),
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
