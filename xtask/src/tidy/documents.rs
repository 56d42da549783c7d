//! Rules for Markdown files.
use super::Problem;

/// Relative links lead somewhere. `exists` is asked with the path as written, without its anchor.
pub(super) fn check_links(path: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (number, line) in prose(text) {
        for target in links(line) {
            let file = target.split(['#', '?']).next().unwrap_or_default();
            let elsewhere = target.contains(':') || file.is_empty();
            if !elsewhere && !exists(file) {
                problems.push(Problem::at(path, number, format!("the link `{target}` is broken")));
            }
        }
    }
    problems
}

/// The README and its translation have the same headings and the same code.
pub(super) fn check_translation(
    original: Option<String>,
    translation: Option<String>,
) -> Vec<Problem> {
    const PLACE: &str = "README.zh-CN.md";
    let (original, translation) = match (original, translation) {
        (Some(original), Some(translation)) => (original, translation),
        (None, None) => return Vec::new(),
        _ => return vec![Problem::new(PLACE, "README.md and README.zh-CN.md go together")],
    };
    let mut problems = Vec::new();
    let (left, right) = (headings(&original), headings(&translation));
    if left != right {
        let text = format!("levels of headings are {right:?}, those of README.md {left:?}");
        problems.push(Problem::new(PLACE, text));
    }
    let (left, right) = (code_blocks(&original), code_blocks(&translation));
    if left.len() != right.len() {
        let text = format!("{} code blocks, README.md has {}", right.len(), left.len());
        problems.push(Problem::new(PLACE, text));
    }
    for (index, (left, right)) in left.iter().zip(&right).enumerate() {
        if left != right {
            let text = format!("code block {} differs from README.md", index + 1);
            problems.push(Problem::new(PLACE, text));
        }
    }
    problems
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// Numbered lines outside code blocks.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = is_fence(line);
        in_code ^= fence;
        (!fence && !in_code).then_some((index + 1, line))
    })
}

/// The targets of `[text](target)`, outside inline code.
fn links(line: &str) -> Vec<&str> {
    let outside_code = line.split('`').step_by(2);
    outside_code
        .flat_map(|part| part.match_indices("](").map(move |(start, _)| &part[start + 2..]))
        .filter_map(|rest| rest.split([')', ' ']).next())
        .collect()
}

fn headings(text: &str) -> Vec<usize> {
    prose(text)
        .map(|(_, line)| line.len() - line.trim_start_matches('#').len())
        .filter(|level| *level > 0)
        .collect()
}

fn code_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&mut open, is_fence(line)) {
            (None, true) => open = Some(String::new()),
            (Some(_), true) => blocks.extend(open.take()),
            (Some(block), false) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, false) => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_files() {
        let text = "See [a](docs/a.md#part), [b](b.md \"title\") and [web](https://example.org).\n\
                    [here](#below) `[no](link)`\n```\n[no](code)\n```\n[gone](gone.md)\n";
        let problems = check_links("README.md", text, |file| file != "gone.md");
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place, "README.md:6");
        assert_eq!(check_links("README.md", text, |_| false).len(), 3);
    }

    #[test]
    fn a_translation_has_the_same_shape() {
        let of = |left: &str, right: &str| check_translation(Some(left.into()), Some(right.into()));
        let original = "# A\ntext\n## B\n```sh\n# not a heading\nrun\n```\n";
        assert_eq!(of(original, "# 甲\n字\n## 乙\n```sh\n# not a heading\nrun\n```\n"), []);
        assert_eq!(of(original, &original.replace("## B", "### B")).len(), 1);
        assert_eq!(of(original, &original.replace("run", "walk")).len(), 1);
        assert_eq!(of(original, "# A\n## B\n").len(), 1);
    }

    #[test]
    fn one_readme_without_the_other_is_a_problem() {
        assert_eq!(check_translation(None, None), []);
        assert_eq!(check_translation(Some(String::new()), None).len(), 1);
    }
}
