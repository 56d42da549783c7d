//! The bearer of an account: its session token as it is, or what its API key was exchanged for.
//!
//! An exchanged token is renewed before it expires, by one call at a time however many turns want
//! it; a token that still has life is used while its successor is on the way.

use std::time::Duration;

use accounts::{Credential, SessionToken, UserApiKey};
use arc_swap::ArcSwapOption;
use conversation::{Failure, FailureClass, Retry, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use upstream::{Backend, classify};

/// Renew when less than this is left (`reference/upstream-protocol.md` §4.4).
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// Where an account's bearer comes from.
#[derive(Debug)]
pub(crate) enum TokenSource {
    Session(SessionToken),
    Exchanged {
        key: UserApiKey,
        current: ArcSwapOption<Token>,
        /// Held by the one that exchanges.
        exchanging: tokio::sync::Mutex<()>,
    },
}

#[derive(Debug)]
pub(crate) struct Token {
    bearer: SecretString,
    /// Unix seconds.
    expires: u64,
}

impl TokenSource {
    pub(crate) fn new(credential: Credential) -> Self {
        match credential {
            Credential::Session(token) => Self::Session(token),
            Credential::ApiKey(key) => Self::Exchanged {
                key,
                current: ArcSwapOption::empty(),
                exchanging: tokio::sync::Mutex::new(()),
            },
        }
    }

    /// A bearer that is good now.
    pub(crate) async fn bearer(
        &self,
        backend: &Backend,
        unix_seconds: u64,
    ) -> Result<SecretString, Failure> {
        match self {
            Self::Session(token) if token.claims().expires <= unix_seconds => {
                Err(rejected("the session token has expired"))
            }
            Self::Session(token) => Ok(token.expose().clone()),
            Self::Exchanged { key, current, exchanging } => {
                let left =
                    |token: &Token| Duration::from_secs(token.expires.saturating_sub(unix_seconds));
                if let Some(token) = current.load_full().filter(|t| left(t) > RENEW_BEFORE) {
                    return Ok(token.bearer.clone());
                }
                let alone = exchanging.try_lock();
                let _alone = match (alone, current.load_full().filter(|t| left(t) > Duration::ZERO))
                {
                    (Ok(guard), _) => guard,
                    // Somebody is at it, and the old one still holds.
                    (Err(_), Some(token)) => return Ok(token.bearer.clone()),
                    (Err(_), None) => exchanging.lock().await,
                };
                if let Some(token) = current.load_full().filter(|t| left(t) > RENEW_BEFORE) {
                    return Ok(token.bearer.clone());
                }
                match exchange(backend, key, unix_seconds).await {
                    Ok(token) => {
                        let bearer = token.bearer.clone();
                        current.store(Some(token.into()));
                        Ok(bearer)
                    }
                    Err(failure) => {
                        match current.load_full().filter(|t| left(t) > Duration::ZERO) {
                            Some(token) => {
                                tracing::warn!(%failure, "token exchange failed; the old token still holds");
                                Ok(token.bearer.clone())
                            }
                            None => Err(failure),
                        }
                    }
                }
            }
        }
    }

    /// Forgets a bearer that the upstream did not accept. Whether a fresh one can be had.
    pub(crate) fn refused(&self, bearer: &SecretString) -> bool {
        match self {
            Self::Session(_) => false,
            Self::Exchanged { current, .. } => {
                let same = |token: &Token| token.bearer.expose_secret() == bearer.expose_secret();
                if current.load_full().is_some_and(|token| same(&token)) {
                    current.store(None);
                }
                true
            }
        }
    }
}

async fn exchange(
    backend: &Backend,
    key: &UserApiKey,
    unix_seconds: u64,
) -> Result<Token, Failure> {
    let tokens = backend.exchange_api_key(key.expose()).await.map_err(|error| classify(&error))?;
    let expires = match SessionToken::parse(tokens.access.expose_secret()) {
        Ok(token) => token.claims().expires,
        // Opaque to us; good for a short while, then exchanged again.
        Err(_) => unix_seconds + 2 * RENEW_BEFORE.as_secs(),
    };
    tracing::debug!(expires, "API key exchanged for a session token");
    Ok(Token { bearer: tokens.access, expires })
}

fn rejected(reason: &str) -> Failure {
    Failure::new(
        FailureClass::AccountRejected,
        "The upstream does not accept the gateway's account.",
    )
    .scope(Scope::Account)
    .retry(Retry::Elsewhere)
    .log(reason)
}
