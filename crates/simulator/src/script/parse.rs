//! The parser of the scenario language.
//!
//! Finds every `[[sim: … ]]` of a text, also malformed ones, which become a `say` that quotes
//! them. JSON (a quoted argument, a tool's arguments) is delimited by parsing it, so it may
//! contain `]]`.

use std::ops::Range;
use std::time::Duration;

use serde_json::value::RawValue;

use super::{Directive, ErrorCode, Native, Query, cut};

const OPEN: &str = "[[sim:";
const CLOSE: &str = "]]";

/// Whether a text contains the start of a directive (rule 1).
pub(crate) fn has_directive(text: &str) -> bool {
    text.contains(OPEN)
}

/// The directives of a text, in order.
pub(crate) fn parse(text: &str) -> Vec<Directive> {
    scan(text).into_iter().map(|(_, directive)| directive).collect()
}

/// The text without its directives, malformed ones included.
pub(crate) fn without_directives(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for (range, _) in scan(text) {
        kept.push_str(&text[from..range.start]);
        from = range.end;
    }
    kept.push_str(&text[from..]);
    kept
}

fn scan(text: &str) -> Vec<(Range<usize>, Directive)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(OPEN).map(|at| at + from) {
        let inner = &text[at + OPEN.len()..];
        let (directive, rest) = match directive(inner) {
            Some((directive, rest)) => (directive, rest),
            None => malformed(&text[at..]),
        };
        let end = text.len() - rest.len();
        found.push((at..end, directive));
        from = end;
    }
    found
}

/// A directive that does not parse is played as text that quotes it.
fn malformed(from_open: &str) -> (Directive, &str) {
    let end = from_open.find(CLOSE).map_or(from_open.len(), |at| at + CLOSE.len());
    let (quoted, rest) = from_open.split_at(end);
    (Directive::Say(format!("sim: bad directive: {}", cut(quoted, 200))), rest)
}

/// Parses what follows `[[sim:`; gives the directive and what follows its `]]`.
fn directive(inner: &str) -> Option<(Directive, &str)> {
    let inner = inner.trim_start();
    let end = inner.find(|c: char| c.is_whitespace() || c == ']')?;
    let (verb, rest) = inner.split_at(end);
    match verb {
        "tool" => tool(rest),
        "say" => words_or_text(rest).map(|(text, rest)| (Directive::Say(text), rest)),
        "think" => words_or_text(rest).map(|(text, rest)| (Directive::Think(text), rest)),
        _ => {
            let (arguments, rest) = arguments(rest)?;
            Some((plain(verb, &arguments)?, rest))
        }
    }
}

/// `NAME=JSON ]]`.
fn tool(rest: &str) -> Option<(Directive, &str)> {
    let (name, json) = blank(rest)?.split_once('=')?;
    let name = name.trim_end();
    if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == ']') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<Box<RawValue>>();
    let arguments = values.next()?.ok()?;
    let rest = closed(&json[values.byte_offset()..])?;
    Some((Directive::Tool { name: name.to_owned(), arguments }, rest))
}

/// The argument of `say` and `think`: a JSON string, else bare text up to `]]`.
fn words_or_text(rest: &str) -> Option<(String, &str)> {
    let rest = blank(rest)?;
    if let Some((text, after)) = json_string(rest)
        && let Some(after) = closed(after)
    {
        return Some((text, after));
    }
    let (text, after) = rest.split_once(CLOSE)?;
    let text = text.trim();
    (!text.is_empty()).then(|| (text.to_owned(), after))
}

/// A word, or a JSON string.
pub(crate) struct Argument {
    pub(crate) text: String,
    quoted: bool,
}

/// Any number of arguments up to and with `]]`.
pub(crate) fn arguments(mut rest: &str) -> Option<(Vec<Argument>, &str)> {
    let mut found = Vec::new();
    loop {
        if let Some(after) = closed(rest) {
            return Some((found, after));
        }
        rest = blank(rest)?;
        if rest.starts_with('"') {
            let (text, after) = json_string(rest)?;
            found.push(Argument { text, quoted: true });
            rest = after;
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || c == ']')?;
            if end == 0 {
                return None;
            }
            found.push(Argument { text: rest[..end].to_owned(), quoted: false });
            rest = &rest[end..];
        }
    }
}

