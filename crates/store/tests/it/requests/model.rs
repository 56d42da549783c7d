//! Random entries and queries: the file must answer what a plain list answers.

use std::collections::BTreeMap;
use std::time::Duration;

use accounts::UnixMs;
use proptest::prelude::*;
use request_log::{Close, Entry, Fault, Page, Query, Retention, Status};
use store::{RequestLog as _, SqliteRequestLog};

use super::rig::{open, page};
use crate::rig::Draw;

/// Close together, around the edges of blocks, and at the end of what fits.
fn id() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 1..40_u64,
        2 => 4094..4099_u64,
        1 => 8191..8194_u64,
        1 => prop::sample::select(vec![0, i64::MAX as u64, i64::MAX as u64 + 1, u64::MAX]),
    ]
}

#[derive(Debug, Clone)]
enum Step {
    Put(Vec<(u64, u64)>),
    KeepRows(u64),
    KeepAge(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec((id(), any::<u64>()), 0..12).prop_map(Step::Put),
        1 => (1..20_u64).prop_map(Step::KeepRows),
        1 => (1..120_u64).prop_map(Step::KeepAge),
    ]
}

/// The clock of the test, in milliseconds.
const NOW: u64 = 100;

async fn take(step: Step, log: &SqliteRequestLog, model: &mut BTreeMap<u64, Entry>) -> u64 {
    let before = model.len() as u64;
    let keep = match step {
        Step::Put(entries) => {
            let entries: Vec<Entry> =
                entries.into_iter().map(|(id, seed)| Draw(seed).entry(id)).collect();
            model.extend(entries.iter().map(|entry| (entry.id, entry.clone())));
            log.put(entries).await.unwrap();
            return 0;
        }
        Step::KeepRows(rows) => {
            while model.len() as u64 > rows {
                model.pop_first();
            }
            Retention { rows, ..Retention::default() }
        }
        Step::KeepAge(age) => {
            model.retain(|_, entry| entry.started.0 >= NOW.saturating_sub(age));
            Retention { age: Duration::from_millis(age), ..Retention::default() }
        }
    };
    let removed = log.prune(keep, UnixMs(NOW)).await.unwrap();
    assert_eq!(removed, before - model.len() as u64);
    removed
}

async fn check(seed: u64, log: &SqliteRequestLog, model: &[Entry]) -> Result<(), TestCaseError> {
    let query = Draw(seed).query();
    let expected = page(&query, model);
    let found = log.find(query.clone()).await.unwrap();
    prop_assert_eq!(&found, &expected, "{:?}", query);
    let read = log.read(query.clone()).await.unwrap();
    prop_assert_eq!(read, Page { total: 0, ..expected }, "{:?}", query);

    // Page after page, both ways, it is all of it.
    let all = Query { limit: 1000, offset: 0, cursor: None, ..query };
    let expected = page(&all, model).entries;
    let (mut by_cursor, mut by_offset) = (Vec::new(), Vec::new());
    let mut next = Some(Query { limit: 3, ..all.clone() });
    while let Some(query) = next {
        let page = log.read(query.clone()).await.unwrap();
        by_cursor.extend(page.entries);
        next = page.next.map(|cursor| Query { cursor: Some(cursor), ..query });
    }
    while by_offset.len() % 4 == 0 {
        let offset = by_offset.len() as u64;
        let page = log.find(Query { limit: 4, offset, ..all.clone() }).await.unwrap();
        if page.entries.is_empty() {
            break;
        }
        by_offset.extend(page.entries);
    }
    prop_assert_eq!(&by_cursor, &expected);
    prop_assert_eq!(&by_offset, &expected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn the_file_answers_what_a_list_answers(
        steps in prop::collection::vec(step(), 1..8),
        queries in prop::collection::vec(any::<u64>(), 60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let log = open(dir.path());
            let mut model = BTreeMap::new();
            for step in steps {
                take(step, &log, &mut model).await;
            }
            let list: Vec<Entry> = model.values().cloned().collect();
            for seed in &queries {
                check(*seed, &log, &list).await?;
            }
            prop_assert_eq!(log.size().await.unwrap().rows, list.len() as u64);
            drop(log);

            let log = open(dir.path());
            let list: Vec<Entry> = model.into_values().map(closed).collect();
            for seed in queries.iter().take(10) {
                check(*seed, &log, &list).await?;
            }
            Ok(())
        })?;
    }

    #[test]
    fn an_entry_comes_out_as_it_went_in(seeds in prop::collection::vec(any::<u64>(), 50)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let dir = tempfile::tempdir().unwrap();
            let log = open(dir.path());
            let entries: Vec<Entry> =
                (1..).zip(seeds).map(|(id, seed)| Draw(seed).entry(id)).collect();
            log.put(entries.clone()).await.unwrap();
            let all = Query { limit: 1000, ..Query::default() };
            prop_assert_eq!(log.read(all).await.unwrap().entries, entries);
            Ok(())
        })?;
    }
}

/// What a start makes of an entry.
fn closed(entry: Entry) -> Entry {
    if entry.status != Status::Pending {
        return entry;
    }
    let text = "The gateway stopped before the answer was complete, or its end could not be kept."
        .to_owned();
    let fault = Fault { kind: "internal".to_owned(), text: text.clone(), details: text };
    Entry { status: Status::Failure, fault: Some(fault), close: Some(Close::Cut), ..entry }
}
