//! A streamed answer.
//!
//! Nothing is written before something is visible, so that the HTTP status can still change. Each
//! item is announced, filled piece by piece, and told once more as a whole when it is done; the
//! answer itself is told as a whole at the beginning and at the end.

use bytes::BytesMut;
use conversation::{BlockKind, Event, Failure, StopReason, Usage};

use super::body::{Outcome, Record, State, Times, bare_id, error_code, record, response_id};
use super::callable::CallKind;
use super::form::ReplyForm;
use super::frames::{Field, Frames};
use super::item::{
    Finished, Item, ItemKind, Output, OutputText, Progress, SummaryText, shows_reasoning,
};
use crate::freeform::Reader;
use crate::tools::NO_ARGUMENTS;
use crate::{Encoder, json};

/// Writes one answer as `response.…` events.
#[derive(Debug)]
pub struct StreamEncoder {
    form: ReplyForm,
    times: Times,
    frames: Frames,
    phase: Phase,
    /// With its prefix; empty until the answer starts.
    id: String,
    block: Option<Open>,
    /// A message whose last word is still to come: whether it is complete.
    closed: Option<Closed>,
    /// Finished items.
    output: Output,
    usage: Option<Usage>,
    record: Option<Record>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was written.
    Silent,
    /// The answer was announced.
    Speaking,
    /// Ended, well or badly.
    Over,
}

/// The block that is being filled.
#[derive(Debug)]
struct Open {
    item: Item,
    /// What the client has got of it.
    text: String,
    /// Whether the item was announced.
    shown: bool,
    /// Takes the text of a freeform tool out of its arguments.
    freeform: Option<Reader>,
}

/// An item whose text is all there.
#[derive(Debug)]
struct Closed {
    item: Item,
    text: String,
    seal: Option<String>,
}

/// How the text of an item is streamed.
struct Wording {
    delta: &'static str,
    done: &'static str,
    /// The field of `done` that holds the text.
    field: &'static str,
    part: Option<Part>,
}

/// Items whose text stands in a part.
struct Part {
    added: &'static str,
    done: &'static str,
    /// The field with the part's place, which is always the first.
    index: &'static str,
}

const MESSAGE: Wording = Wording {
    delta: "response.output_text.delta",
    done: "response.output_text.done",
    field: "text",
    part: Some(Part {
        added: "response.content_part.added",
        done: "response.content_part.done",
        index: "content_index",
    }),
};
const REASONING: Wording = Wording {
    delta: "response.reasoning_summary_text.delta",
    done: "response.reasoning_summary_text.done",
    field: "text",
    part: Some(Part {
        added: "response.reasoning_summary_part.added",
        done: "response.reasoning_summary_part.done",
        index: "summary_index",
    }),
};
const FUNCTION: Wording = Wording {
    delta: "response.function_call_arguments.delta",
    done: "response.function_call_arguments.done",
    field: "arguments",
    part: None,
};
const CUSTOM: Wording = Wording {
    delta: "response.custom_tool_call_input.delta",
    done: "response.custom_tool_call_input.done",
    field: "input",
    part: None,
};

impl Open {
    /// How its text is streamed; `None` for items that are told only as a whole.
    fn wording(&self) -> Option<&'static Wording> {
        match &self.item.kind {
            ItemKind::Message => Some(&MESSAGE),
            ItemKind::Reasoning => Some(&REASONING),
            ItemKind::Call { callable, .. } => match callable.kind {
                CallKind::Function => Some(&FUNCTION),
                CallKind::Custom => Some(&CUSTOM),
                CallKind::LocalShell
                | CallKind::Shell
                | CallKind::ApplyPatch
                | CallKind::ToolSearch => None,
            },
        }
    }

    /// The fields that say where an event belongs.
    fn place(&self) -> [Field<'_>; 2] {
        [Field::Text("item_id", &self.item.id), Field::Number("output_index", self.item.index)]
    }

    /// The part with this text, as JSON.
    fn part_json(&self, text: &str) -> String {
        let part = match &self.item.kind {
            ItemKind::Reasoning => json::to_vec(&SummaryText::new(text)),
            ItemKind::Message | ItemKind::Call { .. } => json::to_vec(&OutputText::new(text)),
        };
        String::from_utf8(part).expect("JSON is UTF-8")
    }
}

impl StreamEncoder {
    #[must_use]
    pub fn new(form: &ReplyForm, created_unix: i64) -> Self {
        Self {
            form: form.clone(),
            times: created_unix.into(),
            frames: Frames::default(),
            phase: Phase::Silent,
            id: String::new(),
            block: None,
            closed: None,
            output: Output::default(),
            usage: None,
            record: None,
        }
    }

