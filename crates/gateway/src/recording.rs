//! What is noted of one request while it is served, by the edge and by the turn, and becomes its
//! entry in the request log when the last of them has let go of it.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::{AccountId, Alias, Reason, UnixMs, UpstreamFlow};
use conversation::{Failure, FailureClass, Turn, Usage};
use request_log::{
    Attempt, AttemptEnd, Close, Content, Dialect, Entry, Fault, Status, Timing, TraceContext, Who,
};
use tokio::time::Instant;

use crate::grant::Grant;
use crate::lease::for_strangers;
use crate::pace::Pace;
use crate::recorder::Recorder;
use crate::service::Gateway;

mod prompt;

/// Longest text of an error that is kept, in bytes.
const MOST_TEXT: usize = 2048;
/// Longest model name that is kept; clients write what they like.
const MOST_NAME: usize = 256;

/// How a request came in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// As in the answer's `x-request-id`.
    pub request_id: String,
    pub dialect: Dialect,
    /// The route as it stands in the table.
    pub endpoint: &'static str,
    pub trace: Option<TraceContext>,
}

/// A handle to what is noted of a request. Cheap to clone; the entry is made when the last one is
/// dropped. There are requests of which nothing is noted.
#[derive(Debug, Clone)]
pub struct Recording(Option<Arc<Course>>);

/// The request's course so far.
#[derive(Debug)]
pub(crate) struct Course {
    recorder: Arc<Recorder>,
    id: u64,
    arrival: Arrival,
    who: Who,
    at: UnixMs,
    since: Instant,
    /// Bytes of each part of what is said; nothing of it when zero.
    content_limit: usize,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    model: String,
    served_model: Option<String>,
    flow: Option<UpstreamFlow>,
    stream: bool,
    http_status: Option<u16>,
    fault: Option<Fault>,
    is_panic: bool,
    is_timeout: bool,
    /// The last byte went out.
    is_sent: bool,
    attempts: Vec<Attempt>,
    /// An attempt that was begun and is not over; it stands last in `attempts`.
    is_trying: bool,
    passed_over: Vec<(Alias, Reason)>,
    timing: Timing,
    usage: Option<Usage>,
    pace: Pace,
    ignored: String,
    prompt: String,
    /// Whether it was written as pending.
    is_written: bool,
}

impl Gateway {
    /// Begins to note what becomes of a request.
    #[must_use]
    pub fn record(&self, arrival: Arrival, grant: &Grant) -> Recording {
        let inner = self.inner();
        let recorder = Arc::clone(&inner.recorder);
        let options = inner.options().recording;
        let keeps_content = grant.logs_content().unwrap_or(options.content) && options.enabled;
        let id = recorder.next_id();
        let course = Arc::new(Course {
            recorder: Arc::clone(&recorder),
            id,
            arrival,
            who: grant.who(),
            at: inner.now(),
            since: Instant::now(),
            content_limit: if keeps_content { options.content_limit } else { 0 },
            notes: Mutex::default(),
        });
        recorder.begun(id, &course);
        Recording(Some(course))
    }
}

impl Recording {
    /// Of a request that nobody keeps.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Takes a note; the second argument is the time since the request came.
    fn note(&self, note: impl FnOnce(&mut Notes, Duration)) {
        if let Some(course) = &self.0 {
            note(&mut course.notes(), course.since.elapsed());
        }
    }

    /// What was noted, for the administrator's own requests: others are not told of accounts.
    fn told<T: Default>(&self, look: impl FnOnce(&Notes) -> T) -> T {
        let course = self.0.as_ref().filter(|course| course.who == Who::Operator);
        course.map(|course| look(&course.notes())).unwrap_or_default()
    }

    /// As in the answer's `x-request-id`.
    #[must_use]
    pub fn request_id(&self) -> &str {
        self.0.as_ref().map_or("", |course| &course.arrival.request_id)
    }

    /// What the client asked for.
    pub fn asked(&self, model: &str, stream: bool) {
        self.note(|notes, _| {
            notes.model = bounded(model, MOST_NAME);
            notes.stream = stream;
        });
    }

    /// Fields of the request that had no effect.
    pub fn ignored(&self, names: &str) {
        self.note(|notes, _| names.clone_into(&mut notes.ignored));
    }

