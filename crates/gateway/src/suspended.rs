//! Turns that wait for the client's tools: the live stream stays with its task, and the next
//! request that brings exactly its results takes it on.
//!
//! The registry only holds the ways to the waiting tasks. Who is taken out of it decides what
//! happens: a request (the stream goes on), the time limit or the bounds (it is given up, and
//! the next request is rebuilt from its transcript).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use conversation::{Message, ToolResult, Turn};
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use crate::attempt::Work;
use crate::transcript::Digest;

/// Bounds for streams that wait.
#[derive(Debug, Clone, Copy)]
pub struct SuspendOptions {
    /// How long a stream waits for results; zero never suspends.
    pub timeout: Duration,
    /// Most streams that wait at once.
    pub most: usize,
    /// Most bytes that all of them hold.
    pub bytes: usize,
}

/// A request that takes a waiting stream on.
#[derive(Debug)]
pub(crate) struct Resume {
    pub(crate) work: Work,
    pub(crate) results: Vec<ToolResult>,
}

/// What has to be the same for a stream to be the right one to go on with: results alone cannot
/// change what the model was told it may do.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    tools: conversation::Tools,
    output: conversation::OutputShape,
    route: upstream::Route,
    instructions: [u8; 32],
}

impl Terms {
    pub(crate) fn new(turn: &Turn, route: &upstream::Route) -> Self {
        Self {
            tools: turn.tools.clone(),
            output: turn.output.clone(),
            route: route.clone(),
            instructions: digest(&turn.instructions),
        }
    }

    fn bytes(&self) -> usize {
        let tools = self.tools.declared.iter();
        tools.map(|t| t.name.len() + t.description.len() + t.parameters.len()).sum()
    }
}

/// Of the system text, without the line by which Claude Code tells every request apart.
fn digest(instructions: &[String]) -> [u8; 32] {
    const CHANGING: &str = "x-anthropic-billing-header:";
    let mut hash = Sha256::new();
    let lines = instructions.iter().flat_map(|text| text.lines());
    for line in lines.filter(|line| !line.starts_with(CHANGING)) {
        hash.update(line);
        hash.update(b"\n");
    }
    hash.finalize().into()
}

#[derive(Debug)]
struct Waiting {
    number: u64,
    calls: Vec<String>,
    terms: Terms,
    bytes: usize,
    resume: oneshot::Sender<Resume>,
}

/// The streams that wait.
#[derive(Debug)]
pub(crate) struct Suspended {
    options: ArcSwap<SuspendOptions>,
    waiting: Mutex<Registry>,
}

#[derive(Debug, Default)]
struct Registry {
    by_digest: HashMap<Digest, Waiting>,
    /// Counts up, so that the oldest is known.
    next: u64,
    bytes: usize,
}

/// A place in the registry, as its task holds it.
#[derive(Debug)]
pub(crate) struct Ticket {
    digest: Digest,
    number: u64,
    pub(crate) resume: oneshot::Receiver<Resume>,
}

impl Suspended {
    pub(crate) fn new(options: SuspendOptions) -> Self {
        Self { options: ArcSwap::from_pointee(options), waiting: Mutex::default() }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.options.load().timeout
    }

    /// Holds for streams that are entered from now on.
    pub(crate) fn set_options(&self, options: SuspendOptions) {
        self.options.store(Arc::new(options));
    }

    /// Whether streams are kept at all.
    pub(crate) fn is_on(&self) -> bool {
        let options = self.options.load();
        !options.timeout.is_zero() && options.most > 0
    }

    pub(crate) fn count(&self) -> usize {
        self.lock().by_digest.len()
    }

