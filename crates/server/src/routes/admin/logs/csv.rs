//! Entries as a table (RFC 4180), safe to be opened by a spreadsheet.

use gateway::Viewer;
use request_log::{AttemptEnd, Entry};

use super::super::times;
use super::entry_json::{seconds, source};

const COLUMNS: [&str; 28] = [
    "id",
    "timestamp",
    "request_id",
    "dialect",
    "endpoint",
    "key",
    "model",
    "served_model",
    "flow",
    "stream",
    "status",
    "http_status",
    "error_kind",
    "error",
    "headers",
    "first_token",
    "last_byte",
    "total",
    "input",
    "output",
    "cache_write",
    "cache_read",
    "usage_source",
    "close",
    "ignored",
    "prompt",
    "answer",
    "thinking",
];

/// Behind the others, for the administrator.
const OPERATORS: [&str; 4] = ["account_id", "account", "error_details", "attempts"];

pub(super) fn heading(viewer: &Viewer, out: &mut String) {
    let operators: &[&str] = if viewer.is_operator() { &OPERATORS } else { &[] };
    line(COLUMNS.iter().chain(operators).map(|name| (*name).to_owned()), out);
}

pub(super) fn row(viewer: &Viewer, entry: &Entry, out: &mut String) {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<u64>| number.map(|n| n.to_string()).unwrap_or_default();
    let time = |time: Option<_>| time.map(|at| seconds(at).to_string()).unwrap_or_default();
    let (fault, usage, timing) = (entry.fault.as_ref(), entry.usage, entry.timing);
    let content = entry.content.as_ref();
    let mut cells = vec![
        entry.id.to_string(),
        times::show(entry.started),
        entry.request_id.clone(),
        entry.dialect.name().to_owned(),
        entry.endpoint.to_string(),
        entry.who.name().to_owned(),
        entry.model.clone(),
        text(entry.served_model.as_deref()),
        text(entry.flow.map(accounts::UpstreamFlow::as_str)),
        entry.stream.to_string(),
        entry.status.name().to_owned(),
        number(entry.http_status.map(u64::from)),
        text(fault.map(|fault| fault.kind.as_str())),
        text(fault.map(|fault| fault.text.as_str())),
        time(timing.headers),
        time(timing.first_token),
        time(timing.last_byte),
        time(Some(timing.total)),
        number(usage.map(|usage| usage.input)),
        number(usage.map(|usage| usage.output)),
        number(usage.and_then(|usage| usage.cache_write)),
        number(usage.and_then(|usage| usage.cache_read)),
        text(usage.map(|usage| source(usage.source))),
        text(entry.close.map(request_log::Close::name)),
        entry.ignored.clone(),
        text(content.map(|content| content.prompt.as_str())),
        text(content.map(|content| content.answer.as_str())),
        text(content.map(|content| content.thinking.as_str())),
    ];
    if viewer.is_operator() {
        let account = entry.account.as_ref();
        cells.push(number(account.map(|(id, _)| id.0)));
        cells.push(text(account.map(|(_, alias)| alias.as_str())));
        cells.push(text(fault.map(|fault| fault.details.as_str())));
        cells.push(attempts(entry));
    }
    line(cells, out);
}

/// `ann: busy; bob`.
fn attempts(entry: &Entry) -> String {
    let shown = entry.attempts.iter().map(|attempt| match &attempt.end {
        AttemptEnd::Serving => attempt.alias.to_string(),
        AttemptEnd::Failed { kind, details: _, again: _ } => format!("{}: {kind}", attempt.alias),
    });
    shown.collect::<Vec<_>>().join("; ")
}

fn line(cells: impl IntoIterator<Item = String>, out: &mut String) {
    for (at, text) in cells.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        cell(&text, out);
    }
    out.push_str("\r\n");
}

/// A text that a spreadsheet would take for a formula gets a quote in front.
fn cell(text: &str, out: &mut String) {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let guard = if is_formula { "'" } else { "" };
    if is_formula || text.contains(['"', ',', '\r', '\n']) {
        out.push('"');
        out.push_str(guard);
        out.push_str(&text.replace('"', "\"\""));
        out.push('"');
    } else {
        out.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_when_they_must_and_never_a_formula() {
        for (text, written) in [
            ("plain", "plain"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM", "\"'@SUM\""),
            ("\tx", "\"'\tx\""),
            ("中文", "中文"),
        ] {
            let mut out = String::new();
            cell(text, &mut out);
            assert_eq!(out, written);
        }
    }
}
