//! Client keys as JSON: what `/keys/*` and `/build-key` take and show.

use std::time::Duration;

use accounts::{Budget, KeyKind, KeyLimits, KeyOptions, KeyRecord, Period, UnixMs, UsageCheck};
use gateway::{KeyInput, KeyOptionsInput, KeyView};
use serde::{Deserialize, Serialize};

use super::times;

/// Why a body cannot be used: field and reason.
pub(super) type Wrong = (&'static str, &'static str);

/// How the requests of a key are served.
#[derive(Debug, Default, Deserialize)]
pub(super) struct OptionsIn {
    #[serde(alias = "proxy")]
    pub(super) proxy_name: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) gcpp_host: Option<String>,
    pub(super) disable_vision: Option<bool>,
    pub(super) enable_slow_pool: Option<bool>,
    pub(super) include_web_references: Option<bool>,
    pub(super) usage_check_models: Option<UsageCheckModels>,
}

/// For which models usage is looked up.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct UsageCheckModels {
    #[serde(rename = "type")]
    kind: UsageCheckKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_ids: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum UsageCheckKind {
    Default,
    Disabled,
    All,
    Custom,
}

impl UsageCheckModels {
    fn read(&self) -> Result<UsageCheck, Wrong> {
        let ids = self.model_ids.as_deref().unwrap_or_default();
        match self.kind {
            UsageCheckKind::Default => Ok(UsageCheck::Default),
            UsageCheckKind::Disabled => Ok(UsageCheck::Disabled),
            UsageCheckKind::All => Ok(UsageCheck::All),
            UsageCheckKind::Custom => {
                let ids = ids.split(',').map(str::trim).filter(|id| !id.is_empty());
                let ids: Vec<String> = ids.map(str::to_owned).collect();
                if ids.is_empty() {
                    return Err(("usage_check_models.model_ids", "expected at least one model"));
                }
                Ok(UsageCheck::Models(ids))
            }
        }
    }

    fn show(check: &UsageCheck) -> Self {
        let (kind, model_ids) = match check {
            UsageCheck::Default => (UsageCheckKind::Default, None),
            UsageCheck::Disabled => (UsageCheckKind::Disabled, None),
            UsageCheck::All => (UsageCheckKind::All, None),
            UsageCheck::Models(ids) => (UsageCheckKind::Custom, Some(ids.join(","))),
        };
        Self { kind, model_ids }
    }
}

impl OptionsIn {
    pub(super) fn into_input(self) -> Result<KeyOptionsInput, Wrong> {
        Ok(KeyOptionsInput {
            proxy: self.proxy_name,
            timezone: self.timezone,
            region: self.gcpp_host,
            disable_vision: self.disable_vision,
            slow_pool: self.enable_slow_pool,
            web_references: self.include_web_references,
            usage_check: self.usage_check_models.map(|models| models.read()).transpose()?,
        })
    }
}

/// What a key may do, and how much.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(super) struct LimitsJson {
    #[serde(default, deserialize_with = "or_default")]
    models: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    accounts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    requests_per_minute: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tokens_per_minute: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    concurrency: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetJson>,
}

