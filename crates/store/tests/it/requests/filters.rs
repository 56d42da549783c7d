//! Texts that a database might stumble over are plain text in a filter, and the lists of words stay
//! bounded.

use std::path::Path;
use std::time::{Duration, Instant};

use accounts::{KeyId, UnixMs};
use request_log::{Entry, Query, Retention, Who};
use store::{RequestLog as _, SqliteRequestLog};

use super::rig::{FILE, failed, open, plain};

/// Texts and the same with a letter in the place of what might be a wildcard.
const HOSTILE: [(&str, &str); 10] = [
    ("100%", "100x"),
    ("a_b", "axb"),
    ("'; DROP TABLE entries; --", "gone"),
    ("\"quoted\"", "quoted"),
    ("a\0b", "a"),
    ("back\\slash", "backslash"),
    ("🦀", "crab"),
    ("[a-z]*?", "b"),
    ("x'00'", "\0"),
    ("e\u{301}", "e"),
];

async fn count(log: &SqliteRequestLog, query: Query) -> u64 {
    log.find(query).await.unwrap().total
}

fn words_in(dir: &Path, table: &str) -> i64 {
    let file = rusqlite::Connection::open(dir.join(FILE)).unwrap();
    file.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn a_text_means_itself() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let texts = HOSTILE.iter().flat_map(|(text, other)| [*text, *other]);
    let entries: Vec<Entry> = (1..)
        .zip(texts)
        .map(|(id, text)| Entry {
            model: text.to_owned(),
            request_id: text.to_owned(),
            who: Who::Key(KeyId::new(text)),
            ..failed(id, "kind", &format!("before {text} behind"))
        })
        .collect();
    log.put(entries.clone()).await.unwrap();
    for (text, other) in HOSTILE {
        let text = text.to_owned();
        let some = || Some(text.clone());
        let id = entries.iter().find(|entry| entry.model == text).unwrap().id;
        for query in [
            Query { model: some(), ..Query::default() },
            Query { include_models: vec![text.clone()], ..Query::default() },
            Query { error: some(), ..Query::default() },
            Query { who: Some(Who::Key(KeyId::new(text.as_str()))), ..Query::default() },
            Query { request_id: some(), ..Query::default() },
        ] {
            let page = log.find(Query { limit: 10, ..query.clone() }).await.unwrap();
            let found: Vec<u64> = page.entries.iter().map(|entry| entry.id).collect();
            assert_eq!(found, [id], "{query:?} against {other:?}");
        }
        let rest = Query { exclude_models: vec![text.clone()], ..Query::default() };
        assert_eq!(count(&log, rest).await, entries.len() as u64 - 1);
    }
}

#[tokio::test]
async fn capitals_do_not_matter_in_parts_and_do_in_names() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let entry = Entry { model: "Größe ÜBER Kelvin \u{212a}".to_owned(), ..plain(1) };
    log.put(vec![entry.clone()]).await.unwrap();
    for part in ["GRÖSSE", "größe", "über", "KELVIN K", "", "k"] {
        let query = Query { model: Some(part.to_owned()), ..Query::default() };
        // Sharp s has no capital of its own length.
        assert_eq!(count(&log, query).await, u64::from(part != "GRÖSSE"), "{part}");
    }
    let name = entry.model.to_uppercase();
    let query = Query { include_models: vec![name], ..Query::default() };
    assert_eq!(count(&log, query).await, 0);
}

