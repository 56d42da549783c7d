//! A web server that says what it is told, byte by byte.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::*;

#[derive(Debug, Clone)]
pub(super) struct Reply {
    bytes: Vec<u8>,
    /// Whether the connection stays open and silent afterwards.
    stalls: bool,
}

impl Reply {
    pub(super) fn bytes(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), stalls: false }
    }

    pub(super) fn stalled(bytes: &[u8]) -> Self {
        Self { bytes: bytes.to_vec(), stalls: true }
    }

    pub(super) fn picture(data: &[u8]) -> Self {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
            data.len()
        );
        Self::bytes(&[head.as_bytes(), data].concat())
    }

    pub(super) fn redirect(location: &str) -> Self {
        let head =
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        Self::bytes(head.as_bytes())
    }
}

struct Shared {
    answer: Box<dyn Fn(&str) -> Reply + Send + Sync>,
    requests: Mutex<Vec<String>>,
    step: Option<Barrier>,
    open: AtomicUsize,
    most: AtomicUsize,
}

pub(super) struct Server {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    /// Aborted with the server.
    tasks: JoinSet<()>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(&str) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(Box::new(answer), None, None).await
    }

    /// Answers only when so many requests are open.
    pub(super) async fn in_step(number: usize, reply: Reply) -> Self {
        Self::listen(Box::new(move |_| reply.clone()), Some(Barrier::new(number)), None).await
    }

    pub(super) async fn start_tls(
        identity: &rcgen::CertifiedKey<rcgen::KeyPair>,
        reply: Reply,
    ) -> Self {
        let key = rustls_pki_types::PrivatePkcs8KeyDer::from(identity.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![identity.cert.der().clone()], key.into())
            .expect("a certificate");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Self::listen(Box::new(move |_| reply.clone()), None, Some(acceptor)).await
    }

    async fn listen(
        answer: Box<dyn Fn(&str) -> Reply + Send + Sync>,
        step: Option<Barrier>,
        tls: Option<TlsAcceptor>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared {
            answer,
            requests: Mutex::default(),
            step,
            open: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&shared), tls));
        Self { address, shared, tasks }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().expect("not poisoned").clone()
    }

    pub(super) fn most_at_once(&self) -> usize {
        self.shared.most.load(Ordering::SeqCst)
    }

    /// Ends when nobody listens any more.
    pub(super) async fn stop(mut self) {
        self.tasks.shutdown().await;
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tls: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let (shared, tls) = (Arc::clone(&shared), tls.clone());
        connections.spawn(async move {
            match tls {
                None => serve(stream, &shared).await,
                // A client that does not trust the certificate leaves here.
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, &shared).await;
                    }
                }
            }
        });
    }
}

/// Ignores what goes wrong: clients here leave whenever they like.
async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, shared: &Shared) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).expect("UTF-8");
    let path = head.split(' ').nth(1).expect("a path").to_owned();
    shared.requests.lock().expect("not poisoned").push(head);
    let open = shared.open.fetch_add(1, Ordering::SeqCst) + 1;
    shared.most.fetch_max(open, Ordering::SeqCst);
    if let Some(step) = &shared.step {
        step.wait().await;
    }
    let reply = (shared.answer)(&path);
    shared.open.fetch_sub(1, Ordering::SeqCst);
    let _ = stream.write_all(&reply.bytes).await;
    let _ = stream.flush().await;
    if reply.stalls {
        std::future::pending::<()>().await;
    }
    let _ = stream.shutdown().await;
}
