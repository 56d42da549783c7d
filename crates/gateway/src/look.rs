//! A look at an account that is under suspicion, before it is marked.
//!
//! One bad answer proves little: a request can be refused for what it holds. So an account whose
//! plan seems used up, or whose credential seems refused, only rests until the upstream has been
//! asked about the account itself. What it says then marks the account or clears it.

use std::sync::Arc;
use std::time::Duration;

use accounts::{Credential, Mark, MarkKind, MarkTexts, UnixMs};
use conversation::{Failure, FailureClass, Scope};
use secrecy::ExposeSecret as _;
use upstream::WebCredential;
use upstream::classify;
use upstream::profile::Usage;

use crate::account::Account;
use crate::bearer::web_credential;
use crate::service::Inner;

/// A mark whose end nobody knows ends after this long.
const UNKNOWN_LIMIT: Duration = Duration::from_secs(3600);

/// The plan has room, yet this model is refused for it.
const MODEL_LIMIT: Duration = Duration::from_secs(60);

/// Of the reason that a mark shows, in characters.
const LONGEST_REASON: usize = 300;

/// Whether it is the credential that the upstream does not take.
pub(crate) fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.class, FailureClass::AccountRejected | FailureClass::Forbidden)
}

/// What an account is suspected of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspicion {
    pub(crate) kind: MarkKind,
    /// The operator's own text says so: no further question.
    pub(crate) is_certain: bool,
    pub(crate) reason: String,
}

impl Suspicion {
    pub(crate) fn of(failure: &Failure, texts: &MarkTexts) -> Option<Self> {
        let by_class = match failure.class {
            FailureClass::Quota => Some(MarkKind::Limit),
            FailureClass::AccountRejected => Some(MarkKind::Abnormal),
            // One request may be forbidden, or the account blocked: that is looked into.
            FailureClass::Forbidden if failure.scope == Scope::Account => Some(MarkKind::Abnormal),
            FailureClass::Forbidden
            | FailureClass::Busy
            | FailureClass::Overloaded
            | FailureClass::UpstreamFailed => None,
            // Whatever they say, no account is at fault.
            FailureClass::Invalid
            | FailureClass::ContextTooLong
            | FailureClass::Unauthenticated
            | FailureClass::UnknownModel
            | FailureClass::NotFound
            | FailureClass::TooLarge
            | FailureClass::Refused
            | FailureClass::Timeout
            | FailureClass::Internal => return None,
        };
        let by_text = texts.find(&failure.log);
        let (kind, is_certain) = by_text.or(by_class.map(|kind| (kind, false)))?;
        let reason = failure.log.chars().take(LONGEST_REASON).collect();
        Some(Self { kind, is_certain, reason })
    }
}

impl Inner {
    /// Looks in a task of its own, one at a time per account.
    pub(crate) fn look_into(
        self: &Arc<Self>,
        account: &Arc<Account>,
        suspicion: Suspicion,
        model: String,
    ) {
        let (inner, account) = (Arc::clone(self), Arc::clone(account));
        self.spawn(async move {
            // Somebody is at it: what they find holds for this one too.
            let Ok(_alone) = account.looking.try_acquire() else { return };
            inner.judge(&account, suspicion, &model).await;
        });
    }

    async fn judge(self: &Arc<Self>, account: &Arc<Account>, suspicion: Suspicion, model: &str) {
        if suspicion.is_certain && self.is_last_well(account) {
            // A text may be wrong, and nobody else is left: it rests as it does.
            return;
        }
        match suspicion.kind {
            MarkKind::Abnormal if suspicion.is_certain => {
                let until = Some(self.now().after(UNKNOWN_LIMIT));
                self.mark(account, MarkKind::Abnormal, suspicion.reason, until).await;
            }
            MarkKind::Abnormal => match self.is_well(account).await {
                Ok(()) => self.clear_rest(account),
                Err(failure) if is_refusal(&failure) => {
                    self.mark(account, MarkKind::Abnormal, suspicion.reason, None).await;
                }
                // Not known: it rests as it does.
                Err(failure) => {
                    tracing::debug!(account = %account.alias(), %failure, "account not looked at");
                }
            },
            MarkKind::Limit => self.judge_limit(account, suspicion, model).await,
        }
    }

    /// The upstream refused a call about the account: marks it if it is the credential that is
    /// refused.
    pub(crate) async fn confirm(self: &Arc<Self>, account: &Arc<Account>, failure: &Failure) {
        let now = self.now();
        if !is_refusal(failure)
            || account.record().mark.as_ref().is_some_and(|mark| mark.holds(now))
            || !self.is_well(account).await.is_err_and(|failure| is_refusal(&failure))
        {
            return;
        }
        let reason = failure.log.chars().take(LONGEST_REASON).collect();
        self.mark(account, MarkKind::Abnormal, reason, None).await;
    }

