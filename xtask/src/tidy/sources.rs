//! Rules for Rust files.
use super::Problem;

/// A file beyond this is read by nobody.
const MOST_LINES: usize = 600;
/// Beyond this a file should be split when it is next touched.
const MANY_LINES: usize = 400;

/// Written in two parts, so that this file passes its own rule.
const UNFINISHED: [&str; 3] =
    [concat!("to", "do!"), concat!("unimple", "mented!"), concat!("d", "bg!")];

pub(super) fn check(path: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    if path.ends_with("/mod.rs") {
        problems.push(Problem::new(path, "name the file after the module instead of mod.rs"));
    }
    let first = text.lines().find(|line| !line.trim().is_empty());
    if !first.is_some_and(|line| line.starts_with("//!")) {
        problems
            .push(Problem::new(path, "starts without a `//!` comment that says what it is for"));
    }
    problems.extend(check_length(path, text.lines().count()));
    for (index, line) in text.lines().enumerate() {
        problems.extend(check_line(line).map(|text| Problem::at(path, index + 1, text)));
    }
    problems
}

fn check_length(path: &str, lines: usize) -> Option<Problem> {
    if lines <= MANY_LINES {
        return None;
    }
    let problem =
        Problem::new(path, format!("{lines} lines; {MANY_LINES} are many, {MOST_LINES} the most"));
    Some(if lines > MOST_LINES { problem } else { problem.warning() })
}

fn check_line(line: &str) -> Option<String> {
    if line.contains('\t') {
        return Some("a tab".into());
    }
    if line.ends_with(' ') {
        return Some("trailing white space".into());
    }
    let code = line.split_once("//").map_or(line, |(code, _comment)| code);
    let found = UNFINISHED.iter().find(|name| contains_macro(code, name))?;
    Some(format!("`{found}` does not belong in the tree"))
}

/// Not as the end of a longer name.
fn contains_macro(code: &str, name: &str) -> bool {
    code.match_indices(name).any(|(start, _)| {
        !code[..start].ends_with(|last: char| last.is_alphanumeric() || last == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(path: &str, text: &str) -> Vec<String> {
        check(path, text).into_iter().map(|problem| problem.text).collect()
    }

    #[test]
    fn a_good_file_has_no_problem() {
        assert_eq!(check("a/b.rs", "//! What it is.\nfn f() {}\n"), []);
    }

    #[test]
    fn a_module_says_what_it_is_for() {
        assert_eq!(texts("a/b.rs", "use std::fmt;\n").len(), 1);
        assert_eq!(texts("a/b.rs", "// Not a module comment.\n").len(), 1);
        assert_eq!(texts("a/b.rs", "").len(), 1);
    }

    #[test]
    fn long_files_are_warned_about_then_refused() {
        let of = |lines| check("a/b.rs", &"//! Line.\n".repeat(lines));
        assert_eq!(of(MANY_LINES), []);
        assert!(matches!(of(MANY_LINES + 1).as_slice(), [Problem { fatal: false, .. }]));
        assert!(matches!(of(MOST_LINES + 1).as_slice(), [Problem { fatal: true, .. }]));
    }

    #[test]
    fn unfinished_code_is_found_at_its_line() {
        for name in UNFINISHED {
            let problems = check("a/b.rs", &format!("//! Doc.\nfn f() {{ {name}() }}\n"));
            assert_eq!(problems.len(), 1, "{name}");
            assert_eq!(problems[0].place, "a/b.rs:2");
        }
    }

    #[test]
    fn comments_and_longer_names_are_not_unfinished_code() {
        let name = UNFINISHED[0];
        assert_eq!(check("a/b.rs", &format!("//! About {name}\nmy_{name}();\n")), []);
    }

    #[test]
    fn white_space_and_file_names() {
        assert_eq!(texts("a/b.rs", "//! Doc. \n"), ["trailing white space"]);
        assert_eq!(texts("a/b.rs", "//! Doc.\n\tf();\n"), ["a tab"]);
        assert_eq!(texts("a/mod.rs", "//! Doc.\n").len(), 1);
    }
}
