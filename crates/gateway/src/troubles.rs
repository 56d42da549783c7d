//! What is wrong with the gateway while it goes on serving: signs that health shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use accounts::ProxyName;
use conversation::{Failure, FailureClass, Scope};
use store::{Change, Snapshot, Store, StoreError, StoreFuture};

use crate::service::{Gateway, Inner};

/// Something that is wrong now, and of which requests may not know yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// The last change could not be written; changes are lost with the process.
    Store,
    /// The request log could not be written the last time; entries are dropped and counted.
    RequestLog,
    /// No account of the pool could take a request now.
    NoAccounts,
    /// The model list was never fetched; the built-in one stands in.
    Models,
    /// The upstream could not be asked the last time.
    Upstream,
}

impl Trouble {
    /// For people and programs; does not change between versions.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::RequestLog => "request_log",
            Self::NoAccounts => "no_accounts",
            Self::Models => "models",
            Self::Upstream => "upstream",
        }
    }
}

/// What was noticed last.
#[derive(Debug, Default)]
pub(crate) struct Signs {
    store_failed: AtomicBool,
    upstream_failed: AtomicBool,
}

impl Signs {
    /// How a question to the upstream ended.
    pub(crate) fn note_upstream(&self, failure: Option<&Failure>) {
        let failed = failure.is_some_and(|failure| {
            // An account that is refused was refused by an upstream that is there.
            failure.scope == Scope::Network
                || matches!(
                    failure.class,
                    FailureClass::UpstreamFailed | FailureClass::Timeout | FailureClass::Overloaded
                )
        });
        self.upstream_failed.store(failed, Ordering::Relaxed);
    }

    fn note_store(&self, result: &Result<(), StoreError>) {
        match result {
            Ok(()) => self.store_failed.store(false, Ordering::Relaxed),
            Err(StoreError::Unavailable(_) | StoreError::Key(_) | StoreError::InUse(_)) => {
                self.store_failed.store(true, Ordering::Relaxed);
            }
            // It could have been written, had it made sense.
            Err(StoreError::Conflict(_) | StoreError::TooBroad) => {}
        }
    }
}

/// A store whose failures are noted, whoever writes.
#[derive(Debug)]
pub(crate) struct Watched {
    store: Arc<dyn Store>,
    signs: Arc<Signs>,
}

impl Watched {
    pub(crate) fn over(store: Arc<dyn Store>, signs: &Arc<Signs>) -> Arc<dyn Store> {
        Arc::new(Self { store, signs: Arc::clone(signs) })
    }
}

impl Store for Watched {
    fn load(&self) -> StoreFuture<'_, Snapshot> {
        self.store.load()
    }

    fn apply(&self, changes: Vec<Change>) -> StoreFuture<'_, ()> {
        Box::pin(async {
            let result = self.store.apply(changes).await;
            self.signs.note_store(&result);
            result
        })
    }
}

impl Gateway {
    /// What is wrong now; without waiting, in a fixed order.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        let inner = self.inner();
        let signs = [
            (Trouble::Store, inner.signs.store_failed.load(Ordering::Relaxed)),
            (Trouble::RequestLog, inner.recorder.stats().is_failing),
            (Trouble::NoAccounts, !inner.book.roster().can_serve(inner.now())),
            (Trouble::Models, !self.catalogue().is_live()),
            (Trouble::Upstream, inner.signs.upstream_failed.load(Ordering::Relaxed)),
        ];
        signs.into_iter().filter_map(|(trouble, is)| is.then_some(trouble)).collect()
    }

    /// Writes something that is there already, so that it is known whether the store can.
    ///
    /// # Errors
    /// It cannot.
    pub async fn try_store(&self) -> Result<(), StoreError> {
        self.inner().try_store().await
    }
}

impl Inner {
    async fn try_store(&self) -> Result<(), StoreError> {
        let _alone = self.ways.changing.lock().await;
        let general: ProxyName = self.ways.table().general.clone();
        self.book.store.apply(vec![Change::SetGeneralProxy(Some(general))]).await
    }

    /// Who is not asked any more because the store fails must see by himself when it is well again.
    pub(crate) async fn retry_store(&self) {
        if self.signs.store_failed.load(Ordering::Relaxed) && self.try_store().await.is_ok() {
            tracing::info!("the store can be written again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_account_says_that_the_upstream_is_there() {
        let signs = Signs::default();
        let failed = |signs: &Signs| signs.upstream_failed.load(Ordering::Relaxed);
        let refused = Failure::new(FailureClass::AccountRejected, "x").scope(Scope::Account);
        signs.note_upstream(Some(&refused));
        assert!(!failed(&signs));
        let lost = Failure::new(FailureClass::UpstreamFailed, "x").scope(Scope::Network);
        signs.note_upstream(Some(&lost));
        assert!(failed(&signs));
        signs.note_upstream(None);
        assert!(!failed(&signs));
    }

    #[test]
    fn a_conflict_says_nothing_of_the_store() {
        let signs = Signs::default();
        signs.note_store(&Err(StoreError::Unavailable("disk full".into())));
        signs.note_store(&Err(StoreError::Conflict("an alias".into())));
        assert!(signs.store_failed.load(Ordering::Relaxed));
        signs.note_store(&Ok(()));
        assert!(!signs.store_failed.load(Ordering::Relaxed));
    }
}
