//! The request log that may come late: while its file cannot be opened every call fails, and now
//! and then one of them tries again.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use accounts::UnixMs;
use request_log::{Entry, Page, Query, Retention, Size};

use super::{RequestLog, SqliteRequestLog};
use crate::{StoreError, StoreFuture};

/// Between two attempts, at least.
const PAUSE: Duration = Duration::from_secs(10);

/// A [`SqliteRequestLog`] that need not be there at the start: a disk that was full, read-only or
/// not yet mounted. Its calls are `Unavailable` until the file can be opened, and work from then on.
#[derive(Debug)]
pub struct LateRequestLog {
    late: Arc<Late>,
}

#[derive(Debug)]
struct Late {
    dir: PathBuf,
    pause: Duration,
    log: OnceLock<SqliteRequestLog>,
    failed: Mutex<Failed>,
}

/// The last attempt that failed.
#[derive(Debug, Default)]
struct Failed {
    at: Option<Instant>,
    reason: String,
    /// Another one is under way.
    is_trying: bool,
}

impl LateRequestLog {
    /// Opens the log as [`SqliteRequestLog::open`] does. If that fails the reason is logged, once,
    /// and later calls try again, ten seconds apart. Blocks.
    #[must_use]
    pub fn open(dir: &Path) -> Self {
        Self::open_with_pause(dir, PAUSE)
    }

    /// As [`Self::open`], with another time between two attempts.
    #[must_use]
    pub fn open_with_pause(dir: &Path, pause: Duration) -> Self {
        let late = Late {
            dir: dir.to_owned(),
            pause,
            log: OnceLock::new(),
            failed: Mutex::new(Failed { is_trying: true, ..Failed::default() }),
        };
        late.attempt();
        Self { late: Arc::new(late) }
    }

    /// The log, once there is one.
    async fn log(&self) -> Result<&SqliteRequestLog, StoreError> {
        if self.late.log.get().is_none() && self.late.begins() {
            let late = Arc::clone(&self.late);
            // When the caller goes away the attempt goes on, and serves the next one. A panic is
            // reported by the hook.
            let _ = tokio::task::spawn_blocking(move || late.attempt()).await;
        }
        let log = self.late.log.get();
        log.ok_or_else(|| StoreError::Unavailable(self.late.failed().reason.clone()))
    }
}

impl Late {
    fn failed(&self) -> MutexGuard<'_, Failed> {
        // No change stops half-way, so a panic leaves a whole state behind.
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the caller is the one to try.
    fn begins(&self) -> bool {
        let mut failed = self.failed();
        let is_due = failed.at.is_none_or(|at| at.elapsed() >= self.pause);
        // The one before may have succeeded since the caller looked; a file is opened once.
        let begins = is_due && !failed.is_trying && self.log.get().is_none();
        failed.is_trying |= begins;
        begins
    }

    /// Blocks. One at a time.
    fn attempt(&self) {
        // Also when opening panics the next attempt is not the last one.
        let _ended = Ended(self);
        let error = match SqliteRequestLog::open(&self.dir) {
            Ok(log) => {
                let is_late = self.failed().at.is_some();
                // There is one attempt at a time, and none after one that succeeded.
                if self.log.set(log).is_ok() && is_late {
                    tracing::info!("the request log can be opened now; requests are kept");
                }
                return;
            }
            Err(error) => error,
        };
        let mut failed = self.failed();
        if failed.at.is_none() {
            tracing::error!(%error, "the request log cannot be opened; nothing is kept of requests until it can");
        } else {
            tracing::debug!(%error, "the request log still cannot be opened");
        }
        failed.at = Some(Instant::now());
        failed.reason = match error {
            StoreError::Unavailable(reason) => reason,
            other @ (StoreError::Key(_)
            | StoreError::InUse(_)
            | StoreError::Conflict(_)
            | StoreError::TooBroad) => other.to_string(),
        };
    }
}

/// Lets the next attempt begin.
struct Ended<'a>(&'a Late);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.failed().is_trying = false;
    }
}

impl RequestLog for LateRequestLog {
    fn put(&self, entries: Vec<Entry>) -> StoreFuture<'_, ()> {
        Box::pin(async { self.log().await?.put(entries).await })
    }

    fn find(&self, query: Query) -> StoreFuture<'_, Page> {
        Box::pin(async { self.log().await?.find(query).await })
    }

    fn read(&self, query: Query) -> StoreFuture<'_, Page> {
        Box::pin(async { self.log().await?.read(query).await })
    }

    fn size(&self) -> StoreFuture<'_, Size> {
        Box::pin(async { self.log().await?.size().await })
    }

    fn prune(&self, keep: Retention, now: UnixMs) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.log().await?.prune(keep, now).await })
    }
}
