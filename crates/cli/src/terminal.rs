//! What people read: results on standard output, complaints on standard error.

use std::io::Write as _;

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
        let _ = writeln!(out, "cursor-api: {line}");
    }
}

/// Prints a result; ready to be read by another program at once.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}
