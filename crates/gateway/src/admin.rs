//! What the administrator does: accounts, proxies, keys, logins.
//!
//! Where one call names several things, each is tried on its own: one that fails does not stop the
//! others, and the answer says why it failed.

mod accounts;
mod added;
mod calls;
mod declared;
mod input;
mod keys;
mod login;
mod proxies;
mod renames;
mod request_log;

pub use self::accounts::AccountView;
pub use self::request_log::{LogProblem, LogQuery, Viewer};
pub use input::{AccountInput, ChecksumInput};
pub use keys::{KeyInput, KeyOptionsInput};
pub use login::Login;
pub(crate) use login::Logins;
pub use proxies::{ProxyEntry, ProxyList};

use conversation::Failure;
use store::StoreError;

use crate::service::Inner;

/// Why an administrator's wish was not fulfilled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AdminError {
    /// A field holds what it must not.
    #[error("{field}: {text}")]
    Invalid { field: String, text: String },
    #[error("there is no {0}")]
    NotFound(String),
    #[error("{0}")]
    Conflict(String),
    /// The backend or the way there.
    #[error("{0}")]
    Upstream(Failure),
    #[error("{0}")]
    Store(StoreError),
}

impl AdminError {
    pub(crate) fn invalid(field: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), text: text.into() }
    }

    /// The same about a field inside of another one.
    pub(crate) fn within(self, outer: &str) -> Self {
        match self {
            Self::Invalid { field, text } if field.starts_with('[') => {
                Self::Invalid { field: format!("{outer}{field}"), text }
            }
            Self::Invalid { field, text } => {
                Self::Invalid { field: format!("{outer}.{field}"), text }
            }
            other => other,
        }
    }
}

/// What became of each of several things.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    pub done: Vec<String>,
    pub failed: Vec<Failed>,
}

/// One that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// As it was named, or its place in the list.
    pub name: String,
    /// For the administrator; holds no secret.
    pub reason: String,
}

impl Touched {
    pub(crate) fn done(&mut self, name: impl Into<String>) {
        self.done.push(name.into());
    }

    pub(crate) fn failed(&mut self, name: impl Into<String>, reason: impl std::fmt::Display) {
        self.failed.push(Failed { name: name.into(), reason: reason.to_string() });
    }

    pub(crate) fn note<E: std::fmt::Display>(&mut self, name: &str, result: Result<(), E>) {
        match result {
            Ok(()) => self.done(name),
            Err(error) => self.failed(name, error),
        }
    }
}

impl Inner {
    /// Does a piece of an administrator's work to its end, even when the caller leaves meanwhile:
    /// what the store was told must be known here as well.
    pub(crate) async fn to_the_end<R: Send + 'static>(
        &self,
        work: impl Future<Output = Result<R, AdminError>> + Send + 'static,
    ) -> Result<R, AdminError> {
        let given_up = |_| Err(StoreError::Unavailable("the change was given up".into()).into());
        self.tasks.spawn(work).await.unwrap_or_else(given_up)
    }
}
