//! What outlives the process: accounts, proxies and client keys, behind one trait.
//!
//! The service keeps everything in memory; the store is read once at the start and told of every
//! change. A list of changes is one transaction: when [`Store::apply`] returns, all of it is
//! durable, and after a crash all of it or none of it is there. This crate knows no HTTP and no
//! protobuf.

mod change;

pub use change::{Change, Snapshot};

use std::future::Future;
use std::pin::Pin;

/// A boxed future, so that the trait can be an object.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// A database.
pub trait Store: std::fmt::Debug + Send + Sync + 'static {
    /// Everything that is kept.
    ///
    /// # Errors
    /// The database cannot be read, or a secret cannot be decrypted.
    fn load(&self) -> StoreFuture<'_, Snapshot>;

    /// Makes the changes, in order, as one. Durable on return.
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
}
