//! Ports, protocols and connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::RootCertStore;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use simulator::{Config, Tls};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::agent_client::{Agent, request};
use super::chat_client::Chat;
use super::client::{CHAT, Connection, Server, USER, limit, post, token, unary};

async fn http1(server: &Server, request: http::request::Builder) -> (u16, bytes::Bytes) {
    http1_with(server, request, "").await
}

/// One call over HTTP/1.1, on a connection of its own.
pub(crate) async fn http1_with(
    server: &Server,
    request: http::request::Builder,
    body: &str,
) -> (u16, bytes::Bytes) {
    let stream = TcpStream::connect(server.address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        let _ = connection.await;
    });
    let request = request
        .header("host", "localhost")
        .body(Full::new(bytes::Bytes::from(body.to_owned())))
        .unwrap();
    let response = limit(sender.send_request(request)).await.unwrap();
    let status = response.status().as_u16();
    (status, response.into_body().collect().await.unwrap().to_bytes())
}

#[tokio::test]
async fn http_1_serves_unary_calls_and_no_bidi_stream() {
    let server = Server::plain().await;
    let (status, body) = http1(&server, unary("/aiserver.v1.AiService/AvailableModels")).await;
    assert_eq!(status, 200);
    assert!(!body.is_empty());
    let (status, _) =
        http1(&server, post("/auth/exchange_user_api_key", "key_0123456789abcdef")).await;
    assert_eq!(status, 200);
    let bidi = post(CHAT, &token(USER)).header("content-type", "application/connect+proto");
    assert_eq!(http1(&server, bidi).await.0, 464);
}

#[tokio::test]
async fn tls_with_alpn() {
    let (tls, authority) = Tls::self_signed().unwrap();
    let server = Server::start(Config { tls: Some(tls), ..Config::default() }).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&authority).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    for name in ["localhost", "127.0.0.1"] {
        let stream = TcpStream::connect(server.address).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config.clone()));
        let stream = connector.connect(ServerName::try_from(name).unwrap(), stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _ = connection.await;
        });
        let mut connection = Connection { sender, _tasks: tasks };
        assert_eq!(Chat::ask(&mut connection, "hi").await.text, "echo: hi");
    }
}

#[tokio::test]
async fn streams_and_connections_are_counted() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agents = Vec::new();
    for _ in 0..3 {
        let mut agent = Agent::open(&mut connection).await;
        agent.send(request("[[sim: say x]] [[sim: wait 30s]]")).await;
        agent.until(|seen| !seen.text.is_empty()).await;
        agents.push(agent);
    }
    assert_eq!((server.control.active_streams(), server.control.connections()), (3, 1));
    assert_eq!(server.control.peak_streams_per_connection(), 3);
    drop(agents);
    let until = Instant::now() + Duration::from_secs(2);
    while server.control.active_streams() > 0 {
        assert!(Instant::now() < until, "the cancellation was not noticed");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(server.control.peak_streams_per_connection(), 3);
}

#[tokio::test]
async fn the_stream_limit_is_announced() {
    let server = Server::start(Config { max_concurrent_streams: 1, ..Config::default() }).await;
    let mut connection = server.connect().await;
    let mut first = Agent::open(&mut connection).await;
    first.send(request("[[sim: say x]] [[sim: wait 300ms]]")).await;
    first.until(|seen| !seen.text.is_empty()).await;
    let began = Instant::now();
    // The client's own HTTP/2 waits for a free stream.
    let second = Chat::ask(&mut connection, "hi");
    let (first, second) = tokio::join!(first.finish(), second);
    assert_eq!((first.text.as_str(), second.text.as_str()), ("x", "echo: hi"));
    assert!(began.elapsed() >= Duration::from_millis(200));
    assert_eq!(server.control.peak_streams_per_connection(), 1);
}

#[tokio::test]
async fn shutdown_ends_soon_and_closes_everything() {
    let server = Server::plain().await;
    let control = server.control.clone();
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: say x]] [[sim: hang]]")).await;
    agent.until(|seen| !seen.text.is_empty()).await;
    let began = Instant::now();
    server.stop().await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(agent.finish().await.broken);
    assert_eq!((control.active_streams(), control.connections()), (0, 0));
}
