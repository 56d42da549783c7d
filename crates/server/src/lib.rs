//! The HTTP edge of the gateway.
//!
//! Layers, extractors and thin handlers: a handler reads its input, makes one call and encodes
//! the result. What a request means is decided in `dialects`, what happens in `gateway`. This
//! crate knows no SQL, protobuf or selection policy.

mod auth;
mod body;
mod chinese;
mod cors;
mod failure;
mod health;
mod kept;
mod landing;
mod language;
mod listen;
mod metrics;
mod percent;
mod private;
mod remote_image;
mod reply;
mod router;
mod routes;
mod table;
mod trace;
mod vitals;

pub use kept::KeptOptions;
pub use listen::{Peer, ServeError, Server};
pub use metrics::metrics_router;
pub use router::router;
pub use table::{Access, ROUTES, Route};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use accounts::{ClientKey, UnixMs};
use arc_swap::{ArcSwap, Guard};
use dialects::ImagePolicy;
use dialects::openai_responses::Times;
use gateway::{Ambient, ClientId, Gateway};
use telemetry::Telemetry;

use crate::auth::Guesses;
use crate::kept::Kept;
use crate::remote_image::{Limits, RemoteImages};

/// What the edge is told.
#[derive(Debug, Clone)]
pub struct Options {
    /// The administrator's key (`AUTH_TOKEN`); with `-<alias>` behind it, for one account.
    pub key: ClientKey,
    /// A key for anybody the operator trusts with requests and with making keys (`SHARED_TOKEN`).
    pub shared_token: Option<ClientKey>,
    /// Wrong keys that an address may send in a minute; 0 for any number.
    pub auth_failures: u32,
    /// Begins with a slash, or empty.
    pub route_prefix: String,
    pub body_limit: usize,
    pub body_timeout: Duration,
    /// Silence after which a streamed answer gets a comment line.
    pub keep_alive: Duration,
    pub images: ImagePolicy,
    /// For pictures behind URLs, if the policy takes them.
    pub remote_images: RemoteImageOptions,
    /// Origins whose web pages may call; `*` for all.
    pub cors_origins: Vec<String>,
    /// Responses that clients ask to store.
    pub responses: KeptOptions,
}

/// Pictures behind URLs; how many and how large they may be is the image policy's.
#[derive(Debug, Clone, Copy)]
pub struct RemoteImageOptions {
    /// For all pictures of a request together.
    pub timeout: Duration,
    /// Whether addresses that are not public are asked as well.
    pub allow_private: bool,
}

/// Bodies decoded at once off the async threads.
const DECODING: usize = 4;

/// What handlers share; complete at construction.
#[derive(Clone)]
pub struct App(Arc<Shared>);

pub(crate) struct Shared {
    pub(crate) gateway: Gateway,
    options: ArcSwap<Options>,
    pub(crate) ambient: Arc<dyn Ambient>,
    pub(crate) telemetry: Telemetry,
    pub(crate) started_unix_ms: u64,
    pub(crate) started: tokio::time::Instant,
    /// Places for bodies that are decoded off the async threads.
    pub(crate) decoding: Arc<tokio::sync::Semaphore>,
    remote_images: ArcSwap<RemoteImages>,
    pub(crate) kept: Arc<Kept>,
    guesses: Mutex<Guesses<ClientId>>,
    /// Held while a part of a key is changed.
    pub(crate) changing_keys: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("options", &self.options()).finish_non_exhaustive()
    }
}

impl App {
    #[must_use]
    pub fn new(
        gateway: Gateway,
        options: Options,
        ambient: Arc<dyn Ambient>,
        telemetry: Telemetry,
    ) -> Self {
        let started_unix_ms = ambient.unix_ms();
        let started = tokio::time::Instant::now();
        let decoding = Arc::new(tokio::sync::Semaphore::new(DECODING));
        let remote_images = ArcSwap::from_pointee(remote_images(&options));
        let kept = Arc::new(Kept::new(options.responses));
        let guesses = Mutex::new(Guesses::new(options.auth_failures));
        Self(Arc::new(Shared {
            gateway,
            options: ArcSwap::from_pointee(options),
            ambient,
            telemetry,
            started_unix_ms,
            started,
            decoding,
            remote_images,
            kept,
            guesses,
            changing_keys: tokio::sync::Mutex::new(()),
        }))
    }

    /// Holds for the next request on, but for the route prefix, which stays as it is.
    pub fn set_options(&self, options: Options) {
        self.0.kept.set_options(options.responses);
        self.guesses().set_most(options.auth_failures);
        self.0.remote_images.store(Arc::new(remote_images(&options)));
        self.0.options.store(Arc::new(options));
    }

    /// What holds at this instant; not to be held across a wait.
    pub(crate) fn options(&self) -> Guard<Arc<Options>> {
        self.0.options.load()
    }

    pub(crate) fn remote_images(&self) -> Arc<RemoteImages> {
        self.0.remote_images.load_full()
    }

    pub(crate) fn guesses(&self) -> MutexGuard<'_, Guesses<ClientId>> {
        self.0.guesses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> UnixMs {
        UnixMs(self.0.ambient.unix_ms())
    }

    pub(crate) fn unix_seconds(&self) -> i64 {
        i64::try_from(self.0.ambient.unix_ms() / 1000).unwrap_or(i64::MAX)
    }

    /// The upstream does not tell when a model was made; the gateway's start stands in, so that
    /// the figure does not change between two calls.
    pub(crate) fn started_unix(&self) -> i64 {
        i64::try_from(self.0.started_unix_ms / 1000).unwrap_or(i64::MAX)
    }

    /// Of an answer that is complete now.
    pub(crate) fn times(&self, created: i64) -> Times {
        Times { created, completed: self.unix_seconds() }
    }
}

fn remote_images(options: &Options) -> RemoteImages {
    RemoteImages::new(Limits {
        max_bytes: options.images.max_bytes,
        // As much as a body that brings its pictures along.
        max_total_bytes: options.body_limit,
        max_count: options.images.max_count,
        timeout: options.remote_images.timeout,
        allow_private: options.remote_images.allow_private,
    })
}
