//! The gateway as its edges call it: ask for an answer, for the models, for figures.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use accounts::PoolPolicy;
use arc_swap::{ArcSwap, Guard};
use conversation::{Failure, FailureClass, Retry, Turn};
use store::{RequestLog, Store};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use upstream::Backend;

use crate::admin::{AdminError, Logins};
use crate::ambient::Ambient;
use crate::answer::{Answer, BATCHES};
use crate::attempt::{TurnTask, Work};
use crate::book::Book;
use crate::catalogue::Catalogue;
use crate::completion::Editors;
use crate::counters::{Counters, InFormat, Running};
use crate::format::Format;
use crate::grant::Grant;
use crate::keys::Keys;
use crate::memories::Memories;
use crate::options::{Beginning, Options, Stats};
use crate::recorder::{Recorder, keep_log, prune_log};
use crate::recording::Recording;
use crate::redaction::Redaction;
use crate::refresh::keep_catalogue_fresh;
use crate::route::{self, Resolved};
use crate::suspended::Suspended;
use crate::transcript::Place;
use crate::troubles::{Signs, Watched};
use crate::upkeep::{keep_up, save_usage};
use crate::ways::Ways;

/// A turn and who asks for it.
#[derive(Debug, Clone)]
pub struct Ask {
    pub(crate) grant: Arc<Grant>,
    pub(crate) turn: Turn,
    pub(crate) place: Place,
    pub(crate) recording: Recording,
}

impl Ask {
    /// Looks over the whole transcript, which takes about a millisecond per megabyte.
    #[must_use]
    pub fn new(grant: Arc<Grant>, turn: Turn) -> Self {
        let place = Place::of(grant.client(), &turn.messages);
        let recording = Recording::none();
        Self { grant, turn, place, recording }
    }

    /// Notes what becomes of it here.
    #[must_use]
    pub fn recorded(self, recording: Recording) -> Self {
        recording.note_prompt(&self.turn);
        Self { recording, ..self }
    }

    #[must_use]
    pub fn recording(&self) -> &Recording {
        &self.recording
    }

    #[must_use]
    pub fn turn(&self) -> &Turn {
        &self.turn
    }
}

