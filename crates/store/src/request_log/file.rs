//! The file of the request log, `requests.db`: how it is opened, and what is in it.
//!
//! What is in it may be lost, but it must not be in the way: a file that cannot be understood is set
//! aside and a new one begun.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::trouble::Trouble;
use crate::StoreError;
use crate::files::{self, beside, failed};

const FILE: &str = "requests.db";

/// Put behind the file's name: its content was found to be damaged while it was in use, and the next
/// start sets it aside.
const MARK: &str = ".damaged";

/// How long to wait for another connection's transaction; ours have none that write.
const BUSY: Duration = Duration::from_secs(5);

/// "CAPR", in the header of the file: whose it is.
const APPLICATION: i64 = 0x4341_5052;

/// Bytes that the log beside the file keeps when it is empty.
const LOG: i64 = 16 << 20;

/// One step each, as in the other database. Unsigned numbers are kept as the signed ones with the
/// same bits.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO meta (name, value) VALUES ('last_id', 0);

    CREATE TABLE entries (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;

    CREATE TABLE blocks (
        number INTEGER PRIMARY KEY,
        rows INTEGER NOT NULL,
        oldest INTEGER NOT NULL,
        newest INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE columns (id INTEGER PRIMARY KEY, data BLOB NOT NULL) STRICT;

    CREATE TABLE models (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, uses INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE faults (
        id INTEGER PRIMARY KEY, kind TEXT NOT NULL, text TEXT NOT NULL, uses INTEGER NOT NULL
    ) STRICT;
"];

pub(super) fn path_in(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Opens the file for writing with `open`; begins a new one if that cannot be understood.
pub(super) fn settle<T>(
    path: &Path,
    open: impl Fn(Connection) -> Result<T, Trouble>,
) -> Result<T, StoreError> {
    let attempt = || {
        if beside(path, MARK).exists() || path.is_dir() {
            return Err(Trouble::Damaged("it was found to be so before".to_owned()));
        }
        connect(path).and_then(&open)
    };
    let trouble = match attempt() {
        Ok(opened) => return Ok(opened),
        Err(trouble) if !trouble.is_damage() => return Err(trouble.told()),
        Err(trouble) => trouble.told(),
    };
    let aside = set_aside(path)?;
    tracing::warn!(reason = %trouble, aside = %aside.display(), "the request log begins anew");
    connect(path).and_then(open).map_err(Trouble::told)
}

/// Has the next start set the file aside.
pub(super) fn mark_as_damaged(path: &Path) {
    // If this fails too, the next start finds out like this one did.
    let _ = files::private_options().create(true).truncate(false).open(beside(path, MARK));
}

fn set_aside(path: &Path) -> Result<PathBuf, StoreError> {
    let aside = (1..)
        .map(|number: u32| beside(path, &format!(".damaged-{number}")))
        .find(|aside| !aside.exists())
        .ok_or_else(|| StoreError::Unavailable("too many damaged request logs".to_owned()))?;
    files::remove(&beside(path, "-shm"))?;
    let log = beside(path, "-wal");
    if log.exists() {
        files::replace(&log, &beside(&aside, "-wal"))?;
    }
    if path.exists() {
        files::replace(path, &aside)?;
    }
    files::remove(&beside(path, MARK))?;
    Ok(aside)
}

/// The connection of the writer, to a file that is made if it is not there.
fn connect(path: &Path) -> Result<Connection, Trouble> {
    if !path.exists() {
        // A log without its file is another file's.
        files::remove(&beside(path, "-wal"))?;
        // SQLite gives the files beside it the same mode.
        files::create_private(path, b"").map_err(|error| failed("create", path, &error))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    let version = version(&connection)?;
    if version == 0 {
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    // What was removed is overwritten where that costs nothing.
    connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
    // A commit survives the process; a power cut may take the last ones, but not the file.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG, |_| Ok(()))?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Trouble::Folder(StoreError::Unavailable(format!(
            "SQLite cannot write ahead here (it says {mode}): is the data folder on a network \
             file system?"
        ))));
    }
    migrate(&mut connection, version)?;
    Ok(connection)
}

/// A connection for queries.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, Trouble> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    Ok(connection)
}

/// The version of the schema; 0 for an empty file.
fn version(connection: &Connection) -> Result<usize, Trouble> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let (version, application) = (number("user_version")?, number("application_id")?);
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION {
        return Err(Trouble::Damaged("it is another program's".to_owned()));
    }
    match usize::try_from(version) {
        Ok(version) if (1..=MIGRATIONS.len()).contains(&version) => Ok(version),
        Ok(_) | Err(_) => Err(Trouble::Damaged(format!(
            "it has schema {version}, and {} is the newest that is known",
            MIGRATIONS.len()
        ))),
    }
}

fn migrate(connection: &mut Connection, from: usize) -> Result<(), Trouble> {
    if from == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction()?;
    for step in &MIGRATIONS[from..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    Ok(transaction.commit()?)
}

/// Pages, those that hold nothing, and the bytes of each.
pub(super) struct Pages {
    all: u64,
    pub(super) free: u64,
    each: u64,
}

impl Pages {
    pub(super) fn of(connection: &Connection) -> Result<Self, Trouble> {
        let number = |pragma| {
            connection
                .pragma_query_value(None, pragma, |row| row.get::<_, i64>(0))
                .map(i64::cast_unsigned)
        };
        let (all, free) = (number("page_count")?, number("freelist_count")?);
        Ok(Self { all, free, each: number("page_size")? })
    }

    /// Bytes of the pages that hold something.
    pub(super) fn used(&self) -> u64 {
        self.all.saturating_sub(self.free) * self.each
    }
}
