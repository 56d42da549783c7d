//! The response body of a stream: a session that is polled, and the bytes it wrote.
//!
//! The session is a future that lives in the body. Whoever writes the response polls it; what it
//! wrote until it has to wait goes out in one chunk. So a frame costs no task switch and no
//! channel, frames that are due together share a DATA frame, flow control stops the session, and
//! a client that goes away drops it.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use cursor_proto::Message;
use http_body::Frame;
use tokio_util::sync::CancellationToken;

use crate::envelope;

/// A session that wrote this much pauses until the client took it.
const FULL: usize = 16 << 10;
/// Not even a burst is held back beyond this.
const HOLD_LIMIT: usize = 8 << 20;

/// How a session leaves its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// The body ends.
    End,
    /// The stream is reset.
    Reset,
    /// The connection is closed.
    Cut,
}

/// A stream that the script resets.
#[derive(Debug, thiserror::Error)]
#[error("the simulated stream is reset")]
pub(crate) struct ResetStream;

/// Where a session writes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output(Arc<Mutex<Chunk>>);

#[derive(Debug, Default)]
struct Chunk {
    bytes: BytesMut,
    compressed: bool,
    held: bool,
    fragment: Option<usize>,
}

impl Output {
    fn chunk(&self) -> MutexGuard<'_, Chunk> {
        // Never contended: session and body are polled by the same task.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a message frame.
    pub(crate) fn message(&self, message: &impl Message) {
        let mut chunk = self.chunk();
        let compressed = chunk.compressed;
        envelope::put_message(&mut chunk.bytes, message, compressed);
    }

    /// Writes a frame.
    pub(crate) fn frame(&self, flags: u8, payload: &[u8]) {
        envelope::put(&mut self.chunk().bytes, flags, payload);
    }

    /// Compresses message frames from here on.
    pub(crate) fn compress(&self) {
        self.chunk().compressed = true;
    }

    /// Holds everything back until released.
    pub(crate) fn hold(&self, held: bool) {
        self.chunk().held = held;
    }

    /// Writes the body in pieces of this many bytes from here on.
    pub(crate) fn fragment(&self, size: usize) {
        self.chunk().fragment = Some(size);
    }

    /// Whether the session should let the client catch up.
    pub(crate) fn is_full(&self) -> bool {
        let chunk = self.chunk();
        chunk.bytes.len() >= if chunk.held { HOLD_LIMIT } else { FULL }
    }

    /// Waits until everything written has left.
    pub(crate) async fn flushed(&self) {
        self.hold(false);
        std::future::poll_fn(|_| {
            // The body takes the bytes as soon as this is pending, and polls again.
            if self.chunk().bytes.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    fn take(&self, finished: bool) -> (Bytes, Option<usize>) {
        let mut chunk = self.chunk();
        if chunk.held && !finished {
            return (Bytes::new(), None);
        }
        (chunk.bytes.split().freeze(), chunk.fragment)
    }
}

/// A boxed session.
pub(crate) type Session = Pin<Box<dyn Future<Output = Finish> + Send>>;

/// See the module.
pub(crate) struct SessionBody {
    session: Option<Session>,
    finish: Option<Finish>,
    output: Output,
    /// Taken from the session and not yet sent; sent in pieces of this size.
    pending: Bytes,
    fragment: Option<usize>,
    cut: CancellationToken,
}

impl SessionBody {
    pub(crate) fn new(session: Session, output: Output, cut: CancellationToken) -> Self {
        let (pending, fragment) = (Bytes::new(), None);
        Self { session: Some(session), finish: None, output, pending, fragment, cut }
    }

    fn next_piece(&mut self) -> Option<Bytes> {
        if self.pending.is_empty() {
            return None;
        }
        let size = self.fragment.unwrap_or(usize::MAX).min(self.pending.len());
        Some(self.pending.split_to(size))
    }
}

impl http_body::Body for SessionBody {
    type Data = Bytes;
    type Error = ResetStream;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ResetStream>>> {
        loop {
            if let Some(piece) = self.next_piece() {
                return Poll::Ready(Some(Ok(Frame::data(piece))));
            }
            if let Some(session) = &mut self.session
                && let Poll::Ready(finish) = session.as_mut().poll(cx)
            {
                self.finish = Some(finish);
                self.session = None;
            }
            (self.pending, self.fragment) = self.output.take(self.finish.is_some());
            if !self.pending.is_empty() {
                continue;
            }
            return match self.finish {
                None => Poll::Pending,
                Some(Finish::End) => Poll::Ready(None),
                Some(Finish::Reset) => Poll::Ready(Some(Err(ResetStream))),
                Some(Finish::Cut) => {
                    self.cut.cancel();
                    Poll::Pending
                }
            };
        }
    }

    /// Spares the empty frame that would otherwise end the stream.
    fn is_end_stream(&self) -> bool {
        self.finish == Some(Finish::End) && self.pending.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    /// The chunks a session's writes leave in.
    async fn chunks(output: &Output, session: Session) -> (Vec<Bytes>, bool) {
        let mut body = SessionBody::new(session, output.clone(), CancellationToken::new());
        let mut all = Vec::new();
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => all.extend(frame.into_data()),
                Err(ResetStream) => return (all, false),
            }
        }
        (all, true)
    }

    fn pause() -> tokio::time::Sleep {
        tokio::time::sleep(Duration::from_millis(1))
    }

    #[tokio::test(start_paused = true)]
    async fn frames_due_together_share_a_chunk() {
        let output = Output::default();
        let out = output.clone();
        let session = Box::pin(async move {
            out.frame(0, b"a");
            out.frame(0, b"b");
            pause().await;
            out.frame(2, b"{}");
            Finish::End
        });
        let (chunks, whole) = chunks(&output, session).await;
        assert!(whole);
        assert_eq!(chunks, [&b"\0\0\0\0\x01a\0\0\0\0\x01b"[..], b"\x02\0\0\0\x02{}"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_session_waits_and_a_reset_follows_the_bytes() {
        let output = Output::default();
        let out = output.clone();
        let session = Box::pin(async move {
            out.frame(0, &[0; FULL]);
            assert!(out.is_full());
            out.flushed().await;
            assert!(!out.is_full());
            out.frame(0, b"b");
            Finish::Reset
        });
        let (chunks, whole) = chunks(&output, session).await;
        assert!(!whole);
        assert_eq!(chunks.iter().map(Bytes::len).collect::<Vec<_>>(), [FULL + 5, 6]);
    }

    #[tokio::test(start_paused = true)]
    async fn held_and_fragmented() {
        let output = Output::default();
        let out = output.clone();
        let session = Box::pin(async move {
            out.hold(true);
            out.frame(0, b"a");
            pause().await;
            out.frame(0, b"b");
            out.hold(false);
            pause().await;
            out.fragment(4);
            out.frame(0, b"c");
            Finish::End
        });
        let (chunks, _) = chunks(&output, session).await;
        assert_eq!(chunks.iter().map(Bytes::len).collect::<Vec<_>>(), [12, 4, 2]);
    }
}
