//! Which web pages may call the gateway: none, unless the operator names their origins.

use http::{HeaderValue, Method, header};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer, ExposeHeaders};

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
    let exposed = ["request-id", "x-request-id", "x-ignored-fields", "retry-after"];
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
