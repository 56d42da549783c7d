//! The accounts an operator puts in: what their credentials are, which one serves the next turn,
//! and who is resting after a failure.
//!
//! All of it is values and pure functions: no HTTP, SQL, protobuf, async or clock. The instant is
//! always an argument.

mod credential;
mod key;
mod roster;

pub use credential::{Claims, Credential, MalformedCredential, SessionToken, UserApiKey};
pub use key::ClientKey;
pub use roster::{Alias, Outcome, Roster, Verdict};
