//! OpenAI Chat Completions: requests of `POST /v1/chat/completions`, its streamed and whole
//! answers, its error bodies, and the model list of `GET /v1/models`.
//!
//! The shapes are those of the public API reference. Beyond it, reasoning is shown as
//! `reasoning_content`, which most clients read, and is taken back under the same name. The seal
//! of a reasoning block goes out in `reasoning_details`, which some clients hand back; an answer
//! without seals does not have that field.

mod decode;
mod error;
pub(crate) mod fields;
mod models;
pub(crate) mod reply;
mod stream;
pub(crate) mod usage;
mod wire;

use std::collections::BTreeSet;

pub use decode::decode;
pub(crate) use error::error_body_in;
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
    pub calls: CallForm,
}

impl crate::Form for ReplyForm {
    fn is_streamed(&self) -> bool {
        matches!(self.mode, Mode::Stream { .. })
    }
}

/// How the model's calls are shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallForm {
    /// As `tool_calls`.
    Tools {
        /// Names of the tools that take free text instead of JSON.
        custom: BTreeSet<String>,
    },
    /// As `function_call`, from before there were tools. A message has room for one: when the
    /// model makes more in one answer, only the first is shown, and the model can ask again.
    Function,
}

impl Default for CallForm {
    fn default() -> Self {
        Self::Tools { custom: BTreeSet::new() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Whole,
    Stream {
        /// Whether a last chunk tells the usage.
        include_usage: bool,
    },
}
