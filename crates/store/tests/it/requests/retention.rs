//! The oldest go, by age, number and bytes, and the file gets smaller.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use accounts::UnixMs;
use request_log::{Content, Entry, Query, Retention};
use store::{RequestLog as _, SqliteRequestLog};
use tokio::task::JoinSet;

use super::rig::{FILE, open, plain};

/// With a kilobyte of content.
fn wordy(id: u64) -> Entry {
    let content = Content { prompt: "word ".repeat(200), ..Content::default() };
    Entry { content: Some(content), ..plain(id) }
}

async fn filled(dir: &Path, entries: u64) -> SqliteRequestLog {
    let log = open(dir);
    for first in (0..entries).step_by(1000) {
        let last = (first + 1000).min(entries);
        log.put((first + 1..=last).map(wordy).collect()).await.unwrap();
    }
    log
}

async fn ids(log: &SqliteRequestLog) -> (u64, u64) {
    let query = Query { limit: 1, ..Query::default() };
    let page = log.find(query).await.unwrap();
    (page.total, page.entries.first().map_or(0, |entry| entry.id))
}

#[tokio::test]
async fn no_bounds_keep_everything() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 100).await;
    assert_eq!(log.prune(Retention::default(), UnixMs(u64::MAX)).await.unwrap(), 0);
    assert_eq!(ids(&log).await, (100, 1));
}

#[tokio::test]
async fn by_number_the_newest_stay() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 10_000).await;
    let keep = |rows| Retention { rows, ..Retention::default() };
    for (rows, removed) in [(10_000, 0), (9999, 1), (3000, 6999), (1, 2999)] {
        assert_eq!(log.prune(keep(rows), UnixMs(0)).await.unwrap(), removed);
        assert_eq!(ids(&log).await, (rows, 10_001 - rows));
    }
}

#[tokio::test]
async fn by_age_it_is_the_start_that_counts_and_not_the_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    // The clock was set back now and then.
    let started = |id: u64| UnixMs(id * 1000 - if id.is_multiple_of(10) { 5000 } else { 0 });
    let entries: Vec<Entry> =
        (10..=9000).map(|id| Entry { started: started(id), ..plain(id) }).collect();
    log.put(entries.clone()).await.unwrap();
    let now = UnixMs(9_000_000);
    let keep = Retention { age: Duration::from_secs(1000), ..Retention::default() };
    let (old, young): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.started.0 < 8_000_000);
    assert_eq!(log.prune(keep, now).await.unwrap(), old.len() as u64);
    let page = log.find(Query { limit: 1000, ..Query::default() }).await.unwrap();
    assert_eq!(page.total, young.len() as u64);
    assert_eq!(page.entries, young[..1000]);
    assert_eq!(log.prune(keep, now).await.unwrap(), 0);
}

#[tokio::test]
async fn by_bytes_the_file_gets_smaller_and_stays_so() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 20_000).await;
    let path = dir.path().join(FILE);
    let before = log.size().await.unwrap();
    assert!(before.bytes > 20_000_000, "{before:?}");
    let bytes = 5_000_000;
    let keep = Retention { bytes, ..Retention::default() };
    let removed = log.prune(keep, UnixMs(0)).await.unwrap();
    let after = log.size().await.unwrap();
    assert_eq!(after.rows, before.rows - removed);
    assert!(after.bytes <= bytes && after.bytes > bytes / 2, "{after:?}");
    assert_eq!(ids(&log).await, (after.rows, removed + 1));
    // Some pages are kept for what comes next.
    let length = path.metadata().unwrap().len();
    assert!(length <= bytes + (2 << 20), "{length}");
    for step in 0..20 {
        log.put((1..=1000).map(|id| wordy(20_000 + step * 1000 + id)).collect()).await.unwrap();
        assert!(log.prune(keep, UnixMs(0)).await.unwrap() > 0);
        assert!(log.size().await.unwrap().bytes <= bytes);
    }
    let length = path.metadata().unwrap().len();
    assert!(length <= bytes + (4 << 20), "{length}");
}

#[tokio::test]
async fn a_bound_below_the_empty_file_ends_with_an_empty_log() {
    let dir = tempfile::tempdir().unwrap();
    let log = filled(dir.path(), 5000).await;
    let keep = Retention { bytes: 1, ..Retention::default() };
    assert_eq!(log.prune(keep, UnixMs(0)).await.unwrap(), 5000);
    assert_eq!(ids(&log).await, (0, 0));
    assert_eq!(log.prune(keep, UnixMs(0)).await.unwrap(), 0);
    log.put(vec![plain(5001)]).await.unwrap();
    assert_eq!(ids(&log).await, (1, 5001));
}

/// How many entries go between two puts, one after the other, while a large prune is under way.
async fn gone_between_puts(entries: Vec<Entry>, keep: Retention, now: UnixMs) -> Vec<u64> {
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(open(dir.path()));
    let (mut left, mut gone) = (entries.len() as u64, Vec::new());
    let mut id = left;
    for some in entries.chunks(1000) {
        log.put(some.to_vec()).await.unwrap();
    }
    let mut tasks = JoinSet::new();
    let pruning = log.clone();
    tasks.spawn(async move { pruning.prune(keep, now).await.unwrap() });
    while tasks.try_join_next().is_none() {
        id += 1;
        log.put(vec![plain(id)]).await.unwrap();
        let rows = log.size().await.unwrap().rows;
        gone.push(left + 1 - rows);
        left = rows;
    }
    gone
}

/// Such a prune did not end before it met a pause between two puts.
#[tokio::test]
async fn while_a_large_prune_is_under_way_others_write_and_it_ends() {
    let by_rows = Retention { rows: 100, ..Retention::default() };
    let by_age = Retention { age: Duration::from_secs(1), ..Retention::default() };
    let by_bytes = Retention { bytes: 2_000_000, ..Retention::default() };
    for (keep, now) in [(by_rows, 0), (by_age, 20_000_000), (by_bytes, 0)] {
        let entries = (1..=20_000).map(wordy).collect();
        let gone = gone_between_puts(entries, keep, UnixMs(now)).await;
        // A put is behind one piece; while it is told and counted there may be others.
        assert!(gone.iter().all(|gone| *gone <= 3 * 4096), "{gone:?}");
        assert!((5..200).contains(&gone.len()), "{gone:?}");
    }
}

#[tokio::test]
async fn of_large_entries_fewer_go_at_a_time() {
    let large = |id| {
        let content = Content { prompt: "x".repeat(200_000), ..Content::default() };
        Entry { content: Some(content), ..plain(id) }
    };
    let keep = Retention { rows: 10, ..Retention::default() };
    let gone = gone_between_puts((1..=400).map(large).collect(), keep, UnixMs(0)).await;
    // Sixteen megabytes at a time.
    assert!(gone.iter().all(|gone| *gone <= 3 * 85), "{gone:?}");
    assert!(gone.iter().sum::<u64>() >= 390, "{gone:?}");
}