#[tokio::test]
async fn a_megabyte_of_filter_is_answered_at_once() {
    let dir = tempfile::tempdir().unwrap();
    // Without optimisation, letters alone may take longer than a query should.
    let patience = Duration::from_secs(30);
    let log = SqliteRequestLog::open_with_patience(dir.path(), patience).unwrap();
    log.put((1..=2000).map(|id| failed(id, "kind", &format!("text {id}"))).collect())
        .await
        .unwrap();
    let huge: String = "%_'\0\"🦀".chars().cycle().take(1 << 20).collect();
    let many: Vec<String> = (0..10_000).map(|number| format!("{huge:.100}{number}")).collect();
    let some = || Some(huge.clone());
    let who = Some(Who::Key(KeyId::new(huge.as_str())));
    let began = Instant::now();
    for (query, total) in [
        (Query { model: some(), ..Query::default() }, 0),
        (Query { error: some(), ..Query::default() }, 0),
        (Query { request_id: some(), ..Query::default() }, 0),
        (Query { who, ..Query::default() }, 0),
        (Query { include_models: vec![huge.clone()], ..Query::default() }, 0),
        (Query { exclude_models: many, ..Query::default() }, 2000),
    ] {
        assert_eq!(count(&log, query).await, total);
    }
    println!("{:?}", began.elapsed());
    // And it goes into an entry, which is then found by a part of it.
    let entry = Entry { model: huge.clone(), ..failed(3000, "kind", &huge) };
    log.put(vec![entry.clone()]).await.unwrap();
    for query in [
        Query { model: some(), ..Query::default() },
        Query { error: Some(huge[9..].to_owned()), ..Query::default() },
        Query { include_models: vec![huge.clone()], ..Query::default() },
    ] {
        let page = log.find(Query { limit: 1, ..query }).await.unwrap();
        assert!(page.total == 1 && page.entries == [entry.clone()]);
    }
}

#[tokio::test]
async fn errors_that_are_all_different_stay_bounded_and_are_found() {
    const ENTRIES: u64 = 34_000;
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for first in (0..ENTRIES).step_by(2000) {
        let text = |id| format!("reference <{id}>");
        let entries = (first + 1..=first + 2000).map(|id| failed(id, "upstream", &text(id)));
        log.put(entries.collect()).await.unwrap();
    }
    assert_eq!(words_in(dir.path(), "faults"), 32_768);
    assert_eq!(words_in(dir.path(), "models"), 1);
    let error = |text: &str| Query { error: Some(text.to_owned()), ..Query::default() };
    for (text, total) in
        [("<1>", 1), ("<34000>", 1), ("<33", 1 + 10 + 100 + 1000), ("UPSTREAM", ENTRIES)]
    {
        assert_eq!(count(&log, error(text)).await, total, "{text}");
    }
    // What nothing refers to any more goes, and makes room.
    let keep = Retention { rows: 100, ..Retention::default() };
    assert_eq!(log.prune(keep, UnixMs(0)).await.unwrap(), ENTRIES - 100);
    assert_eq!(words_in(dir.path(), "faults"), 0);
    log.put((1..=50).map(|id| failed(ENTRIES + id, "late", "other")).collect()).await.unwrap();
    assert_eq!(words_in(dir.path(), "faults"), 1);
    assert_eq!(count(&log, error("upstream")).await, 100);
    assert_eq!(count(&log, error("late")).await, 50);
}

#[tokio::test]
async fn a_word_goes_with_the_last_entry_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let named = |id, model: &str| Entry { model: model.to_owned(), ..failed(id, "k", model) };
    log.put(vec![named(1, "a"), named(2, "a"), named(3, "b")]).await.unwrap();
    assert_eq!((words_in(dir.path(), "models"), words_in(dir.path(), "faults")), (2, 2));
    log.put(vec![named(1, "c"), plain(3)]).await.unwrap();
    assert_eq!((words_in(dir.path(), "models"), words_in(dir.path(), "faults")), (3, 2));
    log.put(vec![named(2, "c")]).await.unwrap();
    drop(log);
    let log = open(dir.path());
    assert_eq!((words_in(dir.path(), "models"), words_in(dir.path(), "faults")), (2, 1));
    // The number of a word that went is given to another one.
    log.put(vec![named(4, "d")]).await.unwrap();
    for (model, total) in [("a", 0), ("b", 0), ("c", 2), ("d", 1), ("gpt", 1)] {
        let query = Query { model: Some(model.to_owned()), ..Query::default() };
        assert_eq!(count(&log, query).await, total, "{model}");
    }
}
