//! The HTTP edge of the gateway.
//!
//! Layers, extractors and thin handlers: a handler reads its input, makes one call and encodes
//! the result. What a request means is decided in `dialects`, what happens in `gateway`. This
//! crate knows no SQL, protobuf or selection policy.

mod auth;
mod body;
mod failure;
mod health;
mod landing;
mod listen;
#[allow(dead_code, reason = "the handlers call it when the setting for remote pictures is there")]
mod remote_image;
mod reply;
mod router;
mod routes;
mod vitals;

pub use listen::{ServeError, Server};
pub use router::{ROUTES, Route, router};

use std::sync::Arc;
use std::time::Duration;

use accounts::ClientKey;
use dialects::ImagePolicy;
use gateway::{Ambient, Gateway};

/// What the edge is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The key that clients send.
    pub key: ClientKey,
    /// Begins with a slash, or empty.
    pub route_prefix: String,
    pub body_limit: usize,
    pub body_timeout: Duration,
    /// Silence after which a streamed answer gets a comment line.
    pub keep_alive: Duration,
    pub images: ImagePolicy,
}

/// Bodies decoded at once off the async threads.
const DECODING: usize = 4;

/// What handlers share; complete at construction.
#[derive(Clone)]
pub struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) gateway: Gateway,
    pub(crate) options: Options,
    pub(crate) ambient: Arc<dyn Ambient>,
    pub(crate) started_unix_ms: u64,
    pub(crate) started: tokio::time::Instant,
    /// Places for bodies that are decoded off the async threads.
    pub(crate) decoding: tokio::sync::Semaphore,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("options", &self.0.options).finish_non_exhaustive()
    }
}

impl App {
    #[must_use]
    pub fn new(gateway: Gateway, options: Options, ambient: Arc<dyn Ambient>) -> Self {
        let started_unix_ms = ambient.unix_ms();
        let started = tokio::time::Instant::now();
        let decoding = tokio::sync::Semaphore::new(DECODING);
        Self(Arc::new(Shared { gateway, options, ambient, started_unix_ms, started, decoding }))
    }

    pub(crate) fn unix_seconds(&self) -> i64 {
        i64::try_from(self.0.ambient.unix_ms() / 1000).unwrap_or(i64::MAX)
    }
}
