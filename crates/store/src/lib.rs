//! What outlives the process: accounts, proxies and client keys, behind one trait.
//!
//! The service keeps everything in memory; the store is read once at the start and told of every
//! change. A list of changes is one transaction: when [`Store::apply`] returns, all of it is
//! durable, and after a crash all of it or none of it is there. This crate knows no HTTP and no
//! protobuf.
//!
//! [`SqliteStore`] is the database of the product, [`MemoryStore`] the same contract without a
//! disk. Why rusqlite and not sqlx: there is one writer, nothing is queried while serving, and a
//! blocking library on one thread needs no pool, no macros and no second runtime
//! (`docs/decisions/0004-sqlite.md`).

mod change;
mod files;
mod key;
mod memory;
mod request_log;
mod secrets;
mod sqlite;

pub use change::{Change, Snapshot};
pub use key::KeySource;
pub use memory::MemoryStore;
pub use request_log::{LateRequestLog, MemoryRequestLog, RequestLog, SqliteRequestLog};
pub use sqlite::SqliteStore;

use std::future::Future;
use std::pin::Pin;

/// A boxed future, so that the trait can be an object.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A database.
///
/// Within one list of changes names may be held twice for a moment, so that two accounts can swap
/// their aliases; at its end every alias and every key's hash must be held once.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// Everything that is kept.
    ///
    /// # Errors
    /// The database cannot be read, or a secret cannot be decrypted.
    fn load(&self) -> StoreFuture<'_, Snapshot>;

    /// Makes the changes, in order, as one. Durable on return. When the future is dropped before
    /// it is ready, the changes may be made or not, but never in part.
    ///
    /// # Errors
    /// Nothing was changed.
    fn apply(&self, changes: Vec<Change>) -> StoreFuture<'_, ()>;
}

/// Why the store could not do it. Holds no secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk is full, the folder read-only, the file damaged.
    #[error("the database cannot be used: {0}")]
    Unavailable(String),
    /// The key is not the one that the database was written with.
    #[error("the database cannot be decrypted: {0}")]
    Key(String),
    /// Another process has it open.
    #[error("{0} is in use by another process")]
    InUse(String),
    /// Two records would have the same name.
    #[error("there is already {0}")]
    Conflict(String),
    /// A search would look at too much; a narrower one can be answered.
    #[error("the search takes too long; narrow it down")]
    TooBroad,
}

/// Fills a buffer with bytes that nobody can guess.
type Random = std::sync::Arc<dyn Fn(&mut [u8]) + Send + Sync>;
