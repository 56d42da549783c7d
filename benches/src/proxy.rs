//! The yardstick: a reverse proxy with nothing in it. HTTP/1.1 in, one pool of HTTP/2 out, bodies
//! passed on as they come, `TCP_NODELAY` on both sides.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use http::{Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Connections to the upstream; each carries as many calls as the peer allows.
const CONNECTIONS: usize = 16;

pub(crate) async fn run(upstream: &str) -> Result<()> {
    let mut tasks = JoinSet::new();
    let mut senders = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(upstream).await.context("upstream")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(16 << 20)
            .handshake(TokioIo::new(stream))
            .await?;
        tasks.spawn(async move {
            let _ = connection.await;
        });
        senders.push(sender);
    }
    let senders = Arc::new(senders);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    crate::report::say(&format!("http://{}", listener.local_addr()?));
    let next = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let upstream: Arc<str> = upstream.into();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (senders, next, upstream) =
            (Arc::clone(&senders), Arc::clone(&next), Arc::clone(&upstream));
        let service = service_fn(move |request| {
            let at = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % senders.len();
            forward(senders[at].clone(), Arc::clone(&upstream), request)
        });
        tasks.spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn forward(
    mut sender: SendRequest<Incoming>,
    upstream: Arc<str>,
    request: Request<Incoming>,
) -> Result<Response<Incoming>, Infallible> {
    let (mut head, body) = request.into_parts();
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    head.uri = format!("http://{upstream}{path}").parse::<Uri>().unwrap_or_default();
    head.version = http::Version::HTTP_2;
    head.headers.remove(http::header::HOST);
    head.headers.remove(http::header::CONNECTION);
    head.headers.remove(http::header::TRANSFER_ENCODING);
    let response = sender.send_request(Request::from_parts(head, body)).await;
    // The yardstick only knows success.
    Ok(response.unwrap_or_else(|error| panic!("proxy: {error}")))
}
