//! The directives of code completion on the wire, accounts, and clients that leave.

use std::time::{Duration, Instant};

use cursor_proto::Message as _;
use simulator::{AccountBehaviour, CallOutcome};

use super::client::{Got, Server, USER};
use super::completion_client::{about, ask_text, finish, open, post_stream};

const EDITS: &str = "// [[cpp: edit 2-3 \"one\"]]\n// [[cpp: edit 7 \"\\ntwo\"]]\n";

#[tokio::test]
async fn several_edits_and_a_prediction() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let text = format!("{EDITS}// [[cpp: edit 9 \"\"]] [[cpp: predict \"b c.rs\" 4 \"}}\"]]\n");
    let seen = ask_text(&mut connection, &text).await;
    assert_eq!(
        seen.joined(),
        [
            "info",
            "range 2-3 id:0",
            "text one",
            "done_edit",
            "begin_edit",
            "range 7-7 id:1 eol",
            "text \ntwo",
            "done_edit",
            "begin_edit",
            "range 9-9 id:2",
            "predict b c.rs 4 \"}\" id:3",
            "done_edit",
            "done_stream",
        ]
    );
    let seen = ask_text(&mut connection, "# [[cpp: predict a.py 1 \"x\"]]").await;
    assert_eq!(seen.joined(), ["info", "predict a.py 1 \"x\" id:0", "done_stream"]);
}

#[tokio::test]
async fn the_last_answer_wins() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = ask_text(&mut connection, &format!("{EDITS}[[cpp: none]]")).await;
    assert!(seen.is_empty(), "{seen:?}");
    let seen = ask_text(&mut connection, &format!("{EDITS}[[cpp: 204]]")).await;
    assert_eq!((seen.status, seen.messages.len(), seen.end), (204, 0, None));
    let seen = ask_text(&mut connection, &format!("[[cpp: 204]] {EDITS}")).await;
    assert_eq!((seen.status, seen.joined().len()), (200, 9));
    assert_eq!(server.control.calls().last().unwrap().outcome, CallOutcome::Completed);
}

#[tokio::test]
async fn errors_before_and_after_the_first_event() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    for (directive, code, kind) in [
        ("error unavailable \"text\"", "unavailable", "ERROR_PROVIDER_ERROR"),
        ("error rate_limit", "resource_exhausted", "ERROR_RATE_LIMITED"),
        ("error debounced", "resource_exhausted", "ERROR_DEBOUNCED"),
        ("error-after 0 internal", "internal", "ERROR_INTERNAL"),
    ] {
        let seen = ask_text(&mut connection, &format!("{EDITS}[[cpp: {directive}]]")).await;
        assert_eq!((seen.status, seen.messages.len()), (200, 0), "{directive}");
        assert_eq!((seen.error_code(), seen.error_kind()), (Some(code), Some(kind)));
    }
    for (events, seen_events) in [(1, 1), (3, 3), (99, 9)] {
        let text = format!("{EDITS}[[cpp: error-after {events} internal \"boom\"]]");
        let seen = ask_text(&mut connection, &text).await;
        assert_eq!((seen.messages.len(), seen.error_code()), (seen_events, Some("internal")));
        assert!(!seen.broken);
    }
    let seen = ask_text(&mut connection, "[[cpp: nonsense]]").await;
    assert_eq!(seen.error_code(), Some("invalid_argument"));
    assert!(seen.end.unwrap().to_string().contains("bad directive: [[cpp: nonsense]]"));
}

#[tokio::test]
async fn drop_resets_where_it_stands() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    for (text, events) in [
        ("[[cpp: drop]]".to_owned(), 0),
        (format!("[[cpp: drop 2]] {EDITS}"), 2),
        (format!("{EDITS} [[cpp: drop]] [[cpp: edit 1 \"x\"]]"), 8),
    ] {
        let seen = ask_text(&mut connection, &text).await;
        assert!(seen.broken && seen.end.is_none(), "{text}");
        assert_eq!(seen.messages.len(), events, "{text}");
    }
    assert!(ask_text(&mut connection, "[[cpp: none]]").await.is_empty(), "the connection lives");
}

