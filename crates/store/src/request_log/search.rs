//! Queries: from block to block, a page is picked and the rest is counted.

use std::time::{Duration, Instant};

use request_log::{Entry, MOST_PER_PAGE, Order, Page, Query, Size};
use rusqlite::{Connection, Transaction};

use super::MOST_BYTES;
use super::columns::{self, Block, SLOTS};
use super::file::Pages;
use super::filter::{Filter, Passed};
use super::trouble::Trouble;
use super::write::{last_id, read};

/// When a query has taken too long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline(Instant);

impl Deadline {
    pub(super) fn within(limit: Duration) -> Self {
        Self(Instant::now() + limit)
    }

    fn check(self) -> Result<(), Trouble> {
        if Instant::now() < self.0 { Ok(()) } else { Err(Trouble::Slow) }
    }
}

/// What a page needs besides its entries.
struct Search<'a> {
    connection: &'a Connection,
    filter: Filter,
    deadline: Deadline,
    order: Order,
    cursor: Option<u64>,
    limit: usize,
    /// Whether the total is wanted.
    counts: bool,
    /// To be left out before the page begins.
    skip: u64,
    /// The page, and one more if there is one.
    ids: Vec<u64>,
    total: u64,
    damage: Option<String>,
}

/// A page, and what in the file could not be understood on the way to it.
pub(super) struct Found {
    pub(super) page: Page,
    pub(super) damage: Option<String>,
}

/// One page, as of one instant. Without `counts` the total is zero. An entry that cannot be
/// understood is left out, so that it does not hide the others.
pub(super) fn page(
    connection: &mut Connection,
    query: &Query,
    deadline: Deadline,
    counts: bool,
) -> Result<Found, Trouble> {
    deadline.check()?;
    let transaction: Transaction<'_> = connection.transaction()?;
    let mut search = Search {
        connection: &transaction,
        filter: Filter::new(query, &transaction, || deadline.check())?,
        deadline,
        order: query.order,
        cursor: query.cursor,
        limit: query.limit.min(MOST_PER_PAGE),
        counts,
        skip: query.offset,
        ids: Vec::new(),
        total: 0,
        damage: None,
    };
    let mut blocks = Block::all(&transaction)?;
    if query.order == Order::NewestFirst {
        blocks.reverse();
    }
    search.pass(&blocks)?;
    let total = if counts { search.total } else { 0 };
    let (mut entries, mut next) = search.fetch()?;
    while entries.is_empty() && next.is_some() {
        // None of them could be understood, and only the last page may be empty.
        search = Search { counts: false, skip: 0, cursor: next, ..search };
        search.pass(&blocks)?;
        (entries, next) = search.fetch()?;
    }
    Ok(Found { page: Page { total, entries, next }, damage: search.damage })
}

impl Search<'_> {
    fn pass(&mut self, blocks: &[Block]) -> Result<(), Trouble> {
        for block in blocks {
            if !self.counts && self.is_full() {
                break;
            }
            self.deadline.check()?;
            self.look(block)?;
        }
        Ok(())
    }

    /// The entries that were picked, and the cursor of the next page.
    fn fetch(&mut self) -> Result<(Vec<Entry>, Option<u64>), Trouble> {
        let mut ids = std::mem::take(&mut self.ids);
        let is_last = ids.len() <= self.limit;
        ids.truncate(self.limit);
        let next = if is_last { None } else { ids.last().copied() };
        let mut entries = Vec::with_capacity(ids.len());
        let (mut bytes, mut before) = (0, None);
        for id in ids {
            self.deadline.check()?;
            if let Some((entry, length)) = self.read(id)? {
                bytes += length;
                if bytes > MOST_BYTES && !entries.is_empty() {
                    return Ok((entries, before));
                }
                entries.push(entry);
            }
            before = Some(id);
        }
        Ok((entries, next))
    }

    /// Nothing when it cannot be understood.
    fn read(&mut self, id: u64) -> Result<Option<(Entry, usize)>, Trouble> {
        match read(self.connection, id) {
            Ok(found) => Ok(Some(found)),
            Err(Trouble::Damaged(what)) => {
                self.damage.get_or_insert(what);
                Ok(None)
            }
            Err(trouble @ (Trouble::Sql(_) | Trouble::Slow | Trouble::Folder(_))) => Err(trouble),
        }
    }

    fn is_full(&self) -> bool {
        self.limit == 0 || self.ids.len() > self.limit
    }

    /// Whether the id is behind the cursor.
    fn is_ahead(&self, id: u64) -> bool {
        self.cursor.is_none_or(|cursor| match self.order {
            Order::OldestFirst => id > cursor,
            Order::NewestFirst => id < cursor,
        })
    }

    fn look(&mut self, block: &Block) -> Result<(), Trouble> {
        let (first, last) = (columns::id(block.number, 0), columns::id(block.number, SLOTS - 1));
        let is_all_ahead = self.is_ahead(first) && self.is_ahead(last);
        let is_behind = !self.is_ahead(first) && !self.is_ahead(last);
        if is_behind && !self.counts {
            return Ok(());
        }
        if self.filter.is_open() {
            // The whole block at once, if none of its entries is on the page.
            let skips = is_all_ahead && self.skip >= block.rows;
            if self.is_full() || is_behind || skips {
                self.total += block.rows;
                if skips && !self.is_full() {
                    self.skip -= block.rows;
                }
                return Ok(());
            }
        }
        let Passed { mut mask, doubtful } = self.filter.run(self.connection, block)?;
        for slot in doubtful.slots() {
            let id = columns::id(block.number, slot);
            if self.counts || self.is_ahead(id) {
                self.deadline.check()?;
                let entry = self.read(id)?;
                if !entry.is_some_and(|(entry, _)| self.filter.passes(&entry)) {
                    mask.take_out(slot);
                }
            }
        }
        self.total += mask.count();
        match self.order {
            Order::OldestFirst => self.pick(block, mask.slots()),
            Order::NewestFirst => self.pick(block, mask.slots().rev()),
        }
        Ok(())
    }

    fn pick(&mut self, block: &Block, slots: impl Iterator<Item = usize>) {
        if self.is_full() {
            return;
        }
        for id in slots.map(|slot| columns::id(block.number, slot)) {
            if !self.is_ahead(id) {
                continue;
            }
            if self.skip > 0 {
                self.skip -= 1;
                continue;
            }
            self.ids.push(id);
            if self.is_full() {
                return;
            }
        }
    }
}

pub(super) fn size(connection: &mut Connection) -> Result<Size, Trouble> {
    let transaction = connection.transaction()?;
    let rows = Block::all(&transaction)?.iter().map(|block| block.rows).sum();
    let bytes = Pages::of(&transaction)?.used();
    Ok(Size { rows, bytes, last_id: last_id(&transaction)? })
}
