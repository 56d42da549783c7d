//! The answer under way: blocks one after the other, calls among them, and the wait for results.
//!
//! What the server says may interleave; what the client sees never does. Blocks stand in a queue
//! whose front is passed on as it comes, and what belongs to a later block waits for its turn.
//! When the calls of an answer are complete the answer ends and the session is suspended: what
//! comes then is the beginning of the next answer and is held back until results arrive.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use conversation::{BlockKind, Event, Failure, Seal, StopReason};

use super::{Actions, overfull};
use crate::ids;

/// Pieces of one batch are joined up to this many bytes.
const MERGED: usize = 4 << 10;

/// What may come while nobody asks for it.
const MOST_HELD: usize = 1 << 20;

/// What may wait behind an unfinished block.
const MOST_QUEUED: usize = 16 << 20;

/// What an event counts besides its text.
const EVENT: usize = 64;

/// Calls that were announced and do not come keep the complete ones waiting this many windows.
const PATIENCE: u32 = 10;

/// The events of one stream, answer by answer.
#[derive(Debug)]
pub(crate) struct Answer {
    id: String,
    model: String,
    started: bool,
    /// Whether anything was said in this answer, or is held back for it.
    spoke: bool,
    queue: VecDeque<Block>,
    /// One call per answer.
    single: bool,
    /// Calls of this answer that are complete, by the server's ids.
    told: Vec<String>,
    /// Calls of the last answer that wait for results.
    waiting: Vec<String>,
    suspended: bool,
    /// Events of the next answer.
    held: Vec<Event>,
    /// Bytes in `held` and `queue`, roughly.
    kept: usize,
    window: Duration,
    /// Whether a call moved since the last tick.
    touched: bool,
    quiet_since: Option<Instant>,
}

#[derive(Debug)]
struct Block {
    kind: Kind,
    /// What was not passed on yet.
    text: String,
    opened: bool,
    closed: Option<Seal>,
}

#[derive(Debug, PartialEq, Eq)]
enum Kind {
    Text,
    Reasoning,
    Call { key: String, name: String },
}

/// Whether the calls of the answer have come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quiet {
    /// There is none that is complete.
    NoCalls,
    Until(Instant),
    Over,
}

impl Answer {
    pub(crate) fn new(id: String, model: &str, parallel: bool, window: Duration) -> Self {
        Self {
            id,
            model: model.to_owned(),
            started: false,
            spoke: false,
            queue: VecDeque::new(),
            single: !parallel,
            told: Vec::new(),
            waiting: Vec::new(),
            suspended: false,
            held: Vec::new(),
            kept: 0,
            window,
            touched: false,
            quiet_since: None,
        }
    }

