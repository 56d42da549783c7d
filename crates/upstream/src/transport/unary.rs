//! Lets the generated unary clients, and plain JSON calls, run over the same pool.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use connectrpc::client::{BoxFuture, ClientBody, ClientTransport};
use h2::RecvStream;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};

use super::STATUS_NOTE;
use super::connection::Slot;
use super::pool::Pool;
use super::via::Way;
use crate::error::UpstreamError;

/// Unary calls to one origin, by one way.
#[derive(Debug, Clone)]
pub struct UnaryTransport {
    pool: Pool,
    way: Way,
}

impl UnaryTransport {
    #[must_use]
    pub fn new(pool: Pool, way: Way) -> Self {
        Self { pool, way }
    }

    /// One request with a whole body, answered with status, headers and at most `limit` bytes. What
    /// the answer says is done by nobody: a redirect is an answer like any other.
    ///
    /// # Errors
    /// The call did not get an answer, or one that is too long.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Bytes,
        limit: usize,
    ) -> Result<(StatusCode, HeaderMap, Bytes), UpstreamError> {
        let lost = |error: &dyn std::fmt::Display| UpstreamError::Lost(error.to_string());
        let uri = self.way.origin.uri(path).map_err(|e| UpstreamError::Connect(e.to_string()))?;
        let request = Request::builder().method(method).uri(uri).body(());
        let mut request = request.map_err(|e| lost(&e))?;
        *request.headers_mut() = headers;
        let response = exchange(&self.pool, &self.way, request, body).await?;
        let (head, body) = response.into_parts();
        Ok((head.status, head.headers, read(body, limit).await?))
    }
}

async fn exchange(
    pool: &Pool,
    way: &Way,
    request: Request<()>,
    body: Bytes,
) -> Result<Response<UnaryBody>, UpstreamError> {
    let lost = |error: h2::Error| UpstreamError::Lost(error.to_string());
    let (slot, mut sender) = loop {
        let slot = pool.take(way).await?;
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

async fn read(body: UnaryBody, limit: usize) -> Result<Bytes, UpstreamError> {
    let read = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            UpstreamError::Protocol(format!("the answer is longer than {limit} bytes"))
        } else {
            UpstreamError::Lost(error.to_string())
        }
    })?;
    Ok(read.to_bytes())
}

impl ClientTransport for UnaryTransport {
    /// Read by us: the library would report a loss half way as an error of the server's.
    type ResponseBody = Full<Bytes>;
    type Error = UpstreamError;

    fn send(
        &self,
        request: Request<ClientBody>,
    ) -> BoxFuture<'static, Result<Response<Full<Bytes>>, UpstreamError>> {
        let Self { pool, way } = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body
                .collect()
                .await
                .map_err(|error| UpstreamError::Lost(error.to_string()))?
                .to_bytes();
            let request = Request::from_parts(head, ());
            let (head, body) = exchange(&pool, &way, request, body).await?.into_parts();
            let body = read(body, pool.options().max_message_bytes).await?;
            Ok(Response::from_parts(head, Full::new(body)))
        })
    }
}

/// The answer's body; holds the place on the connection until it is read or dropped.
struct UnaryBody {
    stream: RecvStream,
    _slot: Slot,
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
