//! Five hundred streams at once, with slow readers and clients that vanish: nothing stays behind.
//! And a thousand of them when the gateway is told to stop: none ends in silence.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::client::{Call, active, ask, idle, post};
use crate::process::{KEY, Running, simulate};

const STREAMS: usize = 500;

/// Memory that may stay above the start: buffers and pages that the allocator keeps.
const ALLOWANCE: u64 = 60 << 20;

const CROWD_PATIENCE: Duration = Duration::from_secs(120);

/// One client of the crowd, by its number.
async fn client(number: usize, address: SocketAddr) {
    let tagged = |script: &str| format!("[[sim: tag crowd]] {script}");
    match number % 5 {
        // Reads everything at once.
        0 | 1 => {
            let script = tagged("[[sim: delay 10ms]] [[sim: chunks 50]]");
            let answer = Call::stream(address, &script).await.rest().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert!(answer.body.trim_end().ends_with("data: [DONE]"), "{number}: {}", answer.body);
        }
        // Reads slowly what comes in a flood.
        2 => {
            let mut call = Call::stream(address, &tagged("[[sim: chunks 1000]]")).await;
            while call.read(8 << 10).await > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(call.has("data: [DONE]"), "{number}");
        }
        // Vanishes in the middle.
        3 => {
            let script = tagged("[[sim: delay 20ms]] [[sim: chunks 100000]]");
            let mut call = Call::stream(address, &script).await;
            call.until("w2 ").await;
        }
        // Vanishes before the headers, or never reads at all for a while and then vanishes.
        _ => {
            let script = tagged("[[sim: wait 60s]] [[sim: say late]]");
            let call = Call::stream(address, &script).await;
            tokio::time::sleep(Duration::from_millis(300)).await;
            drop(call);
        }
    }
}

async fn stats(address: SocketAddr) -> Value {
    let text = ask(address, "[[sim: stats crowd]]").await.text();
    serde_json::from_str::<Value>(&text).expect("JSON")["sim_stats"].clone()
}

/// Waits until memory is back near where it was.
async fn small_again(what: &str, process: &Running, most: u64) {
    let waiting = async {
        while process.resident() > most {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(30), waiting).await.is_err() {
        panic!("{what}: {} MB, at most {} expected", process.resident() >> 20, most >> 20);
    }
}

/// One crowd, from its first request to an idle gateway.
async fn crowd(address: SocketAddr) {
    let mut clients = JoinSet::new();
    for number in 0..STREAMS {
        clients.spawn(client(number, address));
    }
    let all = async {
        while let Some(result) = clients.join_next().await {
            result.expect("no client is disappointed");
        }
    };
    tokio::time::timeout(CROWD_PATIENCE, all).await.expect("every stream ends");
    idle(address).await;
    assert_eq!(active(address).await, 0);
}

/// Defect: with a backlog of 128, clients of a burst were reset before they were accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_streams_end_and_leave_nothing_behind() {
    let backend = simulate();
    for flow in ["agent", "chat"] {
        let (gateway, address) = backend.gateway(&[("UPSTREAM_FLOW", flow)]);
        assert_eq!(ask(address, "[[sim: say warm]]").await.text(), "warm");
        let mut started_before = stats(address).await["started"].as_u64().unwrap_or(0);
        // The second crowd must find the room that the first one left.
        for allowance in [ALLOWANCE, ALLOWANCE / 3] {
            let before = (gateway.resident(), backend.process.resident());
            crowd(address).await;
            let stats = stats(address).await;
            assert_eq!(stats["active"], 0, "{flow}: {stats}");
            assert_eq!(stats["failed"], 0, "{flow}: {stats}");
            let all = stats["started"].as_u64().expect("a figure");
            let started = all - std::mem::replace(&mut started_before, all);
            assert!(started <= STREAMS as u64, "{flow}: nobody was asked twice: {stats}");
            assert!(started >= (STREAMS * 4 / 5) as u64, "{flow}: {stats}");
            small_again("gateway", &gateway, before.0 + allowance).await;
            small_again("simulator", &backend.process, before.1 + allowance).await;
        }
    }
}

/// How a stream ended for its reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Whole,
    /// With the error event of its dialect.
    Cut,
    Silent,
}

/// A stream in one of the dialects, by its number. `begun` is told when its answer has begun.
async fn long_stream(number: usize, address: SocketAddr, begun: mpsc::Sender<()>) -> End {
    // Some end by themselves in the time that is left; most do not.
    let script = match number % 10 {
        0 => "[[sim: delay 100ms]] [[sim: chunks 20]]",
        _ => "[[sim: delay 500ms]] [[sim: chunks 1000]]",
    };
    let (path, end, error) = match number % 3 {
        0 => ("/v1/chat/completions", "data: [DONE]", "\"error\""),
        1 => ("/v1/messages", "event: message_stop", "event: error"),
        _ => ("/v1/responses", "event: response.completed", "event: response.failed"),
    };
    let body = match number % 3 {
        2 => json!({"model": "gpt-5", "stream": true, "store": false, "input": script}),
        _ => json!({"model": "gpt-5", "stream": true, "max_tokens": 1000,
            "messages": [{"role": "user", "content": script}]}),
    };
    let mut call = Call::send(address, &post(path, KEY), body.to_string().as_bytes()).await;
    call.until("w2 ").await;
    // Nobody waits any more when the test has failed.
    let _ = begun.send(()).await;
    let answer = call.rest().await;
    assert_eq!(answer.status, 200, "{answer:?}");
    match (answer.body.contains(end), answer.body.contains(error)) {
        (true, false) => End::Whole,
        (false, true) if answer.body.contains("shutting down") => End::Cut,
        _ => End::Silent,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_streams_end_with_a_word_when_the_gateway_is_told_to_stop() {
    const THOUSAND: usize = 1000;
    const GRACE: Duration = Duration::from_secs(4);
    let backend = simulate();
    let variables = [("TIMEOUT_SHUTDOWN", "4s"), ("LIMIT_TURNS", "2000")];
    let (mut gateway, address) = backend.gateway(&variables);
    let start = Instant::now();
    let (begun, mut beginnings) = mpsc::channel(THOUSAND);
    let mut streams = JoinSet::new();
    for number in 0..THOUSAND {
        streams.spawn(long_stream(number, address, begun.clone()));
    }
    drop(begun);
    let all = async {
        for _ in 0..THOUSAND {
            beginnings.recv().await.expect("every stream begins");
        }
    };
    tokio::time::timeout(CROWD_PATIENCE, all).await.expect("in time");
    let (began, memory) = (start.elapsed(), gateway.resident());
    let stop = Instant::now();
    gateway.signal("TERM");
    let status = gateway.ended(GRACE + Duration::from_secs(20)).await;
    let stopped = stop.elapsed();
    let mut ends = BTreeMap::new();
    while let Some(end) = streams.join_next().await {
        *ends.entry(end.expect("no reader is disappointed")).or_insert(0) += 1;
    }
    eprintln!(
        "{THOUSAND} streams: begun in {began:?}, {} MB; stopped in {stopped:?}: {ends:?}",
        memory >> 20
    );
    assert_eq!(status.code(), Some(0));
    assert_eq!(ends.get(&End::Silent), None, "{ends:?}");
    assert!(ends.get(&End::Cut).is_some_and(|cut| *cut > THOUSAND / 2), "{ends:?}");
}
