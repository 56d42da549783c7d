//! A query's filter, made ready to run over columns.

use std::collections::HashSet;

use accounts::UnixMs;
use request_log::{Entry, Query};
use rusqlite::Connection;

use super::columns::{self, Block, Column, SLOTS, flags};
use super::trouble::Trouble;
use super::words::{NOTHING, Table, UNLISTED};

/// One bit for every slot of a block.
#[derive(Debug, Clone)]
pub(super) struct Mask([u64; SLOTS / 64]);

impl Mask {
    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// In order.
    pub(super) fn slots(&self) -> impl DoubleEndedIterator<Item = usize> + '_ {
        let words = self.0.iter().enumerate().filter(|(_, word)| **word != 0);
        words.flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }

    pub(super) fn take_out(&mut self, slot: usize) {
        self.0[slot / 64] &= !(1 << (slot % 64));
    }

    fn retain<const WIDTH: usize>(&mut self, bytes: &[u8], keeps: impl Fn([u8; WIDTH]) -> bool) {
        for (word, bytes) in self.0.iter_mut().zip(bytes.as_chunks::<WIDTH>().0.chunks(64)) {
            // Nothing here is left to be taken out.
            if *word != 0 {
                let bits = bytes.iter().enumerate();
                *word &= bits.fold(0, |bits, (at, value)| bits | u64::from(keeps(*value)) << at);
            }
        }
    }
}

/// A part of a text, capitals aside.
#[derive(Debug)]
struct Part(String);

impl Part {
    fn new(text: &str) -> Self {
        Self(fold(text))
    }

    fn is_in(&self, text: &str) -> bool {
        // A letter in lower case has up to three times the bytes, which a long part may still exceed.
        self.0.len() <= text.len().saturating_mul(3) && fold(text).contains(&self.0)
    }
}

/// Letter by letter, so that a part of a text gives a part of the result.
fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut folded = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_ascii() {
            folded.push(letter.to_ascii_lowercase());
        } else {
            folded.extend(letter.to_lowercase());
        }
    }
    folded
}

#[derive(Debug)]
struct Models {
    part: Option<Part>,
    include: HashSet<String>,
    exclude: HashSet<String>,
}

impl Models {
    fn keep(&self, model: &str) -> bool {
        (self.include.is_empty() || self.include.contains(model))
            && !self.exclude.contains(model)
            && self.part.as_ref().is_none_or(|part| part.is_in(model))
    }
}

/// Which numbers of words are wanted.
type Wanted = Vec<bool>;

#[derive(Debug)]
pub(super) struct Filter {
    /// Of the flags, which bits count, and what they must be.
    mask: u16,
    want: u16,
    /// Inclusive bounds.
    ranges: Vec<(Column, u64, u64)>,
    /// In order.
    accounts: Option<Vec<u64>>,
    models: Option<(Models, Wanted)>,
    error: Option<(Part, Wanted)>,
}

impl Filter {
    /// `pause` may stop it between two words of a list.
    pub(super) fn new(
        query: &Query,
        connection: &Connection,
        mut pause: impl FnMut() -> Result<(), Trouble>,
    ) -> Result<Self, Trouble> {
        let mut filter = Self {
            mask: flags::PRESENT,
            want: flags::PRESENT,
            ranges: Vec::new(),
            accounts: None,
            models: None,
            error: None,
        };
        filter.set_flags(query);
        filter.set_ranges(query);
        if let Some(accounts) = &query.accounts {
            let mut accounts: Vec<u64> = accounts.iter().map(|id| id.0).collect();
            accounts.sort_unstable();
            filter.accounts = Some(accounts);
        }
        let models = Models {
            part: query.model.as_deref().map(Part::new),
            include: query.include_models.iter().cloned().collect(),
            exclude: query.exclude_models.iter().cloned().collect(),
        };
        if models.part.is_some() || !models.include.is_empty() || !models.exclude.is_empty() {
            let keep = |_: &str, text: &str| models.keep(text);
            let wanted = wanted(connection, Table::Models, keep, &mut pause)?;
            filter.models = Some((models, wanted));
        }
        if let Some(part) = query.error.as_deref().map(Part::new) {
            let keep = |kind: &str, text: &str| part.is_in(kind) || part.is_in(text);
            let wanted = wanted(connection, Table::Faults, keep, &mut pause)?;
            filter.error = Some((part, wanted));
        }
        Ok(filter)
    }

    fn set_flags(&mut self, query: &Query) {
        let on = |bit| (bit, bit);
        let is = |wanted: Option<bool>, bit| wanted.map(|wanted| (bit, u16::from(wanted) * bit));
        let tokens = query.min_tokens.is_some() || query.max_tokens.is_some();
        let all = [
            query.status.map(|status| (flags::STATUS, columns::status_flags(status))),
            query.dialect.map(|dialect| (flags::DIALECT, columns::dialect_flags(dialect))),
            is(query.stream, flags::STREAM),
            is(query.has_chain, flags::CHAIN),
        ];
        for (mask, want) in all.into_iter().flatten() {
            self.mask |= mask;
            self.want |= want;
        }
        // These may contradict each other: then a bit is wanted to be on that is not looked at.
        let contradicting = [
            is(query.has_usage, flags::USAGE),
            tokens.then(|| on(flags::USAGE)),
            is(query.has_error, flags::FAULT),
            query.error.is_some().then(|| on(flags::FAULT)),
            query.accounts.is_some().then(|| on(flags::ACCOUNT)),
        ];
        for (bit, want) in contradicting.into_iter().flatten() {
            if self.mask & bit != 0 && self.want & bit != want {
                self.mask = 0;
                self.want = bit;
                return;
            }
            self.mask |= bit;
            self.want |= want;
        }
    }

