//! The page at `/`: says what answers here and nothing of what is inside.

use axum::response::{Html, IntoResponse, Response};

/// `GET /`.
pub(crate) async fn show() -> Response {
    let version = env!("CARGO_PKG_VERSION");
    Html(format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>cursor-api</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <style>body{{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:4em auto;padding:0 1em}}\
         code{{background:#8882;padding:.1em .3em;border-radius:.2em}}</style>\
         <h1>cursor-api {version}</h1>\
         <p>A gateway for clients of OpenAI and Anthropic. Point an OpenAI client at <code>/v1</code> \
         of this address, an Anthropic one at the address itself, and give it the gateway's key.</p>\
         <ul><li><code>POST /v1/chat/completions</code></li><li><code>POST /v1/responses</code></li>\
         <li><code>POST /v1/messages</code></li><li><code>POST /v1/completions</code></li>\
         <li><code>GET /v1/models</code></li>\
         <li><a href=\"/health\"><code>GET /health</code></a></li></ul>\
         <p><a href=\"/readme\">Readme</a> · <a href=\"/api\">API</a> · \
         <a href=\"/license\">Licence</a></p></html>"
    ))
    .into_response()
}