    /// The request has failed; the first failure counts.
    pub fn failed(&self, failure: &Failure) {
        let is_operator = self.0.as_ref().is_some_and(|course| course.who == Who::Operator);
        let told = if is_operator { &failure.client } else { for_strangers(&failure.client) };
        self.note(|notes, _| {
            if notes.fault.is_some() {
                return;
            }
            notes.is_timeout = failure.class == FailureClass::Timeout;
            notes.fault = Some(Fault {
                kind: failure.class.name().to_owned(),
                text: bounded(told, MOST_TEXT),
                details: bounded(&failure.log, MOST_TEXT),
            });
        });
    }

    /// The head of the answer is ready.
    pub fn answered(&self, status: u16) {
        self.note(|notes, now| {
            notes.http_status = Some(status);
            notes.timing.headers = Some(now);
        });
    }

    /// The last byte was handed to the connection.
    pub fn sent(&self) {
        self.note(|notes, now| {
            notes.is_sent = true;
            notes.timing.last_byte = Some(now);
        });
    }

    /// The account that is at it, or answered; only told for the administrator.
    #[must_use]
    pub fn served(&self) -> Option<Alias> {
        self.told(|notes| {
            let last = notes.attempts.last()?;
            matches!(last.end, AttemptEnd::Serving).then(|| last.alias.clone())
        })
    }

    /// Attempts that failed, in order: the account and the class of its failure; only told for the
    /// administrator.
    #[must_use]
    pub fn failed_attempts(&self) -> Vec<(Alias, String)> {
        self.told(|notes| {
            let failed = notes.attempts.iter().filter_map(|attempt| match &attempt.end {
                AttemptEnd::Failed { kind, .. } => Some((attempt.alias.clone(), kind.clone())),
                AttemptEnd::Serving => None,
            });
            failed.collect()
        })
    }

    /// Accounts that were not taken, and why; only told for the administrator.
    #[must_use]
    pub fn passed_over(&self) -> Vec<(Alias, Reason)> {
        self.told(|notes| notes.passed_over.clone())
    }

    pub(crate) fn set_passed_over(&self, accounts: Vec<(Alias, Reason)>) {
        self.note(|notes, _| notes.passed_over = accounts);
    }

    /// An account is tried.
    pub(crate) fn trying(&self, account: AccountId, alias: Alias) {
        self.note(|notes, began| {
            let end = AttemptEnd::Serving;
            notes.end_attempt(began);
            notes.attempts.push(Attempt { account, alias, began, lasted: Duration::ZERO, end });
            notes.is_trying = true;
        });
    }

    /// What the account is asked for.
    pub(crate) fn asking(&self, flow: UpstreamFlow, model: &str) {
        self.note(|notes, _| {
            notes.flow = Some(flow);
            notes.served_model = Some(bounded(model, MOST_NAME));
        });
    }

    /// The attempt failed; `again` when another account is to be tried.
    pub(crate) fn attempt_failed(&self, failure: &Failure, again: bool) {
        self.note(|notes, now| {
            notes.end_attempt(now);
            if let Some(last) = notes.attempts.last_mut() {
                let kind = failure.class.name().to_owned();
                let details = bounded(&failure.log, MOST_TEXT);
                last.end = AttemptEnd::Failed { kind, details, again };
            }
        });
    }

    /// The last figures count.
    pub(crate) fn usage(&self, usage: &Usage) {
        self.note(|notes, _| notes.usage = Some(*usage));
    }

    /// How the answer came, and what it said.
    pub(crate) fn add_pace(&self, pace: Pace) {
        self.note(|notes, _| notes.pace.add(pace));
    }

    /// A measure for an answer that begins now.
    pub(crate) fn pace(&self) -> Pace {
        self.0
            .as_ref()
            .map_or_else(Pace::default, |course| Pace::new(course.since, course.content_limit))
    }

    pub(crate) fn note_prompt(&self, turn: &Turn) {
        let limit = self.0.as_ref().map_or(0, |course| course.content_limit);
        if limit > 0 {
            let prompt = prompt::of(turn, limit);
            self.note(|notes, _| notes.prompt = prompt);
        }
    }
}

impl Notes {
    fn end_attempt(&mut self, now: Duration) {
        if std::mem::take(&mut self.is_trying)
            && let Some(last) = self.attempts.last_mut()
        {
            last.lasted = now.saturating_sub(last.began);
        }
    }

