//! What the disk, other programs and `kill -9` can do to it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use request_log::{Content, Entry, Order, Query, Status};
use store::{RequestLog as _, SqliteRequestLog, StoreError};

use super::rig::{FILE, open, plain};
use crate::rig::{Draw, files_in};

const FOLDER: &str = "STORE_TEST_FOLDER";
const KILLS: u64 = 40;

fn folder_of_parent() -> String {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its child process")]
    std::env::var(FOLDER).unwrap()
}

fn all() -> Query {
    Query { limit: 1000, ..Query::default() }
}

async fn every_id(log: &SqliteRequestLog) -> BTreeSet<u64> {
    let mut ids = BTreeSet::new();
    let mut next = Some(all());
    while let Some(query) = next {
        let page = log.read(query.clone()).await.unwrap();
        ids.extend(page.entries.iter().map(|entry| entry.id));
        next = page.next.map(|cursor| Query { cursor: Some(cursor), ..query });
    }
    ids
}

fn set_aside(dir: &Path) -> Vec<String> {
    let names = files_in(dir).into_iter();
    let names = names.map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let mut names: Vec<_> = names.filter(|name| name.contains("damaged")).collect();
    names.sort();
    names
}

fn integrity(dir: &Path) -> String {
    let file = rusqlite::Connection::open(dir.join(FILE)).unwrap();
    file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap()
}

type Spoil = fn(&Path);

#[tokio::test]
async fn a_file_that_cannot_be_understood_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE);
    let spoil: [(&str, Spoil); 4] = [
        ("no database", |path| std::fs::write(path, "some text".repeat(5000)).unwrap()),
        ("newer", |path| {
            let file = rusqlite::Connection::open(path).unwrap();
            file.pragma_update(None, "user_version", 99).unwrap();
        }),
        ("another program's", |path| {
            std::fs::remove_file(path).unwrap();
            let file = rusqlite::Connection::open(path).unwrap();
            file.execute_batch("CREATE TABLE notes (text TEXT)").unwrap();
        }),
        ("cut", |path| {
            let bytes = std::fs::read(path).unwrap();
            std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
        }),
    ];
    for (number, (name, spoil)) in spoil.into_iter().enumerate() {
        let log = open(dir.path());
        log.put((1..=100).map(plain).collect()).await.unwrap();
        drop(log);
        spoil(&path);
        let spoilt = std::fs::read(&path).unwrap();
        let log = open(dir.path());
        assert_eq!(log.find(all()).await.unwrap().total, 0, "{name}");
        log.put(vec![plain(1)]).await.unwrap();
        assert_eq!(log.find(all()).await.unwrap().entries, [plain(1)], "{name}");
        let aside = dir.path().join(format!("{FILE}.damaged-{}", number + 1));
        assert_eq!(std::fs::read(aside).unwrap(), spoilt, "{name}");
        assert_eq!(set_aside(dir.path()).len(), number + 1, "{name}");
    }
}

#[tokio::test]
async fn damage_that_shows_late_is_set_aside_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.put((1..=100).map(plain).collect()).await.unwrap();
    let file = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    // Behind the log's back; which entry has which error is not looked at when it opens.
    file.execute("UPDATE columns SET data = x'00' WHERE id & 15 = 2", []).unwrap();
    drop(file);
    let error = Query { error: Some("x".to_owned()), has_error: None, ..all() };
    assert_eq!(log.find(error).await.unwrap().total, 0);
    let query = Query { request_id: Some("request-5".to_owned()), ..all() };
    assert_eq!(log.find(query).await.unwrap().total, 1);
    let prune = request_log::Retention { rows: 1, ..Default::default() };
    let result = log.prune(prune, accounts::UnixMs(0)).await;
    assert!(matches!(result, Err(StoreError::Unavailable(_))), "{result:?}");
    assert_eq!(set_aside(dir.path()), ["requests.db.damaged"]);
    drop(log);
    let log = open(dir.path());
    assert_eq!(set_aside(dir.path()), ["requests.db.damaged-1"]);
    log.put(vec![plain(1)]).await.unwrap();
    assert_eq!(log.size().await.unwrap().rows, 1);
}

#[tokio::test]
async fn an_entry_that_cannot_be_understood_hides_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let long = "long ".repeat(200);
    let unlisted = |id| Entry { model: format!("{long}{id}"), ..plain(id) };
    log.put((1..=100).map(unlisted).collect()).await.unwrap();
    let file = rusqlite::Connection::open(dir.path().join(FILE)).unwrap();
    let sql = "UPDATE entries SET body = x'7f' WHERE id BETWEEN 11 AND 20";
    file.execute(sql, []).unwrap();
    file.execute("DELETE FROM entries WHERE id = 21", []).unwrap();
    drop(file);
    let mut expected: BTreeSet<u64> = (1..=100).collect();
    expected.retain(|id| !(11..=21).contains(id));
    // Pages of ten: one of them would be empty.
    for limit in [1, 10, 1000] {
        for order in [Order::OldestFirst, Order::NewestFirst] {
            let (mut ids, mut cursor) = (BTreeSet::new(), None);
            loop {
                let query = Query { limit, order, cursor, ..Query::default() };
                let page = log.find(query).await.unwrap();
                assert_eq!(page.total, 100);
                assert!(!page.entries.is_empty());
                ids.extend(page.entries.iter().map(|entry| entry.id));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(ids, expected);
        }
    }
    // A filter that has to look at the entries themselves cannot say whether these pass.
    let query = Query { model: Some("LONG ".repeat(150)), ..all() };
    assert_eq!(log.find(query).await.unwrap().total, 89);
    assert_eq!(set_aside(dir.path()), ["requests.db.damaged"]);
    drop(log);
    assert_eq!(open(dir.path()).find(all()).await.unwrap().total, 0);
    assert_eq!(set_aside(dir.path()), ["requests.db.damaged-1"]);
}

