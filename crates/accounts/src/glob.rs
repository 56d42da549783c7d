//! Patterns with `*` and `?` for model names and aliases.

/// Whether `pattern` stands for the whole of `text`: `*` for any characters or none, `?` for
/// exactly one, everything else for itself; capitals do not matter.
///
/// Takes at most the product of both lengths, whatever the pattern, and allocates nothing.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> bool {
    let (mut rest, mut left) = (pattern, text);
    // After the last `*`: where the pattern goes on, and the text it has not swallowed yet.
    let mut star: Option<(&str, &str)> = None;
    loop {
        let mut after = rest.chars();
        let wanted = after.next();
        if wanted == Some('*') {
            rest = after.as_str();
            star = Some((rest, left));
            continue;
        }
        let mut remaining = left.chars();
        let fits = match (wanted, remaining.next()) {
            (None, None) => return true,
            (Some(wanted), Some(found)) => wanted == '?' || same(wanted, found),
            (Some(_), None) => return false,
            (None, Some(_)) => false,
        };
        if fits {
            (rest, left) = (after.as_str(), remaining.as_str());
            continue;
        }
        let Some((after_star, kept)) = star else { return false };
        // The star takes one character more.
        let mut swallowed = kept.chars();
        if swallowed.next().is_none() {
            return false;
        }
        (rest, left) = (after_star, swallowed.as_str());
        star = Some((rest, left));
    }
}

fn same(a: char, b: char) -> bool {
    a == b || (a.is_alphabetic() && b.is_alphabetic() && a.to_lowercase().eq(b.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_what_they_should() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "anything"),
            ("claude-*", "claude-4.5-sonnet"),
            ("claude-*", "claude-"),
            ("*-thinking", "claude-thinking-thinking"),
            ("a*b*c", "a-b-b-c"),
            ("gpt-?", "gpt-5"),
            ("?", "é"),
            ("CLAUDE*", "claude-x"),
            ("Ärger", "äRGER"),
            ("**a**", "bab"),
            ("a?*", "ab"),
        ] {
            assert!(matches(pattern, text), "{pattern} stands for {text}");
        }
        for (pattern, text) in [
            ("", "a"),
            ("?", ""),
            ("claude-*", "claude"),
            ("gpt-?", "gpt-55"),
            ("gpt-?", "gpt-"),
            ("a*b", "a-b-c"),
            ("a.c", "abc"),
            ("[a]", "a"),
            ("main", "mainframe"),
        ] {
            assert!(!matches(pattern, text), "{pattern} does not stand for {text}");
        }
    }

    /// The obvious definition, with which the fast one must agree.
    fn plain(pattern: &[char], text: &[char]) -> bool {
        match (pattern.split_first(), text.split_first()) {
            (None, _) => text.is_empty(),
            (Some(('*', rest)), found) => {
                plain(rest, text) || found.is_some_and(|(_, left)| plain(pattern, left))
            }
            (Some(_), None) => false,
            (Some((wanted, rest)), Some((found, left))) => {
                (*wanted == '?' || wanted == found) && plain(rest, left)
            }
        }
    }

    #[test]
    fn it_agrees_with_the_obvious_definition() {
        let words = |letters: &[char]| {
            let mut all = vec![String::new()];
            let mut from = 0;
            for _ in 0..5 {
                let until = all.len();
                for at in from..until {
                    for letter in letters {
                        all.push(format!("{}{letter}", all[at]));
                    }
                }
                from = until;
            }
            all
        };
        let texts = words(&['a', 'b']);
        for pattern in words(&['a', 'b', '*', '?']) {
            let chars: Vec<char> = pattern.chars().collect();
            for text in &texts {
                let expected = plain(&chars, &text.chars().collect::<Vec<_>>());
                assert_eq!(matches(&pattern, text), expected, "{pattern} and {text}");
            }
        }
    }

    #[test]
    fn many_stars_do_not_explode() {
        let text = "a".repeat(20_000);
        let pattern = format!("{}b", "*a".repeat(50));
        assert!(!matches(&pattern, &text));
    }
}
