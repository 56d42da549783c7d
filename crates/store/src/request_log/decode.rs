//! The inverse of [`super::encode`]. What cannot be read is damage, never a panic.

use std::time::Duration;

use accounts::{AccountId, Alias, KeyId, UnixMs, UpstreamFlow};
use request_log::{
    Attempt, AttemptEnd, Chain, ChainPoint, Close, Content, Dialect, Entry, Fault, Gaps, Status,
    Timing, Usage, UsageSource, Who,
};

use super::encode::VERSION;
use super::trouble::Trouble;

pub(super) fn entry(id: u64, body: &[u8]) -> Result<Entry, Trouble> {
    let damaged = || Trouble::Damaged(format!("entry {id}"));
    let mut bytes = In(body);
    let entry = bytes.entry(id).ok_or_else(damaged)?;
    if bytes.0.is_empty() { Ok(entry) } else { Err(damaged()) }
}

struct In<'a>(&'a [u8]);

impl In<'_> {
    fn entry(&mut self, id: u64) -> Option<Entry> {
        if self.byte()? != VERSION {
            return None;
        }
        Some(Entry {
            id,
            request_id: self.text()?,
            started: UnixMs(self.number()?),
            dialect: *Dialect::ALL.get(usize::from(self.byte()?))?,
            endpoint: self.text()?.into(),
            who: self.who()?,
            account: self.maybe(|from| Some((from.account()?, Alias::new(from.text()?))))?,
            model: self.text()?,
            served_model: self.maybe(Self::text)?,
            flow: self.maybe(|from| UpstreamFlow::parse(&from.text()?))?,
            stream: self.flag()?,
            status: *Status::ALL.get(usize::from(self.byte()?))?,
            http_status: self.maybe(|from| u16::try_from(from.number()?).ok())?,
            fault: self.maybe(Self::fault)?,
            attempts: self.list(Self::attempt)?,
            timing: self.timing()?,
            chain: self.chain()?,
            usage: self.maybe(Self::usage)?,
            close: self.maybe(|from| Close::ALL.get(usize::from(from.byte()?)).copied())?,
            ignored: self.text()?,
            content: self.maybe(|from| {
                let (prompt, answer, thinking) = (from.text()?, from.text()?, from.text()?);
                Some(Content { prompt, answer, thinking })
            })?,
            gaps: Gaps::default(),
            trace: None,
        })
    }

    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.byte()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for place in 0..10 {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7f);
            if place == 9 && part > 1 {
                return None;
            }
            number |= part << (7 * place);
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }

    /// `None` when it cannot be read, `Some(None)` when nothing is there.
    #[expect(clippy::option_option, reason = "the outer one is for damage")]
    fn maybe<T>(&mut self, get: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { get(self).map(Some) } else { Some(None) }
    }

    /// Every item takes a byte at least, so damage ends it soon.
    fn list<T>(&mut self, mut get: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        (0..count).map(|_| get(self)).collect()
    }

    fn duration(&mut self) -> Option<Duration> {
        let (seconds, nanoseconds) = (self.number()?, u32::try_from(self.number()?).ok()?);
        (nanoseconds < 1_000_000_000).then(|| Duration::new(seconds, nanoseconds))
    }

    fn account(&mut self) -> Option<AccountId> {
        self.number().map(AccountId)
    }

    fn who(&mut self) -> Option<Who> {
        Some(match self.byte()? {
            0 => Who::Operator,
            1 => Who::Shared,
            2 => Who::Key(KeyId::new(self.text()?)),
            _ => return None,
        })
    }

    fn fault(&mut self) -> Option<Fault> {
        let (kind, text) = (self.text()?, self.text()?);
        let details = self.maybe(Self::text)?.unwrap_or_else(|| text.clone());
        Some(Fault { kind, text, details })
    }

    fn attempt(&mut self) -> Option<Attempt> {
        let (account, alias) = (self.account()?, Alias::new(self.text()?));
        let (began, lasted) = (self.duration()?, self.duration()?);
        let end = match self.byte()? {
            0 => AttemptEnd::Serving,
            again @ (1 | 2) => {
                let (kind, details) = (self.text()?, self.text()?);
                AttemptEnd::Failed { kind, details, again: again == 2 }
            }
            _ => return None,
        };
        Some(Attempt { account, alias, began, lasted, end })
    }

    fn timing(&mut self) -> Option<Timing> {
        Some(Timing {
            headers: self.maybe(Self::duration)?,
            first_token: self.maybe(Self::duration)?,
            last_byte: self.maybe(Self::duration)?,
            total: self.duration()?,
        })
    }

    fn chain(&mut self) -> Option<Chain> {
        let mut before = 0_u32;
        let points = self.list(|from| {
            let characters = u32::try_from(from.number()?).ok()?;
            before = before.wrapping_add(u32::try_from(from.number()?).ok()?);
            Some(ChainPoint { characters, at: before })
        })?;
        Some(Chain::restore(points))
    }

    fn usage(&mut self) -> Option<Usage> {
        let (input, output) = (self.number()?, self.number()?);
        let cache_read = self.maybe(Self::number)?;
        let cache_write = self.maybe(Self::number)?;
        let reasoning = self.maybe(Self::number)?;
        let source = match self.byte()? {
            0 => UsageSource::Upstream,
            1 => UsageSource::Estimate,
            _ => return None,
        };
        Some(Usage { input, output, cache_read, cache_write, reasoning, source })
    }
}
