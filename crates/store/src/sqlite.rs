//! The store in one SQLite file, `cursor-api.db` in the data folder.
//!
//! One thread owns the connection; who writes sends it a list of changes and waits for the commit.
//! A lock file keeps other processes out for as long as the store lives.

mod backup;
mod read;
mod rotate;
mod schema;
mod worker;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};

use crate::files::{self, FolderLock, beside};
use crate::key::{self, KeySource};
use crate::secrets::{Opener, Vault};
use crate::{Change, Random, Snapshot, Store, StoreError, StoreFuture};
use worker::{Command, Worker};

const FILE: &str = "cursor-api.db";

/// Names in the table `meta`.
const NEXT_ACCOUNT: &str = "next_account";
const GENERAL_PROXY: &str = "general_proxy";

/// The store in one file. Tokens, proxy addresses and profiles are encrypted in it with the
/// master key; client keys are there as hashes.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    /// Taken when the store is dropped, so that the thread ends.
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    /// Given back last, after the thread has closed the file.
    _lock: FolderLock,
}

impl SqliteStore {
    /// Opens the database in the folder; makes folder, key file and database at the first start,
    /// readable for their owner alone. Blocks. `random` must be fit for keys.
    ///
    /// # Errors
    /// `InUse`: another process has the folder. `Key`: the key is missing, malformed, readable by
    /// others or another one. `Unavailable`: the folder or file cannot be used, or a newer version
    /// wrote it.
    pub fn open(
        dir: &Path,
        key: KeySource,
        random: impl Fn(&mut [u8]) + Send + Sync + 'static,
    ) -> Result<Self, StoreError> {
        let random: Random = Arc::new(random);
        files::private_folder(dir)?;
        let lock = FolderLock::take(dir)?;
        let path = dir.join(FILE);
        let worker = open_database(&path, key, random)?;
        let (commands, queue) = mpsc::channel(worker::QUEUE);
        let thread = std::thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || worker.run(queue))
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { path, commands: Some(commands), thread: Some(thread), _lock: lock })
    }

    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Encrypts everything anew. Blocks, and changes wait meanwhile.
    ///
    /// With a key file `None` draws a new key, and the file holds the new one afterwards. With a
    /// given key the new one must be given, and the next start needs it. Backups that were taken
    /// before need the key of their time.
    ///
    /// # Errors
    /// `Key`: the new key is malformed or missing. `Unavailable`: the database or the key file
    /// cannot be written; the next start finds out which key is in force.
    pub fn rotate_key(&self, new: Option<SecretString>) -> Result<(), StoreError> {
        let (reply, answer) = oneshot::channel();
        let commands = self.commands()?;
        // On a thread of its own, for a thread that drives tasks must not wait this way.
        std::thread::scope(|scope| {
            let waiting = scope.spawn(move || {
                commands.blocking_send(Command::Rotate(new, reply)).map_err(|_| ended())?;
                answer.blocking_recv().map_err(|_| ended())?
            });
            waiting.join().map_err(|_| ended())?
        })
    }

    /// Copies the database, as of one instant, into a new file that only its owner may read. Blocks;
    /// changes go on meanwhile. Secrets in it are encrypted with the same key, which is not in it:
    /// keep the key file too, and in another place.
    ///
    /// # Errors
    /// The file is there already or cannot be written.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        backup::take(&self.path, to)
    }

    /// Copies the database in `dir`, which a service may have open, as [`SqliteStore::backup`] does.
    /// Needs no key. Blocks.
    ///
    /// # Errors
    /// There is no database, or the file is there already or cannot be written.
    pub fn backup_beside(dir: &Path, to: &Path) -> Result<(), StoreError> {
        if !Self::is_in(dir) {
            let dir = dir.display();
            return Err(StoreError::Unavailable(format!("there is no database in {dir}")));
        }
        backup::take(&dir.join(FILE), to)
    }

    /// Whether a database is in the folder, whoever has it open.
    #[must_use]
    pub fn is_in(dir: &Path) -> bool {
        let path = dir.join(FILE);
        files::has_content(&path) || files::has_content(&beside(&path, "-wal"))
    }

    /// Puts a backup in the place of the database in `dir`, all or nothing, if it is intact and the
    /// key opens it. What was there is kept as `cursor-api.db.before-restore`. Blocks.
    ///
    /// # Errors
    /// `InUse`: a service has the folder. `Key`: the key is not the backup's. `Unavailable`: the
    /// backup is damaged or newer, or a file cannot be written.
    pub fn restore(dir: &Path, from: &Path, key: KeySource) -> Result<(), StoreError> {
        backup::restore(dir, from, &key)
    }

    fn commands(&self) -> Result<&mpsc::Sender<Command>, StoreError> {
        self.commands.as_ref().ok_or_else(ended)
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.commands()?.send(command(reply)).await.map_err(|_| ended())?;
        answer.await.map_err(|_| ended())?
    }
}

impl Store for SqliteStore {
    fn load(&self) -> StoreFuture<'_, Snapshot> {
        Box::pin(async { self.ask(Command::Load).await.map(|snapshot| *snapshot) })
    }

    fn apply(&self, changes: Vec<Change>) -> StoreFuture<'_, ()> {
        Box::pin(self.ask(|reply| Command::Apply(changes, reply)))
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            // It has no news but a panic, which the hook has reported.
            let _ = thread.join();
        }
    }
}

fn open_database(path: &Path, source: KeySource, random: Random) -> Result<Worker, StoreError> {
    let log = beside(path, "-wal");
    if !files::has_content(path) && !files::has_content(&log) {
        // The key before the database: one without the other must never mean a lost key.
        key::first(&source, &random)?;
        if !path.exists() {
            // SQLite gives the files beside it the same mode.
            files::create_private(path, b"")
                .map_err(|error| files::failed("create", path, &error))?;
        }
    }
    let mut connection = schema::connect(path)?;
    let key = if schema::version(&connection)? == 0 {
        schema::prepare_empty(&connection)?;
        key::first(&source, &random)?
    } else {
        key::settle(&source, |key| schema::check_key(&connection, &Opener::new(key)))?
    };
    let vault = Vault::new(&key, random.clone());
    schema::set_journal(&connection, "WAL")?;
    schema::migrate(&mut connection, &vault)?;
    Ok(Worker { connection, vault, source, random })
}

fn broken(error: rusqlite::Error) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn ended() -> StoreError {
    StoreError::Unavailable("its thread has ended".to_owned())
}