    /// Says once that the upstream took the turn.
    pub(crate) fn start(&mut self, actions: &mut Actions) {
        if !self.started {
            self.started = true;
            let (id, model) = (self.id.clone(), self.model.clone());
            actions.events.push(Event::Started { id, model });
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn spoke(&self) -> bool {
        self.spoke
    }

    /// What waits in it, in bytes.
    pub(crate) fn kept(&self) -> usize {
        self.kept
    }

    pub(crate) fn is_suspended(&self) -> bool {
        self.suspended
    }

    pub(crate) fn in_reasoning(&self) -> bool {
        self.queue.back().is_some_and(Block::is_reasoning)
    }

    pub(crate) fn text(&mut self, text: &str, actions: &mut Actions) {
        self.say(Kind::Text, text, actions);
    }

    pub(crate) fn reasoning(&mut self, text: &str, actions: &mut Actions) {
        self.say(Kind::Reasoning, text, actions);
    }

    fn say(&mut self, kind: Kind, text: &str, actions: &mut Actions) {
        if text.is_empty() {
            return;
        }
        self.spoke = true;
        self.begin(kind);
        let last = self.queue.len() - 1;
        self.add(last, text, actions);
    }

    /// Ends a reasoning block, with its seal; nothing if none is open and there is no seal.
    pub(crate) fn end_reasoning(&mut self, seal: Seal, actions: &mut Actions) {
        if seal.is_some() {
            self.begin(Kind::Reasoning);
        }
        if let Some(block) = self.queue.back_mut().filter(|block| block.is_reasoning()) {
            block.closed = Some(seal);
            self.flush(actions);
        }
    }

    /// Begins a call under the server's id; later pieces name it by that id.
    pub(crate) fn open_call(&mut self, key: &str, name: &str, actions: &mut Actions) {
        if self.position(key).is_none() {
            self.spoke = true;
            self.begin(Kind::Call { key: key.to_owned(), name: name.to_owned() });
            self.kept += EVENT;
            self.flush(actions);
        }
    }

    /// Adds a piece of its arguments.
    pub(crate) fn call_text(&mut self, key: &str, piece: &str, actions: &mut Actions) {
        if let Some(at) = self.position(key) {
            self.add(at, piece, actions);
        }
    }

    /// Its arguments are complete.
    pub(crate) fn close_call(&mut self, key: &str, actions: &mut Actions) {
        if let Some(at) = self.position(key) {
            self.queue[at].closed = Some(None);
            self.flush(actions);
            if self.single && !self.suspended && !self.told.is_empty() {
                self.suspend(actions);
            }
        }
    }

    /// Whether the call has begun in the answer under way.
    pub(crate) fn has_begun(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.queue
            .iter()
            .position(|block| matches!(&block.kind, Kind::Call { key: own, .. } if own == key))
    }

    /// Makes a block of this kind the last one.
    fn begin(&mut self, kind: Kind) {
        if let Some(last) = self.queue.back_mut() {
            if last.kind == kind && last.closed.is_none() {
                return;
            }
            // Only calls go on while other things are said.
            if !last.is_call() && last.closed.is_none() {
                last.closed = Some(None);
            }
        }
        self.queue.push_back(Block { kind, text: String::new(), opened: false, closed: None });
    }

    fn add(&mut self, at: usize, piece: &str, actions: &mut Actions) {
        if self.suspended || at > 0 {
            self.kept += piece.len() + EVENT;
        }
        let Self { queue, held, suspended, .. } = self;
        let block = &mut queue[at];
        if at == 0 && block.opened && block.text.is_empty() {
            pass_on(piece, if *suspended { held } else { &mut actions.events });
            return;
        }
        block.text.push_str(piece);
        self.flush(actions);
    }

    /// Passes on what is due: the front of the queue, and what follows blocks that are closed.
    fn flush(&mut self, actions: &mut Actions) {
        let Self { queue, held, suspended, told, single, kept, .. } = self;
        let out = if *suspended { held } else { &mut actions.events };
        while let Some(front) = queue.front_mut() {
            // With one call per answer, what follows it is the next one's.
            if *single && !told.is_empty() {
                break;
            }
            if !front.opened {
                front.opened = true;
                out.push(Event::Opened(front.kind.block()));
            }
            pass_on(&std::mem::take(&mut front.text), out);
            let Some(seal) = front.closed.take() else { break };
            out.push(Event::Closed(seal));
            if let Some(Block { kind: Kind::Call { key, .. }, .. }) = queue.pop_front() {
                told.push(key);
            }
        }
        if !*suspended && queue.len() <= 1 {
            *kept = 0;
        }
    }

    /// # Errors
    /// More was held back than is reasonable; the stream is to be given up.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let most = if self.suspended { MOST_HELD } else { MOST_QUEUED };
        if self.kept > most { Err(overfull()) } else { Ok(()) }
    }

    /// A call moved: the quiet begins anew.
    pub(crate) fn touch(&mut self) {
        self.touched = true;
    }

    /// Whether any call of this answer is complete.
    pub(crate) fn has_complete_calls(&self) -> bool {
        !self.told.is_empty()
    }

    /// Whether calls of this answer are complete and none is half told.
    pub(crate) fn may_suspend(&self) -> bool {
        !self.suspended && self.has_complete_calls() && self.may_finish()
    }

    /// How the quiet stands at `now`. More patience is had while calls are `outstanding`.
    pub(crate) fn quiet(&mut self, now: Instant, outstanding: bool) -> Quiet {
        if self.suspended || !self.has_complete_calls() {
            return Quiet::NoCalls;
        }
        let since = match self.quiet_since {
            Some(since) if !self.touched => since,
            Some(_) | None => {
                self.touched = false;
                self.quiet_since = Some(now);
                now
            }
        };
        let due = since + if outstanding { self.window * PATIENCE } else { self.window };
        if now >= due { Quiet::Over } else { Quiet::Until(due) }
    }

    /// Ends the answer with its calls; the session waits for the client.
    pub(crate) fn suspend(&mut self, actions: &mut Actions) {
        self.close_open(actions);
        actions.events.push(Event::Finished(StopReason::ToolCalls));
        actions.suspended = true;
        self.suspended = true;
        self.quiet_since = None;
        self.waiting = std::mem::take(&mut self.told);
        self.kept = self.queue.iter().map(|block| block.text.len() + EVENT).sum();
        self.flush(actions);
    }

    /// Closes what is open and no call.
    fn close_open(&mut self, actions: &mut Actions) {
        if let Some(front) = self.queue.front()
            && front.opened
            && !front.is_call()
        {
            self.queue.pop_front();
            actions.events.push(Event::Closed(None));
        }
    }

    /// The ids of the calls that wait for results, in order, as the client knows them.
    pub(crate) fn pending_calls(&self) -> Vec<String> {
        self.waiting.iter().map(|key| ids::to_client(key)).collect()
    }

    /// Begins the next answer, with what was held back for it. Gives the calls that waited.
    pub(crate) fn resume(&mut self, id: String, actions: &mut Actions) -> Vec<String> {
        self.suspended = false;
        self.started = true;
        self.spoke = !self.queue.is_empty() || self.held.iter().any(Event::is_visible);
        self.kept = 0;
        self.touched = true;
        self.id.clone_from(&id);
        actions.suspended = false;
        actions.events.push(Event::Started { id, model: self.model.clone() });
        actions.events.append(&mut self.held);
        let waited = std::mem::take(&mut self.waiting);
        if self.single && !self.told.is_empty() {
            self.suspend(actions);
        }
        waited
    }

    /// Whether no call is half told.
    pub(crate) fn may_finish(&self) -> bool {
        !self.queue.iter().any(Block::is_call)
    }

    /// Ends the last answer. `false`: it cannot end, a call is half told.
    pub(crate) fn finish(&mut self, actions: &mut Actions) -> bool {
        self.close_open(actions);
        if !self.queue.is_empty() {
            return false;
        }
        let called = self.has_complete_calls();
        let reason = if called { StopReason::ToolCalls } else { StopReason::EndTurn };
        actions.events.push(Event::Finished(reason));
        actions.done = true;
        true
    }
}

impl Block {
    fn is_call(&self) -> bool {
        matches!(self.kind, Kind::Call { .. })
    }

    fn is_reasoning(&self) -> bool {
        self.kind == Kind::Reasoning && self.closed.is_none()
    }
}

impl Kind {
    fn block(&self) -> BlockKind {
        match self {
            Self::Text => BlockKind::Text,
            Self::Reasoning => BlockKind::Reasoning,
            Self::Call { key, name } => {
                BlockKind::ToolCall { id: ids::to_client(key), name: name.clone() }
            }
        }
    }
}

fn pass_on(piece: &str, out: &mut Vec<Event>) {
    if piece.is_empty() {
        return;
    }
    // What is ready together goes out together: in a flood this is most of the work saved.
    if let Some(Event::Delta(last)) = out.last_mut()
        && last.len() + piece.len() <= MERGED
    {
        last.push_str(piece);
        return;
    }
    out.push(Event::Delta(piece.to_owned()));
}
