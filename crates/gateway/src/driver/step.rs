//! The two directions of an exchange, batch by batch.

use std::task::Poll;

use conversation::Failure;
use upstream::transport::{Exchange, Received};
use upstream::{Actions, Session, UpstreamError};

/// Bytes of messages handled before the batch is handed on: enough that a flood does not pay for a
/// hand-over every few pieces, little enough that a slow reader holds little.
const MOST_BYTES: usize = 16 << 10;

/// Bytes around a message on the wire.
const ENVELOPE: usize = 5;

/// What one turn of the loop brought.
pub(super) enum Step {
    Messages,
    /// Bytes that are no message, after those that were.
    Undecodable(Failure),
    End(Result<(), UpstreamError>),
}

pub(super) fn send(exchange: &mut Exchange, actions: &mut Actions) {
    for message in actions.send.drain(..) {
        // A closed stream says by its end why it is closed.
        if let Err(error) = message.send(exchange) {
            tracing::debug!(%error, "answer not sent");
            break;
        }
    }
}

/// Everything that is ready, up to a bound: at least one message, or the end.
pub(super) async fn next_batch(
    exchange: &mut Exchange,
    session: &mut Session,
    actions: &mut Actions,
) -> Step {
    let mut taken = 0;
    let mut bytes = 0;
    std::future::poll_fn(|cx| {
        loop {
            let received = match exchange.poll_next(cx) {
                Poll::Ready(received) => received,
                Poll::Pending if taken > 0 => return Poll::Ready(Step::Messages),
                Poll::Pending => return Poll::Pending,
            };
            match received {
                Received::Message(message) => {
                    if let Err(failure) = session.receive(&message, actions) {
                        return Poll::Ready(Step::Undecodable(failure));
                    }
                    taken += 1;
                    // An envelope costs even when it is empty.
                    bytes += message.len() + ENVELOPE;
                    if bytes >= MOST_BYTES {
                        return Poll::Ready(Step::Messages);
                    }
                }
                Received::End(result) => return Poll::Ready(Step::End(result)),
            }
        }
    })
    .await
}
