//! `cursor-api accounts import FILE…`.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use serde_json::{Value, json};

use crate::admin::{AdminClient, CallError, LONG_PATIENCE, failures};
use crate::args::ImportArgs;
use crate::import::{self, Entry, Outcome, Parsed, Planned, Row};
use crate::terminal::{Refused, complain, plain, say};

/// Most accounts in one request.
const BATCH: usize = 1000;

/// Reads to the end unless that is too far.
///
/// # Errors
/// It is longer, or cannot be read.
pub(crate) fn bounded(from: impl Read, longest: u64, name: &str) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    match from.take(longest + 1).read_to_end(&mut bytes) {
        Ok(read) if read as u64 > longest => {
            Err(Refused(format!("{name}: is longer than {longest} bytes")))
        }
        Ok(_) => Ok(bytes),
        Err(error) => Err(Refused(format!("{name}: {error}"))),
    }
}

pub(super) async fn import(args: ImportArgs) -> Result<ExitCode> {
    // All are understood before any account is added.
    let mut files = Vec::new();
    for path in &args.files {
        let name = path.display().to_string();
        let content = read(path, &name)?;
        let parsed = import::parse(&name, &content, args.format);
        files.push((name.clone(), parsed.map_err(|error| Refused(format!("{name}: {error}")))?));
    }
    let (client, settings) = AdminClient::open(&args.settings).await?;
    let several = files.len() > 1;
    let mut summary = Summary::default();
    let mut broken = None;
    for (name, parsed) in files {
        let Parsed { entries, rejected, commented, ignored } = parsed;
        let added = add_all(&client, entries, settings.limits.body_bytes).await;
        let (mut rows, failure) = match added {
            Ok(rows) => (rows, None),
            Err(Broken { rows, error }) => (rows, Some(error)),
        };
        rows.extend(rejected);
        rows.sort_by_key(|row| row.number);
        for row in &rows {
            summary.count(row);
            let prefix = if several { format!("{}:", plain(&name)) } else { String::new() };
            say(&shown(&prefix, row));
        }
        if commented > 0 {
            complain(&format!("{name}: lines behind # were left out: {commented}"));
        }
        if !ignored.is_empty() {
            let names: Vec<&str> = ignored.iter().map(String::as_str).collect();
            complain(&format!("{name}: fields without effect here: {}", names.join(", ")));
        }
        if let Some(error) = failure {
            broken = Some(error);
            break;
        }
    }
    client.close().await;
    let Summary { added, skipped, rejected } = summary;
    say(&format!("{added} added, {skipped} skipped, {rejected} rejected"));
    if let Some(error) = broken {
        return Err(error.into());
    }
    Ok(if rejected > 0 && added == 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn read(path: &Path, name: &str) -> Result<Vec<u8>, Refused> {
    let longest = import::LONGEST as u64;
    if path.as_os_str() == "-" {
        return bounded(std::io::stdin().lock(), longest, "standard input");
    }
    bounded(super::open(path)?, longest, name)
}

#[derive(Debug, Default)]
struct Summary {
    added: usize,
    skipped: usize,
    rejected: usize,
}

impl Summary {
    fn count(&mut self, row: &Row) {
        match row.outcome {
            Outcome::Added => self.added += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Rejected(_) => self.rejected += 1,
        }
    }
}

fn shown(prefix: &str, row: &Row) -> String {
    let alias = plain(row.alias.as_deref().unwrap_or("-"));
    let outcome = match &row.outcome {
        Outcome::Added => "added".to_owned(),
        Outcome::Skipped(reason) => format!("skipped: {}", plain(reason)),
        Outcome::Rejected(reason) => format!("rejected: {}", plain(reason)),
    };
    format!("{prefix}{}  {alias}  {outcome}", row.number)
}

/// Some may have been added before it broke.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub(super) struct Broken {
    rows: Vec<Row>,
    error: CallError,
}

/// Adds accounts and tells of every one of them; `longest` bounds a request.
///
/// # Errors
/// The gateway did not take a request; later ones were not sent.
pub(super) async fn add_all(
    client: &AdminClient,
    entries: Vec<Entry>,
    longest: usize,
) -> Result<Vec<Row>, Broken> {
    let names = super::names(client).await;
    let taken = names.map_err(|error| Broken { rows: Vec::new(), error })?;
    let taken: HashSet<String> = taken.into_iter().collect();
    let (planned, mut rows) = import::plan(entries, &taken);
    let (on, off): (Vec<Planned>, Vec<Planned>) =
        planned.into_iter().partition(|one| one.entry.enabled);
    for (list, enabled) in [(on, true), (off, false)] {
        for batch in batches(&list, longest) {
            let bodies: Vec<Value> = batch.iter().map(|one| one.entry.body(&one.alias)).collect();
            let body = json!({ "tokens": bodies, "enabled": enabled });
            let answer = match client.call_within("/tokens/add", &body, LONG_PATIENCE).await {
                Ok(answer) => answer,
                Err(error) => return Err(Broken { rows, error }),
            };
            let failed = failures(&answer, "alias");
            let failed: std::collections::HashMap<String, String> = failed.into_iter().collect();
            rows.extend(batch.iter().map(|one| match failed.get(&one.alias) {
                None => one.row(Outcome::Added),
                Some(reason) => one.refused(reason),
            }));
        }
    }
    Ok(rows)
}

/// Neighbours that fit into one request.
fn batches(list: &[Planned], longest: usize) -> Vec<&[Planned]> {
    /// Of a request; most gateways take more.
    const LARGE: usize = 4 << 20;
    let most = longest.saturating_sub(1024).min(LARGE);
    let mut batches = Vec::new();
    let (mut start, mut size) = (0, 0);
    for (i, one) in list.iter().enumerate() {
        let length = one.entry.body(&one.alias).to_string().len() + 1;
        if i > start && (size + length > most || i - start == BATCH) {
            batches.push(&list[start..i]);
            (start, size) = (i, 0);
        }
        size += length;
    }
    if start < list.len() {
        batches.push(&list[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(count: usize) -> Vec<Planned> {
        let entries = (0..count).map(|i| {
            let entry = Entry::new(i, Some(format!("a{i}")), &format!("key_{i:016}"));
            entry.unwrap_or_else(|row| panic!("{row:?}"))
        });
        import::plan(entries.collect(), &HashSet::new()).0
    }

    #[test]
    fn batches_hold_all_in_order_and_respect_both_bounds() {
        let list = planned(2500);
        let lengths = |longest| -> Vec<usize> {
            let batches = batches(&list, longest);
            let numbers: Vec<usize> =
                batches.iter().flat_map(|batch| batch.iter().map(|one| one.entry.number)).collect();
            assert_eq!(numbers, (0..2500).collect::<Vec<_>>());
            batches.iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(lengths(usize::MAX), [1000, 1000, 500]);
        assert!(lengths(2048).iter().all(|length| (1..40).contains(length)));
        assert!(lengths(0).iter().all(|length| *length == 1));
        assert!(batches(&[], 9).is_empty());
    }

    #[test]
    fn what_is_too_long_is_refused_by_name() {
        assert_eq!(bounded(&b"abc"[..], 3, "f").expect("fits"), b"abc");
        assert_eq!(bounded(&b"abcd"[..], 3, "f").expect_err("long").0, "f: is longer than 3 bytes");
    }
}
