//! The bearer of an account: its session token as it is, or what its API key was exchanged for.
//!
//! An exchanged token is renewed before it expires, by one call at a time however many turns want
//! it; a token that still has life is used while its successor is on the way.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use accounts::{Credential, SessionToken, UserApiKey};
use arc_swap::ArcSwapOption;
use conversation::{Failure, FailureClass, Retry, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use upstream::transport::Via;
use upstream::{Backend, classify};

use crate::ambient::Ambient;

/// Renew when less than this is left (`reference/upstream-protocol.md` §4.4).
const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// Where an account's bearer comes from.
#[derive(Debug)]
pub(crate) enum TokenSource {
    Session(SessionToken),
    Exchanged(Exchanged),
}

/// An API key and what it was exchanged for.
#[derive(Debug)]
pub(crate) struct Exchanged {
    key: UserApiKey,
    current: ArcSwapOption<Token>,
    /// Held by the one that exchanges; keeps how that ended for those who wait meanwhile.
    exchanging: tokio::sync::Mutex<Option<Failure>>,
    /// Exchanges that have ended.
    rounds: AtomicU64,
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
            Credential::ApiKey(key) => Self::Exchanged(Exchanged {
                key,
                current: ArcSwapOption::empty(),
                exchanging: tokio::sync::Mutex::new(None),
                rounds: AtomicU64::new(0),
            }),
        }
    }

    /// A bearer that is good now.
    pub(crate) async fn bearer(
        &self,
        backend: &Backend,
        ambient: &dyn Ambient,
    ) -> Result<SecretString, Failure> {
        match self {
            Self::Session(token) if token.claims().expires <= ambient.unix_ms() / 1000 => {
                Err(rejected("the session token has expired"))
            }
            Self::Session(token) => Ok(token.expose().clone()),
            Self::Exchanged(exchanged) => exchanged.bearer(backend, ambient).await,
        }
    }

    /// Forgets a bearer that the upstream did not accept. Whether a fresh one can be had.
    pub(crate) fn refused(&self, bearer: &SecretString) -> bool {
        match self {
            Self::Session(_) => false,
            Self::Exchanged(Exchanged { current, .. }) => {
                let same = |token: &Token| token.bearer.expose_secret() == bearer.expose_secret();
                if current.load_full().is_some_and(|token| same(&token)) {
                    current.store(None);
                }
                true
            }
        }
    }
}

impl Exchanged {
    async fn bearer(
        &self,
        backend: &Backend,
        ambient: &dyn Ambient,
    ) -> Result<SecretString, Failure> {
        if let Some(bearer) = self.with_more_than(RENEW_BEFORE, ambient) {
            return Ok(bearer);
        }
        let round = self.rounds.load(Ordering::Acquire);
        let mut last = match self.exchanging.try_lock() {
            Ok(alone) => alone,
            // Somebody is at it, and the old one still holds.
            Err(_) if let Some(bearer) = self.with_more_than(Duration::ZERO, ambient) => {
                return Ok(bearer);
            }
            Err(_) => self.exchanging.lock().await,
        };
        if let Some(bearer) = self.with_more_than(RENEW_BEFORE, ambient) {
            return Ok(bearer);
        }
        // Who waited while it failed shares the failure instead of failing once more, in turns.
        if self.rounds.load(Ordering::Acquire) != round
            && let Some(failure) = last.as_ref()
        {
            return Err(failure.clone());
        }
        let exchanged = exchange(backend, &self.key, ambient).await;
        self.rounds.fetch_add(1, Ordering::AcqRel);
        match exchanged {
            Ok(token) => {
                *last = None;
                let bearer = token.bearer.clone();
                self.current.store(Some(token.into()));
                Ok(bearer)
            }
            Err(failure) => {
                *last = Some(failure.clone());
                let Some(bearer) = self.with_more_than(Duration::ZERO, ambient) else {
                    return Err(failure);
                };
                tracing::warn!(%failure, "token exchange failed; the old token still holds");
                Ok(bearer)
            }
        }
    }

    fn with_more_than(&self, life: Duration, ambient: &dyn Ambient) -> Option<SecretString> {
        let token = self.current.load_full()?;
        let left = token.expires.saturating_sub(ambient.unix_ms() / 1000);
        (Duration::from_secs(left) > life).then(|| token.bearer.clone())
    }
}

async fn exchange(
    backend: &Backend,
    key: &UserApiKey,
    ambient: &dyn Ambient,
) -> Result<Token, Failure> {
    let bearer = backend
        .exchange_api_key(key.expose(), &Via::Direct)
        .await
        .map_err(|error| classify(&error))?;
    let expires = match SessionToken::parse(bearer.expose_secret()) {
        Ok(token) => token.claims().expires,
        // Opaque to us; good for a short while, then exchanged again.
        Err(_) => ambient.unix_ms() / 1000 + 2 * RENEW_BEFORE.as_secs(),
    };
    tracing::debug!(expires, "API key exchanged for a session token");
    Ok(Token { bearer, expires })
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
