//! An entry of the log as JSON: the documented fields, and further ones of ours beside them.

use std::collections::HashMap;
use std::time::Duration;

use accounts::AccountId;
use conversation::UsageSource;
use gateway::profile::{Stripe, Usage};
use gateway::{AccountView, Viewer};
use request_log::{Attempt, AttemptEnd, Content, Entry, Fault, Status};
use serde::Serialize;

use super::super::times;
use crate::App;

/// The accounts of some entries, as far as the viewer may know of them.
#[derive(Debug)]
pub(super) struct Accounts(HashMap<AccountId, AccountView>);

impl Accounts {
    pub(super) fn of(app: &App, viewer: &Viewer, entries: &[Entry]) -> Self {
        let mut known = HashMap::new();
        for id in entries.iter().filter_map(|entry| Some(entry.account.as_ref()?.0)) {
            if !known.contains_key(&id)
                && let Some(view) = app.0.gateway.logged_account(viewer, id)
            {
                known.insert(id, view);
            }
        }
        Self(known)
    }

    pub(super) fn show<'a>(&'a self, viewer: &Viewer, entry: &'a Entry) -> ShownEntry<'a> {
        let account = entry.account.as_ref().and_then(|(id, _)| self.0.get(id));
        ShownEntry::of(viewer, entry, account)
    }
}

/// One request.
#[derive(Debug, Serialize)]
pub(super) struct ShownEntry<'a> {
    id: u64,
    timestamp: String,
    model: &'a str,
    token_info: TokenInfo<'a>,
    chain: Chain<'a>,
    timing: Timing,
    stream: bool,
    pub(super) status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error<'a>>,
    // What follows is not in the document.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_kind: Option<&'a str>,
    request_id: &'a str,
    dialect: &'static str,
    endpoint: &'a str,
    /// The key's public id, `auth_token` or `shared_token`.
    key: &'a str,
    /// Alias at that time.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    served_model: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<ShownAttempt<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    close: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage_source: Option<&'static str>,
    /// Fields of the request that had no effect.
    #[serde(skip_serializing_if = "str::is_empty")]
    ignored: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<ShownContent<'a>>,
}

#[derive(Debug, Serialize)]
struct TokenInfo<'a> {
    /// The account's number; empty when the viewer may not know of it, or there is none.
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe: Option<&'a Stripe>,
}

#[derive(Debug, Serialize)]
struct Chain<'a> {
    /// The text, then characters and the seconds after which they were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    delays: Option<(&'a str, Vec<(u32, f64)>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<ShownUsage>,
}

/// Without `cents`, which the upstream does not tell.
#[derive(Debug, Serialize)]
struct ShownUsage {
    input: u64,
    output: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_write: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_read: Option<u64>,
}

/// Seconds since the request came.
#[derive(Debug, Serialize)]
struct Timing {
    total: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_token: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_byte: Option<f64>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Error<'a> {
    Told(&'a str),
    Whole { error: &'a str, details: &'a str },
}

#[derive(Debug, Serialize)]
struct ShownAttempt<'a> {
    account: &'a str,
    began: f64,
    lasted: f64,
    outcome: &'static str,
    /// Its kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a str>,
    /// Whether another account was to be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    again: Option<bool>,
}

#[derive(Debug, Serialize)]
struct ShownContent<'a> {
    prompt: &'a str,
    answer: &'a str,
    thinking: &'a str,
}

/// To the millisecond.
pub(super) fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1000.0
}

pub(super) fn source(source: UsageSource) -> &'static str {
    match source {
        UsageSource::Upstream => "upstream",
        UsageSource::Estimate => "estimate",
    }
}

impl<'a> ShownEntry<'a> {
    fn of(viewer: &Viewer, entry: &'a Entry, account: Option<&'a AccountView>) -> Self {
        let all = viewer.is_operator();
        let id = match viewer {
            // Also of an account that is gone.
            Viewer::Operator => entry.account.as_ref().map(|(id, _)| *id),
            Viewer::Caller(_) => account.map(|account| account.record.id),
        };
        let profile = account.filter(|_| all).map(|account| account.profile.as_ref());
        let attempts = || entry.attempts.iter().map(|attempt| show(attempt, entry.status));
        Self {
            id: entry.id,
            timestamp: times::show(entry.started),
            model: &entry.model,
            token_info: TokenInfo {
                key: id.map(|id| id.to_string()).unwrap_or_default(),
                usage: profile.and_then(|profile| profile.usage.as_ref()),
                stripe: profile.and_then(|profile| profile.stripe.as_ref()),
            },
            chain: Chain::of(entry),
            timing: Timing {
                total: seconds(entry.timing.total),
                headers: entry.timing.headers.map(seconds),
                first_token: entry.timing.first_token.map(seconds),
                last_byte: entry.timing.last_byte.map(seconds),
            },
            stream: entry.stream,
            status: entry.status.name(),
            error: entry.fault.as_ref().map(|fault| Error::of(fault, all)),
            error_kind: entry.fault.as_ref().map(|fault| fault.kind.as_str()),
            request_id: &entry.request_id,
            dialect: entry.dialect.name(),
            endpoint: &entry.endpoint,
            key: entry.who.name(),
            account: entry.account.as_ref().filter(|_| all).map(|(_, alias)| alias.as_str()),
            served_model: entry.served_model.as_deref(),
            flow: entry.flow.map(accounts::UpstreamFlow::as_str),
            http_status: entry.http_status,
            attempts: all.then(|| attempts().collect()),
            close: entry.close.map(request_log::Close::name),
            usage_source: entry.usage.map(|usage| source(usage.source)),
            ignored: &entry.ignored,
            content: entry.content.as_ref().map(|Content { prompt, answer, thinking }| {
                ShownContent { prompt, answer, thinking }
            }),
        }
    }
}

impl<'a> Chain<'a> {
    fn of(entry: &'a Entry) -> Self {
        let points = entry.chain.points().iter();
        let points = points.map(|point| (point.characters, f64::from(point.at) / 1000.0));
        let text = entry.content.as_ref().map_or("", |content| &content.answer);
        Self {
            delays: (!entry.chain.is_empty()).then(|| (text, points.collect())),
            usage: entry.usage.map(|usage| ShownUsage {
                input: usage.input,
                output: usage.output,
                cache_write: usage.cache_write,
                cache_read: usage.cache_read,
            }),
        }
    }
}

impl<'a> Error<'a> {
    fn of(fault: &'a Fault, all: bool) -> Self {
        if all {
            return Self::Whole { error: &fault.text, details: &fault.details };
        }
        Self::Told(&fault.text)
    }
}

fn show(attempt: &Attempt, status: Status) -> ShownAttempt<'_> {
    let (outcome, error, details, again) = match (&attempt.end, status) {
        (AttemptEnd::Serving, Status::Pending) => ("serving", None, None, None),
        (AttemptEnd::Serving, Status::Success | Status::Failure) => ("answered", None, None, None),
        (AttemptEnd::Failed { kind, details, again }, _) => {
            ("failed", Some(kind.as_str()), Some(details.as_str()), Some(*again))
        }
    };
    ShownAttempt {
        account: attempt.alias.as_str(),
        began: seconds(attempt.began),
        lasted: seconds(attempt.lasted),
        outcome,
        error,
        details,
        again,
    }
}
