//! The editor's code completion and file sync.
//!
//! The upstream keeps copies of an editor's files per account and per key of the editor
//! (`reference/upstream-protocol.md` §11), so an editor stays with one account for as long as that
//! may serve, whatever the pool's policy. When it must go elsewhere, the upstream says that it does
//! not know the file, and the editor uploads it anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use accounts::{AccountId, Choice, Region};
use conversation::completion::{
    CompletionConfig, CompletionConfigQuery, CompletionEvent, CompletionModels, CompletionRequest,
    FileSync, FileSyncOutcome, FileUpload,
};
use conversation::{Failure, FailureClass};
use futures::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use upstream::{Caller, Deadline, Region as Server, UpstreamError, classify};
use upstream::{CompletionStream, Cookies, EditorIdentity, SetCookies};

use crate::account::Account;
use crate::attempt::shutting_down;
use crate::grant::Grant;
use crate::keys::Metering;
use crate::lease::{Lease, Purpose, may_try_elsewhere};
use crate::service::{Gateway, Inner, Running};
use crate::transcript::ClientId;

/// An editor that was not heard of for so long has to be given an account anew.
const LIFE: Duration = Duration::from_secs(24 * 3600);
/// Most editors whose account is remembered.
const MOST: usize = 10_000;

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

/// Which account serves which editor.
#[derive(Debug, Default)]
pub(crate) struct Editors(Mutex<HashMap<[u8; 32], (AccountId, Instant)>>);

impl Editors {
    fn find(&self, editor: &[u8; 32]) -> Option<AccountId> {
        let editors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, seen) = editors.get(editor)?;
        (seen.elapsed() < LIFE).then_some(*account)
    }

    fn note(&self, editor: [u8; 32], account: AccountId) {
        let mut editors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if editors.len() >= MOST && !editors.contains_key(&editor) {
            editors.retain(|_, (_, seen)| seen.elapsed() < LIFE);
            // Seldom: a tenth goes at once.
            if editors.len() >= MOST {
                let mut seen: Vec<Instant> = editors.values().map(|(_, seen)| *seen).collect();
                let (_, oldest, _) = seen.select_nth_unstable(MOST / 10);
                let oldest = *oldest;
                editors.retain(|_, (_, seen)| *seen > oldest);
            }
        }
        editors.insert(editor, (account, Instant::now()));
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
    _running: Running,
    _metering: Option<Metering>,
}

impl Completion {
    /// The next event; `None` is the orderly end. Cancel-safe.
    ///
    /// # Errors
    /// The completion broke off; nothing follows.
    pub async fn next(&mut self) -> Option<Result<CompletionEvent, Failure>> {
        if let Some(first) = self.first.take() {
            return Some(Ok(first));
        }
        self.lease.as_ref()?;
        let next = tokio::select! {
            biased;
            () = self.cut.cancelled() => Err(shutting_down()),
            next = timeout_at(self.deadline, self.stream.next()) => match next {
                Ok(next) => Ok(next),
                Err(_) => Err(classify(&UpstreamError::Deadline(Deadline::Total))),
            },
        };
        let failure = match next {
            Ok(Some(Ok(event))) => return Some(Ok(event)),
            Ok(None) => {
                if let Some(lease) = self.lease.take() {
                    lease.served();
                }
                return None;
            }
            Ok(Some(Err(error))) => classify(&error),
            Err(failure) => failure,
        };
        if let Some(lease) = self.lease.take() {
            lease.failed(&failure);
        }
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
        query: &CompletionConfigQuery,
    ) -> Result<CompletionConfig, Failure> {
        let inner = self.inner();
        let ask = |_: Server, caller: Caller| -> Asking<'_, CompletionConfig> {
            Box::pin(async move {
                inner.backend.completion_config(&caller, inner.ambient.stamp(), query).await
            })
        };
        self.editor_call(grant, None, &ask).await
    }

    /// The models for code completion.
    ///
    /// # Errors
    /// Nobody could tell.
    pub async fn completion_models(&self, grant: &Grant) -> Result<CompletionModels, Failure> {
        let inner = self.inner();
        let ask = |_: Server, caller: Caller| -> Asking<'_, CompletionModels> {
            Box::pin(async move {
                inner.backend.completion_models(&caller, inner.ambient.stamp()).await
            })
        };
        self.editor_call(grant, None, &ask).await
    }

    /// Gives the upstream a copy of a file.
    ///
    /// # Errors
    /// Nobody could take it; the outcome is no error.
    pub async fn upload_file(
        &self,
        grant: &Grant,
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
        self.editor_call(grant, Some(editor), &ask).await
    }

    /// Changes the upstream's copy of a file.
    ///
    /// # Errors
    /// Nobody could take it; the outcome is no error.
    pub async fn sync_file(
        &self,
        grant: &Grant,
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
        self.editor_call(grant, Some(editor), &ask).await
    }

    /// One call, on one account after the other while that may help.
    async fn editor_call<'a, T>(
        &'a self,
        grant: &Grant,
        editor: Option<&Editor>,
        ask: &(dyn Fn(Server, Caller) -> Asking<'a, T> + Sync),
    ) -> Result<T, Failure> {
        let inner = self.inner();
        let counted = |_: &Failure| inner.counters().fail();
        let _running = self.admit().inspect_err(counted)?;
        let _metering = inner.meter(grant).inspect_err(counted)?;
        let mut tried = Vec::new();
        loop {
            let lease = inner.editor_lease(grant, editor, &tried).await.inspect_err(counted)?;
            tried.push(lease.account().id);
            match inner.ask_once(grant, &lease, ask).await {
                Ok(answer) => {
                    lease.served();
                    return Ok(answer);
                }
                Err(failure) => {
                    let again =
                        may_try_elsewhere(&failure) && tried.len() < inner.options.max_attempts;
                    lease.failed(&failure);
                    if !again {
                        counted(&failure);
                        return Err(failure);
                    }
                }
            }
        }
    }

    /// Asks for a completion. Returns once its first event is there, or its end.
    ///
    /// # Errors
    /// Nobody could answer; no event was there yet.
    pub async fn complete(
        &self,
        grant: &Grant,
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
        let deadline = Instant::now() + inner.options.completion.total_timeout;
        let mut tried = Vec::new();
        loop {
            let lease =
                inner.editor_lease(grant, Some(editor), &tried).await.inspect_err(counted)?;
            tried.push(lease.account().id);
            match inner.begin(grant, editor, request, &lease).await {
                Ok((first, stream)) => {
                    let cookies = stream.set_cookies();
                    lease.served_so_far();
                    return Ok(Completion {
                        first,
                        stream,
                        lease: Some(lease),
                        deadline,
                        cookies,
                        cut: self.cut(),
                        _running: running,
                        _metering: metering,
                    });
                }
                Err(failure) => {
                    let again =
                        may_try_elsewhere(&failure) && tried.len() < inner.options.max_attempts;
                    lease.failed(&failure);
                    if !again {
                        counted(&failure);
                        return Err(failure);
                    }
                }
            }
        }
    }
}

