//! The request log in one SQLite file, `requests.db` in the data folder, apart from the other one.
//!
//! One thread writes; others read, each with a connection of its own, and stop when a query takes
//! too long (`docs/decisions/0005-request-log.md`).

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use accounts::UnixMs;
use request_log::{Entry, Page, Query, Retention, Size};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::prune::Step;
use super::search::{self, Deadline, Found};
use super::trouble::Trouble;
use super::write::Writer;
use super::{RequestLog, file};
use crate::{StoreError, StoreFuture, files};

/// Commands that may wait for a thread; whoever comes then waits before the queue.
const QUEUE: usize = 16;
const READERS: usize = 2;
/// How long a query may take from when it is asked, its wait for a reader included.
const PATIENCE: Duration = Duration::from_secs(2);

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

enum Change {
    Put(Vec<Entry>, Reply<()>),
    Prune(Retention, UnixMs, Reply<Step>),
}

enum Question {
    /// Until when an answer is of use, and whether the total is wanted.
    Page(Box<Query>, Deadline, bool, Reply<Page>),
    Size(Reply<Size>),
}

/// The request log in one file. Everything of an entry is kept but `gaps` and `trace`, every time
/// in full; entries are searched by the columns that a [`Query`] can name.
#[derive(Debug)]
pub struct SqliteRequestLog {
    /// These are taken when the log is dropped, so that the threads end.
    changes: Option<mpsc::Sender<Change>>,
    questions: Option<mpsc::Sender<Question>>,
    patience: Duration,
    writer: Option<JoinHandle<()>>,
    readers: Vec<JoinHandle<()>>,
}

impl SqliteRequestLog {
    /// Opens the log in the folder; makes folder and file at the first start, readable for their
    /// owner alone. A file that is damaged, newer or another program's is set aside as
    /// `requests.db.damaged-1` (and so on) with a warning, and a new one begun. Entries that were
    /// pending become failures. Blocks.
    ///
    /// One process at a time: whoever opens it holds the folder's `SqliteStore` already.
    ///
    /// # Errors
    /// `Unavailable`: the folder or file cannot be used.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        Self::open_with_patience(dir, PATIENCE)
    }

    /// As [`Self::open`]; a query that takes longer than `patience`, its wait for others included,
    /// is `TooBroad`.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_with_patience(dir: &Path, patience: Duration) -> Result<Self, StoreError> {
        files::private_folder(dir)?;
        let path = file::path_in(dir);
        let writer = Writer::open(&path)?;
        let (changes, queue) = mpsc::channel(QUEUE);
        let (questions, asked) = mpsc::channel(QUEUE);
        let asked = Arc::new(Mutex::new(asked));
        let damage = Arc::new(Damage { path: path.clone(), is_known: AtomicBool::new(false) });
        let mut readers = Vec::new();
        for _ in 0..READERS {
            let connection = file::connect_to_read(&path).map_err(Trouble::told)?;
            let (asked, damage) = (Arc::clone(&asked), Arc::clone(&damage));
            readers.push(start("log reader", move || answer_all(&asked, connection, &damage))?);
        }
        let writer = start("log writer", move || change_all(writer, queue, &damage))?;
        Ok(Self {
            changes: Some(changes),
            questions: Some(questions),
            patience,
            writer: Some(writer),
            readers,
        })
    }

    async fn change<T>(&self, change: impl FnOnce(Reply<T>) -> Change) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let changes = self.changes.as_ref().ok_or_else(ended)?;
        changes.send(change(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }

    fn page(&self, query: Query, counts: bool) -> StoreFuture<'_, Page> {
        // From now on, so that nobody waits longer however many are before him: by then their time
        // is up as well.
        let deadline = Deadline::within(self.patience);
        let query = Box::new(query);
        Box::pin(self.ask(move |reply| Question::Page(query, deadline, counts, reply)))
    }

    async fn ask<T>(&self, question: impl FnOnce(Reply<T>) -> Question) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let questions = self.questions.as_ref().ok_or_else(ended)?;
        questions.send(question(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

impl RequestLog for SqliteRequestLog {
    fn put(&self, entries: Vec<Entry>) -> StoreFuture<'_, ()> {
        Box::pin(self.change(|reply| Change::Put(entries, reply)))
    }

    fn find(&self, query: Query) -> StoreFuture<'_, Page> {
        self.page(query, true)
    }

    fn read(&self, query: Query) -> StoreFuture<'_, Page> {
        self.page(query, false)
    }

    fn size(&self) -> StoreFuture<'_, Size> {
        Box::pin(self.ask(Question::Size))
    }

    fn prune(&self, keep: Retention, now: UnixMs) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut removed = 0;
            loop {
                let step = self.change(|reply| Change::Prune(keep, now, reply)).await?;
                removed += step.removed;
                if step.is_last {
                    return Ok(removed);
                }
            }
        })
    }
}

impl Drop for SqliteRequestLog {
    fn drop(&mut self) {
        // The writer last: only it can write back the log beside the file when it closes.
        drop(self.questions.take());
        let mut threads = std::mem::take(&mut self.readers);
        // They have no news but a panic, which the hook has reported.
        threads.drain(..).for_each(|thread| drop(thread.join()));
        drop(self.changes.take());
        drop(self.writer.take().map(JoinHandle::join));
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, StoreError> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.map_err(|error| StoreError::Unavailable(error.to_string()))
}

/// Has the next start set the file aside.
struct Damage {
    path: PathBuf,
    is_known: AtomicBool,
}

impl Damage {
    fn found(&self, what: &str) {
        // Whoever meets it comes here, and it is told once.
        if !self.is_known.swap(true, Ordering::Relaxed) {
            tracing::warn!(what, "the request log is damaged; the next start begins it anew");
            file::mark_as_damaged(&self.path);
        }
    }
}

/// Ends when the last sender is gone and the queue is empty.
fn change_all(mut writer: Writer, mut queue: mpsc::Receiver<Change>, damage: &Damage) {
    while let Some(change) = queue.blocking_recv() {
        match change {
            Change::Put(entries, reply) => answer(reply, damage, writer.put(&entries)),
            Change::Prune(keep, now, reply) => answer(reply, damage, writer.prune(keep, now)),
        }
    }
}

fn answer<T>(reply: Reply<T>, damage: &Damage, result: Result<T, Trouble>) {
    let result = result.map_err(|trouble| {
        let is_damage = trouble.is_damage();
        let error = trouble.told();
        if is_damage {
            damage.found(&error.to_string());
        }
        error
    });
    // Who asked may have stopped waiting; what was written stays.
    let _ = reply.send(result);
}

/// As [`change_all`], with others at the same queue.
fn answer_all(
    asked: &Mutex<mpsc::Receiver<Question>>,
    mut connection: Connection,
    damage: &Damage,
) {
    loop {
        // Who waits for a question keeps the others waiting, who would do nothing else.
        let question = asked.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
        match question {
            // Nobody waits for the answer any more.
            Some(Question::Page(_, _, _, reply)) if reply.is_closed() => {}
            Some(Question::Page(query, deadline, counts, reply)) => {
                let found = search::page(&mut connection, &query, deadline, counts);
                if let Ok(Found { damage: Some(what), .. }) = &found {
                    damage.found(what);
                }
                answer(reply, damage, found.map(|found| found.page));
            }
            Some(Question::Size(reply)) => {
                answer(reply, damage, search::size(&mut connection));
            }
            None => return,
        }
    }
}

fn ended() -> StoreError {
    StoreError::Unavailable("a thread of the request log has ended".to_owned())
}
