//! `cursor-api keys …`.

use std::process::ExitCode;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::admin::{AdminClient, failures};
use crate::args::{CreateKeyArgs, KeysCommand, ListKeysArgs, RevokeKeysArgs, RotateOneKeyArgs};
use crate::table::table;
use crate::terminal::{complain, plain, say};

pub(crate) async fn run(command: KeysCommand) -> Result<ExitCode> {
    match command {
        KeysCommand::Create(args) => create(args).await,
        KeysCommand::List(args) => list(args).await,
        KeysCommand::Revoke(args) => revoke(args).await,
        KeysCommand::Rotate(args) => rotate(args).await,
    }
}

async fn create(args: CreateKeyArgs) -> Result<ExitCode> {
    const DAY: u64 = 24 * 3600;
    let mut body = json!({ "limits": { "models": args.models, "accounts": args.accounts } });
    if let Some(name) = args.name {
        body["name"] = name.into();
    }
    if let Some(days) = args.expires_in_days {
        body["expires_in"] = (u64::from(days) * DAY).into();
    }
    let (client, _) = AdminClient::open(&args.settings).await?;
    let answer = client.call("/keys/create", &body).await;
    client.close().await;
    show_once(&answer?)
}

async fn rotate(args: RotateOneKeyArgs) -> Result<ExitCode> {
    let (client, _) = AdminClient::open(&args.settings).await?;
    let body = json!({ "id": args.id, "grace_seconds": args.grace });
    let answer = client.call("/keys/rotate", &body).await;
    client.close().await;
    show_once(&answer?)
}

/// The key alone on standard output, so that a script can take it.
fn show_once(answer: &Value) -> Result<ExitCode> {
    let Some(key) = answer["keys"][0].as_str() else { bail!("the gateway gave no key") };
    let id = answer["id"].as_str().unwrap_or_default();
    say(&plain(key));
    complain(&format!("key {id}: shown only this once, keep it now"));
    Ok(ExitCode::SUCCESS)
}

async fn list(args: ListKeysArgs) -> Result<ExitCode> {
    let (client, _) = AdminClient::open(&args.settings).await?;
    let answer = client.call("/keys/get", &json!({})).await;
    client.close().await;
    let answer = answer?;
    if args.json {
        say(&serde_json::to_string_pretty(&answer["keys"])?);
        return Ok(ExitCode::SUCCESS);
    }
    let keys = answer["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<[String; 7]> = keys.iter().map(cells).collect();
    let heading = ["ID", "NAME", "KIND", "STATE", "EXPIRES", "REQUESTS", "TOKENS"];
    say(&table(heading, &rows));
    Ok(ExitCode::SUCCESS)
}

fn cells(key: &Value) -> [String; 7] {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().map(|n| n.to_string()).unwrap_or_default();
    [
        text(&key["id"]),
        text(&key["name"]),
        text(&key["kind"]),
        text(&key["state"]),
        text(&key["expires"]),
        number(&key["usage"]["requests"]),
        number(&key["usage"]["tokens"]),
    ]
}

async fn revoke(args: RevokeKeysArgs) -> Result<ExitCode> {
    let (client, _) = AdminClient::open(&args.settings).await?;
    let answer = client.call("/keys/revoke", &json!({ "ids": args.ids })).await;
    client.close().await;
    let failed = failures(&answer?, "id");
    for id in args.ids.iter().filter(|id| !failed.iter().any(|(name, _)| name == *id)) {
        say(&format!("{}: revoked", plain(id)));
    }
    for (id, reason) in &failed {
        complain(&format!("{id}: not revoked: {reason}"));
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_listed_by_what_it_is_for() {
        let key = json!({"id": "k1", "name": "ci", "kind": "managed", "state": "active",
            "usage": {"requests": 3, "tokens": 40}});
        assert_eq!(cells(&key), ["k1", "ci", "managed", "active", "", "3", "40"]);
        assert_eq!(cells(&json!(1)), ["", "", "", "", "", "", ""]);
    }

    #[test]
    fn an_answer_without_a_key_is_a_failure() {
        assert!(show_once(&json!({"keys": []})).is_err());
    }
}
