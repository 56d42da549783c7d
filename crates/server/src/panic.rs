//! A panic while a request is answered: counted, logged with its place, and told to the client as a
//! failure, never as a clean end.
//!
//! Work on a request runs guarded. The hook notes message and place of a panic for the guard, which
//! knows the request; panics outside of guards are logged by the hook itself. What a request holds
//! is in neither line, unless a message of ours repeats it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use telemetry::Telemetry;

/// Panics since the start.
#[derive(Debug, Clone)]
pub(crate) struct Panics {
    count: Arc<AtomicU64>,
    telemetry: Telemetry,
}

impl Panics {
    pub(crate) fn new(telemetry: Telemetry) -> Self {
        Self { count: Arc::default(), telemetry }
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn note(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.telemetry.panicked();
    }

    /// Replaces the hook of the process, once: from now on panics are log lines, and those that no
    /// request is guilty of are counted as well.
    pub(crate) fn watch(&self) {
        static ONCE: Once = Once::new();
        let panics = self.clone();
        ONCE.call_once(move || std::panic::set_hook(Box::new(move |info| panics.hook(info))));
    }

    fn hook(&self, info: &std::panic::PanicHookInfo<'_>) {
        let place = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        if GUARDED.get() {
            PLACE.set(Some(place));
            return;
        }
        self.note();
        let panic = message(info.payload());
        tracing::error!(panic, place, "a task panicked");
    }
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
    /// Of the last guarded panic of this thread.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What is known of a panic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Panicked {
    message: String,
    place: String,
}

impl std::fmt::Display for Panicked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "panicked at {}", self.place)
    }
}

impl std::error::Error for Panicked {}

/// Runs one step.
///
/// # Errors
/// It panicked. What it worked on must not be trusted any more.
pub(crate) fn guarded<T>(step: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(step));
    GUARDED.set(before);
    result.map_err(|payload| Panicked {
        message: message(payload.as_ref()),
        place: PLACE.take().unwrap_or_else(|| "unknown".to_owned()),
    })
}

/// Runs a future to its end.
///
/// # Errors
/// It panicked.
pub(crate) async fn guard<T>(future: impl Future<Output = T>) -> Result<T, Panicked> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|cx| match guarded(|| future.as_mut().poll(cx)) {
        Ok(poll) => poll.map(Ok),
        Err(panicked) => Poll::Ready(Err(panicked)),
    })
    .await
}

/// Our messages are short; one that is not may repeat what somebody sent.
fn message(payload: &(dyn Any + Send)) -> String {
    const LONGEST: usize = 200;
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no text").chars().take(LONGEST).collect()
}

impl Panicked {
    /// Logs and counts it.
    pub(crate) fn report(&self, panics: &Panics, request: &str) {
        panics.note();
        let Self { message, place } = self;
        tracing::error!(request, panic = message, place, "a request panicked");
    }
}

/// A body whose panic breaks the connection off, for nothing else can be said any more.
pub(crate) struct Guarded {
    body: Body,
    panics: Panics,
    request: String,
    broken: bool,
}

impl Guarded {
    pub(crate) fn body(body: Body, panics: &Panics, request: &str) -> Body {
        let (panics, request) = (panics.clone(), request.to_owned());
        Body::new(Self { body, panics, request, broken: false })
    }
}

impl http_body::Body for Guarded {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        if this.broken {
            return Poll::Ready(None);
        }
        match guarded(|| Pin::new(&mut this.body).poll_frame(cx)) {
            Ok(Poll::Ready(Some(Err(error)))) => {
                this.broken = true;
                let error = error.into_inner();
                if let Some(panicked) = error.downcast_ref::<Panicked>() {
                    panicked.report(&this.panics, &this.request);
                }
                Poll::Ready(Some(Err(error)))
            }
            Ok(Poll::Ready(Some(Ok(frame)))) => Poll::Ready(Some(Ok(frame))),
            Ok(Poll::Ready(None)) => Poll::Ready(None),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panicked) => {
                this.broken = true;
                panicked.report(&this.panics, &this.request);
                Poll::Ready(Some(Err(panicked.into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.broken && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn panics() -> Panics {
        let options = telemetry::Options { otlp: None, version: "test" };
        Panics::new(Telemetry::start(options, Arc::new(|_| false)).expect("telemetry"))
    }

    #[tokio::test]
    async fn a_future_that_panics_is_an_error_with_its_place() {
        let panics = panics();
        panics.watch();
        let result: Result<(), Panicked> = guard(async {
            tokio::task::yield_now().await;
            panic!("a {} panic", "synthetic");
        })
        .await;
        let panicked = result.expect_err("a panic");
        assert_eq!(panicked.message, "a synthetic panic");
        assert!(panicked.place.contains("panic.rs:"), "{panicked:?}");
        assert_eq!(guard(async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn a_body_that_panics_ends_with_an_error_after_what_was_good() {
        struct Bad(u8);
        impl http_body::Body for Bad {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                mut self: Pin<&mut Self>,
                _: &mut Context<'_>,
            ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
                self.0 += 1;
                assert!(self.0 < 2, "synthetic");
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"good")))))
            }
        }
        let panics = panics();
        let mut body = Guarded::body(Body::new(Bad(0)), &panics, "req_1");
        let first = body.frame().await.expect("a frame").expect("good");
        assert_eq!(first.into_data().expect("data"), "good");
        assert!(!http_body::Body::is_end_stream(&body));
        body.frame().await.expect("an end").expect_err("which is none");
        assert_eq!(panics.count(), 1);
    }
}
