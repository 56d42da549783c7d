//! How a stream of events ends: orderly, empty, cut, or with an error of every kind.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use conversation::completion::CompletionEvent;
use conversation::{FailureClass, Retry, Scope};
use cursor_proto::Message as _;
use cursor_proto::aiserver::error_details::Error as Kind;
use cursor_proto::aiserver::{CustomErrorDetails, ErrorDetails};
use http::Response;
use serde_json::{Value, json};
use upstream::transport::TransportOptions;
use upstream::{UpstreamError, classify};

use super::{all, complete, question};
use crate::peer::{Call, Peer, Rules, end_frame, frame};
use crate::support::{backend, origin, pool};

/// What the stream brings whose answer `handle` writes.
async fn answer<F, R>(handle: F) -> (Vec<CompletionEvent>, Result<(), UpstreamError>)
where
    F: Fn(Call) -> R + Clone + Send + Sync + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let peer = Peer::start(Rules::default(), handle).await;
    let backend = backend(origin(peer.address), pool(TransportOptions::default()));
    all(&mut complete(&backend, &question("")).await).await
}

async fn bytes(body: Vec<u8>) -> (Vec<CompletionEvent>, Result<(), UpstreamError>) {
    pieces(vec![Bytes::from(body)]).await
}

async fn pieces(pieces: Vec<Bytes>) -> (Vec<CompletionEvent>, Result<(), UpstreamError>) {
    answer(move |mut call| {
        let pieces = pieces.clone();
        async move {
            let mut body = call.accept();
            for piece in pieces {
                body.send_data(piece, false).expect("sent");
                tokio::task::yield_now().await;
            }
            body.send_data(Bytes::new(), true).expect("sent");
        }
    })
    .await
}

/// The name of the event in the document.
fn name(event: &CompletionEvent) -> &'static str {
    match event {
        CompletionEvent::ModelInfo { .. } => "model_info",
        CompletionEvent::RangeReplace { .. } => "range_replace",
        CompletionEvent::Text(_) => "text",
        CompletionEvent::CursorPrediction { .. } => "cursor_prediction",
        CompletionEvent::DoneEdit => "done_edit",
        CompletionEvent::BeginEdit => "begin_edit",
        CompletionEvent::DoneStream => "done_stream",
        CompletionEvent::Debug { .. } => "debug",
    }
}

/// An end frame with an error, as Connect has it.
fn error(code: &str, kind: Kind) -> Vec<u8> {
    let details = CustomErrorDetails { title: "Title".into(), ..Default::default() };
    let details =
        ErrorDetails { error: kind.into(), details: details.into(), ..Default::default() };
    let detail = json!({
        "type": "aiserver.v1.ErrorDetails",
        "value": STANDARD_NO_PAD.encode(details.encode_to_vec()),
    });
    let end = json!({ "error": { "code": code, "message": "Error", "details": [detail] } });
    frame(2, end.to_string().as_bytes()).to_vec()
}

/// A text of one letter, by the numbers of the note.
const TEXT: &[u8] = b"\x0a\x01x";

#[tokio::test]
async fn a_whole_stream_gives_its_events_however_it_is_cut() {
    let text = include_str!("../../../../../fixtures/vectors/cpp.json");
    let file: Value = serde_json::from_str(text).expect("fixture");
    let vectors = file["vectors"].as_array().expect("vectors");
    let timeline = vectors.iter().find(|vector| vector["name"] == "cpp_timeline").expect("vector");
    let stream = hex::decode(timeline["server_bytes_hex"].as_str().expect("hex")).expect("hex");
    let mut wanted: Vec<&str> = timeline["expect_event_types"]
        .as_array()
        .expect("types")
        .iter()
        .map(|name| name.as_str().expect("text"))
        .collect();
    assert_eq!(wanted.pop(), Some("stream_end"));
    for size in [1, 3, 7, stream.len()] {
        let cut = stream.chunks(size).map(Bytes::copy_from_slice).collect();
        let (events, result) = pieces(cut).await;
        result.expect("an orderly end");
        assert_eq!(events.iter().map(name).collect::<Vec<_>>(), wanted, "{size}");
    }
}

