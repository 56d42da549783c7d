//! One bidi call: frames however they come, ends of every kind, cancellation.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use http::Response;
use tokio::sync::{Notify, mpsc};
use upstream::transport::{Exchange, Pool, Received, TransportOptions};
use upstream::{UpstreamError, classify};

use crate::peer::{Call, Peer, Rules, end_frame, frame};
use crate::support::{pool, soon};

/// Everything the call brings.
async fn all(exchange: &mut Exchange) -> (Vec<Bytes>, Result<(), UpstreamError>) {
    let mut messages = Vec::new();
    loop {
        match soon("the next message", exchange.next()).await {
            Received::Message(message) => messages.push(message),
            Received::End(result) => return (messages, result),
        }
    }
}

/// What one call brings whose answer `handle` writes.
async fn answer<F, R>(handle: F) -> (Vec<Bytes>, Result<(), UpstreamError>)
where
    F: Fn(Call) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let peer = Peer::start(Rules::default(), handle).await;
    let pool = default_pool();
    let mut exchange = peer.open(&pool).await.expect("opened");
    all(&mut exchange).await
}

fn default_pool() -> Pool {
    pool(TransportOptions::default())
}

#[tokio::test]
async fn messages_and_the_end_arrive_in_order() {
    let (messages, result) = answer(|mut call| async move {
        let mut body = call.accept();
        body.send_data(frame(0, b"one"), false).expect("sent");
        body.send_data(frame(0, b""), false).expect("sent");
        body.send_data(frame(0, b"two"), false).expect("sent");
        body.send_data(end_frame(), true).expect("sent");
    })
    .await;
    assert_eq!(messages, ["one", "", "two"].map(Bytes::from_static_str));
    assert!(result.is_ok());
}

