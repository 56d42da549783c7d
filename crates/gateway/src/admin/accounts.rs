//! The administrator's changes to accounts.

use std::sync::Arc;

use accounts::{AccountId, AccountRecord, Alias, Credential, MemberState, UnixMs};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use upstream::profile::Profile;

use super::added::{add_one, known_credentials};
use super::input::{self, Understood};
use super::{AccountInput, AdminError, Touched};
use crate::account::Account;
use crate::book::Draft;
use crate::service::{Gateway, Inner};

/// An account as the administrator sees it.
#[derive(Debug, Clone)]
pub struct AccountView {
    pub record: Arc<AccountRecord>,
    pub profile: Arc<Profile>,
    pub state: MemberState,
    /// When the bearer that is in use now expires.
    pub expires: Option<UnixMs>,
    /// `session`, `web` or `api_key`.
    pub credential: &'static str,
}

/// Words of the log and of reasons.
const UNKNOWN: &str = "there is no such account";

impl Gateway {
    /// The pool's accounts, in the order of their numbers.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountView> {
        let inner = self.inner();
        inner.book.accounts().pooled().filter_map(|account| inner.view(account)).collect()
    }

    /// One of the pool's accounts.
    #[must_use]
    pub fn account(&self, alias: &str) -> Option<AccountView> {
        let inner = self.inner();
        let account = inner.pooled(alias).ok()?;
        inner.view(&account)
    }

    /// Puts this list in the place of all the pool's accounts. All or nothing; accounts whose alias
    /// stays keep their number.
    ///
    /// # Errors
    /// A row that cannot be, by its place (`[2].primary_token`).
    pub async fn set_accounts(&self, list: Vec<AccountInput>) -> Result<usize, AdminError> {
        let inner = self.inner();
        let mut rows = Vec::with_capacity(list.len());
        for (row, input) in list.into_iter().enumerate() {
            let at = format!("[{row}]");
            rows.push(inner.understand(input).map_err(|error| error.within(&at))?);
        }
        inner
            .book
            .change(|draft| {
                let before = draft.pooled();
                let known: Vec<(Alias, AccountId)> =
                    before.iter().filter_map(|id| Some((draft.record(*id)?.alias, *id))).collect();
                for id in before {
                    draft.remove(id);
                }
                let count = rows.len();
                for (row, understood) in rows.into_iter().enumerate() {
                    let at = format!("[{row}]");
                    let set = set_one(inner, draft, &known, understood);
                    set.map_err(|error| error.within(&at))?;
                }
                Ok((count, Vec::new()))
            })
            .await
    }

    /// Adds accounts; a row that cannot be added is told of with the reason, the others are added.
    ///
    /// # Errors
    /// The store does not take them; then none was added.
    pub async fn add_accounts(
        &self,
        list: Vec<AccountInput>,
        enabled: bool,
    ) -> Result<Touched, AdminError> {
        let inner = self.inner();
        let rows: Vec<_> = list.into_iter().map(|input| name_of(&input)).collect();
        let added = inner
            .book
            .change(|draft| {
                let mut touched = Touched::default();
                let mut credentials = known_credentials(draft);
                for (row, (name, input)) in rows.into_iter().enumerate() {
                    let name = name.unwrap_or_else(|| format!("tokens[{row}]"));
                    let understood = inner.understand(input);
                    match understood
                        .and_then(|u| add_one(inner, draft, &mut credentials, u, enabled))
                    {
                        Ok(alias) => touched.done(alias.as_str()),
                        Err(error) => touched.failed(name, error),
                    }
                }
                Ok::<_, AdminError>((touched, Vec::new()))
            })
            .await?;
        self.settle_in(&added.done);
        Ok(added)
    }

    /// New accounts are looked at soon, so that their profile is there when somebody looks.
    fn settle_in(&self, aliases: &[String]) {
        for alias in aliases {
            if let Ok(account) = self.inner().pooled(alias) {
                self.inner().look_soon(&account);
            }
        }
    }

    /// # Errors
    /// The store does not take it.
    pub async fn remove_accounts(&self, names: &[String]) -> Result<Touched, AdminError> {
        self.each(names, find, |draft, id| {
            draft.remove(id);
            Ok(())
        })
        .await
    }

    /// Puts what is said over what is there.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn merge_accounts(
        &self,
        list: Vec<(String, AccountInput)>,
    ) -> Result<Touched, AdminError> {
        let inner = self.inner();
        inner
            .book
            .change(|draft| {
                let mut touched = Touched::default();
                for (name, input) in list {
                    let merged = merge_one(inner, draft, &name, input);
                    touched.note(&name, merged);
                }
                Ok((touched, Vec::new()))
            })
            .await
    }

    /// Enabling clears marks: the operator has looked.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn enable_accounts(
        &self,
        names: &[String],
        enabled: bool,
    ) -> Result<Touched, AdminError> {
        let touched = self
            .alter(names, |record| {
                record.enabled = enabled;
                if enabled {
                    record.mark = None;
                }
            })
            .await?;
        if enabled {
            self.forget_suspicions(&touched.done);
        }
        Ok(touched)
    }

    /// The operator has looked: what was only suspected is forgotten.
    fn forget_suspicions(&self, names: &[String]) {
        for name in names {
            if let Ok(account) = self.inner().named(name) {
                self.inner().book.roster().well(account.id);
            }
        }
        self.inner().book.freed.notify_waiters();
    }

    /// # Errors
    /// The store does not take it.
    pub async fn clear_marks(&self, names: &[String]) -> Result<Touched, AdminError> {
        let touched = self.alter(names, |record| record.mark = None).await?;
        self.forget_suspicions(&touched.done);
        Ok(touched)
    }

    /// # Errors
    /// There is no such proxy, or the store does not take it.
    pub async fn set_account_proxy(
        &self,
        names: &[String],
        proxy: Option<String>,
    ) -> Result<Touched, AdminError> {
        let proxy = proxy.map(|name| self.inner().known_proxy(&name)).transpose()?;
        self.alter(names, |record| record.proxy = proxy.clone()).await
    }

    /// # Errors
    /// It is no time zone, or the store does not take it.
    pub async fn set_account_timezone(
        &self,
        names: &[String],
        timezone: Option<String>,
    ) -> Result<Touched, AdminError> {
        let timezone = timezone.as_deref().map(input::timezone).transpose()?;
        self.alter(names, |record| record.timezone = timezone.clone()).await
    }

    /// Also of the accounts that belong to keys.
    async fn alter(
        &self,
        names: &[String],
        change: impl Fn(&mut AccountRecord),
    ) -> Result<Touched, AdminError> {
        self.each(names, any, |draft, id| {
            draft
                .alter(id, |record| change(record))
                .ok_or_else(|| AdminError::NotFound("such account".to_owned()))
        })
        .await
    }

    async fn each(
        &self,
        names: &[String],
        find: impl Fn(&Draft, &str) -> Result<AccountId, AdminError>,
        change: impl Fn(&mut Draft, AccountId) -> Result<(), AdminError>,
    ) -> Result<Touched, AdminError> {
        let names: Vec<String> = names.to_vec();
        self.inner()
            .book
            .change(|draft| {
                let mut touched = Touched::default();
                for name in &names {
                    let changed = find(draft, name).and_then(|id| change(draft, id));
                    touched.note(name, changed);
                }
                Ok((touched, Vec::new()))
            })
            .await
    }
}