    /// Enters a stream that holds `bytes`; the oldest ones have to go when there are too many. One
    /// that is too large by itself is turned away: its ticket will never bring anything.
    pub(crate) fn enter(
        &self,
        digest: Digest,
        calls: Vec<String>,
        terms: Terms,
        bytes: usize,
    ) -> Ticket {
        let bytes = bytes + terms.bytes();
        let (resume, receiver) = oneshot::channel();
        let mut registry = self.lock();
        let number = registry.next;
        registry.next += 1;
        if bytes > self.options.load().bytes {
            tracing::debug!(bytes, "a stream is too large to be suspended");
            return Ticket { digest, number, resume: receiver };
        }
        // The same answer given twice: the newer stream is the one that is waited for.
        registry.take(&digest);
        registry.bytes += bytes;
        registry.by_digest.insert(digest, Waiting { number, calls, terms, bytes, resume });
        registry.make_room(**self.options.load());
        Ticket { digest, number, resume: receiver }
    }

    /// A stream that waits has come to hold this much.
    pub(crate) fn update(&self, ticket: &Ticket, bytes: usize) {
        let mut registry = self.lock();
        let Some(waiting) = registry.by_digest.get_mut(&ticket.digest) else { return };
        let bytes = bytes + waiting.terms.bytes();
        if waiting.number == ticket.number && waiting.bytes != bytes {
            let before = std::mem::replace(&mut waiting.bytes, bytes);
            registry.bytes = registry.bytes - before + bytes;
            registry.make_room(**self.options.load());
        }
    }

    /// Gives `work` to the stream that waits for its results. A stream whose client has gone on in
    /// another way is given up.
    ///
    /// # Errors
    /// None does; the work is to be done from the transcript.
    pub(crate) fn resume(&self, work: Work) -> Result<(), Box<Work>> {
        let Some((digest, after)) = work.place.answered else { return Err(Box::new(work)) };
        let Some(waiting) = self.lock().take(&digest) else { return Err(Box::new(work)) };
        let terms = Terms::new(&work.turn, &work.route);
        let results = only_results(&work.turn.messages[after..])
            .filter(|results| waiting.terms == terms && same_calls(&waiting.calls, results));
        let Some(results) = results else { return Err(Box::new(work)) };
        // A task that has just ended hands the work back.
        waiting.resume.send(Resume { work, results }).map_err(|resume| Box::new(resume.work))
    }

    /// Takes a stream out whose task gives it up. `false` when a request has just taken it: then
    /// the ticket brings that request.
    pub(crate) fn leave(&self, ticket: &Ticket) -> bool {
        let mut registry = self.lock();
        let is_there =
            registry.by_digest.get(&ticket.digest).is_some_and(|w| w.number == ticket.number);
        if is_there {
            registry.take(&ticket.digest);
        }
        is_there
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Registry> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    fn make_room(&mut self, options: SuspendOptions) {
        while self.by_digest.len() > options.most || self.bytes > options.bytes {
            let oldest = self.by_digest.iter().min_by_key(|(_, waiting)| waiting.number);
            let Some(digest) = oldest.map(|(digest, _)| *digest) else { break };
            self.take(&digest);
            tracing::info!("too many suspended streams; the oldest is given up");
        }
    }

    fn take(&mut self, digest: &Digest) -> Option<Waiting> {
        let waiting = self.by_digest.remove(digest)?;
        self.bytes -= waiting.bytes;
        Some(waiting)
    }
}

/// The results, if the messages are nothing but results. Reminders that clients strew in have no
/// way into a running stream, so they do not count as nothing.
fn only_results(messages: &[Message]) -> Option<Vec<ToolResult>> {
    let mut all = Vec::new();
    for message in messages {
        match message {
            Message::ToolResults(results) => all.extend(results.iter().cloned()),
            Message::User(_) | Message::Assistant(_) | Message::Instruction(_) => return None,
        }
    }
    (!all.is_empty()).then_some(all)
}

fn same_calls(calls: &[String], results: &[ToolResult]) -> bool {
    calls.len() == results.len()
        && calls.iter().all(|id| results.iter().any(|result| result.call_id == *id))
}
