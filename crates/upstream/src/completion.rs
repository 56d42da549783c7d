//! Code completion and file sync of editors (`reference/upstream-protocol.md` §10, §11).
//!
//! A completion is one request and a stream of messages, so unlike a turn it needs no session. What
//! ties an editor's file to its copy on the server is in [`EditorIdentity`].

mod calls;
mod config;
mod cookies;
mod events;
mod file;
mod request;
mod results;
mod stream;
mod surroundings;
mod sync;

use std::fmt;

use http::{HeaderMap, HeaderValue, header};

pub use cookies::{Cookies, MalformedCookie, SetCookies};
pub use stream::CompletionStream;

use crate::error::UpstreamError;
use crate::transport::Origin;

/// Which of the regional hosts serves an editor (§1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Region {
    Asia,
    Eu,
    Us,
}

/// Where the calls of editors go.
#[derive(Debug, Clone)]
pub struct CompletionEndpoints {
    pub asia: Origin,
    pub eu: Origin,
    pub us: Origin,
    /// `CppConfig` alone; the list of models is at [`Endpoints::api`](crate::Endpoints::api).
    pub config: Origin,
}

impl CompletionEndpoints {
    /// One origin for all: a simulator or a reverse proxy.
    #[must_use]
    pub fn at(origin: &Origin) -> Self {
        let origin = || origin.clone();
        Self { asia: origin(), eu: origin(), us: origin(), config: origin() }
    }

    /// The host of a region, where files are synced and completed.
    #[must_use]
    pub fn of(&self, region: Region) -> &Origin {
        match region {
            Region::Asia => &self.asia,
            Region::Eu => &self.eu,
            Region::Us => &self.us,
        }
    }
}

/// Whose copies of files on the server a call is about.
#[derive(Clone)]
pub struct EditorIdentity {
    /// `x-fs-client-key`: 64 hex characters, a secret of the editor's.
    pub fs_client_key: String,
    pub cookies: Cookies,
}

impl fmt::Debug for EditorIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EditorIdentity").field("cookies", &self.cookies).finish_non_exhaustive()
    }
}

impl EditorIdentity {
    /// Adds the headers of an editor, all marked as sensitive.
    ///
    /// # Errors
    /// The key is not 64 hex characters.
    fn write(&self, headers: &mut HeaderMap) -> Result<(), UpstreamError> {
        let key = self.fs_client_key.as_str();
        let hex = key.len() == 64 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
        let mut key = HeaderValue::from_str(key)
            .ok()
            .filter(|_| hex)
            .ok_or_else(|| UpstreamError::Protocol("the file sync key is not 64 hex".into()))?;
        key.set_sensitive(true);
        headers.insert("x-fs-client-key", key);
        if let Some(cookies) = self.cookies.header() {
            headers.insert(header::COOKIE, cookies);
        }
        Ok(())
    }
}

fn all<N, W>(items: &[N], one: impl Fn(&N) -> W) -> Vec<W> {
    items.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
