//! The bearer of an account, and its renewal: one at a time per account however many want it, in a
//! task of its own, without a lock while the network is asked.
//!
//! A session token is its own bearer; an API key is exchanged for one; a web token is upgraded
//! first (`reference/upstream-protocol.md` §4.3–4.4). A token that still has life is used while
//! its successor is on the way.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use accounts::{AccountTokens, Credential, SessionToken, UnixMs};
use conversation::{Failure, FailureClass, Retry, Scope};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::watch;
use tokio::time::Instant;
use upstream::login::{LoginTokens, Pkce, PollSchedule, PollStep};
use upstream::transport::Via;
use upstream::{NewTokens, WebCredential};
use upstream::{UpstreamError, classify};

use crate::account::{Account, Facts};
use crate::service::Inner;

/// Renew when less than this is left (§4.4).
pub(crate) const RENEW_BEFORE: Duration = Duration::from_secs(300);

/// The whole of a renewal, upgrade included.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(60);

/// A renewal that failed is not tried again sooner.
const AFTER_FAILURE: Duration = Duration::from_secs(5);

/// What the account's calls carry.
#[derive(Debug)]
pub(crate) struct Bearer {
    pub(crate) token: SecretString,
    /// Unix seconds.
    pub(crate) expires: u64,
}

impl Bearer {
    /// Of a credential that is one already.
    pub(crate) fn of(credential: &Credential) -> Option<Self> {
        match credential {
            Credential::Session(token) => {
                Some(Self { token: token.expose().clone(), expires: token.claims().expires })
            }
            Credential::Web(_) | Credential::ApiKey(_) => None,
        }
    }

    /// Opaque texts are taken as good for a short while.
    fn new(token: SecretString, now: UnixMs) -> Self {
        let expires = match SessionToken::parse(token.expose_secret()) {
            Ok(parsed) => parsed.claims().expires,
            Err(_) => now.seconds() + 2 * RENEW_BEFORE.as_secs(),
        };
        Self { token, expires }
    }
}

type Landed = Option<Result<(), Failure>>;

/// The renewal under way, or the last one.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    result: Option<watch::Receiver<Landed>>,
    landed: Option<Instant>,
}

impl Flight {
    /// One to wait for: under way, or failed just now.
    fn join(&self) -> Option<watch::Receiver<Landed>> {
        let result = self.result.as_ref()?;
        let worth_joining = match &*result.borrow() {
            None => result.has_changed().is_ok(),
            Some(Ok(())) => false,
            Some(Err(_)) => self.landed.is_some_and(|at| at.elapsed() < AFTER_FAILURE),
        };
        worth_joining.then(|| result.clone())
    }
}

impl Inner {
    /// A bearer that is good now.
    pub(crate) async fn bearer(
        self: &Arc<Self>,
        account: &Arc<Account>,
    ) -> Result<SecretString, Failure> {
        let seen = account.bearer.load_full();
        if let Some(bearer) = &seen {
            if self.lasts(bearer, RENEW_BEFORE) {
                return Ok(bearer.token.clone());
            }
            if self.lasts(bearer, Duration::ZERO) {
                // Still holds: its successor is fetched meanwhile.
                self.start_renewal(account, &seen);
                return Ok(bearer.token.clone());
            }
        }
        self.renew_from(account, &seen).await?;
        let renewed = account.bearer.load_full();
        renewed
            .filter(|bearer| self.lasts(bearer, Duration::ZERO))
            .map(|bearer| bearer.token.clone())
            .ok_or_else(|| rejected("the renewed token has expired already"))
    }

    /// Whether more than this is left.
    fn lasts(&self, bearer: &Bearer, life: Duration) -> bool {
        let left = bearer.expires.saturating_sub(self.now().seconds());
        Duration::from_secs(left) > life
    }

    /// The upstream did not accept a bearer. Gets another one if that is what was wrong; whether
    /// one more try with it makes sense.
    pub(crate) async fn revive(
        self: &Arc<Self>,
        account: &Arc<Account>,
        refused: &SecretString,
    ) -> bool {
        let is_current = |bearer: &Bearer| bearer.token.expose_secret() == refused.expose_secret();
        let seen = account.bearer.load_full();
        if !seen.as_ref().is_some_and(|bearer| is_current(bearer)) {
            // Somebody has renewed it meanwhile.
            return true;
        }
        let facts = account.facts();
        if let Credential::Session(_) = facts.credential
            && self.is_accepted(account, refused).await
        {
            // The credential is fine; it was the request that was refused.
            return false;
        }
        self.renew_from(account, &seen).await.is_ok()
    }

