//! Fetches the pictures behind the URLs of a request.
//!
//! A URL is written by the client, so it must not become a way into the network that the gateway
//! stands in: names are resolved here, every address is checked, and the connection goes to the
//! very address that was checked, on every redirect anew. What may be read is bounded in number,
//! bytes and time. Failures name the host and never the URL, which may hold a secret.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use conversation::Failure;
use futures::{StreamExt as _, TryStreamExt as _};
use tokio::time::{Instant, timeout_at};

use self::connect::Connector;
use self::get::Answer;
use self::target::Target;
use self::trouble::Trouble;

mod address;
mod connect;
mod get;
mod target;
mod trouble;

/// Bounds for the pictures of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Largest picture, in bytes.
    pub(crate) max_bytes: usize,
    /// All pictures of a request together, in bytes.
    pub(crate) max_total_bytes: usize,
    /// Most pictures of one request.
    pub(crate) max_count: usize,
    /// For all of them together, from the first name that is looked up to the last byte.
    pub(crate) timeout: Duration,
    /// Whether addresses that are not public, and ports besides 80 and 443, may be used. For
    /// closed networks with a picture server of their own, and for tests.
    pub(crate) allow_private: bool,
}

/// Most redirects that are followed for one picture.
const MAX_REDIRECTS: usize = 3;
/// Pictures of one request that are fetched at once.
const AT_ONCE: usize = 4;

/// Fetches pictures; one for the life of the gateway.
#[derive(Debug)]
pub(crate) struct RemoteImages {
    limits: Limits,
    connector: Connector,
}

impl RemoteImages {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, connector: Connector::new(limits.allow_private) }
    }

    /// The bytes behind each URL. They begin like a picture; whether they are one is for
    /// `dialects` to see. The first failure ends all.
    ///
    /// # Errors
    /// Too many URLs, or one of them cannot be had within the bounds.
    pub(crate) async fn fetch(&self, urls: &[String]) -> Result<HashMap<String, Bytes>, Failure> {
        if urls.len() > self.limits.max_count {
            return Err(trouble::too_many(self.limits.max_count));
        }
        let deadline = Instant::now() + self.limits.timeout;
        let room = AtomicUsize::new(self.limits.max_total_bytes);
        let room = &room;
        futures::stream::iter(urls.iter().cloned())
            .map(|url| async move {
                let picture = self.fetch_one(&url, deadline, room).await?;
                Ok((url, picture))
            })
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await
    }

    async fn fetch_one(
        &self,
        url: &str,
        deadline: Instant,
        room: &AtomicUsize,
    ) -> Result<Bytes, Failure> {
        let mut target = Target::parse(url).map_err(|trouble| trouble.into_failure(None))?;
        let mut redirects = 0;
        loop {
            let fetched = timeout_at(deadline, self.get(&target, room)).await;
            let host = Some(target.host());
            let answer = fetched
                .unwrap_or(Err(Trouble::TooSlow))
                .map_err(|trouble| trouble.into_failure(host))?;
            target = match answer {
                Answer::Picture(bytes) => return Ok(bytes),
                Answer::Elsewhere(_) if redirects == MAX_REDIRECTS => {
                    return Err(Trouble::TooManyRedirects.into_failure(host));
                }
                Answer::Elsewhere(location) => {
                    target.join(&location).map_err(|trouble| trouble.into_failure(host))?
                }
            };
            redirects += 1;
        }
    }

    async fn get(&self, target: &Target, room: &AtomicUsize) -> Result<Answer, Trouble> {
        let stream = self.connector.connect(target).await?;
        let budget = Budget { left: self.limits.max_bytes, shared: room };
        get::get(stream, target, budget).await
    }
}

/// Bytes that may still be read: of this picture, and of all of the request.
struct Budget<'a> {
    left: usize,
    shared: &'a AtomicUsize,
}

impl Budget<'_> {
    /// Takes room for `bytes`.
    fn take(&mut self, bytes: usize) -> Result<(), Trouble> {
        self.left = self.left.checked_sub(bytes).ok_or(Trouble::TooLarge)?;
        self.shared
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes))
            .map(|_| ())
            .map_err(|_| Trouble::TooLargeTogether)
    }
}

#[cfg(test)]
mod tests;
