//! What is put in for an account, and what becomes of it: parsed once, with the field at fault.

use accounts::{
    AccountId, AccountRecord, AccountTokens, Alias, Credential, Device, Hex64, ProxyName, Region,
    UnixMs, UpstreamFlow,
};
use secrecy::{ExposeSecret as _, SecretString};
use upstream::MachineIds;
use upstream::profile::Profile;
use uuid::Uuid;

use super::AdminError;
use crate::service::Inner;

/// An account as somebody wrote it down. What is `None` is made up, or stays as it is.
#[derive(Debug, Clone, Default)]
pub struct AccountInput {
    pub alias: Option<String>,
    pub primary: Option<SecretString>,
    pub secondary: Option<SecretString>,
    pub refresh: Option<SecretString>,
    pub checksum: Option<ChecksumInput>,
    pub client_key: Option<String>,
    pub config_version: Option<String>,
    pub session_id: Option<String>,
    pub proxy: Option<String>,
    pub timezone: Option<String>,
    /// `gcpp_host`.
    pub region: Option<String>,
    pub flow: Option<String>,
    pub enabled: Option<bool>,
    pub profile: Option<Profile>,
}

/// Machine ids, in either way of writing.
#[derive(Debug, Clone)]
pub enum ChecksumInput {
    /// A header's value (`8 characters + first/second`), or the ids alone.
    Header(String),
    Pair {
        first: String,
        second: String,
    },
}

/// Longest alias, in characters.
const LONGEST_ALIAS: usize = 128;
/// Longest credential that is looked at.
const LONGEST_TOKEN: usize = 16 << 10;

/// An input that was understood; `None` stays `None`.
#[derive(Debug)]
pub(crate) struct Understood {
    pub(crate) alias: Option<Alias>,
    pub(crate) primary: Option<(SecretString, Credential)>,
    secondary: Option<SecretString>,
    refresh: Option<SecretString>,
    machine: Option<(Hex64, Hex64)>,
    client_key: Option<Hex64>,
    config_version: Option<Uuid>,
    session_id: Option<Uuid>,
    proxy: Option<ProxyName>,
    timezone: Option<String>,
    region: Option<Region>,
    flow: Option<UpstreamFlow>,
    pub(crate) enabled: Option<bool>,
    pub(crate) profile: Option<Profile>,
}

impl AccountInput {
    /// Whether nothing at all is said but the name.
    pub(crate) fn is_empty(&self) -> bool {
        self.primary.is_none()
            && self.secondary.is_none()
            && self.refresh.is_none()
            && self.checksum.is_none()
            && self.client_key.is_none()
            && self.config_version.is_none()
            && self.session_id.is_none()
            && self.proxy.is_none()
            && self.timezone.is_none()
            && self.region.is_none()
            && self.flow.is_none()
    }
}

impl Inner {
    /// Parses every field; names are those of the API.
    pub(crate) fn understand(&self, input: AccountInput) -> Result<Understood, AdminError> {
        let primary = match input.primary {
            None => None,
            Some(text) => Some(credential("primary_token", text)?),
        };
        let secondary = match input.secondary {
            None => None,
            Some(text) => Some(credential("secondary_token", text)?.0),
        };
        if let Some(refresh) = &input.refresh {
            bounded("refresh_token", refresh)?;
        }
        Ok(Understood {
            alias: input.alias.as_deref().map(alias).transpose()?,
            primary,
            secondary,
            refresh: input.refresh,
            machine: input.checksum.as_ref().map(checksum).transpose()?,
            client_key: input.client_key.as_deref().map(|t| hex("client_key", t)).transpose()?,
            config_version: uuid("config_version", input.config_version.as_deref())?,
            session_id: uuid("session_id", input.session_id.as_deref())?,
            proxy: input.proxy.as_deref().map(|name| self.known_proxy(name)).transpose()?,
            timezone: input.timezone.as_deref().map(timezone).transpose()?,
            region: input.region.as_deref().map(region).transpose()?,
            flow: input.flow.as_deref().map(flow).transpose()?,
            enabled: input.enabled,
            profile: input.profile,
        })
    }

