//! What is kept: whether it can be written, the accounts, the proxies. Asked of the gateway that
//! runs, or of one in this process.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{RequestLog as _, SqliteRequestLog};

use super::finding::Finding;
use crate::admin::{AdminClient, failures};

const CURE: &str = "see disk and modes, and the log of the gateway";

/// Whether changes can be written.
pub(super) async fn store(client: &AdminClient) -> Finding {
    let done = match client.gateway() {
        None => match told(client, "store").await {
            Ok(true) => Err("the gateway cannot write its database".to_owned()),
            Ok(false) => Ok("the gateway can write its database"),
            Err(finding) => return finding,
        },
        Some(gateway) => match gateway.try_store().await {
            Ok(()) => Ok("the database can be written"),
            Err(error) => Err(error.to_string()),
        },
    };
    judge("store", done)
}

/// Whether entries can be kept; `data` is the folder, if there is one already. The log is a file of
/// its own beside the database.
pub(super) async fn request_log(
    client: &AdminClient,
    data: Option<PathBuf>,
    enabled: bool,
) -> Finding {
    const CHECK: &str = "request_log";
    if !enabled {
        return Finding::note(CHECK, "is switched off (request_log.enabled)");
    }
    if client.gateway().is_none() {
        return match told(client, CHECK).await {
            Ok(true) => judge(CHECK, Err("the gateway cannot keep its request log".to_owned())),
            Ok(false) => judge(CHECK, Ok("the gateway can keep its request log")),
            Err(finding) => finding,
        };
    }
    let Some(data) = data else {
        return Finding::note(CHECK, "there is none yet; the first start makes it");
    };
    // Opening it writes what a crash has left undone, and is refused where that cannot be.
    let open = tokio::task::spawn_blocking(move || SqliteRequestLog::open(&data));
    let opened = match open.await {
        Ok(Ok(log)) => log.size().await.map_err(|error| error.to_string()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    judge(CHECK, opened.map(|_| "the request log can be opened"))
}

fn judge(check: &str, done: Result<&str, String>) -> Finding {
    match done {
        Ok(found) => Finding::ok(check, found),
        Err(found) => Finding::failure(check, found, CURE),
    }
}

/// Whether the gateway that runs tells of this trouble.
async fn told(client: &AdminClient, trouble: &str) -> Result<bool, Finding> {
    match client.get("/health").await {
        Ok(health) => {
            let problems = health["problems"].as_array().map(Vec::as_slice).unwrap_or_default();
            Ok(problems.iter().any(|problem| problem == trouble))
        }
        Err(error) => {
            let cure = "see whether it is this gateway that listens there";
            Err(Finding::failure("gateway", error.to_string(), cure))
        }
    }
}

/// The proxies, but for the words that stand for none.
pub(super) async fn proxies(client: &AdminClient) -> Result<Vec<String>, Finding> {
    let listed = client.call("/proxies/get", &json!({})).await.map_err(|error| {
        Finding::failure("proxies", error.to_string(), "see the log of the gateway")
    })?;
    let named = listed["proxies"]["proxies"].as_object();
    let names = named.into_iter().flatten().filter(|(_, address)| *address != "non");
    Ok(names.map(|(name, _)| name.clone()).collect())
}

/// Whether the upstream is reached through a proxy.
pub(super) async fn proxy(client: &AdminClient, name: &str) -> Finding {
    let check = format!("proxy:{name}");
    match client.call("/proxies/test", &json!({ "name": name })).await {
        Ok(told) => {
            Finding::ok(check, format!("the upstream is reached in {} ms", told["milliseconds"]))
        }
        Err(error) => {
            let cure = "see address and password with /proxies/get, or set another \
                        (docs/how-to/proxies.md)";
            Finding::failure(check, error.to_string(), cure)
        }
    }
}

/// An account as the gateway tells of it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) alias: String,
    info: Value,
}

pub(super) async fn accounts(client: &AdminClient) -> Result<Vec<Account>, Finding> {
    let listed = client.call("/tokens/get", &json!({})).await.map_err(|error| {
        Finding::failure("accounts", error.to_string(), "see the log of the gateway")
    })?;
    let rows = listed["tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
    let account = |row: &Value| {
        Some(Account { alias: row.get(1)?.as_str()?.to_owned(), info: row.get(2)?.clone() })
    };
    Ok(rows.iter().filter_map(account).collect())
}

/// Has the gateway ask the upstream how much of their plans the accounts have used. Who is refused
/// shows by other findings.
pub(super) async fn read_usage(client: &AdminClient, accounts: &[Account]) {
    let aliases: Vec<&str> = accounts.iter().map(|account| account.alias.as_str()).collect();
    let _ = client.call("/tokens/profile/update", &json!(aliases)).await;
}

/// What is known of an account.
pub(super) fn known(account: &Account, now: Timestamp) -> Finding {
    const SOON: SignedDuration = SignedDuration::from_hours(72);
    let Account { alias, info } = account;
    let check = format!("account:{alias}");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let status = &info["status"];
    let (kind, state) = (text(&info["credential"]), text(&status["state"]));
    let reason = text(&status["reason"]);
    let again = "`cursor-api login`, or `cursor-api accounts add` with a new token";
    let ends = info["expires_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    if let Some(ends) = ends.filter(|ends| *ends <= now) {
        let found = format!("{kind}, expired at {ends}");
        return Finding::failure(check, found, format!("log in again: {again}"));
    }
    let until = match info["status"]["until"].as_str() {
        Some(until) => format!(", until {until}"),
        None => String::new(),
    };
    let told =
        format!("{kind}, {state}{until}{}{reason}", if reason.is_empty() { "" } else { ": " });
    match state.as_str() {
        "abnormal" => return Finding::failure(check, told, format!("log in again: {again}")),
        "limit" => {
            let cure = "wait for the end of the period, raise the plan, or add another account";
            return Finding::warning(check, told, cure);
        }
        "ready" => {}
        _ => return Finding::note(check, told),
    }
    let plan = &info["usage"]["individual_usage"]["plan"];
    if let (Some(used), Some(limit)) = (plan["used"].as_i64(), plan["limit"].as_i64())
        && limit > 0
        && used >= limit
        && !info["usage"]["is_unlimited"].as_bool().unwrap_or(false)
    {
        let cure = "wait for the end of the period, or add another account";
        return Finding::warning(check, format!("{told}, {used} of {limit} used"), cure);
    }
    match ends.filter(|ends| ends.duration_since(now) < SOON) {
        Some(ends) => Finding::note(check, format!("{told}, ends at {ends} unless renewed")),
        None => Finding::ok(check, told),
    }
}

/// Whether the upstream takes the account now. `Err` when it does not take the client's version,
/// which no account can help.
pub(super) async fn asked(client: &AdminClient, alias: &str) -> Result<Finding, Finding> {
    let check = format!("account:{alias}");
    let answer = match client.call("/tokens/test", &json!([alias])).await {
        Ok(answer) => answer,
        Err(error) => {
            let cure = "see the log of the gateway";
            return Ok(Finding::failure(check, error.to_string(), cure));
        }
    };
    match failures(&answer, "alias").pop() {
        None => Ok(Finding::ok(check, "the upstream accepts it")),
        Some((_, reason)) if is_outdated(&reason) => Err(Finding::failure(
            "client version",
            format!("the upstream does not accept it: {reason}"),
            "raise upstream.client_version to that of a current editor",
        )),
        Some((_, reason)) => {
            let cure = "log in again: `cursor-api login`, or `cursor-api accounts add`";
            Ok(Finding::failure(check, reason, cure))
        }
    }
}

/// By the words of the upstream, and those of ours that stand in for them.
fn is_outdated(reason: &str) -> bool {
    const WORDS: [&str; 4] =
        ["outdated", "update required", "update to the latest", "newer client version"];
    let reason = reason.to_lowercase();
    WORDS.iter().any(|word| reason.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::finding::State;
    use super::*;

    fn told(info: Value) -> Finding {
        let now = "2026-01-10T00:00:00Z".parse().expect("an instant");
        known(&Account { alias: "a".to_owned(), info }, now)
    }

    #[test]
    fn accounts_are_judged_by_end_mark_and_use() {
        let ready = json!({"state": "ready"});
        for (info, state, words) in [
            (json!({"status": ready}), State::Ok, "ready"),
            (
                json!({"status": ready, "expires_at": "2026-01-09T00:00:00Z"}),
                State::Failure,
                "expired",
            ),
            (json!({"status": ready, "expires_at": "2026-01-11T00:00:00Z"}), State::Note, "ends"),
            (json!({"status": {"state": "abnormal", "reason": "x"}}), State::Failure, ": x"),
            (
                json!({"status": {"state": "limit", "until": "2026-02-01T00:00:00Z"}}),
                State::Warning,
                "until 2026-02",
            ),
            (json!({"status": {"state": "disabled"}}), State::Note, "disabled"),
            (
                json!({"status": ready, "usage": {"individual_usage":
                    {"plan": {"used": 20, "limit": 20}}}}),
                State::Warning,
                "20 of 20",
            ),
        ] {
            let finding = told(info.clone());
            assert_eq!(finding.state, state, "{info}: {finding:?}");
            assert!(finding.found.contains(words), "{info}: {finding:?}");
        }
    }

    #[test]
    fn an_outdated_client_is_told_from_a_refused_account() {
        assert!(is_outdated("Update Required: Please update to the latest version."));
        assert!(!is_outdated("The upstream does not accept the gateway's account."));
    }
}
