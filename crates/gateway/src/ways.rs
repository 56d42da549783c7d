//! How calls leave the machine: proxies by name, and the general one for all that name none.
//!
//! A name that stands for nothing is an error; nothing goes out directly because a proxy is
//! missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use accounts::{KeyOptions, ProxyName, ProxyRecord};
use arc_swap::ArcSwap;
use conversation::{Failure, FailureClass, Retry, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use store::{Change, Snapshot, StoreError};
use upstream::transport::{MalformedProxy, Proxy, SystemProxies, Via};

use crate::account::Account;

/// No proxy.
pub(crate) const NON: &str = "non";
/// What the environment says.
pub(crate) const SYS: &str = "sys";

/// A proxy as it is used.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) record: ProxyRecord,
    pub(crate) via: Via,
    /// Without the password.
    pub(crate) masked: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) entries: BTreeMap<ProxyName, Entry>,
    /// In `entries`, unless what was kept of it is no proxy.
    pub(crate) general: ProxyName,
}

/// The proxies.
#[derive(Debug)]
pub(crate) struct Ways {
    system: Arc<SystemProxies>,
    table: ArcSwap<Table>,
    pub(crate) changing: Arc<tokio::sync::Mutex<()>>,
}

impl Ways {
    /// Gives the changes that a first start has to make as well.
    pub(crate) fn new(system: SystemProxies, snapshot: &Snapshot) -> (Self, Vec<Change>) {
        let system = Arc::new(system);
        let mut entries = BTreeMap::new();
        let mut first = Vec::new();
        for record in &snapshot.proxies {
            match entry(&system, record.clone()) {
                Ok(entry) => {
                    entries.insert(record.name.clone(), entry);
                }
                Err(error) => {
                    tracing::error!(proxy = %record.name, %error, "kept proxy left out");
                }
            }
        }
        // Kept even when it was left out: whoever needs it is told so, and goes no other way.
        let general = snapshot.general_proxy.clone().unwrap_or_else(|| {
            for word in [NON, SYS] {
                let record =
                    ProxyRecord { name: ProxyName::new(word), address: SecretString::from(word) };
                if let Ok(entry) = entry(&system, record.clone()) {
                    entries.insert(record.name.clone(), entry);
                    first.push(Change::PutProxy(record));
                }
            }
            let general = ProxyName::new(SYS);
            first.push(Change::SetGeneralProxy(Some(general.clone())));
            general
        });
        let table = ArcSwap::from_pointee(Table { entries, general });
        (Self { system, table, changing: Arc::default() }, first)
    }

    pub(crate) fn table(&self) -> Arc<Table> {
        self.table.load_full()
    }

    pub(crate) fn show(&self, table: Table) {
        self.table.store(Arc::new(table));
    }

    pub(crate) fn parse(&self, record: ProxyRecord) -> Result<Entry, MalformedProxy> {
        entry(&self.system, record)
    }

    pub(crate) fn knows(&self, name: &ProxyName) -> bool {
        self.table.load().entries.contains_key(name)
    }

    /// The named way, or the general one.
    ///
    /// # Errors
    /// There is no proxy of that name.
    pub(crate) fn via(&self, name: Option<&ProxyName>) -> Result<Via, Failure> {
        let table = self.table.load();
        let name = name.unwrap_or(&table.general);
        let entry = table.entries.get(name).ok_or_else(|| {
            Failure::new(
                FailureClass::UpstreamFailed,
                "The gateway's outbound proxy for this request does not exist.",
            )
            .scope(Scope::Network)
            .retry(Retry::Elsewhere)
            .log(format!("there is no proxy `{name}`"))
        })?;
        Ok(entry.via.clone())
    }

    pub(crate) fn of_account(&self, account: &Account) -> Result<Via, Failure> {
        self.via(account.record().proxy.as_ref())
    }

    /// A key's own proxy beats the account's.
    pub(crate) fn of_request(
        &self,
        account: &Account,
        key: Option<&KeyOptions>,
    ) -> Result<Via, Failure> {
        match key.and_then(|options| options.proxy.as_ref()) {
            Some(name) => self.via(Some(name)),
            None => self.of_account(account),
        }
    }
}

fn entry(system: &Arc<SystemProxies>, record: ProxyRecord) -> Result<Entry, MalformedProxy> {
    let (via, masked) = match record.address.expose_secret() {
        NON => (Via::Direct, NON.to_owned()),
        SYS => (Via::System(Arc::clone(system)), SYS.to_owned()),
        url => {
            let proxy = Proxy::parse(url)?;
            let masked = proxy.masked();
            (Via::Proxy(Arc::new(proxy)), masked)
        }
    };
    Ok(Entry { record, via, masked })
}

/// What the store is told of a new table.
pub(crate) fn changes(before: &Table, after: &Table) -> Vec<Change> {
    let gone = before.entries.keys().filter(|name| !after.entries.contains_key(*name));
    let mut changes: Vec<Change> = gone.cloned().map(Change::RemoveProxy).collect();
    for (name, entry) in &after.entries {
        let same = before.entries.get(name).is_some_and(|known| {
            known.record.address.expose_secret() == entry.record.address.expose_secret()
        });
        if !same {
            changes.push(Change::PutProxy(entry.record.clone()));
        }
    }
    if before.general != after.general {
        changes.push(Change::SetGeneralProxy(Some(after.general.clone())));
    }
    changes
}

impl From<StoreError> for crate::admin::AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(what) => Self::Conflict(format!("there is already {what}")),
            error => Self::Store(error),
        }
    }
}

impl crate::service::Inner {
    /// Who calls for this request: the account, with what the caller's key says otherwise.
    pub(crate) fn caller(
        &self,
        account: &Account,
        bearer: SecretString,
        grant: &crate::grant::Grant,
    ) -> Result<upstream::Caller, Failure> {
        let options = grant.record().map(|record| &record.options);
        let via = self.ways.of_request(account, options)?;
        let mut caller = account.caller(bearer, via);
        if let Some(timezone) = options.and_then(|options| options.timezone.as_ref()) {
            caller.timezone = Some(timezone.clone());
        }
        Ok(caller)
    }
}
