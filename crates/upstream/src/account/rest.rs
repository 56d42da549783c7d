//! A JSON call: which headers it has, and how its answer is read.

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, COOKIE, ORIGIN, REFERER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{WebCredential, bearer};
use crate::backend::{Backend, UNARY_TIMEOUT, within};
use crate::error::{UpstreamError, read_status};
use crate::login::web_text;
use crate::transport::Via;

/// Bytes of an answer that are read.
const LONGEST: usize = 1 << 20;

/// Not the name of a browser or an editor: the calls do not depend on it.
const AGENT: &str = concat!("cursor-api/", env!("CARGO_PKG_VERSION"));

/// Who calls, and thereby which host is called.
#[derive(Clone, Copy)]
pub(super) enum Auth<'a> {
    Bearer(&'a SecretString),
    /// The API host, where the body or the path holds the proof.
    InRequest,
    Cookie(&'a WebCredential),
}

/// One call to come.
pub(super) struct Rest<'a> {
    pub(super) auth: Auth<'a>,
    pub(super) path: &'a str,
    /// Makes it a POST.
    pub(super) body: Option<Value>,
    /// The page that the call would come from, where the website looks at it.
    pub(super) referer: Option<String>,
}

impl<'a> Rest<'a> {
    pub(super) fn get(auth: Auth<'a>, path: &'a str) -> Self {
        Self { auth, path, body: None, referer: None }
    }

    pub(super) fn post(auth: Auth<'a>, path: &'a str, body: Value) -> Self {
        Self { auth, path, body: Some(body), referer: None }
    }
}

/// What came back.
pub(super) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// # Errors
    /// The status is not 200.
    pub(super) fn ok(self) -> Result<Self, UpstreamError> {
        if self.status == StatusCode::OK {
            Ok(self)
        } else {
            Err(read_status(self.status, &self.headers, &self.body))
        }
    }

    /// Whether it is an error that the upstream calls so: `{"error": "…"}`.
    pub(super) fn is_error(&self, word: &str) -> bool {
        self.status.is_client_error()
            && serde_json::from_slice::<Value>(&self.body)
                .is_ok_and(|body| body.get("error").and_then(Value::as_str) == Some(word))
    }

    /// Reads the body whatever its content type says; some JSON comes as text.
    ///
    /// The error tells the place and none of the content, which may be a token or a page of HTML.
    pub(super) fn json<T: DeserializeOwned>(&self, path: &str) -> Result<T, UpstreamError> {
        let path = path.split('?').next().unwrap_or_default();
        // An array would do for an object: its values count as the fields in order.
        if self.body.trim_ascii_start().first() != Some(&b'{') {
            return Err(UpstreamError::Protocol(format!("{path}: not a JSON object")));
        }
        serde_json::from_slice(&self.body).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            UpstreamError::Protocol(format!(
                "{path}: not the JSON that was expected, line {line} column {column}"
            ))
        })
    }
}

impl Backend {
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        call: Rest<'_>,
        via: &Via,
    ) -> Result<T, UpstreamError> {
        let path = call.path;
        self.rest(call, via).await?.ok()?.json(path)
    }

    pub(super) async fn rest(&self, call: Rest<'_>, via: &Via) -> Result<Answer, UpstreamError> {
        let headers = self.rest_headers(&call)?;
        let (method, body) = match &call.body {
            Some(body) => (Method::POST, Bytes::from(body.to_string())),
            None => (Method::GET, Bytes::new()),
        };
        let endpoints = self.endpoints();
        let origin = match call.auth {
            Auth::Bearer(_) | Auth::InRequest => &endpoints.api,
            Auth::Cookie(_) => &endpoints.web,
        };
        let unary = self.unary_to(origin, via);
        // A profile is six of these at the same time.
        let calling = Box::pin(unary.call(method, call.path, headers, body, LONGEST));
        let (status, headers, body) = within(UNARY_TIMEOUT, calling).await?;
        Ok(Answer { status, headers, body })
    }

    fn rest_headers(&self, call: &Rest<'_>) -> Result<HeaderMap, UpstreamError> {
        let mut headers = HeaderMap::with_capacity(8);
        headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if call.body.is_some() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let ghost = if self.identity().privacy_mode { "true" } else { "false" };
        match call.auth {
            Auth::Bearer(token) => {
                headers.insert(AUTHORIZATION, bearer(token)?);
                headers.insert("x-ghost-mode", HeaderValue::from_static(ghost));
            }
            Auth::InRequest => {
                headers.insert("x-ghost-mode", HeaderValue::from_static(ghost));
            }
            Auth::Cookie(web) => {
                headers.insert(COOKIE, web.cookie()?);
                if call.body.is_some() {
                    // The website refuses a change that no page of its own asked for.
                    headers.insert(ORIGIN, text(&web_text(&self.endpoints().web))?);
                }
            }
        }
        if let Some(referer) = &call.referer {
            headers.insert(REFERER, text(referer)?);
        }
        Ok(headers)
    }
}

fn text(text: &str) -> Result<HeaderValue, UpstreamError> {
    HeaderValue::from_str(text)
        .map_err(|_| UpstreamError::Protocol("the web origin is no header value".into()))
}
