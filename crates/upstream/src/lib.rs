//! The Cursor backend as the gateway sees it.
//!
//! Each flow is a session: a machine that takes server messages and gives events for the client
//! and messages for the server, without async, clock or socket ([`agent`], [`chat`]). Around the
//! sessions: the identity headers, the meaning of errors, and the HTTP/2 transport. This crate
//! knows nothing of client dialects, account policy or storage.

mod account;
pub mod agent;
mod arguments;
mod backend;
pub mod chat;
mod classify;
mod completion;
mod envelope;
mod error;
mod identity;
mod ids;
pub mod login;
mod memory;
mod offer;
pub mod profile;
mod route;
mod session;
mod transcript;
pub mod transport;

pub use account::{NewTokens, ProfileParts, WebCredential};
pub use backend::{Backend, Endpoints, ModelQuery, built_in_models};
pub use classify::{classify, empty_answer, is_normal_end};
pub use completion::{
    CompletionEndpoints, CompletionStream, Cookies, EditorIdentity, MalformedCookie, Region,
    SetCookies,
};
pub use envelope::{EnvelopeDecoder, Frame, FrameError};
pub use error::{AnswerError, Deadline, UpstreamError};
pub use identity::{
    CallStamp, Caller, ChecksumAlphabet, ClientType, Identity, MachineIds, checksum,
};
pub use login::{LoginTokens, Pkce, PollSchedule, PollStep};
pub use memory::Memory;
pub use route::{Opening, Route};
pub use session::{Actions, ClientMessage, Flow, Session};
