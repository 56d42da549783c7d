//! Entries and queries drawn from a number, and a plain list to compare with.

use std::path::Path;
use std::time::Duration;

use accounts::{AccountId, Alias, KeyId, UnixMs, UpstreamFlow};
use conversation::{Usage, UsageSource};
use request_log::{
    Attempt, AttemptEnd, Chain, ChainPoint, Close, Content, Dialect, Entry, Fault, Gaps,
    MOST_PER_PAGE, Order, Page, Query, Status, Timing, Who,
};
use store::SqliteRequestLog;

use crate::rig::{Draw, TEXTS};

pub(crate) const FILE: &str = "requests.db";

pub(crate) fn open(dir: &Path) -> SqliteRequestLog {
    SqliteRequestLog::open(dir).unwrap()
}

/// A request that went well, at second `id`.
pub(crate) fn plain(id: u64) -> Entry {
    Entry {
        id,
        request_id: format!("request-{id}"),
        started: UnixMs(id.saturating_mul(1000)),
        dialect: Dialect::OpenAiChat,
        endpoint: "/v1/chat/completions".into(),
        who: Who::Operator,
        account: Some((AccountId(1), Alias::new("first"))),
        model: "gpt-5".to_owned(),
        served_model: Some("gpt-5".to_owned()),
        flow: Some(UpstreamFlow::Agent),
        stream: true,
        status: Status::Success,
        http_status: Some(200),
        fault: None,
        attempts: Vec::new(),
        timing: Timing { total: Duration::from_millis(id), ..Timing::default() },
        chain: Chain::default(),
        usage: None,
        close: Some(Close::Finished),
        ignored: String::new(),
        content: None,
        gaps: Gaps::default(),
        trace: None,
    }
}

pub(crate) fn failed(id: u64, kind: &str, text: &str) -> Entry {
    let fault =
        Fault { kind: kind.to_owned(), text: text.to_owned(), details: "more of it".to_owned() };
    Entry { status: Status::Failure, fault: Some(fault), ..plain(id) }
}

const MODELS: [&str; 8] =
    ["gpt-5", "GPT-5-mini", "claude-4-sonnet", "", "100%_x", "100a_x", "a\0b", "Ümlaut 🦀"];
const KINDS: [&str; 4] = ["internal", "rate_limited", "Upstream", "%"];
const PARTS: [&str; 12] =
    ["", "5", "GPT", "sonnet", "%", "_", "\0", "ü", "🦀", "'", "INTERNAL", "nowhere"];

/// A word that no list takes in.
fn long(draw: &mut Draw) -> String {
    format!("{}{}", "long ".repeat(200), draw.of(&MODELS))
}

impl Draw {
    pub(crate) fn entry(&mut self, id: u64) -> Entry {
        let total = self.duration();
        Entry {
            id,
            request_id: format!("{}{}", self.text(), self.number() % 20),
            started: self.moment(),
            dialect: self.of(&Dialect::ALL),
            endpoint: self.of(&["/v1/messages", "/v1/responses"]).into(),
            who: self.who(),
            account: self.maybe(|draw| (draw.account_id(), Alias::new(draw.text()))),
            model: self.model(),
            served_model: self.maybe(Self::text),
            flow: self.maybe(|draw| draw.of(&[UpstreamFlow::Agent, UpstreamFlow::Chat])),
            stream: self.flag(),
            status: self.of(&Status::ALL),
            http_status: self.maybe(|draw| draw.of(&[200, 429, u16::MAX])),
            fault: self.maybe(Self::fault),
            attempts: (0..self.number() % 3).map(|_| self.attempt()).collect(),
            timing: Timing {
                headers: self.maybe(Self::duration),
                first_token: self.maybe(Self::duration),
                last_byte: self.maybe(Self::duration),
                total,
            },
            chain: self.chain(),
            usage: self.maybe(Self::tokens),
            close: self.maybe(|draw| draw.of(&Close::ALL)),
            ignored: self.text(),
            content: self.maybe(|draw| Content {
                prompt: draw.text().repeat(300),
                answer: draw.text(),
                thinking: draw.text(),
            }),
            gaps: Gaps::default(),
            trace: None,
        }
    }

