//! `cursor-api config …`.

use std::path::PathBuf;

use clap::Subcommand;

use super::SettingsArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show what holds; secrets are masked.
    Show(ShowArgs),
    /// Name everything that is wrong, each with key and place.
    Validate(ValidateArgs),
    /// Print a JSON Schema of the settings file.
    Schema,
    /// Show what differs from the defaults, or would with another settings file.
    Diff(DiffArgs),
    /// Print a settings file with every key and its default.
    Example,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ShowArgs {
    /// Say where each value was written.
    #[arg(long)]
    pub(crate) origin: bool,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// Another settings file; the defaults when not given.
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}
