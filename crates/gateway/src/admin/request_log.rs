//! The request log as it is asked for: who may see what, and entries by what is known of accounts.

use std::sync::Arc;

use accounts::{AccountId, AccountRecord, Alias, Credential};
use request_log::{Page, Query, Who};
use secrecy::ExposeSecret as _;
use store::StoreError;
use upstream::profile::Profile;

use super::AccountView;
use crate::account::Account;
use crate::grant::Grant;
use crate::service::{Gateway, Inner};

/// Who looks at the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Viewer {
    /// Sees everything.
    Operator,
    /// Sees its own requests alone, and of accounts what it brought along.
    Caller(Who),
}

impl Viewer {
    #[must_use]
    pub fn of(grant: &Grant) -> Self {
        if grant.is_operator() {
            return Self::Operator;
        }
        // A client is known by its key's id, or as the shared token.
        Self::Caller(Who::parse(grant.client().as_str()))
    }

    #[must_use]
    pub fn is_operator(&self) -> bool {
        match self {
            Self::Operator => true,
            Self::Caller(_) => false,
        }
    }

    /// Whether this account is one that the viewer may know of.
    #[must_use]
    pub fn knows(&self, account: &AccountRecord) -> bool {
        match self {
            Self::Operator => true,
            Self::Caller(Who::Key(key)) => account.owner.as_ref() == Some(key),
            Self::Caller(Who::Operator | Who::Shared) => false,
        }
    }
}

/// A query, with filters by what is known of accounts now; an account must fit all of them.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// A list of accounts in it is narrowed by the other filters.
    pub query: Query,
    /// The user's number, or `user_…` from the profile or the token; exact.
    pub user_id: Option<String>,
    /// A part of the user's address; capitals do not matter.
    pub email: Option<String>,
    /// The plan's word, such as `pro`.
    pub membership: Option<String>,
    /// An alias, or an account's number, which also finds entries of accounts that are gone.
    pub account: Option<String>,
}

/// Why the log was not read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogProblem {
    #[error("the request log is switched off")]
    Off,
    #[error("the search takes too long; narrow it down")]
    TooBroad,
    #[error("the request log cannot be read")]
    Store(#[source] StoreError),
}

impl From<StoreError> for LogProblem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::TooBroad => Self::TooBroad,
            StoreError::Unavailable(_)
            | StoreError::Key(_)
            | StoreError::InUse(_)
            | StoreError::Conflict(_) => Self::Store(error),
        }
    }
}

impl Gateway {
    /// One page of what the viewer may see, and how many entries there are in all.
    ///
    /// # Errors
    /// There is no log, it cannot be read, or reading it would take too long.
    pub async fn find_requests(
        &self,
        viewer: &Viewer,
        query: LogQuery,
    ) -> Result<Page, LogProblem> {
        let log = self.inner().request_log().ok_or(LogProblem::Off)?;
        match self.inner().visible(viewer, query) {
            Some(query) => Ok(log.find(query).await?),
            None => Ok(Page::default()),
        }
    }

    /// The same without counting, for exports.
    ///
    /// # Errors
    /// As [`Self::find_requests`].
    pub async fn read_requests(
        &self,
        viewer: &Viewer,
        query: LogQuery,
    ) -> Result<Page, LogProblem> {
        let log = self.inner().request_log().ok_or(LogProblem::Off)?;
        match self.inner().visible(viewer, query) {
            Some(query) => Ok(log.read(query).await?),
            None => Ok(Page::default()),
        }
    }

    /// An account as it is now, if it is still there and the viewer may know of it.
    #[must_use]
    pub fn logged_account(&self, viewer: &Viewer, id: AccountId) -> Option<AccountView> {
        let inner = self.inner();
        let account = inner.book.get(id)?;
        viewer.knows(&account.record()).then(|| inner.view(&account))?
    }
}

impl Inner {
    /// The query as the log is asked it; `None` when nothing can fit.
    fn visible(&self, viewer: &Viewer, wanted: LogQuery) -> Option<Query> {
        let accounts = self.fitting(viewer, &wanted);
        let mut query = wanted.query;
        if let Viewer::Caller(own) = viewer {
            if query.who.as_ref().is_some_and(|who| who != own) {
                return None;
            }
            query.who = Some(own.clone());
        }
        query.accounts = match (query.accounts, accounts) {
            (Some(listed), Some(fitting)) => {
                Some(listed.into_iter().filter(|id| fitting.contains(id)).collect())
            }
            (listed, fitting) => listed.or(fitting),
        };
        match &query.accounts {
            Some(ids) if ids.is_empty() => None,
            Some(_) | None => Some(query),
        }
    }

    /// Accounts that fit all filters; `None` when there are none of these. A viewer finds nothing by
    /// facts of accounts that are not his to know.
    fn fitting(&self, viewer: &Viewer, wanted: &LogQuery) -> Option<Vec<AccountId>> {
        let LogQuery { query: _, user_id, email, membership, account } = wanted;
        let mut fitting: Option<Vec<AccountId>> = None;
        if user_id.is_some() || email.is_some() || membership.is_some() {
            let email = email.as_ref().map(|part| part.to_lowercase());
            let fits = |account: &Account| {
                let (record, profile) = (account.record(), account.profile.load());
                viewer.knows(&record)
                    && user_id.as_ref().is_none_or(|id| is_user(&record, &profile, id))
                    && email.as_ref().is_none_or(|part| has_email(&profile, part))
                    && membership.as_ref().is_none_or(|word| has_plan(&profile, word))
            };
            let accounts = self.book.accounts();
            let found = accounts.iter().filter(|account| fits(account));
            fitting = Some(found.map(|account| account.id).collect());
        }
        if let Some(name) = account {
            let named = self.account_named(viewer, name);
            let is_left = |id: &AccountId| fitting.as_ref().is_none_or(|ids| ids.contains(id));
            fitting = Some(named.into_iter().filter(is_left).collect());
        }
        fitting
    }

    fn account_named(&self, viewer: &Viewer, name: &str) -> Option<AccountId> {
        let by_alias = self.book.find(&Alias::new(name));
        let by_number = || self.book.get(AccountId(name.parse().ok()?));
        match by_alias.or_else(by_number) {
            Some(account) => viewer.knows(&account.record()).then_some(account.id),
            None if viewer.is_operator() => name.parse().ok().map(AccountId),
            None => None,
        }
    }
}

fn is_user(record: &AccountRecord, profile: &Arc<Profile>, id: &str) -> bool {
    let user = profile.user.as_ref();
    user.is_some_and(|user| user.user_id.to_string() == id)
        || user.and_then(|user| user.workos_id.as_deref()) == Some(id)
        || token_user(record).as_deref() == Some(id)
}

/// Whom the token is of; an API key does not tell.
fn token_user(record: &AccountRecord) -> Option<String> {
    match Credential::parse(record.tokens.primary.expose_secret()).ok()? {
        Credential::Session(token) | Credential::Web(token) => Some(token.claims().user_id.clone()),
        Credential::ApiKey(_) => None,
    }
}

/// `part` in small letters.
fn has_email(profile: &Profile, part: &str) -> bool {
    let email = profile.user.as_ref().and_then(|user| user.email.as_deref());
    email.is_some_and(|email| email.to_lowercase().contains(part))
}

fn has_plan(profile: &Profile, word: &str) -> bool {
    let of_usage = profile.usage.as_ref().map(|usage| &usage.membership_type);
    let plan = profile.stripe.as_ref().map(|stripe| &stripe.membership_type).or(of_usage);
    plan.is_some_and(|plan| plan.as_str() == word)
}
