//! The cookies that keep an editor's files on one server (`reference/upstream-protocol.md` §5.4).
//!
//! `FilesyncCookie` and `AWSALBAPP-0`, `-1`, … pass in both directions, and no other cookie does:
//! the rest of a client's cookies is none of the upstream's business.

use std::fmt;

use http::{HeaderMap, HeaderValue, header};

const FILESYNC: &str = "FilesyncCookie";
const BALANCER: &str = "AWSALBAPP-";

/// Cookies of these names in one request or answer. The balancer splits its state over a few.
const MOST: usize = 16;

/// Bytes of one value, which is what browsers keep at most.
const LONGEST: usize = 4096;

/// Bytes of one `Set-Cookie` line: a value and its attributes.
const LONGEST_LINE: usize = LONGEST + 1024;

/// What an editor sends back to its server: names that are ours to pass on, and legal values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Cookies(Vec<(String, String)>);

/// A cookie that would be passed on, but cannot be. Its value is not repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCookie {
    /// The name has a legal form, so it may be shown.
    #[error("the cookie {0} has a character that no cookie may have")]
    Character(String),
    #[error("the cookie {0} is longer than {LONGEST} bytes")]
    TooLong(String),
    #[error("more than {MOST} cookies named {FILESYNC} or {BALANCER}<n>")]
    TooMany,
}

impl Cookies {
    /// Reads the `Cookie` headers of a request. Cookies of other names are passed over; of two with
    /// the same name the first one counts (RFC 6265 §5.4 puts the more specific one there).
    ///
    /// # Errors
    /// One of ours is too long or has an illegal character, or there are too many.
    pub fn read(headers: &HeaderMap) -> Result<Self, MalformedCookie> {
        let mut cookies: Vec<(String, String)> = Vec::new();
        let lines = headers.get_all(header::COOKIE).iter();
        for pair in lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';')) {
            let Some((name, value)) = split(pair) else { continue };
            if cookies.iter().any(|(known, _)| known == name) {
                continue;
            }
            if value.len() > LONGEST {
                return Err(MalformedCookie::TooLong(name.to_owned()));
            }
            let value = legal(value).ok_or_else(|| MalformedCookie::Character(name.to_owned()))?;
            if cookies.len() == MOST {
                return Err(MalformedCookie::TooMany);
            }
            cookies.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self(cookies))
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `Cookie` header with all of them, marked as sensitive; `None` when there are none.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut line = HeaderValue::from_str(&pairs.join("; ")).ok()?;
        line.set_sensitive(true);
        (!pairs.is_empty()).then_some(line)
    }
}

/// What an answer wants an editor to send from now on: whole `Set-Cookie` lines, as they came.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SetCookies(Vec<HeaderValue>);

impl SetCookies {
    /// Reads the `Set-Cookie` headers of an answer. Lines of other names are passed over, and so is
    /// what no upstream of good sense sends: lines that are too long, or too many of them.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let mut lines = Vec::new();
        for line in headers.get_all(header::SET_COOKIE) {
            if split(line.as_bytes()).is_none() {
                continue;
            }
            let plain = line.as_bytes().iter().all(|byte| matches!(byte, b' '..=b'~'));
            if lines.len() == MOST || line.len() > LONGEST_LINE || !plain {
                tracing::debug!(
                    bytes = line.len(),
                    "a set-cookie of the upstream is not passed on"
                );
                continue;
            }
            let mut line = line.clone();
            line.set_sensitive(true);
            lines.push(line);
        }
        Self(lines)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The lines, each for a `Set-Cookie` header of its own, marked as sensitive.
    pub fn lines(&self) -> impl Iterator<Item = &HeaderValue> {
        self.0.iter()
    }
}

impl fmt::Debug for Cookies {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl fmt::Debug for SetCookies {
    /// Names only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.0.iter().filter_map(|line| split(line.as_bytes())).map(|(name, _)| name);
        f.debug_set().entries(names).finish()
    }
}

/// Name and rest of `name=rest`, for the names that pass.
fn split(pair: &[u8]) -> Option<(&str, &[u8])> {
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let name = std::str::from_utf8(pair[..at].trim_ascii()).ok()?;
    passes(name).then(|| (name, pair[at + 1..].trim_ascii()))
}

fn passes(name: &str) -> bool {
    let numbered = |number: &str| {
        (1..=2).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit())
    };
    name == FILESYNC || name.strip_prefix(BALANCER).is_some_and(numbered)
}

