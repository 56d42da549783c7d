//! How a simulator is set up.
//!
//! What can change while it serves is in [`crate::Control`]; what a single answer looks like is
//! up to the prompt.

use std::time::Duration;

use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Settings of a [`crate::Simulator`].
#[derive(Debug, Clone)]
pub struct Config {
    /// Serve TLS, with ALPN for HTTP/2 and HTTP/1.1. Without it: plain TCP, HTTP/2 by prior
    /// knowledge and HTTP/1.1.
    pub tls: Option<Tls>,
    /// `SETTINGS_MAX_CONCURRENT_STREAMS` of a connection.
    pub max_concurrent_streams: u32,
    /// Whether an agent run fails that sends no `client_heartbeat` for 30 seconds while it is
    /// open (`reference/messages/agent.md`, "Timers").
    pub require_heartbeat: bool,
    /// Which history channel of agent.v1 is honoured.
    pub history: HistorySource,
    /// Whether a run fails with a provider error that declares a tool under one of the names
    /// reserved for the server's own tools (`reference/messages/agent.md`, "MCP tools"; one
    /// source).
    pub refuse_reserved_tools: bool,
    /// Whether uploads and edits of files are refused without a `FilesyncCookie`. Clients always
    /// send one; what the real server does without it is not known.
    pub require_filesync_cookie: bool,
    /// Life of the access tokens that login, exchange and refresh give.
    pub token_lifetime: Duration,
    /// Life of the refresh tokens; `None`: access and refresh token are one and the same text, as
    /// they often are.
    pub refresh_lifetime: Option<Duration>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tls: None,
            max_concurrent_streams: 128,
            require_heartbeat: true,
            history: HistorySource::default(),
            refuse_reserved_tools: false,
            require_filesync_cookie: false,
            token_lifetime: Duration::from_secs(3600),
            refresh_lifetime: None,
        }
    }
}

/// Which history channel of agent.v1 the model sees. The sources disagree on what the real server
/// honours (`reference/messages/agent.md`, "System prompt and history").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistorySource {
    /// The blobs of `root_prompt_messages_json`; `conversation_history` only if they hold no
    /// message.
    #[default]
    RootBlobs,
    /// `UserMessageAction.conversation_history` only.
    ConversationHistory,
}

/// A certificate and its key.
#[derive(Clone)]
pub struct Tls {
    /// The chain, leaf first.
    pub certificate_pem: Vec<u8>,
    /// The key of the leaf.
    pub private_key_pem: Vec<u8>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

impl Tls {
    /// A fresh certificate for `localhost` and `127.0.0.1`, and the PEM of the authority that
    /// signed it, for the client to trust.
    ///
    /// # Errors
    /// When the key or the certificates cannot be made.
    pub fn self_signed() -> Result<(Self, Vec<u8>), TlsError> {
        use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
        let mut authority = CertificateParams::new(Vec::new())?;
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(rcgen::DnType::CommonName, "simulator test authority");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
        let key = KeyPair::generate()?;
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let leaf = CertificateParams::new(names)?.signed_by(&key, &authority)?;
        let tls = Self {
            certificate_pem: leaf.pem().into_bytes(),
            private_key_pem: key.serialize_pem().into_bytes(),
        };
        Ok((tls, authority.pem().into_bytes()))
    }

    /// The rustls form, offering HTTP/2 and HTTP/1.1.
    pub(crate) fn server_config(&self) -> Result<rustls::ServerConfig, TlsError> {
        let chain = CertificateDer::pem_slice_iter(&self.certificate_pem)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| TlsError::Pem)?;
        let key =
            PrivateKeyDer::from_pem_slice(&self.private_key_pem).map_err(|_| TlsError::Pem)?;
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }
}

/// A certificate that could not be made or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    #[error("cannot make a certificate: {0}")]
    Generate(#[from] rcgen::Error),
    #[error("the certificate or the key is not PEM")]
    Pem,
    #[error("the certificate cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
}
