//! The request side of a stream: body chunks in, messages out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;

use crate::envelope::{Decoder, FrameError};
use crate::failure::{Code, Failure};

/// What the client's side of a stream brought.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// A whole message.
    Message(Bytes),
    /// The client will send no more.
    End,
    /// The client is gone.
    Reset,
    /// Something that is no message.
    Broken(Failure),
}

/// Reads a request body.
#[derive(Debug)]
pub(crate) struct Inbox {
    body: Incoming,
    decoder: Decoder,
    /// Read ahead to choose between a stream and a bare status.
    peeked: Option<Arrival>,
    over: bool,
}

impl Inbox {
    /// `gzip`: whether the headers announced compressed frames.
    pub(crate) fn new(body: Incoming, gzip: bool) -> Self {
        Self { body, decoder: Decoder::new(gzip), peeked: None, over: false }
    }

    /// Waits for the first arrival without consuming it; gives its message.
    pub(crate) async fn peek(&mut self) -> Option<Bytes> {
        let arrival = std::future::poll_fn(|cx| self.poll_next(cx)).await;
        let message = match &arrival {
            Arrival::Message(message) => Some(message.clone()),
            Arrival::End | Arrival::Reset | Arrival::Broken(_) => None,
        };
        self.peeked = Some(arrival);
        message
    }

    /// The next arrival. After [`Arrival::End`] and the like nothing comes any more.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Arrival> {
        if let Some(arrival) = self.peeked.take() {
            return Poll::Ready(arrival);
        }
        while !self.over {
            match self.decoder.next() {
                Ok(Some(message)) => return Poll::Ready(Arrival::Message(message)),
                Ok(None) => {}
                Err(error) => return self.last(Arrival::Broken(refusal(error))),
            }
            match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.decoder.push(data);
                    }
                }
                Some(Err(_)) => return self.last(Arrival::Reset),
                None if self.decoder.is_cut() => {
                    let failure = Failure::transport(
                        Code::InvalidArgument,
                        "protocol error: incomplete envelope: unexpected EOF",
                    );
                    return self.last(Arrival::Broken(failure));
                }
                None => return self.last(Arrival::End),
            }
        }
        Poll::Pending
    }

    fn last(&mut self, arrival: Arrival) -> Poll<Arrival> {
        self.over = true;
        Poll::Ready(arrival)
    }
}

fn refusal(error: FrameError) -> Failure {
    let (code, text) = match error {
        FrameError::Flags(flags) => {
            (Code::InvalidArgument, format!("protocol error: invalid envelope flags {flags:#04x}"))
        }
        FrameError::TooLarge => {
            (Code::ResourceExhausted, "message is larger than configured max 67108864".to_owned())
        }
        FrameError::Corrupt => (Code::InvalidArgument, "decompress: invalid gzip".to_owned()),
        FrameError::Unannounced => (
            Code::InvalidArgument,
            "protocol error: sent compressed message without Connect-Content-Encoding header"
                .to_owned(),
        ),
    };
    Failure::transport(code, text)
}