impl Inner {
    /// The editor's own account if that may serve, else another one, which becomes its own.
    async fn editor_lease(
        self: &Arc<Self>,
        grant: &Grant,
        editor: Option<&Editor>,
        tried: &[AccountId],
    ) -> Result<Lease, Failure> {
        const MODEL: &str = "";
        let purpose =
            Purpose { grant, choice: &grant.choice, model: MODEL, preferred: None, tried };
        let Some(editor) = editor else { return self.lease(purpose).await };
        let digest = editor.digest(grant);
        if let Some(own) = self.editors.find(&digest).filter(|own| self.may_serve(grant, *own)) {
            let choice = Choice::One(own);
            if let Ok(lease) = self.try_lease(Purpose { choice: &choice, ..purpose }) {
                self.editors.note(digest, own);
                return Ok(lease);
            }
        }
        let lease = self.lease(purpose).await?;
        self.editors.note(digest, lease.account().id);
        Ok(lease)
    }

    /// The key may have been given other accounts since.
    fn may_serve(&self, grant: &Grant, account: AccountId) -> bool {
        match &grant.choice {
            Choice::Any => true,
            Choice::One(own) => *own == account,
            Choice::Named(globs) => self.book.get(account).is_some_and(|account| {
                let alias = account.alias();
                globs.iter().any(|glob| accounts::glob::matches(glob, alias.as_str()))
            }),
        }
    }

    async fn editor_caller(
        self: &Arc<Self>,
        lease: &Lease,
        grant: &Grant,
    ) -> Result<Caller, Failure> {
        let bearer = self.bearer(lease.account()).await?;
        self.caller(lease.account(), bearer, grant)
    }

    /// A refused token may just have ended: then once more with a fresh one.
    async fn ask_once<'a, T>(
        self: &Arc<Self>,
        grant: &Grant,
        lease: &Lease,
        ask: &(dyn Fn(Server, Caller) -> Asking<'a, T> + Sync),
    ) -> Result<T, Failure> {
        let server = self.region(grant, lease.account());
        let caller = self.editor_caller(lease, grant).await?;
        let bearer = caller.bearer.clone();
        let asked = ask(server, caller).await.map_err(|error| classify(&error));
        match asked {
            Err(failure)
                if failure.class == FailureClass::AccountRejected
                    && self.revive(lease.account(), &bearer).await =>
            {
                let caller = self.editor_caller(lease, grant).await?;
                ask(server, caller).await.map_err(|error| classify(&error))
            }
            asked => asked,
        }
    }

    async fn begin(
        self: &Arc<Self>,
        grant: &Grant,
        editor: &Editor,
        request: &CompletionRequest,
        lease: &Lease,
    ) -> Result<(Option<CompletionEvent>, CompletionStream), Failure> {
        let patience = self.options.completion.first_event_timeout;
        let ask = |server: Server, caller: Caller| -> Asking<'_, _> {
            Box::pin(async move {
                let (stamp, identity) = (self.ambient.stamp(), &editor.identity);
                let mut stream =
                    self.backend.complete(&caller, stamp, server, identity, request).await?;
                let first = stream.next().await.transpose()?;
                Ok((first, stream))
            })
        };
        match timeout(patience, self.ask_once(grant, lease, &ask)).await {
            Ok(begun) => begun,
            Err(_) => Err(classify(&UpstreamError::Deadline(Deadline::FirstMessage))),
        }
    }

    /// The key's, else the account's, else the settings'.
    fn region(&self, grant: &Grant, account: &Account) -> Server {
        let region = grant.region().or(account.record().region);
        match region.unwrap_or(self.options.completion.region) {
            Region::Asia => Server::Asia,
            Region::Eu => Server::Eu,
            Region::Us => Server::Us,
        }
    }
}
