//! Copies of the database: taken while it is written to, and put back in its place.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{FILE, broken, read, schema};
use crate::StoreError;
use crate::files::{self, FolderLock, beside, failed};
use crate::key::{self, KeySource};
use crate::secrets::Opener;

/// Copies into a new file, as of one instant.
pub(super) fn take(database: &Path, to: &Path) -> Result<(), StoreError> {
    files::create_private(to, b"").map_err(|error| failed("create", to, &error))?;
    copy(database, to).inspect_err(|_| {
        let _ = files::remove(to);
        let _ = files::remove(&beside(to, "-journal"));
    })
}

/// In one step: a step reads one state of the database, whoever writes meanwhile.
fn copy(from: &Path, to: &Path) -> Result<(), StoreError> {
    let source = schema::connect_to_read(from)?;
    let mut target = schema::connect(to)?;
    let backup = Backup::new(&source, &mut target).map_err(broken)?;
    match backup.step(-1).map_err(broken)? {
        StepResult::Done => {}
        // Non-exhaustive, and none of them is the whole.
        _ => return Err(StoreError::Unavailable("the copy did not come to its end".to_owned())),
    }
    drop(backup);
    // One file that needs no log beside it.
    schema::set_journal(&target, "DELETE")?;
    target.close().map_err(|(_, error)| broken(error))
}

/// Puts a copy in the place of the database in `dir`.
pub(super) fn restore(dir: &Path, from: &Path, key: &KeySource) -> Result<(), StoreError> {
    from.metadata().map_err(|error| failed("read", from, &error))?;
    files::private_folder(dir)?;
    let _lock = FolderLock::take(dir)?;
    let database = dir.join(FILE);
    let draft = beside(&database, ".restoring");
    files::remove(&draft)?;
    files::remove(&beside(&draft, "-journal"))?;
    take(from, &draft)?;
    check(&draft, key)
        .and_then(|()| set_aside(&database))
        .and_then(|()| files::replace(&draft, &database))
        .inspect_err(|_| {
            let _ = files::remove(&draft);
        })
}

/// Whether the service could start with it.
fn check(draft: &Path, key: &KeySource) -> Result<(), StoreError> {
    let connection = schema::connect(draft)?;
    intact(&connection)?;
    if schema::version(&connection)? == 0 {
        return Err(StoreError::Unavailable("the backup is empty".to_owned()));
    }
    let opener = Opener::new(&key::present(key)?);
    schema::check_key(&connection, &opener)?;
    if schema::is_current(&connection)? {
        // An older one is brought up to date by the next start.
        read::all(&connection, &opener)?;
    }
    Ok(())
}

fn intact(connection: &Connection) -> Result<(), StoreError> {
    let verdict: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(broken)?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!("the backup is damaged: {verdict}")))
}

/// Keeps the database under a second name; the first stays until the new one takes it.
fn set_aside(database: &Path) -> Result<(), StoreError> {
    let log = beside(database, "-wal");
    let kept = beside(database, ".before-restore");
    if !database.exists() {
        return files::remove(&log);
    }
    // Folds the log in, if the database can still be opened; else the log is kept beside it.
    let _ = schema::connect(database).and_then(|old| schema::set_journal(&old, "DELETE"));
    files::remove(&kept)?;
    files::remove(&beside(&kept, "-wal"))?;
    std::fs::hard_link(database, &kept)
        .or_else(|_| std::fs::copy(database, &kept).map(|_| ()))
        .map_err(|error| failed("keep the old database as", &kept, &error))?;
    if log.exists() {
        files::replace(&log, &beside(&kept, "-wal"))?;
    }
    files::remove(&beside(database, "-shm"))
}
