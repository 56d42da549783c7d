//! A URL as far as fetching needs it: how to connect, whom to name, what to ask for.

use http::Uri;
use http::uri::PathAndQuery;

use super::trouble::Trouble;

/// Where a picture is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) tls: bool,
    /// Without brackets.
    host: String,
    pub(super) port: u16,
    /// For the `host` header.
    pub(super) authority: String,
    pub(super) path: PathAndQuery,
}

const NOT_HTTP: Trouble = Trouble::Url("the URL is no http or https URL");
const MALFORMED: Trouble = Trouble::Url("the URL is malformed");

impl Target {
    /// # Errors
    /// No usable `http` or `https` URL, or one with a user or password.
    pub(super) fn parse(url: &str) -> Result<Self, Trouble> {
        let uri: Uri = tidied(url).parse().map_err(|_| MALFORMED)?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(NOT_HTTP),
        };
        let authority = uri.authority().ok_or(MALFORMED)?;
        if authority.as_str().contains('@') {
            return Err(Trouble::Url("a URL with a user or password is not accepted"));
        }
        let written = authority.host();
        let port = match authority.as_str().strip_prefix(written).ok_or(MALFORMED)? {
            "" if tls => 443,
            "" => 80,
            port => port
                .strip_prefix(':')
                .and_then(|port| port.parse::<u16>().ok())
                .filter(|port| *port != 0)
                .ok_or(MALFORMED)?,
        };
        let host = written.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(written);
        if host.is_empty() {
            return Err(MALFORMED);
        }
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        Ok(Self {
            tls,
            host: host.to_ascii_lowercase(),
            port,
            authority: authority.as_str().to_owned(),
            path,
        })
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Where a redirect from here leads.
    ///
    /// # Errors
    /// As for [`Target::parse`].
    pub(super) fn join(&self, location: &str) -> Result<Self, Trouble> {
        let location = location.trim_ascii();
        if has_scheme(location) {
            return Self::parse(location);
        }
        let scheme = if self.tls { "https" } else { "http" };
        let origin = format!("{scheme}://{}", self.authority);
        let path = self.path.path();
        Self::parse(&if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{origin}{location}")
        } else if location.starts_with('?') {
            format!("{origin}{path}{location}")
        } else {
            let folder = path.rfind('/').map_or("/", |end| &path[..=end]);
            format!("{origin}{folder}{location}")
        })
    }
}

fn has_scheme(location: &str) -> bool {
    let scheme = location.split([':', '/', '?', '#']).next().unwrap_or_default();
    let rest = &location[scheme.len()..];
    rest.starts_with(':') && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// Without blanks around it and without fragment; characters that people leave unescaped in a path
/// are escaped. The authority stays as it is: nothing that is wrong there is to be made right.
fn tidied(url: &str) -> String {
    let url = url.trim_ascii();
    let url = url.split('#').next().unwrap_or_default();
    let start = url.find("://").map_or(url.len(), |at| at + 3);
    let path = url[start..].find(['/', '?']).map_or(url.len(), |at| start + at);
    let mut tidied = url[..path].to_owned();
    for byte in url[path..].bytes() {
        if byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte) {
            tidied.push(char::from(byte));
        } else {
            tidied.push_str(&format!("%{byte:02X}"));
        }
    }
    tidied
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(target: &Target) -> String {
        let scheme = if target.tls { "https" } else { "http" };
        format!("{scheme} {} {} {} {}", target.host, target.port, target.authority, target.path)
    }

    #[test]
    fn urls_are_taken_apart() {
        for (url, expected) in [
            ("https://example.com", "https example.com 443 example.com /"),
            ("HTTP://Example.com:80/a?b=c#d", "http example.com 80 Example.com:80 /a?b=c"),
            (" https://h/a b/é|x ", "https h 443 h /a%20b/%C3%A9%7Cx"),
            ("http://[::1]:8080/x", "http ::1 8080 [::1]:8080 /x"),
            ("http://h?q", "http h 80 h /?q"),
            ("http://h/a\r\nx: y", "http h 80 h /a%0D%0Ax:%20y"),
        ] {
            assert_eq!(shown(&Target::parse(url).expect(url)), expected);
        }
    }

    #[test]
    fn urls_that_cannot_be_used() {
        for url in [
            "",
            "x",
            "/x",
            "ftp://h/x",
            "file:///etc/passwd",
            "http://",
            "http:///x",
            "http://:80/x",
            "http://u:p@h/x",
            "http://u@h/x",
            "http://good.example\\@evil.example/",
            "http://h:99999/",
            "http://h:x/",
            "http://h:0/",
            "http://[::1]x/",
            "http://a b/",
            "http://h\r\n/x",
        ] {
            assert!(matches!(Target::parse(url), Err(Trouble::Url(_))), "{url}");
        }
    }

    #[test]
    fn redirects_are_joined() {
        let base = Target::parse("https://h:444/a/b?c").expect("a URL");
        for (location, expected) in [
            ("http://other/x", "http other 80 other /x"),
            ("//other/x", "https other 443 other /x"),
            ("/x?y", "https h 444 h:444 /x?y"),
            ("x", "https h 444 h:444 /a/x"),
            ("?y", "https h 444 h:444 /a/b?y"),
            ("x:y/z", ""),
            ("javascript:alert(1)", ""),
            ("http://u:p@h/", ""),
        ] {
            let joined = base.join(location).map(|target| shown(&target)).unwrap_or_default();
            assert_eq!(joined, expected, "{location}");
        }
    }
}
