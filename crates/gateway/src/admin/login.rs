//! Logins in a browser: a link for the operator, then tokens (`reference/upstream-protocol.md`
//! §4.2). The waiting is the caller's: it asks until the login is finished.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use accounts::{Alias, Credential};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;
use upstream::classify;
use upstream::login::{LoginTokens, Pkce};
use uuid::Uuid;

use super::accounts::user_of;
use super::{AccountInput, AdminError};
use crate::service::{Gateway, Inner};

/// A login that nobody finished is forgotten after this long.
const LIFE: Duration = Duration::from_secs(600);
/// Most logins at once; the oldest goes first.
const MOST: usize = 100;

/// A login under way.
#[derive(Debug, Clone)]
pub struct Login {
    pub id: Uuid,
    /// To be opened in a browser.
    pub url: String,
}

#[derive(Debug, Default)]
pub(crate) struct Logins(Mutex<HashMap<Uuid, (Pkce, Instant)>>);

impl Logins {
    fn start(&self, pkce: Pkce) {
        let mut logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|_, (_, at)| at.elapsed() < LIFE);
        if logins.len() >= MOST
            && let Some(oldest) = logins.iter().min_by_key(|(_, (_, at))| *at).map(|(id, _)| *id)
        {
            logins.remove(&oldest);
        }
        logins.insert(pkce.uuid, (pkce, Instant::now()));
    }

    fn get(&self, id: Uuid) -> Option<Pkce> {
        let logins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (pkce, at) = logins.get(&id)?;
        (at.elapsed() < LIFE).then(|| pkce.clone())
    }

    fn end(&self, id: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

impl Inner {
    /// The pool's account of the user that a token is of: who logs in again means that one.
    fn account_of_user(&self, token: &SecretString) -> Option<String> {
        let user = user_of(&Credential::parse(token.expose_secret()).ok()?)?;
        let accounts = self.book.accounts();
        let account = accounts
            .pooled()
            .find(|account| user_of(&account.facts().credential).as_ref() == Some(&user))?;
        Some(account.alias().as_str().to_owned())
    }
}

impl Gateway {
    /// Begins a login.
    #[must_use]
    pub fn begin_login(&self) -> Login {
        let inner = self.inner();
        let pkce = Pkce::new(inner.ambient.uuid(), inner.ambient.secret_bytes());
        let login = Login { id: pkce.uuid, url: pkce.login_url(inner.backend.web_origin()) };
        inner.logins.start(pkce);
        login
    }

    /// Asks once whether a login is finished; then its account is added, or given the new tokens
    /// when `alias` names one that is there, or when it is that of the same user. `None`: not yet.
    ///
    /// # Errors
    /// There is no such login, it was refused, or the account cannot be kept.
    pub async fn finish_login(
        &self,
        id: Uuid,
        alias: Option<String>,
    ) -> Result<Option<Alias>, AdminError> {
        let this = self.clone();
        // The tokens are given once: who leaves meanwhile finds the account all the same.
        let work = async move { this.finish_this_login(id, alias).await };
        self.inner().to_the_end(work).await
    }

    async fn finish_this_login(
        &self,
        id: Uuid,
        alias: Option<String>,
    ) -> Result<Option<Alias>, AdminError> {
        let inner = self.inner();
        let pkce = inner.logins.get(id).ok_or_else(|| AdminError::NotFound("such login".into()))?;
        // Before the tokens are fetched: they are given once.
        alias.as_deref().map(super::input::alias).transpose()?;
        let via = inner.ways.via(None).map_err(AdminError::Upstream)?;
        let polled = inner.backend.poll_login(&pkce, &via).await;
        let polled = polled.map_err(|error| AdminError::Upstream(classify(&error)))?;
        let Some(LoginTokens { access, refresh, auth_id: _ }) = polled else { return Ok(None) };
        inner.logins.end(id);
        let input = AccountInput {
            alias: alias.clone(),
            primary: Some(access),
            refresh,
            ..AccountInput::default()
        };
        let known = match alias {
            Some(alias) => self.account(&alias).map(|_| alias),
            None => input.primary.as_ref().and_then(|token| inner.account_of_user(token)),
        };
        let touched = match known {
            Some(alias) => {
                self.merge_accounts(vec![(alias, AccountInput { alias: None, ..input })]).await?
            }
            None => self.add_accounts(vec![input], true).await?,
        };
        match (touched.done.into_iter().next(), touched.failed.into_iter().next()) {
            (Some(alias), _) => Ok(Some(Alias::new(alias))),
            (None, Some(failed)) => Err(AdminError::Conflict(failed.reason)),
            (None, None) => Err(AdminError::Conflict("the account was not added".into())),
        }
    }
}
