//! The whole route table, and the layers around it.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post};
use conversation::{Failure, FailureClass};
use http::{Extensions, HeaderName, HeaderValue, StatusCode};
use tower_http::cors::CorsLayer;

use crate::App;
use crate::auth::require_key;
use crate::failure::{Refusal, Surface};
use crate::routes::{anthropic, completions, models, openai_chat, responses};
use crate::{cors, health, landing};

/// Base path of the second product of the specification, whose clients send the key bare.
pub(crate) const CURSOR_BASE: &str = "/cursor";

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; shows nothing and spends nothing.
    Open,
    /// Holders of the client key.
    Key,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    pub path: &'static str,
    pub access: Access,
    /// Whether a request body is read, up to the configured limit.
    pub reads_body: bool,
    /// Whether it is also served under the route prefix.
    pub prefixed: bool,
    /// Whether it is also served under `/cursor`.
    pub cursor: bool,
    handler: fn() -> MethodRouter<App>,
}

/// Every route. A test keeps a golden copy, so that a change of exposure shows.
pub const ROUTES: &[Route] = &[
    open("GET", "/", || get(landing::show)),
    open("GET", "/health", || get(health::show)),
    Route {
        cursor: true,
        ..closed("POST", "/v1/chat/completions", || post(openai_chat::chat_completions))
            .reads_body()
    },
    closed("POST", "/v1/completions", || post(completions::completions)).reads_body(),
    closed("POST", "/v1/messages", || post(anthropic::messages)).reads_body(),
    closed("POST", "/v1/messages/count_tokens", || post(anthropic::count_tokens)).reads_body(),
    closed("POST", "/v1/responses", || post(responses::create)).reads_body(),
    closed("POST", "/v1/responses/input_tokens", || post(responses::input_tokens)).reads_body(),
    closed("POST", "/v1/responses/compact", || post(responses::compact)).reads_body(),
    closed("GET", "/v1/responses/{id}", || get(responses::show)),
    closed("DELETE", "/v1/responses/{id}", || delete(responses::remove)),
    closed("GET", "/v1/responses/{id}/input_items", || get(responses::input_items)),
    closed("POST", "/v1/responses/{id}/cancel", || post(responses::cancel)),
    Route { cursor: true, ..closed("GET", "/v1/models", || get(models::list)) },
    Route { cursor: true, ..closed("GET", "/v1/models/{*id}", || get(models::show)) },
];

const fn open(
    method: &'static str,
    path: &'static str,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    let access = Access::Open;
    Route { method, path, access, reads_body: false, prefixed: false, cursor: false, handler }
}

const fn closed(
    method: &'static str,
    path: &'static str,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    let access = Access::Key;
    Route { method, path, access, reads_body: false, prefixed: true, cursor: false, handler }
}

impl Route {
    const fn reads_body(self) -> Self {
        Self { reads_body: true, ..self }
    }

    /// Every path it is served at.
    fn paths(&self, prefix: &str) -> Vec<String> {
        let mut paths = vec![self.path.to_owned()];
        if self.prefixed && !prefix.is_empty() {
            paths.push(format!("{prefix}{}", self.path));
        }
        if self.cursor && prefix != CURSOR_BASE {
            paths.push(format!("{CURSOR_BASE}{}", self.path));
        }
        paths
    }
}

/// The service.
pub fn router(app: App) -> Router {
    let key = middleware::from_fn_with_state(app.clone(), require_key);
    // Handlers of one path are one method router, so that a 405 knows all methods.
    let mut paths: Vec<(String, Access, MethodRouter<App>)> = Vec::new();
    for route in ROUTES {
        for path in route.paths(&app.0.options.route_prefix) {
            let handler = (route.handler)();
            match paths.iter().position(|(known, ..)| *known == path) {
                Some(at) => {
                    let (path, access, known) = paths.swap_remove(at);
                    paths.push((path, access, known.merge(handler)));
                }
                None => paths.push((path, route.access, handler)),
            }
        }
    }
    let mut router = Router::new();
    for (path, access, handler) in paths {
        let handler = handler.fallback(method_not_allowed);
        let handler = match access {
            Access::Open => handler,
            // Around the route's 405 as well: 401 comes before everything else.
            Access::Key => handler.layer(key.clone()),
        };
        router = router.route(&path, handler);
    }
    let router =
        router.fallback(not_found).layer(middleware::from_fn_with_state(app.clone(), visit));
    let cors: Option<CorsLayer> = cors::layer(&app.0.options.cors_origins);
    let router = match cors {
        Some(cors) => router.layer(cors),
        None => router,
    };
    router.with_state(app)
}

/// A request as everything that answers it needs to know it.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    /// For log lines and the answer's header.
    pub(crate) id: String,
    pub(crate) surface: Surface,
}

impl Visit {
    /// Of a request that came through the layer, as all do.
    pub(crate) fn of(extensions: &Extensions) -> Self {
        extensions
            .get::<Self>()
            .cloned()
            .unwrap_or_else(|| Self { id: String::new(), surface: Surface::OpenAi })
    }

    pub(crate) fn refusal(&self, failure: Failure) -> Refusal {
        let (surface, request_id) = (self.surface, self.id.clone());
        Refusal { surface, status: None, failure, request_id }
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
    request.extensions_mut().insert(Visit { id, surface });
    let mut response = next.run(request).await;
    if let Ok(value) = value {
        for name in NAMES {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

async fn not_found(request: Request) -> Response {
    let text = format!("There is nothing at {} {}.", request.method(), request.uri().path());
    refuse(&request, StatusCode::NOT_FOUND, text)
}

async fn method_not_allowed(request: Request) -> Response {
    if request.method() == http::Method::OPTIONS {
        // A probe; the methods are in the header that is added around this.
        return StatusCode::NO_CONTENT.into_response();
    }
    let text = format!("{} does not take {}.", request.uri().path(), request.method());
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

    /// Invariant: exposure changes only on purpose.
    #[test]
    fn the_route_list_is_golden() {
        let lines: Vec<String> = ROUTES
            .iter()
            .map(|route| {
                format!(
                    "{} {} {:?} body={} prefixed={} cursor={}",
                    route.method,
                    route.path,
                    route.access,
                    route.reads_body,
                    route.prefixed,
                    route.cursor
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "GET / Open body=false prefixed=false cursor=false",
                "GET /health Open body=false prefixed=false cursor=false",
                "POST /v1/chat/completions Key body=true prefixed=true cursor=true",
                "POST /v1/completions Key body=true prefixed=true cursor=false",
                "POST /v1/messages Key body=true prefixed=true cursor=false",
                "POST /v1/messages/count_tokens Key body=true prefixed=true cursor=false",
                "POST /v1/responses Key body=true prefixed=true cursor=false",
                "POST /v1/responses/input_tokens Key body=true prefixed=true cursor=false",
                "POST /v1/responses/compact Key body=true prefixed=true cursor=false",
                "GET /v1/responses/{id} Key body=false prefixed=true cursor=false",
                "DELETE /v1/responses/{id} Key body=false prefixed=true cursor=false",
                "GET /v1/responses/{id}/input_items Key body=false prefixed=true cursor=false",
                "POST /v1/responses/{id}/cancel Key body=false prefixed=true cursor=false",
                "GET /v1/models Key body=false prefixed=true cursor=true",
                "GET /v1/models/{*id} Key body=false prefixed=true cursor=true",
            ]
        );
    }
}
