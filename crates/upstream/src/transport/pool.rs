//! Connections by way. A call takes a place on the first connection that is not well used yet,
//! else on the least busy one with room; when none has room, one new connection is opened while the
//! others that need one wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::TransportOptions;
use super::connection::{Connection, Slot};
use super::dial::Dialer;
use super::via::{Via, Way};
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

    async fn open(&self, way: &Way, host: &Host) -> Result<Slot, UpstreamError> {
        let _alone = host.dialing.lock().await;
        if let Some(slot) = host.take() {
            return Ok(slot);
        }
        let origin = &way.origin;
        let dialing = match &way.via {
            Via::Direct => self.0.dialer.dial(origin),
        };
        let stream =
            dialing.await.map_err(|error| UpstreamError::Connect(format!("{origin}: {error}")))?;
        let connection = Connection::open(stream, &self.0.options, &self.0.tasks)
            .await
            .map_err(|error| UpstreamError::Connect(format!("{origin}: {error}")))?;
        let slot = connection
            .take()
            .ok_or_else(|| UpstreamError::Connect(format!("{origin}: takes no calls")))?;
        host.lock().push(connection);
        Ok(slot)
    }

    fn host(&self, way: &Way) -> Arc<Host> {
        let mut hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = hosts.get(way) {
            return Arc::clone(host);
        }
        Arc::clone(hosts.entry(way.clone()).or_default())
    }

    #[must_use]
    pub fn stats(&self) -> PoolStats {
        let hosts = self.0.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stats = PoolStats::default();
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