trait FromStaticStr {
    fn from_static_str(text: &'static str) -> Self;
}

impl FromStaticStr for Bytes {
    fn from_static_str(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

#[tokio::test]
async fn the_request_speaks_connect_and_carries_its_first_message() {
    let (told, mut heard) = mpsc::channel(1);
    let (_, result) = answer(move |mut call| {
        let told = told.clone();
        async move {
            let first = call.first_bytes().await;
            let parts = call.request.headers().clone();
            told.send((parts, call.request.uri().path().to_owned(), first)).await.expect("told");
            call.accept().send_data(end_frame(), true).expect("sent");
        }
    })
    .await;
    assert!(result.is_ok());
    let (headers, path, first) = soon("the request", heard.recv()).await.expect("a request");
    assert_eq!(path, upstream::agent::PATH);
    assert_eq!(headers["content-type"], "application/connect+proto");
    assert_eq!(headers["connect-protocol-version"], "1");
    assert_eq!(headers["connect-accept-encoding"], "gzip");
    assert_eq!(first, frame(0, b""));
}

/// Defect of other gateways: frames cut into small pieces are lost or stall.
#[tokio::test]
async fn frames_in_pieces_of_three_bytes_are_whole_again() {
    let (messages, result) = answer(|mut call| async move {
        let mut bytes = BytesMut::new();
        for number in 0..50_u8 {
            bytes.extend_from_slice(&frame(0, &[number; 11]));
        }
        bytes.extend_from_slice(&end_frame());
        let mut body = call.accept();
        for piece in bytes.chunks(3) {
            body.send_data(Bytes::copy_from_slice(piece), false).expect("sent");
            tokio::task::yield_now().await;
        }
        body.send_data(Bytes::new(), true).expect("sent");
    })
    .await;
    assert!(result.is_ok());
    assert_eq!(messages.len(), 50);
    assert!((0..50_u8).zip(&messages).all(|(number, message)| message[..] == [number; 11]));
}

/// Defect of other gateways: bursts of small frames in one read are lost.
#[tokio::test]
async fn a_thousand_small_frames_in_one_write_all_arrive() {
    let (messages, result) = answer(|mut call| async move {
        let mut bytes = BytesMut::new();
        for number in 0..1000_u32 {
            bytes.extend_from_slice(&frame(0, &number.to_be_bytes()));
        }
        bytes.extend_from_slice(&end_frame());
        call.accept().send_data(bytes.freeze(), true).expect("sent");
    })
    .await;
    assert!(result.is_ok());
    let numbers: Vec<u32> = messages
        .iter()
        .map(|message| u32::from_be_bytes(message[..].try_into().expect("four bytes")))
        .collect();
    assert_eq!(numbers, (0..1000).collect::<Vec<_>>());
}

/// Defect of other gateways: compressed frames are lost when no header announces them.
#[tokio::test]
async fn compressed_frames_need_no_header() {
    let (messages, result) = answer(|mut call| async move {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(b"compressed").expect("gzip");
        let mut body = call.accept();
        body.send_data(frame(1, &encoder.finish().expect("gzip")), false).expect("sent");
        body.send_data(frame(0, b"plain"), false).expect("sent");
        body.send_data(end_frame(), true).expect("sent");
    })
    .await;
    assert!(result.is_ok());
    assert_eq!(messages, ["compressed", "plain"].map(Bytes::from_static_str));
}

/// Defect of other gateways: the first piece is held back until the second one comes.
#[tokio::test]
async fn a_message_is_there_before_anything_follows_it() {
    let go_on = Arc::new(Notify::new());
    let waiting = Arc::clone(&go_on);
    let peer = Peer::start(Rules::default(), move |mut call| {
        let waiting = Arc::clone(&waiting);
        async move {
            let mut body = call.accept();
            body.send_data(frame(0, b"first"), false).expect("sent");
            waiting.notified().await;
            body.send_data(end_frame(), true).expect("sent");
        }
    })
    .await;
    let pool = default_pool();
    let mut exchange = peer.open(&pool).await.expect("opened");
    let first = soon("the first message", exchange.next()).await;
    assert!(matches!(first, Received::Message(message) if message == "first"));
    go_on.notify_one();
    assert!(all(&mut exchange).await.1.is_ok());
}

/// Defect of other gateways: an upstream reset makes a worker spin for ever.
#[tokio::test]
async fn a_reset_mid_stream_is_a_lost_connection_and_stays_one() {
    let peer = Peer::start(Rules::default(), |mut call| async move {
        let mut body = call.accept();
        body.send_data(frame(0, b"half"), false).expect("sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
        body.send_reset(h2::Reason::INTERNAL_ERROR);
    })
    .await;
    let pool = default_pool();
    let mut exchange = peer.open(&pool).await.expect("opened");
    let (messages, result) = all(&mut exchange).await;
    assert_eq!(messages, ["half"].map(Bytes::from_static_str));
    assert!(matches!(result, Err(UpstreamError::Lost(_))), "{result:?}");
    // Asked again it has ended, at once.
    assert!(matches!(soon("the end", exchange.next()).await, Received::End(Err(_))));
}

#[tokio::test]
async fn a_reset_before_the_headers_is_a_lost_connection_unless_it_says_unseen() {
    for reason in [h2::Reason::INTERNAL_ERROR, h2::Reason::CANCEL, h2::Reason::REFUSED_STREAM] {
        let (messages, result) = answer(move |mut call| async move {
            call.respond.send_reset(reason);
        })
        .await;
        assert!(messages.is_empty());
        match result {
            Err(UpstreamError::NotTaken(_)) => assert_eq!(reason, h2::Reason::REFUSED_STREAM),
            Err(UpstreamError::Lost(_)) => assert_ne!(reason, h2::Reason::REFUSED_STREAM),
            other => panic!("{reason:?}: {other:?}"),
        }
    }
}

/// Defect of other gateways: a stream without an end frame hangs or looks like a success.
#[tokio::test]
async fn a_body_that_ends_without_an_end_frame_is_cut() {
    for body in [frame(0, b"half"), Bytes::new(), frame(0, b"half").slice(..7)] {
        let (_, result) = answer(move |mut call| {
            let body = body.clone();
            async move { call.accept().send_data(body, true).expect("sent") }
        })
        .await;
        assert!(matches!(result, Err(UpstreamError::Cut)), "{result:?}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_frame_are_a_protocol_violation() {
    let (_, result) = answer(|mut call| async move {
        let mut body = call.answer(Response::builder().header("content-type", "text/html"));
        body.send_data(Bytes::from_static(b"<html>hello</html>"), true).expect("sent");
    })
    .await;
    assert!(matches!(result, Err(UpstreamError::Protocol(_))), "{result:?}");
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_before_it_is_read() {
    let peer = Peer::start(Rules::default(), |mut call| async move {
        call.accept().send_data(frame(0, &[0; 2000]), true).expect("sent");
    })
    .await;
    let pool = pool(TransportOptions { max_message_bytes: 1000, ..Default::default() });
    let mut exchange = peer.open(&pool).await.expect("opened");
    let (messages, result) = all(&mut exchange).await;
    assert!(messages.is_empty());
    assert!(matches!(result, Err(UpstreamError::Protocol(_))), "{result:?}");
}

/// Defect of other gateways: every status without a Connect body becomes the same 500.
#[tokio::test]
async fn a_bare_status_is_reported_with_its_pause() {
    for status in [401_u16, 403, 429, 500, 503] {
        let (_, result) = answer(move |mut call| async move {
            let head = Response::builder().status(status).header("retry-after", "17");
            call.answer(head)
                .send_data(Bytes::from_static(b"<html>no</html>"), true)
                .expect("sent");
        })
        .await;
        match result {
            Err(UpstreamError::Status { status: seen, retry_after }) => {
                assert_eq!(seen, status);
                assert_eq!(retry_after, Some(Duration::from_secs(17)));
            }
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_status_with_a_connect_body_is_the_error_it_states() {
    let (_, result) = answer(|mut call| async move {
        let head = Response::builder().status(429).header("retry-after", "5");
        let body = br#"{"code":"resource_exhausted","message":"slow down"}"#;
        call.answer(head).send_data(Bytes::from_static(body), true).expect("sent");
    })
    .await;
    match &result {
        Err(UpstreamError::Answer(answer)) => {
            assert_eq!(answer.message, "slow down");
            assert_eq!(answer.retry_after, Some(Duration::from_secs(5)));
        }
        other => panic!("{other:?}"),
    }
    let failure = classify(&result.expect_err("an error"));
    assert_eq!(failure.retry.after(), Some(Duration::from_secs(5)));
}

#[tokio::test]
async fn a_status_whose_body_never_ends_is_reported_all_the_same() {
    let (_, result) = answer(|mut call| async move {
        let mut body = call.answer(Response::builder().status(500));
        // More than is looked at, and no end.
        let _ = body.send_data(Bytes::from(vec![b'x'; 80 << 10]), false);
        std::future::pending::<()>().await;
    })
    .await;
    assert!(matches!(result, Err(UpstreamError::Status { .. })), "{result:?}");
}

#[tokio::test]
async fn dropping_the_exchange_resets_the_stream_within_a_second() {
    // Before the headers, after them, and in the middle of the answer.
    for stage in 0..3 {
        let (told, mut heard) = mpsc::channel(2);
        let peer = Peer::start(Rules::default(), move |mut call| {
            let told = told.clone();
            async move {
                call.first_bytes().await;
                let reset = if stage == 0 {
                    told.send(None).await.expect("told");
                    std::future::poll_fn(|cx| call.respond.poll_reset(cx)).await
                } else {
                    let mut body = call.accept();
                    if stage == 2 {
                        body.send_data(frame(0, b"half"), false).expect("sent");
                    }
                    told.send(None).await.expect("told");
                    std::future::poll_fn(|cx| body.poll_reset(cx)).await
                };
                told.send(Some(reset.expect("reset"))).await.expect("told");
            }
        })
        .await;
        let pool = default_pool();
        let mut exchange = peer.open(&pool).await.expect("opened");
        assert_eq!(soon("the call", heard.recv()).await, Some(None));
        if stage == 2 {
            assert!(matches!(soon("a message", exchange.next()).await, Received::Message(_)));
        }
        drop(exchange);
        let reset = tokio::time::timeout(Duration::from_secs(1), heard.recv()).await;
        assert_eq!(reset.expect("within a second"), Some(Some(h2::Reason::CANCEL)), "{stage}");
        assert_eq!(pool.stats().active_calls, 0);
    }
}

#[tokio::test]
async fn answers_go_out_while_the_stream_is_read() {
    let peer = Peer::start(Rules::default(), |mut call| async move {
        call.first_bytes().await;
        let mut body = call.accept();
        body.send_data(frame(0, b"question"), false).expect("sent");
        let answer = call.first_bytes().await;
        body.send_data(answer, false).expect("sent");
        body.send_data(end_frame(), true).expect("sent");
    })
    .await;
    let pool = default_pool();
    let mut exchange = peer.open(&pool).await.expect("opened");
    assert!(matches!(soon("the question", exchange.next()).await, Received::Message(_)));
    let heartbeat = cursor_proto::agent::AgentClientMessage {
        message: cursor_proto::agent::ClientHeartbeat::default().into(),
        ..Default::default()
    };
    exchange.send(&heartbeat).expect("sent");
    let (messages, result) = all(&mut exchange).await;
    // The golden wire form of a heartbeat, echoed.
    assert_eq!(messages, [Bytes::from_static(b"\x3a\0")]);
    assert!(result.is_ok());
}