    async fn is_accepted(self: &Arc<Self>, account: &Arc<Account>, bearer: &SecretString) -> bool {
        let Ok(via) = self.ways.of_account(account) else { return false };
        let caller = account.caller(bearer.clone(), via);
        self.backend.check(&caller, self.ambient.stamp()).await.is_ok()
    }

    /// Renews, or joins the renewal under way.
    pub(crate) async fn renew(self: &Arc<Self>, account: &Arc<Account>) -> Result<(), Failure> {
        self.renew_from(account, &account.bearer.load_full()).await
    }

    /// The same, for who has seen that this bearer will not do: when it is another one by now,
    /// somebody else has renewed it already.
    async fn renew_from(
        self: &Arc<Self>,
        account: &Arc<Account>,
        seen: &Option<Arc<Bearer>>,
    ) -> Result<(), Failure> {
        let mut flight = self.start_renewal(account, seen);
        match flight.wait_for(Option::is_some).await.map(|landed| landed.clone()) {
            Ok(Some(result)) => result,
            Ok(None) | Err(_) => Err(rejected("the renewal of the token was given up")),
        }
    }

    fn start_renewal(
        self: &Arc<Self>,
        account: &Arc<Account>,
        seen: &Option<Arc<Bearer>>,
    ) -> watch::Receiver<Landed> {
        let mut flight = account.renewal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(joined) = flight.join() {
            return joined;
        }
        // A renewal that lands shows its bearer first, so that whoever comes after it sees it here.
        let current = account.bearer.load_full();
        if current.as_ref().map(Arc::as_ptr) != seen.as_ref().map(Arc::as_ptr) {
            return watch::channel(Some(Ok(()))).1;
        }
        let (landing, result) = watch::channel(None);
        *flight = Flight { result: Some(result.clone()), landed: None };
        let (inner, account) = (Arc::clone(self), Arc::clone(account));
        self.spawn(async move {
            let renewing = tokio::time::timeout(RENEWAL_TIMEOUT, inner.renew_now(&account)).await;
            let result = renewing.unwrap_or_else(|_| {
                Err(classify(&UpstreamError::Deadline(upstream::Deadline::Total)))
            });
            match &result {
                Ok(()) => tracing::debug!(account = %account.alias(), "token renewed"),
                Err(failure) => {
                    tracing::warn!(account = %account.alias(), %failure, "token not renewed");
                }
            }
            let mut flight = account.renewal.lock().unwrap_or_else(PoisonError::into_inner);
            flight.landed = Some(Instant::now());
            // Nobody may be waiting any more.
            let _ = landing.send(Some(result));
            drop(flight);
        });
        result
    }

    async fn renew_now(self: &Arc<Self>, account: &Arc<Account>) -> Result<(), Failure> {
        let facts = account.facts();
        let via = self.ways.of_account(account)?;
        let result = match &facts.credential {
            Credential::ApiKey(key) => {
                let tokens = self.backend.exchange(key.expose(), &via).await;
                let tokens = tokens.map_err(|error| classify(&error))?;
                let bearer = Bearer::new(tokens.access, self.now());
                account.take_bearer(bearer, &[&facts.record.tokens.primary]);
                return Ok(());
            }
            Credential::Web(token) => {
                let web = web_credential(token);
                self.upgrade(&web, &via).await.map(|tokens| (tokens, true))
            }
            Credential::Session(token) => self.renew_session(&facts, token, &via).await,
        };
        let (tokens, was_web) = result?;
        self.keep_tokens(account, &facts, tokens, was_web).await
    }

