//! One HTTP/2 connection: how many calls it carries, how many the peer allows, whether it lives.
//!
//! A task of its own moves its bytes, learns the peer's limit from its SETTINGS, sends PINGs while
//! calls run, and ends the connection when a PING stays unanswered or nobody uses it.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Connection as H2Connection, SendRequest};
use tokio::sync::watch;
use tokio::time::{Instant, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use super::dial::ByteStream;
use super::{STREAM_WINDOW, TransportOptions, connection_window};

/// A live connection as the pool sees it.
pub(super) struct Connection {
    sender: SendRequest<Bytes>,
    max_streams: usize,
    active: AtomicUsize,
    closed: AtomicBool,
    /// Ends the connection's task, whatever it does.
    given_up: CancellationToken,
    /// The peer's limit; `None` until its SETTINGS came.
    peer_limit: watch::Receiver<Option<usize>>,
}

impl Connection {
    /// Speaks the preface and starts the connection's task on `tasks`; ready when the peer's
    /// limit is known.
    pub(super) async fn open(
        stream: Box<dyn ByteStream>,
        options: &TransportOptions,
        tasks: &tokio_util::task::TaskTracker,
    ) -> Result<Arc<Self>, String> {
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(connection_window(options.max_streams))
            // No call goes out before the peer has said how many it takes.
            .initial_max_send_streams(0)
            .max_header_list_size(64 << 10)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(|error| error.to_string())?;
        let (limit_out, mut peer_limit) = watch::channel(None);
        let given_up = CancellationToken::new();
        let this = Arc::new(Self {
            sender,
            max_streams: options.max_streams,
            active: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            given_up: given_up.clone(),
            peer_limit: peer_limit.clone(),
        });
        // Given up while we wait, the connection belongs to nobody and must go.
        let guard = given_up.clone().drop_guard();
        let running = Arc::clone(&this).run(connection, *options, limit_out);
        tasks.spawn(async move {
            tokio::select! {
                () = given_up.cancelled() => {}
                () = running => {}
            }
        });
        match peer_limit.wait_for(Option::is_some).await {
            Ok(_) => {
                guard.disarm();
                Ok(this)
            }
            Err(_) => Err("the peer closed the connection before its settings".into()),
        }
    }

    async fn run(
        self: Arc<Self>,
        mut connection: H2Connection<Box<dyn ByteStream>, Bytes>,
        options: TransportOptions,
        limit_out: watch::Sender<Option<usize>>,
    ) {
        let ping = connection.ping_pong();
        let moving = poll_fn(|cx| {
            let done = std::pin::Pin::new(&mut connection).poll(cx);
            let limit = connection.max_concurrent_send_streams();
            limit_out.send_if_modified(|known| {
                // The first zero is our own placeholder until the peer's SETTINGS arrive.
                let changed = *known != Some(limit) && (limit > 0 || known.is_some());
                if changed {
                    *known = Some(limit);
                }
                changed
            });
            done
        });
        tokio::select! {
            ended = moving => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "upstream connection ended");
                }
            }
            reason = self.watch(ping, options) => {
                tracing::debug!(reason, "upstream connection closed");
            }
        }
        self.closed.store(true, Ordering::Release);
    }

    /// Returns when the connection should end.
    async fn watch(
        &self,
        mut ping: Option<h2::PingPong>,
        options: TransportOptions,
    ) -> &'static str {
        let every = options.ping_interval.max(Duration::from_millis(10));
        let mut ticks = interval_at(Instant::now() + every, every);
        let mut idle_since = Instant::now();
        loop {
            ticks.tick().await;
            if self.active.load(Ordering::Acquire) == 0 {
                if idle_since.elapsed() >= options.idle_timeout {
                    return "idle";
                }
                continue;
            }
            idle_since = Instant::now();
            let Some(ping) = ping.as_mut() else { continue };
            match timeout(options.ping_timeout, ping.ping(h2::Ping::opaque())).await {
                Ok(Ok(_)) => {}
                Ok(Err(_)) => return "ping failed",
                Err(_) => return "ping unanswered",
            }
        }
    }

    /// A place for one call, or `None` when the connection is full or gone.
    pub(super) fn take(self: &Arc<Self>) -> Option<Slot> {
        let limit = self.limit();
        self.active
            .try_update(Ordering::AcqRel, Ordering::Acquire, |active| {
                (active < limit).then_some(active + 1)
            })
            .ok()?;
        Some(Slot(Arc::clone(self)))
    }

    fn limit(&self) -> usize {
        if self.is_closed() {
            return 0;
        }
        self.peer_limit.borrow().unwrap_or(0).min(self.max_streams)
    }

    pub(super) fn active(&self) -> usize {
        self.active.load(Ordering::Acquire)
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn mark_closed(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Ends the connection now, with all its calls.
    pub(super) fn close(&self) {
        self.mark_closed();
        self.given_up.cancel();
    }
}

/// The right to one call on a connection; given back when dropped.
pub(super) struct Slot(Arc<Connection>);

impl Slot {
    pub(super) fn connection(&self) -> &Connection {
        &self.0
    }

    /// Waits until the connection takes a request; fails when it is gone, in which case nothing
    /// was sent.
    pub(super) async fn ready(&self) -> Result<SendRequest<Bytes>, h2::Error> {
        let mut sender = self.0.sender.clone();
        poll_fn(|cx| match sender.poll_ready(cx) {
            Poll::Ready(result) => Poll::Ready(result),
            Poll::Pending => Poll::Pending,
        })
        .await?;
        Ok(sender)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::AcqRel);
    }
}
