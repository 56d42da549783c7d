//! A new master key: everything is encrypted anew in one transaction.
//!
//! With a key file the new key lies beside it, on the disk, before the transaction commits, and
//! takes its place afterwards. A crash in between leaves both, and the next start sees which of
//! them fits ([`key::settle`]).

use rusqlite::types::Value;
use rusqlite::{Connection, TransactionBehavior, params};
use secrecy::{ExposeSecret as _, SecretString};

use super::worker::Worker;
use super::{broken, read, schema};
use crate::key::{self, KeySource, MasterKey};
use crate::secrets::{Opener, Place, Vault};
use crate::{StoreError, files};

/// Every encrypted column, with the column of its row's id. The key check is renewed apart.
const SEALED: [(&str, &str, &str); 5] = [
    ("accounts", "id", "primary_token"),
    ("accounts", "id", "secondary_token"),
    ("accounts", "id", "refresh_token"),
    ("profiles", "account", "body"),
    ("proxies", "name", "address"),
];

pub(super) fn run(worker: &mut Worker, new: Option<SecretString>) -> Result<(), StoreError> {
    let key = match (&new, &worker.source) {
        (Some(text), _) => MasterKey::parse(text.expose_secret())?,
        (None, KeySource::File(_)) => MasterKey::generate(&worker.random),
        (None, KeySource::Given(_)) => {
            return Err(StoreError::Key(
                "the key is not kept in a file, so the new one must be given".to_owned(),
            ));
        }
    };
    let next = Vault::new(&key, worker.random.clone());
    if let KeySource::File(path) = &worker.source {
        let waiting = key::next_file(path);
        clear(&waiting, path, &worker.vault.opener)?;
        key.create(&waiting)?;
    }

    let transaction = worker
        .connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(broken)?;
    if let Err(error) = seal_anew(&transaction, &worker.vault, &next) {
        drop(transaction);
        if let KeySource::File(path) = &worker.source {
            files::remove(&key::next_file(path))?;
        }
        return Err(error);
    }
    // From here on the new key's file is needed, also when the commit says that it failed: only the
    // next look into the database tells.
    transaction.commit().map_err(broken)?;
    worker.vault = next;
    if let KeySource::File(path) = &worker.source {
        files::replace(&key::next_file(path), path)?;
    }
    // What was encrypted with the old key leaves the log too; if somebody reads it, a little later.
    worker.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(broken)
}

/// Makes room for the next key: ends a rotation whose last step failed.
fn clear(
    waiting: &std::path::Path,
    path: &std::path::Path,
    current: &Opener,
) -> Result<(), StoreError> {
    match MasterKey::read(waiting) {
        Ok(None) => Ok(()),
        Ok(Some(key)) if Opener::new(&key).same_key(current) => files::replace(waiting, path),
        Ok(Some(_)) | Err(_) => files::remove(waiting),
    }
}

fn seal_anew(connection: &Connection, old: &Vault, new: &Vault) -> Result<(), StoreError> {
    for (table, id, column) in SEALED {
        let sql = format!("SELECT {id}, {column} FROM {table} WHERE {column} IS NOT NULL");
        let mut statement = connection.prepare(&sql).map_err(broken)?;
        let rows: Vec<(Value, String, Vec<u8>)> = statement
            .query_map([], |row| Ok((row.get(0)?, read::row_name(row, id)?, row.get(1)?)))
            .and_then(Iterator::collect)
            .map_err(broken)?;
        let sql = format!("UPDATE {table} SET {column} = ?2 WHERE {id} = ?1");
        let mut update = connection.prepare(&sql).map_err(broken)?;
        for (id, row, blob) in rows {
            let place = Place { table, column, row: &row };
            let text = old.opener.open(place, &blob)?;
            let sealed = new.seal(place, text.expose_secret())?;
            update.execute(params![id, sealed]).map_err(broken)?;
        }
    }
    schema::put_key_check(connection, new)
}