    pub(crate) fn known_proxy(&self, name: &str) -> Result<ProxyName, AdminError> {
        let name = ProxyName::new(name);
        match self.ways.knows(&name) {
            true => Ok(name),
            false => Err(AdminError::invalid("proxy", format!("there is no proxy `{name}`"))),
        }
    }
}

impl Understood {
    /// Whether the token has expired and nothing is there to renew it with.
    pub(crate) fn is_over(&self, now: UnixMs) -> bool {
        let expires = match &self.primary {
            Some((_, Credential::Session(token) | Credential::Web(token))) => {
                token.claims().expires
            }
            Some((_, Credential::ApiKey(_))) | None => return false,
        };
        expires <= now.seconds() && self.refresh.is_none() && self.secondary.is_none()
    }

    /// What goes with a primary token stays with it.
    pub(crate) fn forget_tokens(&mut self) {
        (self.primary, self.secondary, self.refresh) = (None, None, None);
    }

    /// A whole account; what is not said is made up: machine ids from the account, so that the same
    /// account is the same machine, the rest at random.
    pub(crate) fn into_record(
        self,
        id: AccountId,
        alias: Alias,
        inner: &Inner,
        enabled: bool,
    ) -> Result<(AccountRecord, Credential), AdminError> {
        let Some((primary, credential)) = self.primary else {
            return Err(AdminError::invalid("primary_token", "is missing"));
        };
        let (machine_id, mac_machine_id) = match self.machine {
            Some(pair) => pair,
            None => {
                let ids = MachineIds::derive(&credential.seed());
                let parse = |text: &str| {
                    Hex64::parse(text).ok_or_else(|| AdminError::invalid("checksum", "is no hex"))
                };
                (parse(&ids.machine)?, parse(&ids.mac_machine)?)
            }
        };
        let client_key = self.client_key.unwrap_or_else(|| Hex64::of(inner.ambient.secret_bytes()));
        let record = AccountRecord {
            id,
            alias,
            tokens: AccountTokens { primary, secondary: self.secondary, refresh: self.refresh },
            device: Device {
                machine_id,
                mac_machine_id,
                client_key: Some(client_key),
                session_id: Some(self.session_id.unwrap_or_else(|| inner.ambient.uuid())),
                config_version: self.config_version,
            },
            proxy: self.proxy,
            timezone: self.timezone,
            region: self.region,
            flow: self.flow,
            enabled: self.enabled.unwrap_or(enabled),
            owner: None,
            declared: None,
            mark: None,
        };
        Ok((record, credential))
    }

    /// Whether it says anything that the account does not have already. Tokens count as new.
    pub(crate) fn changes(&self, record: &AccountRecord) -> bool {
        fn differs<T: PartialEq>(said: &Option<T>, has: &Option<T>) -> bool {
            said.is_some() && said != has
        }
        let Device { machine_id, mac_machine_id, client_key, session_id, config_version } =
            &record.device;
        let machine = self.machine.as_ref();
        self.primary.is_some()
            || self.secondary.is_some()
            || self.refresh.is_some()
            || machine.is_some_and(|ids| (&ids.0, &ids.1) != (machine_id, mac_machine_id))
            || differs(&self.client_key, client_key)
            || differs(&self.session_id, session_id)
            || differs(&self.config_version, config_version)
            || differs(&self.proxy, &record.proxy)
            || differs(&self.timezone, &record.timezone)
            || differs(&self.region, &record.region)
            || differs(&self.flow, &record.flow)
            || self.enabled.is_some_and(|enabled| enabled != record.enabled)
    }

    /// Puts what is said over an account that is there. A new credential clears a mark.
    pub(crate) fn merge_into(
        self,
        record: &mut AccountRecord,
        credential: Credential,
    ) -> Credential {
        let mut after = credential;
        if let Some((text, new)) = self.primary {
            record.tokens.primary = text;
            record.mark = None;
            after = new;
        }
        let Device { machine_id, mac_machine_id, client_key, session_id, config_version } =
            &mut record.device;
        if let Some((first, second)) = self.machine {
            (*machine_id, *mac_machine_id) = (first, second);
        }
        fn over<T>(place: &mut Option<T>, said: Option<T>) {
            if said.is_some() {
                *place = said;
            }
        }
        over(&mut record.tokens.secondary, self.secondary);
        over(&mut record.tokens.refresh, self.refresh);
        over(client_key, self.client_key);
        over(session_id, self.session_id);
        over(config_version, self.config_version);
        over(&mut record.proxy, self.proxy);
        over(&mut record.timezone, self.timezone);
        over(&mut record.region, self.region);
        over(&mut record.flow, self.flow);
        record.enabled = self.enabled.unwrap_or(record.enabled);
        after
    }
}

