//! `cursor-api config …`: the settings, seen and checked without a gateway.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};
use settings::{Effective, Layers, MASK, Settings};

use crate::args::{ConfigCommand, DiffArgs, SettingsArgs, ShowArgs, ValidateArgs};
use crate::terminal::{Refused, complain, plain, say};
use crate::{compose, sources};

pub(crate) fn run(command: ConfigCommand) -> Result<ExitCode> {
    match command {
        ConfigCommand::Show(args) => show(&args)?,
        ConfigCommand::Validate(args) => validate(&args)?,
        ConfigCommand::Schema => say(&serde_json::to_string_pretty(&settings::schema())?),
        ConfigCommand::Diff(args) => diff(&args)?,
        ConfigCommand::Example => say(settings::example_file().trim_end()),
    }
    Ok(ExitCode::SUCCESS)
}

fn show(args: &ShowArgs) -> Result<(), Refused> {
    let layers = sources::layers(&args.settings)?;
    let shown = layers.effective();
    let settings = sources::resolve(layers)?;
    if args.json {
        say(&format!("{:#}", as_json(&shown, &settings, args.origin)));
        return Ok(());
    }
    let origin = |text: &dyn std::fmt::Display| match args.origin {
        true => format!("  # {text}"),
        false => String::new(),
    };
    for value in &shown {
        let text = plain(&quoted(&value.text));
        say(&format!("{} = {text}{}", value.key.name, origin(&value.origin)));
    }
    for account in &settings.accounts {
        let alias = plain(&account.alias);
        say(&format!("accounts.{alias} = {MASK}{}", origin(&account.origin)));
    }
    Ok(())
}

fn as_json(shown: &[Effective], settings: &Settings, origin: bool) -> Value {
    let place = |mut row: Value, place: &settings::Origin| {
        if origin {
            row["origin"] = place.to_string().into();
        }
        row
    };
    let value = |value: &Effective| {
        let Effective { key, text, origin } = value;
        place(json!({ "key": key.name, "value": text, "live": key.live }), origin)
    };
    let account = |account: &settings::AccountSettings| {
        place(json!({ "alias": account.alias, "credential": MASK }), &account.origin)
    };
    json!({
        "values": shown.iter().map(value).collect::<Vec<_>>(),
        "accounts": settings.accounts.iter().map(account).collect::<Vec<_>>(),
    })
}

/// Everything that is wrong; the exit code says so too.
fn validate(args: &ValidateArgs) -> Result<(), Refused> {
    let layers = sources::layers(&args.settings)?;
    for notice in layers.notices() {
        complain(&format!("{notice}"));
    }
    let settings = Settings::resolve(layers).map_err(|problems| Refused(problems.to_string()))?;
    compose::check(&settings).map(drop)?;
    say("the settings are good");
    Ok(())
}

fn diff(args: &DiffArgs) -> Result<(), Refused> {
    let ours = sources::layers(&args.settings)?;
    let theirs = match &args.file {
        None => Layers::default(),
        Some(path) => {
            let config = Some(path.clone());
            sources::layers(&SettingsArgs { config, ..args.settings.clone() })?
        }
    };
    let changed = theirs.written().changed(&ours.written());
    let (before, now) = (theirs.effective(), ours.effective());
    for (before, now) in before.iter().zip(&now) {
        if changed.contains(&now.key.name) {
            let (old, new) = (plain(&quoted(&before.text)), plain(&quoted(&now.text)));
            say(&format!("{}: {old} -> {new}  # {}", now.key.name, now.origin));
        }
    }
    if changed.contains(&"accounts") {
        say("accounts: differ");
    }
    Ok(())
}

/// As a settings file has it.
fn quoted(text: &str) -> String {
    let bare = text.parse::<u64>().is_ok() || matches!(text, "true" | "false" | MASK);
    if bare { text.to_owned() } else { format!("{text:?}") }
}
