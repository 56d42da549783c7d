//! What every caller relies on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use accounts::UnixMs;
use request_log::{Close, Content, Entry, Order, Page, Query, Retention, Size, Status};
use store::{MemoryRequestLog, RequestLog, SqliteRequestLog, StoreError};
use tokio::task::JoinSet;

use super::rig::{FILE, failed, open, plain};

fn all() -> Query {
    Query { limit: 1000, ..Query::default() }
}

fn pending(id: u64) -> Entry {
    Entry { status: Status::Pending, http_status: None, close: None, ..plain(id) }
}

#[tokio::test]
async fn a_new_log_is_empty_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(&dir.path().join("data"));
    assert_eq!(log.find(all()).await.unwrap(), Page::default());
    let size = log.size().await.unwrap();
    assert_eq!((size.rows, size.last_id), (0, 0));
    log.put(Vec::new()).await.unwrap();
    log.put(vec![plain(1)]).await.unwrap();
    #[cfg(unix)]
    {
        use crate::rig::{files_in, mode};
        assert_eq!(mode(&dir.path().join("data")), 0o700);
        let files = files_in(&dir.path().join("data"));
        assert!(files.iter().any(|file| file.ends_with(FILE)), "{files:?}");
        for file in files {
            assert_eq!(mode(&file), 0o600, "{}", file.display());
        }
    }
}

#[tokio::test]
async fn an_entry_that_comes_again_replaces_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.put(vec![plain(1), pending(2), plain(3)]).await.unwrap();
    let open_ones = Query { status: Some(Status::Pending), ..all() };
    assert_eq!(log.find(open_ones.clone()).await.unwrap().entries, [pending(2)]);
    let end = failed(2, "timeout", "too slow");
    log.put(vec![pending(2), end.clone()]).await.unwrap();
    assert_eq!(log.find(open_ones).await.unwrap().total, 0);
    let page = log.find(all()).await.unwrap();
    assert_eq!((page.total, page.entries), (3, vec![plain(1), end, plain(3)]));
    assert_eq!(log.size().await.unwrap().rows, 3);
}

#[tokio::test]
async fn a_start_closes_what_the_stopped_gateway_left_open() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.put(vec![plain(1), pending(2), pending(5000)]).await.unwrap();
    drop(log);
    let log = open(dir.path());
    let page = log.find(Query { has_error: Some(true), ..all() }).await.unwrap();
    let ids: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
    assert_eq!(ids, [2, 5000]);
    for entry in page.entries {
        assert_eq!(entry.status, Status::Failure);
        assert_eq!(entry.close, Some(Close::Cut));
        let fault = entry.fault.unwrap();
        assert_eq!(fault.kind, "internal");
        assert_eq!(
            fault.text,
            "The gateway stopped before the answer was complete, or its end could not be kept."
        );
    }
    let text = Some("stopped before".to_owned());
    assert_eq!(log.find(Query { error: text, ..all() }).await.unwrap().total, 2);
    assert_eq!(log.find(all()).await.unwrap().entries[0], plain(1));
}

#[tokio::test]
async fn the_last_id_outlives_its_entry() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.put(vec![plain(7), plain(70_000)]).await.unwrap();
    log.put(vec![plain(8)]).await.unwrap();
    let keep = Retention { age: Duration::from_millis(1), ..Retention::default() };
    assert_eq!(log.prune(keep, UnixMs(u64::MAX)).await.unwrap(), 3);
    let size = log.size().await.unwrap();
    assert_eq!((size.rows, size.last_id), (0, 70_000));
    drop(log);
    let Size { rows, last_id, .. } = open(dir.path()).size().await.unwrap();
    assert_eq!((rows, last_id), (0, 70_000));
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_too_broad() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).put(vec![plain(1)]).await.unwrap();
    let log = SqliteRequestLog::open_with_patience(dir.path(), Duration::ZERO).unwrap();
    for page in [log.find(all()).await, log.read(all()).await] {
        assert!(matches!(page, Err(StoreError::TooBroad)), "{page:?}");
    }
    // Nothing else has a deadline.
    log.put(vec![plain(2)]).await.unwrap();
    assert_eq!(log.size().await.unwrap().rows, 2);
    drop(log);
    assert_eq!(open(dir.path()).find(all()).await.unwrap().total, 2);
}

#[tokio::test]
async fn a_page_of_large_entries_ends_early_and_the_next_goes_on() {
    const MIB: usize = 1 << 20;
    // One that is larger than any page, and some of which a page holds fifteen.
    let large = |id| {
        let bytes = if id == 30 { 20 * MIB } else { MIB };
        let content = Content { answer: "x".repeat(bytes), ..Content::default() };
        Entry { content: Some(content), ..plain(id) }
    };
    let dir = tempfile::tempdir().unwrap();
    let logs: [Box<dyn RequestLog>; 2] =
        [Box::new(open(dir.path())), Box::new(MemoryRequestLog::new())];
    for log in logs {
        for id in 1..=40 {
            log.put(vec![large(id)]).await.unwrap();
        }
        for (order, pages) in [
            (Order::OldestFirst, [1..=15, 16..=29, 30..=30, 31..=40]),
            (Order::NewestFirst, [31..=40, 30..=30, 15..=29, 1..=14]),
        ] {
            let mut cursor = None;
            for ids in pages {
                let page = log.find(Query { order, cursor, ..all() }).await.unwrap();
                let mut found: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
                let last = found.last().copied();
                found.sort_unstable();
                assert!(found.iter().copied().eq(ids), "{found:?}");
                assert_eq!(page.total, 40);
                cursor = page.next;
                assert!(cursor.is_none() || cursor == last);
            }
            assert_eq!(cursor, None);
        }
    }
}

/// As in a queue that is full: it is asked, but no reader has it yet.
#[tokio::test]
async fn a_query_that_waited_too_long_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let patience = Duration::from_millis(200);
    let log = SqliteRequestLog::open_with_patience(dir.path(), patience).unwrap();
    log.put(vec![plain(1)]).await.unwrap();
    let (found, read) = (log.find(all()), log.read(all()));
    let asked = Instant::now();
    while asked.elapsed() <= patience {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for page in [found.await, read.await] {
        assert!(matches!(page, Err(StoreError::TooBroad)), "{page:?}");
    }
    // The readers are free for who comes now.
    assert_eq!(log.size().await.unwrap().rows, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_while_others_write_sees_whole_batches() {
    const BATCH: u64 = 50;
    const BATCHES: u64 = 100;
    let dir = tempfile::tempdir().unwrap();
    let log = Arc::new(open(dir.path()));
    let mut tasks = JoinSet::new();
    let writer = log.clone();
    tasks.spawn(async move {
        for batch in 0..BATCHES {
            let entries = (1..=BATCH).map(|id| plain(batch * BATCH + id)).collect();
            writer.put(entries).await.unwrap();
        }
    });
    for order in [Order::NewestFirst, Order::OldestFirst, Order::NewestFirst] {
        let reader = log.clone();
        tasks.spawn(async move {
            let mut seen = 0;
            while seen < BATCHES * BATCH {
                let page = reader.find(Query { order, limit: 10, ..Query::default() }).await;
                let page = page.unwrap();
                assert!(page.total >= seen && page.total % BATCH == 0, "{}", page.total);
                seen = page.total;
                let first = page.entries.first().map(|entry| entry.id);
                let expected = match order {
                    Order::NewestFirst => seen,
                    Order::OldestFirst => 1,
                };
                assert_eq!(first, (seen > 0).then_some(expected));
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}
