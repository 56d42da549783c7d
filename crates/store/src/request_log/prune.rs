//! Old entries go, a piece at a time, so that new ones come in between.

use request_log::Retention;
use rusqlite::Connection;

use accounts::UnixMs;

use super::columns::{self, Block, Column, SLOTS};
use super::file::Pages;
use super::trouble::Trouble;
use super::write::{Lists, Writer};

/// Entries that go in one transaction, at most.
const PIECE: u64 = 4096;
/// What they take, about: entries with content are large, and each of their pages is touched.
const PIECE_BYTES: u64 = 16 << 20;
/// Entries that go at least for the sake of the bytes; the measure is coarse.
const LEAST: u64 = 16;
/// Pages that are given back to the disk in one transaction.
const PAGES: u64 = 512;
/// Free pages that are kept for what comes next.
const SPARE: u64 = 256;

/// What one step did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) removed: u64,
    pub(super) is_last: bool,
}

impl Writer {
    /// One step towards the bounds.
    pub(super) fn prune(&mut self, keep: Retention, now: UnixMs) -> Result<Step, Trouble> {
        let Gone { removed, is_all } =
            self.change(|connection, words| remove(connection, words, keep, now))?;
        if !is_all {
            return Ok(Step { removed, is_last: false });
        }
        let free = Pages::of(&self.connection)?.free;
        if free > SPARE {
            let mut statement =
                self.connection.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
        }
        let left = Pages::of(&self.connection)?.free;
        // If it does not get less there is no point in going on.
        let is_last = left <= SPARE || left >= free;
        if is_last && free > SPARE {
            // The file itself shrinks when the log beside it is written back.
            self.connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?;
        }
        Ok(Step { removed, is_last })
    }
}

struct Gone {
    removed: u64,
    /// What has come in meanwhile is for the next time: while others write there is always one more.
    is_all: bool,
}

/// Removes entries that the bounds do not allow, at most a piece of them.
fn remove(
    connection: &Connection,
    words: &mut Lists,
    keep: Retention,
    now: UnixMs,
) -> Result<Gone, Trouble> {
    let blocks = Block::all(connection)?;
    let rows: u64 = blocks.iter().map(|block| block.rows).sum();
    let each = Pages::of(connection)?.used() / rows.max(1);
    let most = (PIECE_BYTES / each.max(1)).clamp(LEAST, PIECE);
    let too_many = if keep.rows > 0 { rows.saturating_sub(keep.rows) } else { 0 };
    let too_large = if keep.bytes > 0 { excess(connection, rows, keep.bytes)? } else { 0 };
    let mut oldest = too_many.max(too_large).min(most).min(rows);
    let age = u64::try_from(keep.age.as_millis()).unwrap_or(u64::MAX);
    // Younger than this stays.
    let since = if age > 0 { now.0.saturating_sub(age) } else { 0 };
    let mut removed = 0;
    for block in blocks {
        if removed >= most {
            break;
        }
        if oldest > 0 || block.oldest < since {
            let room = most - removed;
            let gone = remove_from(connection, words, block, (oldest.min(room), since), room)?;
            oldest = oldest.saturating_sub(gone);
            removed += gone;
        }
    }
    // How many make up the bytes is an estimate, which the next step looks at again.
    let is_all = removed == 0 || (removed < most && too_large == 0);
    Ok(Gone { removed, is_all })
}

/// How many entries make up the bytes that are too many.
fn excess(connection: &Connection, rows: u64, bytes: u64) -> Result<u64, Trouble> {
    let used = Pages::of(connection)?.used();
    if used <= bytes {
        return Ok(0);
    }
    let share = u128::from(rows) * u128::from(used - bytes) / u128::from(used);
    Ok(u64::try_from(share).unwrap_or(rows).max(LEAST))
}

/// Removes the first `oldest` entries of a block, and those from before `since`; at most `most`.
fn remove_from(
    connection: &Connection,
    words: &mut Lists,
    block: Block,
    (oldest, since): (u64, u64),
    most: u64,
) -> Result<u64, Trouble> {
    let column = |column: Column| {
        columns::read(connection, column, block.number, |bytes| {
            column.numbers(bytes).collect::<Vec<_>>()
        })
    };
    let (flags, started) = (column(Column::Flags)?, column(Column::Started)?);
    let (models, faults) = (column(Column::Model)?, column(Column::Fault)?);
    let mut left = Block { rows: 0, oldest: u64::MAX, newest: 0, ..block };
    let mut gone = Vec::new();
    for slot in (0..SLOTS).filter(|slot| flags[*slot] != 0) {
        let count = gone.len() as u64;
        if count < most && (count < oldest || started[slot] < since) {
            gone.push(slot);
            words.models.give_back(models[slot]);
            words.faults.give_back(faults[slot]);
        } else {
            left.rows += 1;
            left.oldest = left.oldest.min(started[slot]);
            left.newest = left.newest.max(started[slot]);
        }
    }
    let mut statement =
        connection.prepare_cached("DELETE FROM entries WHERE id BETWEEN ?1 AND ?2")?;
    for run in gone.chunk_by(|a, b| a + 1 == *b) {
        if let [first, ..] = run {
            let [first, last] = [*first, first + run.len() - 1]
                .map(|slot| columns::id(block.number, slot).cast_signed());
            statement.execute([first, last])?;
        }
    }
    if left.rows == 0 {
        left.remove(connection)?;
    } else {
        left.save(connection, false)?;
        columns::change(connection, Column::Flags, block.number, 0..=SLOTS - 1, |bytes| {
            let width = Column::Flags.width();
            for slot in &gone {
                bytes[slot * width..(slot + 1) * width].fill(0);
            }
        })?;
    }
    Ok(gone.len() as u64)
}
