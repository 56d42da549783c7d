//! HTTP/2 to the upstream: a pool of connections per host and two ways to call over it.
//!
//! [`Exchange`] is a bidi stream that is driven without a task or channel of its own;
//! [`UnaryTransport`] serves the generated unary clients. Neither knows what the messages mean.

mod connection;
mod dial;
mod exchange;
mod pool;
mod proxy;
mod socks;
mod system;
mod tunnel;
mod unary;
mod via;

pub use dial::{DialError, Dialer, Origin};
pub use exchange::{Exchange, Received};
pub use pool::{Pool, PoolStats};
pub use proxy::{MalformedProxy, Proxy, ProxyScheme};
pub use system::SystemProxies;
pub use tunnel::ProxyError;
pub use unary::UnaryTransport;
pub use via::{Via, Way};

use std::time::Duration;

/// Response header by which our transport hands the true HTTP status through the unary client
/// library, which only keeps the Connect code it guesses from it.
pub(crate) const STATUS_NOTE: &str = "x-cursor-api-transport-status";

/// Limits and waits of the transport.
#[derive(Debug, Clone, Copy)]
pub struct TransportOptions {
    /// DNS, TCP, the proxy, TLS and the HTTP/2 preface together.
    pub connect_timeout: Duration,
    /// A PING is sent this often while calls run (§3.6: 10 s).
    pub ping_interval: Duration,
    /// A PING not answered for this long ends the connection (§3.6: 20 s).
    pub ping_timeout: Duration,
    /// A connection without calls is closed after this long.
    pub idle_timeout: Duration,
    /// Never more calls on one connection than this, however many the peer allows.
    pub max_streams: usize,
    /// Bytes of one message, before and after expansion (§3.3: clients refuse above 64 MiB).
    pub max_message_bytes: usize,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(10),
            ping_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(90),
            max_streams: 100,
            max_message_bytes: 64 << 20,
        }
    }
}

/// Receive window of one call: what a slow reader can make us hold.
const STREAM_WINDOW: u32 = 256 << 10;

/// Receive window of a connection: room for every call's window and some more, so that slow readers
/// never stop the others on the same connection. Not beyond what HTTP/2 allows.
fn connection_window(max_streams: usize) -> u32 {
    const MOST: u32 = (1 << 31) - 1;
    let streams = u32::try_from(max_streams).unwrap_or(u32::MAX);
    streams.saturating_add(streams / 4).saturating_add(4).saturating_mul(STREAM_WINDOW).min(MOST)
}
