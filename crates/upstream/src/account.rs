//! Account calls: what the upstream tells of an account, and how its tokens are got and renewed
//! (`reference/messages/account.md`, `reference/upstream-protocol.md` §4).
//!
//! All are plain JSON, on two hosts that know the caller in two ways: the API takes the token as a
//! bearer, the website takes it in a cookie beside the user's id.

mod profile;
mod rest;
mod tokens;

use http::HeaderValue;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::UpstreamError;
use crate::profile::{SessionInfo, Stripe, Usage, User};

/// The account as the website knows it.
#[derive(Debug, Clone)]
pub struct WebCredential {
    /// `user_…`.
    pub user_id: String,
    /// The JWT of a session or of a browser.
    pub token: SecretString,
}

impl WebCredential {
    /// `WorkosCursorSessionToken=<user id>%3A%3A<JWT>`.
    fn cookie(&self) -> Result<HeaderValue, UpstreamError> {
        let token = self.token.expose_secret();
        // Whatever else would end the cookie or begin another one.
        let harmless = |text: &str| {
            let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
            !text.is_empty() && text.bytes().all(legal)
        };
        if !harmless(&self.user_id) || !harmless(token) {
            return Err(unfit());
        }
        let cookie = format!("WorkosCursorSessionToken={}%3A%3A{token}", self.user_id);
        let mut cookie = HeaderValue::from_str(&cookie).map_err(|_| unfit())?;
        cookie.set_sensitive(true);
        Ok(cookie)
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, UpstreamError> {
    let bearer = format!("Bearer {}", token.expose_secret());
    let mut bearer = HeaderValue::from_str(&bearer).map_err(|_| unfit())?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn unfit() -> UpstreamError {
    UpstreamError::Protocol("the credential is no header value".into())
}

/// What a renewal gives.
#[derive(Debug, Clone)]
pub struct NewTokens {
    /// A session token.
    pub access: SecretString,
    /// `None`: the old one stays.
    pub refresh: Option<SecretString>,
}

/// The parts of a profile, each of which can fail by itself.
#[derive(Debug)]
pub struct ProfileParts {
    pub usage: Result<Usage, UpstreamError>,
    pub stripe: Result<Stripe, UpstreamError>,
    pub user: Result<User, UpstreamError>,
    /// `None`: not asked for.
    pub sessions: Option<Result<Vec<SessionInfo>, UpstreamError>>,
}
