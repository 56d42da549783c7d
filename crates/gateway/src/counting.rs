//! How many tokens a request has: counted by the upstream on the flow that can, else estimated.

use std::sync::Arc;
use std::time::Duration;

use conversation::{Failure, FailureClass};
use upstream::{Flow, Route, classify};

use crate::estimate::estimate_input;
use crate::lease::Purpose;
use crate::route;
use crate::service::{Ask, Gateway, Inner};

/// A count waits for the upstream this long; then the estimate has to do.
const PATIENCE: Duration = Duration::from_secs(5);

/// The tokens of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    pub tokens: u64,
    /// Whether the upstream counted; otherwise it is an estimate.
    pub exact: bool,
}

impl Gateway {
    /// # Errors
    /// Too much is in progress, or the upstream's list has no such model. A turn would be passed on all the same, for the
    /// upstream to decide; nobody decides about an estimate.
    pub async fn count_tokens(&self, ask: Ask) -> Result<Counted, Failure> {
        let resolved = route::resolve(&ask.turn, self.catalogue());
        if resolved.model.is_none() && self.catalogue().is_live() {
            let text = format!("The model `{}` does not exist.", ask.turn.model);
            return Err(Failure::new(FailureClass::UnknownModel, text));
        }
        ask.grant.check(&ask.turn)?;
        let _running = self.admit()?;
        let told = tokio::time::timeout(PATIENCE, self.inner().ask_count(&ask, &resolved.route));
        match told.await {
            Ok(Ok(Some(tokens))) => return Ok(Counted { tokens, exact: true }),
            Ok(Ok(None)) => {}
            Ok(Err(failure)) => tracing::debug!(%failure, "the upstream did not count"),
            Err(_) => tracing::debug!("the upstream did not count in time"),
        }
        Ok(Counted { tokens: estimate_input(&ask.turn), exact: false })
    }
}

impl Inner {
    /// `None` on a flow that cannot count.
    async fn ask_count(self: &Arc<Self>, ask: &Ask, route: &Route) -> Result<Option<u64>, Failure> {
        let Ask { grant, turn, .. } = ask;
        let model = route.model.as_str();
        let purpose = Purpose { grant, choice: &grant.choice, model, preferred: None, tried: &[] };
        let lease = self.lease(purpose).await?;
        let account = lease.account();
        match account.flow(self.options().flow) {
            Flow::Agent => Ok(None),
            Flow::Chat => {
                let bearer = self.bearer(account).await?;
                let caller = self.caller(account, bearer, grant)?;
                let counted =
                    self.backend.count_tokens(&caller, self.ambient.stamp(), turn, route).await;
                counted.map_err(|error| classify(&error))
            }
        }
    }
}
