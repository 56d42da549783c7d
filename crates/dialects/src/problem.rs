//! The sentences for bad input that all dialects share, in the words of the OpenAI API.

use conversation::Failure;

/// The part of a client's text that may be repeated to it.
pub(crate) fn shown(text: &str) -> String {
    const MAX: usize = 64;
    let mut shown: String = text.chars().take(MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

pub(crate) fn missing(path: impl Into<String>) -> Failure {
    let path = path.into();
    let message = format!("Missing required parameter: '{path}'.");
    Failure::invalid(path, message)
}

pub(crate) fn unsupported_value(path: impl Into<String>, found: &str, supported: &str) -> Failure {
    let message = format!("Invalid value: '{}'. Supported values are: {supported}.", shown(found));
    Failure::invalid(path, message)
}

/// A file that is named where its content is expected, in the field `instead`.
pub(crate) fn no_uploads(path: &str, instead: &str) -> Failure {
    let message = format!("Uploaded files are not supported: send the content as '{instead}'.");
    Failure::invalid(format!("{path}.file_id"), message)
}

/// The first of several texts of a client; that there are more is told by an ellipsis.
pub(crate) fn listed(texts: &[&str]) -> String {
    const MAX: usize = 8;
    let first: Vec<String> = texts.iter().take(MAX).map(|text| shown(text)).collect();
    let more = if texts.len() > MAX { ", …" } else { "" };
    first.join(", ") + more
}

pub(crate) fn empty(path: impl Into<String>) -> Failure {
    let path = path.into();
    let message = format!("Invalid '{path}': expected a text that is not empty.");
    Failure::invalid(path, message)
}

/// A name of a tool or of an output shape: letters, digits, `_` and `-`.
///
/// # Errors
/// Something else, nothing, or too much.
pub(crate) fn check_name(name: &str, path: &str) -> Result<(), Failure> {
    const MAX: usize = 128;
    let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if name.is_empty() || name.len() > MAX || !name.bytes().all(legal) {
        let message = format!(
            "Invalid '{path}': '{}' does not match the pattern '^[a-zA-Z0-9_-]{{1,{MAX}}}$'.",
            shown(name)
        );
        return Err(Failure::invalid(path, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_eight_short_texts_and_tells_that_there_are_more() {
        assert_eq!(listed(&["a", "b"]), "a, b");
        assert_eq!(listed(&["x"; 8]), ["x"; 8].join(", "));
        assert_eq!(listed(&["x"; 9]), ["x"; 8].join(", ") + ", …");
        assert_eq!(listed(&[&"y".repeat(65)]), "y".repeat(64) + "…");
    }
}
