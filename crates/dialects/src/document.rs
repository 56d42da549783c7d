//! Documents that come as data: nothing here reads any other kind than text.

use conversation::{Failure, File};

use crate::picture::DataUri;

/// The text of a document.
///
/// # Errors
/// It is no text.
pub(crate) fn text(bytes: Vec<u8>, path: &str) -> Result<String, Failure> {
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0')).ok_or_else(|| {
        Failure::invalid(path, "Only documents of plain text (UTF-8) are supported.")
    })
}

/// The document in `data`, a data URI.
///
/// # Errors
/// It is no such URI, holds more than `max_bytes`, or is no text.
pub(crate) fn file(
    name: Option<String>,
    data: &str,
    max_bytes: usize,
    path: &str,
) -> Result<File, Failure> {
    let Some(uri) = DataUri::parse(data) else {
        let message = "Expected a base64-encoded data URI such as 'data:text/plain;base64,aGk='.";
        return Err(Failure::invalid(path, message));
    };
    let text = text(uri.decode(max_bytes, path)?, path)?;
    let mime_type = if uri.media_type.is_empty() { "text/plain" } else { uri.media_type };
    Ok(File {
        name: name.unwrap_or_else(|| "document.txt".to_owned()),
        mime_type: mime_type.to_ascii_lowercase(),
        text,
    })
}