    fn close(&self) -> Close {
        // Whether the failure or the head of the answer is noted first is chance.
        let is_broken = self.fault.is_some() && self.http_status.is_some_and(|it| it < 400);
        if !self.is_sent {
            Close::ClientGone
        } else if self.is_timeout {
            Close::Timeout
        } else if self.is_panic || is_broken {
            Close::Cut
        } else {
            Close::Finished
        }
    }
}

impl Course {
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As it is now, once, if it has taken so long.
    pub(crate) fn pending(&self, long: Duration) -> Option<Entry> {
        let total = self.since.elapsed();
        let mut notes = self.notes();
        if notes.is_written || total < long {
            return None;
        }
        notes.is_written = true;
        let timing = Timing { total, ..notes.timing };
        let (model, served_model) = (notes.model.clone(), notes.served_model.clone());
        Some(Entry {
            model,
            served_model,
            flow: notes.flow,
            stream: notes.stream,
            http_status: notes.http_status,
            attempts: notes.attempts.clone(),
            account: notes.attempts.last().map(|last| (last.account, last.alias.clone())),
            timing,
            ignored: notes.ignored.clone(),
            ..self.blank(Status::Pending)
        })
    }

    fn blank(&self, status: Status) -> Entry {
        let Arrival { request_id, dialect, endpoint, trace } = &self.arrival;
        Entry {
            id: self.id,
            request_id: request_id.clone(),
            started: self.at,
            dialect: *dialect,
            endpoint: Cow::Borrowed(endpoint),
            who: self.who.clone(),
            account: None,
            model: String::new(),
            served_model: None,
            flow: None,
            stream: false,
            status,
            http_status: None,
            fault: None,
            attempts: Vec::new(),
            timing: Timing::default(),
            chain: request_log::Chain::default(),
            usage: None,
            close: None,
            ignored: String::new(),
            content: None,
            gaps: request_log::Gaps::default(),
            trace: *trace,
        }
    }

    /// What others wrote may hold what is nobody's to read.
    fn redact(&self, notes: &mut Notes) {
        let redacted = |text: &mut String| {
            if !text.is_empty() {
                *text = self.recorder.redaction.text(text);
            }
        };
        redacted(&mut notes.model);
        redacted(&mut notes.ignored);
        notes.served_model.as_mut().map(redacted);
        if let Some(fault) = &mut notes.fault {
            redacted(&mut fault.text);
            redacted(&mut fault.details);
        }
        for attempt in &mut notes.attempts {
            if let AttemptEnd::Failed { details, .. } = &mut attempt.end {
                redacted(details);
            }
        }
    }

    fn finished(&mut self) -> Entry {
        let now = self.since.elapsed();
        let mut notes = std::mem::take(&mut *self.notes());
        notes.end_attempt(now);
        if notes.fault.is_none() && std::thread::panicking() {
            notes.fault = Some(Fault {
                kind: FailureClass::Internal.name().to_owned(),
                text: "The gateway stopped working on this request.".to_owned(),
                details: "a panic; the log lines tell where".to_owned(),
            });
            (notes.is_sent, notes.is_panic) = (true, true);
        }
        self.redact(&mut notes);
        let close = notes.close();
        let is_well = notes.fault.is_none() && close == Close::Finished;
        let status = if is_well { Status::Success } else { Status::Failure };
        let Notes { timing, pace, prompt, .. } = notes;
        let timing = Timing { first_token: pace.first(), total: now, ..timing };
        let (chain, gaps, said) = pace.finish();
        let content = (self.content_limit > 0).then(|| {
            let redacted = |text: String| self.recorder.redaction.text(&text);
            let (answer, thinking) = (said.answer.finish(), said.thinking.finish());
            let (prompt, answer) = (redacted(prompt), redacted(answer));
            Content { prompt, answer, thinking: redacted(thinking) }
        });
        Entry {
            account: notes.attempts.last().map(|last| (last.account, last.alias.clone())),
            model: notes.model,
            served_model: notes.served_model,
            flow: notes.flow,
            stream: notes.stream,
            http_status: notes.http_status,
            fault: notes.fault,
            attempts: notes.attempts,
            timing,
            chain,
            usage: notes.usage,
            close: Some(close),
            ignored: notes.ignored,
            content,
            gaps,
            ..self.blank(status)
        }
    }
}

impl Drop for Course {
    fn drop(&mut self) {
        let entry = self.finished();
        self.recorder.ended(entry);
    }
}

fn bounded(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}