    /// By whatever the account has, the cheapest first.
    async fn renew_session(
        self: &Arc<Self>,
        facts: &Facts,
        token: &SessionToken,
        via: &Via,
    ) -> Result<(NewTokens, bool), Failure> {
        let kept = &facts.record.tokens;
        let mut last: Option<Failure> = None;
        let mut note = |failure: Failure| -> Result<(), Failure> {
            // The others would take the same way.
            if failure.scope == Scope::Network {
                return Err(failure);
            }
            // A refusal by one way must not hide that another one only failed for now.
            if last.as_ref().is_none_or(|last| last.class == FailureClass::AccountRejected) {
                last = Some(failure);
            }
            Ok(())
        };
        if let Some(refresh) = &kept.refresh {
            match self.backend.refresh_oauth(refresh, via).await {
                Ok(tokens) => return Ok((tokens, false)),
                Err(error) => note(classify(&error))?,
            }
            match self.backend.exchange(refresh, via).await {
                Ok(tokens) => return Ok((tokens, false)),
                Err(error) => note(classify(&error))?,
            }
        }
        if let Some(Ok(Credential::Web(web) | Credential::Session(web))) =
            kept.secondary.as_ref().map(|text| Credential::parse(text.expose_secret()))
        {
            match self.upgrade(&web_credential(&web), via).await {
                Ok(tokens) => return Ok((tokens, false)),
                Err(failure) => note(failure)?,
            }
        }
        // Access and refresh token are often the same (§4.4).
        if token.claims().expires > self.now().seconds() {
            match self.backend.exchange(token.expose(), via).await {
                Ok(tokens) => return Ok((tokens, false)),
                Err(error) => note(classify(&error))?,
            }
        }
        Err(last.unwrap_or_else(|| {
            rejected("the session token has expired and there is nothing to renew it with")
        }))
    }

    /// §4.3: a web token approves a login of our own.
    pub(crate) async fn upgrade(
        &self,
        web: &WebCredential,
        via: &Via,
    ) -> Result<NewTokens, Failure> {
        let pkce = Pkce::new(self.ambient.uuid(), self.ambient.secret_bytes());
        let started = self.backend.deep_login(web, &pkce, via).await;
        started.map_err(|error| classify(&error))?;
        self.await_login(&pkce, via).await
    }

    pub(crate) async fn await_login(&self, pkce: &Pkce, via: &Via) -> Result<NewTokens, Failure> {
        let mut schedule = PollSchedule::new();
        loop {
            let polled = self.backend.poll_login(pkce, via).await;
            let step = schedule.after(&polled);
            match (step, polled) {
                (_, Ok(Some(LoginTokens { access, refresh, auth_id: _ }))) => {
                    return Ok(NewTokens { access, refresh });
                }
                (PollStep::Wait(wait), _) => tokio::time::sleep(wait).await,
                (PollStep::Done | PollStep::GiveUp, Err(error)) => return Err(classify(&error)),
                (PollStep::Done | PollStep::GiveUp, Ok(None)) => {
                    return Err(rejected("the login was not finished in time"));
                }
            }
        }
    }

    async fn keep_tokens(
        self: &Arc<Self>,
        account: &Account,
        facts: &Facts,
        new: NewTokens,
        was_web: bool,
    ) -> Result<(), Failure> {
        let old = &facts.record.tokens;
        let tokens = AccountTokens {
            primary: new.access,
            secondary: if was_web { Some(old.primary.clone()) } else { old.secondary.clone() },
            refresh: new.refresh.or_else(|| old.refresh.clone()),
        };
        let primary = tokens.primary.clone();
        let bearer = Bearer::new(primary.clone(), self.now());
        let id = account.id;
        let kept = self.book.change::<_, store::StoreError>(|draft| {
            let Some(mut record) = draft.record(id) else { return Ok(((), Vec::new())) };
            // Somebody has put in another one meanwhile: that is newer.
            if record.tokens.primary.expose_secret() == old.primary.expose_secret()
                && let Ok(credential) = Credential::parse(tokens.primary.expose_secret())
            {
                record.tokens = tokens;
                draft.put(record, credential);
            }
            Ok(((), Vec::new()))
        });
        let kept = kept.await;
        // Serves this process even when the disk is full.
        account.take_bearer(bearer, &[&primary, &old.primary]);
        if let Err(error) = kept {
            tracing::error!(account = %account.alias(), %error, "renewed token not kept");
        }
        Ok(())
    }
}

/// What the web site's calls carry.
pub(crate) fn web_credential(token: &SessionToken) -> WebCredential {
    WebCredential { user_id: token.claims().user_id.clone(), token: token.expose().clone() }
}

pub(crate) fn rejected(reason: &str) -> Failure {
    Failure::new(
        FailureClass::AccountRejected,
        "The upstream does not accept the gateway's account.",
    )
    .scope(Scope::Account)
    .retry(Retry::Elsewhere)
    .log(reason)
}
