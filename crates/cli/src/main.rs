//! The `cursor-api` command.
//!
//! Argument types here, resolution in `settings`, work in the command modules. Exit codes: 0 for
//! an orderly end, 1 for a failure while running, 2 for settings or arguments that cannot be used.
//! Data goes to standard output, everything else to standard error.

mod ambient;
mod args;
mod compose;
mod demo;
mod lifecycle;
mod logging;
mod serve;
mod simulate;
mod terminal;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Args, Command};
use crate::terminal::{Refused, complain};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
        match args.command {
            Command::Serve(args) => serve::run(args).await,
            Command::Demo(args) => demo::run(args).await,
            Command::Simulate(args) => simulate::run(args).await,
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let refused = error.downcast_ref::<Refused>().is_some();
            complain(&format!("{error:#}"));
            if refused { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}
