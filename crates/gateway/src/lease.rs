//! The right to use an account for one attempt; given back exactly once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use accounts::{
    AccountId, Choice, MarkKind, Outcome, ProxyName, Reason, Roster, Unavailable, UnixMs, Want,
    WayName,
};
use conversation::{Failure, FailureClass, Retry, Scope};
use tokio::time::Instant;

use crate::account::{Account, no_accounts, way_name};
use crate::grant::Grant;
use crate::look::Suspicion;
use crate::service::Inner;

/// The longest wait of a client told in `Retry-After`.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);
/// How a failure begins that goes on with how the accounts stand.
const NOBODY: &str = "No upstream account can serve this request now";

/// What a client is told who is not the administrator: how many accounts there are, and how they
/// stand, is not for everybody.
#[must_use]
pub fn for_strangers(text: &str) -> &str {
    if text.starts_with(NOBODY) { "No upstream account can serve this request now." } else { text }
}

/// Where nothing tells when an account is back.
const UNKNOWN_PAUSE: Duration = Duration::from_secs(60);

/// Held for as long as the attempt runs. Dropped without a word, the client left or the gateway
/// stopped, which is not the account's fault.
pub(crate) struct Lease {
    gateway: Arc<Inner>,
    account: Arc<Account>,
    model: String,
    way: WayName,
    outcome: Outcome,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("account", &self.account.id).finish_non_exhaustive()
    }
}

/// Why no account is there at this moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NotNow {
    why: Unavailable,
    /// Waiting a moment would not help.
    is_for_long: bool,
}

impl NotNow {
    /// One that only rests would have been taken as the last resort, unless another request is
    /// trying it out right now: that one may soon have begun to be answered.
    fn of(why: Unavailable, roster: &Roster, want: &Want<'_>, now: UnixMs) -> Self {
        let is_for_long = match why {
            Unavailable::Busy { .. } => false,
            Unavailable::Nobody => true,
            Unavailable::Out { .. } => {
                !roster.explain(want, now).iter().any(|(_, reason)| match reason {
                    Reason::Probing | Reason::Cooling { .. } | Reason::WayDown { .. } => true,
                    Reason::Disabled
                    | Reason::Marked(_)
                    | Reason::Full
                    | Reason::Paced { .. }
                    | Reason::Tried
                    | Reason::NotChosen
                    | Reason::NotActive => false,
                })
            }
        };
        Self { why, is_for_long }
    }
}

/// For what an account is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purpose<'a> {
    pub(crate) grant: &'a Grant,
    /// The grant's own, or narrower.
    pub(crate) choice: &'a Choice,
    pub(crate) model: &'a str,
    pub(crate) preferred: Option<AccountId>,
    pub(crate) tried: &'a [AccountId],
}

impl Purpose<'_> {
    fn proxy(&self) -> Option<&ProxyName> {
        self.grant.record().and_then(|record| record.options.proxy.as_ref())
    }
}

impl Inner {
    /// An account for the purpose. Waits a while when all that could serve are busy; when all are
    /// out, says so at once.
    ///
    /// # Errors
    /// Nobody can serve; the failure says why and when it is worth trying again.
    pub(crate) async fn lease(self: &Arc<Self>, purpose: Purpose<'_>) -> Result<Lease, Failure> {
        let deadline = Instant::now() + self.options().pool_wait;
        loop {
            // Before the look, so that what is given back meanwhile is not missed.
            let freed = self.book.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            let again = match self.try_lease(purpose) {
                Ok(lease) => return Ok(lease),
                Err(NotNow { why, is_for_long }) if is_for_long || Instant::now() >= deadline => {
                    return Err(self.unavailable(purpose, why));
                }
                Err(NotNow { why: Unavailable::Busy { again }, .. }) => again,
                // Told by the one who probes.
                Err(NotNow { why: Unavailable::Out { .. } | Unavailable::Nobody, .. }) => None,
            };
            let pause = again.map_or(Duration::MAX, |at| at.since(self.now()));
            let until = Instant::now().checked_add(pause).map_or(deadline, |at| at.min(deadline));
            let _ = tokio::time::timeout_at(until, freed).await;
        }
    }

