//! Notes when an answer's head was ready and when its last byte was handed to the connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use conversation::{Failure, FailureClass};
use gateway::Recording;
use http_body::{Body as _, Frame, SizeHint};

/// The answer, of which it is noted how it goes out.
pub(crate) fn recorded(response: Response, recording: Recording) -> Response {
    recording.answered(response.status().as_u16());
    response.map(|body| Body::new(Recorded::new(body, recording)))
}

/// A body that is dropped before its end is one whose client has gone.
struct Recorded {
    body: Body,
    /// Until the end.
    recording: Option<Recording>,
}

impl Recorded {
    fn new(body: Body, recording: Recording) -> Self {
        let mut recorded = Self { body, recording: Some(recording) };
        recorded.look();
        recorded
    }

    /// Nobody asks a body that says it is over for more.
    fn look(&mut self) {
        if self.body.is_end_stream() {
            self.end();
        }
    }

    fn end(&mut self) {
        if let Some(recording) = self.recording.take() {
            recording.sent();
        }
    }
}

impl http_body::Body for Recorded {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(_)) => this.look(),
            None => this.end(),
            Some(Err(_)) => {
                // Broken by us, not left by the client.
                if let Some(recording) = &this.recording {
                    let text = "The gateway stopped working on this answer.";
                    recording.failed(&Failure::new(FailureClass::Internal, text));
                }
                this.end();
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
