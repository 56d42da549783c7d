//! From an origin to a byte stream: DNS, TCP with `TCP_NODELAY`, TLS with HTTP/2 agreed.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use http::Uri;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Scheme, host and port of a base URL.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

/// A base URL that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no base URL: expected http:// or https://, a host, and neither path, query nor password")]
pub struct MalformedOrigin(());

impl Origin {
    /// # Errors
    /// The URL has no usable scheme or host, or a path or query.
    pub fn parse(url: &str) -> Result<Self, MalformedOrigin> {
        // The text is not repeated: it may hold a password.
        let malformed = || MalformedOrigin(());
        let uri: Uri = url.parse().map_err(|_| malformed())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(malformed()),
        };
        let with_password = uri.authority().is_some_and(|all| all.as_str().contains('@'));
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || with_password {
            return Err(malformed());
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(malformed)?;
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host: host.to_owned(), port })
    }

    /// The address of a path on this origin.
    ///
    /// # Errors
    /// The path is no legal path.
    pub fn uri(&self, path: &str) -> Result<Uri, http::Error> {
        Uri::builder()
            .scheme(if self.tls { "https" } else { "http" })
            .authority(format!("{}:{}", self.host, self.port))
            .path_and_query(path)
            .build()
    }

    /// The name to look up; IPv6 literals without their brackets.
    fn dial_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&self.host)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// Why no byte stream came about.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("no usable trust anchors: {0}")]
    Trust(String),
    #[error("`{0}` is no name a certificate can be checked for")]
    Name(String),
    #[error("the peer does not offer HTTP/2")]
    NoHttp2,
}

/// Makes byte streams. TLS settings are read on first use, so that a gateway whose upstream is
/// plain (a simulator) never loads certificates.
#[derive(Debug, Default)]
pub struct Dialer {
    /// A PEM file with further authorities to trust.
    extra_authorities: Option<PathBuf>,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
}

pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

impl Dialer {
    #[must_use]
    pub fn new(extra_authorities: Option<PathBuf>) -> Self {
        Self { extra_authorities, tls: OnceLock::new() }
    }

    pub(super) async fn dial(&self, origin: &Origin) -> Result<Box<dyn ByteStream>, DialError> {
        let stream = TcpStream::connect((origin.dial_host(), origin.port)).await?;
        stream.set_nodelay(true)?;
        if !origin.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(origin.dial_host().to_owned())
            .map_err(|_| DialError::Name(origin.host.clone()))?;
        let connector = TlsConnector::from(self.tls_config()?);
        let stream = connector.connect(name, stream).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(DialError::NoHttp2);
        }
        Ok(Box::new(stream))
    }

    fn tls_config(&self) -> Result<Arc<rustls::ClientConfig>, DialError> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = rustls::RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if let Some(path) = &self.extra_authorities {
            let trust =
                |error: &dyn fmt::Display| DialError::Trust(format!("{}: {error}", path.display()));
            for certificate in CertificateDer::pem_file_iter(path).map_err(|e| trust(&e))? {
                let certificate = certificate.map_err(|e| trust(&e))?;
                roots.add(certificate).map_err(|e| trust(&e))?;
            }
        }
        if roots.is_empty() {
            return Err(DialError::Trust("this system has none; install ca-certificates".into()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| DialError::Trust(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_scheme_host_and_port() {
        let origin = Origin::parse("https://api2.example.invalid").expect("origin");
        assert_eq!(origin.to_string(), "https://api2.example.invalid:443");
        assert_eq!(Origin::parse("http://[::1]:8080/").expect("origin").dial_host(), "::1");
        for bad in ["", "api2", "ftp://x", "http://x/path", "http://x?q", "http://", "http://u:p@x"]
        {
            assert!(Origin::parse(bad).is_err(), "{bad}");
        }
    }
}
