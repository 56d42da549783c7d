//! Who may come in. Checked before the body is looked at; routes are closed unless listed open.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, PoisonError};

use accounts::ClientKey;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use conversation::{Failure, FailureClass, Retry};
use gateway::{AccountView, Arrival, ClientId, Grant, KeyRefusal, Recording};
use http::HeaderMap;
use http::request::Parts;
use request_log::{Dialect, TraceContext};
use tokio::time::Instant;

use crate::failure::Refusal;
use crate::listen::Peer;
use crate::recorded::recorded;
use crate::router::Visit;
use crate::table::{Access, Route};
use crate::{App, body, percent};

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
    recording: Recording,
}

impl Caller {
    /// Where it is noted what becomes of the request.
    pub(crate) fn recording(&self) -> &Recording {
        &self.recording
    }

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

/// What is seen to before a closed route is served.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gate {
    pub(crate) access: Access,
    logged: Option<Logged>,
}

/// As what a route's requests are kept.
#[derive(Debug, Clone, Copy)]
struct Logged {
    dialect: Dialect,
    endpoint: &'static str,
}

impl Gate {
    pub(crate) fn of(route: &Route) -> Self {
        let logged = |dialect| Logged { dialect, endpoint: route.path };
        Self { access: route.access, logged: route.logged.map(logged) }
    }
}

impl Logged {
    fn arrival(self, visit: &Visit, headers: &HeaderMap) -> Arrival {
        let Self { dialect, endpoint } = self;
        let trace = headers.get("traceparent").and_then(|value| value.to_str().ok());
        let trace = trace.and_then(TraceContext::parse);
        Arrival { request_id: visit.id.clone(), dialect, endpoint, trace }
    }
}

/// The layer around every closed route.
pub(crate) async fn require_key(
    State((app, gate)): State<(App, Gate)>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let address = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Peer(address)| address);
    let keys = presented(request.uri().path(), request.headers());
    let checked = admit(&app, &keys, address).and_then(|caller| {
        permitted(gate.access, caller.role)?;
        Ok(caller)
    });
    let failure = match checked {
        Ok(mut caller) => {
            let visit = Visit::of(request.extensions());
            visit.note_caller(&caller);
            let Some(logged) = gate.logged else {
                request.extensions_mut().insert(caller);
                return next.run(request).await;
            };
            let arrival = logged.arrival(&visit, request.headers());
            let recording = app.0.gateway.record(arrival, &caller.grant);
            caller.recording = recording.clone();
            visit.trace.set_recording(recording.clone());
            request.extensions_mut().insert(caller);
            let response = next.run(request).await;
            return recorded(response, recording);
        }
        Err(failure) => failure,
    };
    let refusal = Visit::of(request.extensions()).refusal(failure);
    // A client that is still sending would otherwise read a broken pipe instead of the reason.
    let limit = app.options().body_limit;
    body::throw_away(request.into_body(), limit).await;
    refusal.into_response()
}

/// Why a key opens nothing.
enum Wrong {
    /// It is not one of ours: perhaps somebody is guessing.
    Guessed(Failure),
    /// It was or looks like one of ours; whoever sends it is not guessing.
    Known(Failure),
}

/// Who came with a right key, and whether it could have been found by trying.
struct Identified {
    caller: Caller,
    is_guessable: bool,
}

/// Operator tokens of so many bytes cannot be guessed over a network; what the gateway makes itself
/// is longer.
const LONG: usize = 16;

/// One right key among those that were shown is enough. Whoever guesses holds nobody up: where too
/// many keys were wrong, a right one is refused only if it could itself be a guess.
fn admit(app: &App, keys: &[&str], address: IpAddr) -> Result<Caller, Failure> {
    let mut last = None;
    let now = Instant::now().into_std();
    let guesses = || app.0.guesses.lock().unwrap_or_else(PoisonError::into_inner);
    for key in keys {
        match identify(app, key) {
            Ok(Identified { caller, is_guessable }) => {
                if is_guessable {
                    guesses().right(address, caller.client(), now).map_err(too_often)?;
                }
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

fn identify(app: &App, key: &str) -> Result<Identified, Wrong> {
    let options = app.options();
    let found = |role, grant, is_guessable| {
        let caller = Caller { grant: Arc::new(grant), role, recording: Recording::none() };
        Ok(Identified { caller, is_guessable })
    };
    let is_short = |token: &ClientKey| token.expose().len() < LONG;
    if options.key.matches(key) {
        let grant = Grant::operator(ClientId::new("auth_token"));
        return found(Role::Admin, grant, is_short(&options.key));
    }
    if let Some(shared) = options.shared_token.as_ref().filter(|shared| shared.matches(key)) {
        let grant = Grant::shared(ClientId::new("shared_token"));
        return found(Role::Shared, grant, is_short(shared));
    }
    if let Some(alias) = pinned(app, key) {
        let is_guessable = is_short(&options.key);
        let Some(account) = account_of(app, alias) else {
            let failure = no_such_alias(alias);
            // Only who has the token is told so, and that is worth a guess.
            return Err(if is_guessable { Wrong::Guessed(failure) } else { Wrong::Known(failure) });
        };
        let client = ClientId::new(format!("auth_token-{}", account.record.id));
        return found(Role::Admin, Grant::pinned(client, account.record.id), is_guessable);
    }
    match app.0.gateway.authenticate(key) {
        Ok(grant) => found(Role::Client, grant, false),
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
    let own = &app.options().key;
    let (token, rest) = key.split_at_checked(own.expose().len())?;
    let alias = rest.strip_prefix('-').filter(|alias| !alias.is_empty())?;
    own.matches(token).then_some(alias)
}

/// By the alias as it is, or percent-encoded: many clients send nothing but ASCII in headers.
fn account_of(app: &App, alias: &str) -> Option<AccountView> {
    let gateway = &app.0.gateway;
    gateway.account(alias).or_else(|| gateway.account(&percent::decoded(alias)?))
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
