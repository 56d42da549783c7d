//! `cargo xtask demo`: builds the binary and hands over to it. A debug build, which the tests share:
//! it is there minutes earlier than a release build.
use anyhow::Result;

use crate::{Verdict, process};

pub(crate) fn run(arguments: &[&str]) -> Result<Verdict> {
    let mut command = process::cargo(&["run", "-p", "cli", "--bin", "cursor-api"])?;
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
