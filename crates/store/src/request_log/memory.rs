//! The request log without a disk: for tests of what stands on one, and for trying things out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use accounts::UnixMs;
use request_log::{Entry, MOST_PER_PAGE, Order, Page, Query, Retention, Size};

use super::{MOST_BYTES, RequestLog};
use crate::{StoreError, StoreFuture};

/// A log that forgets everything with the process. Looks at every entry for every query.
#[derive(Debug, Default)]
pub struct MemoryRequestLog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<u64, Entry>,
    /// Also of entries that are gone.
    last_id: u64,
    failures: VecDeque<StoreError>,
}

impl MemoryRequestLog {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next call fail that no earlier failure is waiting for.
    pub fn fail_next(&self, error: StoreError) {
        self.state().failures.push_back(error);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change stops half-way, so a panic leaves a whole state behind.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn usable(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let mut state = self.state();
        match state.failures.pop_front() {
            Some(error) => Err(error),
            None => Ok(state),
        }
    }
}

impl RequestLog for MemoryRequestLog {
    fn put(&self, entries: Vec<Entry>) -> StoreFuture<'_, ()> {
        Box::pin(async {
            let mut state = self.usable()?;
            for entry in entries {
                state.last_id = state.last_id.max(entry.id);
                state.entries.insert(entry.id, entry);
            }
            Ok(())
        })
    }

    fn find(&self, query: Query) -> StoreFuture<'_, Page> {
        Box::pin(async move {
            let state = self.usable()?;
            let total = state.entries.values().filter(|entry| takes(&query, entry)).count() as u64;
            Ok(Page { total, ..state.page(&query) })
        })
    }

    fn read(&self, query: Query) -> StoreFuture<'_, Page> {
        Box::pin(async move { Ok(self.usable()?.page(&query)) })
    }

    fn size(&self) -> StoreFuture<'_, Size> {
        Box::pin(async {
            let state = self.usable()?;
            let bytes = state.entries.values().map(weight).sum();
            Ok(Size { rows: state.entries.len() as u64, bytes, last_id: state.last_id })
        })
    }

    fn prune(&self, keep: Retention, now: UnixMs) -> StoreFuture<'_, u64> {
        Box::pin(async move {
            let mut state = self.usable()?;
            let before = state.entries.len();
            if !keep.age.is_zero() {
                state.entries.retain(|_, entry| entry.started.after(keep.age) > now);
            }
            let (mut rows, mut bytes) = (0, 0);
            let fits = |entry: &Entry| {
                rows += 1;
                bytes += weight(entry);
                (keep.rows == 0 || rows <= keep.rows) && (keep.bytes == 0 || bytes <= keep.bytes)
            };
            // The newest stay.
            let kept = state.entries.values().rev().map(fits).take_while(|fits| *fits).count();
            while state.entries.len() > kept {
                state.entries.pop_first();
            }
            Ok((before - state.entries.len()) as u64)
        })
    }
}

impl State {
    /// Without the total.
    fn page(&self, query: &Query) -> Page {
        let behind = |entry: &&Entry| match (query.cursor, query.order) {
            (None, _) => true,
            (Some(id), Order::OldestFirst) => entry.id > id,
            (Some(id), Order::NewestFirst) => entry.id < id,
        };
        let all: Box<dyn Iterator<Item = &Entry>> = match query.order {
            Order::OldestFirst => Box::new(self.entries.values()),
            Order::NewestFirst => Box::new(self.entries.values().rev()),
        };
        let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
        let mut found =
            all.filter(behind).filter(|entry| takes(query, entry)).skip(offset).peekable();
        let limit = query.limit.min(MOST_PER_PAGE);
        let (mut entries, mut bytes) = (Vec::<Entry>::new(), 0);
        while entries.len() < limit {
            let Some(entry) = found.peek() else { break };
            bytes += weight(entry);
            if bytes > MOST_BYTES as u64 && !entries.is_empty() {
                break;
            }
            entries.extend(found.next().cloned());
        }
        let next = found.peek().and_then(|_| Some(entries.last()?.id));
        Page { total: 0, entries, next }
    }
}

/// About what it takes to keep it.
fn weight(entry: &Entry) -> u64 {
    let content = entry
        .content
        .as_ref()
        .map_or(0, |content| content.prompt.len() + content.answer.len() + content.thinking.len());
    (size_of::<Entry>() + content) as u64
}

fn takes(query: &Query, entry: &Entry) -> bool {
    is_of_time(query, entry) && is_of_kind(query, entry) && is_of_size(query, entry)
}

fn is_of_time(query: &Query, entry: &Entry) -> bool {
    query.from.is_none_or(|from| entry.started >= from)
        && query.to.is_none_or(|to| entry.started <= to)
}

fn is_of_kind(query: &Query, entry: &Entry) -> bool {
    let is = |wanted: Option<bool>, is: bool| wanted.is_none_or(|wanted| wanted == is);
    let in_fault = |part: &String| {
        let fault = entry.fault.as_ref();
        fault.is_some_and(|fault| has(&fault.kind, part) || has(&fault.text, part))
    };
    let of_account = |ids: &Vec<accounts::AccountId>| {
        entry.account.as_ref().is_some_and(|(id, _)| ids.contains(id))
    };
    query.status.is_none_or(|status| entry.status == status)
        && query.model.as_ref().is_none_or(|part| has(&entry.model, part))
        && (query.include_models.is_empty() || query.include_models.contains(&entry.model))
        && !query.exclude_models.contains(&entry.model)
        && is(query.stream, entry.stream)
        && is(query.has_chain, !entry.chain.is_empty())
        && is(query.has_usage, entry.usage.is_some())
        && is(query.has_error, entry.fault.is_some())
        && query.error.as_ref().is_none_or(in_fault)
        && query.who.as_ref().is_none_or(|who| entry.who == *who)
        && query.accounts.as_ref().is_none_or(of_account)
        && query.dialect.is_none_or(|dialect| entry.dialect == dialect)
        && query.request_id.as_ref().is_none_or(|id| entry.request_id == *id)
}

fn is_of_size(query: &Query, entry: &Entry) -> bool {
    let total = entry.timing.total;
    let tokens = entry.usage.map(|usage| usage.input.saturating_add(usage.output));
    query.min_total.is_none_or(|least| total >= least)
        && query.max_total.is_none_or(|most| total <= most)
        && query.min_tokens.is_none_or(|least| tokens.is_some_and(|tokens| tokens >= least))
        && query.max_tokens.is_none_or(|most| tokens.is_some_and(|tokens| tokens <= most))
}

/// Capitals of ASCII do not matter.
fn has(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(&part.to_ascii_lowercase())
}
