//! A stream that is left alone, or looked at only now and then.

use std::future::poll_fn;
use std::time::Duration;

use conversation::completion::CompletionEvent;
use tokio::sync::mpsc;
use tokio::time::Instant;
use upstream::transport::TransportOptions;

use super::{complete, question};
use crate::peer::{Peer, Rules, end_frame, frame};
use crate::support::{backend, origin, pool, soon};

/// What leaving may cost at the best of a few times: a busy machine may be slow now and then.
const AT_ONCE: Duration = Duration::from_millis(20);
const TIMES: usize = 5;

#[tokio::test]
async fn dropping_the_stream_resets_the_call_at_once() {
    for stage in [Stage::Asked, Stage::Begun, Stage::Told] {
        let mut fastest = Duration::MAX;
        for _ in 0..TIMES {
            fastest = fastest.min(left_at(stage).await);
        }
        assert!(fastest < AT_ONCE, "{stage:?}: {fastest:?}");
    }
}

/// How far the answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// No headers yet.
    Asked,
    Begun,
    /// There was an event.
    Told,
}

/// How long after the stream was dropped the peer knew.
async fn left_at(stage: Stage) -> Duration {
    let (told, mut heard) = mpsc::channel(2);
    let peer = Peer::start(Rules::default(), move |mut call| {
        let told = told.clone();
        async move {
            call.first_bytes().await;
            let reset = if stage == Stage::Asked {
                told.send(None).await.expect("told");
                poll_fn(|cx| call.respond.poll_reset(cx)).await
            } else {
                let mut body = call.accept();
                if stage == Stage::Told {
                    body.send_data(frame(0, b"\x0a\x01x"), false).expect("sent");
                }
                told.send(None).await.expect("told");
                poll_fn(|cx| body.poll_reset(cx)).await
            };
            told.send(Some((reset.expect("reset"), Instant::now()))).await.expect("told");
        }
    })
    .await;
    let pool = pool(TransportOptions::default());
    let backend = backend(origin(peer.address), pool.clone());
    let mut stream = complete(&backend, &question("")).await;
    assert_eq!(soon("the call", heard.recv()).await, Some(None));
    if stage == Stage::Told {
        let event = soon("an event", stream.next()).await.expect("an event");
        assert_eq!(event.expect("no error"), CompletionEvent::Text("x".into()));
    }
    let left = Instant::now();
    drop(stream);
    let Some(Some((reason, at))) = soon("the reset", heard.recv()).await else {
        panic!("no reset: {stage:?}");
    };
    assert_eq!(reason, h2::Reason::CANCEL, "{stage:?}");
    assert_eq!(pool.stats().active_calls, 0);
    at - left
}

/// Whoever waits for the next event may stop waiting and begin again.
#[tokio::test]
async fn no_event_is_lost_when_a_wait_is_given_up() {
    const EVENTS: u8 = 40;
    let peer = Peer::start(Rules::default(), |mut call| async move {
        let mut body = call.accept();
        for number in 0..EVENTS {
            // A text, and in the same message the end of an edit; in two pieces.
            let message = frame(0, &[0x0a, 1, b'0' + number, 0x68, 1]);
            body.send_data(message.slice(..6), false).expect("sent");
            tokio::time::sleep(Duration::from_millis(2)).await;
            body.send_data(message.slice(6..), false).expect("sent");
        }
        body.send_data(end_frame(), true).expect("sent");
    })
    .await;
    let backend = backend(origin(peer.address), pool(TransportOptions::default()));
    let mut stream = complete(&backend, &question("")).await;
    let (mut events, mut given_up) = (Vec::new(), 0);
    let all = async {
        loop {
            match tokio::time::timeout(Duration::from_micros(300), stream.next()).await {
                Err(_) => given_up += 1,
                Ok(None) => break,
                Ok(Some(event)) => events.push(event.expect("no error")),
            }
        }
    };
    soon("the end", all).await;
    let wanted: Vec<CompletionEvent> = (0..EVENTS)
        .flat_map(|number| {
            let text = char::from(b'0' + number).to_string();
            [CompletionEvent::Text(text), CompletionEvent::DoneEdit]
        })
        .collect();
    assert_eq!(events, wanted);
    assert!(given_up > 0, "the test waited for nothing");
}
