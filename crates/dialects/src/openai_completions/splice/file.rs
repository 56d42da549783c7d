//! The file as it is after the edits so far, and where the cursor stands in it.

/// Longest text of one edit, in bytes; a longer one is not made.
const MAX_EDIT: usize = 1 << 20;

/// Lines to replace, numbered from 1, the last one included, and the text that comes instead.
#[derive(Debug)]
pub(super) struct Edit {
    start: i32,
    end: i32,
    without_leading_eol: bool,
    text: String,
    too_long: bool,
}

impl Edit {
    pub(super) fn new(start: i32, end: i32, without_leading_eol: bool) -> Self {
        Self { start, end, without_leading_eol, text: String::new(), too_long: false }
    }

    pub(super) fn push(&mut self, text: &str) {
        self.too_long |= self.text.len() + text.len() > MAX_EDIT;
        if !self.too_long {
            self.text.push_str(text);
        }
    }
}

#[derive(Debug)]
pub(super) struct File {
    text: String,
    /// Bytes before it; `None` once it is not known any more.
    cursor: Option<usize>,
    eol: &'static str,
}

/// Where the lines of an edit are.
#[derive(Debug, Clone, Copy)]
enum Lines {
    /// From this byte to the end of the last line, without what ends it.
    Whole { start: usize, end: usize },
    /// No line: new ones come before the line that begins here.
    Before(usize),
    /// No line: new ones come behind the last.
    Behind,
}

impl File {
    /// `cursor`: bytes of the text before it.
    pub(super) fn new(text: &str, cursor: usize) -> Self {
        let eol = if text.contains("\r\n") { "\r\n" } else { "\n" };
        Self { text: text.to_owned(), cursor: Some(cursor), eol }
    }

    /// Makes the edit. What it inserts at the cursor, if it is an edit that does only that.
    pub(super) fn apply(&mut self, edit: Edit) -> Option<String> {
        let cursor = self.cursor?;
        if edit.too_long {
            self.cursor = None;
            return None;
        }
        // Lines that are not there cannot be edited, and the rest is as it was.
        let lines = self.lines(edit.start, edit.end)?;
        let mut new = self.own_line_ends(&edit.text);
        if edit.without_leading_eol
            && let Some(rest) = new.strip_prefix(self.eol)
        {
            new = rest.to_owned();
        }
        match lines {
            Lines::Whole { start, end } => self.replace(start, end, &new, cursor),
            Lines::Before(at) => {
                let new = self.without_last_eol(&new).to_owned();
                self.insert_before(at, &new, cursor)
            }
            Lines::Behind => {
                let new = format!("{}{}", self.eol, self.without_last_eol(&new));
                let here = cursor == self.text.len();
                self.text.push_str(&new);
                self.cursor = Some(if here { self.text.len() } else { cursor });
                here.then_some(new)
            }
        }
    }

    fn replace(&mut self, start: usize, end: usize, new: &str, cursor: usize) -> Option<String> {
        let touched = (start..=end).contains(&cursor);
        let old = &self.text[start..end];
        let (start, end, new) = if new.is_empty() {
            let (start, end) = self.whole_lines(start, end);
            (start, end, new)
        } else if end < self.text.len() && !old.ends_with(self.eol) {
            // The end of the last line is there already.
            (start, end, self.without_last_eol(new))
        } else {
            (start, end, new)
        };
        let inserted = if touched && !new.is_empty() {
            let (before, behind) = (&self.text[start..cursor], &self.text[cursor..end]);
            between(new, before, behind).map(str::to_owned)
        } else {
            None
        };
        self.text.replace_range(start..end, new);
        self.cursor = match &inserted {
            Some(inserted) => Some(cursor + inserted.len()),
            None if touched => None,
            None if cursor <= start => Some(cursor),
            // Within the line end that went.
            None if cursor < end => None,
            None => Some(cursor - (end - start) + new.len()),
        };
        inserted
    }

    fn insert_before(&mut self, at: usize, new: &str, cursor: usize) -> Option<String> {
        let lines = format!("{new}{}", self.eol);
        let end_of_line_before = self.text[..at].strip_suffix(self.eol).map(str::len);
        self.text.insert_str(at, &lines);
        if cursor == at {
            self.cursor = Some(at + lines.len());
            Some(lines)
        } else if end_of_line_before == Some(cursor) {
            let inserted = format!("{}{new}", self.eol);
            self.cursor = Some(cursor + inserted.len());
            Some(inserted)
        } else {
            self.cursor = Some(if cursor < at { cursor } else { cursor + lines.len() });
            None
        }
    }

    fn lines(&self, start: i32, end: i32) -> Option<Lines> {
        let start = usize::try_from(start).ok()?.checked_sub(1)?;
        let end = usize::try_from(end).ok()?;
        let Some(at) = self.start_of(start) else {
            let count = self.text.matches('\n').count() + 1;
            return (start == count && end <= start).then_some(Lines::Behind);
        };
        if end <= start {
            return Some(Lines::Before(at));
        }
        let end = match self.start_of(end) {
            // Without what ends the last line.
            Some(next) => {
                let line = &self.text[..next - 1];
                line.strip_suffix('\r').unwrap_or(line).len()
            }
            None => self.text.len(),
        };
        Some(Lines::Whole { start: at, end })
    }

    /// The byte at which a line begins, numbered from 0.
    fn start_of(&self, line: usize) -> Option<usize> {
        match line.checked_sub(1) {
            None => Some(0),
            Some(before) => self.text.match_indices('\n').nth(before).map(|(at, _)| at + 1),
        }
    }

    /// With one of the line ends around them, so that no empty line stays when they go.
    fn whole_lines(&self, start: usize, end: usize) -> (usize, usize) {
        match &self.text.as_bytes()[end..] {
            [b'\r', b'\n', ..] => (start, end + 2),
            [b'\n', ..] => (start, end + 1),
            _ => (self.without_last_eol(&self.text[..start]).len(), end),
        }
    }

    fn without_last_eol<'t>(&self, text: &'t str) -> &'t str {
        text.strip_suffix(self.eol).unwrap_or(text)
    }

    /// Models do not always keep to the line ends of the file.
    fn own_line_ends(&self, text: &str) -> String {
        let text = text.replace("\r\n", "\n");
        if self.eol == "\n" { text } else { text.replace('\n', self.eol) }
    }
}

/// What `new` has between what was before and behind the cursor.
fn between<'n>(new: &'n str, before: &str, behind: &str) -> Option<&'n str> {
    let rest = new.strip_prefix(before)?;
    match rest.strip_suffix(behind) {
        None if behind.trim_matches([' ', '\t']).is_empty() => Some(rest),
        inserted => inserted,
    }
}
