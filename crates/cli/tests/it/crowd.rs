//! Five hundred streams at once, with slow readers and clients that vanish: nothing stays behind.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::client::{Call, active, ask, idle};
use crate::process::{Running, simulate};

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
