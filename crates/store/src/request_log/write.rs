//! The connection that writes: entries go in, and those that a stopped gateway left open are closed.

use std::collections::BTreeMap;
use std::path::Path;

use request_log::{Close, Entry, Fault, Status};
use rusqlite::{Connection, TransactionBehavior, params};

use super::columns::{self, Block, Column, Row, flags};
use super::trouble::Trouble;
use super::words::{Table, Words};
use super::{decode, encode, file};
use crate::StoreError;

#[derive(Debug)]
pub(super) struct Writer {
    pub(super) connection: Connection,
    pub(super) words: Lists,
    /// The lists are ahead of the file, and it could not be read.
    is_ahead: bool,
}

/// Both lists of words, as of the last commit or ahead of it.
#[derive(Debug)]
pub(super) struct Lists {
    pub(super) models: Words,
    pub(super) faults: Words,
}

impl Lists {
    fn load(connection: &Connection) -> Result<Self, Trouble> {
        let models = Words::load(connection, Table::Models)?;
        Ok(Self { models, faults: Words::load(connection, Table::Faults)? })
    }

    fn save(&mut self, connection: &Connection) -> Result<(), Trouble> {
        self.models.save(connection)?;
        self.faults.save(connection)
    }
}

impl Writer {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        file::settle(path, |connection| {
            let words = Lists::load(&connection)?;
            let mut writer = Self { connection, words, is_ahead: false };
            writer.close_what_is_open()?;
            Ok(writer)
        })
    }

    /// Makes a change, all or nothing.
    pub(super) fn change<T>(
        &mut self,
        change: impl FnOnce(&Connection, &mut Lists) -> Result<T, Trouble>,
    ) -> Result<T, Trouble> {
        if self.is_ahead {
            self.words = Lists::load(&self.connection)?;
            self.is_ahead = false;
        }
        let Self { connection, words, is_ahead } = self;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let changed = change(&transaction, words).and_then(|result| {
            words.save(&transaction)?;
            Ok(result)
        });
        let changed = match changed {
            Ok(result) => transaction.commit().map(|()| result).map_err(Trouble::from),
            Err(trouble) => {
                drop(transaction);
                Err(trouble)
            }
        };
        if changed.is_err() {
            match Lists::load(connection) {
                Ok(lists) => *words = lists,
                // Numbers that are free in the lists are not so in the file: before the next change.
                Err(_) => *is_ahead = true,
            }
        }
        changed
    }

    pub(super) fn put(&mut self, entries: &[Entry]) -> Result<(), Trouble> {
        self.change(|connection, words| put(connection, words, entries))
    }

    /// The gateway that wrote these is no more. Whether they were answered is not known: their end may
    /// have been lost to a full queue or disk.
    fn close_what_is_open(&mut self) -> Result<(), Trouble> {
        let open = u64::from(flags::PRESENT | columns::status_flags(Status::Pending));
        let mask = u64::from(flags::PRESENT | flags::STATUS);
        for block in Block::all(&self.connection)? {
            let ids: Vec<u64> =
                columns::read(&self.connection, Column::Flags, block.number, |bytes| {
                    let slots = Column::Flags.numbers(bytes).enumerate();
                    let open = slots.filter(|(_, flags)| flags & mask == open);
                    open.map(|(slot, _)| columns::id(block.number, slot)).collect()
                })?;
            let mut entries = Vec::with_capacity(ids.len());
            for id in ids {
                let (mut entry, _) = read(&self.connection, id)?;
                close(&mut entry);
                entries.push(entry);
            }
            if !entries.is_empty() {
                self.put(&entries)?;
            }
        }
        Ok(())
    }
}

fn close(entry: &mut Entry) {
    let text = "The gateway stopped before the answer was complete, or its end could not be kept."
        .to_owned();
    entry.status = Status::Failure;
    entry.fault = Some(Fault { kind: "internal".to_owned(), details: text.clone(), text });
    entry.close = Some(Close::Cut);
}

/// One entry whose id is in the columns, and how many bytes it takes: about those of its texts.
pub(super) fn read(connection: &Connection, id: u64) -> Result<(Entry, usize), Trouble> {
    let mut statement = connection.prepare_cached("SELECT body FROM entries WHERE id = ?1")?;
    let mut rows = statement.query([id.cast_signed()])?;
    let row = rows.next()?.ok_or_else(|| Trouble::Damaged(format!("entry {id} is missing")))?;
    let body = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok((decode::entry(id, body)?, body.len()))
}

fn put(connection: &Connection, words: &mut Lists, entries: &[Entry]) -> Result<(), Trouble> {
    // Of an id that comes twice the last one stays.
    let mut blocks: BTreeMap<i64, BTreeMap<usize, &Entry>> = BTreeMap::new();
    for entry in entries {
        let (block, slot) = columns::place(entry.id);
        blocks.entry(block).or_default().insert(slot, entry);
    }
    let sql = "INSERT OR REPLACE INTO entries (id, body) VALUES (?1, ?2)";
    let mut statement = connection.prepare_cached(sql)?;
    for entry in blocks.values().flat_map(BTreeMap::values) {
        statement.execute(params![entry.id.cast_signed(), encode::body(entry)])?;
    }
    for (number, entries) in &blocks {
        put_rows(connection, words, *number, entries)?;
    }
    if let Some(last) = entries.iter().map(|entry| entry.id).max() {
        raise_last_id(connection, last)?;
    }
    Ok(())
}

