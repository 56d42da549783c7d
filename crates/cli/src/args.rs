//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

mod accounts;
mod keys;
mod logs;

pub(crate) use accounts::{
    AccountsCommand, AddArgs, ImportArgs, ImportFormat, ListArgs, RemoveArgs, TestArgs,
};
pub(crate) use keys::{CreateKeyArgs, KeysCommand, ListKeysArgs, RevokeKeysArgs, RotateOneKeyArgs};
pub(crate) use logs::LogsArgs;

/// A self-hosted gateway: OpenAI clients on one side, the Cursor backend on the other.
#[derive(Debug, Parser)]
#[command(name = "cursor-api", version, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the gateway with your accounts.
    ///
    /// Needs a key for clients (AUTH_TOKEN); accounts come from `cursor-api accounts` and
    /// `cursor-api login`, from CURSOR_ACCOUNTS='alias=credential,…' or from the settings file.
    /// docs/configuration.md lists all settings. SIGHUP reads the settings again.
    Serve(SettingsArgs),
    /// Run gateway and simulated backend together, with a key that is ready to use.
    Demo(DemoArgs),
    /// Run the simulated backend alone.
    Simulate(SimulateArgs),
    /// Add, list, test, remove and import accounts.
    ///
    /// Works beside a running gateway, which is asked to do it, and without one.
    #[command(subcommand)]
    Accounts(AccountsCommand),
    /// Add an account by a login in the browser.
    Login(LoginArgs),
    /// Make, list, rotate and revoke keys for clients.
    ///
    /// Works beside a running gateway, which is asked to do it, and without one.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Show what was asked of the gateway, the newest at the end.
    ///
    /// Asks a gateway that runs; without one, shows what it left.
    Logs(LogsArgs),
    /// Copy the database into a new file, also while the gateway runs.
    ///
    /// Secrets in the copy are encrypted; the key that opens them is not in it. Keep that key too
    /// (master.key in the data folder, unless set otherwise), in another place.
    Backup(BackupArgs),
    /// Put a backup in the place of the database; the gateway must not run.
    ///
    /// What was there is kept beside it as cursor-api.db.before-restore.
    Restore(RestoreArgs),
    /// Encrypt all secrets anew with a new key; the gateway must not run.
    ///
    /// Backups that were made before need the key of their time.
    RotateKey(RotateKeyArgs),
}

/// Where settings come from: flags over environment over file.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct SettingsArgs {
    /// Settings file; config.toml in the current folder is read when it is there.
    #[arg(long, env = "CURSOR_API_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Address the gateway listens on (setting `host`).
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<String>,
    /// Port the gateway listens on (setting `port`).
    #[arg(long, value_name = "PORT")]
    pub(crate) port: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Where the gateway listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3000", value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// The key that clients send; a random one when not given.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The protocol between gateway and simulated backend.
    #[arg(long, default_value = "agent")]
    pub(crate) flow: FlowArg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FlowArg {
    Agent,
    Chat,
}

#[derive(Debug, clap::Args)]
pub(crate) struct SimulateArgs {
    /// Where the simulated backend listens; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:3010", value_name = "ADDRESS:PORT")]
    pub(crate) listen: SocketAddr,
    /// Speak TLS with a certificate made for this run, and write its authority here.
    #[arg(long, value_name = "CA_FILE")]
    pub(crate) tls: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// The account's name; an account that has it already gets the new tokens. Named after its user
    /// when not given.
    #[arg(long)]
    pub(crate) alias: Option<String>,
    /// Only print the link.
    #[arg(long)]
    pub(crate) no_browser: bool,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// The file to make; it must not be there yet.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// A file that `cursor-api backup` made.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RotateKeyArgs {
    /// Take the new key from this file: 32 bytes as hex or base64. Needed when the setting
    /// `store.key` holds the key; otherwise a random one is made.
    #[arg(long, value_name = "FILE")]
    pub(crate) new_key_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) settings: SettingsArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Args;

    #[test]
    fn the_declarations_agree_with_each_other() {
        Args::command().debug_assert();
    }

    /// The text is read in terminals: whole sentences, no line of it endless.
    #[test]
    fn every_command_and_argument_has_a_help_text() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} has no text");
            for argument in command.get_arguments() {
                let name = argument.get_id();
                let help = argument.get_help().unwrap_or_else(|| panic!("{path} {name}: no text"));
                assert!(help.to_string().len() < 200, "{path} {name}: {help}");
            }
            for inner in command.get_subcommands() {
                check(inner, &path);
            }
        }
        check(&Args::command(), "");
    }
}
