//! The attempts of one request of an editor: which account, as whom, at which host.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use accounts::{AccountId, Choice, Region};
use conversation::completion::{CompletionEvent, CompletionRequest};
use conversation::{Failure, FailureClass};
use tokio::time::{Instant, timeout_at};
use upstream::{Caller, CompletionStream, Deadline, Region as Server, UpstreamError, classify};

use super::{Asking, Editor, blame};
use crate::account::{Account, no_accounts};
use crate::attempt::more_useful;
use crate::grant::Grant;
use crate::lease::{Lease, Purpose, may_try_elsewhere};
use crate::recording::Recording;
use crate::service::Inner;

/// One account after the other, while that may help.
pub(super) struct Attempts<'a> {
    inner: &'a Arc<Inner>,
    grant: &'a Grant,
    editor: Option<[u8; 32]>,
    recording: &'a Recording,
    tried: Vec<AccountId>,
    last: Option<Failure>,
    has_marked: AtomicBool,
    /// After this nobody else is asked.
    pub(super) deadline: Instant,
}

impl<'a> Attempts<'a> {
    pub(super) fn new(
        inner: &'a Arc<Inner>,
        grant: &'a Grant,
        editor: Option<&Editor>,
        recording: &'a Recording,
    ) -> Self {
        Self {
            inner,
            grant,
            editor: editor.map(|editor| editor.digest(grant)),
            recording,
            tried: Vec::new(),
            last: None,
            has_marked: AtomicBool::new(false),
            deadline: Instant::now() + inner.options().completion.total_timeout,
        }
    }

    /// The next account.
    ///
    /// # Errors
    /// Nobody is left. What was tried tells more than that.
    pub(super) async fn next(&mut self) -> Result<Lease, Failure> {
        let leased = self.inner.editor_lease(self.grant, self.editor.as_ref(), &self.tried).await;
        let lease = match leased {
            Ok(lease) => lease,
            Err(failure) => return Err(self.last.take().unwrap_or(failure)),
        };
        if self.tried.is_empty() {
            // At once: an editor's first requests come together, and their files must too.
            self.note(&lease);
        }
        self.tried.push(lease.account().id);
        self.recording.trying(lease.account().id, lease.account().alias());
        Ok(lease)
    }

    /// This one is the editor's from now on.
    pub(super) fn served(&self, lease: &Lease) {
        self.note(lease);
    }

    fn note(&self, lease: &Lease) {
        if let Some(editor) = self.editor {
            self.inner.editors.note(editor, lease.account().id);
        }
    }

    /// # Errors
    /// Nobody else is to be asked.
    pub(super) fn failed(&mut self, lease: Lease, failure: Failure) -> Result<(), Failure> {
        let again = may_try_elsewhere(&failure) && Instant::now() < self.deadline;
        let is_last = self.tried.len() >= self.inner.options().max_attempts;
        self.recording.attempt_failed(&failure, again && !is_last);
        lease.failed_again(&failure, &self.has_marked);
        if !again {
            return Err(failure);
        }
        let failure = more_useful(self.last.take(), failure);
        if is_last {
            return Err(failure);
        }
        self.last = Some(failure);
        Ok(())
    }
}

impl Inner {
    /// The editor's own account if that may serve, else another one.
    async fn editor_lease(
        self: &Arc<Self>,
        grant: &Grant,
        editor: Option<&[u8; 32]>,
        tried: &[AccountId],
    ) -> Result<Lease, Failure> {
        const MODEL: &str = "";
        let purpose =
            Purpose { grant, choice: &grant.choice, model: MODEL, preferred: None, tried };
        let own = editor.and_then(|editor| self.editors.find(editor));
        if let Some(own) = own.filter(|own| self.may_serve(grant, *own)) {
            let choice = Choice::One(own);
            if let Ok(lease) = self.try_lease(Purpose { choice: &choice, ..purpose }) {
                return Ok(lease);
            }
        }
        if tried.is_empty() {
            self.lease(purpose).await
        } else {
            // Nobody waits after an attempt that failed: its failure is at hand.
            self.try_lease(purpose).map_err(|_| no_accounts())
        }
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
    pub(super) async fn ask_once<'a, T>(
        self: &Arc<Self>,
        grant: &Grant,
        lease: &Lease,
        ask: &(dyn Fn(Server, Caller) -> Asking<'a, T> + Sync),
    ) -> Result<T, Failure> {
        let server = self.region(grant, lease.account());
        let caller = self.editor_caller(lease, grant).await?;
        let bearer = caller.bearer.clone();
        let asked = ask(server, caller).await.map_err(|error| blame(&error));
        match asked {
            Err(failure)
                if failure.class == FailureClass::AccountRejected
                    && self.revive(lease.account(), &bearer).await =>
            {
                let caller = self.editor_caller(lease, grant).await?;
                ask(server, caller).await.map_err(|error| blame(&error))
            }
            asked => asked,
        }
    }

    /// Opens the stream and waits for its first event.
    pub(super) async fn begin(
        self: &Arc<Self>,
        grant: &Grant,
        editor: &Editor,
        request: &CompletionRequest,
        lease: &Lease,
        total: Instant,
    ) -> Result<(Option<CompletionEvent>, CompletionStream), Failure> {
        let first = Instant::now() + self.options().completion.first_event_timeout;
        let ask = |server: Server, caller: Caller| -> Asking<'_, _> {
            Box::pin(async move {
                let (stamp, identity) = (self.ambient.stamp(), &editor.identity);
                let mut stream =
                    self.backend.complete(&caller, stamp, server, identity, request).await?;
                let first = stream.next().await.transpose()?;
                Ok((first, stream))
            })
        };
        match timeout_at(first.min(total), self.ask_once(grant, lease, &ask)).await {
            Ok(begun) => begun,
            Err(_) if total < first => Err(classify(&UpstreamError::Deadline(Deadline::Total))),
            Err(_) => Err(classify(&UpstreamError::Deadline(Deadline::FirstMessage))),
        }
    }

    /// The key's, else the account's, else the settings'.
    fn region(&self, grant: &Grant, account: &Account) -> Server {
        let region = grant.region().or(account.record().region);
        match region.unwrap_or(self.options().completion.region) {
            Region::Asia => Server::Asia,
            Region::Eu => Server::Eu,
            Region::Us => Server::Us,
        }
    }
}
