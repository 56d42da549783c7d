//! Responses: one shot or stream, and the shapes of refusals.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde_json::Value;

use crate::body::{ResetStream, SessionBody};
use crate::envelope;
use crate::failure::Failure;
use crate::gzip;

/// A response body.
pub(crate) enum ReplyBody {
    Full(Option<Bytes>),
    Stream(Box<SessionBody>),
}

/// A response.
pub(crate) type Reply = Response<ReplyBody>;

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = ResetStream;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ResetStream>>> {
        match &mut *self {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Full(bytes) => bytes.is_none(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

fn full(status: StatusCode, content_type: &'static str, bytes: Bytes) -> Reply {
    let mut reply = Response::new(ReplyBody::Full((!bytes.is_empty()).then_some(bytes)));
    *reply.status_mut() = status;
    reply.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

/// A unary answer, compressed if the client wants that.
pub(crate) fn unary(content_type: &'static str, message: Vec<u8>, compressed: bool) -> Reply {
    if !compressed || message.is_empty() {
        return full(StatusCode::OK, content_type, message.into());
    }
    let mut reply = full(StatusCode::OK, content_type, gzip::compress(&message).into());
    reply.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    reply
}

/// A text that is no JSON by its own account.
pub(crate) fn text(content_type: &'static str, text: String) -> Reply {
    full(StatusCode::OK, content_type, text.into())
}

/// A page for a browser, which must load nothing else for it.
pub(crate) fn page(status: StatusCode, html: String) -> Reply {
    let mut reply = full(status, "text/html; charset=utf-8", html.into());
    let policy = HeaderValue::from_static("default-src 'none'; form-action 'self'");
    reply.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    reply
}

/// A status and nothing else.
pub(crate) fn empty(status: StatusCode) -> Reply {
    let mut reply = Response::new(ReplyBody::Full(None));
    *reply.status_mut() = status;
    reply
}

/// JSON with a status.
pub(crate) fn json(status: StatusCode, value: &Value) -> Reply {
    full(status, "application/json", value.to_string().into())
}

/// An error of a unary call, or of a stream that was not accepted.
pub(crate) fn failure(failure: &Failure) -> Reply {
    let mut reply = json(failure.code.status(), &failure.body());
    retry_after(&mut reply, failure.retry);
    reply
}

/// A refusal as a load balancer writes it: no Connect error.
pub(crate) fn html(status: StatusCode, retry: Option<u64>) -> Reply {
    let title = format!("{} {}", status.as_str(), status.canonical_reason().unwrap_or("Error"));
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    let mut reply = full(status, "text/html", page.into());
    retry_after(&mut reply, retry);
    reply
}

/// An HTTP method that is not served; `allowed` is.
pub(crate) fn method_not_allowed(allowed: &Method) -> Reply {
    let mut reply = full(StatusCode::METHOD_NOT_ALLOWED, "text/plain", Bytes::new());
    if let Ok(allowed) = HeaderValue::from_str(allowed.as_str()) {
        reply.headers_mut().insert(ALLOW, allowed);
    }
    reply
}

/// A content type that is not served; `accepted` is.
pub(crate) fn unsupported(accepted: &'static str) -> Reply {
    let mut reply = full(StatusCode::UNSUPPORTED_MEDIA_TYPE, "text/plain", Bytes::new());
    reply.headers_mut().insert("accept-post", HeaderValue::from_static(accepted));
    reply
}

/// An accepted stream.
pub(crate) fn stream(body: SessionBody) -> Reply {
    streaming(ReplyBody::Stream(Box::new(body)))
}

/// An accepted stream that holds nothing but an error.
pub(crate) fn stream_failure(failure: &Failure) -> Reply {
    let mut frame = BytesMut::new();
    envelope::put(&mut frame, envelope::END, &failure.end());
    streaming(ReplyBody::Full(Some(frame.freeze())))
}

fn streaming(body: ReplyBody) -> Reply {
    let mut reply = Response::new(body);
    let headers = reply.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/connect+proto"));
    headers.insert("connect-content-encoding", HeaderValue::from_static("gzip"));
    headers.insert("connect-accept-encoding", HeaderValue::from_static("gzip"));
    headers.insert("x-cursor-server-region", HeaderValue::from_static("simulated"));
    reply
}

fn retry_after(reply: &mut Reply, seconds: Option<u64>) {
    if let Some(seconds) = seconds {
        reply.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
}
