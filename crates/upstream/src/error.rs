//! How a call to the upstream can fail, as it was seen on the wire.
//!
//! [`classify`](crate::classify) turns this into a [`conversation::Failure`]; here stands only
//! what was observed (`reference/messages/errors.md`).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use connectrpc::{ConnectError, ErrorCode};
use cursor_proto::Message as _;
use cursor_proto::aiserver::ErrorDetails;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::envelope::FrameError;

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
pub enum UpstreamError {
    /// An application error: an end-of-stream frame or a unary error body in Connect's form.
    #[error("{0}")]
    Answer(Box<AnswerError>),
    /// An HTTP status without a Connect body: a proxy or load balancer spoke.
    #[error("HTTP status {status} without a Connect body")]
    Status { status: StatusCode, retry_after: Option<Duration> },
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The outbound proxy did not let us through; the upstream was not reached. Says which proxy,
    /// with its password masked, and why.
    #[error("outbound proxy {0}")]
    Proxy(String),
    /// The peer did not look at the call (RFC 9113 §8.7), so it can be made once more without
    /// anything happening twice.
    #[error("call not taken: {0}")]
    NotTaken(String),
    /// The stream was reset or the connection lost.
    #[error("connection lost: {0}")]
    Lost(String),
    /// The body ended in order, but without an end-of-stream frame.
    #[error("the stream ended without an end frame")]
    Cut,
    #[error("protocol violation: {0}")]
    Protocol(String),
    #[error("{0}")]
    Deadline(Deadline),
}

/// Which wait ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Deadline {
    #[error("connecting took too long")]
    Connect,
    #[error("no first message in time")]
    FirstMessage,
    #[error("no progress for too long")]
    Progress,
    #[error("the whole answer took too long")]
    Total,
}

/// An error that the upstream stated.
#[derive(Debug, Clone)]
pub struct AnswerError {
    pub code: ErrorCode,
    pub message: String,
    /// Number of `ErrorDetails.Error`; numbers that are not in our schema are kept.
    pub kind: Option<i32>,
    pub title: String,
    pub detail: String,
    pub is_retryable: Option<bool>,
    pub retry_after: Option<Duration>,
}

impl std::fmt::Display for AnswerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.code.as_str())?;
        if let Some(kind) = self.kind {
            write!(f, " kind {kind}")?;
        }
        for text in [&self.title, &self.detail] {
            if !text.is_empty() {
                write!(f, ": {text}")?;
            }
        }
        if self.title.is_empty() && self.detail.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        Ok(())
    }
}

impl From<FrameError> for UpstreamError {
    fn from(error: FrameError) -> Self {
        Self::Protocol(error.to_string())
    }
}

impl From<ConnectError> for UpstreamError {
    /// From the generated unary clients. What our transport met, and a status that it noted, win
    /// over the code that the library guesses from them.
    fn from(error: ConnectError) -> Self {
        if let Some(met) = met_by_transport(&error) {
            return met;
        }
        let retry_after = retry_after(error.response_headers());
        if error.details.is_empty()
            && let Some(status) = error.response_headers().get(crate::transport::STATUS_NOTE)
            && let Ok(status) = StatusCode::from_bytes(status.as_bytes())
            && error.message.as_deref().is_none_or(|text| text.starts_with("HTTP error"))
        {
            return Self::Status { status, retry_after };
        }
        let wire = ErrorWire {
            code: Some(error.code.as_str().to_owned()),
            message: error.message.clone(),
            details: error
                .details
                .iter()
                .map(|detail| DetailWire {
                    kind: Some(detail.type_url.clone()),
                    value: detail.value.clone(),
                    debug: None,
                })
                .collect(),
        };
        Self::Answer(Box::new(AnswerError::from_wire(wire, retry_after)))
    }
}

/// The library calls every failure of the transport `unavailable`, as if the server had said so;
/// the true one is its source.
fn met_by_transport(error: &ConnectError) -> Option<UpstreamError> {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if let Some(met) = error.downcast_ref::<UpstreamError>() {
            return Some(met.clone());
        }
        source = error.source();
    }
    None
}

