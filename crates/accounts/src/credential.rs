//! What an operator may put in for an account, told apart by shape
//! (`reference/upstream-protocol.md` §4.1).
//!
//! Signatures are not checked: the backend does that. The text is kept byte for byte, and no
//! error echoes it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// A credential of an account.
#[derive(Debug, Clone)]
pub enum Credential {
    /// A session token: used as Bearer as it is.
    Session(SessionToken),
    /// A token of the web site: upgraded to a session token before use.
    Web(SessionToken),
    /// An official user API key: exchanged for a session token before use.
    ApiKey(UserApiKey),
}

/// A JWT of the editor or of the web site. Not `Display`, not `Serialize`, not `PartialEq`.
#[derive(Clone)]
pub struct SessionToken {
    text: SecretString,
    claims: Claims,
}

/// What a token says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// `user_…`, from `sub` after the provider.
    pub user_id: String,
    /// Unix seconds.
    pub expires: u64,
    /// Unix seconds, from `time`; `None` when the token does not say or says no number.
    pub issued: Option<u64>,
    /// `session`, `web`, or nothing in tokens of 2024.
    pub kind: Option<String>,
}

/// An official user API key.
#[derive(Clone)]
pub struct UserApiKey(SecretString);

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionToken").field("expires", &self.claims.expires).finish()
    }
}

impl fmt::Debug for UserApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserApiKey(…)")
    }
}

/// Why a text is no credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCredential {
    #[error("it is empty")]
    Empty,
    #[error("it has blanks or control characters inside")]
    Blank,
    #[error(
        "it is neither a session token (three parts joined by dots), a cookie value \
         (user_…::token) nor a user API key (key_… or crsr_…)"
    )]
    UnknownShape,
    #[error("the token's middle part is no JSON with the claims sub and exp")]
    Claims,
    #[error("the user id before `::` is not the token's own")]
    OtherUser,
}

impl Credential {
    /// Tells the forms apart: JWT, cookie value (`user::JWT`, also with `%3A%3A` and with the
    /// cookie's name in front), user API key.
    ///
    /// # Errors
    /// The text has none of these shapes.
    pub fn parse(text: &str) -> Result<Self, MalformedCredential> {
        let text = text.trim();
        if text.is_empty() {
            return Err(MalformedCredential::Empty);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(MalformedCredential::Blank);
        }
        let text = text.strip_prefix("WorkosCursorSessionToken=").unwrap_or(text);
        if let Some((user, token)) = split_cookie(text) {
            let token = SessionToken::parse(token)?;
            if token.claims.user_id != user {
                return Err(MalformedCredential::OtherUser);
            }
            return Ok(Self::of_token(token));
        }
        if ["key_", "crsr_"].iter().any(|p| text.starts_with(p) && text.len() > p.len() + 7) {
            return Ok(Self::ApiKey(UserApiKey(SecretString::from(text))));
        }
        SessionToken::parse(text).map(Self::of_token)
    }

    fn of_token(token: SessionToken) -> Self {
        if token.is_web() { Self::Web(token) } else { Self::Session(token) }
    }
}

fn split_cookie(text: &str) -> Option<(&str, &str)> {
    text.split_once("::")
        .or_else(|| text.split_once("%3A%3A"))
        .or_else(|| text.split_once("%3a%3a"))
}

impl SessionToken {
    /// # Errors
    /// The text is no JWT with the claims a token of the backend has.
    pub fn parse(text: &str) -> Result<Self, MalformedCredential> {
        let mut parts = text.split('.');
        let (Some(head), Some(body), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(MalformedCredential::UnknownShape);
        };
        if head.is_empty() || signature.is_empty() {
            return Err(MalformedCredential::UnknownShape);
        }
        let body = URL_SAFE_NO_PAD
            .decode(body.trim_end_matches('='))
            .map_err(|_| MalformedCredential::Claims)?;
        let wire: ClaimsWire =
            serde_json::from_slice(&body).map_err(|_| MalformedCredential::Claims)?;
        let user_id = wire.sub.rsplit('|').next().unwrap_or(&wire.sub).to_owned();
        let issued = wire.time.and_then(|time| match time {
            serde_json::Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        });
        let claims = Claims { user_id, expires: wire.exp, issued, kind: wire.kind };
        Ok(Self { text: SecretString::from(text), claims })
    }

    #[must_use]
    pub fn claims(&self) -> &Claims {
        &self.claims
    }

    /// Whether it opens the web site only.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.claims.kind.as_deref() == Some("web")
    }

    /// The one door out.
    #[must_use]
    pub fn expose(&self) -> &SecretString {
        &self.text
    }
}

