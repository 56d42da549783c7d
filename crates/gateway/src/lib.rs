//! What happens between a request and its answer.
//!
//! A turn is admitted, an account is leased, an attempt is driven, and everything is settled
//! exactly once, however it ended. Around that: the tokens of accounts and the model catalogue.
//! This crate knows no HTTP server, SQL, client JSON or protobuf.

mod account;
mod ambient;
mod answer;
mod attempt;
mod catalogue;
mod driver;
mod estimate;
mod lease;
mod service;
mod tokens;

pub use account::Account;
pub use ambient::Ambient;
pub use answer::Answer;
pub use catalogue::Catalogue;
pub use service::{Gateway, Options, Stats};
