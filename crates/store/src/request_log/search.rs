//! Queries: from block to block, a page is picked and the rest is counted.

use std::time::{Duration, Instant};

use request_log::{MOST_PER_PAGE, Order, Page, Query, Size};
use rusqlite::{Connection, Transaction};

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
}

/// One page, as of one instant. Without `counts` the total is zero.
pub(super) fn page(
    connection: &mut Connection,
    query: &Query,
    deadline: Deadline,
    counts: bool,
) -> Result<Page, Trouble> {
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
    };
    let mut blocks = Block::all(&transaction)?;
    if query.order == Order::NewestFirst {
        blocks.reverse();
    }
    for block in &blocks {
        if !counts && search.is_full() {
            break;
        }
        deadline.check()?;
        search.look(block)?;
    }
    let Search { mut ids, total, limit, .. } = search;
    let next = if ids.len() > limit {
        ids.truncate(limit);
        ids.last().copied()
    } else {
        None
    };
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        deadline.check()?;
        entries.push(read(&transaction, id)?);
    }
    Ok(Page { total: if counts { total } else { 0 }, entries, next })
}

impl Search<'_> {
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
                if !self.filter.passes(&read(self.connection, id)?) {
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
