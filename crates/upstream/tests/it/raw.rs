//! Peers that are hardly HTTP/2 at all.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Listens, and does this with every connection until the runtime ends.
async fn listen<R>(handle: fn(TcpStream) -> R) -> SocketAddr
where
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("address");
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        let mut connections = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(handle(stream));
        }
    });
    address
}

/// Accepts connections and says nothing.
pub(crate) async fn mute() -> SocketAddr {
    listen(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await
}

/// Speaks the preface, then reads and never answers: no PING comes back.
pub(crate) async fn deaf() -> SocketAddr {
    listen(|mut stream| async move {
        const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
        const ACKNOWLEDGED: [u8; 9] = [0, 0, 0, 4, 1, 0, 0, 0, 0];
        stream.write_all(&[SETTINGS, ACKNOWLEDGED].concat()).await.expect("written");
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    })
    .await
}

/// Answers in HTTP/1.1, as a proxy in the way does.
pub(crate) async fn http1() -> SocketAddr {
    listen(|mut stream| async move {
        let answer = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.expect("written");
        let mut buffer = [0; 4096];
        while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
    })
    .await
}

/// A port that nobody listens on.
pub(crate) async fn closed() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("address")
}
