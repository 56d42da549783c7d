//! Calls that the upstream turns away unseen: connections end at any time, and nobody shall notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use conversation::FailureClass;
use h2::Reason;
use http::Response;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use upstream::Flow;

use crate::rig::{ANN, Clock, asked, gateway, options, read, session, soon};

/// An upstream that refuses the first calls and says `Hel` to the others; ends with the set.
async fn refusing(first: usize, reason: Reason) -> (String, Arc<AtomicUsize>, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("address"));
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let (stream, _) = listener.accept().await.expect("accepted");
        let mut connection = h2::server::handshake(stream).await.expect("handshake");
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            if counted.fetch_add(1, Ordering::SeqCst) < first {
                respond.send_reset(reason);
                continue;
            }
            let mut body = respond.send_response(Response::new(()), false).expect("sent");
            // `text_delta { "Hel" }`, `turn_ended {}`, the end.
            const ANSWER: &[u8] = b"\0\0\0\0\x09\x0a\x07\x0a\x05\x0a\x03Hel\
                                    \0\0\0\0\x04\x0a\x02\x72\0\x02\0\0\0\x02{}";
            body.send_data(Bytes::from_static(ANSWER), true).expect("sent");
        }
    });
    (url, calls, tasks)
}

/// Defect: with one account, a connection that was just being closed cost the client a 502.
#[tokio::test]
async fn a_call_that_was_not_looked_at_is_made_again_on_the_same_account() {
    let (url, calls, _tasks) = refusing(2, Reason::REFUSED_STREAM).await;
    let credential = session(ANN);
    let clock = Arc::new(Clock::default());
    let gateway = gateway(&url, Flow::Agent, &[&credential], options(), clock).await;
    let answer = soon("the beginning", gateway.answer(asked("hello"))).await.expect("begun");
    assert_eq!(read(answer).await.text, "Hel");
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    assert_eq!(gateway.stats().failed, 0);
}

#[tokio::test]
async fn it_is_not_made_again_for_ever() {
    let (url, calls, _tasks) = refusing(usize::MAX, Reason::REFUSED_STREAM).await;
    let credential = session(ANN);
    let clock = Arc::new(Clock::default());
    let gateway = gateway(&url, Flow::Agent, &[&credential], options(), clock).await;
    let failure = soon("the failure", gateway.answer(asked("hello"))).await.expect_err("refused");
    assert_eq!(failure.class, FailureClass::UpstreamFailed);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_call_that_may_have_been_looked_at_is_not_repeated_on_the_same_account() {
    let (url, calls, _tasks) = refusing(1, Reason::INTERNAL_ERROR).await;
    let credential = session(ANN);
    let clock = Arc::new(Clock::default());
    let gateway = gateway(&url, Flow::Agent, &[&credential], options(), clock).await;
    let failure = soon("the failure", gateway.answer(asked("hello"))).await.expect_err("lost");
    assert_eq!(failure.class, FailureClass::UpstreamFailed);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
