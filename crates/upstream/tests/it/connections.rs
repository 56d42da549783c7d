//! The pool: how many calls one connection carries, and what happens to connections.

use std::time::{Duration, Instant};

use futures::future::join_all;
use http::HeaderMap;
use tokio::sync::watch;
use upstream::transport::{Exchange, Received, TransportOptions, Way};
use upstream::{Deadline, UpstreamError};

use crate::peer::{Peer, Rules, end_frame, frame};
use crate::raw;
use crate::support::{PATIENCE, Simulated, origin, pool, soon, until};

/// A peer that says one word and ends each call only when told to.
async fn talking(rules: Rules) -> (Peer, watch::Sender<bool>) {
    let (end, ended) = watch::channel(false);
    let peer = Peer::start(rules, move |mut call| {
        let mut ended = ended.clone();
        async move {
            let mut body = call.accept();
            body.send_data(frame(0, b"word"), false).expect("sent");
            if ended.wait_for(|end| *end).await.is_ok() {
                body.send_data(end_frame(), true).expect("sent");
            }
        }
    })
    .await;
    (peer, end)
}

async fn first_word(exchange: &mut Exchange) {
    match soon("the first message", exchange.next()).await {
        Received::Message(message) => assert_eq!(message, "word"),
        Received::End(result) => panic!("{result:?}"),
    }
}

async fn good_end(exchange: &mut Exchange) {
    match soon("the end", exchange.next()).await {
        Received::End(result) => result.expect("an orderly end"),
        Received::Message(message) => panic!("{message:?}"),
    }
}

/// Defect of other gateways: 300 calls over one connection whose peer allows 128; the first word
/// comes after seconds, or never.
#[tokio::test]
async fn three_hundred_calls_never_exceed_what_the_peer_allows() {
    let (peer, end) = talking(Rules { max_streams: Some(128), ..Rules::default() }).await;
    // More than the peer allows, so that the peer's word is what counts.
    let pool = pool(TransportOptions { max_streams: 1000, ..Default::default() });
    let start = Instant::now();
    let mut exchanges: Vec<Exchange> = join_all((0..300).map(|_| async {
        let mut exchange = peer.open(&pool).await.expect("opened");
        first_word(&mut exchange).await;
        exchange
    }))
    .await;
    // All of them run at the same time: none was ended yet.
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
    assert_eq!(pool.stats().active_calls, 300);
    let peaks = peer.seen.peaks();
    assert!(peaks.iter().all(|&peak| peak <= 128), "{peaks:?}");
    assert_eq!(peaks.iter().sum::<usize>(), 300);
    assert_eq!(peaks.len(), 3);
    end.send_replace(true);
    for exchange in &mut exchanges {
        good_end(exchange).await;
    }
    drop(exchanges);
    assert_eq!(pool.stats().active_calls, 0);
}

#[tokio::test]
async fn our_own_limit_holds_when_the_peer_allows_more() {
    let (peer, _end) = talking(Rules::default()).await;
    let pool = pool(TransportOptions { max_streams: 10, ..Default::default() });
    let exchanges = join_all((0..25).map(|_| peer.open(&pool))).await;
    assert!(exchanges.iter().all(Result::is_ok));
    assert_eq!(pool.stats().connections, 3);
    until("all calls", || peer.seen.calls() == 25).await;
    assert!(peer.seen.peaks().iter().all(|&peak| peak <= 10), "{:?}", peer.seen.peaks());
}

#[tokio::test]
async fn a_peer_that_allows_one_call_gets_one_per_connection() {
    let (peer, end) = talking(Rules { max_streams: Some(1), ..Rules::default() }).await;
    let pool = pool(TransportOptions::default());
    let mut exchanges = join_all((0..5).map(|_| async {
        let mut exchange = peer.open(&pool).await.expect("opened");
        first_word(&mut exchange).await;
        exchange
    }))
    .await;
    assert_eq!(peer.seen.peaks(), [1; 5]);
    end.send_replace(true);
    for exchange in &mut exchanges {
        good_end(exchange).await;
    }
    drop(exchanges);
    // Free places are used again.
    until("free places", || pool.stats().active_calls == 0).await;
    let mut again = peer.open(&pool).await.expect("opened");
    first_word(&mut again).await;
    assert_eq!(peer.seen.connections(), 5);
}

