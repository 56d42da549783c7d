//! An outbound proxy as the operator names it: `socks5://user:password@host:1080`.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::Ipv6Addr;

use secrecy::{ExposeSecret as _, SecretString};

/// The longest URL that is read, in bytes.
const LONGEST_URL: usize = 2048;

/// The longest user name or password, in bytes: more does not fit into SOCKS5 (RFC 1929).
const LONGEST_CREDENTIAL: usize = 255;

/// The longest host name, in bytes (RFC 1035).
const LONGEST_HOST: usize = 253;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// CONNECT over plain TCP.
    Http,
    /// CONNECT over TLS.
    Https,
    /// SOCKS5; we look up the origin's name.
    Socks5,
    /// SOCKS5; the proxy looks up the origin's name.
    Socks5h,
}

impl ProxyScheme {
    /// As it stands before `://`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Http, Self::Https, Self::Socks5, Self::Socks5h]
            .into_iter()
            .find(|scheme| scheme.as_str().eq_ignore_ascii_case(text))
    }

    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }

    fn is_socks(self) -> bool {
        match self {
            Self::Http | Self::Https => false,
            Self::Socks5 | Self::Socks5h => true,
        }
    }
}

/// A text that names no proxy. Says what is wrong with it and where it stood, never the text
/// itself: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MalformedProxy {
    /// The environment variable it came from.
    pub(super) variable: Option<&'static str>,
    pub(super) reason: &'static str,
}

impl MalformedProxy {
    pub(super) fn because(reason: &'static str) -> Self {
        Self { variable: None, reason }
    }
}

impl fmt::Display for MalformedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(variable) = self.variable {
            write!(f, "{variable}: ")?;
        }
        write!(f, "no usable proxy: {}", self.reason)
    }
}

impl std::error::Error for MalformedProxy {}

/// A proxy. Two are equal only when their credentials are, too; printed, the password is masked.
#[derive(Clone)]
pub struct Proxy {
    pub(super) scheme: ProxyScheme,
    /// In lower case; IPv6 literals without their brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) credentials: Option<(String, SecretString)>,
}

impl Proxy {
    /// Reads `scheme://[user[:password]@]host[:port]`, credentials percent-encoded.
    ///
    /// # Errors
    /// An unknown scheme, no host, a bad port, a path or query, credentials that cannot be sent,
    /// or more than 2048 bytes. The error does not repeat the text.
    pub fn parse(url: &str) -> Result<Self, MalformedProxy> {
        let because = MalformedProxy::because;
        if url.len() > LONGEST_URL {
            return Err(because("longer than 2048 bytes"));
        }
        let (scheme, rest) = url.split_once("://").ok_or(because("expected scheme://host:port"))?;
        let scheme = ProxyScheme::parse(scheme)
            .ok_or(because("the scheme is none of http, https, socks5, socks5h"))?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(because(
                "expected no path or query; in a user or password, write such signs as %2F, %3F, %23",
            ));
        }
        let (userinfo, authority) = match rest.rsplit_once('@') {
            Some((userinfo, authority)) => (userinfo, authority),
            None => ("", rest),
        };
        let (host, port) = host_and_port(authority)?;
        let credentials = credentials(userinfo, scheme)?;
        Ok(Self { scheme, host, port: port.unwrap_or(scheme.default_port()), credentials })
    }

    #[must_use]
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The whole URL with `***` for the password.
    #[must_use]
    pub fn masked(&self) -> String {
        self.to_string()
    }

    fn secret(&self) -> Option<(&str, &str)> {
        self.credentials.as_ref().map(|(user, password)| (&**user, password.expose_secret()))
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.as_str())?;
        if let Some((user, _)) = &self.credentials {
            for byte in user.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                        write!(f, "{}", char::from(byte))?;
                    }
                    other => write!(f, "%{other:02X}")?,
                }
            }
            write!(f, ":***@")?;
        }
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        self.scheme == other.scheme
            && self.host == other.host
            && self.port == other.port
            && self.secret() == other.secret()
    }
}

impl Eq for Proxy {}

impl Hash for Proxy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.scheme, &self.host, self.port, self.secret()).hash(state);
    }
}

/// Splits `host`, `host:port`, `[::1]` or `[::1]:port`; the host comes back in lower case and
/// without brackets.
pub(super) fn host_and_port(text: &str) -> Result<(String, Option<u16>), MalformedProxy> {
    let because = MalformedProxy::because;
    let (host, port) = if let Some(inner) = text.strip_prefix('[') {
        let (host, rest) = inner.split_once(']').ok_or(because("an open bracket"))?;
        let host: Ipv6Addr = host.parse().map_err(|_| because("no IPv6 address in brackets"))?;
        let port = match rest {
            "" => None,
            _ => Some(rest.strip_prefix(':').ok_or(because("expected a port after the bracket"))?),
        };
        (host.to_string(), port)
    } else {
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if host.is_empty() || host.len() > LONGEST_HOST || !host.bytes().all(legal) {
            return Err(because("expected a host name of letters, digits, `-`, `_` and dots"));
        }
        (host.to_ascii_lowercase(), port)
    };
    let port = port.map(|port| match port.parse::<u16>() {
        Ok(number) if number > 0 && !port.starts_with('+') => Ok(number),
        Ok(_) | Err(_) => Err(because("expected a port from 1 to 65535")),
    });
    Ok((host, port.transpose()?))
}

