//! An account while the gateway runs: what is kept of it, and the bearer it calls with.

use std::sync::{Arc, Mutex, PoisonError};

use accounts::{AccountId, AccountRecord, Alias, Credential, Member, ProxyName, WayName};
use arc_swap::{ArcSwap, ArcSwapOption};
use conversation::{Failure, FailureClass, Retry, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use upstream::profile::Profile;
use upstream::transport::Via;
use upstream::{Caller, Flow, MachineIds};

use crate::bearer::{Bearer, Flight};

/// How calls leave when neither account nor key names a proxy.
const GENERAL: &str = "general";

/// One account. What is kept of it is replaced as a whole; what is in flight stays.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    facts: ArcSwap<Facts>,
    pub(crate) profile: ArcSwap<Profile>,
    /// `None` until the credential was turned into one.
    pub(crate) bearer: ArcSwapOption<Bearer>,
    pub(crate) renewal: Mutex<Flight>,
    /// Held by the one who looks whether the account is well.
    pub(crate) looking: tokio::sync::Semaphore,
}

/// What is kept, and its credential as it was understood.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) record: Arc<AccountRecord>,
    pub(crate) credential: Credential,
}

impl Account {
    pub(crate) fn new(record: AccountRecord, credential: Credential, profile: Profile) -> Self {
        Self {
            id: record.id,
            bearer: ArcSwapOption::new(Bearer::of(&credential).map(Arc::new)),
            facts: ArcSwap::from_pointee(Facts { record: Arc::new(record), credential }),
            profile: ArcSwap::from_pointee(profile),
            renewal: Mutex::default(),
            looking: tokio::sync::Semaphore::new(1),
        }
    }

    pub(crate) fn facts(&self) -> Arc<Facts> {
        self.facts.load_full()
    }

    pub(crate) fn record(&self) -> Arc<AccountRecord> {
        Arc::clone(&self.facts.load().record)
    }

    pub(crate) fn alias(&self) -> Alias {
        self.facts.load().record.alias.clone()
    }

    /// A new primary token forgets the bearer that the old one gave.
    pub(crate) fn replace(&self, record: AccountRecord, credential: Credential) {
        let mut flight = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_of(&record.tokens.primary) {
            self.bearer.store(Bearer::of(&credential).map(Arc::new));
            // What became of the old one says nothing about this one.
            *flight = Flight::default();
        }
        self.facts.store(Arc::new(Facts { record: Arc::new(record), credential }));
    }

    /// Whether this is the account's primary token now.
    fn is_of(&self, primary: &SecretString) -> bool {
        self.facts.load().record.tokens.primary.expose_secret() == primary.expose_secret()
    }

    /// Takes a bearer that was got for one of these primary tokens, unless the account has been
    /// given another one meanwhile.
    pub(crate) fn take_bearer(&self, bearer: Bearer, primaries: &[&SecretString]) {
        let _flight = self.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        if primaries.iter().any(|primary| self.is_of(primary)) {
            self.bearer.store(Some(Arc::new(bearer)));
        }
    }

    pub(crate) fn member(&self) -> Member {
        let record = self.record();
        Member {
            id: self.id,
            alias: record.alias.clone(),
            enabled: record.enabled,
            owner: record.owner.clone(),
            mark: record.mark.clone(),
            way: way_name(record.proxy.as_ref()),
        }
    }

    pub(crate) fn flow(&self, default: Flow) -> Flow {
        match self.facts.load().record.flow {
            Some(accounts::UpstreamFlow::Agent) => Flow::Agent,
            Some(accounts::UpstreamFlow::Chat) => Flow::Chat,
            None => default,
        }
    }

    pub(crate) fn caller(&self, bearer: SecretString, via: Via) -> Caller {
        let facts = self.facts.load();
        caller(&facts.record, bearer, via)
    }
}

/// Who calls, in the name of an account.
pub(crate) fn caller(record: &AccountRecord, bearer: SecretString, via: Via) -> Caller {
    let device = &record.device;
    Caller {
        bearer,
        machine: MachineIds {
            machine: device.machine_id.as_str().to_owned(),
            mac_machine: device.mac_machine_id.as_str().to_owned(),
        },
        timezone: record.timezone.clone(),
        client_key: device.client_key.as_ref().map(|key| key.as_str().to_owned()),
        session_id: device.session_id,
        config_version: device.config_version,
        via,
    }
}

/// The way that a proxy's name stands for; those without one share the general one.
pub(crate) fn way_name(proxy: Option<&ProxyName>) -> WayName {
    WayName::new(proxy.map_or(GENERAL, ProxyName::as_str))
}

/// There is nobody to serve a turn.
pub(crate) fn no_accounts() -> Failure {
    Failure::new(FailureClass::Overloaded, "The gateway has no upstream account to use.")
        .scope(Scope::Account)
        .retry(Retry::Never)
        .log("no account is there for this request")
}
