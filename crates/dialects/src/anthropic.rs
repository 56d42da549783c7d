//! Anthropic Messages: requests of `POST /v1/messages` and of its `count_tokens`, streamed and
//! whole answers, error bodies, and the model list as Anthropic's SDKs read it.
//!
//! The shapes are those of the public API reference. Thinking comes with the provider's seal as
//! its `signature`; where there is no seal, a fixed marker stands in its place (see `seal`).

mod decode;
mod error;
mod models;
mod reply;
mod seal;
mod stream;
mod wire;

pub use decode::{decode, decode_count};
pub use error::{error_body, error_type};
pub use models::{Page, model_body, models_body};
pub use reply::{count_body, encode_whole};
pub use stream::StreamEncoder;

/// How the answer is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyForm {
    /// Whether the answer is a stream of events.
    pub stream: bool,
    /// The model as the client wrote it; echoed to it unchanged.
    pub model: String,
    /// Whether the client wants thinking blocks without their text. The signature then carries
    /// the text as well, so that nothing is lost when it comes back.
    pub omits_thinking: bool,
}

impl crate::Form for ReplyForm {
    fn is_streamed(&self) -> bool {
        self.stream
    }
}
