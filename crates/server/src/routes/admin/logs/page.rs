//! `GET /logs`: a page for browsers. It holds nothing of the log; what it shows it asks for with the
//! key that its reader types in.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};

use crate::{App, LogsPage};

const PAGE: &str = include_str!("page.html");

/// `GET /logs`.
pub(crate) async fn show(State(app): State<App>) -> Response {
    const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
    const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
    let (kind, body, policy) = match &app.options().logs_page {
        LogsPage::Default => {
            let nonce = app.0.ambient.uuid().simple().to_string();
            (HTML, PAGE.replace("{{nonce}}", &nonce), Some(policy(&nonce)))
        }
        LogsPage::Text(text) => (TEXT, text.clone(), None),
        LogsPage::Html(html) => (HTML, html.clone(), None),
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    if let Some(policy) = policy.and_then(|policy| HeaderValue::try_from(policy).ok()) {
        const POLICY: HeaderName = header::CONTENT_SECURITY_POLICY;
        headers.insert(POLICY, policy);
    }
    response
}

/// Only the page's own script and style run, and only this gateway is asked.
fn policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
