//! Connections by way. A call takes a place on the first connection that is not well used yet,
//! else on the least busy one with room; when none has room, one new connection is opened while the
//! others that need one wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use super::TransportOptions;
use super::connection::{Connection, Slot};
use super::dial::{DialError, Dialer};
use super::via::Way;
use crate::error::{Deadline, UpstreamError};

/// Calls up to which a connection is filled before the next one is used. Calls that share one share
/// its system calls, and a connection that a burst left over becomes idle and is closed.
const WELL_USED: usize = 32;

/// All connections to the upstream. Cheap to clone.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    options: TransportOptions,
    dialer: Dialer,
    hosts: Mutex<HashMap<Way, Arc<Host>>>,
    /// Owns the connections' tasks.
    tasks: TaskTracker,
}

#[derive(Default)]
struct Host {
    connections: Mutex<Vec<Arc<Connection>>>,
    /// Held while a connection is being opened.
    dialing: tokio::sync::Mutex<()>,
}

/// Figures for metrics and tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PoolStats {
    /// Ways that are remembered, with or without connections.
    pub ways: usize,
    pub connections: usize,
    pub active_calls: usize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Pool {
    #[must_use]
    pub fn new(options: TransportOptions, dialer: Dialer) -> Self {
        Self(Arc::new(Inner {
            options,
            dialer,
            hosts: Mutex::default(),
            tasks: TaskTracker::new(),
        }))
    }

    #[must_use]
    pub fn options(&self) -> &TransportOptions {
        &self.0.options
    }

    /// A place on a connection that goes this way.
    pub(super) async fn take(&self, way: &Way) -> Result<Slot, UpstreamError> {
        let host = self.host(way);
        if let Some(slot) = host.take() {
            return Ok(slot);
        }
        timeout(self.0.options.connect_timeout, self.open(way, &host))
            .await
            .unwrap_or(Err(UpstreamError::Deadline(Deadline::Connect)))
    }

    /// Opens a fresh connection by this way, closes it, and says how long the opening took: name,
    /// proxy, TLS and the HTTP/2 preface. Connections in use are left alone.
    ///
    /// # Errors
    /// As for a call: [`UpstreamError::Proxy`], [`UpstreamError::Connect`], or
    /// [`Deadline::Connect`] when it takes longer than `connect_timeout`.
    pub async fn probe(&self, way: &Way) -> Result<Duration, UpstreamError> {
        let start = Instant::now();
        let connection = timeout(self.0.options.connect_timeout, self.connect(way))
            .await
            .unwrap_or(Err(UpstreamError::Deadline(Deadline::Connect)))?;
        let took = start.elapsed();
        connection.close();
        Ok(took)
    }

    async fn open(&self, way: &Way, host: &Host) -> Result<Slot, UpstreamError> {
        let _alone = host.dialing.lock().await;
        if let Some(slot) = host.take() {
            return Ok(slot);
        }
        let connection = self.connect(way).await?;
        let slot = connection
            .take()
            .ok_or_else(|| UpstreamError::Connect(format!("{way}: takes no calls")))?;
        host.lock().push(connection);
        Ok(slot)
    }

    async fn connect(&self, way: &Way) -> Result<Arc<Connection>, UpstreamError> {
        let stream = self.0.dialer.dial(way).await.map_err(|error| match error {
            DialError::Proxy { .. } => UpstreamError::Proxy(error.to_string()),
            DialError::Io(_) | DialError::Trust(_) | DialError::Name(_) | DialError::NoHttp2 => {
                UpstreamError::Connect(format!("{way}: {error}"))
            }
        })?;
        Connection::open(stream, &self.0.options, &self.0.tasks)
            .await
            .map_err(|error| UpstreamError::Connect(format!("{way}: {error}")))
    }

    fn host(&self, way: &Way) -> Arc<Host> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(way) {
            return Arc::clone(host);
        }
        // Ways come and go with proxies and their passwords. Nobody can get at a host while the
        // map is locked, so one that only the map holds is not being dialled.
        hosts.retain(|_, host| Arc::strong_count(host) > 1 || host.is_alive());
        Arc::clone(hosts.entry(way.clone()).or_default())
    }

    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stats = PoolStats { ways: hosts.len(), ..PoolStats::default() };
        for host in hosts.values() {
            for connection in host.lock().iter().filter(|connection| !connection.is_closed()) {
                stats.connections += 1;
                stats.active_calls += connection.active();
            }
        }
        stats
    }
}

impl Host {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Connection>>> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_alive(&self) -> bool {
        self.lock().iter().any(|connection| !connection.is_closed())
    }

    fn take(&self) -> Option<Slot> {
        let mut connections = self.lock();
        connections.retain(|connection| !connection.is_closed());
        let well_used = |connection: &Arc<Connection>| connection.active() >= WELL_USED;
        if let Some(slot) = connections.iter().filter(|c| !well_used(c)).find_map(Connection::take)
        {
            return Some(slot);
        }
        connections.sort_by_key(|connection| connection.active());
        connections.iter().find_map(Connection::take)
    }
}
