//! `cargo xtask tidy`: house rules that no compiler checks.
//!
//! The rules are functions from text to problems; this module finds the texts.
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::{Verdict, process};

mod documents;
mod manifests;
mod secrets;
mod sources;

/// What is wrong, and whether it stops a commit.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    /// File, and line where one can be named.
    place: String,
    text: String,
    fatal: bool,
}

impl Problem {
    fn new(place: impl Into<String>, text: impl Into<String>) -> Self {
        Self { place: place.into(), text: text.into(), fatal: true }
    }

    fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), text)
    }

    fn warning(self) -> Self {
        Self { fatal: false, ..self }
    }
}

pub(crate) fn run() -> Result<Verdict> {
    let root = process::root()?;
    let problems = check(&root)?;
    for problem in &problems {
        let kind = if problem.fatal { "error" } else { "warning" };
        println!("{kind}: {}: {}", problem.place, problem.text);
    }
    Ok(Verdict::passed(!problems.iter().any(|problem| problem.fatal)))
}

fn check(root: &Path) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for path in files(root)? {
        let name = relative(root, &path);
        // Pictures and the like have no rules here.
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if name.ends_with(".rs") {
            problems.extend(sources::check(&name, &text));
        }
        if name.ends_with("Cargo.toml") {
            problems.extend(manifests::check(&name, &text));
        }
        if name.ends_with(".md") {
            let folder = path.parent().unwrap_or(root);
            problems
                .extend(documents::check_links(&name, &text, |link| folder.join(link).exists()));
        }
        problems.extend(secrets::check(&name, &text));
    }
    let read = |name: &str| std::fs::read_to_string(root.join(name)).ok();
    problems.extend(documents::check_translation(read("README.md"), read("README.zh-CN.md")));
    Ok(problems)
}

/// Everything that people write: not what git ignores, and not what a generator writes.
fn files(root: &Path) -> Result<Vec<PathBuf>> {
    const SKIPPED: [&str; 6] =
        ["target", ".git", "node_modules", "generated", "__pycache__", "dist"];
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let entry = entry?;
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if !SKIPPED.iter().any(|skipped| name == *skipped) {
                    folders.push(entry.path());
                }
            } else if name != "Cargo.lock" {
                found.push(entry.path());
            }
        }
    }
    // The order of a folder differs between machines; reports should not.
    found.sort();
    Ok(found)
}

/// With `/` on every system.
fn relative(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).iter();
    parts.map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("/")
}
