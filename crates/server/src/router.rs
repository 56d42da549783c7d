//! The whole route table, and the layers around it.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{MethodRouter, get, post};
use conversation::{Failure, FailureClass};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::App;
use crate::auth::require_key;
use crate::failure::respond;
use crate::{health, landing, routes};

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
    handler: fn() -> MethodRouter<App>,
}

/// Every route. A test keeps a golden copy, so that a change of exposure shows.
pub const ROUTES: &[Route] = &[
    open("GET", "/", || get(landing::show)),
    open("GET", "/health", || get(health::show)),
    Route {
        reads_body: true,
        ..closed("POST", "/v1/chat/completions", || post(routes::chat_completions))
    },
    closed("GET", "/v1/models", || get(routes::list_models)),
    closed("GET", "/v1/models/{*id}", || get(routes::show_model)),
];

const fn open(
    method: &'static str,
    path: &'static str,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route { method, path, access: Access::Open, reads_body: false, prefixed: false, handler }
}

const fn closed(
    method: &'static str,
    path: &'static str,
    handler: fn() -> MethodRouter<App>,
) -> Route {
    Route { method, path, access: Access::Key, reads_body: false, prefixed: true, handler }
}

/// The service.
pub fn router(app: App) -> Router {
    let key = middleware::from_fn_with_state(app.clone(), require_key);
    let prefix = app.0.options.route_prefix.clone();
    let mut router = Router::new();
    for route in ROUTES {
        let handler = || match route.access {
            Access::Open => (route.handler)().fallback(method_not_allowed),
            // Around the route's 405 as well: 401 comes before everything else.
            Access::Key => (route.handler)().fallback(method_not_allowed).layer(key.clone()),
        };
        router = router.route(route.path, handler());
        if route.prefixed && !prefix.is_empty() {
            router = router.route(&format!("{prefix}{}", route.path), handler());
        }
    }
    router
        .fallback(not_found)
        .layer(middleware::from_fn_with_state(app.clone(), request_id))
        .with_state(app)
}

/// The id of a request, for its log lines and its answer.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives every request an id and every answer its header.
async fn request_id(State(app): State<App>, mut request: Request, next: Next) -> Response {
    const NAME: HeaderName = HeaderName::from_static("x-request-id");
    let id = format!("req_{}", app.0.ambient.uuid().simple());
    let value = HeaderValue::from_str(&id);
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    if let Ok(value) = value {
        response.headers_mut().insert(NAME, value);
    }
    response
}

async fn not_found(request: Request) -> Response {
    let text = format!("There is nothing at {} {}.", request.method(), request.uri().path());
    let failure = Failure::new(FailureClass::Invalid, text);
    respond(StatusCode::NOT_FOUND, &failure)
}

async fn method_not_allowed(request: Request) -> Response {
    let text = format!("{} does not take {}.", request.uri().path(), request.method());
    let failure = Failure::new(FailureClass::Invalid, text);
    respond(StatusCode::METHOD_NOT_ALLOWED, &failure)
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
                    "{} {} {:?} body={} prefixed={}",
                    route.method, route.path, route.access, route.reads_body, route.prefixed
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                "GET / Open body=false prefixed=false",
                "GET /health Open body=false prefixed=false",
                "POST /v1/chat/completions Key body=true prefixed=true",
                "GET /v1/models Key body=false prefixed=true",
                "GET /v1/models/{*id} Key body=false prefixed=true",
            ]
        );
    }
}