#[test]
fn a_folder_that_cannot_be_used_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut folders = vec![file.clone(), file.join("below")];
    if cfg!(target_os = "linux") {
        // Read-only for root too.
        folders.push(Path::new("/proc/self").to_owned());
        folders.push(Path::new("/proc/self/data").to_owned());
    }
    for folder in folders {
        let error = SqliteRequestLog::open(&folder).unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}");
    }
}

/// The shell lets no file of this process grow over a megabyte, as if the disk were full.
#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_is_an_error_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 2000; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "requests::failures::child_on_a_full_disk", "--ignored", "--nocapture"])
        .env(FOLDER, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text} {}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
    let acknowledged: u64 =
        text.split("acknowledged ").nth(1).unwrap()[..4].trim().parse().unwrap();
    let log = open(dir.path());
    assert_eq!(every_id(&log).await, (1..=acknowledged).collect());
    assert_eq!(set_aside(dir.path()), [""; 0]);
    // There is room again.
    log.put(vec![plain(acknowledged + 1)]).await.unwrap();
    drop(log);
    assert_eq!(integrity(dir.path()), "ok");
}

#[tokio::test]
#[ignore = "the child of a_full_disk_is_an_error_and_loses_nothing"]
async fn child_on_a_full_disk() {
    let log = open(Path::new(&folder_of_parent()));
    let large = |id| {
        let content = Content { prompt: "x".repeat(20_000), ..Content::default() };
        Entry { content: Some(content), model: format!("model-{id}"), ..plain(id) }
    };
    let mut acknowledged = 0;
    let error = loop {
        assert!(acknowledged < 1000, "the disk is not full");
        match log.put(vec![large(acknowledged + 1)]).await {
            Ok(()) => acknowledged += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    println!("\nacknowledged {acknowledged:4}");
    assert!(acknowledged > 0);
    // It fails again, and what is there can be read.
    for _ in 0..3 {
        assert!(log.put(vec![large(acknowledged + 1), large(acknowledged + 2)]).await.is_err());
        let page = log.find(all()).await.unwrap();
        assert_eq!(page.total, acknowledged);
        assert_eq!(page.entries.last(), Some(&large(acknowledged)));
    }
    let model = Some(format!("model-{}", acknowledged + 1));
    assert_eq!(log.find(Query { model, ..all() }).await.unwrap().total, 0);
}

#[tokio::test]
#[ignore = "the child of acknowledged_entries_survive_a_kill"]
async fn child_that_writes() {
    let log = open(Path::new(&folder_of_parent()));
    println!("\nready");
    loop {
        let last = log.size().await.unwrap().last_id;
        let ids = last + 1..=last + 7;
        let entries = ids.clone().map(|id| Draw(id).entry(id)).collect();
        log.put(entries).await.unwrap();
        for id in ids {
            println!("acknowledged {id}");
        }
    }
}

/// What the child has said until it was killed; a line that was cut does not count.
fn run_and_kill(dir: &Path, draw: &mut Draw) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "requests::failures::child_that_writes", "--ignored", "--nocapture"])
        .env(FOLDER, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    // Half of them while they start, the others at work.
    if draw.number().is_multiple_of(2) {
        let mut line = String::new();
        while line != "ready\n" {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "the child ended by itself");
        }
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant is right: there is no state to wait for"
    )]
    std::thread::sleep(Duration::from_micros(1000 + draw.number() % 39_000));
    child.kill().unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!(complaints, "");
    assert!(!child.wait().unwrap().success());
    let lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    lines.filter_map(|line| line.strip_prefix("acknowledged ")?.parse().ok()).collect()
}

#[tokio::test]
async fn acknowledged_entries_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let mut draw = Draw(u64::from_le_bytes(seed));
    let mut acknowledged = BTreeSet::new();
    let mut killed_at_work = 0;
    for kill in 0..KILLS {
        let said = run_and_kill(dir.path(), &mut draw);
        killed_at_work += usize::from(!said.is_empty());
        acknowledged.extend(said);
        let log = open(dir.path());
        let kept = every_id(&log).await;
        assert!(kept.is_superset(&acknowledged), "kill {kill}");
        assert_eq!(kept.len() % 7, 0, "kill {kill}: a list was put in by a part");
        let size = log.size().await.unwrap();
        assert_eq!(Some(&size.last_id).filter(|id| **id > 0), kept.last());
        assert_eq!(size.rows, kept.len() as u64);
        let pending = Query { status: Some(Status::Pending), ..all() };
        assert_eq!(log.find(pending).await.unwrap().total, 0);
        if kill % 20 == 0 {
            assert_eq!(integrity(dir.path()), "ok");
        }
    }
    assert_eq!(set_aside(dir.path()), [""; 0]);
    assert!(killed_at_work > 5, "the children hardly got to write");
}
