//! The administrator's changes to client keys.

use std::sync::Arc;
use std::time::Duration;

use accounts::{KeyId, KeyKind, KeyLimits, KeyOptions, KeyRecord, KeySecret, UnixMs, UsageCheck};
use store::Change;

use super::{AccountInput, AdminError, Touched, input};
use crate::book::Draft;
use crate::keys::{KeyView, NewKey};
use crate::service::{Gateway, Inner};

/// Longest name, in characters.
const LONGEST_NAME: usize = 200;
/// Most globs in one list.
const MOST_GLOBS: usize = 1000;
/// Longest glob, in characters.
const LONGEST_GLOB: usize = 200;

/// A key as somebody wrote it down.
#[derive(Debug, Clone, Default)]
pub struct KeyInput {
    pub name: Option<String>,
    pub expires: Option<UnixMs>,
    pub options: KeyOptionsInput,
    pub limits: KeyLimits,
}

/// How its requests are to be served; what is `None` is left to account and settings.
#[derive(Debug, Clone, Default)]
pub struct KeyOptionsInput {
    pub proxy: Option<String>,
    pub timezone: Option<String>,
    pub region: Option<String>,
    pub disable_vision: Option<bool>,
    pub slow_pool: Option<bool>,
    pub web_references: Option<bool>,
    pub usage_check: Option<UsageCheck>,
    pub log_content: Option<bool>,
}

struct Understood {
    name: String,
    expires: Option<UnixMs>,
    options: KeyOptions,
    limits: KeyLimits,
}

impl Gateway {
    /// All keys, the oldest first.
    #[must_use]
    pub fn keys(&self) -> Vec<KeyView> {
        let inner = self.inner();
        let mut records: Vec<Arc<KeyRecord>> = inner.keys.ring().iter().cloned().collect();
        records.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        records.into_iter().map(|record| inner.key_view(record)).collect()
    }

    /// Makes a key for the pool's accounts.
    ///
    /// # Errors
    /// A field that cannot be, or the store does not take it.
    pub async fn create_key(&self, input: KeyInput) -> Result<NewKey, AdminError> {
        let inner = self.inner();
        let understood = inner.understand_key(input, None)?;
        let secret = inner.new_secret();
        let record = inner.key_record(&secret, KeyKind::Managed, understood);
        let this = Arc::clone(inner);
        let work = async move {
            let _alone = this.keys.changing.lock().await;
            this.book.store.apply(vec![Change::PutKey(Box::new(record.clone()))]).await?;
            Ok(this.show_new(record, &secret))
        };
        inner.to_the_end(work).await
    }

    /// Makes a key around an account of its own, which is kept here and nowhere in the key.
    ///
    /// # Errors
    /// A field that cannot be, or the store does not take it.
    pub async fn build_key(
        &self,
        account: AccountInput,
        input: KeyInput,
    ) -> Result<NewKey, AdminError> {
        let inner = self.inner();
        let understood = inner.understand_key(input, None)?;
        let account = inner.understand(account)?;
        if account.is_over(inner.now()) {
            return Err(AdminError::invalid("token", "has expired"));
        }
        let secret = inner.new_secret();
        let this = Arc::clone(inner);
        let work = async move {
            let _alone = this.keys.changing.lock().await;
            let draw = |draft: &mut Draft| {
                let id = draft.new_id();
                let kind = KeyKind::Built { account: id };
                let record = this.key_record(&secret, kind, understood);
                let alias = accounts::Alias::new(record.id.as_str());
                let (mut account, credential) = account.into_record(id, alias, &this, true)?;
                account.owner = Some(record.id.clone());
                draft.put(account, credential);
                let change = Change::PutKey(Box::new(record.clone()));
                Ok::<_, AdminError>((record, vec![change]))
            };
            let record = this.book.change(draw).await?;
            Ok(this.show_new(record, &secret))
        };
        inner.to_the_end(work).await
    }

