//! What filters look at, laid out by columns.
//!
//! Ids are dealt out in blocks of [`SLOTS`]. Of every block there is one blob per column, with a
//! number of fixed width for every id, so that a filter reads nothing but the columns that it is
//! about, and reads them from end to end. Numbers are little-endian; a slot whose flags are zero is
//! empty, whatever is in the other columns.

use request_log::{Dialect, Entry, Status, Who};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, OptionalExtension as _};
use sha2::{Digest as _, Sha256};

use super::trouble::Trouble;
use super::words::{NOTHING, Words};

/// Ids in one block.
pub(super) const SLOTS: usize = 4096;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// Bits, see [`flags`].
    Flags = 0,
    /// Number of a word.
    Model = 1,
    /// Number of a word.
    Fault = 2,
    /// Milliseconds since 1970.
    Started = 3,
    /// Nanoseconds.
    Total = 4,
    /// Input and output together.
    Tokens = 5,
    /// A digest.
    Who = 6,
    /// The account's number.
    Account = 7,
    /// A digest of the request id.
    Request = 8,
}

impl Column {
    pub(super) const ALL: [Self; 9] = [
        Self::Flags,
        Self::Model,
        Self::Fault,
        Self::Started,
        Self::Total,
        Self::Tokens,
        Self::Who,
        Self::Account,
        Self::Request,
    ];

    /// Bytes of one number.
    pub(super) fn width(self) -> usize {
        match self {
            Self::Flags | Self::Model | Self::Fault => 2,
            Self::Started
            | Self::Total
            | Self::Tokens
            | Self::Who
            | Self::Account
            | Self::Request => 8,
        }
    }

    /// Where the blob is in the table `columns`.
    pub(super) fn key(self, block: i64) -> i64 {
        first_key(block) + self as i64
    }

    /// The numbers of one slot after the other.
    pub(super) fn numbers(self, bytes: &[u8]) -> impl Iterator<Item = u64> + '_ {
        bytes.chunks_exact(self.width()).map(number)
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Keys of a block's columns begin here; sixteen belong to it.
pub(super) fn first_key(block: i64) -> i64 {
    block << 4
}

/// Where an id is.
pub(super) fn place(id: u64) -> (i64, usize) {
    let slots = SLOTS as u64;
    ((id / slots).cast_signed(), usize::try_from(id % slots).unwrap_or_default())
}

pub(super) fn id(block: i64, slot: usize) -> u64 {
    block.cast_unsigned() * SLOTS as u64 + slot as u64
}

/// Bits of [`Column::Flags`].
pub(super) mod flags {
    pub(in super::super) const PRESENT: u16 = 1;
    pub(in super::super) const STATUS: u16 = 0b11 << 1;
    pub(in super::super) const STREAM: u16 = 1 << 3;
    pub(in super::super) const CHAIN: u16 = 1 << 4;
    pub(in super::super) const USAGE: u16 = 1 << 5;
    pub(in super::super) const FAULT: u16 = 1 << 6;
    pub(in super::super) const ACCOUNT: u16 = 1 << 7;
    pub(in super::super) const DIALECT: u16 = 0b111 << 8;
}

pub(super) fn status_flags(status: Status) -> u16 {
    let number = match status {
        Status::Pending => 0,
        Status::Success => 1,
        Status::Failure => 2,
    };
    number << 1
}

pub(super) fn dialect_flags(dialect: Dialect) -> u16 {
    let number = match dialect {
        Dialect::OpenAiChat => 0,
        Dialect::OpenAiCompletions => 1,
        Dialect::OpenAiResponses => 2,
        Dialect::Anthropic => 3,
        Dialect::Editor => 4,
    };
    number << 8
}

/// What filters look at, of one entry.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    numbers: [u64; Column::ALL.len()],
}

impl Row {
    /// Its words are counted as used once more.
    pub(super) fn of(entry: &Entry, models: &mut Words, faults: &mut Words) -> Self {
        let bit = |holds: bool, flag: u16| if holds { flag } else { 0 };
        let flags = flags::PRESENT
            | status_flags(entry.status)
            | dialect_flags(entry.dialect)
            | bit(entry.stream, flags::STREAM)
            | bit(!entry.chain.is_empty(), flags::CHAIN)
            | bit(entry.usage.is_some(), flags::USAGE)
            | bit(entry.fault.is_some(), flags::FAULT)
            | bit(entry.account.is_some(), flags::ACCOUNT);
        let fault = entry.fault.as_ref().map(|fault| faults.take(&fault.kind, &fault.text));
        let value = |column| match column {
            Column::Flags => u64::from(flags),
            Column::Model => 0,
            Column::Fault => u64::from(fault.unwrap_or(NOTHING)),
            Column::Started => entry.started.0,
            Column::Total => nanoseconds(entry.timing.total),
            Column::Tokens => {
                entry.usage.map_or(0, |usage| usage.input.saturating_add(usage.output))
            }
            Column::Who => who_digest(&entry.who),
            Column::Account => entry.account.as_ref().map_or(0, |(id, _)| id.0),
            Column::Request => digest(&[&entry.request_id]),
        };
        let mut numbers = Column::ALL.map(value);
        numbers[Column::Model as usize] = u64::from(models.take("", &entry.model));
        Self { numbers }
    }

