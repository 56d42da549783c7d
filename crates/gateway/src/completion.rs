//! The editor's code completion and file sync.
//!
//! The upstream keeps copies of an editor's files per account and per key of the editor
//! (`reference/upstream-protocol.md` §11), so an editor stays with one account for as long as that
//! may serve, whatever the pool's policy. When it must go elsewhere, the upstream says that it does
//! not know the file, and the editor uploads it anew.

mod attempts;
mod editors;

use std::sync::Arc;
use std::time::Duration;

use accounts::Region;
use conversation::completion::{
    CompletionConfig, CompletionConfigQuery, CompletionEvent, CompletionModels, CompletionRequest,
    FileSync, FileSyncOutcome, FileUpload,
};
use conversation::{Failure, FailureClass};
use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use upstream::{Caller, Deadline, Region as Server, UpstreamError, classify};
use upstream::{CompletionStream, Cookies, EditorIdentity, SetCookies};

use self::attempts::Attempts;
pub(crate) use self::editors::Editors;
use crate::attempt::{revoked, shutting_down};
use crate::counters::Running;
use crate::grant::Grant;
use crate::keys::Metering;
use crate::lease::Lease;
use crate::pace::Paced;
use crate::recording::Recording;
use crate::redaction::Redaction;
use crate::service::Gateway;
use crate::transcript::ClientId;

/// A call on its way.
type Asking<'a, T> = BoxFuture<'a, Result<T, UpstreamError>>;

/// Waits and place of code completion.
#[derive(Debug, Clone, Copy)]
pub struct CompletionOptions {
    /// From the request to the first event.
    pub first_event_timeout: Duration,
    /// A whole completion.
    pub total_timeout: Duration,
    /// For accounts and keys that name none.
    pub region: Region,
}

/// An editor: whose files are meant, and which of the upstream's servers has them.
#[derive(Debug, Clone)]
pub struct Editor {
    identity: EditorIdentity,
}

impl Editor {
    /// `None` unless the key (`x-client-key`) has 64 hex characters.
    #[must_use]
    pub fn new(client_key: &str, cookies: Cookies) -> Option<Self> {
        let key = accounts::Hex64::parse(client_key)?;
        let fs_client_key = key.as_str().to_owned();
        Some(Self { identity: EditorIdentity { fs_client_key, cookies } })
    }

    /// One for all requests of a client that say nothing of files.
    #[must_use]
    pub fn of_client(client: &ClientId, cookies: Cookies) -> Option<Self> {
        let mut hash = Sha256::new();
        hash.update("editor of ");
        hash.update(client.as_str());
        Self::new(accounts::Hex64::of(hash.finalize().into()).as_str(), cookies)
    }

    fn digest(&self, grant: &Grant) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(grant.client().as_str());
        hash.update([0]);
        hash.update(&self.identity.fs_client_key);
        hash.finalize().into()
    }
}

/// A completion in progress. Dropping it cancels the upstream's call at once.
#[derive(Debug)]
pub struct Completion {
    first: Option<CompletionEvent>,
    stream: CompletionStream,
    lease: Option<Lease>,
    deadline: Instant,
    cookies: SetCookies,
    /// Ends it when the gateway stops.
    cut: CancellationToken,
    /// Ends it with its key.
    revoked: CancellationToken,
    running: Running,
    _metering: Option<Metering>,
    recording: Recording,
    redaction: Arc<Redaction>,
    pace: Paced,
}

impl Completion {
    /// The next event; `None` is the orderly end. Cancel-safe.
    ///
    /// # Errors
    /// The completion broke off; nothing follows.
    pub async fn next(&mut self) -> Option<Result<CompletionEvent, Failure>> {
        if let Some(first) = self.first.take() {
            self.pace.pace.push(characters(&first));
            return Some(Ok(first));
        }
        self.lease.as_ref()?;
        let next = tokio::select! {
            biased;
            () = self.cut.cancelled() => Err(shutting_down()),
            () = self.revoked.cancelled() => Err(revoked()),
            next = timeout_at(self.deadline, self.stream.next()) => match next {
                Ok(next) => Ok(next),
                Err(_) => Err(classify(&UpstreamError::Deadline(Deadline::Total))),
            },
        };
        let failure = match next {
            Ok(Some(Ok(event))) => {
                self.pace.pace.push(characters(&event));
                return Some(Ok(event));
            }
            Ok(None) => {
                if let Some(lease) = self.lease.take() {
                    lease.served();
                }
                return None;
            }
            Ok(Some(Err(error))) => blame(&error),
            Err(failure) => failure,
        };
        if let Some(lease) = self.lease.take() {
            lease.failed(&failure);
        }
        let failure = self.redaction.failure(failure);
        self.recording.attempt_failed(&failure, false);
        self.recording.failed(&failure);
        self.running.count_failure();
        Some(Err(failure))
    }

    /// Cookies that the editor is to send from now on.
    #[must_use]
    pub fn cookies(&self) -> &SetCookies {
        &self.cookies
    }
}

