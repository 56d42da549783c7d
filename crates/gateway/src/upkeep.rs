//! What is done for accounts without being asked: tokens renewed before they expire, usage read
//! now and then, marked accounts looked at again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use accounts::{AccountId, Credential, MarkKind};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::account::Account;
use crate::bearer::RENEW_BEFORE;
use crate::service::Inner;

/// How often it is seen to what is due.
const ROUND: Duration = Duration::from_secs(5);
/// Accounts seen to at the same time.
const AT_ONCE: usize = 4;
/// A marked account is looked at again after this long, then twice as long each time.
const FIRST_LOOK: Duration = Duration::from_secs(60);
const LATEST_LOOK: Duration = Duration::from_secs(3600);
/// Session tokens live for weeks; a day before the end there is time to try again.
const SESSION_AHEAD: Duration = Duration::from_secs(24 * 3600);
/// A renewal that fails is tried again after this long.
const RENEW_AGAIN: Duration = Duration::from_secs(600);

/// When what is due for each account.
#[derive(Debug, Default)]
struct Agenda {
    usage: HashMap<AccountId, Instant>,
    renewal: HashMap<AccountId, Instant>,
    /// How long before the end a token is renewed, by when it ends: fixed when it is first seen.
    ahead: HashMap<AccountId, (u64, Duration)>,
    look: HashMap<AccountId, (Instant, Duration)>,
}

/// Never returns. What keys have used is told to the store every second: a crash loses no more.
pub(crate) async fn save_usage(inner: Arc<Inner>) {
    const EVERY: Duration = Duration::from_secs(1);
    loop {
        tokio::time::sleep(EVERY).await;
        inner.save_key_usage().await;
        inner.retry_store().await;
    }
}

/// Never returns.
pub(crate) async fn keep_up(inner: Arc<Inner>) {
    let mut agenda = Agenda::default();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut ticks = tokio::time::interval(ROUND);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let accounts: Vec<Arc<Account>> = inner.book.accounts().iter().cloned().collect();
        agenda.forget_gone(&accounts);
        for account in accounts.into_iter().filter(|account| account.record().enabled) {
            let tasks = agenda.due(&inner, &account);
            if tasks.is_empty() {
                continue;
            }
            let (this, places) = (Arc::clone(&inner), Arc::clone(&places));
            // In a task of its own: one account that hangs holds up no other one's care.
            inner.spawn(async move {
                let Ok(_place) = places.acquire().await else { return };
                for task in tasks {
                    this.carry_out(&account, task).await;
                }
            });
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Renew,
    ReadUsage,
    LookAgain(MarkKind),
}

impl Agenda {
    fn forget_gone(&mut self, accounts: &[Arc<Account>]) {
        let known: std::collections::HashSet<AccountId> =
            accounts.iter().map(|account| account.id).collect();
        self.usage.retain(|id, _| known.contains(id));
        self.renewal.retain(|id, _| known.contains(id));
        self.ahead.retain(|id, _| known.contains(id));
        self.look.retain(|id, _| known.contains(id));
    }

    /// What is exchanged is renewed when a turn wants it; what is kept, well ahead.
    fn wants_renewal(&mut self, inner: &Inner, account: &Account, credential: &Credential) -> bool {
        match credential {
            Credential::ApiKey(_) => return false,
            Credential::Web(_) => return true,
            Credential::Session(_) => {}
        }
        let Some(bearer) = account.bearer.load_full() else { return true };
        let left = Duration::from_secs(bearer.expires.saturating_sub(inner.now().seconds()));
        // A token that lives for an hour is not renewed a day ahead, which would be all the time.
        let fresh = || (bearer.expires, (left / 5).clamp(RENEW_BEFORE, SESSION_AHEAD));
        let ahead = self.ahead.entry(account.id).or_insert_with(fresh);
        if ahead.0 != bearer.expires {
            *ahead = fresh();
        }
        left < ahead.1
    }

    fn due(&mut self, inner: &Inner, account: &Account) -> Vec<Task> {
        let now = Instant::now();
        let mut tasks = Vec::new();
        let facts = account.facts();
        let mark = facts.record.mark.as_ref().filter(|mark| mark.holds(inner.now()));
        let mark = mark.map(|mark| mark.kind);
        // First, so that every token is seen when it is fresh.
        if self.wants_renewal(inner, account, &facts.credential)
            && self.renewal.get(&account.id).is_none_or(|at| *at <= now)
            && mark != Some(MarkKind::Abnormal)
        {
            self.renewal.insert(account.id, now + RENEW_AGAIN);
            tasks.push(Task::Renew);
        }
        match mark {
            Some(kind) => {
                let (at, pause) =
                    *self.look.entry(account.id).or_insert((now + FIRST_LOOK, FIRST_LOOK));
                if at <= now {
                    let pause = (pause * 2).min(LATEST_LOOK);
                    self.look.insert(account.id, (now + pause, pause));
                    tasks.push(Task::LookAgain(kind));
                }
            }
            None => {
                self.look.remove(&account.id);
                let every = inner.options().usage_interval;
                // Not all at once after a start: that would look like a burst.
                let first = now + ROUND * u32::try_from(account.id.0 % 12).unwrap_or(0);
                let at = *self.usage.entry(account.id).or_insert(first);
                if !every.is_zero() && at <= now {
                    self.usage.insert(account.id, now + every);
                    tasks.push(Task::ReadUsage);
                }
            }
        }
        tasks
    }
}

impl Inner {
    async fn carry_out(self: &Arc<Self>, account: &Arc<Account>, task: Task) {
        match task {
            // It says by itself how it went.
            Task::Renew => {
                if let Err(failure) = self.renew(account).await {
                    self.confirm(account, &failure).await;
                }
            }
            Task::ReadUsage => self.look_at(account).await,
            Task::LookAgain(kind) => self.look_again(account, kind).await,
        }
    }

    async fn look_again(self: &Arc<Self>, account: &Arc<Account>, kind: MarkKind) {
        if self.is_by_own_text(account) {
            // Only time or the operator ends what the operator's own texts have marked.
            return;
        }
        let is_well = match kind {
            MarkKind::Abnormal => self.is_well(account).await.is_ok(),
            MarkKind::Limit => self.read_usage(account).await.is_ok_and(|usage| !usage.exhausted()),
        };
        if is_well {
            tracing::info!(account = %account.alias(), "account is well again");
            self.set_mark(account, None).await;
        }
    }

    fn is_by_own_text(&self, account: &Account) -> bool {
        let record = account.record();
        let reason = record.mark.as_ref().map(|mark| mark.reason.as_str());
        reason.and_then(|text| self.options().texts.find(text)).is_some_and(|(_, is_own)| is_own)
    }

    /// Looks at a new account without making anybody wait for it.
    pub(crate) fn look_soon(self: &Arc<Self>, account: &Arc<Account>) {
        let (inner, account) = (Arc::clone(self), Arc::clone(account));
        self.spawn(async move {
            // Many may have been added at once.
            let Ok(_place) = inner.looking.acquire().await else { return };
            inner.look_at(&account).await;
        });
    }

    async fn look_at(self: &Arc<Self>, account: &Arc<Account>) {
        if let Err(failure) = self.read_profile(account).await {
            tracing::debug!(account = %account.alias(), %failure, "profile not read");
            self.confirm(account, &failure).await;
        }
    }
}
