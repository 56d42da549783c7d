//! `cargo xtask ci`: everything that must pass before a commit, cheapest first.
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::{Verdict, generate, layers, process, suite, tidy};

type Step = (&'static str, fn() -> Result<Verdict>);

const STEPS: &[Step] = &[
    ("fmt", || cargo(&["fmt", "--all", "--check"])),
    ("tidy", tidy::run),
    ("layers", layers::run),
    ("gen --check", || generate::run(generate::Mode::Check)),
    ("clippy", || {
        cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
    }),
    ("doc", documentation),
    ("test", || suite::run(&[])),
];

/// Stops at the first step that fails: later ones would only repeat it.
pub(crate) fn run() -> Result<Verdict> {
    let mut times: Vec<(&str, Duration)> = Vec::new();
    let mut verdict = Verdict::Fine;
    for (name, step) in STEPS {
        println!("== {name}");
        let start = Instant::now();
        verdict = step()?;
        times.push((name, start.elapsed()));
        if verdict != Verdict::Fine {
            break;
        }
    }
    println!();
    for (name, time) in &times {
        println!("{name:<12} {:>7.1} s", time.as_secs_f64());
    }
    match times.last() {
        Some((name, _)) if verdict != Verdict::Fine => println!("ci failed at `{name}`"),
        _ => println!("ci passed"),
    }
    Ok(verdict)
}

fn cargo(arguments: &[&str]) -> Result<Verdict> {
    Ok(Verdict::passed(process::succeeds(&mut process::cargo(arguments)?)?))
}

/// A broken link in documentation is an error.
fn documentation() -> Result<Verdict> {
    let mut command = process::cargo(&["doc", "--workspace", "--no-deps", "--quiet"])?;
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(Verdict::passed(process::succeeds(&mut command)?))
}