#[tokio::test]
async fn settings_that_arrive_late_are_waited_for() {
    let settings_after = Duration::from_millis(300);
    let (peer, _end) = talking(Rules { max_streams: Some(2), settings_after }).await;
    let pool = pool(TransportOptions::default());
    let exchanges = join_all((0..6).map(|_| async {
        let mut exchange = peer.open(&pool).await.expect("opened");
        first_word(&mut exchange).await;
        exchange
    }))
    .await;
    assert_eq!(exchanges.len(), 6);
    assert_eq!(peer.seen.peaks(), [2, 2, 2]);
}

#[tokio::test]
async fn after_goaway_the_next_call_takes_a_fresh_connection_and_the_running_one_goes_on() {
    let (peer, end) = talking(Rules::default()).await;
    let pool = pool(TransportOptions::default());
    let mut old = peer.open(&pool).await.expect("opened");
    first_word(&mut old).await;
    peer.go_away();
    // The peer cannot tell when its word has arrived, so calls go on until one is elsewhere.
    soon("a fresh connection", async {
        while peer.seen.connections() < 2 {
            let mut next = peer.open(&pool).await.expect("no error shows");
            first_word(&mut next).await;
        }
    })
    .await;
    end.send_replace(true);
    good_end(&mut old).await;
}

#[tokio::test]
async fn a_connection_is_used_again_and_its_loss_is_noticed() {
    let simulated = Simulated::start(simulator::Config::default()).await;
    let pool = pool(TransportOptions::default());
    let connect = || async {
        let first = cursor_proto::agent::AgentClientMessage::default();
        let at = Way::direct(&origin(simulated.address));
        let path = upstream::agent::PATH;
        let mut exchange =
            Exchange::open(&pool, &at, path, HeaderMap::new(), &first).await.expect("opened");
        // Not logged in; what matters is that an answer came.
        assert!(matches!(
            soon("an answer", exchange.next()).await,
            Received::End(Err(UpstreamError::Answer(_)))
        ));
    };
    connect().await;
    assert_eq!(pool.stats().connections, 1);
    connect().await;
    assert_eq!(pool.stats().connections, 1);
    drop(simulated);
    until("the loss to be noticed", || pool.stats().connections == 0).await;
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let (peer, end) = talking(Rules::default()).await;
    let pool = pool(TransportOptions {
        ping_interval: Duration::from_millis(20),
        idle_timeout: Duration::from_millis(100),
        ..Default::default()
    });
    let mut exchange = peer.open(&pool).await.expect("opened");
    first_word(&mut exchange).await;
    // In use, though silent: it stays.
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert_eq!(pool.stats().connections, 1);
    end.send_replace(true);
    good_end(&mut exchange).await;
    drop(exchange);
    until("the idle connection to close", || pool.stats().connections == 0).await;
    assert!(peer.open(&pool).await.is_ok(), "and another one is made when it is needed");
    assert_eq!(peer.seen.connections(), 2);
}

#[tokio::test]
async fn an_unanswered_ping_ends_the_connection_and_its_calls() {
    let address = raw::deaf().await;
    let pool = pool(TransportOptions {
        ping_interval: Duration::from_millis(50),
        ping_timeout: Duration::from_millis(200),
        ..Default::default()
    });
    let first = cursor_proto::agent::AgentClientMessage::default();
    let path = upstream::agent::PATH;
    let at = Way::direct(&origin(address));
    let mut exchange =
        Exchange::open(&pool, &at, path, HeaderMap::new(), &first).await.expect("opened");
    let received = soon("the loss", exchange.next()).await;
    assert!(matches!(received, Received::End(Err(UpstreamError::Lost(_)))), "{received:?}");
    assert_eq!(pool.stats().connections, 0);
}

#[tokio::test]
async fn a_listener_that_never_speaks_runs_into_the_connect_deadline() {
    let address = raw::mute().await;
    let pool = pool(TransportOptions {
        connect_timeout: Duration::from_millis(200),
        ..Default::default()
    });
    let first = cursor_proto::agent::AgentClientMessage::default();
    // Several at once: those that wait for the one who dials are not kept longer.
    let at = Way::direct(&origin(address));
    let start = Instant::now();
    let results = join_all(
        (0..5).map(|_| Exchange::open(&pool, &at, upstream::agent::PATH, HeaderMap::new(), &first)),
    )
    .await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    for result in results {
        let error = result.err();
        assert!(matches!(error, Some(UpstreamError::Deadline(Deadline::Connect))), "{error:?}");
    }
}

