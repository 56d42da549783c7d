//! From a target to a byte stream: names to addresses, addresses past the filter, TCP, TLS.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::address::is_public;
use super::target::Target;
use super::trouble::Trouble;

/// Addresses of one host that are tried.
const MAX_ADDRESSES: usize = 3;

pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

/// Makes connections. Trust anchors are read when the first is needed.
#[derive(Debug)]
pub(super) struct Connector {
    allow_private: bool,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
    /// A local server that stands for a public one.
    #[cfg(test)]
    pub(super) stand_in: Option<SocketAddr>,
}

impl Connector {
    pub(super) fn new(allow_private: bool) -> Self {
        Self {
            allow_private,
            tls: OnceLock::new(),
            #[cfg(test)]
            stand_in: None,
        }
    }

    /// Pictures are on the web's ports. On others other protocols listen, some of which do what
    /// they are told by a few lines of text.
    fn is_allowed(&self, address: SocketAddr) -> bool {
        #[cfg(test)]
        if self.stand_in == Some(address) {
            return true;
        }
        self.allow_private || (is_public(address.ip()) && matches!(address.port(), 80 | 443))
    }

    #[cfg(test)]
    pub(super) fn trust(&self, config: rustls::ClientConfig) {
        self.tls.set(Arc::new(config)).expect("set once");
    }

    /// # Errors
    /// The host has no address that may be used, or none of those answers.
    pub(super) async fn connect(&self, target: &Target) -> Result<Box<dyn ByteStream>, Trouble> {
        let stream = dial(&self.addresses(target).await?).await?;
        if !target.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(target.host().to_owned())
            .map_err(|error| Trouble::Unreachable(format!("name for TLS: {error}")))?;
        let connector = TlsConnector::from(self.tls_config()?);
        match connector.connect(name, stream).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(Trouble::Unreachable(format!("TLS: {error}"))),
        }
    }

    /// The addresses that may be used. Numbers in odd notations (`0x7f.1`) are read by the
    /// resolver as well, so they come by here in their true form.
    async fn addresses(&self, target: &Target) -> Result<Vec<SocketAddr>, Trouble> {
        let found = tokio::net::lookup_host((target.host(), target.port))
            .await
            .map_err(|_| Trouble::NoPublicAddress)?;
        let usable: Vec<SocketAddr> =
            found.filter(|address| self.is_allowed(*address)).take(MAX_ADDRESSES).collect();
        if usable.is_empty() { Err(Trouble::NoPublicAddress) } else { Ok(usable) }
    }

    fn tls_config(&self) -> Result<Arc<rustls::ClientConfig>, Trouble> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let config = tls_config(roots).map_err(|error| Trouble::Unreachable(error.to_string()))?;
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}

/// HTTP/1.1 over TLS with these authorities.
pub(super) fn tls_config(
    roots: rustls::RootCertStore,
) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

async fn dial(addresses: &[SocketAddr]) -> Result<TcpStream, Trouble> {
    let mut problem = String::new();
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = format!("{address}: {error}"),
        }
    }
    Err(Trouble::Unreachable(problem))
}
