//! Keeps the model list fresh.

use std::sync::Arc;
use std::time::Duration;

use conversation::{Failure, Model};
use upstream::{ModelQuery, classify};

use crate::account::Account;
use crate::grant::Grant;
use crate::lease::Purpose;
use crate::service::Inner;
use crate::transcript::ClientId;

/// Never returns. After a failure it comes back sooner, but not at once.
pub(crate) async fn keep_catalogue_fresh(inner: &Arc<Inner>) {
    const FIRST_PAUSE: Duration = Duration::from_secs(5);
    let mut pause = FIRST_PAUSE;
    loop {
        match inner.fetch_models().await {
            Ok(models) => {
                tracing::debug!(models, "model list fetched");
                pause = FIRST_PAUSE;
                let pause = inner.options().models_refresh;
                tokio::time::sleep(pause).await;
            }
            Err(failure) => {
                tracing::warn!(%failure, "model list not fetched; the last good one stays");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(inner.options().models_refresh);
            }
        }
    }
}

impl Inner {
    async fn fetch_models(self: &Arc<Self>) -> Result<usize, Failure> {
        let grant = Grant::operator(ClientId::new("catalogue"));
        let purpose = Purpose {
            grant: &grant,
            choice: &grant.choice,
            model: "",
            preferred: None,
            tried: &[],
        };
        let lease = self.lease(purpose).await?;
        let models = match self.models_of(lease.account()).await {
            Ok(models) => {
                self.signs.note_upstream(None);
                models
            }
            Err(failure) => {
                self.signs.note_upstream(Some(&failure));
                // The next try goes to another account, if this one is at fault.
                lease.failed(&failure);
                return Err(failure);
            }
        };
        let count = models.len();
        self.catalogue.replace(models);
        Ok(count)
    }

    async fn models_of(self: &Arc<Self>, account: &Arc<Account>) -> Result<Vec<Model>, Failure> {
        let bearer = self.bearer(account).await?;
        let caller = account.caller(bearer, self.ways.of_account(account)?);
        let query = ModelQuery::default();
        let models = self.backend.models(&caller, self.ambient.stamp(), &query);
        models.await.map_err(|error| classify(&error))
    }
}