fn json_string(text: &str) -> Option<(String, &str)> {
    if !text.starts_with('"') {
        return None;
    }
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

/// What follows at least one blank.
fn blank(text: &str) -> Option<&str> {
    let trimmed = text.trim_start();
    (trimmed.len() < text.len()).then_some(trimmed)
}

/// What follows `ws "]]"`.
fn closed(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix(CLOSE)
}

/// Every verb whose arguments are words and strings.
fn plain(verb: &str, arguments: &[Argument]) -> Option<Directive> {
    let words: Vec<&str> = arguments.iter().map(|argument| argument.text.as_str()).collect();
    Some(match (verb, words.as_slice()) {
        ("echo", []) => Directive::Echo,
        ("report", []) => Directive::Report,
        ("drop", []) => Directive::Drop,
        ("hang", []) => Directive::Hang,
        ("next", []) => Directive::Next,
        ("noend", []) => Directive::NoEnd,
        ("cut", []) => Directive::Cut,
        ("gzip", []) => Directive::Gzip,
        ("silent", []) => Directive::Silent,
        ("unknown", []) => Directive::Unknown,
        ("empty", []) => Directive::Empty,
        ("recall", [key]) => Directive::Recall((*key).to_owned()),
        ("schema", [name]) => Directive::Schema((*name).to_owned()),
        ("tag", [name]) => Directive::Tag((*name).to_owned()),
        ("stats", [name]) => Directive::Stats((*name).to_owned()),
        ("chunks", [count]) => Directive::Chunks(count.parse().ok()?),
        ("burst", [count]) => Directive::Burst(count.parse().ok()?),
        ("split", [size]) => Directive::Split(positive(size)?),
        ("fragment", [size]) => Directive::Fragment(positive(size)?),
        ("delay", [time]) => Directive::Delay(duration(time)?),
        ("wait", [time]) => Directive::Wait(duration(time)?),
        ("heartbeats", [time]) => Directive::Heartbeats(duration(time)?),
        ("usage", [input, output]) => {
            Directive::Usage { input: tokens(input)?, output: tokens(output)? }
        }
        ("native", [name]) => Directive::Native(named(&Native::ALL, name)?),
        ("query", [name]) => Directive::Query(named(&Query::ALL, name)?),
        ("http", [status, retry @ ..]) => http(status, retry)?,
        ("error", [code, ..]) => error(named(&ErrorCode::ALL, code)?, &arguments[1..])?,
        _ => return None,
    })
}

fn error(code: ErrorCode, arguments: &[Argument]) -> Option<Directive> {
    let mut text = None;
    let mut retry = None;
    for argument in arguments {
        match argument.text.strip_prefix("retry=").filter(|_| !argument.quoted) {
            Some(seconds) if retry.is_none() => retry = Some(seconds.parse().ok()?),
            None if text.is_none() => text = Some(argument.text.clone()),
            _ => return None,
        }
    }
    Some(Directive::Error { code, text, retry })
}

fn http(status: &str, retry: &[&str]) -> Option<Directive> {
    let status = status.parse().ok().filter(|status| (200..=599).contains(status))?;
    let retry = match retry {
        [] => None,
        [seconds] => Some(seconds.strip_prefix("retry=")?.parse().ok()?),
        _ => return None,
    };
    Some(Directive::Http { status, retry })
}

/// The kind of this name.
pub(crate) fn named<T: Copy>(all: &[(&'static str, T)], name: &str) -> Option<T> {
    all.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
}

fn positive(text: &str) -> Option<usize> {
    text.parse().ok().filter(|&number| number > 0)
}

fn tokens(text: &str) -> Option<i64> {
    text.parse::<u32>().ok().map(i64::from)
}

/// `50ms` or `1.5s`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let seconds = number.parse::<f64>().ok().filter(|_| digits)? * unit;
    Duration::try_from_secs_f64(seconds).ok()
}
