//! A client that closes its connection ends the upstream's call at once.

use std::time::{Duration, Instant};

use server::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{EDITOR, about};
use crate::rig::{ADMIN, Rig};

const ROUNDS: usize = 9;
/// What a busy machine may need; the promise is a tenth of it.
const LIMIT: Duration = Duration::from_millis(500);

async fn listen(rig: &Rig, tasks: &mut JoinSet<()>) -> String {
    let server = Server::bind("127.0.0.1:0".parse().expect("address")).await.expect("a port");
    let address = server.local_addr().expect("address").to_string();
    tasks.spawn(server.serve(rig.router.clone(), std::future::pending(), Duration::ZERO));
    address
}

async fn send(address: &str, path: &str, body: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {ADMIN}\r\n\
         x-client-key: {EDITOR}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    stream.write_all(body.as_bytes()).await.expect("sent");
    stream
}

/// Waits for a state, looking often; gives how long it took.
async fn wait(what: &str, state: impl Fn() -> bool) -> Duration {
    let begun = Instant::now();
    while !state() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what} did not come about");
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    begun.elapsed()
}

/// The median of several times from the client's leaving to the upstream's knowing. The client
/// leaves when `until` stands in the answer; when there is nothing to wait for, before it.
async fn leaving(path: &str, body: &str, until: Option<&str>) -> Duration {
    let (rig, mut tasks) = (Rig::new().await, JoinSet::new());
    let address = listen(&rig, &mut tasks).await;
    let mut times = Vec::new();
    for round in 1..=ROUNDS {
        let mut stream = send(&address, path, body).await;
        wait("the call", || rig.control.active_completions() == 1).await;
        if let Some(until) = until {
            let mut seen = String::new();
            let mut buffer = vec![0; 4096];
            while !seen.contains(until) {
                let read = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut buffer));
                let count = read.await.expect("in time").expect("read");
                assert!(count > 0, "{seen}");
                seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
            }
        }
        drop(stream);
        times.push(wait("the end", || rig.control.active_completions() == 0).await);
        let cancelled = || rig.control.tag("left").is_some_and(|tag| tag.cancelled == round as u64);
        wait("the count", cancelled).await;
    }
    let tag = rig.control.tag("left").expect("counted");
    assert_eq!((tag.started, tag.failed, tag.completed), (ROUNDS as u64, 0, 0), "{tag:?}");
    times.sort_unstable();
    times[ROUNDS / 2]
}

#[tokio::test]
async fn leaving_in_the_middle_cancels_at_once() {
    let file = "// [[cpp: edit 1 \"01234567\"]] [[cpp: hang 3]] [[cpp: tag left]]";
    let body = about(file, 0, 0).to_string();
    let time = leaving("/cpp/stream", &body, Some("01234567\"")).await;
    assert!(time < LIMIT, "{time:?}");
}

#[tokio::test]
async fn leaving_before_the_first_event_cancels_at_once() {
    let file = "// [[cpp: hang 0]] [[cpp: tag left]]";
    let time = leaving("/cpp/stream", &about(file, 0, 0).to_string(), None).await;
    assert!(time < LIMIT, "{time:?}");
}

#[tokio::test]
async fn leaving_while_events_come_cancels_at_once() {
    let file = format!(
        "// [[cpp: edit 1 \"{}\"]] [[cpp: delay 20ms]] [[cpp: tag left]]",
        "01234567".repeat(5000)
    );
    let time = leaving("/cpp/stream", &about(&file, 0, 0).to_string(), Some("01234567\"")).await;
    assert!(time < LIMIT, "{time:?}");
}

#[tokio::test]
async fn leaving_an_insertion_cancels_at_once() {
    let file = "// [[cpp: edit 1 \"01234567\"]] [[cpp: hang 3]] [[cpp: tag left]]";
    for stream in [false, true] {
        let body = serde_json::json!({"model": "fast", "prompt": file, "suffix": "\n",
            "stream": stream});
        let until = stream.then_some("\r\n\r\n");
        let time = leaving("/v1/completions", &body.to_string(), until).await;
        assert!(time < LIMIT, "{time:?}");
    }
}
