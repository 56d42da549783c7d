//! `cargo xtask layers`: who may use whom, checked against `cargo metadata`.
//!
//! A crate exists so that the compiler enforces a boundary; this makes sure that nobody opens it
//! with one line in a manifest. The table is section 2 of `ARCHITECTURE.md`.
use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{Verdict, process};

/// What a crate may use of ours.
#[derive(Debug)]
struct Layer {
    name: &'static str,
    may_use: Allowed,
    /// On top of it in tests, which may stand on both sides of a boundary.
    tests_may_use: &'static [&'static str],
}

#[derive(Debug)]
enum Allowed {
    Only(&'static [&'static str]),
    /// The composition root.
    Everything,
}

const LAYERS: &[Layer] = &[
    layer("conversation", &[], &[]),
    layer("dialects", &["conversation"], &[]),
    layer("cursor-proto", &[], &[]),
    layer("upstream", &["conversation", "cursor-proto"], &["simulator"]),
    layer("accounts", &[], &[]),
    layer("request-log", &["accounts", "conversation"], &[]),
    layer("store", &["accounts", "request-log"], &["conversation"]),
    layer("telemetry", &["accounts", "conversation", "request-log"], &[]),
    layer("settings", &[], &[]),
    layer(
        "gateway",
        &["conversation", "upstream", "accounts", "store", "request-log"],
        &["simulator"],
    ),
    layer(
        "server",
        &["gateway", "dialects", "conversation", "accounts", "request-log", "telemetry"],
        &["simulator", "store", "upstream"],
    ),
    layer("simulator", &["cursor-proto"], &[]),
    layer("benches", &["accounts", "cursor-proto", "request-log", "store"], &[]),
    Layer { name: "cli", may_use: Allowed::Everything, tests_may_use: &[] },
    layer("xtask", &[], &[]),
];

const fn layer(
    name: &'static str,
    may_use: &'static [&'static str],
    tests_may_use: &'static [&'static str],
) -> Layer {
    Layer { name, may_use: Allowed::Only(may_use), tests_may_use }
}

/// Libraries that stand for a kind of knowledge, and who may or may not have it.
#[derive(Debug)]
struct Rule {
    libraries: &'static [&'static str],
    crates: Crates,
    reason: &'static str,
}

#[derive(Debug)]
enum Crates {
    Only(&'static [&'static str]),
    AllBut(&'static [&'static str]),
}

const RULES: &[Rule] = &[
    Rule {
        libraries: &["axum"],
        crates: Crates::Only(&["server", "cli"]),
        reason: "only the edge knows the HTTP server",
    },
    Rule {
        libraries: &["buffa", "buffa-types", "connectrpc"],
        crates: Crates::Only(&["cursor-proto", "upstream", "simulator", "xtask"]),
        reason: "only upstream and the simulator know protobuf",
    },
    Rule {
        libraries: &["tokio", "tokio-util", "futures", "hyper", "hyper-util", "tower"],
        crates: Crates::AllBut(&["conversation", "dialects", "accounts"]),
        reason: "the model, the dialects and the roster are pure: no async",
    },
    Rule {
        libraries: &["getrandom", "uuid"],
        crates: Crates::AllBut(&["conversation", "dialects"]),
        reason: "the model and the dialects are pure: ids are arguments",
    },
    Rule {
        libraries: &["serde", "serde_json"],
        crates: Crates::AllBut(&["conversation"]),
        reason: "the neutral model has no wire form",
    },
    Rule {
        libraries: &["clap"],
        crates: Crates::Only(&["cli"]),
        reason: "only the command line reads arguments",
    },
];

/// One dependency, as a manifest states it.
#[derive(Debug, Clone, Copy)]
struct Edge<'a> {
    from: &'a str,
    to: &'a str,
    in_tests_only: bool,
    ours: bool,
}

pub(crate) fn run() -> Result<Verdict> {
    let metadata = process::metadata()?;
    let packages = metadata["packages"].as_array().context("metadata lists packages")?;
    let mut problems = Vec::new();
    for package in packages {
        let name = package["name"].as_str().context("a package has a name")?;
        if !LAYERS.iter().any(|layer| layer.name == name) {
            problems.push(format!("{name}: not in the table of layers (xtask/src/layers.rs)"));
        }
        for dependency in package["dependencies"].as_array().context("a list")? {
            problems.extend(problem(edge(name, dependency)?));
        }
    }
    for problem in &problems {
        println!("{problem}");
    }
    Ok(Verdict::passed(problems.is_empty()))
}

