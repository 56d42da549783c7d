//! What `/tokens/get` and `/pool/get` show of an account.

use accounts::{AccountRecord, MemberState, UnixMs};
use gateway::AccountView;
use gateway::profile::{Profile, SessionInfo, Stripe, Usage, User};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::super::mask::mask;
use super::super::times;

/// `[number, alias, account]`.
#[derive(Debug, Serialize)]
pub(in super::super) struct ShownRow<'a>(u64, &'a str, Shown<'a>);

/// Not `Debug` in full: it holds the secrets.
#[derive(Serialize)]
struct Shown<'a> {
    primary_token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secondary_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
    checksum: Pair<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config_version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timezone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gcpp_host: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<&'static str>,
    credential: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a User>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<&'a Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stripe: Option<&'a Stripe>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sessions: Option<&'a [SessionInfo]>,
}

impl std::fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shown").field("credential", &self.credential).finish_non_exhaustive()
    }
}

#[derive(Debug, Serialize)]
struct Pair<'a> {
    first: &'a str,
    second: &'a str,
}

#[derive(Debug, Serialize)]
struct Status {
    enabled: bool,
    #[serde(flatten)]
    state: State,
}

/// How an account stands in the pool.
#[derive(Debug, Serialize)]
pub(in super::super) struct State {
    pub(in super::super) state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    /// Whether it is in the rotation.
    active: bool,
    /// Answers in progress.
    in_use: u32,
    coolings: Vec<Cooling>,
}

#[derive(Debug, Serialize)]
struct Cooling {
    /// None: for all models.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    until: String,
}

impl State {
    pub(in super::super) fn of(record: &AccountRecord, member: &MemberState, now: UnixMs) -> Self {
        let coolings = member.coolings.iter().filter(|cooling| cooling.until > now);
        let mut state = Self {
            state: "ready",
            reason: None,
            since: None,
            until: None,
            active: member.active,
            in_use: member.in_use,
            coolings: coolings
                .clone()
                .map(|cooling| Cooling {
                    model: cooling.model.clone(),
                    until: times::show(cooling.until),
                })
                .collect(),
        };
        let mark = member.mark.as_ref().or(record.mark.as_ref());
        let mark = mark.filter(|mark| mark.until.is_none_or(|until| until > now));
        if let Some(mark) = mark {
            state.state = mark.kind.as_str();
            state.reason = Some(mark.reason.clone());
            state.since = Some(times::show(mark.since));
            state.until = mark.until.map(times::show);
        } else if let Some(until) = coolings.map(|cooling| cooling.until).max() {
            state.state = "cooling";
            state.until = Some(times::show(until));
        }
        if !record.enabled {
            // The mark stays to be seen.
            state.state = "disabled";
        }
        state
    }
}

impl<'a> ShownRow<'a> {
    /// With `masked`, secrets are made unusable.
    pub(in super::super) fn of(account: &'a AccountView, masked: bool, now: UnixMs) -> Self {
        let record = account.record.as_ref();
        let shown = |text: &str| if masked { mask(text) } else { text.to_owned() };
        let secret = |secret: &SecretString| shown(secret.expose_secret());
        let Profile { user, usage, stripe, sessions } = account.profile.as_ref();
        let device = &record.device;
        let shown = Shown {
            primary_token: secret(&record.tokens.primary),
            secondary_token: record.tokens.secondary.as_ref().map(secret),
            refresh_token: record.tokens.refresh.as_ref().map(secret),
            checksum: Pair {
                first: device.machine_id.as_str(),
                second: device.mac_machine_id.as_str(),
            },
            client_key: device.client_key.as_ref().map(|key| shown(key.as_str())),
            config_version: device.config_version.map(|version| version.to_string()),
            session_id: device.session_id.map(|id| id.to_string()),
            proxy: record.proxy.as_ref().map(accounts::ProxyName::as_str),
            timezone: record.timezone.as_deref(),
            gcpp_host: record.region.map(accounts::Region::as_str),
            flow: record.flow.map(accounts::UpstreamFlow::as_str),
            credential: account.credential,
            expires_at: account.expires.map(times::show),
            user: user.as_ref(),
            status: Status {
                enabled: record.enabled,
                state: State::of(record, &account.state, now),
            },
            usage: usage.as_ref(),
            stripe: stripe.as_ref(),
            sessions: sessions.as_deref(),
        };
        Self(record.id.0, record.alias.as_str(), shown)
    }

    /// Without number and alias.
    pub(in super::super) fn into_account(self) -> impl Serialize + 'a {
        self.2
    }
}

#[cfg(test)]
mod tests;
