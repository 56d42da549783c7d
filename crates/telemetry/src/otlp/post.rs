//! Posts to the collector, over one connection that is kept while it lasts.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::target::Target;
use crate::TelemetryError;

/// For one delivery, the connection included.
const DEADLINE: Duration = Duration::from_secs(10);

/// Of an answer; collectors say next to nothing.
const ANSWER: usize = 64 << 10;

/// Why a delivery failed. Holds nothing of the address or the headers.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("no connection: {0}")]
    Unreachable(String),
    #[error("broken off: {0}")]
    Broke(String),
    #[error("answered with status {0}")]
    Status(u16),
    #[error("no answer within {} s", DEADLINE.as_secs())]
    TimedOut,
    #[error("the collector refused {0} of them")]
    Rejected(i64),
}

/// Clones have connections of their own.
#[derive(Debug)]
pub(super) struct Poster {
    shared: Arc<Shared>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Shared {
    target: Target,
    headers: Vec<(HeaderName, SecretString)>,
    agent: HeaderValue,
    tls: OnceLock<Arc<rustls::ClientConfig>>,
}

/// A connection, and the task that moves its bytes, which ends with it.
#[derive(Debug)]
struct Open {
    sender: SendRequest<Full<Bytes>>,
    _moving: JoinSet<()>,
}

impl Clone for Poster {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), open: None }
    }
}

trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for T {}

impl Poster {
    /// # Errors
    /// A header has a name or a value that cannot be sent.
    pub(super) fn new(
        target: Target,
        headers: Vec<(String, SecretString)>,
        version: &str,
    ) -> Result<Self, TelemetryError> {
        let headers = headers
            .into_iter()
            .map(|(name, value)| {
                let known = HeaderName::try_from(&name).ok().filter(|name| !is_ours(name));
                let fits = HeaderValue::from_str(value.expose_secret()).is_ok();
                known.filter(|_| fits).map(|known| (known, value)).ok_or(name)
            })
            .collect::<Result<_, _>>()
            .map_err(TelemetryError::Header)?;
        let agent = HeaderValue::from_str(&format!("cursor-api/{version}"))
            .unwrap_or(HeaderValue::from_static("cursor-api"));
        let shared = Shared { target, headers, agent, tls: OnceLock::new() };
        Ok(Self { shared: Arc::new(shared), open: None })
    }

    /// For log lines.
    pub(super) fn place(&self) -> String {
        self.shared.target.authority.clone()
    }

    /// The answer's body.
    ///
    /// # Errors
    /// The collector cannot be reached, takes too long, or answers with another status than 2xx.
    pub(super) async fn post(&mut self, signal: &str, body: Bytes) -> Result<Bytes, Trouble> {
        let posted = tokio::time::timeout(DEADLINE, self.try_post(signal, body)).await;
        let posted = posted.unwrap_or(Err(Trouble::TimedOut));
        if posted.is_err() {
            self.open = None;
        }
        posted
    }

    async fn try_post(&mut self, signal: &str, body: Bytes) -> Result<Bytes, Trouble> {
        // A kept connection may have been closed meanwhile, which shows when it is used.
        if let Some(mut open) = self.open.take()
            && open.sender.ready().await.is_ok()
        {
            match self.exchange(open, signal, body.clone()).await {
                Err(Trouble::Broke(_)) => {}
                known => return known,
            }
        }
        let open = self.shared.connect().await?;
        self.exchange(open, signal, body).await
    }

    async fn exchange(
        &mut self,
        mut open: Open,
        signal: &str,
        body: Bytes,
    ) -> Result<Bytes, Trouble> {
        let request = self.shared.request(signal, body)?;
        let response = open.sender.send_request(request).await.map_err(broke)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER).collect().await;
        let body = body.map_err(|error| Trouble::Broke(error.to_string()))?.to_bytes();
        self.open = Some(open);
        if status.is_success() { Ok(body) } else { Err(Trouble::Status(status.as_u16())) }
    }
}

/// Headers that are set here.
fn is_ours(name: &HeaderName) -> bool {
    let ours = [
        header::HOST,
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
        header::CONNECTION,
        header::CONTENT_ENCODING,
    ];
    ours.contains(name)
}

fn broke(error: hyper::Error) -> Trouble {
    Trouble::Broke(error.to_string())
}

impl Shared {
    fn request(&self, signal: &str, body: Bytes) -> Result<Request<Full<Bytes>>, Trouble> {
        let mut request = Request::post(format!("{}/v1/{signal}", self.target.base))
            .header(header::HOST, &self.target.authority)
            .header(header::USER_AGENT, &self.agent)
            .header(header::CONTENT_TYPE, "application/x-protobuf");
        let from_url = self.target.authorization.iter().map(|value| (header::AUTHORIZATION, value));
        let given = self.headers.iter().map(|(name, value)| (name.clone(), value));
        for (name, value) in from_url.chain(given) {
            if let Ok(mut value) = HeaderValue::from_str(value.expose_secret()) {
                value.set_sensitive(true);
                request = request.header(name, value);
            }
        }
        request.body(Full::new(body)).map_err(|_| Trouble::Broke("a malformed request".into()))
    }

    async fn connect(&self) -> Result<Open, Trouble> {
        let target = &self.target;
        let tcp = TcpStream::connect((target.host.as_str(), target.port))
            .await
            .map_err(|error| Trouble::Unreachable(error.to_string()))?;
        let stream: Box<dyn ByteStream> = if target.is_tls {
            let name = ServerName::try_from(target.host.clone())
                .map_err(|error| Trouble::Unreachable(format!("name for TLS: {error}")))?;
            let connector = TlsConnector::from(self.tls()?);
            let tls = connector.connect(name, tcp).await;
            Box::new(tls.map_err(|error| Trouble::Unreachable(format!("TLS: {error}")))?)
        } else {
            Box::new(tcp)
        };
        let (sender, connection) =
            Builder::new().handshake(TokioIo::new(stream)).await.map_err(broke)?;
        let mut moving = JoinSet::new();
        moving.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "connection to the collector ended");
            }
        });
        Ok(Open { sender, _moving: moving })
    }

    /// Trust anchors are read when the first is needed.
    fn tls(&self) -> Result<Arc<rustls::ClientConfig>, Trouble> {
        if let Some(config) = self.tls.get() {
            return Ok(Arc::clone(config));
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Trouble::Unreachable(error.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::clone(self.tls.get_or_init(|| Arc::new(config))))
    }
}
