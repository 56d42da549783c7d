//! The administrator's changes to outbound proxies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use accounts::{ProxyName, ProxyRecord};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::OwnedMutexGuard;
use upstream::classify;

use super::{AdminError, Touched};
use crate::service::{Gateway, Inner};
use crate::ways::{Entry, NON, SYS, Table, changes};

/// Longest name, in characters, and most proxies.
const LONGEST_NAME: usize = 128;
const MOST: usize = 10_000;

/// The proxies.
#[derive(Debug, Clone)]
pub struct ProxyList {
    pub proxies: Vec<ProxyEntry>,
    /// The name of the one for all that name none.
    pub general: String,
}

/// A proxy as the administrator sees it.
#[derive(Debug, Clone)]
pub struct ProxyEntry {
    pub name: String,
    /// `non`, `sys` or a URL with its password.
    pub address: SecretString,
    /// Without the password.
    pub masked: String,
}

impl Gateway {
    /// The proxies by name.
    #[must_use]
    pub fn proxies(&self) -> ProxyList {
        let table = self.inner().ways.table();
        let entry = |(name, entry): (&ProxyName, &Entry)| ProxyEntry {
            name: name.as_str().to_owned(),
            address: entry.record.address.clone(),
            masked: entry.masked.clone(),
        };
        ProxyList {
            proxies: table.entries.iter().map(entry).collect(),
            general: table.general.as_str().to_owned(),
        }
    }

    /// Puts this list in the place of all proxies. Gives their number.
    ///
    /// # Errors
    /// An address that is none, a general proxy that is not in the list, one that is left out but
    /// in use.
    pub async fn set_proxies(
        &self,
        list: Vec<(String, SecretString)>,
        general: String,
    ) -> Result<usize, AdminError> {
        let inner = self.inner();
        if list.len() > MOST {
            return Err(AdminError::invalid("proxies", "there are too many"));
        }
        let mut entries = BTreeMap::new();
        for (name, address) in list {
            let entry = inner.proxy(&name, address)?;
            entries.insert(ProxyName::new(name), entry);
        }
        let general = ProxyName::new(general);
        if !entries.contains_key(&general) {
            let text = format!("there is no proxy `{general}` in the list");
            return Err(AdminError::invalid("general", text));
        }
        let alone = Arc::clone(&inner.ways.changing).lock_owned().await;
        let before = inner.ways.table();
        for name in before.entries.keys().filter(|name| !entries.contains_key(*name)) {
            if let Some(user) = inner.user_of(name) {
                let field = format!("proxies.{name}");
                return Err(AdminError::invalid(field, format!("is in use by {user}")));
            }
        }
        let count = entries.len();
        inner.show(&before, Table { entries, general }, alone).await?;
        Ok(count)
    }

    /// Adds proxies; names that are taken stay as they are.
    ///
    /// # Errors
    /// The store does not take them.
    pub async fn add_proxies(
        &self,
        list: Vec<(String, SecretString)>,
    ) -> Result<Touched, AdminError> {
        let inner = self.inner();
        let alone = Arc::clone(&inner.ways.changing).lock_owned().await;
        let before = inner.ways.table();
        let mut after = Table::clone(&before);
        let mut touched = Touched::default();
        for (name, address) in list {
            let key = ProxyName::new(name.clone());
            if after.entries.contains_key(&key) {
                touched.failed(name, "there is already a proxy of this name");
                continue;
            }
            match inner.proxy(&name, address) {
                Ok(entry) if after.entries.len() < MOST => {
                    after.entries.insert(key, entry);
                    touched.done(name);
                }
                Ok(_) => touched.failed(name, "there are too many proxies"),
                Err(error) => touched.failed(name, error),
            }
        }
        inner.show(&before, after, alone).await?;
        Ok(touched)
    }

    /// Removes proxies that nobody uses.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn remove_proxies(&self, names: &[String]) -> Result<Touched, AdminError> {
        let inner = self.inner();
        let alone = Arc::clone(&inner.ways.changing).lock_owned().await;
        let before = inner.ways.table();
        let mut after = Table::clone(&before);
        let mut touched = Touched::default();
        for name in names {
            let key = ProxyName::new(name.clone());
            if !after.entries.contains_key(&key) {
                touched.failed(name, "there is no such proxy");
            } else if after.general == key {
                touched.failed(name, "it is the general proxy");
            } else if let Some(user) = inner.user_of(&key) {
                touched.failed(name, format!("it is in use by {user}"));
            } else {
                after.entries.remove(&key);
                touched.done(name);
            }
        }
        inner.show(&before, after, alone).await?;
        Ok(touched)
    }

    /// # Errors
    /// There is no such proxy.
    pub async fn set_general_proxy(&self, name: &str) -> Result<(), AdminError> {
        let inner = self.inner();
        let alone = Arc::clone(&inner.ways.changing).lock_owned().await;
        let before = inner.ways.table();
        let general = ProxyName::new(name);
        if !before.entries.contains_key(&general) {
            return Err(AdminError::invalid("name", format!("there is no proxy `{name}`")));
        }
        let after = Table { general, ..Table::clone(&before) };
        inner.show(&before, after, alone).await
    }

    /// Opens a connection to the upstream through the proxy; gives how long that took.
    ///
    /// # Errors
    /// There is no such proxy, or no connection came about.
    pub async fn test_proxy(&self, name: &str) -> Result<Duration, AdminError> {
        let inner = self.inner();
        let name = ProxyName::new(name);
        if !inner.ways.knows(&name) {
            return Err(AdminError::NotFound(format!("proxy `{name}`")));
        }
        let via = inner.ways.via(Some(&name)).map_err(AdminError::Upstream)?;
        let probed = inner.backend.probe(via).await;
        probed.map_err(|error| AdminError::Upstream(classify(&error)))
    }
}

impl Inner {
    fn proxy(&self, name: &str, address: SecretString) -> Result<Entry, AdminError> {
        let field = format!("proxies.{name}");
        let length = name.chars().count();
        if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(AdminError::invalid(field, "a name has 1 to 128 printable characters"));
        }
        if [NON, SYS].contains(&name) && address.expose_secret() != name {
            let text = format!("this name always means `{name}`");
            return Err(AdminError::invalid(field, text));
        }
        let record = ProxyRecord { name: ProxyName::new(name), address };
        self.ways.parse(record).map_err(|error| AdminError::invalid(field, error.to_string()))
    }

    /// Who would be left without a way.
    fn user_of(&self, proxy: &ProxyName) -> Option<String> {
        let accounts = self.book.accounts();
        let account = accounts.iter().find(|a| a.record().proxy.as_ref() == Some(proxy));
        if let Some(account) = account {
            return Some(format!("the account `{}`", account.alias()));
        }
        let ring = self.keys.ring();
        let key = ring
            .iter()
            .find(|key| key.options.proxy.as_ref() == Some(proxy) && key.revoked.is_none());
        key.map(|key| format!("the key `{}`", key.id))
    }

    /// `alone` goes along: the next one must wait until this change is seen, even when the caller
    /// has left.
    async fn show(
        self: &Arc<Self>,
        before: &Table,
        after: Table,
        alone: OwnedMutexGuard<()>,
    ) -> Result<(), AdminError> {
        let changes = changes(before, &after);
        if changes.is_empty() {
            return Ok(());
        }
        let this = Arc::clone(self);
        let work = async move {
            this.book.store.apply(changes).await?;
            this.ways.show(after);
            drop(alone);
            Ok(())
        };
        self.to_the_end(work).await
    }
}
