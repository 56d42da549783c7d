//! Who served a request, for the administrator: headers of the answer, never sent to others.

use std::fmt::Write as _;
use std::sync::OnceLock;

use gateway::Report;
use http::{HeaderMap, HeaderName, HeaderValue};

/// All of these headers together, in bytes.
const MOST: usize = 2 << 10;

/// What becomes known of a request while it is served.
#[derive(Default)]
pub(crate) struct Trace {
    shown: OnceLock<()>,
    report: OnceLock<Report>,
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trace").finish_non_exhaustive()
    }
}

impl Trace {
    /// The administrator asks.
    pub(crate) fn show(&self) {
        let _ = self.shown.set(());
    }

    /// Where the gateway notes what becomes of the request. The first one counts.
    pub(crate) fn report(&self, report: Report) {
        let _ = self.report.set(report);
    }

    /// What is known when the answer begins.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        let (Some(()), Some(report)) = (self.shown.get(), self.report.get()) else { return };
        let served = report.served();
        let mut room = MOST;
        if let Some(alias) = &served {
            put(headers, "x-cursor-account", encoded(alias.as_str()), &mut room);
        }
        let pairs = |pairs: Vec<(accounts::Alias, String)>| {
            pairs
                .into_iter()
                .map(|(alias, word)| format!("{}={}", encoded(alias.as_str()), encoded(&word)))
        };
        list(headers, "x-cursor-attempts", pairs(report.attempts()), &mut room);
        if served.is_none() {
            list(headers, "x-cursor-passed-over", pairs(report.passed_over()), &mut room);
        }
    }
}

/// A list as far as there is room; an ellipsis tells that there is more.
fn list(
    headers: &mut HeaderMap,
    name: &'static str,
    items: impl Iterator<Item = String>,
    room: &mut usize,
) {
    const MORE: &str = ", ...";
    let mut text = String::new();
    for item in items {
        if text.len() + item.len() + name.len() + 2 * MORE.len() > *room {
            text.push_str(if text.is_empty() { "..." } else { MORE });
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&item);
    }
    if !text.is_empty() {
        put(headers, name, text, room);
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, text: String, room: &mut usize) {
    let length = name.len() + text.len();
    if length <= *room
        && let Ok(value) = HeaderValue::try_from(text)
    {
        *room -= length;
        headers.insert(HeaderName::from_static(name), value);
    }
}

/// Percent-encodes what is not printable ASCII, and what the lists use themselves.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_graphic() && !matches!(byte, b',' | b'=' | b'%') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_fit_for_a_header() {
        assert_eq!(encoded("work-1"), "work-1");
        assert_eq!(encoded("a b,c=d%\r\n"), "a%20b%2Cc%3Dd%25%0D%0A");
        assert_eq!(encoded("工"), "%E5%B7%A5");
    }

    #[test]
    fn lists_end_where_the_room_ends() {
        let mut headers = HeaderMap::new();
        let mut room = MOST;
        let many = |word: &'static str| (0..1000).map(move |n| format!("account-{n}={word}"));
        list(&mut headers, "x-cursor-attempts", many("quota"), &mut room);
        list(&mut headers, "x-cursor-passed-over", many("limit"), &mut room);
        let bytes: usize =
            headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        assert!(bytes <= MOST, "{bytes}");
        let text = headers["x-cursor-attempts"].to_str().expect("text");
        assert!(text.starts_with("account-0=quota, account-1=quota, "));
        assert!(text.ends_with(", ..."));
    }

    #[test]
    fn nothing_to_say_is_no_header() {
        let mut headers = HeaderMap::new();
        list(&mut headers, "x-cursor-attempts", std::iter::empty(), &mut { MOST });
        assert!(headers.is_empty());
    }
}
