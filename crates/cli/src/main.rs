//! The `cursor-api` command.
//!
//! Argument types here, resolution in `settings`, work in the command modules. Exit codes: 0 for
//! an orderly end, 1 for a failure while running or when something asked for was not done, 2 for
//! settings or arguments that cannot be used, 130 when a signal ended a login.
//! Data goes to standard output, everything else to standard error.

mod accounts;
mod admin;
mod ambient;
mod args;
mod compose;
mod config;
mod config_file;
mod demo;
mod doctor;
mod import;
mod keeping;
mod keys;
mod lifecycle;
mod logging;
mod login;
mod logs;
mod reload;
mod serve;
mod simulate;
mod sources;
mod table;
mod terminal;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::terminal::{Refused, complain};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How long reading and writing that was begun may take when all else is over.
const LAST_READS: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start the runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        let ended = |()| ExitCode::SUCCESS;
        match args.command {
            Command::Serve(args) => serve::run(args).await.map(ended),
            Command::Demo(args) => demo::run(args).await.map(ended),
            Command::Simulate(args) => simulate::run(args).await.map(ended),
            Command::Accounts(command) => Box::pin(accounts::run(command)).await,
            Command::Login(args) => Box::pin(login::run(args)).await,
            Command::Keys(command) => Box::pin(keys::run(command)).await,
            Command::Logs(args) => Box::pin(logs::run(args)).await,
            Command::Config(command) => config::run(command),
            Command::Doctor(args) => Box::pin(doctor::run(args)).await,
            Command::Backup(args) => keeping::backup(args),
            Command::Restore(args) => keeping::restore(args),
            Command::RotateKey(args) => keeping::rotate_key(args),
        }
    });
    // A thread that waits for a file on a disk that hangs must not keep the process.
    runtime.shutdown_timeout(LAST_READS);
    match result {
        Ok(code) => code,
        Err(error) => {
            let refused = error.downcast_ref::<Refused>().is_some();
            complain(&format!("{error:#}"));
            if refused { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