fn edge<'a>(from: &'a str, dependency: &'a Value) -> Result<Edge<'a>> {
    Ok(Edge {
        from,
        to: dependency["name"].as_str().context("a dependency has a name")?,
        in_tests_only: dependency["kind"].as_str() == Some("dev"),
        ours: dependency["path"].is_string(),
    })
}

fn problem(edge: Edge<'_>) -> Option<String> {
    let Edge { from, to, .. } = edge;
    if edge.ours {
        let layer = LAYERS.iter().find(|layer| layer.name == from)?;
        return (!permits(layer, edge)).then(|| match edge.in_tests_only {
            false => format!("{from} may not use {to}"),
            true => format!("{from} may not use {to}, not even in tests"),
        });
    }
    // What a test uses does not reach the product.
    if edge.in_tests_only {
        return None;
    }
    let broken = RULES.iter().find(|rule| rule.libraries.contains(&to) && !rule.permits(from))?;
    Some(format!("{from} may not use {to}: {}", broken.reason))
}

fn permits(layer: &Layer, edge: Edge<'_>) -> bool {
    let always = match layer.may_use {
        Allowed::Only(names) => names.contains(&edge.to),
        Allowed::Everything => true,
    };
    always || (edge.in_tests_only && layer.tests_may_use.contains(&edge.to))
}

impl Rule {
    fn permits(&self, name: &str) -> bool {
        match self.crates {
            Crates::Only(names) => names.contains(&name),
            Crates::AllBut(names) => !names.contains(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Edge<'static> = Edge { from: "", to: "", in_tests_only: false, ours: true };
    const FOREIGN: Edge<'static> = Edge { ours: false, ..OURS };

    #[test]
    fn the_arms_do_not_touch() {
        let across = problem(Edge { from: "dialects", to: "upstream", ..OURS });
        assert_eq!(across.as_deref(), Some("dialects may not use upstream"));
        assert!(problem(Edge { from: "upstream", to: "dialects", ..OURS }).is_some());
        assert_eq!(problem(Edge { from: "upstream", to: "conversation", ..OURS }), None);
    }

    #[test]
    fn tests_have_their_own_looser_table() {
        let edge = Edge { from: "upstream", to: "simulator", ..OURS };
        assert!(problem(edge).is_some());
        assert_eq!(problem(Edge { in_tests_only: true, ..edge }), None);
        let edge = Edge { from: "dialects", to: "simulator", in_tests_only: true, ..OURS };
        assert!(problem(edge).is_some_and(|text| text.ends_with("not even in tests")));
    }

    #[test]
    fn the_composition_root_uses_everything() {
        for layer in LAYERS {
            assert_eq!(problem(Edge { from: "cli", to: layer.name, ..OURS }), None);
        }
    }

    #[test]
    fn libraries_stay_in_their_layers() {
        for (from, to) in [
            ("gateway", "axum"),
            ("gateway", "buffa"),
            ("conversation", "serde_json"),
            ("dialects", "tokio"),
            ("accounts", "futures"),
            ("server", "clap"),
        ] {
            let text = problem(Edge { from, to, ..FOREIGN });
            assert!(text.is_some_and(|text| text.contains(": ")), "{from} {to}");
        }
        for (from, to) in [("server", "axum"), ("dialects", "serde_json"), ("upstream", "buffa")] {
            assert_eq!(problem(Edge { from, to, ..FOREIGN }), None);
        }
    }

    #[test]
    fn a_library_in_tests_is_free() {
        let edge = Edge { from: "conversation", to: "serde_json", in_tests_only: true, ..FOREIGN };
        assert_eq!(problem(edge), None);
    }

    #[test]
    fn the_table_names_only_layers() {
        let known = |name: &&&str| LAYERS.iter().any(|layer| layer.name == **name);
        for layer in LAYERS {
            assert!(layer.tests_may_use.iter().all(|name| known(&name)), "{layer:?}");
            if let Allowed::Only(names) = layer.may_use {
                assert!(names.iter().all(|name| known(&name)), "{layer:?}");
            }
        }
    }
}
