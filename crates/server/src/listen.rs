//! Accepts connections and ends them in order.
//!
//! HTTP/1.1 and HTTP/2 without TLS on one port, `TCP_NODELAY` everywhere. When told to stop, no
//! connection is accepted any more and running ones finish what they are at.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::service::Service;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// A client must have sent its request head by then.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Connections that may wait to be accepted; the system's own limit holds as well. With the usual
/// 128 a burst of clients is reset on a busy machine.
const BACKLOG: u32 = 4096;

/// After a failed accept, for example with all file descriptors in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Between two lines about connections that are not accepted.
const COMPLAIN: Duration = Duration::from_secs(10);

/// After the word to stop, a request that is on its way on an old connection is still answered, with
/// a refusal, instead of meeting a closed connection.
const LINGER: Duration = Duration::from_millis(500);

/// A bound listener.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
}

/// Why the port cannot be used.
#[derive(Debug)]
pub struct ServeError {
    pub address: SocketAddr,
    pub source: io::Error,
}

impl std::fmt::Display for ServeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.source.kind() {
            io::ErrorKind::AddrInUse => write!(f, "{} is in use by another program", self.address),
            io::ErrorKind::PermissionDenied => write!(f, "no permission to use {}", self.address),
            _ => write!(f, "cannot use {}: {}", self.address, self.source),
        }
    }
}

impl std::error::Error for ServeError {}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Server {
    /// # Errors
    /// The address is in use or not allowed.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        match listen(address) {
            Ok(listener) => Ok(Self { listener }),
            Err(source) => Err(ServeError { address, source }),
        }
    }

    /// The address in use; tells the port when 0 was asked for.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` resolves, then takes no connection any more and lets those that are there
    /// finish for at most `grace`. That requests which still come are refused is the router's to see.
    pub async fn serve(self, router: Router, stop: impl Future<Output = ()>, grace: Duration) {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).keep_alive(true);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(20))
            .max_concurrent_streams(250);
        let tasks = TaskTracker::new();
        let graceful = GracefulShutdown::new();
        let stopping = CancellationToken::new();
        let mut complained = None;
        tokio::pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                accepted = self.listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Without a file to spare this goes on until connections end.
                    if complained.is_none_or(|at: Instant| at.elapsed() >= COMPLAIN) {
                        complained = Some(Instant::now());
                        tracing::warn!(%error, "connections are not accepted");
                    }
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY not set");
            }
            let inner = TowerToHyperService::new(router.clone());
            let service = FromPeer { peer: Peer(peer.ip()), inner };
            let (builder, watcher) = (builder.clone(), graceful.watcher());
            let stopping = stopping.clone();
            tasks.spawn(async move {
                let spoke = tokio::select! {
                    () = stopping.cancelled() => false,
                    spoke = has_spoken(&stream) => spoke,
                };
                if !spoke {
                    return;
                }
                let connection = builder.serve_connection(TokioIo::new(stream), service);
                if let Err(error) = watcher.watch(connection.into_owned()).await {
                    tracing::debug!(error, "connection ended");
                }
            });
        }
        drop(self.listener);
        tasks.close();
        let _ = tokio::time::timeout(LINGER.min(grace), tasks.wait()).await;
        stopping.cancel();
        if tokio::time::timeout(grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("connections still open after the grace period are closed");
        }
    }
}

/// The address at the other end of the connection. Requests carry it as an extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Tells every request of a connection where it comes from.
struct FromPeer<S> {
    peer: Peer,
    inner: S,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for FromPeer<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn call(&self, mut request: Request<B>) -> S::Future {
        request.extensions_mut().insert(self.peer);
        self.inner.call(request)
    }
}

/// Whether the client says in time which version of HTTP it speaks. The server behind tells the
/// versions apart by the first bytes and would wait for them for ever.
async fn has_spoken(stream: &TcpStream) -> bool {
    const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    /// Between two looks at a preface that comes in pieces.
    const PAUSE: Duration = Duration::from_millis(20);
    let speaking = async {
        let mut seen = [0; PREFACE.len()];
        loop {
            let count = stream.peek(&mut seen).await?;
            if count == 0 || count == PREFACE.len() || seen[..count] != PREFACE[..count] {
                return io::Result::Ok(count > 0);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    matches!(tokio::time::timeout(HEAD_TIMEOUT, speaking).await, Ok(Ok(true)))
}