    /// Without waiting.
    pub(crate) fn try_lease(self: &Arc<Self>, purpose: Purpose<'_>) -> Result<Lease, NotNow> {
        let own_way = purpose.proxy().map(|name| way_name(Some(name)));
        let want = want(purpose, own_way.as_ref());
        let account = loop {
            let selected = {
                let (mut roster, now) = (self.book.roster(), self.now());
                roster.select(&want, now).map_err(|why| NotNow::of(why, &roster, &want, now))?
            };
            // One that has gone meanwhile is in the roster no more: another one is chosen.
            if let Some(account) = self.book.get(selected.id) {
                break account;
            }
        };
        let way = own_way.unwrap_or_else(|| account.member().way);
        Ok(Lease {
            gateway: Arc::clone(self),
            account,
            model: purpose.model.to_owned(),
            way,
            outcome: Outcome::Blameless,
        })
    }

    /// Why the others were not taken, by name.
    pub(crate) fn passed_over(&self, purpose: Purpose<'_>) -> Vec<(accounts::Alias, Reason)> {
        let own_way = purpose.proxy().map(|name| way_name(Some(name)));
        self.book.roster().explain(&want(purpose, own_way.as_ref()), self.now())
    }

    fn unavailable(&self, purpose: Purpose<'_>, why: Unavailable) -> Failure {
        let again = match why {
            Unavailable::Nobody => return no_accounts(),
            // Answers end all the time.
            Unavailable::Busy { again } => again.or_else(|| Some(self.now())),
            Unavailable::Out { again } => again,
        };
        let own_way = purpose.proxy().map(|name| way_name(Some(name)));
        let now = self.now();
        let reasons = self.book.roster().explain(&want(purpose, own_way.as_ref()), now);
        let counts = Counts::of(reasons.iter().map(|(_, reason)| *reason));
        let pause = again.map_or(UNKNOWN_PAUSE, |at| at.since(now)).min(LONGEST_PAUSE);
        let log: Vec<String> =
            reasons.iter().map(|(alias, reason)| format!("{alias}: {reason}")).collect();
        Failure::new(FailureClass::Overloaded, format!("{NOBODY}: {counts}."))
            .scope(Scope::Account)
            .retry(Retry::After(pause.max(Duration::from_secs(1))))
            .log(format!("no account can serve now: {}", log.join("; ")))
    }

    pub(crate) fn note_served(&self, account: AccountId, model: &str) {
        self.book.roster().note_served(account, model, self.now());
        self.book.freed.notify_waiters();
    }

    pub(crate) fn now(&self) -> UnixMs {
        UnixMs(self.ambient.unix_ms())
    }
}

fn want<'a>(purpose: Purpose<'a>, way: Option<&'a WayName>) -> Want<'a> {
    Want {
        model: purpose.model,
        choice: purpose.choice,
        preferred: purpose.preferred,
        tried: purpose.tried,
        way,
    }
}

