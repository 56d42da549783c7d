//! How entries are asked for, and how long they stay.

use std::time::Duration;

use accounts::{AccountId, UnixMs};

use crate::entry::{Dialect, Entry, Status, Who};

/// Most entries of one page.
pub const MOST_PER_PAGE: usize = 1000;

/// A filter and a page of what it leaves. The default takes everything, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// At most [`MOST_PER_PAGE`].
    pub limit: usize,
    pub offset: u64,
    pub order: Order,
    /// Goes on behind this id, in the order asked for: [`Page::next`] of the page before.
    pub cursor: Option<u64>,
    /// Inclusive.
    pub from: Option<UnixMs>,
    /// Inclusive.
    pub to: Option<UnixMs>,
    pub status: Option<Status>,
    /// A part of the model's name as asked for; capitals do not matter.
    pub model: Option<String>,
    /// Exact names, any of them; none for all.
    pub include_models: Vec<String>,
    pub exclude_models: Vec<String>,
    pub stream: Option<bool>,
    pub has_chain: Option<bool>,
    pub has_usage: Option<bool>,
    pub has_error: Option<bool>,
    /// A part of the error's kind or text; capitals do not matter.
    pub error: Option<String>,
    pub min_total: Option<Duration>,
    pub max_total: Option<Duration>,
    /// Of input and output together. Entries without figures match neither.
    pub min_tokens: Option<u64>,
    pub max_tokens: Option<u64>,
    pub who: Option<Who>,
    /// Any of them; an empty list matches nothing.
    pub accounts: Option<Vec<AccountId>>,
    pub dialect: Option<Dialect>,
    pub request_id: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    #[default]
    OldestFirst,
    NewestFirst,
}

/// What a query found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// Entries that the filter leaves, on all pages.
    pub total: u64,
    pub entries: Vec<Entry>,
    /// The cursor of the next page; `None` on the last one.
    pub next: Option<u64>,
}

/// How much is kept; the oldest go first. Zero bounds nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Retention {
    pub age: Duration,
    pub rows: u64,
    pub bytes: u64,
}

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Size {
    pub rows: u64,
    pub bytes: u64,
    /// The greatest id that was ever given.
    pub last_id: u64,
}
