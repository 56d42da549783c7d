//! What `/keys/set` changes of a key: only what is named; `null` clears.

use accounts::{KeyLimits, KeyOptions, KeyRecord, UnixMs};
use gateway::{KeyInput, KeyOptionsInput};
use serde::Deserialize;

use super::key_json::{BudgetJson, UsageCheckModels, Wrong, expiry};
use super::shapes::present;

/// The body of `/keys/set`.
#[derive(Debug, Deserialize)]
pub(super) struct KeyChange {
    pub(super) id: String,
    #[serde(default, deserialize_with = "present")]
    name: Option<Option<String>>,
    /// RFC 3339.
    #[serde(default, deserialize_with = "present")]
    expires: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    expires_in: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    options: Option<Option<OptionsChange>>,
    #[serde(default, deserialize_with = "present")]
    limits: Option<Option<LimitsChange>>,
}

#[derive(Debug, Deserialize)]
struct OptionsChange {
    #[serde(default, alias = "proxy", deserialize_with = "present")]
    proxy_name: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    timezone: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    gcpp_host: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    disable_vision: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    enable_slow_pool: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    include_web_references: Option<Option<bool>>,
    #[serde(default, deserialize_with = "present")]
    usage_check_models: Option<Option<UsageCheckModels>>,
    #[serde(default, deserialize_with = "present")]
    log_content: Option<Option<bool>>,
}

#[derive(Debug, Deserialize)]
struct LimitsChange {
    #[serde(default, deserialize_with = "present")]
    models: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    accounts: Option<Option<Vec<String>>>,
    #[serde(default, deserialize_with = "present")]
    requests_per_minute: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    tokens_per_minute: Option<Option<u64>>,
    #[serde(default, deserialize_with = "present")]
    concurrency: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    budget: Option<Option<BudgetJson>>,
}

impl KeyChange {
    /// The whole key as it is to be.
    pub(super) fn into_input(self, before: &KeyRecord, now: UnixMs) -> Result<KeyInput, Wrong> {
        let expires = match (self.expires, self.expires_in) {
            (None, None) => before.expires,
            (at, seconds) => expiry(at.flatten().as_deref(), seconds.flatten(), now)?,
        };
        Ok(KeyInput {
            name: self.name.unwrap_or_else(|| Some(before.name.clone())),
            expires,
            options: match self.options {
                Some(None) => KeyOptionsInput::default(),
                Some(Some(change)) => change.over(kept(&before.options))?,
                None => kept(&before.options),
            },
            limits: match self.limits {
                Some(None) => KeyLimits::default(),
                Some(Some(change)) => change.over(before.limits.clone()),
                None => before.limits.clone(),
            },
        })
    }
}

/// Options as somebody would write them down who wants what is there.
fn kept(options: &KeyOptions) -> KeyOptionsInput {
    KeyOptionsInput {
        proxy: options.proxy.as_ref().map(ToString::to_string),
        timezone: options.timezone.clone(),
        region: options.region.map(|region| region.as_str().to_owned()),
        disable_vision: Some(options.disable_vision),
        slow_pool: options.slow_pool,
        web_references: options.web_references,
        usage_check: Some(options.usage_check.clone()),
        log_content: options.log_content,
    }
}

impl OptionsChange {
    fn over(self, before: KeyOptionsInput) -> Result<KeyOptionsInput, Wrong> {
        Ok(KeyOptionsInput {
            proxy: self.proxy_name.unwrap_or(before.proxy),
            timezone: self.timezone.unwrap_or(before.timezone),
            region: self.gcpp_host.unwrap_or(before.region),
            disable_vision: self.disable_vision.unwrap_or(before.disable_vision),
            slow_pool: self.enable_slow_pool.unwrap_or(before.slow_pool),
            web_references: self.include_web_references.unwrap_or(before.web_references),
            usage_check: match self.usage_check_models {
                Some(models) => models.map(|models| models.read()).transpose()?,
                None => before.usage_check,
            },
            log_content: self.log_content.unwrap_or(before.log_content),
        })
    }
}

impl LimitsChange {
    fn over(self, before: KeyLimits) -> KeyLimits {
        let list = |change: Option<Option<Vec<String>>>, before| {
            change.map_or(before, Option::unwrap_or_default)
        };
        KeyLimits {
            models: list(self.models, before.models),
            accounts: list(self.accounts, before.accounts),
            requests_per_minute: self.requests_per_minute.unwrap_or(before.requests_per_minute),
            tokens_per_minute: self.tokens_per_minute.unwrap_or(before.tokens_per_minute),
            concurrency: self.concurrency.unwrap_or(before.concurrency),
            budget: match self.budget {
                Some(budget) => budget.map(Into::into),
                None => before.budget,
            },
        }
    }
}
