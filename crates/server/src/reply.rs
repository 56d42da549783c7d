//! Answers as HTTP bodies: whole, or as server-sent events.
//!
//! The streamed body pulls events from the answer and encodes what is ready together into one
//! frame, which becomes one write. Silence gets a comment line now and then. After a failure
//! nothing follows, and an answer whose driver vanished is a failure, never a silent end.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use conversation::{Event, Failure, FailureClass, Fold, Reply};
use dialects::Encoder;
use futures::{FutureExt as _, StreamExt as _};
use gateway::{Answer, Completion};
use http::{HeaderValue, header};
use http_body::Frame;
use http_body_util::BodyExt as _;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};
use tokio_util::sync::CancellationToken;

use crate::panic::{self, Panicked};
use crate::routes::editor::Step;

/// Collects a whole answer.
///
/// # Errors
/// The turn failed on the way, or broke off.
pub(crate) async fn collect(mut answer: Answer) -> Result<Reply, Failure> {
    let mut fold = Fold::default();
    while let Some(batch) = answer.next().await {
        for event in batch? {
            fold.push(event)?;
        }
    }
    fold.finish()
}

/// A streamed answer.
pub(crate) fn stream(
    answer: Answer,
    encoder: impl Encoder + Send + Unpin + 'static,
    keep_alive: Duration,
) -> Response {
    respond(Body::new(EventBody::new(answer, encoder, keep_alive)))
}

/// A streamed answer that goes on when its reader leaves, until its end or `stop`. Gives the task
/// that carries it as well.
pub(crate) fn detached(
    answer: Answer,
    encoder: impl Encoder + Send + Unpin + 'static,
    keep_alive: Duration,
    stop: CancellationToken,
) -> (Response, impl Future<Output = ()> + Send) {
    /// Frames that may wait for a slow reader.
    const FRAMES: usize = 4;
    let mut body = EventBody::new(answer, encoder, keep_alive);
    let (out, frames) = mpsc::channel::<Bytes>(FRAMES);
    let task = async move {
        let mut reader = Some(out);
        loop {
            let frame = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                frame = body.frame() => frame,
            };
            let Some(Ok(frame)) = frame else { return };
            let (Some(out), Ok(bytes)) = (&reader, frame.into_data()) else { continue };
            let sent = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                sent = out.send(bytes) => sent,
            };
            if sent.is_err() {
                reader = None;
            }
        }
    };
    (respond(Body::new(Frames(frames))), task)
}

