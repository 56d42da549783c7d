//! `cargo xtask demo`: builds the binary and hands over to it.
use anyhow::Result;

use crate::{Verdict, process};

pub(crate) fn run(arguments: &[&str]) -> Result<Verdict> {
    let mut command = process::cargo(&["run", "--release", "-p", "cli", "--bin", "cursor-api"])?;
    command.args(["--", "demo"]).args(arguments);
    hand_over(command)
}

/// Becomes the other program, so that signals and the exit code are its own.
#[cfg(unix)]
fn hand_over(mut command: std::process::Command) -> Result<Verdict> {
    use std::os::unix::process::CommandExt as _;

    Err(anyhow::Error::new(command.exec()).context("cannot run cargo"))
}

#[cfg(not(unix))]
fn hand_over(mut command: std::process::Command) -> Result<Verdict> {
    Ok(Verdict::passed(command.status()?.success()))
}
