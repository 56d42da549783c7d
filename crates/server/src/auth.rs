//! Who may come in. Checked before the body is looked at; routes are closed unless listed open.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use conversation::{Failure, FailureClass};
use gateway::{ClientId, Grant};
use http::request::Parts;
use http::{HeaderMap, header};

use crate::App;
use crate::body;
use crate::failure::Refusal;
use crate::router::{CURSOR_BASE, Visit};

/// Proof that the request carries the key. Handlers that need it ask for it, so that forgetting
/// the check does not compile.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    /// What the key opens.
    pub(crate) grant: Arc<Grant>,
}

impl Caller {
    /// Keeps the conversations of different keys apart.
    pub(crate) fn client(&self) -> ClientId {
        self.grant.client().clone()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        match parts.extensions.get::<Self>() {
            Some(caller) => Ok(caller.clone()),
            None => Err(Visit::of(&parts.extensions).refusal(missing())),
        }
    }
}

/// The layer around every closed route.
pub(crate) async fn require_key(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Response {
    // The second product of this kind sends its key bare.
    let bare = request.uri().path().starts_with(CURSOR_BASE);
    let failure = match presented(request.headers(), bare) {
        None => missing(),
        Some(key) if app.0.options.key.matches(key) => {
            let grant = Arc::new(Grant::operator(ClientId::new("auth_token")));
            request.extensions_mut().insert(Caller { grant });
            return next.run(request).await;
        }
        Some(_) => wrong(),
    };
    let refusal = Visit::of(request.extensions()).refusal(failure);
    // A client that is still sending would otherwise read a broken pipe instead of the reason.
    body::throw_away(request.into_body(), app.0.options.body_limit).await;
    refusal.into_response()
}

/// `Authorization: Bearer KEY`, `x-api-key: KEY`, or where that is the custom,
/// `Authorization: KEY`.
fn presented(headers: &HeaderMap, bare: bool) -> Option<&str> {
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let bearer = authorization.and_then(|value| {
        let (scheme, key) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    let key = bearer.or_else(|| authorization.map(str::trim).filter(|_| bare));
    key.or_else(|| headers.get("x-api-key").and_then(|value| value.to_str().ok()))
}

fn missing() -> Failure {
    Failure::new(
        FailureClass::Unauthenticated,
        "No API key was given. Send the gateway's AUTH_TOKEN as `Authorization: Bearer KEY` or \
         `x-api-key: KEY`.",
    )
}

fn wrong() -> Failure {
    Failure::new(
        FailureClass::Unauthenticated,
        "The API key is not this gateway's. Send the value of its AUTH_TOKEN.",
    )
}
