//! A server in the test's runtime and an HTTP/2 client with bare frames.

use std::io::Read as _;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use simulator::{Config, Control, Simulator, tokens};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

pub(crate) const USER: &str = "user_01ABCDEFGHJKMNPQRSTVWXYZ01";
pub(crate) const RUN: &str = "/agent.v1.AgentService/Run";
pub(crate) const CHAT: &str = "/aiserver.v1.ChatService/StreamUnifiedChatWithTools";

/// A running simulator; stops when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) control: Control,
    stop: Option<oneshot::Sender<()>>,
    tasks: JoinSet<()>,
}

impl Server {
    pub(crate) async fn start(config: Config) -> Self {
        let simulator = Simulator::bind("127.0.0.1:0".parse().unwrap(), config).await.unwrap();
        let (address, control) = (simulator.local_addr(), simulator.control());
        let (stop, stopped) = oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        tasks.spawn(simulator.serve(async {
            let _ = stopped.await;
        }));
        Self { address, control, stop: Some(stop), tasks }
    }

    pub(crate) async fn plain() -> Self {
        Self::start(Config::default()).await
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection::open(self.address).await
    }

    /// Stops in the orderly way and waits for it.
    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        while self.tasks.join_next().await.is_some() {}
    }
}

/// One HTTP/2 connection.
pub(crate) struct Connection {
    pub(crate) sender: SendRequest<Upload>,
    /// Drives the connection while this lives.
    pub(crate) _tasks: JoinSet<()>,
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
                .await
                .unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _ = connection.await;
        });
        Self { sender, _tasks: tasks }
    }

    /// Opens a stream; the response is awaited later.
    pub(crate) async fn stream(&mut self, path: &str) -> Stream {
        self.stream_as(path, &token(USER)).await
    }

    pub(crate) async fn stream_as(&mut self, path: &str, token: &str) -> Stream {
        let request = post(path, token).header("content-type", "application/connect+proto");
        let request = request
            .header("connect-protocol-version", "1")
            .header("connect-content-encoding", "gzip")
            .header("x-cursor-client-version", "2.6.22");
        self.send(request).await
    }

    pub(crate) async fn send(&mut self, request: http::request::Builder) -> Stream {
        let (upload, body) = upload();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request.body(body).unwrap());
        Stream {
            upload: Some(upload),
            response: Some(Box::pin(response)),
            head: None,
            buffer: BytesMut::new(),
        }
    }

    /// One shot with a whole body.
    pub(crate) async fn call(
        &mut self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> (u16, http::HeaderMap, Bytes) {
        let (tx, body_stream) = upload();
        tx.send(body.into()).await.unwrap();
        drop(tx);
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request.body(body_stream).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (head.status.as_u16(), head.headers, body)
    }
}

pub(crate) fn token(user: &str) -> String {
    tokens::session_token(user, SystemTime::now() + Duration::from_secs(600))
}

pub(crate) fn post(path: &str, token: &str) -> http::request::Builder {
    Request::post(format!("http://localhost{path}"))
        .header("authorization", format!("Bearer {token}"))
}

/// A unary request that passes every check.
pub(crate) fn unary(path: &str) -> http::request::Builder {
    post(path, &token(USER))
        .header("content-type", "application/proto")
        .header("x-cursor-client-version", "2.6.22")
}

/// A request body fed by the test.
pub(crate) struct Upload(mpsc::Receiver<Bytes>);

fn upload() -> (mpsc::Sender<Bytes>, Upload) {
    let (tx, rx) = mpsc::channel(64);
    (tx, Upload(rx))
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

type Responding = Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>>;

/// What a stream brought next.
#[derive(Debug, Clone)]
pub(crate) enum Got {
    /// A message frame, expanded.
    Message { payload: Bytes, compressed: bool },
    /// The end frame.
    End(Value),
    /// The body ended.
    Eof,
    /// The stream or the connection broke.
    Broken,
}

/// One bidi stream.
pub(crate) struct Stream {
    pub(crate) upload: Option<mpsc::Sender<Bytes>>,
    response: Option<Responding>,
    head: Option<Response<Incoming>>,
    buffer: BytesMut,
}

impl Stream {
    pub(crate) async fn send_raw(&self, bytes: impl Into<Bytes>) {
        if let Some(upload) = &self.upload {
            let _ = upload.send(bytes.into()).await;
        }
    }

    /// Sends a message in an envelope.
    pub(crate) async fn send(&self, message: &[u8]) {
        let mut frame = vec![0];
        frame.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
        frame.extend(message);
        self.send_raw(frame).await;
    }

    /// Ends the request body.
    pub(crate) fn half_close(&mut self) {
        self.upload = None;
    }

    /// Status and headers.
    pub(crate) async fn head(&mut self) -> Option<&Response<Incoming>> {
        if let Some(response) = self.response.take() {
            self.head = limit(response).await.ok();
        }
        self.head.as_ref()
    }

    /// The next chunk of the body as it left the server.
    pub(crate) async fn chunk(&mut self) -> Option<Result<Bytes, ()>> {
        self.head().await;
        let Some(head) = &mut self.head else { return Some(Err(())) };
        match limit(head.body_mut().frame()).await {
            Some(Ok(frame)) => Some(Ok(frame.into_data().unwrap_or_default())),
            Some(Err(_)) => Some(Err(())),
            None => None,
        }
    }

    pub(crate) async fn next(&mut self) -> Got {
        loop {
            if let Some(got) = self.take_frame() {
                return got;
            }
            match self.chunk().await {
                Some(Ok(data)) => self.buffer.extend_from_slice(&data),
                Some(Err(())) => return Got::Broken,
                None => {
                    assert!(self.buffer.is_empty(), "the body ended inside a frame");
                    return Got::Eof;
                }
            }
        }
    }

    fn take_frame(&mut self) -> Option<Got> {
        let header: [u8; 5] = self.buffer.get(..5)?.try_into().unwrap();
        let length = u32::from_be_bytes(header[1..].try_into().unwrap()) as usize;
        if self.buffer.len() < 5 + length {
            return None;
        }
        self.buffer.advance(5);
        let payload = self.buffer.split_to(length).freeze();
        let compressed = header[0] & 1 == 1;
        let payload = if compressed { gunzip(&payload).into() } else { payload };
        Some(match header[0] & 2 {
            0 => Got::Message { payload, compressed },
            _ => Got::End(serde_json::from_slice(&payload).unwrap()),
        })
    }
}

pub(crate) fn gunzip(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(data).read_to_end(&mut out).unwrap();
    out
}

/// No wait of a test is for ever.
pub(crate) async fn limit<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(90), future).await.expect("within the time limit")
}

/// A golden vector.
pub(crate) fn vector(file: &str, name: &str) -> Value {
    let path = format!("{}/../../fixtures/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let all: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut vectors = all["vectors"].as_array().into_iter().flatten();
    vectors
        .find(|vector| vector["name"] == name)
        .unwrap_or_else(|| panic!("no vector {name}"))
        .clone()
}

pub(crate) fn vector_bytes(file: &str, name: &str) -> Vec<u8> {
    hex::decode(vector(file, name)["hex"].as_str().unwrap()).unwrap()
}
