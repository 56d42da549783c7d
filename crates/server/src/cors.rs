//! Which web pages may call the gateway: none, unless the operator names their origins. Changes
//! with the options.

use std::convert::Infallible;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderValue, Method, header};
use tower::{Layer as _, ServiceExt as _};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer, ExposeHeaders};

use crate::App;

/// The layer around everything.
pub(crate) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let cors = app.cors();
    match cors.as_ref() {
        None => next.run(request).await,
        Some(cors) => {
            let answered: Result<Response, Infallible> = cors.layer(next).oneshot(request).await;
            match answered {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
    }
}

/// `None` when no origin is named: then there is no CORS header at all, and browsers refuse.
pub(crate) fn layer(origins: &[String]) -> Option<CorsLayer> {
    if origins.is_empty() {
        return None;
    }
    let origin = if origins.iter().any(|origin| origin == "*") {
        AllowOrigin::any()
    } else {
        AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok()))
    };
    let exposed = [
        "request-id",
        "x-request-id",
        "x-ignored-fields",
        "retry-after",
        "x-config-hash",
        "x-config-restart",
        "x-config-overridden",
    ];
    Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            // SDKs in browsers send a dozen headers of their own.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(ExposeHeaders::list(exposed.map(header::HeaderName::from_static)))
            .max_age(std::time::Duration::from_secs(3600)),
    )
}