fn credentials(
    userinfo: &str,
    scheme: ProxyScheme,
) -> Result<Option<(String, SecretString)>, MalformedProxy> {
    let because = MalformedProxy::because;
    let (user, password) = userinfo.split_once(':').unwrap_or((userinfo, ""));
    if user.is_empty() && password.is_empty() {
        return Ok(None);
    }
    let (user, password) = (percent_decoded(user)?, percent_decoded(password)?);
    if user.len() > LONGEST_CREDENTIAL || password.len() > LONGEST_CREDENTIAL {
        return Err(because("user or password longer than 255 bytes"));
    }
    if user.chars().chain(password.chars()).any(char::is_control) {
        return Err(because("a control character in user or password"));
    }
    if scheme.is_socks() && (user.is_empty() || password.is_empty()) {
        return Err(because("SOCKS5 needs both a user and a password, or neither"));
    }
    if !scheme.is_socks() && user.contains(':') {
        return Err(because("a colon in the user, which HTTP cannot carry"));
    }
    Ok(Some((user, SecretString::from(password))))
}

/// Strict: a percent sign that stands for itself is written `%25`.
fn percent_decoded(text: &str) -> Result<String, MalformedProxy> {
    let malformed =
        MalformedProxy::because("a `%` without two hex digits in user or password; write `%25`");
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) => decoded.push((high * 16 + low) as u8),
            _ => return Err(malformed),
        }
    }
    String::from_utf8(decoded)
        .map_err(|_| MalformedProxy::because("user or password are no UTF-8 text"))
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher as _, RandomState};

    use proptest::prelude::*;

    use super::*;

    fn proxy(url: &str) -> Proxy {
        Proxy::parse(url).expect("a proxy")
    }

    #[test]
    fn every_scheme_has_its_port() {
        for (url, printed) in [
            ("http://Proxy.Example", "http://proxy.example:80"),
            ("https://proxy.example/", "https://proxy.example:443"),
            ("SOCKS5://10.0.0.1", "socks5://10.0.0.1:1080"),
            ("socks5h://[::1]", "socks5h://[::1]:1080"),
            ("socks5h://[0::1]:9050", "socks5h://[::1]:9050"),
            ("http://under_score:3128", "http://under_score:3128"),
            ("http://@host", "http://host:80"),
        ] {
            assert_eq!(proxy(url).masked(), printed, "{url}");
        }
    }

    #[test]
    fn credentials_are_decoded_and_the_password_is_masked() {
        let proxy = proxy("socks5://us%40er:p%3Aa%2Fs%25%C3%A4@host:1");
        assert_eq!(proxy.secret(), Some(("us@er", "p:a/s%ä")));
        assert_eq!(proxy.masked(), "socks5://us%40er:***@host:1");
        assert_eq!(format!("{proxy:?}"), "Proxy(socks5://us%40er:***@host:1)");
    }

    #[test]
    fn a_password_may_hold_colons_and_an_http_user_may_have_none() {
        assert_eq!(proxy("http://u:a:b@h").secret(), Some(("u", "a:b")));
        assert_eq!(proxy("http://u@h").secret(), Some(("u", "")));
        assert_eq!(proxy("http://u@h").masked(), "http://u:***@h:80");
    }

    #[test]
    fn what_is_no_proxy_is_refused_without_repeating_it() {
        let long_user = format!("http://{}:canary@h", "u".repeat(256));
        let long_url = format!("http://u:canary@{}", "h".repeat(2048));
        let long_host = format!("http://u:canary@{}", "h".repeat(254));
        for bad in [
            "",
            "canary",
            "host:1080",
            "ftp://u:canary@h",
            "socks4://u:canary@h",
            "socks://u:canary@h",
            "http://u:canary@",
            "http://u:canary@:80",
            "http://u:canary@h:0",
            "http://u:canary@h:",
            "http://u:canary@h:65536",
            "http://u:canary@h:+80",
            "http://u:canary@h:8x",
            "http://u:canary@h/path",
            "http://u:canary@h?query",
            "http://u:canary@h#part",
            "http://u:can/ary@h",
            "http://u:canary%@h",
            "http://u:canary%4@h",
            "http://u:canary%+4@h",
            "http://u:canary%FF@h",
            "http://u:canary%0D%0A@h",
            "http://u%3Av:canary@h",
            "socks5://u@h",
            "socks5://:canary@h",
            "http://u:canary@h h",
            "http://u:canary@h\r\nx",
            "http://u:canary@höst",
            "http://u:canary@[::1",
            "http://u:canary@[h]",
            "http://u:canary@[::1]80",
            "http://u:canary@::1",
            &long_user,
            &long_url,
            &long_host,
        ] {
            let error = Proxy::parse(bad).expect_err(bad);
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{shown}");
        }
    }

    #[test]
    fn another_password_is_another_proxy() {
        let state = RandomState::new();
        let (one, same) = (proxy("http://u:one@h"), proxy("http://u:%6Fne@H:80"));
        assert_eq!(one, same);
        assert_eq!(state.hash_one(&one), state.hash_one(&same));
        for other in ["http://u:two@h", "http://v:one@h", "http://h", "https://u:one@h:80"] {
            assert_ne!(one, proxy(other));
            assert_ne!(state.hash_one(&one), state.hash_one(proxy(other)));
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "(http|socks5h)://.{0,40}") {
            if let Ok(read) = Proxy::parse(&text) {
                prop_assert!(!read.host.is_empty());
                prop_assert!(read.port > 0);
            }
        }

        #[test]
        fn any_credentials_survive_being_encoded(user in "[^:\\p{C}]{1,20}", word in "\\P{C}{1,20}") {
            let encode = |text: &str| {
                text.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>()
            };
            let read = proxy(&format!("socks5://{}:{}@h", encode(&user), encode(&word)));
            prop_assert_eq!(read.secret(), Some((&*user, &*word)));
        }
    }
}