/// An editor gets no suggestion most of the time.
#[tokio::test]
async fn no_suggestion_is_an_orderly_end() {
    let (events, result) = answer(|mut call| async move {
        let head = Response::builder().status(204).body(()).expect("head");
        call.respond.send_response(head, true).expect("sent");
    })
    .await;
    assert!(events.is_empty() && result.is_ok(), "204: {result:?}");
    for end in [end_frame(), frame(2, b"")] {
        let (events, result) = bytes(end.to_vec()).await;
        assert!(events.is_empty() && result.is_ok(), "an end alone: {result:?}");
    }
    let (events, result) = bytes(error("canceled", Kind::ERROR_USER_ABORTED_REQUEST)).await;
    assert!(events.is_empty() && result.is_ok(), "an abort: {result:?}");
}

#[tokio::test]
async fn a_stream_without_an_end_is_cut() {
    let (events, result) = bytes(Vec::new()).await;
    assert!(events.is_empty() && matches!(result, Err(UpstreamError::Cut)), "{result:?}");
    let (events, result) = bytes(frame(0, TEXT).to_vec()).await;
    assert_eq!(events, [CompletionEvent::Text("x".into())]);
    assert!(matches!(result, Err(UpstreamError::Cut)), "{result:?}");
    let (_, result) = bytes([&frame(0, TEXT)[..], &end_frame()[..4]].concat()).await;
    assert!(matches!(result, Err(UpstreamError::Cut)), "{result:?}");
}

#[tokio::test]
async fn errors_before_and_after_the_first_event_keep_their_meaning() {
    for (code, kind, class) in [
        ("resource_exhausted", Kind::ERROR_RATE_LIMITED, FailureClass::Busy),
        ("unauthenticated", Kind::ERROR_NOT_LOGGED_IN, FailureClass::AccountRejected),
        ("not_found", Kind::ERROR_BAD_MODEL_NAME, FailureClass::UnknownModel),
    ] {
        let (events, result) = bytes(error(code, kind)).await;
        assert!(events.is_empty());
        assert_eq!(classify(&result.expect_err("an error")).class, class, "{code}");
        let after = [&frame(0, TEXT)[..], &error(code, kind)].concat();
        let (events, result) = bytes(after).await;
        assert_eq!(events.len(), 1);
        assert_eq!(classify(&result.expect_err("an error")).class, class, "{code}");
    }
}

/// It says nothing about the account, and asking again at once would be worse.
#[tokio::test]
async fn a_debounced_request_is_nobodys_fault() {
    for code in ["unavailable", "resource_exhausted", "canceled"] {
        let (_, result) = bytes(error(code, Kind::ERROR_DEBOUNCED)).await;
        let failure = classify(&result.expect_err("an error"));
        assert_eq!(failure.class, FailureClass::Busy, "{code}");
        assert_eq!((failure.scope, failure.retry), (Scope::Request, Retry::Never), "{code}");
    }
}

#[tokio::test]
async fn a_status_or_nonsense_is_an_error() {
    let (_, result) = answer(|mut call| async move {
        let head = Response::builder().status(429).header("retry-after", "7");
        call.answer(head).send_data(Bytes::from_static(b"<html>"), true).expect("sent");
    })
    .await;
    let failure = classify(&result.expect_err("an error"));
    assert_eq!(failure.class, FailureClass::Busy);
    let (events, result) = bytes([frame(0, TEXT), frame(0, b"\xff"), end_frame()].concat()).await;
    assert_eq!(events.len(), 1);
    assert!(matches!(result, Err(UpstreamError::Protocol(_))), "{result:?}");
    let (_, result) = bytes(frame(0x80, TEXT).to_vec()).await;
    assert!(matches!(result, Err(UpstreamError::Protocol(_))), "{result:?}");
}