    /// Says what time it is, in seconds of Unix time; the last word before the end becomes
    /// `completed_at`.
    pub fn set_now(&mut self, unix: i64) {
        self.times.completed = unix;
    }

    /// The answer as it is to be kept; `None` before its end, and when it failed before it
    /// started.
    #[must_use]
    pub fn record(&self) -> Option<Record> {
        self.record.clone()
    }

    fn state<'a>(&'a self, outcome: Outcome<'a>) -> State<'a> {
        State { id: &self.id, times: self.times, outcome, usage: self.usage.as_ref() }
    }

    /// The beginning of the answer, once.
    fn speak(&mut self, out: &mut BytesMut) {
        if self.phase != Phase::Silent {
            return;
        }
        self.phase = Phase::Speaking;
        let state = State { usage: None, ..self.state(Outcome::InProgress) };
        let response = state.json(&[], &self.form);
        for kind in ["response.created", "response.in_progress"] {
            self.frames.put(kind, &[Field::Json("response", &response)], out);
        }
    }

    fn open(&mut self, kind: BlockKind, out: &mut BytesMut) {
        let item = Item::new(kind, bare_id(&self.id), self.output.len(), &self.form);
        let is_custom = matches!(
            &item.kind,
            ItemKind::Call { callable, .. } if callable.kind == CallKind::Custom
        );
        let freeform = is_custom.then(Reader::default);
        let open = Open { item, text: String::new(), shown: false, freeform };
        let at_once = match &open.item.kind {
            ItemKind::Message | ItemKind::Reasoning => false,
            ItemKind::Call { .. } => open.wording().is_some(),
        };
        let is_call = matches!(&open.item.kind, ItemKind::Call { .. });
        self.block = Some(open);
        if is_call {
            self.speak(out);
        }
        if at_once {
            self.show(out);
        }
    }

    /// Announces the open item and its part, once.
    fn show(&mut self, out: &mut BytesMut) {
        self.speak(out);
        let Some(open) = self.block.as_mut().filter(|open| !open.shown) else { return };
        open.shown = true;
        let item = open.item.json("", Progress::Started, None);
        let index = Field::Number("output_index", open.item.index);
        self.frames.put("response.output_item.added", &[index, Field::Json("item", &item)], out);
        if let Some(part) = open.wording().and_then(|wording| wording.part.as_ref()) {
            let json = open.part_json("");
            let [id, index] = open.place();
            let fields = [id, index, Field::Number(part.index, 0), Field::Json("part", &json)];
            self.frames.put(part.added, &fields, out);
        }
    }

    fn delta(&mut self, piece: &str, out: &mut BytesMut) {
        let Some(open) = &mut self.block else { return };
        match &mut open.freeform {
            Some(reader) => {
                let mut text = String::with_capacity(piece.len());
                reader.push(piece, &mut text);
                self.show_text(&text, out);
            }
            None => self.show_text(piece, out),
        }
    }

    /// Sends a piece of the item's own text.
    fn show_text(&mut self, text: &str, out: &mut BytesMut) {
        let Some(open) = self.block.as_mut().filter(|_| !text.is_empty()) else { return };
        open.text.push_str(text);
        let Some(wording) = open.wording() else { return };
        self.show(out);
        let Some(open) = &self.block else { return };
        let [id, index] = open.place();
        let delta = Field::Text("delta", text);
        match &wording.part {
            None => self.frames.put(wording.delta, &[id, index, delta], out),
            Some(part) => {
                let place = Field::Number(part.index, 0);
                let logprobs = Field::Json("logprobs", "[]");
                let fields = [id, index, place, delta, logprobs];
                let length = if matches!(open.item.kind, ItemKind::Message) { 5 } else { 4 };
                self.frames.put(wording.delta, &fields[..length], out);
            }
        }
    }

    fn close(&mut self, seal: Option<&str>, out: &mut BytesMut) {
        let Some(open) = &mut self.block else { return };
        let mut rest = String::new();
        match (&open.item.kind, &mut open.freeform) {
            (_, Some(reader)) => reader.finish(&mut rest),
            (ItemKind::Call { .. }, None) if open.text.is_empty() => rest.push_str(NO_ARGUMENTS),
            (ItemKind::Call { .. } | ItemKind::Message | ItemKind::Reasoning, None) => {}
        }
        self.show_text(&rest, out);
        let Some(open) = self.block.take() else { return };
        let index = Field::Number("output_index", open.item.index);
        let shown = match open.wording() {
            Some(wording) if open.shown => {
                self.end_text(&open, wording, out);
                true
            }
            Some(_) => {
                open.item.kind == ItemKind::Reasoning
                    && shows_reasoning(&open.text, seal, &self.form)
            }
            None => true,
        };
        if !shown {
            return;
        }
        if !open.shown {
            self.speak(out);
            let started = open.item.json(&open.text, Progress::Started, None);
            let fields = [index, Field::Json("item", &started)];
            self.frames.put("response.output_item.added", &fields, out);
        }
        let closed = Closed { item: open.item, text: open.text, seal: seal.map(str::to_owned) };
        // Whether a message is complete shows only when the answer goes on, or in how it ends.
        if closed.item.kind == ItemKind::Message {
            self.closed = Some(closed);
        } else {
            self.done(&closed, Progress::Completed, out);
        }
    }

