//! Names of languages: by the ending of a file, and by the look of a text.

struct Language {
    /// As editors name it.
    id: &'static str,
    /// Of file names; the first is the usual one.
    endings: &'static [&'static str],
    /// How lines begin that other languages rarely have.
    beginnings: &'static [&'static str],
}

const fn language(
    id: &'static str,
    endings: &'static [&'static str],
    beginnings: &'static [&'static str],
) -> Language {
    Language { id, endings, beginnings }
}

/// Where two look equally likely the first one wins.
const LANGUAGES: [Language; 20] = [
    language(
        "python",
        &["py", "pyi"],
        &["def ", "from ", "elif ", "import ", "async def ", "if __name__"],
    ),
    language("rust", &["rs"], &["fn ", "pub ", "use ", "impl ", "let mut ", "mod ", "#["]),
    language("go", &["go"], &["package ", "func ", "import (", "defer ", "go func"]),
    language(
        "typescript",
        &["ts", "mts", "cts"],
        &["interface ", "export interface ", "export type ", "type ", "import type "],
    ),
    language(
        "javascript",
        &["js", "mjs", "cjs"],
        &["const ", "function ", "export ", "var ", "import {", "async function ", "module."],
    ),
    language("typescriptreact", &["tsx"], &[]),
    language("javascriptreact", &["jsx"], &[]),
    language("java", &["java"], &["public class ", "import java", "package com.", "@Override"]),
    language("csharp", &["cs"], &["using System", "namespace ", "public async Task"]),
    language(
        "cpp",
        &["cpp", "cc", "cxx", "hpp"],
        &["#include <", "std::", "template<", "using namespace"],
    ),
    language("c", &["c", "h"], &["#include \"", "#define ", "typedef struct", "static int "]),
    language("ruby", &["rb"], &["require ", "attr_", "module ", "end"]),
    language("php", &["php"], &["<?php", "namespace App"]),
    language("lua", &["lua"], &["local ", "local function "]),
    language(
        "shellscript",
        &["sh", "bash", "zsh"],
        &["fi", "done", "esac", "export PATH", "echo "],
    ),
    language(
        "html",
        &["html", "htm"],
        &["<!DOCTYPE", "<!doctype", "<html", "<head", "<body", "<div"],
    ),
    language("css", &["css"], &["@media", ":root", "body {"]),
    language("sql", &["sql"], &["SELECT ", "INSERT INTO ", "CREATE TABLE ", "select "]),
    language("markdown", &["md"], &["## ", "```"]),
    language("json", &["json"], &[]),
];

/// The programs that the first line of a script may name.
const INTERPRETERS: [(&str, &str); 6] = [
    ("python", "python"),
    ("node", "javascript"),
    ("ruby", "ruby"),
    ("php", "php"),
    ("lua", "lua"),
    ("sh", "shellscript"),
];

/// Lines of a text that are looked at.
const LINES: usize = 400;

/// The language that files with this ending are in.
pub(super) fn of_path(path: &str) -> Option<&'static str> {
    let name = path.rsplit(['/', '\\']).next()?;
    let (_, ending) = name.rsplit_once('.')?;
    let ending = ending.to_ascii_lowercase();
    LANGUAGES
        .iter()
        .find(|language| language.endings.contains(&ending.as_str()))
        .map(|language| language.id)
}

/// The usual ending of files in this language.
pub(super) fn ending(id: &str) -> Option<&'static str> {
    let language = LANGUAGES.iter().find(|language| language.id == id)?;
    language.endings.first().copied()
}

/// The language that a text looks like.
pub(super) fn guess(text: &str) -> &'static str {
    if let Some(script) = text.strip_prefix("#!") {
        let first = script.lines().next().unwrap_or_default();
        if let Some((_, id)) = INTERPRETERS.iter().find(|(program, _)| first.contains(program)) {
            return id;
        }
    }
    let mut best = ("plaintext", 0);
    for language in &LANGUAGES {
        let lines = text.lines().take(LINES).map(str::trim_start);
        let begins = |line: &str| language.beginnings.iter().any(|begin| line.starts_with(begin));
        let score = lines.filter(|line| begins(line)).count();
        if score > best.1 {
            best = (language.id, score);
        }
    }
    best.0
}