#[derive(Debug, Deserialize, Serialize)]
struct BudgetJson {
    tokens: u64,
    period: PeriodJson,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum PeriodJson {
    Day,
    Month,
    Ever,
}

impl From<LimitsJson> for KeyLimits {
    fn from(json: LimitsJson) -> Self {
        Self {
            models: json.models,
            accounts: json.accounts,
            requests_per_minute: json.requests_per_minute,
            tokens_per_minute: json.tokens_per_minute,
            concurrency: json.concurrency,
            budget: json.budget.map(|BudgetJson { tokens, period }| Budget {
                tokens,
                period: match period {
                    PeriodJson::Day => Period::Day,
                    PeriodJson::Month => Period::Month,
                    PeriodJson::Ever => Period::Ever,
                },
            }),
        }
    }
}

impl From<&KeyLimits> for LimitsJson {
    fn from(limits: &KeyLimits) -> Self {
        Self {
            models: limits.models.clone(),
            accounts: limits.accounts.clone(),
            requests_per_minute: limits.requests_per_minute,
            tokens_per_minute: limits.tokens_per_minute,
            concurrency: limits.concurrency,
            budget: limits.budget.map(|Budget { tokens, period }| BudgetJson {
                tokens,
                period: match period {
                    Period::Day => PeriodJson::Day,
                    Period::Month => PeriodJson::Month,
                    Period::Ever => PeriodJson::Ever,
                },
            }),
        }
    }
}

/// `null` is as good as nothing.
fn or_default<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What `/keys/create` takes, and `/keys/set` beside the id.
#[derive(Debug, Default, Deserialize)]
pub(super) struct KeyIn {
    pub(super) name: Option<String>,
    /// RFC 3339.
    pub(super) expires: Option<String>,
    pub(super) expires_in: Option<u64>,
    pub(super) options: Option<OptionsIn>,
    pub(super) limits: Option<LimitsJson>,
}

/// When a key ends that lives until an instant or for so many seconds.
///
/// # Errors
/// Both are given, or the text is no instant.
pub(super) fn expiry(
    at: Option<&str>,
    seconds: Option<u64>,
    now: UnixMs,
) -> Result<Option<UnixMs>, Wrong> {
    match (at, seconds) {
        (Some(_), Some(_)) => Err(("expires_in", "give either expires or expires_in")),
        (Some(at), None) => match times::read(at) {
            Some(at) => Ok(Some(at)),
            None => Err(("expires", "expected a time such as 2027-01-31T12:00:00Z")),
        },
        (None, Some(seconds)) => Ok(Some(now.after(Duration::from_secs(seconds)))),
        (None, None) => Ok(None),
    }
}

impl KeyIn {
    pub(super) fn into_input(self, now: UnixMs) -> Result<KeyInput, Wrong> {
        Ok(KeyInput {
            name: self.name,
            expires: expiry(self.expires.as_deref(), self.expires_in, now)?,
            options: self.options.unwrap_or_default().into_input()?,
            limits: self.limits.unwrap_or_default().into(),
        })
    }
}

/// A key as it is listed: everything but what it could be used with.
#[derive(Debug, Serialize)]
pub(super) struct ShownKey {
    id: String,
    name: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    state: &'static str,
    created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked: Option<String>,
    /// Until when the key from before the last rotation works.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_until: Option<String>,
    options: ShownOptions,
    limits: LimitsJson,
    usage: ShownUsage,
}

#[derive(Debug, Serialize)]
struct ShownOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gcpp_host: Option<&'static str>,
    disable_vision: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_slow_pool: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    include_web_references: Option<bool>,
    usage_check_models: UsageCheckModels,
}

#[derive(Debug, Serialize)]
struct ShownUsage {
    requests: u64,
    tokens: u64,
    period_tokens: u64,
    period_start: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used: Option<String>,
}

impl ShownKey {
    pub(super) fn of(key: &KeyView, now: UnixMs) -> Self {
        let KeyRecord { id, name, kind, hash: _, previous, created, expires, revoked, .. } =
            key.record.as_ref();
        let previous = previous.as_ref().map(|(_, until)| *until).filter(|until| *until > now);
        Self {
            id: id.to_string(),
            name: name.clone(),
            kind: match kind {
                KeyKind::Built { .. } => "built",
                KeyKind::Managed => "managed",
            },
            account: key.account.as_ref().map(ToString::to_string),
            state: if revoked.is_some() {
                "revoked"
            } else if expires.is_some_and(|expires| expires <= now) {
                "expired"
            } else {
                "active"
            },
            created: times::show(*created),
            expires: expires.map(times::show),
            revoked: revoked.map(times::show),
            previous_until: previous.map(times::show),
            options: ShownOptions::of(&key.record.options),
            limits: LimitsJson::from(&key.record.limits),
            usage: ShownUsage {
                requests: key.usage.requests,
                tokens: key.usage.tokens,
                period_tokens: key.usage.period_tokens,
                period_start: times::show(key.usage.period_start),
                last_used: key.usage.last_used.map(times::show),
            },
        }
    }
}

impl ShownOptions {
    fn of(options: &KeyOptions) -> Self {
        Self {
            proxy_name: options.proxy.as_ref().map(ToString::to_string),
            timezone: options.timezone.clone(),
            gcpp_host: options.region.map(accounts::Region::as_str),
            disable_vision: options.disable_vision,
            enable_slow_pool: options.slow_pool,
            include_web_references: options.web_references,
            usage_check_models: UsageCheckModels::show(&options.usage_check),
        }
    }
}

#[cfg(test)]
mod tests;
