//! The clients' side of the house: request bytes become a [`conversation::Turn`], events of an
//! answer become the frames and bodies of the client's own API.
//!
//! Every dialect of conversation is a module with `decode`, a [`Encoder`] for streams, a function
//! for whole replies and one for error bodies. What they share stands beside them: JSON text, wire
//! structs, image checks, rules for parts and tools, the list of ignored fields. There is no HTTP,
//! async, clock or randomness here; the time of an answer is an argument and its id is that of its
//! first event. The [`editor`] does not converse: it has requests and answers of its own.

pub mod anthropic;
mod document;
pub mod editor;
mod encoder;
mod freeform;
mod ignored;
mod json;
pub mod openai_chat;
pub mod openai_completions;
pub mod openai_responses;
mod parts;
mod picture;
mod problem;
mod sealed;
mod tools;
mod wire;

pub use encoder::Encoder;
pub use ignored::Ignored;
pub use picture::{ImagePolicy, Images};

/// How a client wants its answer.
pub trait Form {
    /// Whether as a stream.
    fn is_streamed(&self) -> bool;
}

/// Result of decoding a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded<F> {
    pub turn: conversation::Turn,
    /// What only this dialect's encoder needs to know.
    pub form: F,
    pub ignored: Ignored,
    /// URLs of pictures that are not in [`Images::fetched`] yet. While there are any the turn is
    /// incomplete: fetch them and decode once more.
    pub wanted: Vec<String>,
}
