//! A client that does not read: the upstream is not read either, and still hears heartbeats.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use conversation::FailureClass;
use gateway::Options;
use http::Response;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use upstream::Flow;

use crate::rig::{Clock, PATIENCE, asked, gateway, options, read, session, until};

const PIECE: usize = 1000;
const PIECES: usize = 20_000;

/// What the flooding peer counts.
#[derive(Default)]
struct Counts {
    /// Bytes of the answer that the gateway took.
    sent: AtomicUsize,
    heartbeats: AtomicUsize,
}

impl Counts {
    fn sent(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

/// Writes `interaction_update { text_delta { text: "xxx…" } }` as fast as it may.
fn piece() -> Bytes {
    let nested = |tag: u8, inner: &[u8]| {
        let mut out = BytesMut::new();
        out.put_u8(tag);
        out.put_u8(u8::try_from(inner.len() & 0x7f).expect("seven bits") | 0x80);
        out.put_u8(u8::try_from(inner.len() >> 7).expect("seven bits"));
        out.extend_from_slice(inner);
        out
    };
    let delta = nested(0x0a, &nested(0x0a, &nested(0x0a, &[b'x'; PIECE])));
    framed(0, &delta)
}

fn framed(flags: u8, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(flags);
    out.put_u32(u32::try_from(payload.len()).expect("short"));
    out.extend_from_slice(payload);
    out.freeze()
}

async fn flood(mut body: h2::SendStream<Bytes>, counts: Arc<Counts>) {
    let piece = piece();
    for _ in 0..PIECES {
        body.reserve_capacity(piece.len());
        while body.capacity() < piece.len() {
            match std::future::poll_fn(|cx| body.poll_capacity(cx)).await {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return,
            }
        }
        if body.send_data(piece.clone(), false).is_err() {
            return;
        }
        counts.sent.fetch_add(piece.len(), Ordering::SeqCst);
    }
    // `turn_ended {}`, and the end.
    let _ = body.send_data(framed(0, b"\x0a\x02\x72\x00"), false);
    let _ = body.send_data(framed(2, b"{}"), true);
}

async fn listen_for_heartbeats(mut body: h2::RecvStream, counts: Arc<Counts>) {
    const HEARTBEAT: &[u8] = b"\0\0\0\0\x02\x3a\0";
    while let Some(Ok(data)) = body.data().await {
        let _ = body.flow_control().release_capacity(data.len());
        let beats = data.windows(HEARTBEAT.len()).filter(|window| *window == HEARTBEAT).count();
        counts.heartbeats.fetch_add(beats, Ordering::SeqCst);
    }
}

/// An upstream that floods every call; ends with the set.
async fn flooding() -> (String, Arc<Counts>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let counts = Arc::new(Counts::default());
    let counted = Arc::clone(&counts);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (stream, _) = listener.accept().await.expect("accepted");
        let mut connection = h2::server::handshake(stream).await.expect("handshake");
        let mut calls = JoinSet::new();
        while let Some(Ok((request, mut respond))) = connection.accept().await {
            let body = respond.send_response(Response::new(()), false).expect("sent");
            calls.spawn(flood(body, Arc::clone(&counted)));
            calls.spawn(listen_for_heartbeats(request.into_body(), Arc::clone(&counted)));
        }
    });
    (url, counts, tasks)
}

/// Waits until the peer could send nothing for a while; gives what it had sent.
async fn stalled(counts: &Counts) -> usize {
    crate::rig::within(PATIENCE, "the flood to stall", async {
        let (mut last, mut since) = (counts.sent(), tokio::time::Instant::now());
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if counts.sent() != last {
                (last, since) = (counts.sent(), tokio::time::Instant::now());
            } else if last > 0 && since.elapsed() > Duration::from_millis(700) {
                return last;
            }
        }
    })
    .await
}

#[tokio::test]
async fn a_reader_that_stops_stops_the_upstream_while_heartbeats_go_on() {
    let (url, counts, _tasks) = flooding().await;
    let clock = Arc::new(Clock::default());
    let credential = session(crate::rig::ANN);
    let gateway = gateway(&url, Flow::Agent, &[&credential], options(), clock).await;
    let answer = gateway.answer(asked("flood")).await.expect("begun");
    let sent = stalled(&counts).await;
    let total = PIECES * PIECE;
    assert!(sent < total / 4, "{sent} of {total} bytes were taken from the upstream");
    // Heartbeats are due every five seconds and come though nobody reads.
    let before = counts.heartbeats.load(Ordering::SeqCst);
    until(PATIENCE, "a heartbeat", || counts.heartbeats.load(Ordering::SeqCst) > before).await;
    assert_eq!(counts.sent(), sent, "nothing was read meanwhile");
    let seen = read(answer).await;
    seen.result.expect("a whole answer");
    assert_eq!(seen.text.len(), total);
    until(PATIENCE, "the end", || gateway.stats().active == 0).await;
}

#[tokio::test]
async fn a_reader_that_never_comes_back_is_given_up() {
    let (url, counts, _tasks) = flooding().await;
    let clock = Arc::new(Clock::default());
    let credential = session(crate::rig::ANN);
    let patience = Duration::from_millis(1000);
    let options = Options { progress_timeout: patience, ..options() };
    let gateway = gateway(&url, Flow::Agent, &[&credential], options, clock).await;
    let answer = gateway.answer(asked("flood")).await.expect("begun");
    until(PATIENCE, "the turn to be given up", || gateway.stats().active == 0).await;
    assert!(counts.sent() < PIECES * PIECE);
    let mut answer = answer;
    let mut last = None;
    while let Some(batch) = answer.next().await {
        last = Some(batch.map(|_| ()));
    }
    // What fitted is still there, and then no orderly end; where there was no room for the reason,
    // the reader is told that there is none.
    let class = last.and_then(Result::err).map(|failure| failure.class);
    assert!(matches!(class, Some(FailureClass::Timeout | FailureClass::Internal)), "{class:?}");
}
