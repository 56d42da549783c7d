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
mod counting;
mod driver;
mod estimate;
mod format;
mod formatted;
mod lease;
mod memories;
mod route;
mod service;
mod suspended;
mod tokens;
mod transcript;

pub use account::Account;
pub use ambient::Ambient;
pub use answer::Answer;
pub use catalogue::Catalogue;
pub use counting::Counted;
pub use estimate::estimate_input;
pub use memories::MemoryOptions;
pub use service::{Ask, Gateway, Options, Stats};
pub use suspended::SuspendOptions;
pub use transcript::ClientId;
