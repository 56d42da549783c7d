//! Who may come in. Checked before the body is looked at; routes are closed unless listed open.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError};

use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use conversation::{Failure, FailureClass, Retry};
use gateway::{ClientId, Grant, KeyRefusal};
use http::request::Parts;
use tokio::time::Instant;

use crate::failure::Refusal;
use crate::listen::Peer;
use crate::router::Visit;
use crate::table::Access;
use crate::{App, body};

pub(crate) use self::guesses::Guesses;
use self::presented::presented;

mod guesses;
mod presented;

/// What a key makes of its holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Holds `AUTH_TOKEN`.
    Admin,
    /// Holds a key that was made for a client.
    Client,
    /// Holds `SHARED_TOKEN`.
    Shared,
}

/// Proof that the request carries a key. Handlers that need it ask for it, so that forgetting
/// the check does not compile.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) grant: Arc<Grant>,
    role: Role,
}

impl Caller {
    /// Keeps the conversations of different keys apart.
    pub(crate) fn client(&self) -> ClientId {
        self.grant.client().clone()
    }
}

/// Proof that the administrator asks.
#[derive(Debug)]
pub(crate) struct Admin(());

/// Proof that the administrator asks, or somebody who has the shared token.
#[derive(Debug)]
pub(crate) struct Trusted(());

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        match parts.extensions.get::<Self>() {
            Some(caller) => Ok(caller.clone()),
            None => Err(Visit::of(&parts.extensions).refusal(missing())),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match permitted(Access::Admin, caller.role) {
            Ok(()) => Ok(Self(())),
            Err(failure) => Err(Visit::of(&parts.extensions).refusal(failure)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Trusted {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let caller = Caller::from_request_parts(parts, state).await?;
        match permitted(Access::AdminOrShared, caller.role) {
            Ok(()) => Ok(Self(())),
            Err(failure) => Err(Visit::of(&parts.extensions).refusal(failure)),
        }
    }
}

/// The layer around every closed route.
pub(crate) async fn require_key(
    State((app, access)): State<(App, Access)>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address);
    let keys = presented(request.uri().path(), request.headers());
    let checked = admit(&app, &keys, address).and_then(|caller| {
        permitted(access, caller.role)?;
        Ok(caller)
    });
    let failure = match checked {
        Ok(caller) => {
            Visit::of(request.extensions()).note_caller(&caller);
            request.extensions_mut().insert(caller);
            return next.run(request).await;
        }
        Err(failure) => failure,
    };
    let refusal = Visit::of(request.extensions()).refusal(failure);
    // A client that is still sending would otherwise read a broken pipe instead of the reason.
    body::throw_away(request.into_body(), app.0.options.body_limit).await;
    refusal.into_response()
}

/// Why a key opens nothing.
enum Wrong {
    /// It is not one of ours: perhaps somebody is guessing.
    Guessed(Failure),
    /// It was or looks like one of ours; whoever sends it is not guessing.
    Known(Failure),
}

/// One right key among those that were shown is enough.
fn admit(app: &App, keys: &[&str], address: IpAddr) -> Result<Caller, Failure> {
    let mut last = None;
    let now = Instant::now().into_std();
    let guesses = || app.0.guesses.lock().unwrap_or_else(PoisonError::into_inner);
    for key in keys {
        match identify(app, key) {
            Ok(caller) => {
                guesses().right(address, caller.client(), now).map_err(too_often)?;
                return Ok(caller);
            }
            // What is known of an old key says more than that another one is unknown.
            Err(Wrong::Guessed(_)) if matches!(last, Some(Wrong::Known(_))) => {}
            Err(wrong) => last = Some(wrong),
        }
    }
    match last {
        None => Err(missing()),
        Some(Wrong::Known(failure)) => Err(failure),
        Some(Wrong::Guessed(failure)) => {
            guesses().wrong(address, now).map_err(too_often)?;
            Err(failure)
        }
    }
}

fn identify(app: &App, key: &str) -> Result<Caller, Wrong> {
    let options = &app.0.options;
    let caller = |role, grant| Ok(Caller { grant: Arc::new(grant), role });
    if options.key.matches(key) {
        return caller(Role::Admin, Grant::operator(ClientId::new("auth_token")));
    }
    if options.shared_token.as_ref().is_some_and(|shared| shared.matches(key)) {
        return caller(Role::Shared, Grant::shared(ClientId::new("shared_token")));
    }
    if let Some(alias) = pinned(app, key) {
        let Some(account) = app.0.gateway.account(alias) else {
            return Err(Wrong::Known(no_such_alias(alias)));
        };
        let client = ClientId::new(format!("auth_token-{}", account.record.id));
        return caller(Role::Admin, Grant::pinned(client, account.record.id));
    }
    match app.0.gateway.authenticate(key) {
        Ok(grant) => caller(Role::Client, grant),
        Err(refusal) => Err(match &refusal {
            KeyRefusal::Unknown | KeyRefusal::Damaged => Wrong::Guessed(refused(&refusal)),
            KeyRefusal::Expired | KeyRefusal::Revoked | KeyRefusal::Legacy(_) => {
                Wrong::Known(refused(&refusal))
            }
        }),
    }
}

/// The alias of `AUTH_TOKEN-<alias>`.
fn pinned<'a>(app: &App, key: &'a str) -> Option<&'a str> {
    let own = &app.0.options.key;
    let (token, rest) = key.split_at_checked(own.expose().len())?;
    let alias = rest.strip_prefix('-').filter(|alias| !alias.is_empty())?;
    own.matches(token).then_some(alias)
}

fn permitted(access: Access, role: Role) -> Result<(), Failure> {
    let allowed =
        match (access, role) {
            (Access::Open | Access::Key, _)
            | (Access::Admin | Access::AdminOrShared, Role::Admin) => true,
            (Access::AdminOrShared, Role::Shared) => true,
            (Access::Admin, Role::Client | Role::Shared)
            | (Access::AdminOrShared, Role::Client) => false,
        };
    if allowed {
        return Ok(());
    }
    Err(Failure::new(
        FailureClass::Forbidden,
        "This key may not be used here: the gateway's AUTH_TOKEN is needed.",
    ))
}

fn missing() -> Failure {
    Failure::new(
        FailureClass::Unauthenticated,
        "No API key was given. Send the gateway's AUTH_TOKEN, or a key that was made for you, as \
         `Authorization: Bearer KEY` or `x-api-key: KEY`.",
    )
}

fn refused(refusal: &KeyRefusal) -> Failure {
    Failure::new(FailureClass::Unauthenticated, refusal.to_string())
}

/// Only told to those who have the token.
fn no_such_alias(alias: &str) -> Failure {
    let alias: String = alias.chars().take(64).collect();
    let text = format!("There is no account with the alias `{alias}`.");
    Failure::new(FailureClass::Unauthenticated, text)
}

fn too_often(wait: std::time::Duration) -> Failure {
    Failure::new(FailureClass::Busy, "Too many wrong keys came from this address; try again later.")
        .retry(Retry::After(wait))
}
