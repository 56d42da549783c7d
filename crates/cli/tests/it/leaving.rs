//! A client that leaves, seen from its socket: the upstream call is cancelled within a second.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use crate::client::{Call, ask, completion, idle, post};
use crate::process::{KEY, PATIENCE, simulate};

/// The counters of a tag.
async fn stats(address: SocketAddr, tag: &str) -> Value {
    let text = ask(address, &format!("[[sim: stats {tag}]]")).await.text();
    serde_json::from_str::<Value>(&text).expect("JSON")["sim_stats"].clone()
}

async fn wait_for(address: SocketAddr, tag: &str, counter: &str, limit: Duration) {
    let waiting = async {
        while stats(address, tag).await[counter] != 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(limit, waiting).await.is_err() {
        panic!("{tag}: not {counter} after {limit:?}: {}", stats(address, tag).await);
    }
}

#[tokio::test]
async fn leaving_cancels_the_upstream_call_whenever_it_happens() {
    let backend = simulate();
    for flow in ["agent", "chat"] {
        let (_gateway, address) = backend.gateway(&[("UPSTREAM_FLOW", flow)]);
        let cases = [
            ("headers", true, "[[sim: silent]]", None),
            ("piece", true, "[[sim: wait 60s]]", None),
            ("middle", true, "[[sim: say half]] [[sim: wait 60s]]", Some("half")),
            ("flood", true, "[[sim: chunks 100000000]]", Some("w9 ")),
            ("whole", false, "[[sim: say half]] [[sim: wait 60s]]", None),
            ("whole-silent", false, "[[sim: silent]]", None),
        ];
        for (name, stream, script, seen) in cases {
            let tag = format!("{flow}-{name}");
            let prompt = format!("[[sim: tag {tag}]] {script}");
            let head = post("/v1/chat/completions", KEY);
            let body = completion(&prompt, stream).to_string();
            let mut call = Call::send(address, &head, body.as_bytes()).await;
            wait_for(address, &tag, "active", PATIENCE).await;
            if let Some(seen) = seen {
                call.until(seen).await;
            }
            drop(call);
            // A second, and what the question itself takes on a busy machine.
            wait_for(address, &tag, "cancelled", Duration::from_secs(2)).await;
            assert_eq!(stats(address, &tag).await["started"], 1, "{tag}: nobody else is asked");
        }
        idle(address).await;
    }
}

#[tokio::test]
async fn the_first_piece_is_not_held_back() {
    let backend = simulate();
    for flow in ["agent", "chat"] {
        let (_gateway, address) = backend.gateway(&[("UPSTREAM_FLOW", flow)]);
        let mut call = Call::stream(address, "[[sim: say one]] [[sim: wait 60s]]").await;
        call.until("\"content\":\"one\"").await;
    }
}
