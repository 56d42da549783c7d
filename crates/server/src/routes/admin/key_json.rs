//! Client keys as JSON: what `/keys/*` and `/build-key` take and show.

use std::time::Duration;

use accounts::{
    Budget, Credential, KeyKind, KeyLimits, KeyOptions, KeyRecord, Period, UnixMs, UsageCheck,
};
use gateway::profile::MembershipType;
use gateway::{AccountView, KeyInput, KeyOptionsInput, KeyView};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::account_json::State;
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
    pub(super) log_content: Option<bool>,
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
    pub(super) fn read(&self) -> Result<UsageCheck, Wrong> {
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
            log_content: self.log_content,
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
pub(super) struct BudgetJson {
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
            budget: json.budget.map(Into::into),
        }
    }
}

impl From<BudgetJson> for Budget {
    fn from(BudgetJson { tokens, period }: BudgetJson) -> Self {
        let period = match period {
            PeriodJson::Day => Period::Day,
            PeriodJson::Month => Period::Month,
            PeriodJson::Ever => Period::Ever,
        };
        Self { tokens, period }
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

/// What `/keys/create` takes.
#[derive(Debug, Default, Deserialize)]
pub(super) struct KeyIn {
    name: Option<String>,
    /// RFC 3339.
    expires: Option<String>,
    expires_in: Option<u64>,
    options: Option<OptionsIn>,
    limits: Option<LimitsJson>,
}

/// Longest time that may be given in seconds: a hundred years.
pub(super) const MOST_SECONDS: u64 = 3_153_600_000;
pub(super) const TOO_LONG: &str = "expected at most 3153600000 seconds, a hundred years";

/// When a key ends that lives until an instant or for so many seconds.
///
/// # Errors
/// Both are given, the text is no instant, or it is further away than anybody means.
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
        (None, Some(seconds)) if seconds > MOST_SECONDS => Err(("expires_in", TOO_LONG)),
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
    account: Option<ShownAccount>,
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

/// The account of a built key: whose it is, and how it stands.
#[derive(Debug, Serialize)]
struct ShownAccount {
    /// The key's id; by this name it can be tested, refreshed, cleared and the like.
    alias: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<i32>,
    /// `user_…`, from the profile or the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    workos_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    membership_type: Option<MembershipType>,
    enabled: bool,
    #[serde(flatten)]
    state: State,
}

impl ShownAccount {
    fn of(account: &AccountView, now: UnixMs) -> Self {
        let (record, profile) = (account.record.as_ref(), account.profile.as_ref());
        let user = profile.user.as_ref();
        let told = user.and_then(|user| user.workos_id.clone());
        Self {
            alias: record.alias.to_string(),
            user_id: user.map(|user| user.user_id),
            workos_id: told.or_else(|| user_of(record.tokens.primary.expose_secret())),
            email: user.and_then(|user| user.email.clone()),
            membership_type: profile.stripe.as_ref().map(|stripe| stripe.membership_type.clone()),
            enabled: record.enabled,
            state: State::of(record, &account.state, now),
        }
    }
}

/// Whom a token is of; an API key does not tell.
fn user_of(token: &str) -> Option<String> {
    match Credential::parse(token).ok()? {
        Credential::Session(token) | Credential::Web(token) => Some(token.claims().user_id.clone()),
        Credential::ApiKey(_) => None,
    }
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
    #[serde(skip_serializing_if = "Option::is_none")]
    log_content: Option<bool>,
}

#[derive(Debug, Serialize)]
struct ShownUsage {
    requests: u64,
    tokens: u64,
    period_tokens: u64,
    /// None: no period has begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    period_start: Option<String>,
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
            account: key.account_view.as_ref().map(|account| ShownAccount::of(account, now)),
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
                period_start: Some(key.usage.period_start)
                    .filter(|start| *start > UnixMs(0))
                    .map(times::show),
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
            log_content: options.log_content,
        }
    }
}

#[cfg(test)]
mod tests;
