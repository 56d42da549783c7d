//! `cargo xtask clients`: released command-line agents against the binary. Not a part of
//! `cargo xtask test`: the first run downloads what takes two gigabytes on the disk.
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::{Verdict, process};

/// Installs the agents and drives them.
const DRIVER: &str = "tests/agents/run.py";

/// `arguments` go to the driver, which knows them.
pub(crate) fn run(arguments: &[&str]) -> Result<Verdict> {
    if !process::succeeds(&mut process::cargo(&["build", "-p", "cli", "--bin", "cursor-api"])?)? {
        return Ok(Verdict::Failed);
    }
    let binary = process::target_directory()?.join("debug").join("cursor-api");
    let status = Command::new("python3")
        .arg(DRIVER)
        .args(arguments)
        .current_dir(process::root()?)
        .env("CURSOR_API_BIN", binary)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run python3, which {DRIVER} needs"))?;
    Ok(verdict(status.code()))
}

/// The driver's exit codes mean what ours do; without one, a signal ended it.
fn verdict(code: Option<i32>) -> Verdict {
    match code {
        Some(0) => Verdict::Fine,
        Some(2) => Verdict::WrongUsage,
        Some(_) | None => Verdict::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_a_signal_ended_did_not_pass() {
        let codes = [Some(0), Some(1), Some(2), Some(143), None];
        let verdicts = codes.map(verdict);
        let expected =
            [Verdict::Fine, Verdict::Failed, Verdict::WrongUsage, Verdict::Failed, Verdict::Failed];
        assert_eq!(verdicts, expected);
    }
}
