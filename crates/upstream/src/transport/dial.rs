//! From a way to a byte stream: DNS, TCP with `TCP_NODELAY`, a proxy's tunnel where there is one, TLS
//! with HTTP/2 agreed.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use http::Uri;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use secrecy::ExposeSecret as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::proxy::{Proxy, ProxyScheme};
use super::tunnel::ProxyError;
use super::via::Way;
use super::{socks, tunnel};

/// How many addresses of an origin a SOCKS5 proxy is asked to connect to.
const MOST_ADDRESSES: usize = 4;

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
    pub(super) fn dial_host(&self) -> &str {
        self.host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&self.host)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    pub(super) fn is_tls(&self) -> bool {
        self.tls
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
    /// The origin was not even tried.
    #[error("{proxy}: {error}")]
    Proxy {
        /// With its password masked.
        proxy: String,
        error: ProxyError,
    },
}

/// Makes byte streams. TLS settings are read on first use, so that a gateway whose upstream is
/// plain (a simulator) never loads certificates.
#[derive(Debug, Default)]
pub struct Dialer {
    /// A PEM file with further authorities to trust.
    extra_authorities: Option<PathBuf>,
    tls: OnceLock<TlsConfigs>,
}

/// The same trust, with HTTP/2 for origins and HTTP/1.1 for proxies.
#[derive(Debug, Clone)]
struct TlsConfigs {
    origin: Arc<rustls::ClientConfig>,
    proxy: Arc<rustls::ClientConfig>,
}

pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

impl Dialer {
    #[must_use]
    pub fn new(extra_authorities: Option<PathBuf>) -> Self {
        Self { extra_authorities, tls: OnceLock::new() }
    }

