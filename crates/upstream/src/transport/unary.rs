//! Lets the generated unary clients, and plain JSON calls, run over the same pool.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use connectrpc::client::{BoxFuture, ClientBody, ClientTransport};
use h2::RecvStream;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::BodyExt as _;

use super::STATUS_NOTE;
use super::connection::Slot;
use super::dial::Origin;
use super::pool::Pool;
use crate::error::UpstreamError;

/// Unary calls to one origin.
#[derive(Debug, Clone)]
pub struct UnaryTransport {
    pool: Pool,
    origin: Origin,
}

impl UnaryTransport {
    #[must_use]
    pub fn new(pool: Pool, origin: Origin) -> Self {
        Self { pool, origin }
    }

    /// One request with a whole body, answered with status, headers and at most `limit` bytes.
    ///
    /// # Errors
    /// The call did not get an answer, or one that is too long.
    pub async fn call(
        &self,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        limit: usize,
    ) -> Result<(StatusCode, HeaderMap, Bytes), UpstreamError> {
        let lost = |error: &dyn std::fmt::Display| UpstreamError::Lost(error.to_string());
        let uri = self.origin.uri(path).map_err(|e| UpstreamError::Connect(e.to_string()))?;
        let mut request = Request::post(uri).body(()).map_err(|e| lost(&e))?;
        *request.headers_mut() = headers;
        let response = exchange(&self.pool, &self.origin, request, body).await?;
        let (head, body) = response.into_parts();
        let body = http_body_util::Limited::new(body, limit)
            .collect()
            .await
            .map_err(|error| UpstreamError::Lost(error.to_string()))?
            .to_bytes();
        Ok((head.status, head.headers, body))
    }
}

async fn exchange(
    pool: &Pool,
    origin: &Origin,
    request: Request<()>,
    body: Bytes,
) -> Result<Response<UnaryBody>, UpstreamError> {
    let lost = |error: h2::Error| UpstreamError::Lost(error.to_string());
    let (slot, mut sender) = loop {
        let slot = pool.take(origin).await?;
        match slot.ready().await {
            Ok(sender) => break (slot, sender),
            Err(_) => slot.connection().mark_closed(),
        }
    };
    let (response, mut send) = sender.send_request(request, body.is_empty()).map_err(lost)?;
    if !body.is_empty() {
        send.send_data(body, true).map_err(lost)?;
    }
    let (mut head, stream) = response.await.map_err(lost)?.into_parts();
    if head.status != StatusCode::OK
        && let Ok(status) = HeaderValue::from_str(head.status.as_str())
    {
        head.headers.insert(STATUS_NOTE, status);
    }
    Ok(Response::from_parts(head, UnaryBody { stream, _slot: slot }))
}

impl ClientTransport for UnaryTransport {
    type ResponseBody = UnaryBody;
    type Error = UpstreamError;

    fn send(
        &self,
        request: Request<ClientBody>,
    ) -> BoxFuture<'static, Result<Response<UnaryBody>, UpstreamError>> {
        let Self { pool, origin } = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| UpstreamError::Lost(error.to_string()))?
                .to_bytes();
            exchange(&pool, &origin, Request::from_parts(head, ()), body).await
        })
    }
}

/// The answer's body; holds the place on the connection until it is read or dropped.
pub struct UnaryBody {
    stream: RecvStream,
    _slot: Slot,
}

impl std::fmt::Debug for UnaryBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UnaryBody").finish_non_exhaustive()
    }
}

impl Body for UnaryBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        self.stream.poll_data(cx).map(|next| {
            next.map(|data| {
                data.map(|bytes| {
                    let _ = self.stream.flow_control().release_capacity(bytes.len());
                    Frame::data(bytes)
                })
            })
        })
    }
}