impl Inner {
    /// Any account by its name; that of a key is called as the key's id.
    pub(crate) fn named(&self, alias: &str) -> Result<Arc<Account>, AdminError> {
        let account = self.book.find(&Alias::new(alias));
        account.ok_or_else(|| AdminError::NotFound("such account".to_owned()))
    }

    /// One of the pool's accounts by its name.
    pub(crate) fn pooled(&self, alias: &str) -> Result<Arc<Account>, AdminError> {
        let account = self.book.find(&Alias::new(alias));
        account
            .filter(|account| account.record().owner.is_none())
            .ok_or_else(|| AdminError::NotFound("such account".to_owned()))
    }

    pub(super) fn view(&self, account: &Account) -> Option<AccountView> {
        let state = self.book.roster().state(account.id, self.now())?;
        let facts = account.facts();
        Some(AccountView {
            record: Arc::clone(&facts.record),
            profile: account.profile.load_full(),
            state,
            expires: account
                .bearer
                .load_full()
                .map(|bearer| UnixMs(bearer.expires.saturating_mul(1000))),
            credential: match facts.credential {
                Credential::Session(_) => "session",
                Credential::Web(_) => "web",
                Credential::ApiKey(_) => "api_key",
            },
        })
    }
}

/// Any account, those of keys as well.
fn any(draft: &Draft, name: &str) -> Result<AccountId, AdminError> {
    draft.find(&Alias::new(name)).ok_or_else(|| AdminError::NotFound("such account".to_owned()))
}