    /// Through the way's proxy or not at all: there is no other way to fall back to.
    pub(super) async fn dial(&self, way: &Way) -> Result<Box<dyn ByteStream>, DialError> {
        let origin = &way.origin;
        let stream: Box<dyn ByteStream> = match way.via.proxy_for(origin) {
            None => Box::new(tcp(origin.dial_host(), origin.port).await?),
            Some(proxy) => self.tunnel(&proxy, origin).await?,
        };
        if !origin.tls {
            return Ok(stream);
        }
        let name = ServerName::try_from(origin.dial_host().to_owned())
            .map_err(|_| DialError::Name(origin.host.clone()))?;
        let connector = TlsConnector::from(self.tls_configs()?.origin);
        let stream = connector.connect(name, stream).await?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(DialError::NoHttp2);
        }
        Ok(Box::new(stream))
    }

    /// A stream to the origin that a proxy carries.
    async fn tunnel(
        &self,
        proxy: &Proxy,
        origin: &Origin,
    ) -> Result<Box<dyn ByteStream>, DialError> {
        let failed = |error| DialError::Proxy { proxy: proxy.masked(), error };
        let credentials = proxy
            .credentials
            .as_ref()
            .map(|(user, password)| (user.as_str(), password.expose_secret()));
        match proxy.scheme {
            ProxyScheme::Http | ProxyScheme::Https => {
                let mut stream = self.to_http_proxy(proxy).await?;
                let target = format!("{}:{}", origin.host, origin.port);
                tunnel::connect(&mut stream, &target, credentials).await.map_err(failed)?;
                Ok(stream)
            }
            ProxyScheme::Socks5h => {
                let host = origin.dial_host();
                let target = match host.parse::<IpAddr>() {
                    Ok(ip) => socks::Target::Address((ip, origin.port).into()),
                    Err(_) => socks::Target::Name(host, origin.port),
                };
                Ok(Box::new(through_socks(proxy, target, credentials).await.map_err(failed)?))
            }
            ProxyScheme::Socks5 => {
                let addresses = tokio::net::lookup_host((origin.dial_host(), origin.port)).await?;
                Ok(Box::new(
                    through_socks_to_one_of(proxy, addresses, credentials).await.map_err(failed)?,
                ))
            }
        }
    }

    async fn to_http_proxy(&self, proxy: &Proxy) -> Result<Box<dyn ByteStream>, DialError> {
        let failed = |error| DialError::Proxy { proxy: proxy.masked(), error };
        let stream = tcp(&proxy.host, proxy.port).await.map_err(|error| failed(error.into()))?;
        if proxy.scheme != ProxyScheme::Https {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(proxy.host.clone())
            .map_err(|_| failed(ProxyError::Name(proxy.host.clone())))?;
        let connector = TlsConnector::from(self.tls_configs()?.proxy);
        let stream = connector.connect(name, stream).await;
        Ok(Box::new(stream.map_err(|error| failed(ProxyError::Tls(error)))?))
    }

    fn tls_configs(&self) -> Result<TlsConfigs, DialError> {
        if let Some(configs) = self.tls.get() {
            return Ok(configs.clone());
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
        let mut origin = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| DialError::Trust(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut proxy = origin.clone();
        origin.alpn_protocols = vec![b"h2".to_vec()];
        proxy.alpn_protocols = vec![b"http/1.1".to_vec()];
        // One may stand on the other's host: sessions are not to be mixed up.
        proxy.resumption = rustls::client::Resumption::default();
        let configs = TlsConfigs { origin: Arc::new(origin), proxy: Arc::new(proxy) };
        Ok(self.tls.get_or_init(|| configs).clone())
    }
}

async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

async fn through_socks(
    proxy: &Proxy,
    target: socks::Target<'_>,
    credentials: Option<(&str, &str)>,
) -> Result<TcpStream, ProxyError> {
    let mut stream = tcp(&proxy.host, proxy.port).await?;
    socks::connect(&mut stream, target, credentials).await?;
    Ok(stream)
}

/// Has the proxy connect to the first of the origin's addresses that it reaches.
async fn through_socks_to_one_of(
    proxy: &Proxy,
    addresses: impl Iterator<Item = SocketAddr>,
    credentials: Option<(&str, &str)>,
) -> Result<TcpStream, ProxyError> {
    let mut last = ProxyError::Protocol("the origin's name has no address to ask it for");
    for address in addresses.take(MOST_ADDRESSES) {
        match through_socks(proxy, socks::Target::Address(address), credentials).await {
            // This address is out of the proxy's reach; another one may not be.
            Err(error @ ProxyError::Reply(_)) => last = error,
            done => return done,
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// A SOCKS5 proxy without login that answers each connection with the next of these reply
    /// codes. Gives the last byte of every address it was asked for.
    async fn replying(listener: TcpListener, codes: &[u8]) -> Vec<u8> {
        let mut asked = Vec::new();
        for code in codes {
            let (mut stream, _) = listener.accept().await.expect("accepted");
            stream.read_exact(&mut [0; 3]).await.expect("an offer");
            stream.write_all(&[5, 0]).await.expect("written");
            let mut request = [0; 10];
            stream.read_exact(&mut request).await.expect("a request");
            asked.push(request[7]);
            let reply = [5, *code, 0, 1, 0, 0, 0, 0, 0, 0];
            stream.write_all(&reply).await.expect("written");
        }
        asked
    }

    async fn asked(codes: &[u8], count: u8) -> (Result<TcpStream, ProxyError>, Vec<u8>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("socks5://{}", listener.local_addr().expect("address"));
        let proxy = Proxy::parse(&url).expect("a proxy");
        let addresses = (1..=count).map(|last| SocketAddr::from(([192, 0, 2, last], 443)));
        tokio::join!(through_socks_to_one_of(&proxy, addresses, None), replying(listener, codes))
    }

    #[tokio::test]
    async fn the_next_address_is_tried_when_one_is_out_of_reach() {
        let (result, asked_for) = asked(&[4, 8, 0], 9).await;
        assert!(result.is_ok(), "{result:?}");
        assert_eq!(asked_for, [1, 2, 3]);
        let (result, asked_for) = asked(&[5, 5, 5, 4], 9).await;
        assert!(matches!(result, Err(ProxyError::Reply(4))), "{result:?}");
        assert_eq!(asked_for, [1, 2, 3, 4], "not every address there is");
        let (result, _) = asked(&[1, 2], 2).await;
        assert!(matches!(result, Err(ProxyError::Reply(2))), "{result:?}");
    }

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