impl Gateway {
    /// How the editor should behave.
    ///
    /// # Errors
    /// Nobody could tell.
    pub async fn completion_config(
        &self,
        grant: &Grant,
        recording: &Recording,
        query: &CompletionConfigQuery,
    ) -> Result<CompletionConfig, Failure> {
        let inner = self.inner();
        let ask = |_: Server, caller: Caller| -> Asking<'_, CompletionConfig> {
            Box::pin(async move {
                inner.backend.completion_config(&caller, inner.ambient.stamp(), query).await
            })
        };
        self.editor_call(grant, recording, None, &ask).await
    }

    /// The models for code completion.
    ///
    /// # Errors
    /// Nobody could tell.
    pub async fn completion_models(
        &self,
        grant: &Grant,
        recording: &Recording,
    ) -> Result<CompletionModels, Failure> {
        let inner = self.inner();
        let ask = |_: Server, caller: Caller| -> Asking<'_, CompletionModels> {
            Box::pin(async move {
                inner.backend.completion_models(&caller, inner.ambient.stamp()).await
            })
        };
        self.editor_call(grant, recording, None, &ask).await
    }

    /// Gives the upstream a copy of a file.
    ///
    /// # Errors
    /// Nobody could take it; the outcome is no error.
    pub async fn upload_file(
        &self,
        grant: &Grant,
        recording: &Recording,
        editor: &Editor,
        upload: &FileUpload,
    ) -> Result<(FileSyncOutcome, SetCookies), Failure> {
        let inner = self.inner();
        let ask = |server: Server, caller: Caller| -> Asking<'_, _> {
            Box::pin(async move {
                let (stamp, identity) = (inner.ambient.stamp(), &editor.identity);
                inner.backend.upload_file(&caller, stamp, server, identity, upload).await
            })
        };
        self.editor_call(grant, recording, Some(editor), &ask).await
    }

    /// Changes the upstream's copy of a file.
    ///
    /// # Errors
    /// Nobody could take it; the outcome is no error.
    pub async fn sync_file(
        &self,
        grant: &Grant,
        recording: &Recording,
        editor: &Editor,
        changes: &FileSync,
    ) -> Result<(FileSyncOutcome, SetCookies), Failure> {
        let inner = self.inner();
        let ask = |server: Server, caller: Caller| -> Asking<'_, _> {
            Box::pin(async move {
                let (stamp, identity) = (inner.ambient.stamp(), &editor.identity);
                inner.backend.sync_file(&caller, stamp, server, identity, changes).await
            })
        };
        self.editor_call(grant, recording, Some(editor), &ask).await
    }

    /// One call, on one account after the other while that may help.
    async fn editor_call<'a, T>(
        &'a self,
        grant: &Grant,
        recording: &Recording,
        editor: Option<&Editor>,
        ask: &(dyn Fn(Server, Caller) -> Asking<'a, T> + Sync),
    ) -> Result<T, Failure> {
        let inner = self.inner();
        let counted = |_: &Failure| inner.counters().fail();
        let _running = self.admit().inspect_err(counted)?;
        let _metering = inner.meter(grant).inspect_err(counted)?;
        let mut attempts = Attempts::new(inner, grant, editor, recording);
        let calls = async {
            loop {
                let lease = attempts.next().await?;
                match inner.ask_once(grant, &lease, ask).await {
                    Ok(answer) => {
                        attempts.served(&lease);
                        lease.served();
                        return Ok(answer);
                    }
                    Err(failure) => attempts.failed(lease, failure)?,
                }
            }
        };
        self.unless_cut(Box::pin(calls)).await.inspect_err(counted)
    }

    /// Asks for a completion. Returns once its first event is there, or its end.
    ///
    /// # Errors
    /// Nobody could answer; no event was there yet.
    pub async fn complete(
        &self,
        grant: &Grant,
        recording: &Recording,
        editor: &Editor,
        request: &CompletionRequest,
    ) -> Result<Completion, Failure> {
        let inner = self.inner();
        let counted = |_: &Failure| inner.counters().fail();
        let running = self.admit().inspect_err(counted)?;
        if let Some(model) = &request.model_name {
            grant.check_model(model).inspect_err(counted)?;
        }
        let metering = inner.meter(grant).inspect_err(counted)?;
        let mut attempts = Attempts::new(inner, grant, Some(editor), recording);
        let deadline = attempts.deadline;
        let beginning = async {
            loop {
                let lease = attempts.next().await?;
                match inner.begin(grant, editor, request, &lease, deadline).await {
                    Ok((first, stream)) => {
                        attempts.served(&lease);
                        lease.served_so_far();
                        return Ok((first, stream, lease));
                    }
                    Err(failure) => attempts.failed(lease, failure)?,
                }
            }
        };
        let (first, stream, lease) =
            self.unless_cut(Box::pin(beginning)).await.inspect_err(counted)?;
        Ok(Completion {
            first,
            cookies: stream.set_cookies(),
            stream,
            lease: Some(lease),
            deadline,
            cut: self.cut(),
            revoked: grant.revocation(),
            running,
            _metering: metering,
            pace: Paced::new(recording),
            recording: recording.clone(),
            redaction: Arc::clone(&inner.redaction),
        })
    }

    /// A stopping gateway waits for no upstream.
    async fn unless_cut<T>(
        &self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let cut = self.cut();
        tokio::select! {
            biased;
            () = cut.cancelled() => Err(shutting_down()),
            done = work => done.map_err(|failure| self.inner().redaction.failure(failure)),
        }
    }
}

/// Of the text that an event brings.
fn characters(event: &CompletionEvent) -> usize {
    if let CompletionEvent::Text(text) = event { text.chars().count() } else { 0 }
}

/// As for turns, except for what is not found: these calls name files as well as models.
fn blame(error: &UpstreamError) -> Failure {
    let mut failure = classify(error);
    if failure.class == FailureClass::UnknownModel && failure.param.is_none() {
        failure.class = FailureClass::NotFound;
    }
    failure
}
