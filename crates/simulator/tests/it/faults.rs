//! The faults of the script, on the wire.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::json;
use simulator::CallOutcome;

use super::agent_client::{Agent, request};
use super::chat_client::Chat;
use super::client::{RUN, Server};

#[tokio::test]
async fn drop_resets_one_stream_only() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let other = Agent::open(&mut connection).await;
    other.send(request("[[sim: say a]] [[sim: wait 300ms]] [[sim: say b]]")).await;
    let seen = Agent::ask(&mut connection, "[[sim: say half]] [[sim: drop]]").await;
    assert!(seen.broken && seen.end.is_none());
    assert_eq!(seen.text, "half", "what was sent before arrives");
    let seen = other.finish().await;
    assert_eq!((seen.text.as_str(), seen.end), ("ab", Some(json!({}))));
}

#[tokio::test]
async fn cut_closes_the_connection() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut other = Agent::open(&mut connection).await;
    other.send(request("[[sim: say a]] [[sim: wait 30s]]")).await;
    other.until(|seen| !seen.text.is_empty()).await;
    let seen = Chat::ask(&mut connection, "[[sim: say half]] [[sim: cut]]").await;
    assert!(seen.broken && seen.end.is_none());
    assert_eq!(seen.text, "half");
    assert!(other.finish().await.broken);
    settled(&server).await;
    assert_eq!(server.control.connections(), 0);
}

/// Waits until no stream runs.
async fn settled(server: &Server) {
    let until = Instant::now() + Duration::from_secs(2);
    while server.control.active_streams() > 0 || server.control.connections() > 0 {
        assert!(Instant::now() < until, "streams still run");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn noend_ends_the_body_without_an_end_frame() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Chat::ask(&mut connection, "[[sim: say half]] [[sim: noend]]").await;
    assert!(!seen.broken && seen.end.is_none());
    assert_eq!(seen.text, "half");
}

#[tokio::test]
async fn empty_is_only_an_end_frame() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Agent::ask(&mut connection, "[[sim: empty]]").await;
    assert_eq!((seen.text.as_str(), seen.usage, seen.end), ("", None, Some(json!({}))));
}

#[tokio::test]
async fn http_answers_with_a_bare_status() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: tag h]] [[sim: http 503 retry=7]]")).await;
    let head = agent.stream.head().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), &head.headers()["retry-after"]),
        (503, &"7".parse().unwrap())
    );
    assert_eq!(head.headers()["content-type"], "text/html");
    let page = agent.stream.chunk().await.unwrap().unwrap();
    assert!(page.starts_with(b"<html>"));
    let stats = Chat::ask(&mut connection, "[[sim: stats h]]").await.text;
    assert!(stats.contains(r#""started":1,"active":0,"completed":0,"failed":1"#), "{stats}");
    let late = Chat::ask(&mut connection, "[[sim: say x]] [[sim: http 503]]").await;
    assert!(late.broken && late.text == "x");
}

#[tokio::test]
async fn silent_and_hang_say_nothing() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut silent = Agent::open(&mut connection).await;
    silent.send(request("[[sim: silent]]")).await;
    let head = tokio::time::timeout(Duration::from_millis(1500), silent.stream.head()).await;
    assert!(head.is_err(), "no headers come");
    let mut hang = Agent::open(&mut connection).await;
    hang.send(request("[[sim: say x]] [[sim: hang]]")).await;
    hang.until(|seen| seen.order.last().is_some_and(|last| last == "token_delta")).await;
    assert!(tokio::time::timeout(Duration::from_millis(300), hang.step()).await.is_err());
    tokio::time::pause();
    let seen = hang.finish().await;
    assert!(seen.broken && seen.heartbeats == 0, "after a minute the stream is reset");
}

#[tokio::test]
async fn gzip_compresses_the_messages_after_it() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Agent::ask(&mut connection, "[[sim: say ab]] [[sim: gzip]] [[sim: say cd]]").await;
    assert_eq!((seen.text.as_str(), seen.end), ("abcd", Some(json!({}))));
    assert!(seen.compressed > 0);
}

/// The chunks of a chat stream from the text on.
async fn chunks(program: &str) -> Vec<Bytes> {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let bytes = super::chat_client::request(&[program]);
    let mut chat = Chat::open(&mut connection, &cursor_proto::Message::encode_to_vec(&bytes)).await;
    chat.stream.half_close();
    let mut all = Vec::new();
    while let Some(chunk) = chat.stream.chunk().await {
        all.push(chunk.unwrap());
    }
    all
}

#[tokio::test]
async fn frames_due_together_share_a_chunk_and_delayed_ones_do_not() {
    assert_eq!(chunks("[[sim: chunks 5]]").await.len(), 1);
    assert_eq!(chunks("[[sim: delay 20ms]] [[sim: chunks 5]]").await.len(), 6);
    assert_eq!(chunks("[[sim: delay 20ms]] [[sim: burst 3]] [[sim: chunks 5]]").await.len(), 4);
}

#[tokio::test]
async fn fragments_cut_frames_anywhere() {
    let all = chunks("[[sim: fragment 3]] [[sim: say \"wörld 世界\"]]").await;
    assert!(all[1..all.len() - 1].iter().all(|chunk| chunk.len() == 3), "{all:?}");
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Chat::ask(&mut connection, "[[sim: fragment 1]] [[sim: say \"wörld 世界\"]]").await;
    assert_eq!((seen.text.as_str(), seen.end), ("wörld 世界", Some(json!({}))));
}

#[tokio::test]
async fn heartbeats_of_the_chat_flow_are_empty_messages() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen =
        Chat::ask(&mut connection, "[[sim: heartbeats 600ms]] [[sim: unknown]] [[sim: say x]]")
            .await;
    assert_eq!((seen.empty, seen.text.as_str()), (2, "x"));
}

#[tokio::test]
async fn broken_frames_are_refused() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    for (bytes, code) in [
        (&b"\x04\0\0\0\0"[..], "invalid_argument"),
        (b"\0\xff\xff\xff\xff", "resource_exhausted"),
        (b"\x01\0\0\0\x01x", "invalid_argument"),
        (b"\0\0\0", "invalid_argument"),
    ] {
        let mut stream = connection.stream(RUN).await;
        stream.send_raw(bytes.to_vec()).await;
        stream.half_close();
        let mut agent = Agent::open(&mut connection).await;
        agent.stream = stream;
        assert_eq!(agent.finish().await.code(), code, "{bytes:?}");
    }
}

#[tokio::test]
async fn a_large_answer_is_whole() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Chat::ask(&mut connection, "[[sim: chunks 20000]]").await;
    assert_eq!(seen.text.split_whitespace().count(), 20_000);
    assert!(seen.text.ends_with("w20000 "));
    assert_eq!(server.control.calls()[0].outcome, CallOutcome::Completed);
}
