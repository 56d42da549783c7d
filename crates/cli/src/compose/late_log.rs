//! The request log whose file cannot be opened at the start. What should be written fails, so that
//! it is counted and told as with a full disk; every try opens it anew, so that it recovers.

use std::path::PathBuf;

use accounts::UnixMs;
use request_log::{Entry, Page, Query, Retention, Size};
use store::{RequestLog, SqliteRequestLog, StoreError, StoreFuture};
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

#[derive(Debug)]
pub(super) struct LateLog {
    folder: PathBuf,
    log: OnceCell<SqliteRequestLog>,
}

impl LateLog {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, log: OnceCell::new() }
    }

    async fn open(&self) -> Result<&SqliteRequestLog, StoreError> {
        let open = || async {
            let folder = self.folder.clone();
            let opened = spawn_blocking(move || SqliteRequestLog::open(&folder)).await;
            opened.map_err(|error| StoreError::Unavailable(error.to_string()))?
        };
        self.log.get_or_try_init(open).await
    }
}

impl RequestLog for LateLog {
    fn put(&self, entries: Vec<Entry>) -> StoreFuture<'_, ()> {
        Box::pin(async { self.open().await?.put(entries).await })
    }

    fn find(&self, query: Query) -> StoreFuture<'_, Page> {
        Box::pin(async { self.open().await?.find(query).await })
    }

    fn read(&self, query: Query) -> StoreFuture<'_, Page> {
        Box::pin(async { self.open().await?.read(query).await })
    }

    fn size(&self) -> StoreFuture<'_, Size> {
        Box::pin(async { self.open().await?.size().await })
    }

    fn prune(&self, keep: Retention, now: UnixMs) -> StoreFuture<'_, u64> {
        Box::pin(async move { self.open().await?.prune(keep, now).await })
    }
}
