//! The gateway as its edges call it: ask for an answer, for the models, for figures.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accounts::{Alias, Roster};
use conversation::{Failure, FailureClass, Retry, Turn};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upstream::agent::AgentOptions;
use upstream::chat::ChatOptions;
use upstream::{Backend, ModelQuery, classify};

use crate::account::{Account, no_accounts};
use crate::ambient::Ambient;
use crate::answer::{Answer, BATCHES};
use crate::attempt::TurnTask;
use crate::catalogue::Catalogue;
use crate::lease::Lease;

/// Waits and limits of turns.
#[derive(Debug, Clone)]
pub struct Options {
    pub first_message_timeout: Duration,
    pub progress_timeout: Duration,
    pub total_timeout: Duration,
    /// Most answers in progress at once.
    pub max_turns: usize,
    /// Most accounts tried for one request.
    pub max_attempts: usize,
    pub models_refresh: Duration,
    /// Whether to ask for the tokens of a finished turn where the stream does not tell them.
    pub usage_lookup: bool,
    pub agent: AgentOptions,
    pub chat: ChatOptions,
}

/// Figures since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    pub total: u64,
    pub active: usize,
    pub failed: u64,
    /// Accounts in use, each as often as it is.
    pub leases: usize,
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) accounts: HashMap<Alias, Account>,
    pub(crate) roster: Arc<Mutex<Roster>>,
    pub(crate) options: Options,
    pub(crate) ambient: Arc<dyn Ambient>,
    catalogue: Catalogue,
    /// Owns the turns and the refresh of the catalogue.
    tasks: TaskTracker,
    /// Ends turns that are still running when the time to finish is over.
    cut: CancellationToken,
    counters: Counters,
}

#[derive(Default)]
pub(crate) struct Counters {
    total: AtomicU64,
    active: AtomicUsize,
    failed: AtomicU64,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Gateway {
    #[must_use]
    pub fn new(
        backend: Backend,
        accounts: Vec<Account>,
        options: Options,
        ambient: Arc<dyn Ambient>,
    ) -> Self {
        let roster = Roster::new(accounts.iter().map(|account| account.alias.clone()));
        let accounts = accounts.into_iter().map(|a| (a.alias.clone(), a)).collect();
        Self(Arc::new(Inner {
            backend,
            accounts,
            roster: Arc::new(Mutex::new(roster)),
            options,
            ambient,
            catalogue: Catalogue::default(),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
            counters: Counters::default(),
        }))
    }

    /// Answers a turn. Returns once the beginning of the answer is there, so that an early
    /// failure can still become an HTTP status. Dropping the future or the answer cancels the
    /// upstream call.
    ///
    /// # Errors
    /// Nobody could answer; nothing was visible yet.
    pub async fn answer(&self, turn: Turn) -> Result<Answer, Failure> {
        let running = self.admit().inspect_err(|_| self.0.counters.fail())?;
        if let Err(failure) = self.check_images(&turn) {
            self.0.counters.fail();
            return Err(failure);
        }
        let (out, answer) = mpsc::channel(BATCHES);
        let task = TurnTask { gateway: Arc::clone(&self.0), turn, out };
        let cut = self.0.cut.clone();
        self.0.tasks.spawn(async move {
            let _running = running;
            task.run(cut).await;
        });
        Answer::begin(answer).await
    }

    fn admit(&self) -> Result<Running, Failure> {
        let counters = &self.0.counters;
        counters.total.fetch_add(1, Ordering::Relaxed);
        let active = counters.active.fetch_add(1, Ordering::AcqRel);
        let running = Running(Arc::clone(&self.0));
        if active >= self.0.options.max_turns {
            return Err(Failure::new(
                FailureClass::Overloaded,
                "The gateway has as many answers in progress as it may; try again shortly.",
            )
            .retry(Retry::After(Duration::from_secs(1))));
        }
        Ok(running)
    }

    fn check_images(&self, turn: &Turn) -> Result<(), Failure> {
        let blind = |name: &str| self.0.catalogue.find(name).is_some_and(|model| !model.images);
        if turn.images().next().is_some() && blind(turn.model.as_str()) {
            let text = format!("The model `{}` does not take images.", turn.model);
            return Err(Failure::invalid("messages", text));
        }
        Ok(())
    }

    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        let counters = &self.0.counters;
        Stats {
            total: counters.total.load(Ordering::Relaxed),
            active: counters.active.load(Ordering::Acquire),
            failed: counters.failed.load(Ordering::Relaxed),
            leases: self.0.roster.lock().unwrap_or_else(PoisonError::into_inner).active(),
        }
    }

    /// Starts fetching the model list now and then.
    pub fn start(&self) {
        let inner = Arc::clone(&self.0);
        self.0.tasks.spawn(async move {
            let cut = inner.cut.clone();
            tokio::select! {
                () = cut.cancelled() => {}
                () = keep_catalogue_fresh(&inner) => {}
            }
        });
    }

    /// Lets running turns finish for at most `grace`, then ends them with an error.
    pub async fn shut_down(&self, grace: Duration) {
        self.0.tasks.close();
        let deadline = tokio::time::Instant::now() + grace;
        while self.stats().active > 0 && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.0.cut.cancel();
        self.0.tasks.wait().await;
    }
}

impl Counters {
    pub(crate) fn fail(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

impl Inner {
    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    async fn fetch_models(&self) -> Result<usize, Failure> {
        let lease = Lease::take(&self.roster, "", &[]).ok_or_else(no_accounts)?;
        let account = self.accounts.get(lease.alias()).ok_or_else(no_accounts)?;
        let bearer = account.tokens.bearer(&self.backend, self.ambient.as_ref()).await?;
        let caller = account.caller(bearer);
        let query = ModelQuery::default();
        let models = self
            .backend
            .models(&caller, self.ambient.stamp(), &query)
            .await
            .map_err(|error| classify(&error))?;
        let count = models.len();
        self.catalogue.replace(models);
        Ok(count)
    }
}

/// Never returns. After a failure it comes back sooner, but not at once.
async fn keep_catalogue_fresh(inner: &Inner) {
    const FIRST_PAUSE: Duration = Duration::from_secs(5);
    let mut pause = FIRST_PAUSE;
    loop {
        match inner.fetch_models().await {
            Ok(models) => {
                tracing::debug!(models, "model list fetched");
                pause = FIRST_PAUSE;
                tokio::time::sleep(inner.options.models_refresh).await;
            }
            Err(failure) => {
                tracing::warn!(%failure, "model list not fetched; the last good one stays");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(inner.options.models_refresh);
            }
        }
    }
}

/// One turn in progress; counted down when dropped.
struct Running(Arc<Inner>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.counters.active.fetch_sub(1, Ordering::AcqRel);
    }
}