/// The end-of-stream JSON: `{}`, nothing at all, or `{"error":{…},"metadata":{…}}`.
#[derive(Deserialize)]
struct EndWire {
    error: Option<ErrorWire>,
    #[serde(default)]
    metadata: std::collections::HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct ErrorWire {
    code: Option<String>,
    message: Option<String>,
    #[serde(default)]
    details: Vec<DetailWire>,
}

#[derive(Deserialize)]
struct DetailWire {
    #[serde(rename = "type")]
    kind: Option<String>,
    value: Option<String>,
    debug: Option<DebugWire>,
}

#[derive(Deserialize)]
struct DebugWire {
    details: Option<DebugTexts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DebugTexts {
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    is_retryable: Option<bool>,
}

/// Reads an end-of-stream frame.
///
/// # Errors
/// The error that the frame states, or a protocol violation when it is no JSON object.
pub(crate) fn read_end(payload: &[u8], headers: &HeaderMap) -> Result<(), UpstreamError> {
    if payload.is_empty() {
        return Ok(());
    }
    let end: EndWire = serde_json::from_slice(payload)
        .map_err(|error| UpstreamError::Protocol(format!("end frame: {error}")))?;
    let Some(error) = end.error else { return Ok(()) };
    let stated = end
        .metadata
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
        .and_then(|(_, values)| values.first())
        .and_then(|value| seconds(value));
    let error = AnswerError::from_wire(error, stated.or_else(|| retry_after(headers)));
    Err(UpstreamError::Answer(Box::new(error)))
}

/// Reads the body of an answer whose HTTP status is not 200. Never succeeds in meaning: gives the
/// stated error, or the bare status when the body is not Connect's.
#[must_use]
pub(crate) fn read_status(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> UpstreamError {
    let retry_after = retry_after(headers);
    match serde_json::from_slice::<ErrorWire>(body) {
        Ok(wire) if wire.code.is_some() => {
            UpstreamError::Answer(Box::new(AnswerError::from_wire(wire, retry_after)))
        }
        Ok(_) | Err(_) => UpstreamError::Status { status, retry_after },
    }
}

impl AnswerError {
    fn from_wire(wire: ErrorWire, retry_after: Option<Duration>) -> Self {
        let code = wire.code.as_deref().and_then(|code| code.parse().ok());
        let mut error = Self {
            code: code.unwrap_or(ErrorCode::Unknown),
            message: wire.message.unwrap_or_default(),
            kind: None,
            title: String::new(),
            detail: String::new(),
            is_retryable: None,
            retry_after,
        };
        for detail in wire.details {
            if detail.kind.as_deref().is_some_and(|kind| !kind.ends_with("ErrorDetails")) {
                continue;
            }
            // The value decides; `debug` is its copy in JSON (errors.md, rule 1).
            let decoded = detail
                .value
                .as_deref()
                .and_then(decode_base64)
                .and_then(|bytes| ErrorDetails::decode_from_slice(&bytes).ok());
            if let Some(details) = decoded {
                error.apply(&details);
                break;
            }
            if let Some(texts) = detail.debug.and_then(|debug| debug.details) {
                error.title = texts.title;
                error.detail = texts.detail;
                error.is_retryable = texts.is_retryable;
                break;
            }
        }
        error
    }

    fn apply(&mut self, details: &ErrorDetails) {
        self.kind = Some(details.error.to_i32());
        let Some(texts) = details.details.as_option() else { return };
        self.title.clone_from(&texts.title);
        self.detail.clone_from(&texts.detail);
        self.is_retryable = texts.is_retryable;
        if self.retry_after.is_none() {
            self.retry_after = texts
                .additional_info
                .iter()
                .find(|(key, _)| key.replace('-', "_").eq_ignore_ascii_case("retry_after"))
                .and_then(|(_, value)| seconds(value));
        }
    }
}

/// Standard alphabet, with or without padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD_NO_PAD.decode(text).or_else(|_| STANDARD.decode(text)).ok()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers.get(http::header::RETRY_AFTER)?.to_str().ok().and_then(seconds)
}

/// Whole or broken seconds; dates are not used by the upstream. A day is the most we believe.
fn seconds(text: &str) -> Option<Duration> {
    const MOST: f64 = 86_400.0;
    let seconds: f64 = text.trim().parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| Duration::from_secs_f64(seconds.min(MOST)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> AnswerError {
        match read_end(json.as_bytes(), &HeaderMap::new()) {
            Err(UpstreamError::Answer(error)) => *error,
            other => panic!("expected a stated error, got {other:?}"),
        }
    }

    #[test]
    fn empty_and_braces_are_success() {
        assert!(read_end(b"", &HeaderMap::new()).is_ok());
        assert!(read_end(b"{}", &HeaderMap::new()).is_ok());
        assert!(read_end(br#"{"metadata":{"x":["1"]}}"#, &HeaderMap::new()).is_ok());
    }

    #[test]
    fn every_error_vector_keeps_kind_title_and_detail() {
        let text = include_str!("../../../fixtures/vectors/errors.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        let mut checked = 0;
        for vector in file["vectors"].as_array().expect("vectors") {
            let Some(end) = vector.get("end_stream_json") else { continue };
            let error = check(&end.to_string());
            let details = &vector["json"]["details"];
            assert_eq!(error.title, details["title"].as_str().unwrap_or_default());
            assert_eq!(error.detail, details["detail"].as_str().unwrap_or_default());
            assert_eq!(error.code.as_str(), end["error"]["code"]);
            checked += 1;
        }
        assert_eq!(checked, 13);
    }

    #[test]
    fn the_pause_comes_from_metadata_header_or_details() {
        let json = r#"{"error":{"code":"resource_exhausted","message":"Error"},
            "metadata":{"Retry-After":["7"]}}"#;
        assert_eq!(check(json).retry_after, Some(Duration::from_secs(7)));
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "3".parse().expect("value"));
        match read_status(StatusCode::TOO_MANY_REQUESTS, &headers, b"<html>") {
            UpstreamError::Status { status, retry_after } => {
                assert_eq!(status, 429);
                assert_eq!(retry_after, Some(Duration::from_secs(3)));
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn debug_texts_serve_when_the_value_is_broken() {
        let json = r#"{"error":{"code":"internal","message":"Error","details":[
            {"type":"aiserver.v1.ErrorDetails","value":"!!","debug":{"error":"X",
             "details":{"title":"T","detail":"D","isRetryable":true}}}]}}"#;
        let error = check(json);
        assert_eq!((error.title.as_str(), error.detail.as_str()), ("T", "D"));
        assert_eq!(error.is_retryable, Some(true));
    }

    #[test]
    fn nonsense_in_the_end_frame_is_a_protocol_violation() {
        let result = read_end(b"<html>", &HeaderMap::new());
        assert!(matches!(result, Err(UpstreamError::Protocol(_))));
    }
}