    /// Writes the number of one column into its place.
    pub(super) fn put(&self, column: Column, place: &mut [u8]) {
        place.copy_from_slice(&self.numbers[column as usize].to_le_bytes()[..place.len()]);
    }
}

/// As the column holds it; what is longer than five centuries is all the same.
pub(super) fn nanoseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) fn who_digest(who: &Who) -> u64 {
    let kind = match who {
        Who::Operator => "operator",
        Who::Shared => "shared",
        Who::Key(_) => "key",
    };
    digest(&[kind, who.name()])
}

/// Stands for a text in filters of exact texts: 64 bits of SHA-256, so that nobody finds another
/// request's.
pub(super) fn digest(parts: &[&str]) -> u64 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    number(&hash.finalize()[..8])
}

/// One column of one block.
pub(super) fn read<T>(
    connection: &Connection,
    column: Column,
    block: i64,
    look: impl FnOnce(&[u8]) -> T,
) -> Result<T, Trouble> {
    let mut statement = connection.prepare_cached("SELECT data FROM columns WHERE id = ?1")?;
    let found = statement
        .query_row([column.key(block)], |row| match row.get_ref(0)? {
            ValueRef::Blob(bytes) if bytes.len() == SLOTS * column.width() => Ok(Some(look(bytes))),
            // A row of any other kind is no column.
            _ => Ok(None),
        })
        .optional()?;
    found.flatten().ok_or_else(|| Trouble::Damaged(format!("{column:?} of block {block}")))
}

/// Changes a stretch of one column of one block, from the slot `from` on.
pub(super) fn change<T>(
    connection: &Connection,
    column: Column,
    block: i64,
    slots: std::ops::RangeInclusive<usize>,
    change: impl FnOnce(&mut [u8]) -> T,
) -> Result<T, Trouble> {
    let (from, count) = (*slots.start(), slots.count());
    let mut blob = connection.blob_open(MAIN_DB, c"columns", c"data", column.key(block), false)?;
    let mut bytes = vec![0; count * column.width()];
    blob.read_at_exact(&mut bytes, from * column.width())?;
    let result = change(&mut bytes);
    blob.write_all_at(&bytes, from * column.width())?;
    blob.close()?;
    Ok(result)
}

/// One block's entry in the table `blocks`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) number: i64,
    pub(super) rows: u64,
    /// None of its entries is older; milliseconds since 1970.
    pub(super) oldest: u64,
    /// None of its entries is younger.
    pub(super) newest: u64,
}

impl Block {
    /// All of them, in order.
    pub(super) fn all(connection: &Connection) -> Result<Vec<Self>, Trouble> {
        let sql = "SELECT number, rows, oldest, newest FROM blocks ORDER BY number";
        let mut statement = connection.prepare_cached(sql)?;
        let blocks = statement.query_map([], Self::of)?;
        Ok(blocks.collect::<Result<_, _>>()?)
    }

    pub(super) fn find(connection: &Connection, number: i64) -> Result<Option<Self>, Trouble> {
        let sql = "SELECT number, rows, oldest, newest FROM blocks WHERE number = ?1";
        Ok(connection.prepare_cached(sql)?.query_row([number], Self::of).optional()?)
    }

    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let number = |column| row.get(column).map(i64::cast_unsigned);
        Ok(Self { number: row.get(0)?, rows: number(1)?, oldest: number(2)?, newest: number(3)? })
    }

    /// Of a new block, the columns are made too.
    pub(super) fn save(&self, connection: &Connection, is_new: bool) -> Result<(), Trouble> {
        let sql =
            "INSERT OR REPLACE INTO blocks (number, rows, oldest, newest) VALUES (?1, ?2, ?3, ?4)";
        let [rows, oldest, newest] = [self.rows, self.oldest, self.newest].map(u64::cast_signed);
        connection.prepare_cached(sql)?.execute([self.number, rows, oldest, newest])?;
        if is_new {
            let sql = "INSERT INTO columns (id, data) VALUES (?1, zeroblob(?2))";
            let mut statement = connection.prepare_cached(sql)?;
            for column in Column::ALL {
                let bytes = (SLOTS * column.width()) as i64;
                statement.execute([column.key(self.number), bytes])?;
            }
        }
        Ok(())
    }

    pub(super) fn remove(&self, connection: &Connection) -> Result<(), Trouble> {
        connection
            .prepare_cached("DELETE FROM blocks WHERE number = ?1")?
            .execute([self.number])?;
        let (from, to) = (first_key(self.number), first_key(self.number + 1) - 1);
        let sql = "DELETE FROM columns WHERE id BETWEEN ?1 AND ?2";
        connection.prepare_cached(sql)?.execute([from, to])?;
        Ok(())
    }
}