impl UserApiKey {
    /// The one door out.
    #[must_use]
    pub fn expose(&self) -> &SecretString {
        &self.0
    }
}

impl Credential {
    /// A text that is the same for the account over restarts, for ids derived from it. Secret,
    /// for it may be the credential itself.
    #[must_use]
    pub fn seed(&self) -> String {
        match self {
            // Tokens are renewed; the user stays.
            Self::Session(token) | Self::Web(token) => token.claims.user_id.clone(),
            Self::ApiKey(key) => key.0.expose_secret().to_owned(),
        }
    }
}

#[derive(Deserialize)]
struct ClaimsWire {
    sub: String,
    exp: u64,
    time: Option<serde_json::Value>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(name: &str) -> serde_json::Value {
        let text = include_str!("../../../fixtures/vectors/auth.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        file["vectors"]
            .as_array()
            .expect("vectors")
            .iter()
            .find(|vector| vector["name"] == name)
            .expect("vector")
            .clone()
    }

    fn jwt(name: &str) -> String {
        vector(name)["jwt"].as_str().expect("jwt").to_owned()
    }

    fn session(text: &str) -> SessionToken {
        match Credential::parse(text).expect("credential") {
            Credential::Session(token) => token,
            Credential::Web(_) | Credential::ApiKey(_) => panic!("a session token"),
        }
    }

    #[test]
    fn a_session_token_tells_user_and_expiry() {
        let claims = session(&jwt("jwt_session")).claims().clone();
        let expected = &vector("jwt_session")["claims"];
        assert_eq!(claims.user_id, "user_01ABCDEFGHJKMNPQRSTVWXYZ01");
        assert_eq!(claims.expires, expected["exp"]);
        assert_eq!(claims.kind.as_deref(), Some("session"));
        assert_eq!(claims.issued, Some(1_769_900_000));
    }

    #[test]
    fn when_a_token_was_issued_may_be_a_number_or_missing() {
        let issued = |time: &str| {
            let body = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"user_1","exp":9{time}}}"#));
            let token = format!("eyJ.{body}.s");
            session(&token).claims().issued
        };
        assert_eq!(issued(r#","time":7"#), Some(7));
        assert_eq!(issued(""), None);
        assert_eq!(issued(r#","time":"soon""#), None);
    }

    #[test]
    fn a_token_of_the_web_site_is_told_apart_and_kept_as_it_is() {
        let token = jwt("jwt_web");
        let cookie = format!("user_01ABCDEFGHJKMNPQRSTVWXYZ01::{token}");
        for text in [&token, &cookie] {
            let Ok(Credential::Web(web)) = Credential::parse(text) else {
                panic!("a web token");
            };
            assert!(web.is_web());
            assert_eq!(web.expose().expose_secret(), token);
        }
        assert!(!session(&jwt("jwt_session")).is_web());
    }

    #[test]
    fn every_provider_of_the_subject_is_taken() {
        let claims = session(&jwt("jwt_google_subject")).claims().clone();
        assert_eq!(claims.user_id, "user_01ABCDEFGHJKMNPQRSTVWXYZ01");
    }

    #[test]
    fn the_cookie_forms_hold_the_same_token() {
        let token = jwt("jwt_session");
        let user = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";
        let cookie = vector("cookie")["value"].as_str().expect("value").to_owned();
        for text in [format!("{user}::{token}"), format!("{user}%3A%3A{token}"), cookie] {
            assert_eq!(session(&text).expose().expose_secret(), token);
        }
        let other = Credential::parse(&format!("user_other::{token}")).expect_err("other user");
        assert_eq!(other, MalformedCredential::OtherUser);
    }

    #[test]
    fn what_is_no_credential_is_told_why() {
        let reason = |text: &str| Credential::parse(text).expect_err("malformed");
        assert_eq!(reason(" "), MalformedCredential::Empty);
        assert_eq!(reason("a b"), MalformedCredential::Blank);
        assert_eq!(reason("hello"), MalformedCredential::UnknownShape);
        assert_eq!(reason("a.b.c"), MalformedCredential::Claims);
    }

    #[test]
    fn api_keys_are_told_by_their_prefix_and_not_printed() {
        let key = Credential::parse("key_0123456789canary").expect("key");
        assert!(matches!(key, Credential::ApiKey(_)));
        assert!(!format!("{key:?}").contains("canary"));
        assert!(!format!("{:?}", session(&jwt("jwt_session"))).contains("eyJ"));
    }
}
