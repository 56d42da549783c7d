//! One bidi call in progress: messages out at once, messages in when polled.
//!
//! The exchange lives in its caller's task: no task, channel or copy per message. Dropping it
//! before the end resets the stream, which is how a call is cancelled. What is sent is queued
//! without waiting, which is bounded by what one turn has to say.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use cursor_proto::Message;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, StatusCode};

use super::connection::Slot;
use super::pool::Pool;
use super::via::Way;
use crate::envelope::{EnvelopeDecoder, Frame, encode_message};
use crate::error::{UpstreamError, read_end, read_status};

/// Bytes of an error body that are looked at.
const ERROR_BODY: usize = 64 << 10;

/// What came next.
#[derive(Debug)]
pub enum Received {
    /// One message, still encoded.
    Message(Bytes),
    /// The call is over; nothing follows.
    End(Result<(), UpstreamError>),
}

/// A bidi call.
pub struct Exchange {
    send: SendStream<Bytes>,
    state: State,
    decoder: EnvelopeDecoder,
    headers: HeaderMap,
    compress: bool,
    /// Gives the place on the connection back when the call is dropped.
    _slot: Slot,
}

enum State {
    AwaitingHeaders(ResponseFuture),
    Streaming(RecvStream),
    /// The status was not 200; the body may say why.
    Refused {
        status: StatusCode,
        body: RecvStream,
        read: BytesMut,
    },
    Ended,
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = match self.state {
            State::AwaitingHeaders(_) => "awaiting headers",
            State::Streaming(_) => "streaming",
            State::Refused { .. } => "refused",
            State::Ended => "ended",
        };
        f.debug_struct("Exchange").field("state", &state).finish_non_exhaustive()
    }
}