    /// Gives a key another name, expiry, options and limits.
    ///
    /// # Errors
    /// There is no such key, or a field cannot be.
    pub async fn change_key(&self, id: &KeyId, input: KeyInput) -> Result<KeyView, AdminError> {
        let inner = self.inner();
        let (this, id) = (Arc::clone(inner), id.clone());
        let work = async move {
            let _alone = this.keys.changing.lock().await;
            let before = this.known_key(&id)?;
            let understood = this.understand_key(input, Some(&before))?;
            let Understood { name, expires, options, limits } = understood;
            let record = KeyRecord { name, expires, options, limits, ..KeyRecord::clone(&before) };
            this.put_key(record).await
        };
        inner.to_the_end(work).await
    }

    /// Gives a key another text; the old one still works for `grace`.
    ///
    /// # Errors
    /// There is no such key, or it was revoked.
    pub async fn rotate_key(&self, id: &KeyId, grace: Duration) -> Result<NewKey, AdminError> {
        let inner = self.inner();
        let secret = inner.new_secret();
        let (this, id) = (Arc::clone(inner), id.clone());
        let work = async move {
            let _alone = this.keys.changing.lock().await;
            let before = this.known_key(&id)?;
            if before.revoked.is_some() {
                return Err(AdminError::Conflict("the key was revoked".to_owned()));
            }
            let previous = (!grace.is_zero()).then(|| (before.hash, this.now().after(grace)));
            let record = KeyRecord { hash: secret.hash(), previous, ..KeyRecord::clone(&before) };
            this.book.store.apply(vec![Change::PutKey(Box::new(record.clone()))]).await?;
            Ok(this.show_new(record, &secret))
        };
        inner.to_the_end(work).await
    }

    /// From now on these keys open nothing; they stay in the list.
    ///
    /// # Errors
    /// None as a whole; each key tells of its own.
    pub async fn revoke_keys(&self, ids: &[String]) -> Result<Touched, AdminError> {
        let (this, ids) = (Arc::clone(self.inner()), ids.to_vec());
        let work = async move {
            let _alone = this.keys.changing.lock().await;
            let mut touched = Touched::default();
            for name in &ids {
                touched.note(name, this.revoke(&KeyId::new(name.clone())).await);
            }
            Ok(touched)
        };
        self.inner().to_the_end(work).await
    }

    /// Removes keys, with their figures and the accounts that are theirs.
    ///
    /// # Errors
    /// None as a whole; each key tells of its own.
    pub async fn remove_keys(&self, ids: &[String]) -> Result<Touched, AdminError> {
        let (this, ids) = (Arc::clone(self.inner()), ids.to_vec());
        let work = async move {
            let _alone = this.keys.changing.lock().await;
            let mut touched = Touched::default();
            for name in &ids {
                touched.note(name, this.remove_key(&KeyId::new(name.clone())).await);
            }
            Ok(touched)
        };
        self.inner().to_the_end(work).await
    }
}

impl Inner {
    async fn revoke(&self, id: &KeyId) -> Result<(), AdminError> {
        let before = self.known_key(id)?;
        let revoked = before.revoked.or_else(|| Some(self.now()));
        let record = KeyRecord { revoked, previous: None, ..KeyRecord::clone(&before) };
        self.put_key(record).await?;
        self.keys.meter(id).revoked.cancel();
        Ok(())
    }

    async fn remove_key(&self, id: &KeyId) -> Result<(), AdminError> {
        let record = self.known_key(id)?;
        let account = match &record.kind {
            KeyKind::Built { account } => Some(*account),
            KeyKind::Managed => None,
        };
        let draw = |draft: &mut Draft| {
            if let Some(account) = account {
                draft.remove(account);
            }
            Ok::<_, AdminError>(((), vec![Change::RemoveKey(id.clone())]))
        };
        self.book.change(draw).await?;
        self.keys.forget(id);
        Ok(())
    }

    fn new_secret(&self) -> KeySecret {
        let random = self.ambient.secret_bytes();
        let mut bytes = [0; 24];
        bytes.copy_from_slice(&random[..24]);
        KeySecret::from_bytes(bytes)
    }

    fn key_record(&self, secret: &KeySecret, kind: KeyKind, understood: Understood) -> KeyRecord {
        let Understood { name, expires, options, limits } = understood;
        KeyRecord {
            id: KeyId::new(format!("key_{}", self.ambient.uuid().simple())),
            name,
            kind,
            hash: secret.hash(),
            previous: None,
            created: self.now(),
            expires,
            revoked: None,
            options,
            limits,
        }
    }