/// One of the pool's.
pub(super) fn find(draft: &Draft, name: &str) -> Result<AccountId, AdminError> {
    let id = draft
        .find(&Alias::new(name))
        .filter(|id| draft.record(*id).is_some_and(|record| record.owner.is_none()));
    id.ok_or_else(|| AdminError::NotFound("such account".to_owned()))
}

/// How a row is told of when it fails.
fn name_of(input: &AccountInput) -> (Option<String>, AccountInput) {
    (input.alias.clone(), input.clone())
}

fn set_one(
    inner: &Inner,
    draft: &mut Draft,
    known: &[(Alias, AccountId)],
    understood: Understood,
) -> Result<(), AdminError> {
    let Some(alias) = understood.alias.clone() else {
        return Err(AdminError::invalid("alias", "is missing"));
    };
    if draft.find(&alias).is_some() {
        return Err(AdminError::invalid("alias", format!("there are two accounts `{alias}`")));
    }
    let same = known.iter().find(|(known, _)| *known == alias).map(|(_, id)| *id);
    let id = same.unwrap_or_else(|| draft.new_id());
    let before = inner.book.get(id).map(|account| account.record());
    put_new(inner, draft, id, alias, understood, true)?;
    // The same credential: what the settings declared of it and what is known of it still hold.
    if let Some(before) = before {
        let _ = draft.alter(id, |record| {
            let text = |record: &AccountRecord| digest(record.tokens.primary.expose_secret());
            if text(record) == text(&before) {
                (record.declared, record.mark) = (before.declared, before.mark.clone());
            }
        });
    }
    Ok(())
}

pub(super) fn put_new(
    inner: &Inner,
    draft: &mut Draft,
    id: AccountId,
    alias: Alias,
    mut understood: Understood,
    enabled: bool,
) -> Result<(), AdminError> {
    let profile = understood.profile.take();
    let (record, credential) = understood.into_record(id, alias, inner, enabled)?;
    draft.put(record, credential);
    if let Some(profile) = profile {
        draft.put_profile(id, profile);
    }
    Ok(())
}

/// What tells credentials apart however they are written.
pub(super) fn identity(credential: &Credential) -> [u8; 32] {
    match credential {
        Credential::Session(token) | Credential::Web(token) => {
            digest(token.expose().expose_secret())
        }
        Credential::ApiKey(key) => digest(key.expose().expose_secret()),
    }
}

pub(super) fn user_of(credential: &Credential) -> Option<String> {
    match credential {
        Credential::Session(token) | Credential::Web(token) => Some(token.claims().user_id.clone()),
        Credential::ApiKey(_) => None,
    }
}

pub(crate) fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn merge_one(
    inner: &Inner,
    draft: &mut Draft,
    name: &str,
    input: AccountInput,
) -> Result<(), AdminError> {
    let id = find(draft, name)?;
    if input.is_empty() && input.profile.is_none() && input.enabled.is_none() {
        return Err(AdminError::invalid("fields", "at least one is needed"));
    }
    let mut understood = inner.understand(input)?;
    let profile = understood.profile.take();
    let gone = || AdminError::NotFound(UNKNOWN.to_owned());
    let mut record = draft.record(id).ok_or_else(gone)?;
    let credential = Credential::parse(record.tokens.primary.expose_secret())
        .map_err(|error| AdminError::invalid("primary_token", error.to_string()))?;
    let before = user_of(&credential);
    let primary = record.tokens.primary.clone();
    let credential = understood.merge_into(&mut record, credential);
    if record.tokens.primary.expose_secret() != primary.expose_secret()
        && let Some(other) = known_credentials(draft).get(&identity(&credential))
        && *other != record.alias
    {
        return Err(AdminError::Conflict(format!("this token is that of `{other}` already")));
    }
    // What is known of one user is not known of another.
    let is_other = before != user_of(&credential);
    draft.put(record, credential);
    if let Some(profile) = profile.or_else(|| is_other.then(Profile::default)) {
        draft.put_profile(id, profile);
    }
    Ok(())
}