/// A value of the characters that RFC 6265 §4.1.1 allows, in quotes or not.
fn legal(value: &[u8]) -> Option<&str> {
    let bare = match value {
        [b'"', bare @ .., b'"'] => bare,
        bare => bare,
    };
    let octet =
        |byte: &u8| matches!(byte, 0x21 | 0x23..=0x2b | 0x2d..=0x3a | 0x3c..=0x5b | 0x5d..=0x7e);
    bare.iter().all(octet).then(|| std::str::from_utf8(value).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, lines: &[&str]) -> HeaderMap {
        let values = lines.iter().map(|line| HeaderValue::from_bytes(line.as_bytes()));
        values.map(|value| (name.clone(), value.expect("a value"))).collect()
    }

    fn sent(lines: &[&str]) -> Result<String, MalformedCookie> {
        let cookies = Cookies::read(&headers(header::COOKIE, lines))?;
        let line = cookies.header();
        assert_eq!(line.is_none(), cookies.is_empty());
        assert!(line.as_ref().is_none_or(HeaderValue::is_sensitive));
        Ok(line.map_or_else(String::new, |line| line.to_str().expect("text").to_owned()))
    }

    #[test]
    fn only_the_cookies_of_file_sync_pass() {
        let line = "session=secret; FilesyncCookie=0123abcd; AWSALBAPP-0=a%2b/=; AWSALB=x; \
                    awsalbapp-1=x; AWSALBAPP-=x; AWSALBAPP-123=x; AWSALBAPP-1x=x; AWSALBAPP-10=\"q\"; \
                    filesynccookie=x; xFilesyncCookie=x; FilesyncCookie";
        assert_eq!(
            sent(&[line]).expect("legal"),
            "FilesyncCookie=0123abcd; AWSALBAPP-0=a%2b/=; AWSALBAPP-10=\"q\""
        );
        assert_eq!(sent(&["session=ü; theme="]).expect("legal"), "");
        assert_eq!(sent(&[]).expect("legal"), "");
    }

    #[test]
    fn several_headers_count_as_one_and_the_first_of_a_name_wins() {
        let lines = ["AWSALBAPP-0=one;FilesyncCookie=f", "AWSALBAPP-0=two; AWSALBAPP-1="];
        assert_eq!(sent(&lines).expect("legal"), "AWSALBAPP-0=one; FilesyncCookie=f; AWSALBAPP-1=");
    }

    #[test]
    fn what_cannot_be_passed_on_is_named_and_never_shown() {
        for value in ["canary x", "canary,x", "canary\\", "canaryü", "\"canary", "can\"ary"] {
            let error = sent(&[&format!("AWSALBAPP-3={value}")]).expect_err(value);
            assert_eq!(error, MalformedCookie::Character("AWSALBAPP-3".into()), "{value}");
            assert!(!error.to_string().contains("canary"));
        }
        let longest = "x".repeat(LONGEST);
        sent(&[&format!("FilesyncCookie={longest}")]).expect("just fits");
        let error = sent(&[&format!("FilesyncCookie={longest}x")]).expect_err("too long");
        assert_eq!(error, MalformedCookie::TooLong("FilesyncCookie".into()));
        let many: Vec<String> = (0..=MOST).map(|n| format!("AWSALBAPP-{n}=x")).collect();
        sent(&[&many[1..].join("; ")]).expect("just as many");
        assert_eq!(sent(&[&many.join("; ")]), Err(MalformedCookie::TooMany));
    }

    #[test]
    fn set_cookies_stay_as_they_came() {
        let lines = [
            "AWSALBAPP-0=abc; Expires=Thu, 22 Jan 2026 12:00:00 GMT; Path=/",
            "session=secret; Path=/",
            "FilesyncCookie=canary; HttpOnly; Secure",
            "AWSALBAPP-1=tab\there",
        ];
        let long = format!("AWSALBAPP-2={}", "x".repeat(LONGEST_LINE));
        let lines: Vec<&str> = lines.into_iter().chain([long.as_str()]).collect();
        let cookies = SetCookies::read(&headers(header::SET_COOKIE, &lines));
        let kept: Vec<&str> = cookies.lines().map(|line| line.to_str().expect("text")).collect();
        assert_eq!(kept, [lines[0], lines[2]]);
        assert!(cookies.lines().all(HeaderValue::is_sensitive));
        assert_eq!(format!("{cookies:?}"), r#"{"AWSALBAPP-0", "FilesyncCookie"}"#);
        let many: Vec<String> = (0..40).map(|n| format!("AWSALBAPP-{n}=x")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(SetCookies::read(&headers(header::SET_COOKIE, &many)).lines().count(), MOST);
        assert!(SetCookies::read(&HeaderMap::new()).is_empty());
    }

    #[test]
    fn no_value_is_printed() {
        let line = "FilesyncCookie=canary; AWSALBAPP-0=canary";
        let cookies = Cookies::read(&headers(header::COOKIE, &[line])).expect("legal");
        assert_eq!(format!("{cookies:?}"), r#"{"FilesyncCookie", "AWSALBAPP-0"}"#);
        assert!(!format!("{:?}", cookies.header()).contains("canary"));
    }

    /// The vector of both notes: what an answer sets is what the next request carries.
    #[test]
    fn a_vector_goes_round() {
        let text = include_str!("../../../../fixtures/vectors/filesync.json");
        let file: serde_json::Value = serde_json::from_str(text).expect("fixture");
        let vectors = file["vectors"].as_array().expect("vectors");
        let vector = vectors.iter().find(|v| v["name"] == "fs_cookie").expect("vector");
        let lines: Vec<&str> = vector["set_cookie"]
            .as_array()
            .expect("lines")
            .iter()
            .filter_map(|l| l.as_str())
            .collect();
        let set = SetCookies::read(&headers(header::SET_COOKIE, &lines));
        let mut pairs = vec!["FilesyncCookie=0123456789abcdef0123456789abcdef".to_owned()];
        for line in set.lines() {
            let line = line.to_str().expect("text");
            pairs.push(line.split(';').next().expect("a pair").to_owned());
        }
        let wanted = vector["cookie_to_send"].as_str().expect("text");
        assert_eq!(sent(&[&pairs.join("; ")]).expect("legal"), wanted);
    }
}
