//! `cargo xtask gen`: `.proto` files to Rust, without `protoc`.
//!
//! The compiler and the generator take a minute to build, so they are behind the feature `gen`,
//! and this binary runs itself again with it when it is needed.
use anyhow::Result;

use crate::Verdict;

#[cfg(any(feature = "gen", test))]
mod compare;
#[cfg(feature = "gen")]
mod compile;

/// What to do with the generated code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Write,
    /// Leave the tree alone and fail if it would change.
    Check,
}

#[cfg(not(feature = "gen"))]
pub(crate) fn run(mode: Mode) -> Result<Verdict> {
    let mut again = crate::process::cargo(&[
        "run",
        "--quiet",
        "-p",
        "xtask",
        "--features",
        "gen",
        "--",
        "gen",
    ])?;
    if mode == Mode::Check {
        again.arg("--check");
    }
    Ok(Verdict::passed(crate::process::succeeds(&mut again)?))
}

#[cfg(feature = "gen")]
pub(crate) fn run(mode: Mode) -> Result<Verdict> {
    use anyhow::Context as _;

    let root = crate::process::root()?;
    let committed = root.join("crates/cursor-proto/src/generated");
    if mode == Mode::Write {
        compile::generate(&root, &committed)?;
        return Ok(Verdict::Fine);
    }
    let fresh = std::env::temp_dir().join(format!("cursor-proto-gen-{}", std::process::id()));
    let stale =
        compile::generate(&root, &fresh).and_then(|()| compare::differences(&committed, &fresh));
    std::fs::remove_dir_all(&fresh).with_context(|| fresh.display().to_string())?;
    let stale = stale?;
    for name in &stale {
        println!("stale: crates/cursor-proto/src/generated/{name}: run `cargo xtask gen`");
    }
    Ok(Verdict::passed(stale.is_empty()))
}
