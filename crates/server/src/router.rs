//! The whole route table, and the layers around it.

use std::sync::Arc;

use accounts::ClientKey;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use conversation::{Failure, FailureClass};
use gateway::for_strangers;
use http::{Extensions, HeaderName, HeaderValue, StatusCode, header};

use crate::App;
use crate::auth::{Caller, Gate, require_key};
use crate::cors;
use crate::failure::{Refusal, Surface};
use crate::language::Language;
use crate::panic::{self, Guarded};
use crate::private;
use crate::readiness::{self, Phase};
use crate::table::{Access, ROUTES};
use crate::trace::Trace;

/// Base path of the second product of the specification, whose clients send the key bare.
pub(crate) const CURSOR_BASE: &str = "/cursor";

/// The service.
pub fn router(app: App) -> Router {
    let guard = |gate| middleware::from_fn_with_state((app.clone(), gate), require_key);
    // Handlers of one path are one method router, so that a 405 knows all methods.
    let mut paths: Vec<(String, Gate, MethodRouter<App>)> = Vec::new();
    for route in ROUTES {
        for path in route.paths(&app.options().route_prefix) {
            let handler = (route.handler)();
            match paths.iter().position(|(known, ..)| *known == path) {
                Some(at) => {
                    let (path, gate, known) = paths.swap_remove(at);
                    paths.push((path, gate, known.merge(handler)));
                }
                None => paths.push((path, Gate::of(route), handler)),
            }
        }
    }
    let mut router = Router::new();
    for (path, gate, handler) in paths {
        let handler = handler.fallback(method_not_allowed);
        let handler = match gate.access {
            Access::Open => handler,
            // Around the route's 405 as well: 401 comes before everything else.
            Access::Key | Access::Admin | Access::AdminOrShared => handler.layer(guard(gate)),
        };
        router = router.route(&path, handler);
    }
    let router =
        router.fallback(not_found).layer(middleware::from_fn_with_state(app.clone(), visit));
    let cors = middleware::from_fn_with_state(app.clone(), cors::admit);
    router.layer(cors).with_state(app)
}

/// A request as everything that answers it needs to know it.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// For log lines and the answer's header.
    pub(crate) id: String,
    pub(crate) surface: Surface,
    /// What the administrator is told besides.
    pub(crate) trace: Arc<Trace>,
}

impl Visit {
    /// Of a request that came through the layer, as all do.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions.get::<Self>().cloned().unwrap_or_else(|| Self {
            id: String::new(),
            surface: Surface::OpenAi,
            trace: Arc::default(),
        })
    }

    /// The language in which the administrator is answered.
    pub(crate) fn language(&self) -> Language {
        match self.surface {
            Surface::Admin(language) | Surface::ErrorOnly(language) => language,
            Surface::OpenAi | Surface::Responses | Surface::Anthropic | Surface::Editor => {
                Language::default()
            }
        }
    }

    /// How many accounts there are, and how they stand, is the administrator's to know.
    pub(crate) fn told(&self, mut failure: Failure) -> Failure {
        if !self.trace.is_shown() {
            failure.client = for_strangers(&failure.client).to_owned();
        }
        failure
    }

    pub(crate) fn note_caller(&self, caller: &Caller) {
        if caller.grant.is_operator() {
            self.trace.show();
        }
    }

    pub(crate) fn refusal(&self, failure: Failure) -> Refusal {
        self.trace.failed(&failure);
        let failure = self.told(failure);
        let (surface, request_id) = (self.surface, self.id.clone());
        Refusal { surface, status: None, failure: Box::new(failure), request_id }
    }
}

