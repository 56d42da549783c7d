//! The right to use an account for one attempt; given back exactly once.

use std::sync::{Arc, Mutex, PoisonError};

use accounts::{Alias, Outcome, Roster, Verdict};
use conversation::{Failure, FailureClass, Retry, Scope};
use tokio::time::Instant;

/// Held for as long as the attempt runs. Dropped without a word, the client left or the gateway
/// stopped, which is not the account's fault.
#[derive(Debug)]
pub(crate) struct Lease {
    roster: Arc<Mutex<Roster>>,
    alias: Alias,
    model: String,
    outcome: Outcome,
}

impl Lease {
    /// The preferred account if it may serve, else the next one in turn.
    pub(crate) fn take(
        roster: &Arc<Mutex<Roster>>,
        model: &str,
        preferred: Option<&Alias>,
        tried: &[Alias],
    ) -> Option<Self> {
        let now = Instant::now().into_std();
        let mut locked = roster.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = preferred
            .filter(|alias| !tried.contains(alias))
            .and_then(|alias| locked.take_this(alias, model, now));
        let alias = match taken {
            Some(alias) => alias,
            None => locked.take(model, tried, now)?,
        };
        drop(locked);
        Some(Self {
            roster: Arc::clone(roster),
            alias,
            model: model.to_owned(),
            outcome: Outcome::Blameless,
        })
    }

    pub(crate) fn alias(&self) -> &Alias {
        &self.alias
    }

    pub(crate) fn served(mut self) {
        self.outcome = Outcome::Served;
    }

    /// What came was good, whatever becomes of the rest. Told at once: when the lease ends, minutes
    /// later, more may be known of the account.
    pub(crate) fn served_so_far(&self) {
        let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
        roster.note_served(&self.alias, &self.model);
    }

    pub(crate) fn failed(mut self, failure: &Failure) {
        self.outcome = outcome(failure);
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let now = Instant::now().into_std();
        self.roster.lock().unwrap_or_else(PoisonError::into_inner).settle(
            &self.alias,
            &self.model,
            self.outcome,
            now,
        );
    }
}

/// What a failure says about the account that had it. A refusal of one request never marks the
/// account, for the next request may be a better one.
fn outcome(failure: &Failure) -> Outcome {
    match failure.scope {
        Scope::Request | Scope::Model | Scope::Network => Outcome::Blameless,
        Scope::AccountModel => Outcome::RateLimited { pause: failure.retry.after() },
        Scope::Account => match failure.class {
            FailureClass::Quota => Outcome::Out(Verdict::Quota),
            FailureClass::AccountRejected => Outcome::Out(Verdict::Rejected),
            FailureClass::Forbidden
            | FailureClass::Invalid
            | FailureClass::ContextTooLong
            | FailureClass::Unauthenticated
            | FailureClass::UnknownModel
            | FailureClass::TooLarge
            | FailureClass::Busy
            | FailureClass::Overloaded
            | FailureClass::Refused
            | FailureClass::UpstreamFailed
            | FailureClass::Timeout
            | FailureClass::Internal => Outcome::Blameless,
        },
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
    fn only_failures_of_the_account_mark_it() {
        use FailureClass as Class;
        assert_eq!(outcome(&failure(Class::Invalid, Scope::Request)), Outcome::Blameless);
        assert_eq!(outcome(&failure(Class::UpstreamFailed, Scope::Network)), Outcome::Blameless);
        assert_eq!(outcome(&failure(Class::Forbidden, Scope::Account)), Outcome::Blameless);
        assert_eq!(outcome(&failure(Class::Quota, Scope::Account)), Outcome::Out(Verdict::Quota));
    }

    #[test]
    fn a_lease_is_given_back_when_dropped() {
        let roster = Arc::new(Mutex::new(Roster::new([Alias::new("a")])));
        let lease = Lease::take(&roster, "m", None, &[]).expect("lease");
        assert_eq!(roster.lock().expect("lock").active(), 1);
        drop(lease);
        assert_eq!(roster.lock().expect("lock").active(), 0);
    }
}
