//! Every filter by itself, and pairs of them; those that leave much and those that leave little.

use std::time::Duration;

use accounts::{AccountId, KeyId, UnixMs};
use request_log::{Dialect, Query, Status, Who};

use super::fill::{PAUSE, START, request_id};

pub(super) fn all(rows: u64) -> Vec<(&'static str, Query)> {
    let mut all = alone(rows);
    all.extend(pairs(rows));
    all
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn key(number: u64) -> Option<Who> {
    Some(Who::Key(KeyId::new(format!("key_{number:016x}"))))
}

/// Up to which share of the time.
fn time(rows: u64, hundredths: u64) -> Option<UnixMs> {
    Some(UnixMs(START + rows * PAUSE / 100 * hundredths))
}

fn alone(rows: u64) -> Vec<(&'static str, Query)> {
    let query = Query::default;
    let accounts = |last: u64| Some((1..=last).map(AccountId).collect());
    let common = vec!["gpt-5".to_owned(), "claude-4.5-sonnet".to_owned()];
    vec![
        ("none", query()),
        ("none, page at three quarters", Query { offset: rows * 3 / 4, ..query() }),
        ("none, cursor in the middle", Query { cursor: Some(rows / 2), ..query() }),
        ("from: the last hundredth", Query { from: time(rows, 99), ..query() }),
        ("to: the first half", Query { to: time(rows, 50), ..query() }),
        ("status: success", Query { status: Some(Status::Success), ..query() }),
        ("status: failure", Query { status: Some(Status::Failure), ..query() }),
        ("status: pending", Query { status: Some(Status::Pending), ..query() }),
        ("model: part of many", Query { model: text("MODEL"), ..query() }),
        ("model: part of one", Query { model: text("l-23-"), ..query() }),
        ("model: part of none", Query { model: text("%"), ..query() }),
        ("include_models: 2 common", Query { include_models: common.clone(), ..query() }),
        ("exclude_models: 2 common", Query { exclude_models: common, ..query() }),
        ("stream", Query { stream: Some(false), ..query() }),
        ("has_chain", Query { has_chain: Some(true), ..query() }),
        ("has_usage", Query { has_usage: Some(false), ..query() }),
        ("has_error", Query { has_error: Some(true), ..query() }),
        ("error: a kind", Query { error: text("rate_limit"), ..query() }),
        ("error: one text of many", Query { error: text("messages[77]"), ..query() }),
        ("min_total: 30 s", Query { min_total: Some(Duration::from_secs(30)), ..query() }),
        ("max_total: 10 s", Query { max_total: Some(Duration::from_secs(10)), ..query() }),
        ("min_tokens: 100,000", Query { min_tokens: Some(100_000), ..query() }),
        ("max_tokens: 20,000", Query { max_tokens: Some(20_000), ..query() }),
        ("who: a common key", Query { who: key(0), ..query() }),
        ("who: a rare key", Query { who: key(49), ..query() }),
        ("account: one", Query { accounts: accounts(1), ..query() }),
        ("account: half of them", Query { accounts: accounts(100), ..query() }),
        ("dialect: common", Query { dialect: Some(Dialect::OpenAiChat), ..query() }),
        ("dialect: rare", Query { dialect: Some(Dialect::Editor), ..query() }),
        ("request_id", Query { request_id: Some(request_id(rows / 2)), ..query() }),
    ]
}

fn pairs(rows: u64) -> Vec<(&'static str, Query)> {
    let stream = || Query { stream: Some(true), ..Query::default() };
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    let failures = || Query { status: Some(Status::Failure), ..Query::default() };
    vec![
        ("stream + has_usage", Query { has_usage: Some(true), ..stream() }),
        ("stream + min_total: 5 s", Query { min_total: seconds(5), ..stream() }),
        ("stream + model: part of many", Query { model: text("model"), ..stream() }),
        (
            "to: the first half + model: gpt",
            Query { to: time(rows, 50), model: text("gpt"), ..Query::default() },
        ),
        (
            "min_total: 5 s + max_tokens: 20,000",
            Query { min_total: seconds(5), max_tokens: Some(20_000), ..Query::default() },
        ),
        ("who: a rare key + failure", Query { who: key(40), ..failures() }),
        (
            "account: one + from: the last hundredth",
            Query { accounts: Some(vec![AccountId(7)]), from: time(rows, 99), ..Query::default() },
        ),
        ("failure + error: reference", Query { error: text("reference"), ..failures() }),
        (
            "model: gpt + who: a common key",
            Query { model: text("gpt"), who: key(0), ..Query::default() },
        ),
    ]
}
