//! `cargo xtask test`: everything that a new machine needs, then all tests.
//!
//! The closing lines of the test runners are held back while the tests run and printed at the
//! end, each exactly once, so that the last screen answers the question.
use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use crate::{Verdict, process};

mod tally;

use tally::Tally;

/// Third-party clients against the binary.
const CLIENTS: &str = "tests/clients/run.py";

/// `filter` goes to the Rust tests; the clients cannot select by it and are left out then.
pub(crate) fn run(filter: &[&str]) -> Result<Verdict> {
    let with_clients = filter.is_empty() && process::root()?.join(CLIENTS).exists();
    if !tools_are_present(with_clients) {
        return Ok(Verdict::Failed);
    }
    // With `--tests` the features are those of the test run, so nothing is built twice.
    println!("building");
    if !process::succeeds(&mut process::cargo(&["build", "--workspace", "--bins", "--tests"])?)? {
        return Ok(Verdict::Failed);
    }
    let mut runs = vec![rust_tests(filter)?];
    if with_clients {
        runs.push(client_tests()?);
    }
    println!();
    for line in runs.iter().flat_map(|run| &run.closing) {
        println!("{line}");
    }
    let total = runs.iter().fold(Tally::default(), |sum, run| sum + run.tally);
    println!("total: {total}");
    Ok(Verdict::passed(runs.iter().all(|run| run.passed) && total.failed == 0))
}

/// What one runner said.
#[derive(Debug)]
struct Run {
    passed: bool,
    closing: Vec<String>,
    tally: Tally,
}

fn rust_tests(filter: &[&str]) -> Result<Run> {
    let mut command = process::cargo(&["test", "--workspace", "--no-fail-fast"])?;
    if !filter.is_empty() {
        command.arg("--").args(filter);
    }
    watch(&mut command, tally::of_rust)
}

fn client_tests() -> Result<Run> {
    let binary = process::target_directory()?.join("debug").join("cursor-api");
    let mut command = Command::new("python3");
    command.arg(CLIENTS).current_dir(process::root()?).env("CURSOR_API_BIN", binary);
    let mut run = watch(&mut command, tally::of_clients)?;
    // Only the last such line is the runner's own; others may come from the tools that it runs.
    match run.closing.pop() {
        Some(last) => {
            run.tally = tally::of_clients(&last).unwrap_or_default();
            run.closing = vec![format!("clients: {last}")];
        }
        // A runner that dies early must not look like one that had nothing to do.
        None => {
            run.closing.push(format!("{CLIENTS}: ended without a closing line"));
            run.passed = false;
        }
    }
    Ok(run)
}

/// Passes the output on, except for the lines that `tally` understands.
fn watch(command: &mut Command, tally: fn(&str) -> Option<Tally>) -> Result<Run> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let output = child.stdout.take().context("the output is a pipe")?;
    let mut run = Run { passed: true, closing: Vec::new(), tally: Tally::default() };
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        match tally(&line) {
            // Doc-test runs of crates without any, and the like.
            Some(counts) if counts == Tally::default() => {}
            Some(counts) => {
                run.tally = run.tally + counts;
                run.closing.push(line.into_owned());
            }
            None => println!("{line}"),
        }
    }
    run.passed = child.wait()?.success();
    Ok(run)
}

/// Says what is missing and what it is for, all at once.
fn tools_are_present(with_clients: bool) -> bool {
    let mut needed = vec![("cc", "--version", "a C compiler (gcc) links Rust and builds ring")];
    if with_clients {
        needed.push(("python3", "--version", "Python 3 runs the third-party client tests"));
        needed.push(("node", "--version", "Node runs the JavaScript client tests"));
    }
    let missing = needed.iter().filter(|(program, argument, _)| !starts(program, argument));
    let mut complete = true;
    for (program, _, reason) in missing {
        eprintln!("error: `{program}` is not installed: {reason}");
        complete = false;
    }
    complete
}

fn starts(program: &str, argument: &str) -> bool {
    let silent = |command: &mut Command| {
        command
            .arg(argument)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    silent(&mut Command::new(program)).is_ok_and(|status| status.success())
}
