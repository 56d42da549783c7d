//! Keeps the request log: takes entries from requests that are over and writes them in batches.
//!
//! A request never waits for it. What finds no room in the queue, or cannot be written, is dropped
//! and counted. Requests that take long are written while they are still being served, so that the
//! log shows them and a crash does not lose them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use request_log::{Entry, Observer, Retention};
use store::{RequestLog, StoreError};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::ambient::Ambient;
use crate::recording::Course;
use crate::service::Inner;

/// Entries that may wait to be written.
const QUEUE: usize = 8192;
/// Entries written at once.
const BATCH: usize = 512;
/// How long the first entry of a batch waits for others.
const GATHER: Duration = Duration::from_millis(200);
/// Requests that take longer are written while they run.
const LONG: Duration = Duration::from_secs(1);
/// How often they are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How often old entries are taken out.
const PRUNE: Duration = Duration::from_secs(60);
/// How long the last entries may take when the gateway stops.
const LAST: Duration = Duration::from_secs(5);

/// What is kept of requests.
/// By default nothing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RecordingOptions {
    /// Whether anything is.
    pub enabled: bool,
    /// Whether prompts, answers and thinking are, where the client's key does not say.
    pub content: bool,
    /// Of each of these, in bytes.
    pub content_limit: usize,
    pub retention: Retention,
}

/// Figures of the request log since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogStats {
    pub queued: usize,
    pub written: u64,
    pub dropped: u64,
    /// Whether the last try to write failed.
    pub is_failing: bool,
}

/// Where entries go.
#[derive(Debug)]
pub(crate) struct Recorder {
    log: Option<Arc<dyn RequestLog>>,
    observer: Option<Arc<dyn Observer>>,
    queue: mpsc::Sender<Entry>,
    /// Held by whoever writes: the task, then whoever stops the gateway.
    waiting: tokio::sync::Mutex<mpsc::Receiver<Entry>>,
    last_id: AtomicU64,
    is_enabled: AtomicBool,
    running: Mutex<HashMap<u64, Weak<Course>>>,
    written: AtomicU64,
    dropped: AtomicU64,
    is_failing: AtomicBool,
}

impl Recorder {
    /// Goes on after the last id that the log knows. A log that cannot be read is begun anew in
    /// numbers that grow with time.
    pub(crate) async fn new(
        log: Option<Arc<dyn RequestLog>>,
        observer: Option<Arc<dyn Observer>>,
        is_enabled: bool,
        ambient: &dyn Ambient,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE);
        let (last_id, is_failing) = match &log {
            None => (0, false),
            Some(log) => match log.size().await {
                Ok(size) => (size.last_id, false),
                Err(error) => {
                    tracing::error!(%error, "the request log cannot be read");
                    (ambient.unix_ms(), true)
                }
            },
        };
        Self {
            log,
            observer,
            queue,
            waiting: tokio::sync::Mutex::new(waiting),
            last_id: AtomicU64::new(last_id),
            is_enabled: AtomicBool::new(is_enabled),
            running: Mutex::default(),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            is_failing: AtomicBool::new(is_failing),
        }
    }

    pub(crate) fn set_enabled(&self, is_enabled: bool) {
        self.is_enabled.store(is_enabled, Ordering::Relaxed);
    }

    /// The log, unless it is switched off.
    pub(crate) fn log(&self) -> Option<Arc<dyn RequestLog>> {
        self.log.clone().filter(|_| self.is_enabled.load(Ordering::Relaxed))
    }

    /// A number for a request; they grow.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn begun(&self, id: u64, course: &Arc<Course>) {
        self.running().insert(id, Arc::downgrade(course));
    }

    /// A request is over.
    pub(crate) fn ended(&self, entry: Entry) {
        self.running().remove(&entry.id);
        if let Some(observer) = &self.observer {
            observer.finished(&entry);
        }
        self.enqueue(entry);
    }

    fn enqueue(&self, entry: Entry) {
        if self.log().is_some() && self.queue.try_send(entry).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, Weak<Course>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> LogStats {
        LogStats {
            queued: self.queue.max_capacity() - self.queue.capacity(),
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            is_failing: self.is_failing.load(Ordering::Relaxed),
        }
    }

    /// What is running for long and was not written as such yet.
    fn enqueue_long(&self) {
        let running: Vec<Arc<Course>> = self.running().values().filter_map(Weak::upgrade).collect();
        for course in running {
            if let Some(entry) = course.pending(LONG) {
                self.enqueue(entry);
            }
        }
    }

    async fn write(&self, batch: Vec<Entry>) {
        let Some(log) = self.log() else { return };
        let count = batch.len() as u64;
        let failed = log.put(batch).await.err();
        let was_failing = self.is_failing.swap(failed.is_some(), Ordering::Relaxed);
        match failed {
            None => {
                self.written.fetch_add(count, Ordering::Relaxed);
                if was_failing {
                    tracing::info!("the request log can be written again");
                }
            }
            Some(error) => {
                self.dropped.fetch_add(count, Ordering::Relaxed);
                // Once, not with every batch.
                if !was_failing {
                    tracing::error!(%error, "the request log cannot be written; entries are dropped");
                }
            }
        }
    }

    /// Writes what waits, at most a batch; `false` when nothing did.
    async fn write_waiting(
        &self,
        waiting: &mut mpsc::Receiver<Entry>,
        mut batch: Vec<Entry>,
    ) -> bool {
        while batch.len() < BATCH
            && let Ok(entry) = waiting.try_recv()
        {
            batch.push(entry);
        }
        let is_any = !batch.is_empty();
        if is_any {
            self.write(batch).await;
        }
        is_any
    }

    /// Writes what still waits when the gateway stops.
    pub(crate) async fn finish(&self) {
        let rest = async {
            let mut waiting = self.waiting.lock().await;
            while self.write_waiting(&mut waiting, Vec::new()).await {}
        };
        if timeout(LAST, rest).await.is_err() {
            tracing::warn!("the last entries of the request log could not be written in time");
        }
    }
}

/// Writes until the gateway stops; a batch that was begun is finished.
pub(crate) async fn keep_log(inner: Arc<Inner>) {
    let recorder = &inner.recorder;
    let mut waiting = recorder.waiting.lock().await;
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pruned: Option<Instant> = None;
    let cut = inner.cut.clone();
    loop {
        let first = tokio::select! {
            biased;
            () = cut.cancelled() => return,
            first = waiting.recv() => first,
            _ = look.tick() => {
                recorder.enqueue_long();
                if pruned.is_none_or(|at| at.elapsed() >= PRUNE) {
                    pruned = Some(Instant::now());
                    prune(&inner).await;
                }
                continue;
            }
        };
        // The sender is the recorder's own, so there is always a next one.
        let Some(first) = first else { return };
        tokio::select! {
            biased;
            () = cut.cancelled() => {}
            () = sleep(GATHER) => {}
        }
        recorder.write_waiting(&mut waiting, vec![first]).await;
    }
}

async fn prune(inner: &Inner) {
    let Some(log) = inner.recorder.log() else { return };
    let retention = inner.options().recording.retention;
    match log.prune(retention, inner.now()).await {
        Ok(0) => {}
        Ok(count) => tracing::debug!(count, "old entries taken out of the request log"),
        // A full disk is told by the writing already.
        Err(error @ StoreError::Unavailable(_)) => {
            tracing::debug!(%error, "the request log cannot be pruned");
        }
        Err(error) => tracing::warn!(%error, "the request log cannot be pruned"),
    }
}
