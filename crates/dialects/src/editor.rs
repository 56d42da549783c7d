//! The editor's own API: `/cpp/config`, `/cpp/models`, `/cpp/stream`, `/file/upload` and
//! `/file/sync`, as the gateway document (`spec/v0.4-readme.md`) has them.
//!
//! Request JSON becomes the types of [`conversation::completion`]; answers become bodies and
//! server-sent events. What the document lets a client leave out may be missing or `null`, and so
//! may whatever has a natural default. `file_git_context` of the current file has no place
//! upstream: it is checked, left out, and reported as ignored. `/cpp/models` has no request body.

mod answer;
mod error;
mod fields;
mod read;
mod stream;

pub use answer::{config_body, models_body, outcome_body};
pub use error::error_body;
pub use stream::StreamEncoder;

use conversation::Failure;
use conversation::completion::{CompletionConfigQuery, CompletionRequest, FileSync, FileUpload};

use crate::Ignored;

/// A request that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<T> {
    pub request: T,
    pub ignored: Ignored,
}

/// Reads the body of `POST /cpp/stream`.
///
/// # Errors
/// The body is not JSON, or a field is wrong: then the failure names it with its whole path
/// (`current_file.diagnostics[2].severity`).
pub fn decode_stream(body: &[u8]) -> Result<Decoded<CompletionRequest>, Failure> {
    read::decode(body)
}

/// Reads the body of `POST /cpp/config`.
///
/// # Errors
/// As for [`decode_stream`].
pub fn decode_config(body: &[u8]) -> Result<Decoded<CompletionConfigQuery>, Failure> {
    read::decode(body)
}

/// Reads the body of `POST /file/upload`.
///
/// # Errors
/// As for [`decode_stream`].
pub fn decode_upload(body: &[u8]) -> Result<Decoded<FileUpload>, Failure> {
    read::decode(body)
}

/// Reads the body of `POST /file/sync`.
///
/// # Errors
/// As for [`decode_stream`].
pub fn decode_sync(body: &[u8]) -> Result<Decoded<FileSync>, Failure> {
    read::decode(body)
}