/// Gives every request an id and every answer its headers; OpenAI's clients look for the first
/// name, Anthropic's for the second.
async fn visit(State(app): State<App>, mut request: Request, next: Next) -> Response {
    const NAMES: [HeaderName; 2] =
        [HeaderName::from_static("x-request-id"), HeaderName::from_static("request-id")];
    let id = format!("req_{}", app.0.ambient.uuid().simple());
    let value = HeaderValue::from_str(&id);
    let surface = Surface::of(request.uri().path(), request.headers());
    let shown = id.clone();
    let trace = Arc::<Trace>::default();
    request.extensions_mut().insert(Visit { id, surface, trace: Arc::clone(&trace) });
    let method = request.method().clone();
    let path = logged_path(&app, &request);
    let version = request.version();
    let visit = Visit { id: shown.clone(), surface, trace: Arc::clone(&trace) };
    let mut response = answer(&app, &visit, request, next).await;
    if app.0.life.phase() == Phase::Draining {
        readiness::close(version, &mut response);
    }
    let status = response.status().as_u16();
    if status >= 400 {
        tracing::info!(request = %shown, status, %method, path, "refused");
    }
    if status >= 400 && !trace.is_recorded() {
        app.0.telemetry.refused(status);
    }
    trace.write(response.headers_mut());
    if surface.is_own() {
        let no_store = HeaderValue::from_static("no-store");
        response.headers_mut().insert(header::CACHE_CONTROL, no_store);
    }
    if let Ok(value) = value {
        for name in NAMES {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// The answer, also where a handler panics.
async fn answer(app: &App, visit: &Visit, request: Request, next: Next) -> Response {
    let draining = app.0.life.phase() == Phase::Draining;
    if draining && !readiness::is_health(request.uri().path()) {
        return readiness::refuse(visit).into_response();
    }
    let panics = &app.0.panics;
    match panic::guard(next.run(request)).await {
        Ok(response) => response.map(|body| Guarded::body(body, panics, &visit.id)),
        Err(panicked) => {
            panicked.report(panics, &visit.id);
            let text = format!("The gateway failed on this request ({}).", visit.id);
            let refusal = visit.refusal(Failure::new(FailureClass::Internal, text));
            visit.trace.answered(refusal.into_response())
        }
    }
}

/// Fit for log lines. Not for answers: what is hidden here would tell whoever guesses that he is
/// right.
fn logged_path(app: &App, request: &Request) -> String {
    let options = app.options();
    let shared = options.shared_token.as_ref().map_or("", ClientKey::expose);
    private::path(request.uri().path(), &[options.key.expose(), shared])
}

async fn not_found(request: Request) -> Response {
    let path = private::path(request.uri().path(), &[]);
    let hint = hint(request.uri().path()).unwrap_or_default();
    let text = format!("There is nothing at {} {path}.{hint}", request.method());
    let failure = Failure::new(FailureClass::NotFound, text);
    Visit::of(request.extensions()).refusal(failure).into_response()
}

/// The usual mistakes with base URLs.
fn hint(path: &str) -> Option<&'static str> {
    if path.contains("/v1/v1/") {
        return Some(" The address for clients of Anthropic's API ends without /v1.");
    }
    let ends = ["/chat/completions", "/responses", "/completions", "/models", "/messages"];
    (!path.contains("/v1/") && ends.iter().any(|end| path.ends_with(end)))
        .then_some(" The address for clients of OpenAI's API ends with /v1.")
}

async fn method_not_allowed(request: Request) -> Response {
    if request.method() == http::Method::OPTIONS {
        // A probe; the methods are in the header that is added around this.
        return StatusCode::NO_CONTENT.into_response();
    }
    let path = private::path(request.uri().path(), &[]);
    let text = format!("{path} does not take {}.", request.method());
    refuse(&request, StatusCode::METHOD_NOT_ALLOWED, text)
}

fn refuse(request: &Request, status: StatusCode, text: String) -> Response {
    let failure = Failure::new(FailureClass::Invalid, text);
    let refusal = Visit::of(request.extensions()).refusal(failure);
    Refusal { status: Some(status), ..refusal }.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_base_urls_get_a_hint() {
        for (path, hinted) in [
            ("/v1/v1/messages", true),
            ("/chat/completions", true),
            ("/responses", true),
            ("/v1/nonsense", false),
            ("/favicon.ico", false),
        ] {
            assert_eq!(hint(path).is_some(), hinted, "{path}");
        }
    }
}
