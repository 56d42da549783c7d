//! `kill -9` at random points: the database opens, and what was acknowledged is there.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use accounts::AccountId;
use store::{Change, Snapshot, SqliteStore, Store as _};

use crate::rig::{Draw, open};

const FOLDER: &str = "STORE_TEST_FOLDER";
const KILLS: u64 = 200;
/// Accounts that the numbers are written to in turn, so that the file stays small.
const SLOTS: u64 = 20;

/// Two records in one list that carry the same number.
async fn write(store: &SqliteStore, number: u64) {
    let id = AccountId(number % SLOTS + 1);
    let account = Draw(number).account(id.0, &number.to_string());
    let changes =
        vec![Change::PutAccount(Box::new(account)), Change::PutProfile(id, number.to_string())];
    store.apply(changes).await.unwrap();
    println!("acknowledged {number}");
}

fn numbers(kept: &Snapshot) -> BTreeMap<u64, u64> {
    kept.accounts
        .iter()
        .map(|account| (account.id.0, account.alias.as_str().parse().unwrap()))
        .collect()
}

#[tokio::test]
#[ignore = "the child of acknowledged_changes_survive_a_kill"]
async fn child_that_writes() {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its child process")]
    let dir = std::env::var(FOLDER).unwrap();
    let store = open(Path::new(&dir)).unwrap();
    println!("\nready");
    let mut next = numbers(&store.load().await.unwrap()).values().max().unwrap_or(&0) + 1;
    loop {
        // Two at a time, which are committed together.
        tokio::join!(write(&store, next), write(&store, next + 1));
        next += 2;
        if next % 16 < 2 {
            println!("rotating");
            store.rotate_key(None).unwrap();
            println!("rotated");
        }
    }
}

/// What the child has said until it was killed; a line that was cut does not count.
fn run_and_kill(dir: &Path, draw: &mut Draw) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child_that_writes", "--ignored", "--nocapture"])
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
    // One in ten is long enough for a whole rotation.
    let most = if draw.number().is_multiple_of(10) { 300_000 } else { 39_000 };
    let delay = Duration::from_micros(1000 + draw.number() % most);
    #[expect(
        clippy::disallowed_methods,
        reason = "any instant is right: there is no state to wait for"
    )]
    std::thread::sleep(delay);
    child.kill().unwrap();
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    let mut complaints = String::new();
    child.stderr.take().unwrap().read_to_string(&mut complaints).unwrap();
    assert_eq!(complaints, "");
    assert!(!child.wait().unwrap().success());
    text.split_inclusive('\n')
        .filter_map(|line| line.strip_suffix('\n'))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn acknowledged_changes_survive_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let mut draw = Draw(u64::from_le_bytes(seed));
    let mut acknowledged: BTreeMap<u64, u64> = BTreeMap::new();
    let (mut total, mut begun, mut ended, mut killed_at_work) = (0, 0, 0, 0);
    for kill in 0..KILLS {
        let said = run_and_kill(dir.path(), &mut draw);
        begun += said.iter().filter(|line| *line == "rotating").count();
        ended += said.iter().filter(|line| *line == "rotated").count();
        let changes = said.iter().filter_map(|line| line.strip_prefix("acknowledged "));
        let before = total;
        for number in changes.map(|number| number.parse::<u64>().unwrap()) {
            total += 1;
            acknowledged
                .entry(number % SLOTS + 1)
                .and_modify(|latest| *latest = number.max(*latest))
                .or_insert(number);
        }
        killed_at_work += usize::from(total > before);

        let store = open(dir.path()).unwrap();
        let kept = store.load().await.unwrap();
        let found = numbers(&kept);
        for (id, number) in &acknowledged {
            assert!(found.get(id) >= Some(number), "kill {kill}: {number} of {id} in {found:?}");
        }
        let profiles: BTreeMap<u64, u64> =
            kept.profiles.iter().map(|(id, text)| (id.0, text.parse().unwrap())).collect();
        assert_eq!(profiles, found, "kill {kill}: a list of changes was made in part");
        if kill % 20 == 0 {
            let file = rusqlite::Connection::open(store.path()).unwrap();
            let verdict: String =
                file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(verdict, "ok");
        }
    }
    println!(
        "{total} changes, {ended} rotations of {begun}, {killed_at_work} of {KILLS} killed at work"
    );
    assert!(killed_at_work > 20 && begun > 0, "the children hardly got to write");
}

#[tokio::test]
async fn a_first_start_survives_a_kill() {
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).unwrap();
    let mut draw = Draw(u64::from_le_bytes(seed));
    for _ in 0..30 {
        let dir = tempfile::tempdir().unwrap();
        run_and_kill(dir.path(), &mut draw);
        let store = open(dir.path()).unwrap();
        store.load().await.unwrap();
    }
}
