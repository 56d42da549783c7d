//! When the source was written, and which build this is, for `/health`: from `SOURCE_DATE_EPOCH`
//! or else the commit, so that the same source always gives the same binary.

use std::process::Command;

fn main() {
    for name in ["SOURCE_DATE_EPOCH", "BUILD_NUMBER"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    // Told anew whenever this crate is compiled anew anyway.
    println!("cargo:rerun-if-changed=src");
    let seconds = variable("SOURCE_DATE_EPOCH").or_else(commit);
    if let Some(seconds) = seconds.and_then(|text| text.trim().parse::<i64>().ok()) {
        println!("cargo:rustc-env=SOURCE_UNIX_SECONDS={seconds}");
    }
    if let Some(number) = variable("BUILD_NUMBER").and_then(|text| text.parse::<u64>().ok()) {
        println!("cargo:rustc-env=BUILD_NUMBER_CHECKED={number}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a build script is told things this way")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// There may be no repository, and no git.
fn commit() -> Option<String> {
    let output = Command::new("git").args(["log", "-1", "--format=%ct"]).output().ok()?;
    output.status.success().then(|| String::from_utf8(output.stdout).ok())?
}