/// Frames that a task makes.
struct Frames(mpsc::Receiver<Bytes>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.get_mut().0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A completion as server-sent events. `write` says whether the stream goes on. Dropping the body
/// drops the completion, which cancels the upstream's call.
pub(crate) fn completion_stream(
    completion: Completion,
    keep_alive: Duration,
    write: impl FnMut(Step, &mut BytesMut) -> bool + Send + 'static,
) -> Response {
    let first = Some((completion, write));
    let frames = futures::stream::unfold(first, move |state| async move {
        let (mut completion, mut write) = state?;
        let mut out = BytesMut::new();
        loop {
            let next = tokio::time::timeout(keep_alive, completion.next()).await;
            let step = next.map_or(Step::Silence, Step::of);
            if !write(step, &mut out) {
                return (!out.is_empty()).then(|| (out.freeze(), None));
            }
            // What is ready together becomes one write; some events say nothing by themselves.
            while out.len() < FRAME
                && let Some(next) = completion.next().now_or_never()
            {
                let step = Step::of(next);
                if !write(step, &mut out) {
                    return (!out.is_empty()).then(|| (out.freeze(), None));
                }
            }
            if !out.is_empty() {
                return Some((out.freeze(), Some((completion, write))));
            }
        }
    });
    respond(Body::from_stream(frames.map(Ok::<Bytes, std::convert::Infallible>)))
}

fn respond(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        // Proxies that buffer would hold the answer back.
        (header::HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}

struct EventBody<E> {
    answer: Answer,
    writer: Writer<E>,
    keep_alive: Duration,
    silent_since: Instant,
    /// Re-armed only when it fires, not with every write.
    timer: Pin<Box<Sleep>>,
}

/// What is written and not sent yet.
struct Writer<E> {
    encoder: E,
    buffer: BytesMut,
    ended: bool,
    panicked: Option<Panicked>,
}

impl<E: Encoder> Writer<E> {
    /// After a panic of the encoder the client is told of a failure, and then the body breaks off.
    fn write(&mut self, events: Vec<Event>) {
        for event in events {
            self.ended = self.ended || matches!(event, Event::Finished(_));
            let whole = self.buffer.len();
            let Self { encoder, buffer, .. } = self;
            if let Err(panicked) = panic::guarded(|| encoder.encode(event, buffer)) {
                self.buffer.truncate(whole);
                self.panicked = Some(panicked);
                self.fail(&unwritten());
                return;
            }
        }
    }

    fn fail(&mut self, failure: &Failure) {
        self.ended = true;
        self.encoder.fail(failure, &mut self.buffer);
    }
}

/// Bytes after which a frame goes out even if more is ready.
const FRAME: usize = 64 << 10;

impl<E: Encoder + Unpin> EventBody<E> {
    fn new(answer: Answer, encoder: E, keep_alive: Duration) -> Self {
        Self {
            answer,
            writer: Writer {
                encoder,
                buffer: BytesMut::with_capacity(1024),
                ended: false,
                panicked: None,
            },
            keep_alive,
            silent_since: Instant::now(),
            timer: Box::pin(tokio::time::sleep(keep_alive)),
        }
    }

    /// Takes everything that is ready into the buffer.
    fn fill(&mut self, cx: &mut Context<'_>) {
        while !self.writer.ended && self.writer.buffer.len() < FRAME {
            match self.answer.poll_next(cx) {
                Poll::Ready(Some(Ok(events))) => self.writer.write(events),
                Poll::Ready(Some(Err(failure))) => self.writer.fail(&failure),
                Poll::Ready(None) => self.writer.fail(&vanished()),
                Poll::Pending => return,
            }
        }
    }

    fn keep_alive(&mut self, cx: &mut Context<'_>) {
        while self.timer.as_mut().poll(cx).is_ready() {
            let due = self.silent_since + self.keep_alive;
            let now = Instant::now();
            if now >= due {
                self.writer.encoder.heartbeat(&mut self.writer.buffer);
                self.silent_since = now;
            }
            let next = self.silent_since + self.keep_alive;
            self.timer.as_mut().reset(next);
        }
    }
}

impl<E: Encoder + Unpin> http_body::Body for EventBody<E> {
    type Data = Bytes;
    type Error = Panicked;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        this.fill(cx);
        if this.writer.buffer.is_empty() && !this.writer.ended {
            this.keep_alive(cx);
        }
        if !this.writer.buffer.is_empty() {
            this.silent_since = Instant::now();
            return Poll::Ready(Some(Ok(Frame::data(this.writer.buffer.split().freeze()))));
        }
        if let Some(panicked) = this.writer.panicked.take() {
            return Poll::Ready(Some(Err(panicked)));
        }
        if this.writer.ended { Poll::Ready(None) } else { Poll::Pending }
    }

    fn is_end_stream(&self) -> bool {
        let writer = &self.writer;
        writer.ended && writer.buffer.is_empty() && writer.panicked.is_none()
    }
}

fn vanished() -> Failure {
    Failure::new(FailureClass::Internal, "The gateway stopped working on this answer.")
}

fn unwritten() -> Failure {
    Failure::new(FailureClass::Internal, "The gateway could not write this answer down.")
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bad;

    impl Encoder for Bad {
        fn encode(&mut self, _: Event, out: &mut BytesMut) {
            out.extend_from_slice(b"half a fr");
            panic!("synthetic");
        }

        fn fail(&mut self, failure: &Failure, out: &mut BytesMut) {
            out.extend_from_slice(failure.client.as_bytes());
        }

        fn heartbeat(&self, _: &mut BytesMut) {}
    }

    #[test]
    fn an_encoder_that_panics_ends_the_stream_with_an_error() {
        let mut writer =
            Writer { encoder: Bad, buffer: BytesMut::from("good. "), ended: false, panicked: None };
        let delta = || Event::Delta("x".to_owned());
        writer.write(vec![delta(), delta()]);
        assert!(writer.ended && writer.panicked.is_some());
        let text = String::from_utf8(writer.buffer.to_vec()).expect("text");
        assert_eq!(text, "good. The gateway could not write this answer down.");
    }
}
