//! Where entries of the request log are kept: apart from everything else, so that neither a full
//! log nor a slow query holds up what must be durable.

mod columns;
mod decode;
mod encode;
mod file;
mod filter;
mod late;
mod memory;
mod prune;
mod search;
mod sqlite;
mod trouble;
mod words;
mod write;

pub use late::LateRequestLog;
pub use memory::MemoryRequestLog;
pub use sqlite::SqliteRequestLog;

use accounts::UnixMs;
use request_log::{Entry, Page, Query, Retention, Size};

use crate::StoreFuture;

/// What the entries of one page take, at most, unless it is a single one.
const MOST_BYTES: usize = 16 << 20;

/// A request log.
pub trait RequestLog: std::fmt::Debug + Send + Sync + 'static {
    /// Puts entries in; one whose id is there already replaces it. All or none, and safe from a
    /// crash of the process on return.
    ///
    /// # Errors
    /// The disk is full or read-only, or the file is damaged; nothing was put in.
    fn put(&self, entries: Vec<Entry>) -> StoreFuture<'_, ()>;

    /// One page, and how many entries the filter leaves in all. A page of large entries ends before
    /// its limit; [`Page::next`] goes on behind its last one, as ever.
    ///
    /// # Errors
    /// `TooBroad` when it would take too long; `Unavailable` when the file cannot be read.
    fn find(&self, query: Query) -> StoreFuture<'_, Page>;

    /// One page without counting the others: [`Page::total`] is zero. For exports.
    ///
    /// # Errors
    /// As [`Self::find`].
    fn read(&self, query: Query) -> StoreFuture<'_, Page>;

    /// How much there is.
    ///
    /// # Errors
    /// The file cannot be read.
    fn size(&self) -> StoreFuture<'_, Size>;

    /// Takes the oldest entries out until the bounds hold; gives how many went.
    ///
    /// # Errors
    /// The file cannot be written.
    fn prune(&self, keep: Retention, now: UnixMs) -> StoreFuture<'_, u64>;
}