/// How many accounts are out for which reason; names nobody.
#[derive(Debug, Default)]
struct Counts([(usize, &'static str); 7]);

impl Counts {
    fn of(reasons: impl Iterator<Item = accounts::Reason>) -> Self {
        use accounts::Reason;
        const WORDS: [&str; 7] = [
            "at the limit of their plan",
            "abnormal",
            "rate limited",
            "behind a proxy that does not answer",
            "busy",
            "disabled",
            "not for this request",
        ];
        let mut counts = WORDS.map(|word| (0, word));
        for reason in reasons {
            let at = match reason {
                Reason::Marked(MarkKind::Limit) => 0,
                Reason::Marked(MarkKind::Abnormal) => 1,
                Reason::Cooling { .. } | Reason::Probing => 2,
                Reason::WayDown { .. } => 3,
                Reason::Full | Reason::Paced { .. } => 4,
                Reason::Disabled => 5,
                Reason::Tried | Reason::NotChosen | Reason::NotActive => 6,
            };
            counts[at].0 += 1;
        }
        Self(counts)
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let told = self.0.iter().filter(|(count, _)| *count > 0);
        let texts: Vec<String> = told.map(|(count, word)| format!("{count} {word}")).collect();
        f.write_str(&texts.join(", "))
    }
}

impl Lease {
    pub(crate) fn account(&self) -> &Arc<Account> {
        &self.account
    }

    pub(crate) fn served(mut self) {
        self.outcome = Outcome::Served;
    }

    /// What came was good, whatever becomes of the rest. Told at once: when the lease ends, minutes
    /// later, more may be known of the account.
    pub(crate) fn served_so_far(&self) {
        self.gateway.note_served(self.account.id, &self.model);
    }

    /// Suspicions are looked into before the account is marked.
    pub(crate) fn failed(self, failure: &Failure) {
        self.failed_again(failure, &AtomicBool::new(false));
    }

    /// Of several accounts that one request fails on, one at most is marked without a look:
    /// otherwise one request could mark them all.
    pub(crate) fn failed_again(mut self, failure: &Failure, has_marked: &AtomicBool) {
        self.outcome = outcome(failure);
        if let Some(mut suspicion) = Suspicion::of(failure, &self.gateway.options().texts) {
            if suspicion.is_certain && has_marked.swap(true, Ordering::AcqRel) {
                suspicion.is_certain = false;
            }
            self.outcome = Outcome::Suspect;
            let (gateway, account) = (Arc::clone(&self.gateway), Arc::clone(&self.account));
            let model = self.model.clone();
            // Settled first: what is found out must come after the rest that it may end.
            drop(self);
            gateway.look_into(&account, suspicion, model);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let (gateway, now) = (&self.gateway, self.gateway.now());
        gateway.book.roster().settle(self.account.id, &self.model, &self.way, self.outcome, now);
        gateway.book.freed.notify_waiters();
    }
}

/// What a failure says about the account that had it, suspicions aside. A refusal of one request
/// never marks the account.
fn outcome(failure: &Failure) -> Outcome {
    match (failure.scope, failure.class) {
        (Scope::AccountModel, _) => Outcome::RateLimited { pause: failure.retry.after() },
        // Told by a proxy, a load balancer, or nobody at all.
        (Scope::Network, FailureClass::UpstreamFailed | FailureClass::Timeout)
            if failure.retry != Retry::Never =>
        {
            Outcome::NetworkTrouble
        }
        (Scope::Request | Scope::Model | Scope::Account | Scope::Network, _) => Outcome::Blameless,
    }
}

/// Whether another account may still be tried after this failure.
pub(crate) fn may_try_elsewhere(failure: &Failure) -> bool {
    match failure.retry {
        Retry::Never => false,
        Retry::Elsewhere | Retry::After(_) => match failure.scope {
            Scope::Request => false,
            Scope::Model | Scope::AccountModel | Scope::Account | Scope::Network => true,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(class: FailureClass, scope: Scope) -> Failure {
        Failure::new(class, "x").scope(scope).retry(Retry::Elsewhere)
    }

    #[test]
    fn only_rate_limits_and_the_network_are_blamed_without_a_look() {
        use FailureClass as Class;
        assert_eq!(outcome(&failure(Class::Invalid, Scope::Request)), Outcome::Blameless);
        assert_eq!(outcome(&failure(Class::Forbidden, Scope::Account)), Outcome::Blameless);
        assert_eq!(outcome(&failure(Class::Quota, Scope::Account)), Outcome::Blameless);
        let limited = Outcome::RateLimited { pause: None };
        assert_eq!(outcome(&failure(Class::Busy, Scope::AccountModel)), limited);
        let network = failure(Class::UpstreamFailed, Scope::Network);
        assert_eq!(outcome(&network), Outcome::NetworkTrouble);
        // An outdated client is nobody's proxy's fault.
        assert_eq!(outcome(&network.retry(Retry::Never)), Outcome::Blameless);
    }

    #[test]
    fn the_reasons_are_counted_and_name_nobody() {
        use accounts::Reason;
        let reasons =
            [Reason::Marked(MarkKind::Limit), Reason::Marked(MarkKind::Limit), Reason::Full];
        let text = Counts::of(reasons.into_iter()).to_string();
        assert_eq!(text, "2 at the limit of their plan, 1 busy");
    }
}
