//! `/pool/get`: how the accounts stand.

use std::collections::BTreeMap;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::account_json::State as AccountState;
use super::input::Input;
use super::{Answered, answer, optional_body};
use crate::App;
use crate::auth::Admin;
use crate::router::Visit;

#[derive(Debug, Serialize)]
struct Pool {
    status: &'static str,
    accounts: Vec<Member>,
    /// How many are in which state.
    states: BTreeMap<&'static str, usize>,
}

#[derive(Debug, Serialize)]
struct Member {
    number: u64,
    alias: String,
    enabled: bool,
    credential: &'static str,
    /// Answers begun since the start.
    started: u64,
    #[serde(flatten)]
    state: AccountState,
}

/// `POST /pool/get`.
pub(crate) async fn get(
    _: Admin,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    /// Nothing can be chosen.
    #[derive(Debug, Default, Deserialize)]
    struct Get {}
    let Input { value: Get {}, unused } = optional_body::<Get>(&app, &visit, bytes).await?;
    let now = app.now();
    let mut states = BTreeMap::new();
    let views = app.0.gateway.accounts();
    let members = views.iter().map(|account| {
        let record = account.record.as_ref();
        let state = AccountState::of(record, &account.state, now);
        *states.entry(state.state).or_insert(0) += 1;
        Member {
            number: record.id.0,
            alias: record.alias.to_string(),
            enabled: record.enabled,
            credential: account.credential,
            started: account.state.started,
            state,
        }
    });
    let accounts = members.collect();
    answer(&visit, &unused, &Pool { status: "success", accounts, states })
}
