//! `cursor-api accounts …`.

use std::collections::HashSet;
use std::path::Path;
use std::process::ExitCode;

use accounts::Credential;
use anyhow::{Result, anyhow};
use serde_json::{Value, json};
use settings::Settings;

use crate::admin::{AdminClient, CallError, LONG_PATIENCE, failures};
use crate::args::{AccountsCommand, AddArgs, ListArgs, RemoveArgs, TestArgs};
use crate::import::{Entry, Outcome};
use crate::terminal::{Refused, ask_line, complain, plain, say, stdin_is_terminal};

mod files;
mod list;
mod local;

pub(crate) use files::bounded;

pub(crate) async fn run(command: AccountsCommand) -> Result<ExitCode> {
    match command {
        AccountsCommand::Add(args) => add(args).await,
        AccountsCommand::List(args) => list_all(args).await,
        AccountsCommand::Test(args) => test(args).await,
        AccountsCommand::Remove(args) => remove(args).await,
        AccountsCommand::Import(args) if args.editor || args.cli => local::import(args).await,
        AccountsCommand::Import(args) => files::import(args).await,
    }
}

async fn add(args: AddArgs) -> Result<ExitCode> {
    let token = token(&args)?;
    let entry = Entry::new(1, args.alias, &token).map_err(|row| match row.outcome {
        Outcome::Rejected(reason) | Outcome::Skipped(reason) => Refused(reason),
        Outcome::Added => Refused("no credential".to_owned()),
    })?;
    let (client, _) = AdminClient::open(&args.settings).await?;
    let added = files::add_all(&client, vec![entry], usize::MAX).await;
    client.close().await;
    let row = added?.pop().ok_or_else(|| anyhow!("nothing was added"))?;
    let alias = plain(row.alias.as_deref().unwrap_or_default());
    match row.outcome {
        Outcome::Added => {
            say(&format!("{alias}: added"));
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Skipped(reason) | Outcome::Rejected(reason) => {
            Err(anyhow!("{alias}: not added: {reason}"))
        }
    }
}

/// The token from where the arguments say.
fn token(args: &AddArgs) -> Result<String, Refused> {
    const LONGEST: u64 = 64 << 10;
    let text = match &args.token_file {
        Some(path) => read_token_file(path, LONGEST)?,
        None if args.token_stdin => {
            bounded(std::io::stdin().lock(), LONGEST, "standard input").and_then(text_of)?
        }
        None if stdin_is_terminal() => ask_line("Token (it is shown as you type): ")
            .map_err(|error| Refused(format!("standard input: {error}")))?,
        None => {
            return Err(Refused(
                "no token: name a file that holds it, or give it to standard input and say \
                 --token-stdin"
                    .to_owned(),
            ));
        }
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match (lines.next(), lines.next()) {
        (Some(line), None) => Ok(line.to_owned()),
        (None, _) => Err(Refused("no token: there is nothing in it".to_owned())),
        (Some(_), Some(_)) => Err(Refused(
            "one token is expected, and there is more than one line: several accounts are added \
             with `cursor-api accounts import`"
                .to_owned(),
        )),
    }
}

fn read_token_file(path: &Path, longest: u64) -> Result<String, Refused> {
    let file = open(path)?;
    bounded(file, longest, &path.display().to_string()).and_then(text_of)
}

/// Opens a file that an argument names. Who gives a token in its place is told so, and the token is
/// not repeated.
fn open(path: &Path) -> Result<std::fs::File, Refused> {
    std::fs::File::open(path).map_err(|error| {
        let text = path.to_string_lossy();
        let file_name = text.rsplit("::").next().unwrap_or_default();
        if file_name.starts_with("eyJ") || Credential::parse(&text).is_ok() {
            return Refused(
                "a file is expected, and this is a token. On the command line others can see it: \
                 put it into a file, or give it to standard input and say --token-stdin"
                    .to_owned(),
            );
        }
        Refused(format!("{}: {error}", path.display()))
    })
}

fn text_of(bytes: Vec<u8>) -> Result<String, Refused> {
    String::from_utf8(bytes).map_err(|_| Refused("the token is no UTF-8 text".to_owned()))
}

async fn list_all(args: ListArgs) -> Result<ExitCode> {
    let (client, _) = AdminClient::open(&args.settings).await?;
    let answer = tokens(&client).await;
    client.close().await;
    let accounts = list::read(&answer?);
    say(&if args.json { list::json(&accounts) } else { list::table(&accounts) });
    Ok(ExitCode::SUCCESS)
}

/// What is told of all accounts; secrets made unusable by the gateway already.
async fn tokens(client: &AdminClient) -> Result<Value, CallError> {
    client.call("/tokens/get", &json!({ "mask": true })).await
}

async fn names(client: &AdminClient) -> Result<Vec<String>, CallError> {
    Ok(list::read(&tokens(client).await?).into_iter().map(|account| account.alias).collect())
}

async fn test(args: TestArgs) -> Result<ExitCode> {
    /// So that the first results are seen before the last account was asked about.
    const AT_ONCE: usize = 16;
    let (client, _) = AdminClient::open(&args.settings).await?;
    let aliases = match args.aliases.is_empty() {
        true => names(&client).await?,
        false => args.aliases,
    };
    let mut refused = 0;
    for some in aliases.chunks(AT_ONCE) {
        let answer = client.call_within("/tokens/test", &json!(some), LONG_PATIENCE).await?;
        let failed = failures(&answer, "alias");
        for alias in some {
            match failed.iter().find(|(name, _)| name == alias) {
                None => say(&format!("{}: accepted", plain(alias))),
                Some((_, reason)) => {
                    refused += 1;
                    say(&format!("{}: {}", plain(alias), plain(reason)));
                }
            }
        }
    }
    client.close().await;
    if aliases.is_empty() {
        complain("there are no accounts");
    }
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn remove(args: RemoveArgs) -> Result<ExitCode> {
    let (client, settings) = AdminClient::open(&args.settings).await?;
    let answer = client.call("/tokens/del", &json!({ "aliases": args.aliases })).await;
    client.close().await;
    let failed = failures(&answer?, "alias");
    let is_failed = |alias: &str| failed.iter().any(|(name, _)| name == alias);
    let given: HashSet<&String> = args.aliases.iter().collect();
    for alias in given.into_iter().filter(|alias| !is_failed(alias)) {
        say(&format!("{}: removed", plain(alias)));
        warn_if_declared(&settings, alias);
    }
    for (alias, reason) in &failed {
        complain(&format!("{alias}: not removed: {reason}"));
    }
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The settings are stronger: what they declare is put in at every start.
fn warn_if_declared(settings: &Settings, alias: &str) {
    if let Some(declared) = settings.accounts.iter().find(|account| account.alias == alias) {
        complain(&format!(
            "{alias} is declared in the settings ({}) and comes back with the next start unless \
             it is removed there too",
            declared.origin
        ));
    }
}
