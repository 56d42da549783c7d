//! Synthetic credentials in the shape of the real ones, and the check of that shape.
//!
//! The tokens are JWTs with an invalid signature (32 zero bytes), so they open nothing anywhere
//! (`reference/upstream-protocol.md` §4.1). The server side trusts the claims, as it has no key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

const LIFETIME_OF_A_SESSION: Duration = Duration::from_secs(5_184_000);

/// A session token of `user` (`user_…`): what RPC calls need.
#[must_use]
pub fn session_token(user: &str, expires: SystemTime) -> String {
    token(user, expires, "session")
}

/// A browser token of `user`: refused by RPC calls.
#[must_use]
pub fn web_token(user: &str, expires: SystemTime) -> String {
    token(user, expires, "web")
}

/// The user that a synthetic API key (`key_…`, `crsr_…`) belongs to: derived from the key, in the
/// form of a real id. `None` for a text that is no such key.
#[must_use]
pub fn user_of_api_key(key: &str) -> Option<String> {
    let secret = key.strip_prefix("key_").or_else(|| key.strip_prefix("crsr_"))?;
    if secret.len() < 16 || !secret.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let hash = Sha256::digest(key.as_bytes());
    let id: String =
        hash.iter().take(26).map(|byte| CROCKFORD[usize::from(byte % 32)] as char).collect();
    Some(format!("user_{id}"))
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: String,
    time: String,
    randomness: String,
    exp: u64,
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// A session token that no other call got: `number` is different each time.
pub(crate) fn issue(user: &str, now: SystemTime, expires: SystemTime, number: u64) -> String {
    let exp = unix(expires);
    build(user, unix(now), exp, "session", &format!("{user}{exp}session{number}"))
}

/// Whether a text has the form of a user id.
pub(crate) fn is_user_id(text: &str) -> bool {
    let id = text.strip_prefix("user_").unwrap_or_default();
    (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The hash under which a token is remembered.
pub(crate) fn fingerprint(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

fn token(user: &str, expires: SystemTime, kind: &str) -> String {
    let exp = unix(expires);
    let time = exp.saturating_sub(LIFETIME_OF_A_SESSION.as_secs());
    build(user, time, exp, kind, &format!("{user}{exp}{kind}"))
}

fn build(user: &str, time: u64, exp: u64, kind: &str, seed: &str) -> String {
    let seed = Sha256::digest(seed.as_bytes());
    let digits: String = seed.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let claims = Claims {
        sub: format!("auth0|{user}"),
        time: time.to_string(),
        randomness: format!("{}-{}-{}", &digits[..8], &digits[8..12], &digits[12..]),
        exp,
        iss: "https://authentication.cursor.sh",
        scope: "openid profile email offline_access",
        aud: "https://cursor.com",
        kind,
    };
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&claims).unwrap_or_default());
    format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode([0; 32]))
}

#[derive(Deserialize)]
struct Received {
    sub: String,
    exp: u64,
    #[serde(rename = "type")]
    kind: Option<String>,
}

/// The user id of a token that the backend would accept as Bearer at `now`.
pub(crate) fn verify(token: &str, now: SystemTime) -> Option<String> {
    check(token, now).filter(|claims| claims.kind.as_deref() != Some("web"))?.user()
}

/// The user id of a token that the dashboard would accept in its cookie at `now`.
pub(crate) fn verify_any(token: &str, now: SystemTime) -> Option<String> {
    check(token, now)?.user()
}

impl Received {
    fn user(&self) -> Option<String> {
        let (_, user) = self.sub.split_once('|')?;
        (!user.is_empty()).then(|| user.to_owned())
    }
}

fn check(token: &str, now: SystemTime) -> Option<Received> {
    let mut parts = token.split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() || URL_SAFE_NO_PAD.decode(signature).ok()?.is_empty() {
        return None;
    }
    let header: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let claims: Received = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    (header["typ"] == "JWT" && claims.exp > unix(now)).then_some(claims)
}

fn unix(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";

    fn vector(name: &str) -> String {
        let text = include_str!("../../../fixtures/vectors/auth.json");
        let all: serde_json::Value = serde_json::from_str(text).expect("a JSON file");
        let mut vectors = all["vectors"].as_array().into_iter().flatten();
        let found = vectors.find(|vector| vector["name"] == name).expect("the vector");
        found["jwt"].as_str().expect("a token").to_owned()
    }

    #[test]
    fn tokens_of_the_vectors() {
        let before = UNIX_EPOCH + Duration::from_secs(1_769_900_001);
        assert_eq!(verify(&vector("jwt_session"), before).as_deref(), Some(USER));
        assert_eq!(verify(&vector("jwt_google_subject"), before).as_deref(), Some(USER));
        assert_eq!(verify(&vector("jwt_web"), before), None);
        let after = UNIX_EPOCH + Duration::from_secs(1_775_084_000);
        assert_eq!(verify(&vector("jwt_session"), after), None);
    }

    #[test]
    fn own_tokens() {
        let now = SystemTime::now();
        let later = now + Duration::from_secs(60);
        let session = session_token(USER, later);
        assert_eq!(verify(&session, now).as_deref(), Some(USER));
        assert_eq!(verify(&session, later), None);
        assert_eq!(verify(&web_token(USER, later), now), None);
        assert_eq!(verify_any(&web_token(USER, later), now).as_deref(), Some(USER));
        assert_eq!(session.split('.').next(), vector("jwt_session").split('.').next());
        for broken in ["", "a.b.c", "key_0123456789abcdef", &format!("{USER}::{session}")] {
            assert_eq!(verify(broken, now), None, "{broken}");
        }
    }

    #[test]
    fn every_issue_is_another_token_of_the_same_user() {
        let now = SystemTime::now();
        let expires = now + Duration::from_secs(60);
        let (one, two) = (issue(USER, now, expires, 1), issue(USER, now, expires, 2));
        assert_ne!(one, two);
        assert!([&one, &two].iter().all(|token| verify(token, now).as_deref() == Some(USER)));
    }

    #[test]
    fn user_ids() {
        assert!(is_user_id(USER) && is_user_id("user_other"));
        for wrong in
            ["", "user_", "other", "user_<b>", "user_a b", &format!("user_{}", "a".repeat(65))]
        {
            assert!(!is_user_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn api_keys() {
        let user = user_of_api_key("key_0123456789abcdef").expect("the form of a key");
        assert_eq!(user.len(), USER.len());
        assert_ne!(user_of_api_key("crsr_0123456789abcdef"), Some(user));
        for broken in ["", "key_", "key_short", "sk-0123456789abcdef0123", "key_0123456789abcde!"] {
            assert_eq!(user_of_api_key(broken), None, "{broken}");
        }
    }
}
