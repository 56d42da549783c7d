//! Pages to be read: the readme and what it refers to, the licences, the API. They hold no script,
//! load nothing, and stand in the binary.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::LazyLock;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::response::{IntoResponse, Response};
use axum::{Extension, body::Bytes};
use conversation::{Failure, FailureClass};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::language::Language;
use crate::markdown::{self, escaped};
use crate::openapi;
use crate::router::Visit;

mod api;
mod documents;

/// The one style of all pages.
const STYLE: &str = include_str!("pages/style.css");

/// Nothing but this style; a test keeps the hash right.
const POLICY: &str = "default-src 'none'; style-src 'sha256-XD55OwJuIVUQrsIiF3JlEaJ8zKGklARWnVf2U0JUSyI='; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// A page or file that stands in the binary, ready to be sent.
struct Fixed {
    media: &'static str,
    bytes: Bytes,
    tag: String,
}

impl Fixed {
    fn new(media: &'static str, text: String) -> Self {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        Self { media, bytes: Bytes::from(text), tag: format!("\"{:016x}\"", hasher.finish()) }
    }

    fn page(language: Language, title: &str, inside: &str) -> Self {
        Self::new("text/html; charset=utf-8", whole(language, title, inside))
    }

    /// The page, or nothing for who has it already.
    fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            let tags = value.to_str().unwrap_or_default().split(',').map(str::trim);
            tags.into_iter().any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.tag)
        });
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            self.bytes.clone().into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media));
        if known {
            headers.remove(header::CONTENT_TYPE);
        }
        if let Ok(tag) = HeaderValue::from_str(&self.tag) {
            headers.insert(header::ETAG, tag);
        }
        // To be asked about each time: the next version may say something else.
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        response
    }
}

fn whole(language: Language, title: &str, inside: &str) -> String {
    let lang = language.pick("zh", "en");
    let (readme, api, license) =
        language.pick(("说明", "接口", "许可证"), ("Readme", "API", "Licence"));
    format!(
        "<!doctype html><html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><style>{STYLE}</style></head><body>\
         <header class=\"bar\"><strong>cursor-api {}</strong>\
         <a href=\"/readme?lang={lang}\">{readme}</a><a href=\"/api\">{api}</a>\
         <a href=\"/license\">{license}</a></header>{inside}</body></html>",
        escaped(title),
        env!("CARGO_PKG_VERSION"),
    )
}

/// Which language is wanted, when not the one of `Accept-Language`.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    lang: Option<String>,
}

/// `GET /readme`.
pub(crate) async fn readme(
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    static CHINESE: LazyLock<Fixed> =
        LazyLock::new(|| document(Language::Chinese, "README.zh-CN.md"));
    static ENGLISH: LazyLock<Fixed> = LazyLock::new(|| document(Language::English, "README.md"));
    let named = wanted.ok().and_then(|Query(wanted)| wanted.lang);
    let language = match named.as_deref() {
        Some("zh") => Language::Chinese,
        Some("en") => Language::English,
        Some(_) | None => Language::of(&headers),
    };
    let mut response = language.pick(&CHINESE, &ENGLISH).answer(&headers);
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
    response
}

fn document(language: Language, path: &str) -> Fixed {
    let text = documents::text(path).unwrap_or_default();
    let inside = markdown::html(text, |target| documents::address(path, target));
    let title = text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(path);
    Fixed::page(language, title, &format!("<main>{inside}</main>"))
}

/// `GET /readme/{*page}`: what the readme refers to.
pub(crate) async fn referred(
    Extension(visit): Extension<Visit>,
    page: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    let Some(Path(page)) = page.ok().filter(|Path(page)| documents::text(page).is_some()) else {
        let failure = Failure::new(FailureClass::NotFound, "There is no such document.");
        return visit.refusal(failure).into_response();
    };
    document(Language::English, &page).answer(&headers)
}

/// `GET /license`.
pub(crate) async fn license(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<Fixed> = LazyLock::new(|| {
        let text = |text: &str| format!("<pre>{}</pre>", escaped(text));
        let inside = format!(
            "<main><h1>Licence</h1><p>MIT or Apache-2.0, at your choice.</p>\
             <h2 id=\"mit\">MIT</h2>{}<h2 id=\"apache\">Apache-2.0</h2>{}</main>",
            text(include_str!("../../../LICENSE-MIT")),
            text(include_str!("../../../LICENSE-APACHE")),
        );
        Fixed::page(Language::English, "Licence", &inside)
    });
    PAGE.answer(&headers)
}

/// `GET /api`.
pub(crate) async fn api(headers: HeaderMap) -> Response {
    static PAGE: LazyLock<Fixed> =
        LazyLock::new(|| Fixed::page(Language::English, "API of cursor-api", &api::page()));
    PAGE.answer(&headers)
}

/// `GET /openapi.json`.
pub(crate) async fn open_api(headers: HeaderMap) -> Response {
    static FILE: LazyLock<Fixed> =
        LazyLock::new(|| Fixed::new("application/json", openapi::document().to_string()));
    FILE.answer(&headers)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// Without it, browsers would show the pages bare.
    #[test]
    fn the_policy_names_the_style() {
        let hash = base64::prelude::BASE64_STANDARD.encode(Sha256::digest(STYLE));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "sha256-{hash}");
    }
}
