//! The suggestion of a file without directives.
//!
//! Pure, and simple enough to be foretold by a test; described in the crate's README.

use cursor_proto::aiserver::CppFileDiffHistory;

use super::current::Current;
use super::script::{Edit, Prediction, Suggestion};

/// What follows a bracket or an equals sign at the cursor.
const CLOSING: [(char, &str); 4] = [('(', ")"), ('[', "]"), ('{', "}"), ('=', " 0")];

/// The suggestion for this file after these edits.
pub(crate) fn suggest(current: &Current, histories: &[CppFileDiffHistory]) -> Suggestion {
    renamed(current, histories).or_else(|| closed(current)).unwrap_or_default()
}

/// The last change renamed a word: do the same in the next line that has the old one.
fn renamed(current: &Current, histories: &[CppFileDiffHistory]) -> Option<Suggestion> {
    let history = histories.iter().rev().find(|history| history.file_name == current.path)?;
    let (old, new) = rename(history.diff_history.last()?)?;
    let below = current.cursor_index()? + 1;
    let mut places = current
        .lines()
        .enumerate()
        .skip(below)
        .filter(|(_, line)| words(line).any(|word| word == old));
    let (at, line) = places.next()?;
    let number = |at: usize| current.first_line + at + 1;
    let edit =
        Edit::line(number(at), words(line).map(|w| if w == old { new } else { w }).collect());
    let prediction = places.next().map(|(at, line)| Prediction {
        path: current.path.clone(),
        line: number(at),
        content: line.to_owned(),
    });
    Some(Suggestion { edits: vec![edit], prediction })
}

/// The word that the last changed line lost, and the one it got instead.
fn rename(diff: &str) -> Option<(&str, &str)> {
    let mut removed = None;
    let mut last = None;
    for line in diff.lines() {
        match changed(line) {
            Some(('-', text)) => removed = Some(text),
            Some((_, text)) => last = removed.take().map(|old| (old, text)).or(last),
            None => {}
        }
    }
    let (before, after) = last?;
    let mut differing = words(before).zip(words(after)).filter(|(old, new)| old != new);
    let (old, new) = differing.next()?;
    let same_shape = words(before).count() == words(after).count();
    let is_word = |text: &str| text.starts_with(in_word);
    (same_shape && differing.next().is_none() && is_word(old) && is_word(new)).then_some((old, new))
}

/// `12-|text` or `12+|text`.
fn changed(line: &str) -> Option<(char, &str)> {
    let (number, text) = line.split_once('|')?;
    let digits = number.strip_suffix(['-', '+'])?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let sign = number.chars().next_back()?;
    is_number.then_some((sign, text))
}

/// The text before the cursor ends with an open bracket or an equals sign: close it.
fn closed(current: &Current) -> Option<Suggestion> {
    let line = current.lines().nth(current.cursor_index()?)?;
    let (before, after) = line.split_at(offset(line, current.column));
    let open = before.trim_end().chars().next_back()?;
    let (_, closing) = CLOSING.iter().find(|(known, _)| *known == open)?;
    if after.trim_start().starts_with(closing.trim_start()) {
        return None;
    }
    let before = if open == '=' { before.trim_end() } else { before };
    let text = format!("{}{before}{closing}{after}", current.line_ending);
    let mut edit = Edit::line(current.line + 1, text);
    edit.leading_eol = true;
    Some(Suggestion { edits: vec![edit], prediction: None })
}

/// The byte at a UTF-16 column; the end of the line if that is nearer.
fn offset(line: &str, column: usize) -> usize {
    let mut units = 0;
    let at = line.char_indices().find(|(_, character)| {
        let here = units;
        units += character.len_utf16();
        here >= column
    });
    at.map_or(line.len(), |(at, _)| at)
}

/// Words and what is between them, in turn; together they are the line.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = rest.find(|character| in_word(character) != in_word(first)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        Some(word)
    })
}

fn in_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, line: usize, column: usize) -> Current {
        let (path, line_ending) = ("a.rs".to_owned(), "\n");
        Current { path, text: text.to_owned(), first_line: 0, line, column, line_ending }
    }

    fn history(diffs: &[&str]) -> Vec<CppFileDiffHistory> {
        let diff_history = diffs.iter().map(|&diff| diff.to_owned()).collect();
        let file_name = "a.rs".to_owned();
        vec![CppFileDiffHistory { file_name, diff_history, ..Default::default() }]
    }

    #[test]
    fn a_rename_goes_on_below_the_cursor() {
        let text = "let total = 1;\nlet sum2 = 2;\nf(sum, sum);\nx\ng(sum)";
        let edits = history(&["1-|old\n1+|new\n", "1-|let sum = 1;\n1+|let total = 1;\n"]);
        let suggestion = suggest(&at(text, 0, 9), &edits);
        assert_eq!(suggestion.edits, [Edit::line(3, "f(total, total);".into())]);
        let (path, content) = ("a.rs".to_owned(), "g(sum)".to_owned());
        assert_eq!(suggestion.prediction, Some(Prediction { path, line: 5, content }));
        let suggestion = suggest(&at(text, 2, 0), &edits);
        assert_eq!(suggestion.edits, [Edit::line(5, "g(total)".into())]);
        assert_eq!(suggestion.prediction, None);
        assert_eq!(suggest(&at(text, 4, 0), &edits), Suggestion::default());
    }

    #[test]
    fn only_a_rename_of_one_word_in_this_file_counts() {
        let (text, file) = ("x\na\na", |diff: &str| history(&[diff]));
        let empty = |edits: &[CppFileDiffHistory]| suggest(&at(text, 0, 1), edits).edits.is_empty();
        assert!(!empty(&file("1-|a b\n1+|x b\n")));
        for other in
            ["1-|a b\n1+|x y\n", "1-|a\n1+|\n", "1+|x\n", "1-|a\n1+|(\n", "-|a\n+|x\n", "a"]
        {
            assert!(empty(&file(other)), "{other}");
        }
        let mut elsewhere = file("1-|a\n1+|x\n");
        elsewhere[0].file_name = "b.rs".to_owned();
        assert!(empty(&elsewhere));
    }

    #[test]
    fn an_open_bracket_is_closed_at_the_cursor() {
        let closed = |line: &str, column| {
            let suggestion = suggest(&at(&format!("\n{line}\nx"), 1, column), &[]);
            suggestion.edits.first().map(|edit| (edit.start, edit.text.clone()))
        };
        assert_eq!(closed("  f(", 4), Some((2, "\n  f()".into())));
        assert_eq!(closed("👋(;", 3), Some((2, "\n👋();".into())));
        assert_eq!(closed("let x = ", 8), Some((2, "\nlet x = 0".into())));
        assert_eq!(closed("let x =", 99), Some((2, "\nlet x = 0".into())));
        for (line, column) in [("f()", 2), ("f(", 1), ("f", 1), ("", 0)] {
            assert_eq!(closed(line, column), None, "{line} {column}");
        }
    }

    #[test]
    fn a_cut_text_keeps_the_numbers_of_the_file() {
        let mut current = at("f(\ny", 10, 2);
        current.first_line = 10;
        current.line_ending = "\r\n";
        assert_eq!(suggest(&current, &[]).edits[0].start, 11);
        assert_eq!(suggest(&current, &[]).edits[0].text, "\r\nf()");
        current.line = 3;
        assert_eq!(suggest(&current, &[]), Suggestion::default());
    }
}
