//! The file's schema, its migrations, and what a connection must be told.
//!
//! The request log is not in here: it has a file of its own (`docs/decisions/0005-request-log.md`).

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};
use secrecy::ExposeSecret as _;

use super::broken;
use crate::StoreError;
use crate::secrets::{Opener, Place, Vault};

/// How long to wait for another connection's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// "CAPI", in the header of the file: whose it is.
const APPLICATION: i32 = 0x4341_5049;

/// One step each; the number of steps taken is the version. Steps that were released never change.
///
/// `accounts.alias` and `keys.hash` are empty only inside a transaction, while names change hands.
/// Unsigned 64-bit numbers are kept as the signed ones with the same bits.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        alias TEXT UNIQUE,
        primary_token BLOB NOT NULL,
        secondary_token BLOB,
        refresh_token BLOB,
        machine_id TEXT NOT NULL,
        mac_machine_id TEXT NOT NULL,
        client_key TEXT,
        session_id TEXT,
        config_version TEXT,
        proxy TEXT,
        timezone TEXT,
        region TEXT,
        flow TEXT,
        enabled INTEGER NOT NULL,
        owner TEXT,
        declared BLOB,
        mark_kind TEXT,
        mark_reason TEXT,
        mark_since INTEGER,
        mark_until INTEGER
    ) STRICT;

    CREATE TABLE profiles (
        account INTEGER PRIMARY KEY REFERENCES accounts(id) ON DELETE CASCADE,
        body BLOB NOT NULL
    ) STRICT;

    CREATE TABLE proxies (name TEXT PRIMARY KEY, address BLOB NOT NULL) STRICT;

    CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        kind TEXT NOT NULL,
        account INTEGER,
        hash BLOB UNIQUE,
        previous_hash BLOB,
        previous_until INTEGER,
        created INTEGER NOT NULL,
        expires INTEGER,
        revoked INTEGER,
        proxy TEXT,
        timezone TEXT,
        region TEXT,
        disable_vision INTEGER NOT NULL,
        slow_pool INTEGER,
        web_references INTEGER,
        usage_check TEXT NOT NULL,
        usage_check_models TEXT,
        models TEXT NOT NULL,
        accounts TEXT NOT NULL,
        requests_per_minute INTEGER,
        tokens_per_minute INTEGER,
        concurrency INTEGER,
        budget_tokens INTEGER,
        budget_period TEXT
    ) STRICT;

    CREATE TABLE key_usage (
        key TEXT PRIMARY KEY REFERENCES keys(id) ON DELETE CASCADE,
        requests INTEGER NOT NULL,
        tokens INTEGER NOT NULL,
        period_tokens INTEGER NOT NULL,
        period_start INTEGER NOT NULL,
        last_used INTEGER
    ) STRICT;
"];

/// Opens a file that is there, for reading and writing.
pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(broken)?;
    connection.busy_timeout(BUSY).map_err(broken)?;
    for (pragma, value) in [
        ("foreign_keys", "ON"),
        // What was removed is overwritten: old secrets do not linger in free pages.
        ("secure_delete", "ON"),
        // A commit is on the disk when it returns; on macOS that needs a word more.
        ("synchronous", "FULL"),
        ("fullfsync", "ON"),
    ] {
        connection.pragma_update(None, pragma, value).map_err(broken)?;
    }
    Ok(connection)
}

/// What must be said before anything is in the file.
pub(super) fn prepare_empty(connection: &Connection) -> Result<(), StoreError> {
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(broken)
}

/// Opens a file for reading.
pub(super) fn connect_to_read(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(broken)?;
    connection.busy_timeout(BUSY).map_err(broken)?;
    Ok(connection)
}

pub(super) fn set_journal(connection: &Connection, mode: &str) -> Result<(), StoreError> {
    let got: String = connection
        .pragma_update_and_check(None, "journal_mode", mode, |row| row.get(0))
        .map_err(broken)?;
    if got.eq_ignore_ascii_case(mode) {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "SQLite cannot use the journal mode {mode} here (it says {got}): is the data folder on a \
         network file system?"
    )))
}

/// The version of the schema; 0 for an empty file.
///
/// # Errors
/// The file is another program's, or a newer version's.
pub(super) fn version(connection: &Connection) -> Result<usize, StoreError> {
    let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let version = number("user_version").map_err(broken)?;
    let application = number("application_id").map_err(broken)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(broken)?;
    if version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != i64::from(APPLICATION) || version <= 0 {
        return Err(StoreError::Unavailable("it is not a database of cursor-api".to_owned()));
    }
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        Ok(_) | Err(_) => Err(StoreError::Unavailable(format!(
            "it was written by a newer version of cursor-api (schema {version}, this one knows \
             {}): start that version, or restore a backup",
            MIGRATIONS.len()
        ))),
    }
}

/// Brings the schema up to date, all steps or none. A new file gets its key check.
pub(super) fn migrate(connection: &mut Connection, vault: &Vault) -> Result<(), StoreError> {
    let from = version(connection)?;
    if from == MIGRATIONS.len() {
        return Ok(());
    }
    let transaction = connection.transaction().map_err(broken)?;
    for step in &MIGRATIONS[from..] {
        transaction.execute_batch(step).map_err(broken)?;
    }
    if from == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION).map_err(broken)?;
        put_key_check(&transaction, vault)?;
    }
    transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64).map_err(broken)?;
    transaction.commit().map_err(broken)
}

const KEY_CHECK: Place<'_> = Place { table: "meta", column: "value", row: "key_check" };

/// Writes down by which key everything is encrypted.
pub(super) fn put_key_check(connection: &Connection, vault: &Vault) -> Result<(), StoreError> {
    let sealed = vault.seal(KEY_CHECK, "this key fits")?;
    put_meta(connection, KEY_CHECK.row, sealed)
}

/// # Errors
/// The key is not the database's.
pub(super) fn check_key(connection: &Connection, opener: &Opener) -> Result<(), StoreError> {
    let sealed: Option<Vec<u8>> = meta(connection, KEY_CHECK.row)?;
    let sealed = sealed.ok_or_else(|| {
        StoreError::Unavailable("it is damaged: nothing says which key it has".to_owned())
    })?;
    let text = opener.open(KEY_CHECK, &sealed)?;
    debug_assert_eq!(text.expose_secret(), "this key fits");
    Ok(())
}

pub(super) fn meta<T: rusqlite::types::FromSql>(
    connection: &Connection,
    name: &str,
) -> Result<Option<T>, StoreError> {
    connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")
        .and_then(|mut statement| statement.query_row([name], |row| row.get(0)).optional())
        .map_err(broken)
}

pub(super) fn put_meta(
    connection: &Connection,
    name: &str,
    value: impl rusqlite::ToSql,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)")
        .and_then(|mut statement| statement.execute(params![name, value]))
        .map_err(broken)?;
    Ok(())
}

/// Whether nothing is to be migrated.
pub(super) fn is_current(connection: &Connection) -> Result<bool, StoreError> {
    version(connection).map(|version| version == MIGRATIONS.len())
}