/// Defect: a connection that was given up before its settings came stayed open, owned by nobody.
#[tokio::test]
async fn a_connection_given_up_while_it_opens_is_closed() {
    use tokio::io::AsyncReadExt as _;

    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let at = Way::direct(&origin(listener.local_addr().expect("address")));
    let pool = pool(TransportOptions {
        connect_timeout: Duration::from_millis(200),
        ..Default::default()
    });
    let first = cursor_proto::agent::AgentClientMessage::default();
    let opening = Exchange::open(&pool, &at, upstream::agent::PATH, HeaderMap::new(), &first);
    let (opened, accepted) = tokio::join!(opening, listener.accept());
    assert!(opened.is_err());
    let (mut stream, _) = accepted.expect("accepted");
    let mut preface = Vec::new();
    soon("the end of the connection", stream.read_to_end(&mut preface)).await.expect("closed");
}

#[tokio::test]
async fn a_closed_port_is_told_at_once() {
    let address = raw::closed().await;
    let pool = pool(TransportOptions::default());
    let first = cursor_proto::agent::AgentClientMessage::default();
    let at = Way::direct(&origin(address));
    let opening = Exchange::open(&pool, &at, upstream::agent::PATH, HeaderMap::new(), &first);
    let error = soon("the refusal", opening).await.err();
    assert!(matches!(error, Some(UpstreamError::Connect(_))), "{error:?}");
}

#[tokio::test]
async fn a_peer_that_speaks_no_http2_is_told_so() {
    let address = raw::http1().await;
    let pool = pool(TransportOptions::default());
    let first = cursor_proto::agent::AgentClientMessage::default();
    let at = Way::direct(&origin(address));
    let opening = Exchange::open(&pool, &at, upstream::agent::PATH, HeaderMap::new(), &first);
    let error = soon("the refusal", opening).await.err();
    assert!(matches!(error, Some(UpstreamError::Connect(_))), "{error:?}");
}

/// Slow readers on one connection must not stop the others: the connection's window has room
/// for every call's.
#[tokio::test]
async fn calls_that_are_not_read_do_not_stop_the_others() {
    let peer = Peer::start(Rules::default(), |mut call| async move {
        let mut body = call.accept();
        for _ in 0..400 {
            if body.send_data(frame(0, &[7; 1000]), false).is_err() {
                return;
            }
        }
        let _ = body.send_data(end_frame(), true);
        // Until everything is taken or the client leaves.
        let _ = std::future::poll_fn(|cx| body.poll_reset(cx)).await;
    })
    .await;
    let pool = pool(TransportOptions { max_streams: 100, ..Default::default() });
    let unread = join_all((0..99).map(|_| peer.open(&pool))).await;
    assert!(unread.iter().all(Result::is_ok));
    let mut read = peer.open(&pool).await.expect("opened");
    let mut messages = 0;
    loop {
        match soon("the next message", read.next()).await {
            Received::Message(_) => messages += 1,
            Received::End(result) => {
                result.expect("a whole answer");
                break;
            }
        }
    }
    assert_eq!(messages, 400);
    assert_eq!(peer.seen.connections(), 1);
}

/// Defect: a call on a connection that was just being closed counted as lost, though the peer had
/// not looked at it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_peer_that_says_goaway_all_the_time_answers_calls_or_turns_them_away_unseen() {
    let peer = Peer::start(Rules::default(), |mut call| async move {
        let mut body = call.accept();
        body.send_data(frame(0, b"word"), false).expect("sent");
        body.send_data(end_frame(), true).expect("sent");
    })
    .await;
    let pool = pool(TransportOptions { max_streams: 4, ..Default::default() });
    let (mut answered, mut turned_away) = (0, 0);
    while answered < 1000 {
        peer.go_away();
        let calls = (0..20).map(|_| async {
            let mut exchange = peer.open(&pool).await.expect("opened");
            match soon("the first message", exchange.next()).await {
                Received::Message(_) => {
                    good_end(&mut exchange).await;
                    true
                }
                Received::End(Err(UpstreamError::NotTaken(_))) => false,
                other => panic!("{other:?}"),
            }
        });
        let results = join_all(calls).await;
        answered += results.iter().filter(|answered| **answered).count();
        turned_away += results.iter().filter(|answered| !**answered).count();
    }
    assert_eq!(peer.seen.calls(), answered, "{turned_away} were turned away and never seen");
    assert!(peer.seen.connections() > 5, "{}", peer.seen.connections());
}