/// Puts what filters look at into one block.
fn put_rows(
    connection: &Connection,
    words: &mut Lists,
    number: i64,
    entries: &BTreeMap<usize, &Entry>,
) -> Result<(), Trouble> {
    let (Some((first, _)), Some((last, _))) = (entries.first_key_value(), entries.last_key_value())
    else {
        return Ok(());
    };
    let known = Block::find(connection, number)?;
    let mut block = known.unwrap_or(Block { number, rows: 0, oldest: u64::MAX, newest: 0 });
    for entry in entries.values() {
        block.oldest = block.oldest.min(entry.started.0);
        block.newest = block.newest.max(entry.started.0);
    }
    if known.is_none() {
        block.save(connection, true)?;
    }
    let rows: Vec<(usize, Row)> = entries
        .iter()
        .map(|(slot, entry)| (slot - first, Row::of(entry, &mut words.models, &mut words.faults)))
        .collect();
    let mut replaced = vec![false; rows.len()];
    for column in Column::ALL {
        let width = column.width();
        columns::change(connection, column, number, *first..=*last, |bytes| {
            for ((slot, row), replaced) in rows.iter().zip(&mut replaced) {
                let place = &mut bytes[slot * width..(slot + 1) * width];
                let before = column.numbers(place).next().unwrap_or_default();
                match column {
                    Column::Flags => *replaced = before != 0,
                    Column::Model if *replaced => words.models.give_back(before),
                    Column::Fault if *replaced => words.faults.give_back(before),
                    Column::Model
                    | Column::Fault
                    | Column::Started
                    | Column::Total
                    | Column::Tokens
                    | Column::Who
                    | Column::Account
                    | Column::Request => {}
                }
                row.put(column, place);
            }
        })?;
    }
    block.rows += replaced.iter().filter(|replaced| !**replaced).count() as u64;
    block.save(connection, false)
}

fn raise_last_id(connection: &Connection, last: u64) -> Result<(), Trouble> {
    if last > last_id(connection)? {
        let sql = "UPDATE meta SET value = ?1 WHERE name = 'last_id'";
        connection.prepare_cached(sql)?.execute([last.cast_signed()])?;
    }
    Ok(())
}

pub(super) fn last_id(connection: &Connection) -> Result<u64, Trouble> {
    let sql = "SELECT value FROM meta WHERE name = 'last_id'";
    let last: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(last.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use request_log::{Gaps, Query};

    use super::*;
    use crate::request_log::search::{self, Deadline};

    fn entry(id: u64, model: &str) -> Entry {
        Entry {
            id,
            request_id: id.to_string(),
            started: accounts::UnixMs(0),
            dialect: request_log::Dialect::Anthropic,
            endpoint: "/v1/messages".into(),
            who: request_log::Who::Operator,
            account: None,
            model: model.to_owned(),
            served_model: None,
            flow: None,
            stream: false,
            status: Status::Success,
            http_status: None,
            fault: None,
            attempts: Vec::new(),
            timing: request_log::Timing::default(),
            chain: request_log::Chain::default(),
            usage: None,
            close: None,
            ignored: String::new(),
            content: None,
            gaps: Gaps::default(),
            trace: None,
        }
    }

    fn ids_of(writer: &mut Writer, model: &str) -> Vec<u64> {
        let query = Query { limit: 10, model: Some(model.to_owned()), ..Query::default() };
        let deadline = Deadline::within(std::time::Duration::from_secs(30));
        let found = search::page(&mut writer.connection, &query, deadline, true);
        let page = found.map_err(Trouble::told).unwrap().page;
        page.entries.iter().map(|entry| entry.id).collect()
    }

    /// The number of a word that went in a change that failed was given to another one.
    #[test]
    fn lists_that_cannot_be_read_again_are_read_before_the_next_change() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = Writer::open(&file::path_in(dir.path())).unwrap();
        assert!(writer.put(&[entry(1, "first")]).is_ok());
        let failed = writer.change(|connection, words| -> Result<(), Trouble> {
            let word = words.models.take("", "first");
            words.models.give_back(word.into());
            words.models.give_back(word.into());
            words.save(connection)?;
            connection.execute_batch("ROLLBACK; ALTER TABLE models RENAME TO hidden")?;
            Err(Trouble::Slow)
        });
        assert!(matches!(failed, Err(Trouble::Slow)));
        assert!(writer.put(&[entry(2, "second")]).is_err());
        writer.connection.execute_batch("ALTER TABLE hidden RENAME TO models").unwrap();
        assert!(writer.put(&[entry(2, "second")]).is_ok());
        assert_eq!(ids_of(&mut writer, "first"), [1]);
        assert_eq!(ids_of(&mut writer, "second"), [2]);
    }
}
