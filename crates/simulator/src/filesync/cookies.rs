//! The cookies of file sync: the client's own, and those of the load balancer.
//!
//! `reference/upstream-protocol.md` §5.4. The balancer's cookies hold one value for a few answers
//! and then another; which of them a client sent back shows in [`SentCookies`]. No answer depends
//! on it: what the real balancer does with an old value is not known.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use sha2::{Digest as _, Sha256};

/// The cookie that a client makes for a workspace: 32 hex.
pub(crate) const FILESYNC: &str = "FilesyncCookie";
const BALANCER: &str = "AWSALBAPP-";
/// Cookies of the balancer: `AWSALBAPP-0` to `-3`.
const COOKIES: usize = 4;
/// Answers that give the same values.
const ANSWERS: u64 = 4;
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The cookies that came with a call for code completion or file sync.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SentCookies {
    /// `FilesyncCookie` and `AWSALBAPP-n` with their values, and no others.
    pub values: BTreeMap<String, String>,
    /// How many others came. None should.
    pub others: usize,
    /// What the balancer's cookies are worth.
    pub balancer: BalancerCookies,
}

/// Whether a client sends back the newest cookies of the load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BalancerCookies {
    /// There were none.
    #[default]
    Absent,
    /// All four, as the last answer to this user and client key set them.
    Newest,
    /// All four, as an earlier answer set them.
    Older,
    /// Some are missing, or were never set for this user and client key.
    Foreign,
}

/// What the balancer remembers of one user and client key: the answers it gave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Answers(u64);

impl Answers {
    /// Counts one more answer; gives its cookies.
    pub(crate) fn next(&mut self, of: &str, now: SystemTime) -> Vec<HeaderValue> {
        let round = self.0 / ANSWERS;
        self.0 += 1;
        let expires = jiff::Timestamp::try_from(now + LIFETIME).unwrap_or(jiff::Timestamp::MAX);
        let expires = expires.strftime("%a, %d %b %Y %H:%M:%S GMT");
        let lines = (0..COOKIES).map(|number| {
            let value = value(of, round, number);
            format!("{BALANCER}{number}={value}; Expires={expires}; Path=/")
        });
        lines.filter_map(|line| HeaderValue::from_str(&line).ok()).collect()
    }

    fn judge(self, of: &str, sent: &BTreeMap<String, String>) -> BalancerCookies {
        let sent: Vec<(&str, &str)> = sent
            .iter()
            .filter_map(|(name, value)| Some((name.strip_prefix(BALANCER)?, value.as_str())))
            .collect();
        if sent.is_empty() {
            return BalancerCookies::Absent;
        }
        let is_round = |round| {
            sent.len() == COOKIES
                && sent.iter().enumerate().all(|(number, &(name, sent))| {
                    name == number.to_string() && sent == value(of, round, number)
                })
        };
        let Some(newest) = self.0.checked_sub(1).map(|answers| answers / ANSWERS) else {
            return BalancerCookies::Foreign;
        };
        if is_round(newest) {
            BalancerCookies::Newest
        } else if (0..newest).rev().take(100).any(is_round) {
            BalancerCookies::Older
        } else {
            BalancerCookies::Foreign
        }
    }
}

/// Opaque, and with all the signs of base64, so that a client has to take it as it is.
fn value(of: &str, round: u64, number: usize) -> String {
    STANDARD.encode(Sha256::digest(format!("{of}|{round}|{number}")))
}

/// The cookies of a request. `of`: the user and client key they should be for.
pub(crate) fn sent(headers: &HeaderMap, of: &str, answers: Answers) -> SentCookies {
    let mut sent = SentCookies::default();
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    for pair in lines.flat_map(|line| line.split(';')).map(str::trim) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let number = name.strip_prefix(BALANCER);
        let is_known = name == FILESYNC
            || number.is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
            });
        if is_known {
            sent.values.insert(name.to_owned(), value.to_owned());
        } else if !pair.is_empty() {
            sent.others += 1;
        }
    }
    sent.balancer = answers.judge(of, &sent.values);
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &[HeaderValue]) -> HeaderMap {
        let pairs = cookies.iter().filter_map(|line| line.to_str().ok()?.split(';').next());
        let line = pairs.collect::<Vec<_>>().join("; ");
        HeaderMap::from_iter([(COOKIE, line.parse().expect("a header value"))])
    }

    #[test]
    fn cookies_are_newest_until_the_balancer_changes_them() {
        let (mut answers, now) = (Answers::default(), SystemTime::UNIX_EPOCH);
        assert_eq!(sent(&HeaderMap::new(), "u", answers).balancer, BalancerCookies::Absent);
        let first = answers.next("u", now);
        let line = first[0].to_str().expect("text");
        assert!(line.starts_with("AWSALBAPP-0="), "{line}");
        assert!(line.ends_with("; Expires=Thu, 08 Jan 1970 00:00:00 GMT; Path=/"), "{line}");
        for _ in 1..ANSWERS {
            assert_eq!(answers.next("u", now), first);
        }
        assert_eq!(sent(&request(&first), "u", answers).balancer, BalancerCookies::Newest);
        let second = answers.next("u", now);
        assert_eq!(sent(&request(&first), "u", answers).balancer, BalancerCookies::Older);
        assert_eq!(sent(&request(&second), "u", answers).balancer, BalancerCookies::Newest);
        assert_eq!(sent(&request(&second), "v", answers).balancer, BalancerCookies::Foreign);
        assert_eq!(sent(&request(&second[..3]), "u", answers).balancer, BalancerCookies::Foreign);
        let none = Answers::default();
        assert_eq!(sent(&request(&second), "u", none).balancer, BalancerCookies::Foreign);
    }

    #[test]
    fn only_the_names_of_file_sync_are_kept() {
        let text = include_str!("../../../../fixtures/vectors/filesync.json");
        let all: serde_json::Value = serde_json::from_str(text).expect("a JSON file");
        let mut vectors = all["vectors"].as_array().into_iter().flatten();
        let vector = vectors.find(|vector| vector["name"] == "fs_cookie").expect("the vector");
        let line = vector["cookie_to_send"].as_str().expect("a text");
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, line.parse().expect("a header value"));
        headers.append(COOKIE, "WorkosCursorSessionToken=x; AWSALBAPP-x=y".parse().expect("one"));
        let sent = sent(&headers, "u", Answers::default());
        let names: Vec<&str> = sent.values.keys().map(String::as_str).collect();
        assert_eq!(names, ["AWSALBAPP-0", "AWSALBAPP-1", "FilesyncCookie"]);
        assert_eq!(sent.values["FilesyncCookie"], "0123456789abcdef0123456789abcdef");
        assert_eq!(sent.others, 2);
    }
}
