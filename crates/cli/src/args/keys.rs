//! `cursor-api keys …`.

use clap::Subcommand;

use super::SettingsArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a key for a client and print it, this once.
    Create(CreateKeyArgs),
    /// Show the keys, without what they could be used with.
    List(ListKeysArgs),
    /// Make keys useless at once.
    Revoke(RevokeKeysArgs),
    /// Give a key a new secret and print it, this once; the old one works for a while.
    Rotate(RotateOneKeyArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CreateKeyArgs {
    /// What the key is for.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// After how many days it ends; never when not given.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=36500))]
    pub(crate) expires_in_days: Option<u32>,
    /// Models it may ask for, such as `claude-*`; repeat for several, all when none is given.
    #[arg(long = "model", value_name = "GLOB")]
    pub(crate) models: Vec<String>,
    /// Accounts it may use, by name or glob; repeat for several, all when none is given.
    #[arg(long = "account", value_name = "GLOB")]
    pub(crate) accounts: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListKeysArgs {
    /// Print JSON: a list with one object per key.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RevokeKeysArgs {
    /// Ids of keys, as `keys list` shows them.
    #[arg(value_name = "ID", required = true)]
    pub(crate) ids: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateOneKeyArgs {
    /// The key's id, as `keys list` shows it.
    pub(crate) id: String,
    /// How long the old secret still works.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    pub(crate) grace: u64,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}
