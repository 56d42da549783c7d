//! `/logs…`: the request log. The administrator sees all of it, everybody else the requests of their
//! own key. How it is asked, shown and exported is below, each in its file.

use std::collections::BTreeMap;

use accounts::AccountId;
use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use conversation::{Failure, FailureClass};
use gateway::{AccountView, LogProblem, Viewer};
use serde::{Deserialize, Serialize};

use self::entry_json::{Accounts, ShownEntry};
use self::query::QueryIn;
use super::account_json::ShownRow;
use super::input::Input;
use super::{Answered, answer, body, invalid, optional_body, times};
use crate::App;
use crate::auth::Caller;
use crate::failure::Refusal;
use crate::router::Visit;

mod csv;
mod entry_json;
pub(crate) mod export;
pub(crate) mod page;
mod parameters;
mod query;

/// Entries of one answer, unless the request says.
const PER_PAGE: u64 = 100;

/// The body of `/logs/get`.
#[derive(Debug, Default, Deserialize)]
struct Get {
    query: Option<QueryIn>,
}

#[derive(Debug, Serialize)]
struct Logs<'a> {
    status: &'static str,
    /// On all pages.
    total: u64,
    /// Answers in progress; for the administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<u64>,
    /// Requests that failed since the start; for the administrator.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<u64>,
    logs: Vec<ShownEntry<'a>>,
    /// The next page's `cursor`; none on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    timestamp: String,
}

/// `POST /logs/get`.
pub(crate) async fn get(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Get { query }, unused } = optional_body::<Get>(&app, &visit, bytes).await?;
    let query = query.unwrap_or_default().into_query(PER_PAGE);
    let query =
        query.map_err(|(field, reason)| invalid(&visit, &format!("query.{field}"), reason))?;
    let viewer = Viewer::of(&caller.grant);
    let page = app.0.gateway.find_requests(&viewer, query).await;
    let page = page.map_err(|problem| refuse(&visit, &problem))?;
    let accounts = Accounts::of(&app, &viewer, &page.entries);
    let stats = viewer.is_operator().then(|| app.0.gateway.stats());
    let logs = Logs {
        status: "success",
        total: page.total,
        active: stats.map(|stats| stats.log.running as u64),
        error: stats.map(|stats| stats.log.failed),
        logs: page.entries.iter().map(|entry| accounts.show(&viewer, entry)).collect(),
        next: page.next.map(|id| id.to_string()),
        timestamp: times::show(app.now()),
    };
    answer(&visit, &unused, &logs)
}

/// Why there is nothing to show.
fn refuse(visit: &Visit, problem: &LogProblem) -> Refusal {
    let failure = match problem {
        LogProblem::Off => Failure::new(FailureClass::NotFound, "The request log is switched off."),
        LogProblem::TooBroad => Failure::invalid(
            "query",
            "The search takes too long; narrow it down, by from_date and to_date for example.",
        ),
        LogProblem::Store(error) => {
            tracing::error!(request = %visit.id, %error, "the request log cannot be read");
            Failure::new(FailureClass::Overloaded, "The request log cannot be read now.")
        }
    };
    visit.refusal(failure)
}

/// What another than the administrator sees of an account that came with his key.
#[derive(Debug, Serialize)]
struct OwnAccount<'a> {
    primary_token: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_token: Option<&'static str>,
    checksum: HiddenPair,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gcpp_host: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a gateway::profile::User>,
}

#[derive(Debug, Serialize)]
struct HiddenPair {
    first: &'static str,
    second: &'static str,
}

impl<'a> OwnAccount<'a> {
    fn of(account: &'a AccountView) -> Self {
        const HIDDEN: &str = "***";
        let record = &account.record;
        Self {
            primary_token: HIDDEN,
            secondary_token: record.tokens.secondary.as_ref().map(|_| HIDDEN),
            checksum: HiddenPair { first: HIDDEN, second: HIDDEN },
            timezone: record.timezone.as_deref(),
            gcpp_host: record.region.map(accounts::Region::as_str),
            user: account.profile.user.as_ref(),
        }
    }
}

#[derive(Debug, Serialize)]
struct Tokens<T> {
    status: &'static str,
    tokens: BTreeMap<String, T>,
    total: usize,
    timestamp: String,
}

impl<T> Tokens<T> {
    fn new(app: &App, tokens: BTreeMap<String, T>) -> Self {
        let total = tokens.len();
        Self { status: "success", tokens, total, timestamp: times::show(app.now()) }
    }
}

/// `POST /logs/tokens/get`.
pub(crate) async fn tokens(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    const MOST: usize = 20_000;
    let Input { value: keys, unused } = body::<Vec<String>>(&app, &visit, bytes).await?;
    if keys.len() > MOST {
        return Err(invalid(&visit, "", &format!("more than {MOST} at once")));
    }
    let viewer = Viewer::of(&caller.grant);
    let found = |key: String| {
        let id = AccountId(key.parse().ok().filter(|id: &u64| id.to_string() == key)?);
        Some((key, app.0.gateway.logged_account(&viewer, id)?))
    };
    let views: BTreeMap<String, AccountView> = keys.into_iter().filter_map(found).collect();
    if viewer.is_operator() {
        let now = app.now();
        let whole =
            |(key, view)| (String::clone(key), ShownRow::of(view, false, now).into_account());
        return answer(&visit, &unused, &Tokens::new(&app, views.iter().map(whole).collect()));
    }
    let own = |(key, view)| (String::clone(key), OwnAccount::of(view));
    answer(&visit, &unused, &Tokens::new(&app, views.iter().map(own).collect()))
}