impl Exchange {
    /// Opens a stream to `path` and sends the first message. `headers` carries the identity; the
    /// protocol's own headers are added here (§5.1).
    ///
    /// # Errors
    /// No connection could be made, or the request could not be sent.
    pub async fn open(
        pool: &Pool,
        way: &Way,
        path: &str,
        headers: HeaderMap,
        first: &impl Message,
    ) -> Result<Self, UpstreamError> {
        let uri =
            way.origin.uri(path).map_err(|error| UpstreamError::Connect(error.to_string()))?;
        let mut request = Request::post(uri).body(()).map_err(|e| lost(&e))?;
        *request.headers_mut() = headers;
        for (name, value) in [
            ("content-type", "application/connect+proto"),
            ("connect-protocol-version", "1"),
            ("connect-accept-encoding", "gzip"),
            ("connect-content-encoding", "gzip"),
        ] {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        let (slot, response, send) = start(pool, way, request).await?;
        let mut exchange = Self {
            send,
            state: State::AwaitingHeaders(response),
            decoder: EnvelopeDecoder::new(pool.options().max_message_bytes),
            headers: HeaderMap::new(),
            compress: true,
            _slot: slot,
        };
        if let Err(error) = exchange.send(first) {
            // The answer's end says why.
            tracing::debug!(%error, "first message not sent");
        }
        Ok(exchange)
    }

    /// Queues one message.
    ///
    /// # Errors
    /// The stream is closed; [`Self::poll_next`] tells why.
    pub fn send(&mut self, message: &impl Message) -> Result<(), UpstreamError> {
        let frame = encode_message(message, self.compress);
        self.send.send_data(frame, false).map_err(|e| lost(&e))
    }

    /// Ends the request body; the answer goes on.
    pub fn finish_sending(&mut self) {
        // Fails only when the stream is closed already.
        let _ = self.send.send_data(Bytes::new(), true);
    }

    /// The headers of the answer; none before the first message or the end has come.
    #[must_use]
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The next message or the end. After the end it stays ended.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Received> {
        loop {
            match &mut self.state {
                State::AwaitingHeaders(response) => match ready!(Pin::new(response).poll(cx)) {
                    Ok(response) => self.begin(response),
                    Err(error) => return Poll::Ready(self.end(Err(unanswered(&error)))),
                },
                State::Streaming(body) => {
                    match self.decoder.next_frame() {
                        Ok(Some(Frame::Message(message))) => {
                            return Poll::Ready(Received::Message(message));
                        }
                        Ok(Some(Frame::End(payload))) => {
                            let result = read_end(&payload, &self.headers);
                            return Poll::Ready(self.end(result));
                        }
                        Ok(None) => {}
                        Err(error) => return Poll::Ready(self.end(Err(error.into()))),
                    }
                    match ready!(body.poll_data(cx)) {
                        Some(Ok(bytes)) => {
                            // Room for the peer to go on as soon as the bytes are ours.
                            let _ = body.flow_control().release_capacity(bytes.len());
                            self.decoder.push(bytes);
                        }
                        Some(Err(error)) => return Poll::Ready(self.end(Err(lost(&error)))),
                        None => return Poll::Ready(self.end(Err(UpstreamError::Cut))),
                    }
                }
                State::Refused { status, body, read } => {
                    let more = match ready!(body.poll_data(cx)) {
                        Some(Ok(bytes)) => {
                            let _ = body.flow_control().release_capacity(bytes.len());
                            let room = ERROR_BODY.saturating_sub(read.len());
                            read.extend_from_slice(&bytes[..bytes.len().min(room)]);
                            read.len() < ERROR_BODY
                        }
                        Some(Err(_)) | None => false,
                    };
                    if !more {
                        let error = read_status(*status, &self.headers, read);
                        return Poll::Ready(self.end(Err(error)));
                    }
                }
                State::Ended => return Poll::Ready(Received::End(Err(UpstreamError::Cut))),
            }
        }
    }

    /// [`Self::poll_next`] as a future; cancel-safe, since all progress is kept in `self`.
    pub async fn next(&mut self) -> Received {
        std::future::poll_fn(|cx| self.poll_next(cx)).await
    }

    fn begin(&mut self, response: http::Response<RecvStream>) {
        let (head, body) = response.into_parts();
        self.headers = head.headers;
        self.state = if head.status == StatusCode::OK {
            State::Streaming(body)
        } else {
            State::Refused { status: head.status, body, read: BytesMut::new() }
        };
    }

    fn end(&mut self, result: Result<(), UpstreamError>) -> Received {
        self.finish_sending();
        self.state = State::Ended;
        Received::End(result)
    }
}

/// Starts a call on a connection that lives.
async fn start(
    pool: &Pool,
    way: &Way,
    request: Request<()>,
) -> Result<(Slot, ResponseFuture, SendStream<Bytes>), UpstreamError> {
    const TRIES: usize = 5;
    let mut last = None;
    for _ in 0..TRIES {
        let slot = pool.take(way).await?;
        let started = match slot.ready().await {
            Ok(mut sender) => sender.send_request(request.clone(), false),
            Err(error) => Err(error),
        };
        match started {
            Ok((response, send)) => return Ok((slot, response, send)),
            // Gone since it was last used; nothing was sent, so another one may be tried.
            Err(error) => {
                slot.connection().mark_closed();
                last = Some(error);
            }
        }
    }
    Err(UpstreamError::NotTaken(last.map_or_else(String::new, |error| error.to_string())))
}

/// Why there was no answer: the peer turned the call away unseen, or it was lost on the way.
fn unanswered(error: &h2::Error) -> UpstreamError {
    let turned_away = match error.reason() {
        Some(Reason::REFUSED_STREAM) => true,
        Some(Reason::NO_ERROR) => error.is_go_away(),
        _ => false,
    };
    if turned_away && error.is_remote() {
        return UpstreamError::NotTaken(error.to_string());
    }
    lost(error)
}

fn lost(error: &dyn std::fmt::Display) -> UpstreamError {
    UpstreamError::Lost(error.to_string())
}
