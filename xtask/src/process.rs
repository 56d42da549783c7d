//! Running other programs, and where the repository is.
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

/// The root of the repository. Asked at run time: the folder that this binary was built in may
/// have moved, together with its `target`.
#[expect(
    clippy::disallowed_methods,
    reason = "`cargo run` tells by CARGO_MANIFEST_DIR where we are"
)]
pub(crate) fn root() -> Result<PathBuf> {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").context("run it as `cargo xtask`")?;
    let root = Path::new(&xtask).parent().context("xtask lies in the workspace root")?;
    Ok(root.to_path_buf())
}

/// The cargo that runs us, in the repository root.
pub(crate) fn cargo(arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(cargo_program());
    command.args(arguments).current_dir(root()?);
    Ok(command)
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells its subcommands by CARGO which one it is"
)]
fn cargo_program() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// Runs to the end with our output and no input, so that nothing waits for a terminal.
pub(crate) fn succeeds(command: &mut Command) -> Result<bool> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status =
        command.stdin(Stdio::null()).status().with_context(|| format!("cannot run {program}"))?;
    Ok(status.success())
}

/// `cargo metadata` of our own packages.
pub(crate) fn metadata() -> Result<Value> {
    let output = cargo(&["metadata", "--format-version", "1", "--no-deps"])?
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata failed");
    }
    serde_json::from_slice(&output.stdout).context("cargo metadata is JSON")
}

/// Where cargo puts what it builds.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let metadata = metadata()?;
    let path = metadata["target_directory"].as_str().context("metadata names the target folder")?;
    Ok(PathBuf::from(path))
}