    fn model(&mut self) -> String {
        if self.number().is_multiple_of(8) { long(self) } else { self.of(&MODELS).to_owned() }
    }

    fn moment(&mut self) -> UnixMs {
        let any = self.count();
        UnixMs(if self.number().is_multiple_of(8) { any } else { any % 100 })
    }

    fn duration(&mut self) -> Duration {
        let any = Duration::new(self.number(), 999_999_999);
        let small = Duration::from_nanos(self.number() % 10);
        self.of(&[Duration::ZERO, small, small, small, Duration::from_millis(1500), any])
    }

    fn who(&mut self) -> Who {
        // The last one is a key that is called like the operator.
        let keys = ["key_1", "key_2", "auth_token"].map(|id| Who::Key(KeyId::new(id)));
        let [first, second, third] = keys;
        self.of(&[Who::Operator, Who::Shared, first, second, third])
    }

    fn account_id(&mut self) -> AccountId {
        AccountId(self.of(&[0, 1, 2, 3, u64::MAX]))
    }

    fn fault(&mut self) -> Fault {
        let (kind, text) = (self.of(&KINDS).to_owned(), self.text());
        let text = if self.number().is_multiple_of(6) { long(self) } else { text };
        let details = if self.flag() { text.clone() } else { self.text() };
        Fault { kind, text, details }
    }

    fn attempt(&mut self) -> Attempt {
        let end = AttemptEnd::Failed {
            kind: self.of(&KINDS).to_owned(),
            details: self.text(),
            again: self.flag(),
        };
        Attempt {
            account: self.account_id(),
            alias: Alias::new(self.text()),
            began: self.duration(),
            lasted: self.duration(),
            end: if self.flag() { AttemptEnd::Serving } else { end },
        }
    }

    fn chain(&mut self) -> Chain {
        let ends = [0, 1, 300, u32::MAX];
        let point = |draw: &mut Self| ChainPoint { characters: draw.of(&ends), at: draw.of(&ends) };
        Chain::restore((0..self.number() % 5).map(|_| point(self)).collect())
    }

    fn tokens(&mut self) -> Usage {
        Usage {
            input: self.count(),
            output: self.count(),
            cache_read: self.maybe(Self::count),
            cache_write: self.maybe(Self::count),
            reasoning: self.maybe(Self::count),
            source: self.of(&[UsageSource::Upstream, UsageSource::Estimate]),
        }
    }

    /// One filter in six or so is set.
    pub(crate) fn query(&mut self) -> Query {
        let mut query = Query {
            limit: self.of(&[0, 1, 2, 5, 1000, usize::MAX]),
            offset: self.of(&[0, 0, 0, 1, 3, u64::MAX]),
            order: self.of(&[Order::OldestFirst, Order::NewestFirst]),
            cursor: self.seldom(|draw| draw.of(&[0, 3, 20, 4095, 4096, u64::MAX])),
            from: self.seldom(Self::moment),
            to: self.seldom(Self::moment),
            status: self.seldom(|draw| draw.of(&Status::ALL)),
            model: self.seldom(|draw| draw.of(&PARTS).to_owned()),
            include_models: Vec::new(),
            exclude_models: Vec::new(),
            stream: self.seldom(Self::flag),
            has_chain: self.seldom(Self::flag),
            has_usage: self.seldom(Self::flag),
            has_error: self.seldom(Self::flag),
            error: self.seldom(|draw| draw.of(&PARTS).to_owned()),
            min_total: self.seldom(Self::duration),
            max_total: self.seldom(Self::duration),
            min_tokens: self.seldom(Self::count),
            max_tokens: self.seldom(Self::count),
            who: self.seldom(Self::who),
            accounts: None,
            dialect: self.seldom(|draw| draw.of(&Dialect::ALL)),
            request_id: self.seldom(|draw| format!("{}{}", draw.of(&TEXTS), draw.number() % 20)),
        };
        let few = |draw: &mut Self| (0..draw.number() % 4).map(|_| draw.model()).collect();
        query.include_models = self.seldom(few).unwrap_or_default();
        query.exclude_models = self.seldom(few).unwrap_or_default();
        query.accounts =
            self.seldom(|draw| (0..draw.number() % 3).map(|_| draw.account_id()).collect());
        query
    }

