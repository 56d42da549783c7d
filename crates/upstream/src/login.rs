//! Login with a browser, and the same without one: a proof key, its link, and when to ask whether
//! the login is done (`reference/upstream-protocol.md` §4.2, §4.3).
//!
//! No socket and no clock here; [`Backend::deep_login`](crate::Backend::deep_login) and
//! [`Backend::poll_login`](crate::Backend::poll_login) make the calls.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connectrpc::ErrorCode;
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::UpstreamError;
use crate::transport::Origin;

/// One login that is under way. Only who knows the verifier gets its tokens.
#[derive(Debug, Clone)]
pub struct Pkce {
    /// Names the login.
    pub uuid: Uuid,
    /// 43 characters; told to nobody before the poll.
    pub verifier: SecretString,
    /// 43 characters; stands in the link.
    pub challenge: String,
}

impl Pkce {
    #[must_use]
    pub fn new(uuid: Uuid, random: [u8; 32]) -> Self {
        let verifier = URL_SAFE_NO_PAD.encode(random);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        Self { uuid, verifier: verifier.into(), challenge }
    }

    /// The page on which the user agrees to the login.
    #[must_use]
    pub fn login_url(&self, web: &Origin) -> String {
        let (web, Self { uuid, challenge, .. }) = (web_text(web), self);
        format!("{web}/loginDeepControl?challenge={challenge}&uuid={uuid}&mode=login")
    }

    pub(crate) fn poll_path(&self) -> String {
        format!("/auth/poll?uuid={}&verifier={}", self.uuid, self.verifier.expose_secret())
    }
}

/// An origin as browsers write it: without the port that its scheme has anyway.
pub(crate) fn web_text(origin: &Origin) -> String {
    let text = origin.to_string();
    let port = if text.starts_with("https:") { ":443" } else { ":80" };
    text.strip_suffix(port).map(str::to_owned).unwrap_or(text)
}

/// What a finished login gives.
#[derive(Debug, Clone)]
pub struct LoginTokens {
    /// A session token.
    pub access: SecretString,
    pub refresh: Option<SecretString>,
    /// `provider|user_…`.
    pub auth_id: Option<String>,
}

/// When to ask again, as the CLI does: after one second, then a fifth longer each time up to ten
/// seconds, 150 times at most, and not on after three errors in a row.
#[derive(Debug, Clone, Default)]
pub struct PollSchedule {
    tries: u32,
    errors_in_a_row: u32,
}

/// What follows from a poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PollStep {
    /// The tokens are there.
    Done,
    /// Ask again after this long.
    Wait(Duration),
    /// It was asked too often, or the last answer is final.
    GiveUp,
}

impl PollSchedule {
    const TRIES: u32 = 150;
    const ERRORS: u32 = 3;

    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the answer of a poll.
    pub fn after(&mut self, polled: &Result<Option<LoginTokens>, UpstreamError>) -> PollStep {
        match polled {
            Ok(Some(_)) => return PollStep::Done,
            Ok(None) => self.errors_in_a_row = 0,
            Err(error) if is_final(error) => return PollStep::GiveUp,
            Err(_) => self.errors_in_a_row += 1,
        }
        self.tries += 1;
        if self.tries >= Self::TRIES || self.errors_in_a_row >= Self::ERRORS {
            return PollStep::GiveUp;
        }
        PollStep::Wait(wait(self.tries - 1))
    }
}

/// The login was refused, or what it gave is no token: no later poll will say anything else.
fn is_final(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Status { status, .. } => *status == StatusCode::FORBIDDEN,
        UpstreamError::Answer(answer) => {
            matches!(answer.code, ErrorCode::PermissionDenied | ErrorCode::Unauthenticated)
        }
        UpstreamError::Connect(_)
        | UpstreamError::NotTaken(_)
        | UpstreamError::Proxy(_)
        | UpstreamError::Lost(_)
        | UpstreamError::Cut
        | UpstreamError::Protocol(_)
        | UpstreamError::Deadline(_) => false,
    }
}

/// 1000 · 1.2^n ms, at most 10 s.
fn wait(n: u32) -> Duration {
    const FIRST: f64 = 1.0;
    const LONGEST: f64 = 10.0;
    Duration::from_secs_f64((FIRST * 1.2_f64.powf(f64::from(n))).min(LONGEST))
}

#[cfg(test)]
mod tests;
