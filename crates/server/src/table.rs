//! The whole route table.

use axum::routing::{MethodRouter, delete, get, post};

use crate::App;
use crate::router::CURSOR_BASE;
use crate::routes::admin::{
    build_key, keys, login, pool, profile, proxies, random, tokens, tokens_change,
};
use crate::routes::{anthropic, completions, editor, models, openai_chat, responses};
use crate::{health, landing, metrics};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody; shows nothing and spends nothing.
    Open,
    /// Holders of any key.
    Key,
    /// The holder of `AUTH_TOKEN`.
    Admin,
    /// The holder of `AUTH_TOKEN`, and those who were given `SHARED_TOKEN`.
    AdminOrShared,
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
    pub(crate) handler: fn() -> MethodRouter<App>,
}

/// Every route. A test keeps a golden copy, so that a change of exposure shows.
pub const ROUTES: &[Route] = &[
    open("GET", "/", || get(landing::show)),
    open("GET", "/health", || get(health::show)),
    Route { access: Access::Admin, ..open("GET", "/metrics", || get(metrics::show)) },
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
    closed("POST", "/cpp/config", || post(editor::config)).reads_body(),
    closed("POST", "/cpp/models", || post(editor::models)),
    closed("POST", "/cpp/stream", || post(editor::stream)).reads_body(),
    closed("POST", "/file/upload", || post(editor::upload)).reads_body(),
    closed("POST", "/file/sync", || post(editor::sync)).reads_body(),
    own("/tokens/get", || post(tokens::get)),
    own("/tokens/set", || post(tokens::set)),
    own("/tokens/add", || post(tokens::add)),
    own("/tokens/del", || post(tokens::del)),
    own("/tokens/tags/set", || post(tokens_change::set_tags)),
    own("/tokens/profile/update", || post(tokens_change::update_profiles)),
    own("/tokens/config-version/update", || post(tokens_change::update_config_versions)),
    own("/tokens/refresh", || post(tokens_change::refresh)),
    own("/tokens/status/set", || post(tokens_change::set_status)),
    own("/tokens/alias/set", || post(tokens_change::set_alias)),
    own("/tokens/proxy/set", || post(tokens_change::set_proxy)),
    own("/tokens/timezone/set", || post(tokens_change::set_timezone)),
    own("/tokens/merge", || post(tokens_change::merge)),
    own("/tokens/test", || post(tokens_change::test)),
    own("/tokens/marks/clear", || post(tokens_change::clear_marks)),
    own("/keys/get", || post(keys::get)),
    own("/keys/create", || post(keys::create)),
    own("/keys/set", || post(keys::set)),
    own("/keys/rotate", || post(keys::rotate)),
    own("/keys/revoke", || post(keys::revoke)),
    own("/keys/del", || post(keys::del)),
    own("/proxies/get", || post(proxies::get)),
    own("/proxies/set", || post(proxies::set)),
    own("/proxies/add", || post(proxies::add)),
    own("/proxies/del", || post(proxies::del)),
    own("/proxies/set-general", || post(proxies::set_general)),
    own("/proxies/test", || post(proxies::test)),
    own("/pool/get", || post(pool::get)),
    own("/login/start", || post(login::start)),
    own("/login/finish", || post(login::finish)),
    shared("/build-key", || post(build_key::build)),
    shared("/token-profile/get", || post(profile::token_profile)),
    shared("/config-version/get", || post(profile::config_version)),
    shared("/token-upgrade", || post(profile::token_upgrade)),
    open("GET", "/gen-uuid", || get(random::uuid)),
    open("GET", "/gen-hash", || get(random::hash)),
    open("GET", "/gen-checksum", || get(random::checksum)),
    open("GET", "/gen-token", || get(random::token)),
    open("GET", "/get-checksum-header", || get(random::checksum_header)),
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

/// For the administrator.
const fn own(path: &'static str, handler: fn() -> MethodRouter<App>) -> Route {
    let access = Access::Admin;
    Route { access, prefixed: false, ..closed("POST", path, handler) }.reads_body()
}

/// For the administrator, and those who were given the shared token.
const fn shared(path: &'static str, handler: fn() -> MethodRouter<App>) -> Route {
    Route { access: Access::AdminOrShared, ..own(path, handler) }
}

impl Route {
    const fn reads_body(self) -> Self {
        Self { reads_body: true, ..self }
    }

    /// Every path it is served at.
    pub(crate) fn paths(&self, prefix: &str) -> Vec<String> {
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
                "GET /metrics Admin body=false prefixed=false cursor=false",
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
                "POST /cpp/config Key body=true prefixed=true cursor=false",
                "POST /cpp/models Key body=false prefixed=true cursor=false",
                "POST /cpp/stream Key body=true prefixed=true cursor=false",
                "POST /file/upload Key body=true prefixed=true cursor=false",
                "POST /file/sync Key body=true prefixed=true cursor=false",
                "POST /tokens/get Admin body=true prefixed=false cursor=false",
                "POST /tokens/set Admin body=true prefixed=false cursor=false",
                "POST /tokens/add Admin body=true prefixed=false cursor=false",
                "POST /tokens/del Admin body=true prefixed=false cursor=false",
                "POST /tokens/tags/set Admin body=true prefixed=false cursor=false",
                "POST /tokens/profile/update Admin body=true prefixed=false cursor=false",
                "POST /tokens/config-version/update Admin body=true prefixed=false cursor=false",
                "POST /tokens/refresh Admin body=true prefixed=false cursor=false",
                "POST /tokens/status/set Admin body=true prefixed=false cursor=false",
                "POST /tokens/alias/set Admin body=true prefixed=false cursor=false",
                "POST /tokens/proxy/set Admin body=true prefixed=false cursor=false",
                "POST /tokens/timezone/set Admin body=true prefixed=false cursor=false",
                "POST /tokens/merge Admin body=true prefixed=false cursor=false",
                "POST /tokens/test Admin body=true prefixed=false cursor=false",
                "POST /tokens/marks/clear Admin body=true prefixed=false cursor=false",
                "POST /keys/get Admin body=true prefixed=false cursor=false",
                "POST /keys/create Admin body=true prefixed=false cursor=false",
                "POST /keys/set Admin body=true prefixed=false cursor=false",
                "POST /keys/rotate Admin body=true prefixed=false cursor=false",
                "POST /keys/revoke Admin body=true prefixed=false cursor=false",
                "POST /keys/del Admin body=true prefixed=false cursor=false",
                "POST /proxies/get Admin body=true prefixed=false cursor=false",
                "POST /proxies/set Admin body=true prefixed=false cursor=false",
                "POST /proxies/add Admin body=true prefixed=false cursor=false",
                "POST /proxies/del Admin body=true prefixed=false cursor=false",
                "POST /proxies/set-general Admin body=true prefixed=false cursor=false",
                "POST /proxies/test Admin body=true prefixed=false cursor=false",
                "POST /pool/get Admin body=true prefixed=false cursor=false",
                "POST /login/start Admin body=true prefixed=false cursor=false",
                "POST /login/finish Admin body=true prefixed=false cursor=false",
                "POST /build-key AdminOrShared body=true prefixed=false cursor=false",
                "POST /token-profile/get AdminOrShared body=true prefixed=false cursor=false",
                "POST /config-version/get AdminOrShared body=true prefixed=false cursor=false",
                "POST /token-upgrade AdminOrShared body=true prefixed=false cursor=false",
                "GET /gen-uuid Open body=false prefixed=false cursor=false",
                "GET /gen-hash Open body=false prefixed=false cursor=false",
                "GET /gen-checksum Open body=false prefixed=false cursor=false",
                "GET /gen-token Open body=false prefixed=false cursor=false",
                "GET /get-checksum-header Open body=false prefixed=false cursor=false",
            ]
        );
    }
}
