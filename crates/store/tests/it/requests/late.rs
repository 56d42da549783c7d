//! A log whose file cannot be opened at the start.

use std::path::{Path, PathBuf};
use std::time::Duration;

use accounts::UnixMs;
use request_log::{Query, Retention};
use store::{LateRequestLog, RequestLog as _, StoreError};

use super::rig::{open, plain};

/// Where a file stands in the way of the folder.
fn blocked(dir: &Path) -> PathBuf {
    let data = dir.join("data");
    std::fs::write(&data, "").unwrap();
    data
}

fn unblock(data: &Path) {
    std::fs::remove_file(data).unwrap();
}

fn all() -> Query {
    Query { limit: 1000, ..Query::default() }
}

async fn every_call_fails(log: &LateRequestLog, data: &Path) {
    let results = [
        log.put(vec![plain(1)]).await.err(),
        log.find(all()).await.err(),
        log.read(all()).await.err(),
        log.size().await.err(),
        log.prune(Retention::default(), UnixMs(0)).await.err(),
    ];
    for error in results {
        let error = error.unwrap();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(error.to_string().contains(data.to_str().unwrap()), "{error}");
    }
}

#[tokio::test]
async fn it_works_from_the_first_call_after_the_file_can_be_opened() {
    for first in 0..5 {
        let dir = tempfile::tempdir().unwrap();
        let data = blocked(dir.path());
        let log = LateRequestLog::open_with_pause(&data, Duration::ZERO);
        every_call_fails(&log, &data).await;
        unblock(&data);
        // Whichever call comes first.
        match first {
            0 => log.put(vec![plain(1)]).await.unwrap(),
            1 => assert_eq!(log.find(all()).await.unwrap().total, 0),
            2 => assert_eq!(log.read(all()).await.unwrap().entries, []),
            3 => assert_eq!(log.size().await.unwrap().rows, 0),
            _ => assert_eq!(log.prune(Retention::default(), UnixMs(0)).await.unwrap(), 0),
        }
        log.put(vec![plain(1), plain(2)]).await.unwrap();
        assert_eq!(log.find(all()).await.unwrap().entries, [plain(1), plain(2)]);
        assert_eq!(log.read(all()).await.unwrap().entries, [plain(1), plain(2)]);
        assert_eq!(log.size().await.unwrap().last_id, 2);
        let keep = Retention { rows: 1, ..Retention::default() };
        assert_eq!(log.prune(keep, UnixMs(0)).await.unwrap(), 1);
        drop(log);
        assert_eq!(open(&data).find(all()).await.unwrap().entries, [plain(2)]);
    }
}

#[tokio::test]
async fn between_two_attempts_there_is_a_pause() {
    let dir = tempfile::tempdir().unwrap();
    let data = blocked(dir.path());
    let log = LateRequestLog::open_with_pause(&data, Duration::from_secs(3600));
    unblock(&data);
    every_call_fails(&log, &data).await;
    assert!(!data.exists(), "it was tried again");
}

#[tokio::test]
async fn what_can_be_opened_is_there_at_once() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).put(vec![plain(1)]).await.unwrap();
    let log = LateRequestLog::open(dir.path());
    assert_eq!(log.find(all()).await.unwrap().entries, [plain(1)]);
}

/// Who leaves while the file is being opened leaves it open for the others.
#[tokio::test]
async fn a_caller_that_goes_away_does_not_stop_the_attempt() {
    let dir = tempfile::tempdir().unwrap();
    let data = blocked(dir.path());
    let log = LateRequestLog::open_with_pause(&data, Duration::ZERO);
    unblock(&data);
    {
        let mut call = log.size();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(call.as_mut().poll(&mut context).is_pending());
    }
    let deadline = tokio::time::timeout(Duration::from_secs(30), async {
        while log.size().await.is_err() {
            tokio::task::yield_now().await;
        }
    });
    deadline.await.unwrap();
    log.put(vec![plain(1)]).await.unwrap();
}