    fn known_key(&self, id: &KeyId) -> Result<Arc<KeyRecord>, AdminError> {
        let found = self.keys.ring().get(id).cloned();
        found.ok_or_else(|| AdminError::NotFound(format!("key `{id}`")))
    }

    async fn put_key(&self, record: KeyRecord) -> Result<KeyView, AdminError> {
        self.book.store.apply(vec![Change::PutKey(Box::new(record.clone()))]).await?;
        self.keys.ring_mut().put(record.clone());
        Ok(self.key_view(Arc::new(record)))
    }

    fn show_new(&self, record: KeyRecord, secret: &KeySecret) -> NewKey {
        self.keys.ring_mut().put(record.clone());
        let text = secret.text(&self.keys.prefix, record.kind);
        NewKey {
            view: self.key_view(Arc::new(record)),
            text,
            number_base64: secret.number_base64(),
            number: secret.number(),
        }
    }

    fn key_view(&self, record: Arc<KeyRecord>) -> KeyView {
        let account = match &record.kind {
            KeyKind::Built { account } => self.book.get(*account),
            KeyKind::Managed => None,
        };
        let account_view = account.as_ref().and_then(|account| self.view(account));
        let account = account.map(|account| account.alias());
        KeyView { usage: self.keys.usage(&record.id), record, account, account_view }
    }

    /// What stays as it was `before` is not looked at again: the world may have changed since.
    fn understand_key(
        &self,
        input: KeyInput,
        before: Option<&KeyRecord>,
    ) -> Result<Understood, AdminError> {
        let KeyInput { name, expires, options, limits } = input;
        let name = name.unwrap_or_default();
        if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(AdminError::invalid("name", "must have at most 200 printable characters"));
        }
        let had = before.and_then(|before| before.expires);
        if expires != had && expires.is_some_and(|at| at <= self.now()) {
            return Err(AdminError::invalid("expires", "has passed"));
        }
        for (field, globs) in [("models", &limits.models), ("accounts", &limits.accounts)] {
            let length = |glob: &String| glob.chars().count();
            let is_legal = |glob: &String| (1..=LONGEST_GLOB).contains(&length(glob));
            if globs.len() > MOST_GLOBS || !globs.iter().all(is_legal) {
                let text = "must have at most 1000 entries of 1 to 200 characters";
                return Err(AdminError::invalid(field, text));
            }
        }
        let is_glob = |name: &String| name.contains(['*', '?']);
        for name in limits.accounts.iter().filter(|name| !is_glob(name)) {
            let had = before.is_some_and(|before| before.limits.accounts.contains(name));
            if !had && self.pooled(name).is_err() {
                return Err(AdminError::invalid(
                    "accounts",
                    format!("there is no account `{name}`"),
                ));
            }
        }
        let zero = [
            ("requests_per_minute", limits.requests_per_minute == Some(0)),
            ("tokens_per_minute", limits.tokens_per_minute == Some(0)),
            ("concurrency", limits.concurrency == Some(0)),
            ("budget.tokens", limits.budget.is_some_and(|budget| budget.tokens == 0)),
        ];
        if let Some((field, _)) = zero.into_iter().find(|(_, is_zero)| *is_zero) {
            return Err(AdminError::invalid(
                field,
                "must be at least 1; leave it out for no limit",
            ));
        }
        let options = KeyOptions {
            proxy: match options.proxy {
                Some(name) => Some(
                    self.known_proxy(&name)
                        .map_err(|_| AdminError::invalid("proxy_name", "there is no such proxy"))?,
                ),
                None => None,
            },
            timezone: options.timezone.as_deref().map(input::timezone).transpose()?,
            region: options.region.as_deref().map(input::region).transpose()?,
            disable_vision: options.disable_vision.unwrap_or(false),
            slow_pool: options.slow_pool,
            web_references: options.web_references,
            usage_check: options.usage_check.unwrap_or_default(),
            log_content: options.log_content,
        };
        Ok(Understood { name, expires, options, limits })
    }
}
