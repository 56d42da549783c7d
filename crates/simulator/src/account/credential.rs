//! Whose credential a request carries, and whether a browser page of ours sent it.

use std::time::SystemTime;

use http::header::{COOKIE, HOST, ORIGIN};
use http::{HeaderMap, Request};

use super::Access;
use super::form::percent_decode;
use crate::route::checks;
use crate::state::State;
use crate::tokens;

const SESSION_COOKIE: &str = "WorkosCursorSessionToken";
const DASHBOARD: &str = "https://cursor.com";

/// The user of a credential that is valid now and was not revoked.
pub(crate) fn user(access: Access, headers: &HeaderMap, state: &State) -> Option<String> {
    let now = SystemTime::now();
    match access {
        Access::Cookie => {
            let (user, token) = cookie(headers)?;
            let valid = !state.is_revoked(&token)
                && tokens::verify_any(&token, now).as_deref() == Some(user.as_str());
            valid.then_some(user)
        }
        Access::Bearer => {
            let secret = checks::bearer(headers).filter(|secret| !state.is_revoked(secret))?;
            tokens::verify(secret, now)
        }
        Access::KeyOrBearer => {
            let secret = checks::bearer(headers).filter(|secret| !state.is_revoked(secret))?;
            tokens::user_of_api_key(secret).or_else(|| tokens::verify(secret, now))
        }
        Access::Open => None,
    }
}

/// User id and token of the session cookie: `<user id>%3A%3A<JWT>`.
fn cookie(headers: &HeaderMap) -> Option<(String, String)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim() == SESSION_COOKIE)?;
    let value = String::from_utf8(percent_decode(value.trim())).ok()?;
    let (user, token) = value.split_once("::")?;
    Some((user.to_owned(), token.to_owned()))
}

/// Whether the `Origin` is that of the dashboard, or of the simulator as the client named it.
pub(crate) fn is_own_origin<B>(request: &Request<B>, is_tls: bool) -> bool {
    let Some(origin) = checks::header(request.headers(), ORIGIN.as_str()) else {
        return false;
    };
    let host = request.uri().authority().map(http::uri::Authority::as_str);
    let host = host.or_else(|| checks::header(request.headers(), HOST.as_str()));
    let scheme = if is_tls { "https" } else { "http" };
    origin == DASHBOARD || host.is_some_and(|host| origin == format!("{scheme}://{host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_of_the_vectors() {
        let text = include_str!("../../../../fixtures/vectors/auth.json");
        let all: serde_json::Value = serde_json::from_str(text).expect("a JSON file");
        let mut vectors = all["vectors"].as_array().into_iter().flatten();
        let vector = vectors.find(|vector| vector["name"] == "cookie").expect("the vector");
        let mut headers = HeaderMap::new();
        let value = format!("a=b; {}; c", vector["value"].as_str().expect("a text"));
        headers.insert(COOKIE, value.parse().expect("a header value"));
        let (user, token) = cookie(&headers).expect("a session");
        assert_eq!(user, "user_01ABCDEFGHJKMNPQRSTVWXYZ01");
        assert!(token.starts_with("eyJ") && token.split('.').count() == 3);
    }

    #[test]
    fn origins() {
        let asks = |origin: &str, is_tls| {
            let request = Request::post("/x").header("origin", origin).header("host", "local:1");
            is_own_origin(&request.body(()).expect("a request"), is_tls)
        };
        assert!(asks("https://cursor.com", false) && asks("http://local:1", false));
        assert!(asks("https://local:1", true) && !asks("http://local:1", true));
        for foreign in
            ["null", "", "https://cursor.com.evil", "http://local:2", "http://cursor.com"]
        {
            assert!(!asks(foreign, false), "{foreign}");
        }
    }
}
