//! One entry for developers. `cargo xtask` lists the commands.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to the terminal"
)]
use std::process::ExitCode;

mod ci;
mod clients;
mod demo;
mod generate;
mod layers;
mod process;
mod suite;
mod tidy;

const USAGE: &str = "\
cargo xtask COMMAND

  demo [ARGS]       the gateway and a simulated backend in one process, debug build
  test [-- FILTER]  all tests; with FILTER only the Rust tests that it selects
  ci                everything that must pass before a commit
  clients [ARGS]    command-line agents against the binary: --runs N, --only NAME,
                    --flow agent|chat; large downloads the first time
  gen [--check]     Rust from proto/; with --check only says which files are stale
  tidy              house rules that no compiler checks
  layers            which crate may use which

Exit codes: 0 fine, 1 a check failed, 2 wrong usage.";

/// How a command ended, when nothing unexpected happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Fine,
    Failed,
    WrongUsage,
}

impl Verdict {
    fn passed(passed: bool) -> Self {
        if passed { Self::Fine } else { Self::Failed }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(Verdict::Fine) => ExitCode::SUCCESS,
        Ok(Verdict::Failed) => ExitCode::from(1),
        Ok(Verdict::WrongUsage) => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
    }
}

fn run(arguments: &[&str]) -> anyhow::Result<Verdict> {
    match arguments {
        ["demo", rest @ ..] => demo::run(rest),
        ["test"] => suite::run(&[]),
        ["test", "--", filter @ ..] => suite::run(filter),
        ["ci"] => ci::run(),
        ["clients", rest @ ..] => clients::run(rest),
        ["gen"] => generate::run(generate::Mode::Write),
        ["gen", "--check"] => generate::run(generate::Mode::Check),
        ["tidy"] => tidy::run(),
        ["layers"] => layers::run(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(Verdict::Fine)
        }
        _ => Ok(Verdict::WrongUsage),
    }
}