    /// Tells of the message that was closed last, if that was not done.
    fn settle(&mut self, progress: Progress, out: &mut BytesMut) {
        if let Some(closed) = self.closed.take() {
            self.done(&closed, progress, out);
        }
    }

    fn done(&mut self, closed: &Closed, progress: Progress, out: &mut BytesMut) {
        let Closed { item, text, seal } = closed;
        let index = Field::Number("output_index", self.output.len());
        let item = item.finish(text, progress, seal.as_deref(), &self.form);
        let fields = [index, Field::Json("item", &item.shown)];
        self.frames.put("response.output_item.done", &fields, out);
        self.output.push(item);
    }

    /// Tells the text of an item, and the part around it, as a whole.
    fn end_text(&mut self, open: &Open, wording: &Wording, out: &mut BytesMut) {
        let [id, index] = open.place();
        let text = Field::Text(wording.field, &open.text);
        let Some(part) = &wording.part else {
            self.frames.put(wording.done, &[id, index, text], out);
            return;
        };
        let place = Field::Number(part.index, 0);
        let fields = [id, index, place, text, Field::Json("logprobs", "[]")];
        let length = if matches!(open.item.kind, ItemKind::Message) { 5 } else { 4 };
        self.frames.put(wording.done, &fields[..length], out);
        let json = open.part_json(&open.text);
        self.frames.put(part.done, &[id, index, place, Field::Json("part", &json)], out);
    }

    fn finish(&mut self, stop: &StopReason, out: &mut BytesMut) {
        let outcome = Outcome::of(stop);
        self.speak(out);
        self.settle(Progress::at_the_end(stop), out);
        let output = std::mem::take(&mut self.output);
        self.end(outcome, output, out);
    }

    /// The last event of an answer that had started.
    fn end(&mut self, outcome: Outcome<'_>, output: Output, out: &mut BytesMut) {
        self.phase = Phase::Over;
        let record = record(&self.state(outcome), output, &self.form);
        let response = String::from_utf8_lossy(&record.body);
        let kind = format!("response.{}", outcome.word());
        self.frames.put(&kind, &[Field::Json("response", &response)], out);
        self.record = Some(record);
    }

    /// An answer that failed before there was one.
    fn fail_alone(&mut self, failure: &Failure, out: &mut BytesMut) {
        self.phase = Phase::Over;
        let body = super::error_body(failure);
        // The body's one field has what the specification asks for; the plain fields are those of
        // the older reference.
        let body = String::from_utf8_lossy(&body);
        let error = body.strip_prefix("{\"error\":").and_then(|body| body.strip_suffix('}'));
        let fields = [
            Field::Text("code", error_code(failure.class)),
            Field::Text("message", &failure.client),
            match &failure.param {
                Some(param) => Field::Text("param", param),
                None => Field::Json("param", "null"),
            },
            Field::Json("error", error.unwrap_or("null")),
        ];
        self.frames.put("error", &fields, out);
    }
}

impl Encoder for StreamEncoder {
    fn encode(&mut self, event: Event, out: &mut BytesMut) {
        if self.phase == Phase::Over {
            return;
        }
        match event {
            Event::Started { id, model: _ } => self.id = response_id(&id),
            Event::Opened(kind) => {
                self.settle(Progress::Completed, out);
                self.open(kind, out);
            }
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
        if self.id.is_empty() {
            self.fail_alone(failure, out);
            return;
        }
        self.speak(out);
        self.settle(Progress::Completed, out);
        let mut output = std::mem::take(&mut self.output);
        // Half a text is worth keeping, half a call is dangerous.
        if let Some(open) = self.block.take().filter(|open| open.shown) {
            match &open.item.kind {
                ItemKind::Message | ItemKind::Reasoning => {
                    let json = open.item.json(&open.text, Progress::Incomplete, None);
                    output.push(Finished::of(json));
                }
                ItemKind::Call { .. } => {}
            }
        }
        self.end(Outcome::Failed(failure), output, out);
    }
}
