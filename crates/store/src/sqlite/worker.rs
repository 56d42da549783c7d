//! The thread that owns the connection.
//!
//! Changes that wait together are committed together: each in a savepoint of its own, so that one
//! that fails does not take the others along, and none is answered before the commit.

use rusqlite::{Connection, TransactionBehavior};
use secrecy::SecretString;
use tokio::sync::{mpsc, oneshot};

use super::{broken, read, rotate, write};
use crate::key::KeySource;
use crate::secrets::Vault;
use crate::{Change, Random, Snapshot, StoreError};

/// Lists of changes that may wait; whoever comes then waits before the queue.
pub(super) const QUEUE: usize = 256;
/// Lists of changes in one commit.
const BATCH: usize = 128;

type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

pub(super) enum Command {
    Load(Reply<Box<Snapshot>>),
    Apply(Vec<Change>, Reply<()>),
    Rotate(Option<SecretString>, Reply<()>),
}

type Waiting = (Vec<Change>, Reply<()>);

pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) vault: Vault,
    pub(super) source: KeySource,
    pub(super) random: Random,
}

impl Worker {
    /// Ends when the last sender is gone and the queue is empty.
    pub(super) fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut batch: Vec<Waiting> = Vec::new();
        while let Some(first) = commands.blocking_recv() {
            let mut next = Some(first);
            while let Some(command) = next {
                match command {
                    Command::Apply(changes, reply) => batch.push((changes, reply)),
                    Command::Load(reply) => {
                        self.commit(&mut batch);
                        let snapshot = read::all(&self.connection, &self.vault.opener);
                        answer(reply, snapshot.map(Box::new));
                    }
                    Command::Rotate(new, reply) => {
                        self.commit(&mut batch);
                        answer(reply, rotate::run(&mut self, new));
                    }
                }
                next = if batch.len() < BATCH { commands.try_recv().ok() } else { None };
            }
            self.commit(&mut batch);
        }
    }

    fn commit(&mut self, batch: &mut Vec<Waiting>) {
        if batch.is_empty() {
            return;
        }
        match self.write(batch) {
            Ok(results) => {
                for ((_, reply), result) in batch.drain(..).zip(results) {
                    answer(reply, result);
                }
            }
            Err(error) => {
                for (_, reply) in batch.drain(..) {
                    answer(reply, Err(error.clone()));
                }
            }
        }
    }

    /// What became of each; an error when nothing at all was written.
    fn write(&mut self, batch: &[Waiting]) -> Result<Vec<Result<(), StoreError>>, StoreError> {
        let mut transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(broken)?;
        let mut results = Vec::with_capacity(batch.len());
        for (changes, _) in batch {
            let savepoint = transaction.savepoint().map_err(broken)?;
            let result = write::all(&savepoint, &self.vault, changes);
            match result {
                Ok(()) => savepoint.commit().map_err(broken)?,
                Err(error) if savepoint.is_autocommit() => {
                    // The disk failed and SQLite has rolled all of it back.
                    return Err(error);
                }
                Err(error) => {
                    savepoint.finish().map_err(broken)?;
                    results.push(Err(error));
                    continue;
                }
            }
            results.push(Ok(()));
        }
        transaction.commit().map_err(broken)?;
        Ok(results)
    }
}

fn answer<T>(reply: Reply<T>, result: Result<T, StoreError>) {
    // Who asked may have stopped waiting; what was written stays.
    let _ = reply.send(result);
}
