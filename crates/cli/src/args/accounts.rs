//! `cursor-api accounts …`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::SettingsArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum AccountsCommand {
    /// Add one account by its token.
    ///
    /// The token is read from a file, from standard input, or asked for; never from the command
    /// line, where other users and the shell's history could see it.
    Add(AddArgs),
    /// Show the accounts and how they are; never their secrets.
    List(ListArgs),
    /// Ask the upstream whether the accounts' credentials are accepted now.
    Test(TestArgs),
    /// Remove accounts.
    Remove(RemoveArgs),
    /// Add accounts from files of older versions, or from the editor on this machine.
    Import(ImportArgs),
}

#[derive(Debug, clap::Args)]
pub(crate) struct AddArgs {
    /// A file that holds the token and nothing else.
    #[arg(conflicts_with = "token_stdin")]
    pub(crate) token_file: Option<PathBuf>,
    /// Read the token from standard input.
    #[arg(long)]
    pub(crate) token_stdin: bool,
    /// The account's name; named after its user when not given.
    #[arg(long)]
    pub(crate) alias: Option<String>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// Print JSON: a list with one object per account.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TestArgs {
    /// Names of accounts; all of them when none is given.
    #[arg(value_name = "ALIAS")]
    pub(crate) aliases: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RemoveArgs {
    /// Names of accounts.
    #[arg(value_name = "ALIAS", required = true)]
    pub(crate) aliases: Vec<String>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// Files to read; `-` is standard input.
    #[arg(value_name = "FILE", required_unless_present_any = ["editor", "cli"])]
    pub(crate) files: Vec<PathBuf>,
    /// How the files are written; auto tells by name and content.
    #[arg(long, default_value = "auto", conflicts_with_all = ["editor", "cli"])]
    pub(crate) format: ImportFormat,
    /// Take the account that the editor on this machine is logged in with.
    #[arg(long, conflicts_with_all = ["files", "cli"])]
    pub(crate) editor: bool,
    /// Take the account that the command-line agent on this machine is logged in with.
    #[arg(long, conflicts_with = "files")]
    pub(crate) cli: bool,
    /// Where --editor or --cli finds its file, instead of the usual place.
    #[arg(long, value_name = "FILE", conflicts_with = "files")]
    pub(crate) path: Option<PathBuf>,
    /// The name for the account of --editor or --cli; its e-mail address when not given.
    #[arg(long, conflicts_with = "files")]
    pub(crate) alias: Option<String>,
    /// Do not ask before reading the file of --editor or --cli.
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// By the file's name, else by its content.
    Auto,
    /// `.token`: one token per line, `alias::token` to name it.
    Token,
    /// `.tokens` or `.token-list`: `token,checksum` per line, `alias::` may be in front.
    Tokens,
    /// What /tokens/get gives and /tokens/set or /tokens/add take.
    Json,
}
