//! One entry as bytes: everything but its id, `gaps` and `trace`.
//!
//! Numbers have as many bytes as they need, seven bits in each. Texts have their length before
//! them, what may be missing a byte that says whether it is there. The first byte is the version;
//! [`super::decode`] reads every version that was released.

use std::time::Duration;

use request_log::{
    Attempt, AttemptEnd, Chain, ChainPoint, Close, Content, Dialect, Entry, Fault, Status, Timing,
    Usage, UsageSource, Who,
};

pub(super) const VERSION: u8 = 1;

pub(super) fn body(entry: &Entry) -> Vec<u8> {
    // By name, so that a new field is not forgotten.
    let Entry {
        id: _,
        request_id,
        started,
        dialect,
        endpoint,
        who,
        account,
        model,
        served_model,
        flow,
        stream,
        status,
        http_status,
        fault,
        attempts,
        timing,
        chain,
        usage,
        close,
        ignored,
        content,
        gaps: _,
        trace: _,
    } = entry;
    let mut out = Out(Vec::with_capacity(256));
    out.0.push(VERSION);
    out.text(request_id);
    out.number(started.0);
    out.0.push(position(&Dialect::ALL, dialect));
    out.text(endpoint);
    out.who(who);
    out.maybe(account.as_ref(), |out, (id, alias)| {
        out.number(id.0);
        out.text(alias.as_str());
    });
    out.text(model);
    out.maybe(served_model.as_ref(), |out, name| out.text(name));
    out.maybe(flow.as_ref(), |out, flow| out.text(flow.as_str()));
    out.0.push(u8::from(*stream));
    out.0.push(position(&Status::ALL, status));
    out.maybe(http_status.as_ref(), |out, status| out.number(u64::from(*status)));
    out.maybe(fault.as_ref(), Out::fault);
    out.number(attempts.len() as u64);
    for attempt in attempts {
        out.attempt(attempt);
    }
    out.timing(timing);
    out.chain(chain);
    out.maybe(usage.as_ref(), Out::usage);
    out.maybe(close.as_ref(), |out, close| out.0.push(position(&Close::ALL, close)));
    out.text(ignored);
    out.maybe(content.as_ref(), |out, Content { prompt, answer, thinking }| {
        out.text(prompt);
        out.text(answer);
        out.text(thinking);
    });
    out.0
}

/// The lists are short and only ever grow at their end.
fn position<T: PartialEq>(all: &[T], one: &T) -> u8 {
    let position = all.iter().position(|other| other == one);
    position.and_then(|position| u8::try_from(position).ok()).unwrap_or(u8::MAX)
}

struct Out(Vec<u8>);

impl Out {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn maybe<T>(&mut self, value: Option<&T>, put: impl FnOnce(&mut Self, &T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            put(self, value);
        }
    }

    fn duration(&mut self, duration: &Duration) {
        self.number(duration.as_secs());
        self.number(u64::from(duration.subsec_nanos()));
    }

    fn who(&mut self, who: &Who) {
        match who {
            Who::Operator => self.0.push(0),
            Who::Shared => self.0.push(1),
            Who::Key(id) => {
                self.0.push(2);
                self.text(id.as_str());
            }
        }
    }

    fn fault(&mut self, Fault { kind, text, details }: &Fault) {
        self.text(kind);
        self.text(text);
        // Mostly the same text again.
        self.maybe((details != text).then_some(details), |out, details| out.text(details));
    }

    fn attempt(&mut self, Attempt { account, alias, began, lasted, end }: &Attempt) {
        self.number(account.0);
        self.text(alias.as_str());
        self.duration(began);
        self.duration(lasted);
        match end {
            AttemptEnd::Serving => self.0.push(0),
            AttemptEnd::Failed { kind, details, again } => {
                self.0.push(if *again { 2 } else { 1 });
                self.text(kind);
                self.text(details);
            }
        }
    }

    fn timing(&mut self, Timing { headers, first_token, last_byte, total }: &Timing) {
        for part in [headers, first_token, last_byte] {
            self.maybe(part.as_ref(), Self::duration);
        }
        self.duration(total);
    }

    /// Times as differences: a point has mostly two or three bytes. They may step back, so they are
    /// counted around.
    fn chain(&mut self, chain: &Chain) {
        self.number(chain.points().len() as u64);
        let mut before = 0_u32;
        for ChainPoint { characters, at } in chain.points() {
            self.number(u64::from(*characters));
            self.number(u64::from(at.wrapping_sub(before)));
            before = *at;
        }
    }

    fn usage(&mut self, usage: &Usage) {
        let Usage { input, output, cache_read, cache_write, reasoning, source } = usage;
        self.number(*input);
        self.number(*output);
        for part in [cache_read, cache_write, reasoning] {
            self.maybe(part.as_ref(), |out, part| out.number(*part));
        }
        self.0.push(match source {
            UsageSource::Upstream => 0,
            UsageSource::Estimate => 1,
        });
    }
}
