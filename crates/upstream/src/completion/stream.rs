//! A completion in progress.

use std::collections::VecDeque;
use std::fmt;

use conversation::completion::CompletionEvent;
use cursor_proto::Message as _;
use cursor_proto::aiserver::StreamCppResponse;
use http::StatusCode;

use super::{SetCookies, events};
use crate::classify::is_normal_end;
use crate::error::UpstreamError;
use crate::transport::{Exchange, Received};

/// The answer to a completion request. Dropping it before the end cancels the call: its HTTP/2
/// stream is reset at once.
pub struct CompletionStream {
    exchange: Exchange,
    /// Events of the last message that nobody took yet.
    waiting: VecDeque<CompletionEvent>,
    ended: bool,
}

impl fmt::Debug for CompletionStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CompletionStream")
            .field("exchange", &self.exchange)
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

impl CompletionStream {
    pub(super) fn new(exchange: Exchange) -> Self {
        Self { exchange, waiting: VecDeque::new(), ended: false }
    }

    /// The next event. `None` is the orderly end, with or without events before it: an editor often
    /// gets no suggestion. An error is the last thing that comes. Cancel-safe.
    ///
    /// # Errors
    /// The upstream stated an error, or the stream broke off ([`UpstreamError::Cut`] when it ended
    /// without an end frame); see [`crate::classify`].
    pub async fn next(&mut self) -> Option<Result<CompletionEvent, UpstreamError>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(Ok(event));
            }
            if self.ended {
                return None;
            }
            let error = match self.exchange.next().await {
                Received::Message(message) => {
                    match StreamCppResponse::decode_from_slice(&message) {
                        Ok(message) => {
                            events::events(message, &mut self.waiting);
                            continue;
                        }
                        Err(error) => UpstreamError::Protocol(format!("StreamCpp: {error}")),
                    }
                }
                Received::End(Ok(())) => {
                    self.ended = true;
                    return None;
                }
                Received::End(Err(error)) if is_no_suggestion(&error) => {
                    self.ended = true;
                    return None;
                }
                Received::End(Err(error)) => error,
            };
            self.ended = true;
            return Some(Err(error));
        }
    }

    /// What the answer wants the editor to send from now on. Known once [`Self::next`] has given
    /// something; empty before.
    #[must_use]
    pub fn set_cookies(&self) -> SetCookies {
        SetCookies::read(self.exchange.headers())
    }
}

/// What is no error: 204 says that there is no suggestion (§10), and an abort that it is over.
fn is_no_suggestion(error: &UpstreamError) -> bool {
    let empty =
        matches!(error, UpstreamError::Status { status, .. } if *status == StatusCode::NO_CONTENT);
    empty || is_normal_end(error)
}
