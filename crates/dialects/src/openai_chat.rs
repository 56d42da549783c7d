//! OpenAI Chat Completions: requests of `POST /v1/chat/completions`, its streamed and whole
//! answers, its error bodies, and the model list of `GET /v1/models`.
//!
//! The shapes are those of the public API reference. Beyond it, reasoning is shown as
//! `reasoning_content`, which most clients read, and is taken back under the same name; the seal
//! of a reasoning block has no place in this dialect and is dropped.

mod decode;
mod error;
mod models;
mod reply;
mod stream;
mod wire;

pub use decode::decode;
pub use error::{ErrorWords, error_body, error_words, unknown_model};
pub use models::{model_body, models_body};
pub use reply::encode_whole;
pub use stream::StreamEncoder;

/// How the answer is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyForm {
    pub mode: Mode,
    /// The model as the client wrote it; echoed to it unchanged.
    pub model: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Whole,
    Stream {
        /// Whether a last chunk tells the usage.
        include_usage: bool,
    },
}
