//! An HTTP/2 server whose every answer a test writes by hand.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use upstream::UpstreamError;
use upstream::agent::PATH;
use upstream::transport::{Exchange, Pool, Way};

use crate::support::{origin, soon};

/// What the peer allows and how it begins.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// `SETTINGS_MAX_CONCURRENT_STREAMS`; none is unlimited.
    pub(crate) max_streams: Option<u32>,
    /// Silence before the peer's SETTINGS.
    pub(crate) settings_after: Duration,
}

/// What the peer saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) connections: AtomicUsize,
    pub(crate) calls: AtomicUsize,
    /// Most calls at the same time on each connection.
    peaks: Mutex<Vec<usize>>,
}

impl Seen {
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn peaks(&self) -> Vec<usize> {
        self.peaks.lock().expect("lock").clone()
    }
}

/// One call as the peer got it.
pub(crate) struct Call {
    pub(crate) request: Request<RecvStream>,
    pub(crate) respond: SendResponse<Bytes>,
}

impl Call {
    /// Answers with 200 and the content type of a stream.
    pub(crate) fn accept(&mut self) -> SendStream<Bytes> {
        self.answer(Response::builder().header("content-type", "application/connect+proto"))
    }

    pub(crate) fn answer(&mut self, head: http::response::Builder) -> SendStream<Bytes> {
        self.respond.send_response(head.body(()).expect("head"), false).expect("sent")
    }

    /// Waits for the first message of the client.
    pub(crate) async fn first_bytes(&mut self) -> Bytes {
        soon("the client's first bytes", self.request.body_mut().data())
            .await
            .expect("data")
            .expect("no reset")
    }
}

/// The peer. Its connections end with it.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Seen>,
    /// Connections numbered below this say GOAWAY.
    goaway: watch::Sender<usize>,
    _tasks: JoinSet<()>,
}

impl Peer {
    /// Runs `handle` for every call, in a task of its own.
    pub(crate) async fn start<F, R>(rules: Rules, handle: F) -> Self
    where
        F: Fn(Call) -> R + Clone + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("address");
        let seen = Arc::new(Seen::default());
        let (goaway, goaway_in) = watch::channel(0);
        let mut tasks = JoinSet::new();
        let noted = Arc::clone(&seen);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("accepted");
                let number = noted.connections.fetch_add(1, Ordering::SeqCst);
                noted.peaks.lock().expect("lock").push(0);
                let serving =
                    Serving { number, rules, seen: Arc::clone(&noted), goaway: goaway_in.clone() };
                connections.spawn(serving.run(stream, handle.clone()));
            }
        });
        Self { address, seen, goaway, _tasks: tasks }
    }

    /// Says GOAWAY on every connection there is.
    pub(crate) fn go_away(&self) {
        self.goaway.send_replace(self.seen.connections());
    }

    /// Opens a call to this peer with an empty first message.
    pub(crate) async fn open(&self, pool: &Pool) -> Result<Exchange, UpstreamError> {
        let first = cursor_proto::agent::AgentClientMessage::default();
        let headers = HeaderMap::new();
        soon(
            "opening",
            Exchange::open(pool, &Way::direct(&origin(self.address)), PATH, headers, &first),
        )
        .await
    }
}

struct Serving {
    number: usize,
    rules: Rules,
    seen: Arc<Seen>,
    goaway: watch::Receiver<usize>,
}

impl Serving {
    async fn run<F, R>(mut self, stream: TcpStream, handle: F)
    where
        F: Fn(Call) -> R,
        R: Future<Output = ()> + Send + 'static,
    {
        tokio::time::sleep(self.rules.settings_after).await;
        let mut builder = h2::server::Builder::new();
        if let Some(most) = self.rules.max_streams {
            builder.max_concurrent_streams(most);
        }
        let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
        let mut calls = JoinSet::new();
        let running = Arc::new(AtomicUsize::new(0));
        let mut told = false;
        loop {
            tokio::select! {
                accepted = connection.accept() => {
                    let Some(Ok((request, respond))) = accepted else { return };
                    self.seen.calls.fetch_add(1, Ordering::SeqCst);
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    let mut peaks = self.seen.peaks.lock().expect("lock");
                    peaks[self.number] = peaks[self.number].max(now);
                    drop(peaks);
                    let call = Call { request, respond };
                    let (handling, running) = (handle(call), Arc::clone(&running));
                    calls.spawn(async move {
                        handling.await;
                        running.fetch_sub(1, Ordering::SeqCst);
                    });
                }
                changed = self.goaway.wait_for(|below| self.number < *below), if !told => {
                    if changed.is_err() { return; }
                    told = true;
                    connection.graceful_shutdown();
                }
            }
        }
    }
}

/// A frame of the protocol.
pub(crate) fn frame(flags: u8, payload: &[u8]) -> Bytes {
    let mut out = BytesMut::new();
    out.put_u8(flags);
    out.put_u32(u32::try_from(payload.len()).expect("short"));
    out.extend_from_slice(payload);
    out.freeze()
}

pub(crate) fn end_frame() -> Bytes {
    frame(2, b"{}")
}
