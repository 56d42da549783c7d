//! Reads a request body within its limits of size and time.
//!
//! A body over the limit is read to its end and thrown away, within bounds, so that the client,
//! which is still sending, gets to read the 413.

use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use conversation::{Failure, FailureClass};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// How many times the limit is thrown away at most.
const DISCARD_FACTOR: usize = 8;

/// # Errors
/// The body is too long, too slow, or broke off.
pub(crate) async fn read(
    mut body: Body,
    limit: usize,
    patience: Duration,
) -> Result<Bytes, Failure> {
    match timeout(patience, collect(&mut body, limit)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => {
            let _ =
                timeout(patience, discard(&mut body, limit.saturating_mul(DISCARD_FACTOR))).await;
            Err(Failure::new(
                FailureClass::TooLarge,
                format!("The request body is longer than the limit of {limit} bytes."),
            ))
        }
        Ok(Err(error)) => Err(Failure::new(FailureClass::Invalid, "The request body broke off.")
            .log(format!("request body: {error}"))),
        Err(_) => {
            Err(Failure::new(FailureClass::Invalid, "The request body did not arrive in time."))
        }
    }
}

/// `None` when the body is longer than the limit.
async fn collect(body: &mut Body, limit: usize) -> Result<Option<Bytes>, axum::Error> {
    let announced = body.size_hint().lower();
    if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
        return Ok(None);
    }
    let mut first: Option<Bytes> = None;
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let length = all.len() + first.as_ref().map_or(0, Bytes::len) + data.len();
        if length > limit {
            return Ok(None);
        }
        match first.take() {
            // Most bodies are one piece, which needs no copy.
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(earlier) => {
                all.reserve(usize::try_from(announced).unwrap_or(0).max(length));
                all.extend_from_slice(&earlier);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(Some(first.unwrap_or_else(|| all.freeze())))
}

/// Reads on and keeps nothing, for answers that do not need the body: as long as the client is
/// sending, so that it gets to read the answer, but not when it is waiting for one.
pub(crate) async fn throw_away(mut body: Body, most: usize) {
    const LULL: Duration = Duration::from_millis(100);
    // Who is refused has no claim to more than this.
    const PATIENCE: Duration = Duration::from_secs(5);
    let sending = async {
        let mut seen = 0_usize;
        while let Ok(Some(Ok(frame))) = timeout(LULL, body.frame()).await {
            seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            if seen > most {
                return;
            }
        }
    };
    let _ = timeout(PATIENCE, sending).await;
}

async fn discard(body: &mut Body, most: usize) {
    let mut seen = 0_usize;
    while let Some(Ok(frame)) = body.frame().await {
        seen = seen.saturating_add(frame.data_ref().map_or(0, Bytes::len));
        if seen > most {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn a_body_up_to_the_limit_is_read_whole() {
        let bytes = read(Body::from("hello"), 5, PATIENCE).await.expect("body");
        assert_eq!(bytes, "hello");
    }

    #[tokio::test]
    async fn one_byte_more_is_too_large() {
        let failure = read(Body::from("hello!"), 5, PATIENCE).await.expect_err("too large");
        assert_eq!(failure.class, FailureClass::TooLarge);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_refused() {
        let (_sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, axum::Error>>(1);
        let body = Body::new(http_body_util::StreamBody::new(Never(receiver)));
        let failure = read(body, 5, PATIENCE).await.expect_err("too slow");
        assert_eq!(failure.class, FailureClass::Invalid);
    }

    struct Never(tokio::sync::mpsc::Receiver<Result<Bytes, axum::Error>>);

    impl futures::Stream for Never {
        type Item = Result<http_body::Frame<Bytes>, axum::Error>;

        fn poll_next(
            mut self: std::pin::Pin<&mut Self>,
            cx: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Self::Item>> {
            self.0.poll_recv(cx).map(|next| next.map(|data| data.map(http_body::Frame::data)))
        }
    }
}
