//! A simulated Cursor backend that speaks the real wire protocol.
//!
//! It exists so that the gateway can be tested and shown without a network and without an
//! account. What it answers is decided by the prompt alone (`reference/simulator-scenarios.md`);
//! how it answers follows the captures (`reference/upstream-protocol.md`). It shares no protocol
//! code with our client: framing, compression, error details and both chat flows are its own, on
//! plain hyper. It is no model of the real server's quality, limits or billing.

mod account;
mod agent;
mod body;
mod call;
mod chat;
mod completion;
mod config;
mod control;
mod envelope;
mod failure;
mod filesync;
mod gzip;
mod head;
mod inbox;
mod link;
mod models;
mod player;
mod reply;
mod route;
mod script;
mod server;
mod state;
pub mod tokens;
mod unary;
mod view;
mod wire;

pub use account::profile::{Privacy, ProfileOverrides};
pub use completion::CompletionFate;
pub use config::{Config, HistorySource, Tls, TlsError};
pub use control::{AccountBehaviour, CallOutcome, CallRecord, Control};
pub use filesync::cookies::{BalancerCookies, SentCookies};
pub use filesync::store::SyncedFile;
pub use models::{Listed, Model, models};
pub use server::Simulator;
pub use state::TagCounts;