    fn seldom<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.number().is_multiple_of(6).then(|| make(self))
    }
}

/// Whether the filter leaves the entry.
pub(crate) fn passes(query: &Query, entry: &Entry) -> bool {
    let part = |part: &Option<String>, texts: &[&str]| {
        part.as_ref().is_none_or(|part| {
            texts.iter().any(|text| text.to_lowercase().contains(&part.to_lowercase()))
        })
    };
    let is = |wanted: Option<bool>, it: bool| wanted.is_none_or(|wanted| wanted == it);
    let tokens = entry.usage.map(|usage| usage.input.saturating_add(usage.output));
    let fault = entry.fault.as_ref();
    let texts: Vec<&str> =
        fault.iter().flat_map(|fault| [fault.kind.as_str(), fault.text.as_str()]).collect();
    // Five centuries are as long as it gets.
    let total = |total: Duration| total.min(Duration::from_nanos(u64::MAX));
    query.from.is_none_or(|from| entry.started >= from)
        && query.to.is_none_or(|to| entry.started <= to)
        && query.status.is_none_or(|status| entry.status == status)
        && part(&query.model, &[&entry.model])
        && (query.include_models.is_empty() || query.include_models.contains(&entry.model))
        && !query.exclude_models.contains(&entry.model)
        && is(query.stream, entry.stream)
        && is(query.has_chain, !entry.chain.is_empty())
        && is(query.has_usage, entry.usage.is_some())
        && is(query.has_error, fault.is_some())
        && part(&query.error, &texts)
        && query.min_total.is_none_or(|min| total(entry.timing.total) >= total(min))
        && query.max_total.is_none_or(|max| total(entry.timing.total) <= total(max))
        && query.min_tokens.is_none_or(|min| tokens.is_some_and(|tokens| tokens >= min))
        && query.max_tokens.is_none_or(|max| tokens.is_some_and(|tokens| tokens <= max))
        && query.who.as_ref().is_none_or(|who| entry.who == *who)
        && query.accounts.as_ref().is_none_or(|all| {
            entry.account.as_ref().is_some_and(|(account, _)| all.contains(account))
        })
        && query.dialect.is_none_or(|dialect| entry.dialect == dialect)
        && query.request_id.as_ref().is_none_or(|id| entry.request_id == *id)
}

/// The page of a list that is in order of ids.
pub(crate) fn page(query: &Query, entries: &[Entry]) -> Page {
    let mut left: Vec<&Entry> = entries.iter().filter(|entry| passes(query, entry)).collect();
    let total = left.len() as u64;
    if query.order == Order::NewestFirst {
        left.reverse();
    }
    let limit = query.limit.min(MOST_PER_PAGE);
    let behind = left.into_iter().filter(|entry| match (query.cursor, query.order) {
        (None, _) => true,
        (Some(cursor), Order::OldestFirst) => entry.id > cursor,
        (Some(cursor), Order::NewestFirst) => entry.id < cursor,
    });
    let offset = usize::try_from(query.offset).unwrap_or(usize::MAX);
    let rest: Vec<&Entry> = behind.skip(offset).collect();
    let entries: Vec<Entry> = rest.iter().take(limit).map(|entry| (*entry).clone()).collect();
    let is_last = rest.len() <= limit;
    let next = entries.last().map(|entry| entry.id).filter(|_| !is_last);
    Page { total, entries, next }
}
