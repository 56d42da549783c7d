//! Rules for `Cargo.toml` files.
use super::Problem;

/// Crates without the workspace lints, and why.
const WITHOUT_LINTS: &[(&str, &str)] =
    &[("crates/cursor-proto/Cargo.toml", "nearly all of it is written by the code generator")];

pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    if path == "Cargo.toml" {
        return check_workspace(path, text);
    }
    let mut problems = check_dependencies(path, text);
    let exempt = WITHOUT_LINTS.iter().any(|(name, _reason)| *name == path);
    let lints = lines(text).any(|line| line.section == "lints" && line.is("workspace = true"));
    if !lints && !exempt {
        problems.push(Problem::new(path, "no `[lints]` with `workspace = true`"));
    }
    problems
}

/// Each group of workspace dependencies says what it is for.
fn check_workspace(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut starts_group = true;
    for line in lines(text).filter(|line| line.section == "workspace.dependencies") {
        let is_comment = line.text.starts_with('#');
        if starts_group && !is_comment && !line.text.is_empty() {
            let text = "a group of dependencies without a comment that says what it is for";
            problems.push(Problem::at(path, line.number, text));
        }
        starts_group = line.text.is_empty();
    }
    problems
}

/// Versions stand in one place, next to their reason.
fn check_dependencies(path: &str, text: &str) -> Vec<Problem> {
    lines(text)
        .filter(|line| line.section.ends_with("dependencies") && line.text.contains('='))
        .filter(|line| !line.text.starts_with('#'))
        .filter(|line| {
            let squeezed = line.text.replace(' ', "");
            !squeezed.contains("workspace=true")
        })
        .map(|line| {
            Problem::at(path, line.number, "declare it in the workspace and use `workspace = true`")
        })
        .collect()
}

/// A line and the table that it stands in.
#[derive(Debug)]
struct Line<'a> {
    section: &'a str,
    number: usize,
    text: &'a str,
}

impl Line<'_> {
    fn is(&self, text: &str) -> bool {
        self.text.replace(' ', "") == text.replace(' ', "")
    }
}

/// The lines below table headers. Enough TOML for manifests as people write them.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut section = "";
    text.lines().enumerate().filter_map(move |(index, text)| {
        let text = text.trim();
        if let Some(name) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name;
            return None;
        }
        Some(Line { section, number: index + 1, text })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_opts_into_the_lints() {
        assert_eq!(check("crates/a/Cargo.toml", "[package]\n[lints]\nworkspace = true\n"), []);
        assert_eq!(check("crates/a/Cargo.toml", "[package]\nname = \"a\"\n").len(), 1);
        assert_eq!(check("crates/a/Cargo.toml", "[lints.clippy]\nall = \"allow\"\n").len(), 1);
        assert_eq!(check("crates/cursor-proto/Cargo.toml", "[package]\n"), []);
    }

    #[test]
    fn versions_stand_in_the_workspace() {
        let manifest = |line: &str| format!("[dependencies]\n{line}\n[lints]\nworkspace = true\n");
        for line in
            ["a.workspace = true", "a = { workspace = true, features = [\"x\"] }", "# a = 1"]
        {
            assert_eq!(check("crates/a/Cargo.toml", &manifest(line)), [], "{line}");
        }
        let problems = check("crates/a/Cargo.toml", &manifest("a = \"1\""));
        assert_eq!(problems[0].place, "crates/a/Cargo.toml:2");
    }

    #[test]
    fn every_group_of_dependencies_has_a_reason() {
        let good = "[workspace.dependencies]\n# Ours.\na = 1\nb = 2\n\n# Theirs.\nc = 3\n";
        assert_eq!(check("Cargo.toml", good), []);
        let problems = check("Cargo.toml", &good.replace("# Theirs.\n", ""));
        assert_eq!(problems[0].place, "Cargo.toml:6");
        assert_eq!(check("Cargo.toml", "[workspace.dependencies]\na = 1\n").len(), 1);
    }
}
