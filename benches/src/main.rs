//! The load benchmark: what the gateway costs next to a bare reverse proxy, in ratios.
//!
//! `cargo run --release -p benches` builds the release binary, starts simulator, proxy and gateway
//! as processes of their own, drives each with the same load in turns, and prints what each one
//! used by the operating system's own accounting. Absolute figures are the machine's; ratios hold.

mod client;
mod load;
mod process;
mod proxy;
mod report;

use std::process::ExitCode;

use anyhow::Result;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report::complain(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.next().as_deref() {
        // Started by the benchmark itself, as a process of its own.
        Some("proxy") => runtime.block_on(proxy::run(&args.next().unwrap_or_default())),
        Some("--quick") => runtime.block_on(load::run(load::Scale::Quick)),
        None => runtime.block_on(load::run(load::Scale::Full)),
        Some(other) => anyhow::bail!("unknown argument `{other}`; takes --quick or nothing"),
    }
}
