//! The older OpenAI Completions, `POST /v1/completions`, over models that only converse: the prompt
//! becomes one message, and the model is told to go on with it.
//!
//! A request with a `suffix` asks for the text between two others. No conversation is needed for
//! that: it becomes an [`Insertion`], a completion as an editor asks for it, and a [`Splice`]
//! makes an answer of the edits that come back.
//!
//! Reasoning is not part of the text and has no place in this dialect, so it is left out. Errors
//! are those of [`crate::openai_chat::error_body`].

mod decode;
mod insertion;
mod reply;
mod splice;
mod stream;

pub use decode::{Request, decode, read};
pub use insertion::Insertion;
pub use reply::encode_whole;
pub use splice::Splice;
pub use stream::StreamEncoder;

use crate::openai_chat::Mode;

/// How the answer is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyForm {
    pub mode: Mode,
    /// The model as the client wrote it; echoed to it unchanged.
    pub model: String,
    /// What stands in front of the answer's text: the prompt, when the client asked for that.
    pub echo: Option<String>,
}

impl crate::Form for ReplyForm {
    fn is_streamed(&self) -> bool {
        matches!(self.mode, Mode::Stream { .. })
    }
}
