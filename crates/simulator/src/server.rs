//! The listener: TCP, TLS, HTTP/2 and HTTP/1.1 on one port.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::control::Control;
use crate::route;
use crate::state::{Connection, State};

/// How long streams may go on after the shutdown signal.
const GRACE: Duration = Duration::from_millis(500);
const HANDSHAKE: Duration = Duration::from_secs(10);
const STREAM_WINDOW: u32 = 2 << 20;
const CONNECTION_WINDOW: u32 = 16 << 20;
/// A test may cancel many streams quickly; that is not an attack here.
const PENDING_RESETS: usize = 100_000;

/// A simulated backend that listens on one port.
#[derive(Debug)]
pub struct Simulator {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsWrapper>,
    state: Arc<State>,
}

#[derive(Clone)]
struct TlsWrapper(TlsAcceptor);

impl std::fmt::Debug for TlsWrapper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsAcceptor")
    }
}

/// A burst of a load test must not be reset while it waits to be accepted.
const BACKLOG: u32 = 4096;

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

impl Simulator {
    /// Listens on `address`; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address cannot be bound or the certificate cannot be used.
    pub async fn bind(address: SocketAddr, config: Config) -> io::Result<Self> {
        let tls = config.tls.as_ref().map(|tls| {
            let config = tls.server_config().map_err(io::Error::other)?;
            Ok::<_, io::Error>(TlsWrapper(TlsAcceptor::from(Arc::new(config))))
        });
        let listener = listen(address)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address, tls: tls.transpose()?, state: Arc::new(State::new(config)) })
    }

    /// The address it listens on.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// A handle that works before, while and after it serves.
    #[must_use]
    pub fn control(&self) -> Control {
        Control(Arc::clone(&self.state))
    }

    /// Serves until `shutdown`, then lets running streams end within half a second and closes
    /// every connection. Dropping the future closes them at once.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) {
        let tracker = TaskTracker::new();
        let stop = CancellationToken::new();
        let kill = CancellationToken::new();
        let _killed_on_drop = kill.clone().drop_guard();
        let mut shutdown = pin!(shutdown);
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    let connection = Connection::open(Arc::clone(&self.state));
                    let serving = serve_connection(
                        stream,
                        self.tls.clone(),
                        connection,
                        stop.clone(),
                        Spawner(tracker.clone()),
                    );
                    tracker.spawn(kill.clone().run_until_cancelled_owned(Box::pin(serving)));
                }
                // Too many open files, or a client that left; neither is for ever.
                Err(error) => {
                    tracing::debug!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
        }
        stop.cancel();
        tracker.close();
        if tokio::time::timeout(GRACE, tracker.wait()).await.is_err() {
            kill.cancel();
            // Every task ends with its connection; the limit only guards against our own mistake.
            let _ = tokio::time::timeout(GRACE, tracker.wait()).await;
        }
    }
}

/// Spawns the tasks of HTTP/2 streams where they are accounted for.
#[derive(Clone)]
struct Spawner(TaskTracker);

impl<F> Executor<F> for Spawner
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

async fn serve_connection(
    stream: TcpStream,
    tls: Option<TlsWrapper>,
    connection: Arc<Connection>,
    stop: CancellationToken,
    spawner: Spawner,
) {
    // Small frames must not wait for acknowledgements.
    let _ = stream.set_nodelay(true);
    match tls {
        None => serve_http(stream, connection, stop, spawner).await,
        Some(TlsWrapper(acceptor)) => {
            match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => serve_http(stream, connection, stop, spawner).await,
                Ok(Err(error)) => tracing::debug!(%error, "TLS handshake failed"),
                Err(_) => tracing::debug!("TLS handshake timed out"),
            }
        }
    }
}

async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    connection: Arc<Connection>,
    stop: CancellationToken,
    spawner: Spawner,
) {
    let builder = builder(spawner, connection.state.config.max_concurrent_streams);
    let cut = connection.cut.clone();
    let service = service_fn(move |request: http::Request<Incoming>| {
        route::answer(Arc::clone(&connection), request)
    });
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        _ = serving.as_mut() => {}
        () = cut.cancelled() => {}
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            tokio::select! {
                _ = serving => {}
                () = cut.cancelled() => {}
            }
        }
    }
}

fn builder(spawner: Spawner, max_concurrent_streams: u32) -> Builder<Spawner> {
    let mut builder = Builder::new(spawner);
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(max_concurrent_streams)
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(None);
    builder
}
