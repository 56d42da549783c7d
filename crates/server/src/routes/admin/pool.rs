//! `/pool/get`: how the accounts stand.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use accounts::PoolPolicy;
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
    policy: Policy,
    accounts: Vec<Member>,
    /// How many are in which state.
    states: BTreeMap<&'static str, usize>,
}

/// How accounts are chosen.
#[derive(Debug, Serialize)]
struct Policy {
    rotation: &'static str,
    /// Size of the set in rotation.
    active: usize,
    /// Answers in progress at once per account.
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    /// Between two starts on one account.
    pace_milliseconds: u128,
}

impl From<PoolPolicy> for Policy {
    fn from(policy: PoolPolicy) -> Self {
        Self {
            rotation: policy.rotation.as_str(),
            active: policy.active.get(),
            concurrency: policy.concurrency.map(NonZeroU32::get),
            pace_milliseconds: policy.pace.as_millis(),
        }
    }
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
    let policy = app.0.gateway.pool_policy().into();
    answer(&visit, &unused, &Pool { status: "success", policy, accounts, states })
}