    /// Whether no other account of the pool could serve.
    fn is_last_well(&self, account: &Account) -> bool {
        let now = self.now();
        !self.book.accounts().pooled().any(|other| {
            let record = other.record();
            let is_marked = record.mark.as_ref().is_some_and(|mark| mark.holds(now));
            other.id != account.id && record.enabled && !is_marked
        })
    }

    async fn judge_limit(
        self: &Arc<Self>,
        account: &Arc<Account>,
        suspicion: Suspicion,
        model: &str,
    ) {
        let usage = self.read_usage(account).await;
        let resets = usage.as_ref().ok().and_then(Usage::resets_unix_ms).map(UnixMs);
        let now = self.now();
        let until = resets.filter(|at| *at > now).unwrap_or_else(|| now.after(UNKNOWN_LIMIT));
        match usage {
            _ if suspicion.is_certain => {
                self.mark(account, MarkKind::Limit, suspicion.reason, Some(until)).await;
            }
            Ok(usage) if usage.exhausted() => {
                self.mark(account, MarkKind::Limit, suspicion.reason, Some(until)).await;
            }
            Ok(_) => {
                self.clear_rest(account);
                let pause = Some(MODEL_LIMIT);
                self.book.roster().cool(account.id, Some(model), pause, self.now());
            }
            Err(failure) => {
                tracing::debug!(account = %account.alias(), %failure, "usage not read");
            }
        }
    }

    /// Whether the upstream accepts the account's credential; renews it if that is what it takes.
    pub(crate) async fn is_well(self: &Arc<Self>, account: &Arc<Account>) -> Result<(), Failure> {
        for again in [true, false] {
            let bearer = self.bearer(account).await?;
            let via = self.ways.of_account(account)?;
            let caller = account.caller(bearer.clone(), via);
            let checked = self.backend.check(&caller, self.ambient.stamp()).await;
            match checked.map_err(|error| classify(&error)) {
                Ok(()) => return Ok(()),
                Err(failure)
                    if again
                        && failure.class == FailureClass::AccountRejected
                        && self.revive(account, &bearer).await => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(())
    }

    /// Reads the usage anew and keeps it.
    pub(crate) async fn read_usage(
        self: &Arc<Self>,
        account: &Arc<Account>,
    ) -> Result<Usage, Failure> {
        let web = self.web(account).await?;
        let via = self.ways.of_account(account)?;
        let usage = self.backend.usage_summary(&web, &via).await.map_err(|e| classify(&e))?;
        let mut profile = (*account.profile.load_full()).clone();
        profile.usage = Some(usage.clone());
        self.keep_profile(account, profile).await;
        Ok(usage)
    }

    /// For the calls that the web site alone answers: the web token, else the session's own.
    pub(crate) async fn web(
        self: &Arc<Self>,
        account: &Arc<Account>,
    ) -> Result<WebCredential, Failure> {
        let record = account.record();
        let now = self.now().seconds();
        if let Some(text) = &record.tokens.secondary
            && let Ok(Credential::Web(token) | Credential::Session(token)) =
                Credential::parse(text.expose_secret())
            && token.claims().expires > now
        {
            return Ok(web_credential(&token));
        }
        let bearer = self.bearer(account).await?;
        let token = accounts::SessionToken::parse(bearer.expose_secret())
            .map_err(|_| crate::bearer::rejected("the bearer does not tell its user"))?;
        Ok(web_credential(&token))
    }

    pub(crate) async fn mark(
        &self,
        account: &Account,
        kind: MarkKind,
        reason: String,
        until: Option<UnixMs>,
    ) {
        tracing::warn!(account = %account.alias(), kind = kind.as_str(), reason, "account marked");
        let mark = Mark { kind, reason, since: self.now(), until };
        self.set_mark(account, Some(mark)).await;
    }

    /// What could not be kept holds until the next start all the same.
    pub(crate) async fn set_mark(&self, account: &Account, mark: Option<Mark>) {
        let id = account.id;
        let kept = self.book.change::<_, store::StoreError>(|draft| {
            let _ = draft.alter(id, |record| record.mark = mark.clone());
            Ok(((), Vec::new()))
        });
        if let Err(error) = kept.await {
            tracing::error!(account = %account.alias(), %error, "mark not kept");
            let member = accounts::Member { mark, ..account.member() };
            self.book.roster().put(member);
        }
    }

    fn clear_rest(&self, account: &Account) {
        self.book.roster().well(account.id);
        self.book.freed.notify_waiters();
    }
}
