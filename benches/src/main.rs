//! The load benchmark: what the gateway costs next to a bare reverse proxy, in ratios.
//!
//! `cargo run --release -p benches` builds the release binary, starts simulator, proxy and gateway
//! as processes of their own, drives each with the same load in turns, and prints what each one
//! used by the operating system's own accounting. Absolute figures are the machine's; ratios hold.
//! `completion` measures code completion alone, `requests` the request log.

mod client;
mod completion;
mod load;
mod process;
mod proxy;
mod report;
mod requests;

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
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.as_slice() {
        // Started by the benchmark itself, as a process of its own.
        ["proxy", upstream] => runtime.block_on(proxy::run(upstream)),
        ["completion", "--quick"] => runtime.block_on(load::run_completion(load::Scale::Quick)),
        ["completion"] => runtime.block_on(load::run_completion(load::Scale::Full)),
        ["requests"] => runtime.block_on(requests::run(1_000_000)),
        ["requests", "--rows", rows] => runtime.block_on(requests::run(rows.parse()?)),
        ["--quick"] => runtime.block_on(load::run(load::Scale::Quick)),
        [] => runtime.block_on(load::run(load::Scale::Full)),
        other => anyhow::bail!(
            "unknown arguments `{}`; takes `completion`, `--quick`, both in this order, `requests \
             [--rows N]`, or nothing",
            other.join(" ")
        ),
    }
}