/// The service. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) book: Arc<Book>,
    pub(crate) ways: Ways,
    pub(crate) keys: Keys,
    pub(crate) logins: Logins,
    pub(crate) editors: Editors,
    /// Places for looks that nobody waits for.
    pub(crate) looking: tokio::sync::Semaphore,
    options: ArcSwap<Options>,
    pub(crate) ambient: Arc<dyn Ambient>,
    pub(crate) suspended: Suspended,
    pub(crate) memories: Memories,
    pub(crate) catalogue: Arc<Catalogue>,
    /// Owns the turns and the refresh of the catalogue.
    pub(crate) tasks: TaskTracker,
    /// Ends turns that are still running when the time to finish is over.
    pub(crate) cut: CancellationToken,
    counters: Counters,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) redaction: Arc<Redaction>,
    pub(crate) signs: Arc<Signs>,
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Gateway {
    /// Reads what is kept and puts in what the settings declare.
    ///
    /// # Errors
    /// The store cannot be read or written, or a declared account cannot be.
    pub async fn open(
        backend: Backend,
        store: Arc<dyn Store>,
        beginning: Beginning,
        options: Options,
        ambient: Arc<dyn Ambient>,
    ) -> Result<Self, AdminError> {
        const LOOKS: usize = 4;
        let signs = Arc::<Signs>::default();
        let store = Watched::over(store, &signs);
        let snapshot = store.load().await?;
        let (ways, first) = Ways::new(beginning.system_proxies, &snapshot);
        if !first.is_empty() {
            store.apply(first).await?;
        }
        let (log, observer) = (beginning.request_log, beginning.observer);
        let is_enabled = options.recording.enabled;
        let redaction = Arc::new(Redaction::new(options.secrets.clone()));
        let kept = Arc::clone(&redaction);
        let recorder = Recorder::new(log, observer, is_enabled, kept, &*ambient).await;
        let tasks = TaskTracker::new();
        let book = Book::new(store, &snapshot, options.pool.clone(), tasks.clone());
        let gateway = Self(Arc::new(Inner {
            backend,
            book: Arc::new(book),
            ways,
            keys: Keys::new(&snapshot, options.key_prefix.clone()),
            logins: Logins::default(),
            editors: Editors::default(),
            looking: tokio::sync::Semaphore::new(LOOKS),
            suspended: Suspended::new(options.suspend),
            memories: Memories::new(options.memory),
            options: ArcSwap::from_pointee(options),
            ambient,
            catalogue: Arc::default(),
            tasks,
            cut: CancellationToken::new(),
            counters: Counters::default(),
            recorder: Arc::new(recorder),
            redaction,
            signs,
        }));
        gateway.declare(beginning.declared).await?;
        Ok(gateway)
    }

    /// Holds for the next request on, but for the prefix of keys, which stays as it is.
    pub fn set_options(&self, options: Options) {
        self.0.book.roster().set_policy(options.pool.clone());
        self.0.suspended.set_options(options.suspend);
        self.0.memories.set_options(options.memory);
        self.0.recorder.set_enabled(options.recording.enabled);
        self.0.redaction.set(options.secrets.clone());
        self.0.options.store(Arc::new(options));
        self.0.book.freed.notify_waiters();
    }

    /// What holds now.
    #[must_use]
    pub fn options(&self) -> Arc<Options> {
        self.0.options.load_full()
    }

    /// How accounts are chosen now.
    #[must_use]
    pub fn pool_policy(&self) -> PoolPolicy {
        self.0.book.roster().policy().clone()
    }

    /// Answers a turn. Returns once the beginning of the answer is there, so that an early
    /// failure can still become an HTTP status. Dropping the future or the answer cancels the
    /// upstream call.
    ///
    /// # Errors
    /// Nobody could answer; nothing was visible yet.
    pub async fn answer(&self, ask: Ask) -> Result<Answer, Failure> {
        let counted = |_: &Failure| self.0.counters.fail();
        let recording = ask.recording.clone();
        let answer = match Format::of(&ask.turn).inspect_err(counted) {
            Ok(None) => self.answer_freely(ask).await,
            // Rare, and larger than the other way.
            Ok(Some(format)) => Box::pin(self.answer_in_format(ask, format)).await,
            Err(failure) => Err(failure),
        };
        answer.inspect_err(|failure| recording.failed(failure))
    }

    /// The answer as the model gives it.
    pub(crate) async fn answer_freely(&self, ask: Ask) -> Result<Answer, Failure> {
        let counted = |_: &Failure| self.0.counters.fail();
        let running = self.admit().inspect_err(counted)?;
        let Ask { grant, turn, place, recording } = ask;
        let noted = recording.clone();
        grant.check(&turn).inspect_err(counted)?;
        let resolved = route::resolve(&turn, &self.0.catalogue);
        check_images(&turn, &resolved).inspect_err(counted)?;
        let metering = self.0.meter(&grant).inspect_err(counted)?;
        let (out, answer) = mpsc::channel(BATCHES);
        let route = resolved.route;
        let has_marked = AtomicBool::new(false);
        let work = Work {
            grant,
            turn,
            route,
            place,
            recording,
            has_marked,
            out,
            metering,
            _running: running,
        };
        self.start_or_resume(work);
        Answer::begin(answer, noted).await
    }

    /// Not part of the future that waits for the beginning: a turn's task is large.
    fn start_or_resume(&self, work: Work) {
        if let Err(work) = self.0.suspended.resume(work) {
            let task = TurnTask { gateway: Arc::clone(&self.0) };
            self.0.tasks.spawn(task.run(*work, self.0.cut.clone()));
        }
    }

    pub(crate) fn cut(&self) -> CancellationToken {
        self.0.cut.clone()
    }

    pub(crate) fn formatting(&self) -> InFormat {
        self.0.counters.formatting.fetch_add(1, Ordering::AcqRel);
        InFormat(Arc::clone(&self.0))
    }

    /// Runs a task that sees to its own end when the gateway is cut.
    pub(crate) fn spawn_to_end(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.tasks.spawn(task);
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }

    /// Runs a task that ends with the gateway at the latest.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Fields of the request that the model chosen for it has no use for.
    #[must_use]
    pub fn unserved(&self, turn: &Turn) -> Vec<&'static str> {
        let resolved = route::resolve(turn, &self.0.catalogue);
        if resolved.reasoning_ignored { vec!["reasoning"] } else { Vec::new() }
    }

    pub(crate) fn admit(&self) -> Result<Running, Failure> {
        let counters = &self.0.counters;
        counters.total.fetch_add(1, Ordering::Relaxed);
        let active = counters.active.fetch_add(1, Ordering::AcqRel);
        let running = Running(Arc::clone(&self.0));
        if active >= self.0.options().max_turns {
            return Err(Failure::new(
                FailureClass::Overloaded,
                "The gateway has as many answers in progress as it may; try again shortly.",
            )
            .retry(Retry::After(Duration::from_secs(1))));
        }
        Ok(running)
    }

    /// The same for whoever must not keep the gateway alive.
    #[must_use]
    pub fn shared_catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(&self.0.catalogue)
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
            leases: self.0.book.roster().in_use(),
            suspended: self.0.suspended.count(),
            connections: self.0.backend.pool().stats().connections,
            log: self.0.recorder.stats(),
        }
    }

    /// Starts what goes on by itself: the model list, and the care for accounts.
    pub fn start(&self) {
        let inner = Arc::clone(&self.0);
        self.spawn(async move { keep_catalogue_fresh(&inner).await });
        self.spawn(keep_up(Arc::clone(&self.0)));
        self.spawn(save_usage(Arc::clone(&self.0)));
        self.spawn_to_end(keep_log(Arc::clone(&self.0)));
        self.spawn(prune_log(Arc::clone(&self.0)));
    }

    fn is_busy(&self) -> bool {
        self.stats().active > 0 || self.0.counters.formatting.load(Ordering::Acquire) > 0
    }

    /// Writes the last entries of the request log: when the edge has let go of all requests.
    pub async fn finish_log(&self) {
        self.0.recorder.finish().await;
    }

    /// Lets running turns finish for at most `grace`, then ends them with an error.
    pub async fn shut_down(&self, grace: Duration) {
        self.0.tasks.close();
        let deadline = tokio::time::Instant::now() + grace;
        while self.is_busy() && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.0.cut.cancel();
        self.0.tasks.wait().await;
        self.0.save_key_usage().await;
    }
}

fn check_images(turn: &Turn, resolved: &Resolved) -> Result<(), Failure> {
    let blind = resolved.model.as_ref().is_some_and(|model| !model.images);
    if blind && turn.images().next().is_some() {
        let text = format!("The model `{}` does not take images.", turn.model);
        return Err(Failure::invalid("messages", text));
    }
    Ok(())
}

impl Inner {
    /// The request log, unless there is none or it is switched off.
    pub(crate) fn request_log(&self) -> Option<Arc<dyn RequestLog>> {
        self.recorder.log()
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What holds at this instant; not to be held across a wait.
    pub(crate) fn options(&self) -> Guard<Arc<Options>> {
        self.options.load()
    }

    /// Runs a task that ends with the gateway at the latest.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = cut.cancelled() => {}
                () = task => {}
            }
        });
    }
}
