//! `/tokens/get`, `/tokens/set`, `/tokens/add` and `/tokens/del`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use gateway::Failed;
use serde::{Deserialize, Serialize};

use super::account_json::{AddedList, AddedObject, Row, ShownRow, added};
use super::outcome::{FailedAlias, FailedList, aliases, only_names, unique};
use super::shapes::ListOr;
use super::{Answered, answer, body, optional_body, refuse, refuse_as, texts};
use crate::App;
use crate::auth::Admin;
use crate::router::Visit;

/// More accounts than anybody has.
const MOST: usize = 20_000;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Get {
    mask: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Tokens<'a> {
    status: &'static str,
    tokens: Vec<ShownRow<'a>>,
    tokens_count: usize,
}

/// `POST /tokens/get`.
pub(crate) async fn get(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let input = optional_body::<Get>(&app, &visit, bytes).await?;
    let (masked, now) = (input.value.mask.unwrap_or(false), app.now());
    let accounts = app.0.gateway.accounts();
    let tokens: Vec<ShownRow<'_>> =
        accounts.iter().map(|account| ShownRow::of(account, masked, now)).collect();
    let tokens_count = tokens.len();
    answer(&visit, &input.unused, &Tokens { status: "success", tokens, tokens_count })
}

/// What `/tokens/get` gives, whole or only its list.
type Set = ListOr<Row, SetObject>;

#[derive(Debug, Deserialize)]
pub(crate) struct SetObject {
    tokens: Vec<Row>,
    #[serde(rename = "status")]
    _status: Option<serde_json::Value>,
    #[serde(rename = "tokens_count")]
    _tokens_count: Option<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Counted<F: Serialize> {
    status: &'static str,
    tokens_count: usize,
    message: &'static str,
    #[serde(flatten)]
    failed: FailedList<F>,
}

/// `POST /tokens/set`.
pub(crate) async fn set(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let input = body::<Set>(&app, &visit, bytes).await?;
    let rows = match input.value {
        ListOr::List(rows) | ListOr::Object(SetObject { tokens: rows, .. }) => rows,
    };
    bounded(&visit, rows.len())?;
    let accounts = rows.into_iter().map(|Row { alias, info }| info.into_input(Some(alias)));
    let count = app.0.gateway.set_accounts(accounts.collect()).await;
    let tokens_count = count.map_err(|error| refuse(&visit, error))?;
    let failed = FailedList::<FailedAlias>::none();
    let set = Counted { status: "success", tokens_count, message: texts::TOKENS_SET, failed };
    answer(&visit, &input.unused, &set)
}

/// `POST /tokens/add`.
pub(crate) async fn add(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let input = body::<AddedList>(&app, &visit, bytes).await?;
    let (entries, enabled) = match input.value {
        ListOr::List(entries) => (entries, None),
        ListOr::Object(AddedObject { tokens, enabled }) => (tokens, enabled),
    };
    bounded(&visit, entries.len())?;
    let accounts = entries.into_iter().map(added).collect();
    let touched = app.0.gateway.add_accounts(accounts, enabled.unwrap_or(true)).await;
    let touched = touched.map_err(|error| refuse_as(&visit, error, "primary_token", "token"))?;
    let done = Counted {
        status: "success",
        tokens_count: app.0.gateway.accounts().len(),
        message: texts::tokens_added(touched.done.len()),
        failed: aliases(of_add(touched.failed)),
    };
    answer(&visit, &input.unused, &done)
}

/// What is wrong with a token, by the name that the field has here.
fn of_add(failed: Vec<Failed>) -> Vec<Failed> {
    let renamed = |Failed { name, reason }| {
        let reason = match reason.strip_prefix("primary_token: ") {
            Some(rest) => format!("token: {rest}"),
            None => reason,
        };
        Failed { name, reason }
    };
    failed.into_iter().map(renamed).collect()
}

fn bounded(visit: &Visit, count: usize) -> Result<(), crate::failure::Refusal> {
    if count <= MOST {
        return Ok(());
    }
    Err(super::invalid(visit, "tokens", &format!("more than {MOST} at once")))
}

#[derive(Debug, Deserialize)]
pub(crate) struct Del {
    aliases: Vec<String>,
    include_failed_tokens: Option<bool>,
    expectation: Option<Expectation>,
}

/// How much is told of what was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Expectation {
    #[default]
    Simple,
    UpdatedTokens,
    FailedTokens,
    Detailed,
}

#[derive(Debug, Serialize)]
struct Deleted {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_tokens: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed_tokens: Option<Vec<String>>,
    #[serde(flatten)]
    failed: FailedList<FailedAlias>,
}

/// `POST /tokens/del`.
pub(crate) async fn del(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let input = body::<Del>(&app, &visit, bytes).await?;
    let Del { aliases: names, include_failed_tokens, expectation } = input.value;
    let names = unique(&visit, "aliases", names)?;
    let touched = app.0.gateway.remove_accounts(&names).await;
    let touched = touched.map_err(|error| refuse(&visit, error))?;
    let (updated, failed) = match expectation.unwrap_or_default() {
        Expectation::Simple => (false, false),
        Expectation::UpdatedTokens => (true, false),
        Expectation::FailedTokens => (false, true),
        Expectation::Detailed => (true, true),
    };
    let failed = failed || include_failed_tokens.unwrap_or(false);
    let left = || {
        let accounts = app.0.gateway.accounts();
        accounts.iter().map(|account| account.record.alias.to_string()).collect()
    };
    let deleted = Deleted {
        status: "success",
        updated_tokens: updated.then(left),
        failed_tokens: failed.then(|| only_names(&touched.failed)),
        failed: aliases(touched.failed),
    };
    answer(&visit, &input.unused, &deleted)
}
