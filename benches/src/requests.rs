//! The request log: how fast entries go in, how large they are, and how long every filter takes on
//! all of them, with the exact total (`find`) and without (`read`).

mod fill;
mod filters;

use std::time::{Duration, Instant};

use accounts::UnixMs;
use anyhow::{Result, ensure};
use request_log::{Order, Page, Query, Retention};
use store::{RequestLog as _, SqliteRequestLog};

use crate::report::say;

/// Entries in one put, as the recorder sends them.
const BATCH: u64 = 256;
/// Queries of each kind.
const ROUNDS: usize = 50;

pub(crate) async fn run(rows: u64) -> Result<()> {
    ensure!(rows > 0, "no rows");
    let dir = tempfile::tempdir()?;
    let log = SqliteRequestLog::open(dir.path())?;
    let each = fill(&log, rows).await?;
    let size = log.size().await?;
    let bytes = size.bytes / size.rows;
    say(&format!("{rows} rows, {} MB, {bytes} bytes each", size.bytes >> 20));
    say(&format!("put: {:.1} µs per entry in batches of {BATCH}", micros(each)));
    let update = update(&log, rows).await?;
    say(&format!("put again: {:.1} µs per entry", micros(update)));

    say(&format!(
        "\n{:<44}{:>9}{:>9}{:>9}{:>9}{:>9}",
        "ms", "rows", "find p50", "p99", "read p50", "p99"
    ));
    for (name, query) in filters::all(rows) {
        for (order, word) in [(Order::NewestFirst, "newest"), (Order::OldestFirst, "oldest")] {
            let query = Query { order, limit: 100, ..query.clone() };
            measure(&log, &format!("{name}, {word}"), &query).await?;
        }
    }
    prune(&log, rows).await
}

/// Gives the time of an entry, without that of making it.
async fn fill(log: &SqliteRequestLog, rows: u64) -> Result<Duration> {
    let mut spent = Duration::ZERO;
    let mut id = 1;
    while id <= rows {
        let last = (id + BATCH - 1).min(rows);
        let entries = (id..=last).map(|id| fill::entry(id, rows)).collect();
        let began = Instant::now();
        log.put(entries).await?;
        spent += began.elapsed();
        id = last + 1;
    }
    Ok(spent.div_f64(rows as f64))
}

/// The last ones once more, as when pending requests end.
async fn update(log: &SqliteRequestLog, rows: u64) -> Result<Duration> {
    let (mut spent, mut count) = (Duration::ZERO, 0);
    for _ in 0..50 {
        let entries: Vec<_> =
            (rows.saturating_sub(BATCH) + 1..=rows).map(|id| fill::entry(id, rows)).collect();
        count += entries.len();
        let began = Instant::now();
        log.put(entries).await?;
        spent += began.elapsed();
    }
    Ok(spent.div_f64(count as f64))
}

async fn measure(log: &SqliteRequestLog, name: &str, query: &Query) -> Result<()> {
    let (mut found, mut read) = (Vec::new(), Vec::new());
    let mut page = Page::default();
    for _ in 0..ROUNDS {
        let began = Instant::now();
        page = log.find(query.clone()).await?;
        found.push(began.elapsed());
        let began = Instant::now();
        log.read(query.clone()).await?;
        read.push(began.elapsed());
    }
    let [found, read] = [found, read].map(|mut times| {
        times.sort_unstable();
        (times[ROUNDS / 2], times[ROUNDS * 99 / 100])
    });
    let total = page.total;
    say(&format!(
        "{name:<44}{total:>9}{:>9.1}{:>9.1}{:>9.1}{:>9.1}",
        millis(found.0),
        millis(found.1),
        millis(read.0),
        millis(read.1)
    ));
    Ok(())
}

/// A tenth goes, as when the bounds are drawn closer.
async fn prune(log: &SqliteRequestLog, rows: u64) -> Result<()> {
    let now = UnixMs(fill::START + rows * fill::PAUSE);
    let keep = Retention { rows, ..Retention::default() };
    let began = Instant::now();
    log.prune(keep, now).await?;
    say(&format!("\nprune, nothing to do: {:.1} ms", millis(began.elapsed())));
    let keep = Retention { rows: rows - rows / 10, ..keep };
    let began = Instant::now();
    let removed = log.prune(keep, now).await?;
    let bytes = log.size().await?.bytes;
    say(&format!(
        "prune, {removed} entries: {:.0} ms, {} MB left",
        millis(began.elapsed()),
        bytes >> 20
    ));
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
