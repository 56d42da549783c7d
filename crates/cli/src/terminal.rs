//! What people read and are asked: results on standard output, complaints and questions on standard
//! error.

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};

/// Settings or arguments that cannot be used; the program ends with code 2.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

/// One line, or several, each with the program's name.
pub(crate) fn complain(text: &str) {
    let mut out = std::io::stderr().lock();
    for line in text.lines() {
        // Nobody is left to be told when standard error is closed.
        let _ = writeln!(out, "cursor-api: {}", plain(line));
    }
}

/// Prints a result; ready to be read by another program at once.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Without what would steer a terminal: some texts are the upstream's, or from a file.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(crate) fn stdin_is_terminal() -> bool {
    std::io::stdin().is_terminal()
}

/// Asks; only `y` or `yes` is a yes.
pub(crate) fn confirm(question: &str) -> bool {
    let answer = ask_line(&format!("{question} [y/N] "));
    answer.is_ok_and(|answer| ["y", "yes"].contains(&answer.trim().to_ascii_lowercase().as_str()))
}

/// A line typed in. What is typed is seen.
///
/// # Errors
/// Standard input cannot be read, or the line is longer than any answer.
pub(crate) fn ask_line(question: &str) -> std::io::Result<String> {
    const LONGEST: u64 = 64 << 10;
    let mut out = std::io::stderr().lock();
    let _ = write!(out, "{}", plain(question));
    let _ = out.flush();
    drop(out);
    let mut line = String::new();
    std::io::stdin().lock().take(LONGEST).read_line(&mut line)?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\r\nc\u{9b}d"), "a [31mb  c d");
    }
}
