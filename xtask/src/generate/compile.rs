//! From `proto/` to a folder of Rust files.
use std::path::Path;

use anyhow::{Context as _, Result};

const PACKAGES: [&str; 2] = ["agent/v1", "aiserver/v1"];

/// Replaces everything in `out`.
pub(crate) fn generate(root: &Path, out: &Path) -> Result<()> {
    let include = root.join("proto");
    let files = proto_files(&include)?;
    let mut compiler = protox::Compiler::new([&include])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(&files)?;
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    std::fs::create_dir_all(out)?;
    let set = std::env::temp_dir().join(format!("cursor-proto-{}.bin", std::process::id()));
    std::fs::write(&set, compiler.encode_file_descriptor_set())?;
    let result = write_rust(&files, &set, out);
    std::fs::remove_file(&set)?;
    result
}

fn proto_files(include: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    for package in PACKAGES {
        let folder = include.join(package);
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let name = entry?.file_name();
            files.push(format!("{package}/{}", name.to_string_lossy()));
        }
    }
    // The order of a folder differs between machines; the output must not.
    files.sort();
    Ok(files)
}

fn write_rust(files: &[String], descriptor_set: &Path, out: &Path) -> Result<()> {
    let mut messages = connectrpc_build::CodeGenConfig::default();
    // Nobody calls them; messages are built with struct literals.
    messages.generate_with_setters = false;
    connectrpc_build::Config::new()
        .buffa_config(messages)
        .files(files)
        .descriptor_set(descriptor_set)
        .out_dir(out)
        .include_file("_connectrpc.rs")
        .file_per_package(true)
        .emit_register_fn(false)
        .emit_rerun_directives(false)
        .compile()
}
