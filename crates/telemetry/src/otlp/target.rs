//! Where the collector is.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use secrecy::SecretString;

use crate::TelemetryError;

/// A collector's base address. Credentials of the URL become a header; nothing here shows them.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) is_tls: bool,
    /// Without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// For the `Host` header.
    pub(super) authority: String,
    /// In front of `/v1/traces`; begins with a slash and ends without, or is empty.
    pub(super) base: String,
    /// From `user:password@`.
    pub(super) authorization: Option<SecretString>,
}

impl Target {
    /// # Errors
    /// No `http://` or `https://` address, or more than an address. The text does not repeat it.
    pub(super) fn parse(endpoint: &str) -> Result<Self, TelemetryError> {
        let wrong = TelemetryError::Endpoint;
        let uri: http::Uri =
            endpoint.trim().parse().map_err(|_| wrong("it is no URL, as http://host:4318"))?;
        let is_tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            Some(_) | None => return Err(wrong("it begins with neither http:// nor https://")),
        };
        if uri.query().is_some() {
            return Err(wrong("it has a query"));
        }
        let authority = uri.authority().ok_or(wrong("it names no host"))?.as_str();
        let (user, authority) = match authority.rsplit_once('@') {
            Some((user, rest)) => (Some(user), rest),
            None => (None, authority),
        };
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let authorization = user.map(|user| {
            let encoded = BASE64_STANDARD.encode(percent_decoded(user));
            SecretString::from(format!("Basic {encoded}"))
        });
        let base = uri.path().trim_end_matches('/');
        // Some write one signal's address, which is below the base.
        let base = ["/v1/traces", "/v1/metrics"]
            .into_iter()
            .find_map(|signal| base.strip_suffix(signal))
            .unwrap_or(base);
        Ok(Self {
            is_tls,
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.to_owned(),
            base: base.to_owned(),
            authorization,
        })
    }
}

/// Credentials in URLs are percent-encoded; what is no such code stays.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::with_capacity(rest.len());
    while let Some((first, behind)) = rest.split_first() {
        let code = behind.get(..2).filter(|_| *first == b'%');
        let code = code.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let code = code.and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = &behind[2..];
            }
            None => {
                decoded.push(*first);
                rest = behind;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn an_address_is_taken_apart() {
        let target = Target::parse("https://me:p%40ss@collector.example/otlp/").expect("a target");
        assert!(target.is_tls);
        assert_eq!((target.host.as_str(), target.port), ("collector.example", 443));
        assert_eq!(
            (target.authority.as_str(), target.base.as_str()),
            ("collector.example", "/otlp")
        );
        let header = target.authorization.as_ref().expect("a header").expose_secret();
        assert_eq!(header, format!("Basic {}", BASE64_STANDARD.encode("me:p@ss")));
        let shown = format!("{target:?}");
        assert!(!shown.contains("p%40ss") && !shown.contains("me:"), "{shown}");
    }

    #[test]
    fn ports_brackets_and_paths_of_signals() {
        let parts = |url| {
            let target = Target::parse(url).expect(url);
            (target.host, target.port, target.authority, target.base)
        };
        let own = |host: &str, port, authority: &str, base: &str| {
            (host.to_owned(), port, authority.to_owned(), base.to_owned())
        };
        assert_eq!(parts("http://[::1]:4318"), own("::1", 4318, "[::1]:4318", ""));
        assert_eq!(parts("http://a:4318/v1/traces"), own("a", 4318, "a:4318", ""));
        assert_eq!(parts("http://a/x/v1/metrics/"), own("a", 80, "a", "/x"));
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        for url in ["", "a:4318", "//a:4318", "ftp://u:secret@a", "http://", "http://a/?k=secret"] {
            let error = Target::parse(url).expect_err(url).to_string();
            assert!(error.starts_with("otlp.endpoint: "), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
