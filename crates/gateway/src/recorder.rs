//! Keeps the request log: takes entries from requests that are over and writes them in batches.
//!
//! A request never waits for it. What finds no room in the queue, or cannot be written, is dropped
//! and counted. Requests that take long are written while they are still being served, so that the
//! log shows them and a crash does not lose them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use request_log::{Entry, Observer, Retention, Status};
use store::{RequestLog, StoreError};
use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::ambient::Ambient;
use crate::recording::Course;
use crate::redaction::Redaction;
use crate::service::Inner;

/// Entries that may wait to be written.
const QUEUE: usize = 8192;
/// Bytes of what was said that may wait with them; entries beyond lose it.
const QUEUE_BYTES: usize = 64 << 20;
/// Entries written at once.
const BATCH: usize = 512;
/// Bytes of what was said in a batch, about.
const BATCH_BYTES: usize = 8 << 20;
/// How long the first entry of a batch waits for others.
const GATHER: Duration = Duration::from_millis(200);
/// Requests that take longer are written while they run.
const LONG: Duration = Duration::from_secs(1);
/// How often they are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// How often old entries are taken out.
const PRUNE: Duration = Duration::from_secs(60);
/// A batch that takes longer is given up.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// Requests that came, on every client route.
    pub requests: u64,
    /// Those among them that are not over.
    pub running: usize,
    /// Those that failed; clients that left are none.
    pub failed: u64,
    /// Entries that wait to be written.
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
    pub(crate) redaction: Arc<Redaction>,
    queue: mpsc::Sender<Entry>,
    /// Bytes of content that wait.
    queued_bytes: AtomicUsize,
    /// Held by whoever writes: the task, then whoever stops the gateway.
    waiting: tokio::sync::Mutex<mpsc::Receiver<Entry>>,
    last_id: AtomicU64,
    is_enabled: AtomicBool,
    running: Mutex<HashMap<u64, Weak<Course>>>,
    requests: AtomicU64,
    failed: AtomicU64,
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
        redaction: Arc<Redaction>,
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
            redaction,
            queue,
            queued_bytes: AtomicUsize::new(0),
            waiting: tokio::sync::Mutex::new(waiting),
            last_id: AtomicU64::new(last_id),
            is_enabled: AtomicBool::new(is_enabled),
            running: Mutex::default(),
            requests: AtomicU64::new(0),
            failed: AtomicU64::new(0),
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
        self.log.clone().filter(|_| self.is_on())
    }

    fn is_on(&self) -> bool {
        self.log.is_some() && self.is_enabled.load(Ordering::Relaxed)
    }

    /// A number for a request; they grow.
    pub(crate) fn next_id(&self) -> u64 {
        self.last_id.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(crate) fn begun(&self, id: u64, course: &Arc<Course>) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.running().insert(id, Arc::downgrade(course));
    }

    /// A request is over.
    pub(crate) fn ended(&self, entry: Entry) {
        self.running().remove(&entry.id);
        self.failed.fetch_add(u64::from(entry.fault.is_some()), Ordering::Relaxed);
        if let Some(observer) = &self.observer {
            observer.finished(&entry);
        }
        self.enqueue(entry);
    }

    fn enqueue(&self, mut entry: Entry) {
        if !self.is_on() {
            return;
        }
        let bytes = said(&entry);
        if self.queued_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > QUEUE_BYTES {
            self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
            entry.content = None;
        }
        if let Err(TrySendError::Full(entry) | TrySendError::Closed(entry)) =
            self.queue.try_send(entry)
        {
            self.queued_bytes.fetch_sub(said(&entry), Ordering::Relaxed);
            self.dropped.fetch_add(is_final(&entry), Ordering::Relaxed);
        }
    }

    fn running(&self) -> MutexGuard<'_, HashMap<u64, Weak<Course>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn stats(&self) -> LogStats {
        LogStats {
            requests: self.requests.load(Ordering::Relaxed),
            running: self.running().len(),
            failed: self.failed.load(Ordering::Relaxed),
            queued: self.queue.max_capacity() - self.queue.capacity(),
            written: self.written.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
            is_failing: self.is_on() && self.is_failing.load(Ordering::Relaxed),
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
        let count: u64 = batch.iter().map(is_final).sum();
        let bytes = batch.iter().map(said).sum();
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let Some(log) = self.log() else {
            // Switched off meanwhile.
            self.dropped.fetch_add(count, Ordering::Relaxed);
            return;
        };
        let failed = match timeout(PATIENCE, log.put(batch)).await {
            Ok(written) => written.err(),
            Err(_) => Some(StoreError::Unavailable("it takes too long".to_owned())),
        };
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
        let mut bytes: usize = batch.iter().map(said).sum();
        while batch.len() < BATCH
            && bytes < BATCH_BYTES
            && let Ok(entry) = waiting.try_recv()
        {
            bytes += said(&entry);
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
        if timeout(PATIENCE, rest).await.is_err() {
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
    let cut = inner.cut.clone();
    loop {
        let first = tokio::select! {
            biased;
            () = cut.cancelled() => return,
            // Before what waits, for under load something always does.
            _ = look.tick() => {
                recorder.enqueue_long();
                continue;
            }
            first = waiting.recv() => first,
        };
        // The sender is the recorder's own, so there is always a next one.
        let Some(first) = first else { return };
        if waiting.len() < BATCH {
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                () = sleep(GATHER) => {}
            }
        }
        recorder.write_waiting(&mut waiting, vec![first]).await;
    }
}

/// Takes old entries out, also of a log that is switched off. Never returns.
pub(crate) async fn prune_log(inner: Arc<Inner>) {
    let Some(log) = inner.recorder.log.clone() else { return };
    let mut due = interval(PRUNE);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        due.tick().await;
        let retention = inner.options().recording.retention;
        match log.prune(retention, inner.now()).await {
            Ok(0) => {}
            Ok(count) => tracing::debug!(count, "old entries taken out of the request log"),
            // A full disk is told by the writing already.
            Err(error) => tracing::debug!(%error, "the request log cannot be pruned"),
        }
    }
}

/// Bytes of what was said.
fn said(entry: &Entry) -> usize {
    entry
        .content
        .as_ref()
        .map_or(0, |content| content.prompt.len() + content.answer.len() + content.thinking.len())
}

/// One for the entry of a request that is over: only those are counted.
fn is_final(entry: &Entry) -> u64 {
    u64::from(entry.status != Status::Pending)
}