fn bounded(field: &str, text: &SecretString) -> Result<(), AdminError> {
    match text.expose_secret().len() {
        0 => Err(AdminError::invalid(field, "is empty")),
        length if length > LONGEST_TOKEN => Err(AdminError::invalid(field, "is too long")),
        _ => Ok(()),
    }
}

/// The text stays as it is, byte for byte.
fn credential(field: &str, text: SecretString) -> Result<(SecretString, Credential), AdminError> {
    bounded(field, &text)?;
    match Credential::parse(text.expose_secret()) {
        Ok(credential) => Ok((text, credential)),
        Err(error) => Err(AdminError::invalid(field, error.to_string())),
    }
}

pub(crate) fn alias(text: &str) -> Result<Alias, AdminError> {
    let invalid = |why: &str| Err(AdminError::invalid("alias", why));
    match text {
        "" => invalid("is empty"),
        _ if text.chars().count() > LONGEST_ALIAS => invalid("is longer than 128 characters"),
        _ if text.chars().any(char::is_control) => invalid("has control characters"),
        _ if text.trim() != text => invalid("begins or ends with a blank"),
        _ => Ok(Alias::new(text)),
    }
}

fn hex(field: &str, text: &str) -> Result<Hex64, AdminError> {
    Hex64::parse(text).ok_or_else(|| AdminError::invalid(field, "must have 64 hex characters"))
}

fn uuid(field: &str, text: Option<&str>) -> Result<Option<Uuid>, AdminError> {
    let Some(text) = text else { return Ok(None) };
    match Uuid::try_parse(text) {
        Ok(uuid) => Ok(Some(uuid)),
        Err(_) => Err(AdminError::invalid(field, "must be a UUID")),
    }
}

/// Ids written as a header's value have eight characters in front that tell the time.
fn checksum(input: &ChecksumInput) -> Result<(Hex64, Hex64), AdminError> {
    const TIME: usize = 8;
    const ONE: usize = 64;
    let parse = |field: &str, text: &str| {
        Hex64::parse(text).ok_or_else(|| AdminError::invalid(field, "must have 64 hex characters"))
    };
    match input {
        ChecksumInput::Pair { first, second } => {
            Ok((parse("checksum.first", first)?, parse("checksum.second", second)?))
        }
        ChecksumInput::Header(text) => {
            let shape = || {
                AdminError::invalid(
                    "checksum",
                    "must be `first/second` of 64 hex characters each, with or without eight characters in front",
                )
            };
            if !text.is_ascii() {
                return Err(shape());
            }
            let ids = match text.len() {
                length if length == ONE + 1 + ONE => text.as_str(),
                length if length == TIME + ONE + 1 + ONE => &text[TIME..],
                _ => return Err(shape()),
            };
            let (first, second) =
                ids.split_once('/').or_else(|| ids.split_once(',')).ok_or_else(shape)?;
            Ok((parse("checksum", first)?, parse("checksum", second)?))
        }
    }
}

pub(crate) fn timezone(text: &str) -> Result<String, AdminError> {
    match jiff::tz::TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err(AdminError::invalid("timezone", format!("`{text}` is no IANA time zone"))),
    }
}

pub(crate) fn region(text: &str) -> Result<Region, AdminError> {
    Region::parse(text).ok_or_else(|| AdminError::invalid("gcpp_host", "must be Asia, EU or US"))
}

fn flow(text: &str) -> Result<UpstreamFlow, AdminError> {
    UpstreamFlow::parse(text).ok_or_else(|| AdminError::invalid("flow", "must be agent or chat"))
}