    fn set_ranges(&mut self, query: &Query) {
        let time = |time: Option<UnixMs>| time.map(|time| time.0);
        let total = |total: Option<_>| total.map(columns::nanoseconds);
        for (column, from, to) in [
            (Column::Started, time(query.from), time(query.to)),
            (Column::Total, total(query.min_total), total(query.max_total)),
            (Column::Tokens, query.min_tokens, query.max_tokens),
        ] {
            if from.is_some() || to.is_some() {
                self.ranges.push((column, from.unwrap_or(0), to.unwrap_or(u64::MAX)));
            }
        }
        let exact = [
            (Column::Who, query.who.as_ref().map(columns::who_digest)),
            (Column::Request, query.request_id.as_ref().map(|id| columns::digest(&[id]))),
        ];
        for (column, value) in exact {
            self.ranges.extend(value.map(|value| (column, value, value)));
        }
    }

    /// Whether every entry passes.
    pub(super) fn is_open(&self) -> bool {
        let Self { mask, want, ranges, accounts, models, error } = self;
        *mask == flags::PRESENT
            && *want == flags::PRESENT
            && ranges.is_empty()
            && accounts.is_none()
            && models.is_none()
            && error.is_none()
    }

    /// What passes of a block; of those with a word that is not in the list it is not known yet.
    pub(super) fn run(&self, connection: &Connection, block: &Block) -> Result<Passed, Trouble> {
        let mut passed = Passed { mask: Mask([0; SLOTS / 64]), doubtful: Mask([0; SLOTS / 64]) };
        if self.want & !self.mask != 0 || !self.may_pass(block) {
            return Ok(passed);
        }
        let Passed { mask, doubtful } = &mut passed;
        *mask = Mask([u64::MAX; SLOTS / 64]);
        columns::read(connection, Column::Flags, block.number, |bytes| {
            mask.retain(bytes, |flags| u16::from_le_bytes(flags) & self.mask == self.want);
        })?;
        for (column, from, to) in &self.ranges {
            let all = *column == Column::Started && *from <= block.oldest && block.newest <= *to;
            if !all && !mask.is_empty() {
                columns::read(connection, *column, block.number, |bytes| {
                    mask.retain(bytes, |value| {
                        let value = u64::from_le_bytes(value);
                        *from <= value && value <= *to
                    });
                })?;
            }
        }
        if let (Some(accounts), false) = (&self.accounts, mask.is_empty()) {
            columns::read(connection, Column::Account, block.number, |bytes| {
                mask.retain(bytes, |value| {
                    accounts.binary_search(&u64::from_le_bytes(value)).is_ok()
                });
            })?;
        }
        let models = self.models.as_ref().map(|(_, wanted)| (Column::Model, wanted));
        let faults = self.error.as_ref().map(|(_, wanted)| (Column::Fault, wanted));
        for (column, wanted) in [models, faults].into_iter().flatten() {
            if !mask.is_empty() {
                let mut unlisted = mask.clone();
                columns::read(connection, column, block.number, |bytes| {
                    mask.retain(bytes, |word| wanted[usize::from(u16::from_le_bytes(word))]);
                    unlisted.retain(bytes, |word| u16::from_le_bytes(word) == UNLISTED);
                })?;
                for (all, more) in doubtful.0.iter_mut().zip(unlisted.0) {
                    *all |= more;
                }
            }
        }
        for (doubtful, mask) in doubtful.0.iter_mut().zip(mask.0) {
            *doubtful &= mask;
        }
        Ok(passed)
    }

    fn may_pass(&self, block: &Block) -> bool {
        self.ranges.iter().all(|(column, from, to)| {
            *column != Column::Started || (*from <= block.newest && block.oldest <= *to)
        })
    }

    /// Whether the words of an entry pass.
    pub(super) fn passes(&self, entry: &Entry) -> bool {
        let model = self.models.as_ref().is_none_or(|(models, _)| models.keep(&entry.model));
        let error = self.error.as_ref().is_none_or(|(part, _)| {
            let fault = entry.fault.as_ref();
            fault.is_some_and(|fault| part.is_in(&fault.kind) || part.is_in(&fault.text))
        });
        model && error
    }
}

pub(super) struct Passed {
    pub(super) mask: Mask,
    /// A part of the mask.
    pub(super) doubtful: Mask,
}

fn wanted(
    connection: &Connection,
    table: Table,
    keep: impl Fn(&str, &str) -> bool,
    pause: &mut impl FnMut() -> Result<(), Trouble>,
) -> Result<Wanted, Trouble> {
    let mut wanted = vec![false; usize::from(u16::MAX) + 1];
    wanted[usize::from(UNLISTED)] = true;
    wanted[usize::from(NOTHING)] = false;
    table.each(connection, |id, kind, text| {
        pause()?;
        wanted[usize::from(id)] = keep(kind, text);
        Ok(())
    })?;
    Ok(wanted)
}
