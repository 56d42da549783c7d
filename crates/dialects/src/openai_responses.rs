//! OpenAI Responses: requests of `POST /v1/responses`, its streamed and whole answers, what is
//! kept of them for later requests, conversations made short, and its error bodies.
//!
//! The shapes are those of the public API reference and of the Open Responses specification,
//! whichever is stricter. A conversation is a flat list of items here; [`Request`] turns them
//! into messages. The server keeps the items of stored answers and hands them in as JSON texts.
//!
//! Reasoning is shown as summary text. Its seal travels in `encrypted_content`, together with the
//! text it belongs to, and is taken back from there.

mod body;
mod callable;
mod compaction;
mod decode;
mod error;
mod form;
mod frames;
mod item;
mod list;
mod stream;
mod usage;
mod wire;

pub use body::{Record, Status, Times, encode_whole, failed, response_id, unfinished};
pub use compaction::{CompactionForm, encode_compaction};
pub use decode::{Request, read};
pub use error::{error_body, unknown_previous_response, unknown_response};
pub use form::ReplyForm;
pub use list::{Order, Paging, deleted_body, input_items_body, input_tokens_body};
pub use stream::StreamEncoder;
