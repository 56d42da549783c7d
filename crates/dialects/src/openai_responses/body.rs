//! The response object: finished, failed, or not there yet.

use conversation::{BlockKind, Failure, FailureClass, Reply, StopReason, Usage};
use serde::Serialize;

use super::form::ReplyForm;
use super::item::{Item, Output, Progress};
use super::usage::UsageBody;
use crate::json;

/// What the client sees as the id of an answer begins with this.
const ID_PREFIX: &str = "resp_";

/// An answer as it is kept for later requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// `resp_…`
    pub id: String,
    /// The response object, JSON on one line.
    pub body: Vec<u8>,
    /// Its output items as later turns need them, each JSON on one line: reasoning has its seal in
    /// them even if the client did not ask to see it.
    pub output_items: Vec<String>,
}

/// A state in which an answer has no output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Queued,
    InProgress,
    Cancelled,
}

/// When an answer began and ended, in seconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub created: i64,
    pub completed: i64,
}

/// One instant for both.
impl From<i64> for Times {
    fn from(created: i64) -> Self {
        Self { created, completed: created }
    }
}

/// The id of the answer that the client sees. One that has the prefix already stays as it is.
#[must_use]
pub fn response_id(id: &str) -> String {
    if id.starts_with(ID_PREFIX) { id.to_owned() } else { format!("{ID_PREFIX}{id}") }
}

/// The id as it stands inside the ids of items.
pub(super) fn bare_id(id: &str) -> &str {
    id.strip_prefix(ID_PREFIX).unwrap_or(id)
}

/// A finished answer.
#[must_use]
pub fn encode_whole(reply: &Reply, form: &ReplyForm, times: impl Into<Times>) -> Record {
    let id = response_id(&reply.id);
    let mut output = Output::default();
    let last = reply.blocks.len().saturating_sub(1);
    for (place, block) in reply.blocks.iter().enumerate() {
        let progress = match block.kind {
            BlockKind::Text if place == last => Progress::at_the_end(&reply.stop),
            BlockKind::Text | BlockKind::Reasoning | BlockKind::ToolCall { .. } => {
                Progress::Completed
            }
        };
        let (id, index) = (bare_id(&reply.id), output.len());
        if let Some(item) = Item::finished(block, id, index, progress, form) {
            output.push(item);
        }
    }
    let outcome = Outcome::of(&reply.stop);
    let state = State { id: &id, times: times.into(), outcome, usage: reply.usage.as_ref() };
    record(&state, output, form)
}

/// An answer that failed before it began. One that breaks off later is recorded by
/// [`super::StreamEncoder::record`].
#[must_use]
pub fn failed(id: &str, failure: &Failure, form: &ReplyForm, created_unix: i64) -> Record {
    without_output(id, Outcome::Failed(failure), form, created_unix)
}

/// An answer that is waited for, or that is waited for no longer.
#[must_use]
pub fn unfinished(id: &str, status: Status, form: &ReplyForm, created_unix: i64) -> Record {
    let outcome = match status {
        Status::Queued => Outcome::Queued,
        Status::InProgress => Outcome::InProgress,
        Status::Cancelled => Outcome::Cancelled,
    };
    without_output(id, outcome, form, created_unix)
}

fn without_output(id: &str, outcome: Outcome<'_>, form: &ReplyForm, created_unix: i64) -> Record {
    let id = response_id(id);
    let state = State { id: &id, times: created_unix.into(), outcome, usage: None };
    record(&state, Output::default(), form)
}

pub(super) fn record(state: &State<'_>, output: Output, form: &ReplyForm) -> Record {
    let body = state.json(&output.shown, form).into_bytes();
    Record { id: state.id.to_owned(), body, output_items: output.kept }
}

/// The part of a response object that changes while it is answered.
#[derive(Debug, Clone, Copy)]
pub(super) struct State<'a> {
    /// With its prefix.
    pub(super) id: &'a str,
    pub(super) times: Times,
    pub(super) outcome: Outcome<'a>,
    pub(super) usage: Option<&'a Usage>,
}

/// How it stands with an answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome<'a> {
    Queued,
    InProgress,
    Cancelled,
    Completed,
    /// Ended before its end, for this reason.
    Incomplete(&'static str),
    Failed(&'a Failure),
}

impl Outcome<'_> {
    pub(super) fn of(stop: &StopReason) -> Self {
        match stop {
            StopReason::EndTurn
            | StopReason::ToolCalls
            | StopReason::StopSequence(_)
            | StopReason::Other(_) => Self::Completed,
            StopReason::MaxOutput => Self::Incomplete("max_output_tokens"),
            StopReason::Refused => Self::Incomplete("content_filter"),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::InProgress => "in_progress",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
            Self::Failed(_) => "failed",
        }
    }
}

#[derive(Serialize)]
struct Head<'a> {
    id: &'a str,
    object: &'static str,
    created_at: i64,
    completed_at: Option<i64>,
    status: &'static str,
    error: Option<ErrorBody<'a>>,
    incomplete_details: Option<IncompleteDetails>,
    model: &'a str,
    usage: Option<UsageBody>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    code: &'static str,
    message: &'a str,
}

#[derive(Serialize)]
struct IncompleteDetails {
    reason: &'static str,
}

impl State<'_> {
    /// The response object on one line.
    pub(super) fn json(&self, output: &[String], form: &ReplyForm) -> String {
        let completed = matches!(self.outcome, Outcome::Completed);
        let head = json::to_vec(&Head {
            id: self.id,
            object: "response",
            created_at: self.times.created,
            completed_at: completed.then_some(self.times.completed),
            status: self.outcome.word(),
            error: match self.outcome {
                Outcome::Failed(failure) => {
                    Some(ErrorBody { code: error_code(failure.class), message: &failure.client })
                }
                Outcome::Queued
                | Outcome::InProgress
                | Outcome::Cancelled
                | Outcome::Completed
                | Outcome::Incomplete(_) => None,
            },
            incomplete_details: match self.outcome {
                Outcome::Incomplete(reason) => Some(IncompleteDetails { reason }),
                Outcome::Queued
                | Outcome::InProgress
                | Outcome::Cancelled
                | Outcome::Completed
                | Outcome::Failed(_) => None,
            },
            model: &form.model,
            usage: self.usage.map(UsageBody::from),
        });
        let mut text = String::from_utf8(head).expect("JSON is UTF-8");
        text.pop();
        text.push_str(",\"output\":[");
        text.push_str(&output.join(","));
        text.push(']');
        if !form.echo.is_empty() {
            text.push(',');
            text.push_str(&form.echo);
        }
        text.push('}');
        text
    }
}

/// `error.code` of a failed response: the words by which clients decide whether to try again.
pub(super) fn error_code(class: FailureClass) -> &'static str {
    match class {
        FailureClass::ContextTooLong => "context_length_exceeded",
        FailureClass::UnknownModel => "model_not_found",
        FailureClass::Quota => "insufficient_quota",
        FailureClass::Busy => "rate_limit_exceeded",
        FailureClass::Overloaded => "server_is_overloaded",
        FailureClass::Invalid
        | FailureClass::Forbidden
        | FailureClass::TooLarge
        | FailureClass::Refused => "invalid_prompt",
        FailureClass::Unauthenticated
        | FailureClass::AccountRejected
        | FailureClass::UpstreamFailed
        | FailureClass::Timeout
        | FailureClass::Internal => "server_error",
    }
}
