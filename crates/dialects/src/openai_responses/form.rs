//! What an answer repeats of its request.

use super::callable::Callables;

/// How the answer is to be written, and what the server needs to know to keep it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReplyForm {
    pub stream: bool,
    /// Whether later requests may refer to the answer.
    pub store: bool,
    /// Whether the client wants to be answered at once and to ask for the result later.
    pub background: bool,
    /// The model as the client wrote it; echoed to it unchanged.
    pub model: String,
    /// The answer that this one continues.
    pub previous_response_id: Option<String>,
    /// The request's own input items as JSON, each with an id, in order. Empty when `store` is not
    /// set: then nothing can ask for them.
    pub input_items: Vec<String>,
    /// Whether reasoning items carry `encrypted_content`.
    pub(super) sealed: bool,
    pub(super) callables: Callables,
    /// The fields of the response object that only repeat the request: the inside of a JSON
    /// object, without braces. Long tool lists are written into three events of every stream.
    pub(super) echo: String,
}

impl crate::Form for ReplyForm {
    fn is_streamed(&self) -> bool {
        self.stream
    }
}
