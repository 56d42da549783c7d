//! `cargo xtask gen`: `.proto` files to Rust, without `protoc`.
use std::path::Path;

use anyhow::{Context, Result};

pub(crate) fn run() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("workspace root")?;
    generate(root, &root.join("crates/cursor-proto/src/generated"))
}

pub(crate) fn generate(root: &Path, out: &Path) -> Result<()> {
    let include = root.join("proto");
    let mut files = Vec::new();
    for package in ["agent/v1", "aiserver/v1"] {
        for entry in std::fs::read_dir(include.join(package))? {
            let name = entry?.file_name();
            files.push(format!("{package}/{}", name.to_string_lossy()));
        }
    }
    files.sort();
    let mut compiler = protox::Compiler::new([&include])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(&files)?;
    let set = std::env::temp_dir().join(format!("cursor-proto-{}.bin", std::process::id()));
    std::fs::write(&set, compiler.encode_file_descriptor_set())?;
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    std::fs::create_dir_all(out)?;
    let mut messages = connectrpc_build::CodeGenConfig::default();
    // Nobody calls them; messages are built with struct literals.
    messages.generate_with_setters = false;
    let result = connectrpc_build::Config::new()
        .buffa_config(messages)
        .files(&files)
        .descriptor_set(&set)
        .out_dir(out)
        .include_file("_connectrpc.rs")
        .file_per_package(true)
        .emit_register_fn(false)
        .emit_rerun_directives(false)
        .compile();
    std::fs::remove_file(&set)?;
    result
}