#[tokio::test]
async fn debug_and_delay() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = ask_text(&mut connection, &format!("{EDITS} [[cpp: debug 3]]")).await;
    assert_eq!(seen.joined()[8..], ["done_stream", "debug", "debug", "debug"]);
    let start = Instant::now();
    let seen = ask_text(&mut connection, &format!("{EDITS} [[cpp: delay 20ms]]")).await;
    assert_eq!(seen.messages.len(), 9);
    assert!(start.elapsed() >= Duration::from_millis(180), "{:?}", start.elapsed());
    let start = Instant::now();
    let seen = ask_text(&mut connection, "[[cpp: 204]] [[cpp: delay 50ms]]").await;
    assert_eq!(seen.status, 204);
    assert!(start.elapsed() >= Duration::from_millis(50));
}

/// Waits for a state of the simulator; how long it took.
async fn until(done: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < Duration::from_secs(5), "not reached");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    start.elapsed()
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_at_once() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let control = &server.control;
    assert_eq!(control.tag("t"), None);
    for directive in ["hang", "hang 3", "delay 5s"] {
        let text = format!("[[cpp: tag t]] {EDITS} [[cpp: {directive}]]");
        let message = about(&text, 0, 0).encode_to_vec();
        let mut stream = open(&mut connection, post_stream(), &message).await;
        until(|| control.tag("t").is_some_and(|tag| tag.active == 1)).await;
        assert_eq!((control.active_completions(), control.active_streams()), (1, 1));
        if directive == "hang 3" {
            assert!(matches!(stream.next().await, Got::Message { .. }));
        }
        drop(stream);
        let took = until(|| control.active_completions() == 0).await;
        assert!(took < Duration::from_millis(500), "{directive}: {took:?}");
        assert_eq!(control.calls().last().unwrap().outcome, CallOutcome::Cancelled);
    }
    let tag = control.tag("t").unwrap();
    assert_eq!((tag.started, tag.active, tag.cancelled), (3, 0, 3));
    ask_text(&mut connection, &format!("[[cpp: tag t]] {EDITS}")).await;
    ask_text(&mut connection, "[[cpp: tag t]] [[cpp: error internal]]").await;
    let tag = control.tag("t").unwrap();
    assert_eq!((tag.completed, tag.failed, tag.chunks), (1, 1, 9 + 8 + 3));
}

#[tokio::test]
async fn accounts_are_treated_as_everywhere() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let retry_after = Some(Duration::from_secs(7));
    for (behaviour, kind) in [
        (AccountBehaviour::QuotaReached, "ERROR_USAGE_PRICING_REQUIRED"),
        (AccountBehaviour::RateLimited { retry_after }, "ERROR_RATE_LIMITED"),
    ] {
        server.control.set_account(USER, behaviour);
        let seen = ask_text(&mut connection, EDITS).await;
        assert_eq!((seen.status, seen.messages.len(), seen.error_kind()), (200, 0, Some(kind)));
    }
    for (behaviour, status) in [
        (AccountBehaviour::LoggedOut, 401),
        (AccountBehaviour::Blocked, 403),
        (AccountBehaviour::HttpStatus(502), 502),
    ] {
        server.control.set_account(USER, behaviour);
        let message = about(EDITS, 0, 0).encode_to_vec();
        let mut stream = open(&mut connection, post_stream(), &message).await;
        assert_eq!(stream.head().await.unwrap().status().as_u16(), status);
    }
    server.control.set_account(USER, AccountBehaviour::Down);
    let message = about(EDITS, 0, 0).encode_to_vec();
    let seen = finish(open(&mut connection, post_stream(), &message).await).await;
    assert!(seen.broken && seen.messages.is_empty());
}
