//! Who asks, and what they may use.

use std::sync::Arc;

use accounts::{AccountId, Choice, KeyKind, KeyRecord, Region, UsageCheck};
use conversation::{Failure, FailureClass, Turn};
use request_log::Who;
use tokio_util::sync::CancellationToken;

use crate::keys::Meter;
use crate::transcript::ClientId;

/// What a caller may do.
#[derive(Debug, Clone)]
pub struct Grant {
    client: ClientId,
    is_operator: bool,
    pub(crate) choice: Choice,
    pub(crate) key: Option<KeyGrant>,
}

/// The key a caller came with.
#[derive(Debug, Clone)]
pub(crate) struct KeyGrant {
    pub(crate) record: Arc<KeyRecord>,
    pub(crate) meter: Arc<Meter>,
}

impl Grant {
    /// The administrator, served by the whole pool.
    #[must_use]
    pub fn operator(client: ClientId) -> Self {
        Self { client, is_operator: true, choice: Choice::Any, key: None }
    }

    /// The administrator, served by one account alone.
    #[must_use]
    pub fn pinned(client: ClientId, account: AccountId) -> Self {
        Self { client, is_operator: true, choice: Choice::One(account), key: None }
    }

    /// Somebody with the shared token.
    #[must_use]
    pub fn shared(client: ClientId) -> Self {
        Self { client, is_operator: false, choice: Choice::Any, key: None }
    }

    pub(crate) fn of_key(record: Arc<KeyRecord>, meter: Arc<Meter>) -> Self {
        let choice = match &record.kind {
            KeyKind::Built { account } => Choice::One(*account),
            KeyKind::Managed if record.limits.accounts.is_empty() => Choice::Any,
            KeyKind::Managed => Choice::Named(record.limits.accounts.clone()),
        };
        let client = ClientId::new(record.id.as_str());
        Self { client, is_operator: false, choice, key: Some(KeyGrant { record, meter }) }
    }

    #[must_use]
    pub fn client(&self) -> &ClientId {
        &self.client
    }

    /// Whether what is said is kept, if the key says so.
    pub(crate) fn logs_content(&self) -> Option<bool> {
        self.record().and_then(|record| record.options.log_content)
    }

    /// With what the caller came, for the request log.
    pub(crate) fn who(&self) -> Who {
        match &self.key {
            Some(key) => Who::Key(key.record.id.clone()),
            None if self.is_operator => Who::Operator,
            None => Who::Shared,
        }
    }

    /// Whether this is the administrator.
    #[must_use]
    pub fn is_operator(&self) -> bool {
        self.is_operator
    }

    /// Where this caller's code completion is asked for, if the key says so.
    #[must_use]
    pub fn region(&self) -> Option<Region> {
        self.record().and_then(|record| record.options.region)
    }

    pub(crate) fn record(&self) -> Option<&KeyRecord> {
        self.key.as_ref().map(|key| &*key.record)
    }

    /// Cancelled when the key is revoked; never for those who came without one.
    pub(crate) fn revocation(&self) -> CancellationToken {
        self.key.as_ref().map(|key| key.meter.revoked.clone()).unwrap_or_default()
    }

    /// Returns when the key is revoked; never for those who came without one.
    pub(crate) async fn revoked(&self) {
        match &self.key {
            Some(key) => key.meter.revoked.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// Whether the key is for such a turn.
    pub(crate) fn check(&self, turn: &Turn) -> Result<(), Failure> {
        let Some(record) = self.record() else { return Ok(()) };
        self.check_model(turn.model.as_str())?;
        if record.options.disable_vision && turn.images().next().is_some() {
            let text = "This API key does not take images.";
            return Err(Failure::invalid("messages", text));
        }
        Ok(())
    }

    /// # Errors
    /// The key is not for this model.
    pub fn check_model(&self, model: &str) -> Result<(), Failure> {
        if self.may_use_model(model) {
            return Ok(());
        }
        let text = format!("This API key may not use the model `{model}`.");
        let mut failure = Failure::new(FailureClass::Forbidden, text);
        failure.param = Some("model".to_owned());
        Err(failure)
    }

    /// Whether the key is for this model; also decides what its list of models shows.
    #[must_use]
    pub fn may_use_model(&self, model: &str) -> bool {
        self.record().is_none_or(|record| {
            let globs = &record.limits.models;
            globs.is_empty() || globs.iter().any(|glob| accounts::glob::matches(glob, model))
        })
    }

    /// Whether to ask what a turn of this model has cost; the settings' answer is `default`.
    pub(crate) fn looks_up_usage(&self, model: &str, default: bool) -> bool {
        match self.record().map(|record| &record.options.usage_check) {
            None | Some(UsageCheck::Default) => default,
            Some(UsageCheck::Disabled) => false,
            Some(UsageCheck::All) => true,
            Some(UsageCheck::Models(models)) => models.iter().any(|known| known == model),
        }
    }
}
