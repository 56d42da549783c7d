//! What the administrator has the upstream asked: fresh tokens, profiles, configuration versions.

use std::sync::Arc;

use accounts::Credential;
use conversation::Failure;
use futures::StreamExt as _;
use futures::stream;
use secrecy::{ExposeSecret as _, SecretString};
use upstream::ProfileParts;
use upstream::classify;
use upstream::profile::Profile;
use upstream::transport::Via;
use uuid::Uuid;

use super::{AccountInput, AdminError, Touched};
use crate::account::{Account, caller};
use crate::bearer::web_credential;
use crate::service::{Gateway, Inner};

/// Accounts asked about at the same time.
const AT_ONCE: usize = 8;

impl Gateway {
    /// Gets fresh tokens.
    ///
    /// # Errors
    /// None as a whole; each account tells of its own.
    pub async fn refresh_accounts(&self, names: &[String]) -> Result<Touched, AdminError> {
        self.ask_each(names, |inner, account| async move {
            if let Err(failure) = inner.renew(&account).await {
                inner.confirm(&account, &failure).await;
                return Err(failure);
            }
            // A fresh token is worth another try.
            if account
                .record()
                .mark
                .as_ref()
                .is_some_and(|mark| mark.kind == accounts::MarkKind::Abnormal)
                && inner.is_well(&account).await.is_ok()
            {
                inner.set_mark(&account, None).await;
            }
            Ok(())
        })
        .await
    }

    /// Reads usage, subscription, person and sessions anew.
    ///
    /// # Errors
    /// None as a whole; each account tells of its own.
    pub async fn update_profiles(&self, names: &[String]) -> Result<Touched, AdminError> {
        self.ask_each(names, |inner, account| async move { inner.read_profile(&account).await })
            .await
    }

    /// # Errors
    /// None as a whole; each account tells of its own.
    pub async fn update_config_versions(&self, names: &[String]) -> Result<Touched, AdminError> {
        self.ask_each(names, |inner, account| async move {
            let bearer = inner.bearer(&account).await?;
            let caller = account.caller(bearer, inner.ways.of_account(&account)?);
            let version = inner.backend.config_version(&caller, inner.ambient.stamp()).await;
            let version = version.map_err(|error| classify(&error))?;
            let id = account.id;
            let kept = inner.book.change::<_, store::StoreError>(|draft| {
                let _ = draft.alter(id, |record| record.device.config_version = Some(version));
                Ok(((), Vec::new()))
            });
            kept.await.map_err(|error| not_kept(&error))
        })
        .await
    }

    /// Whether the upstream accepts the credentials now.
    ///
    /// # Errors
    /// None as a whole; each account tells of its own.
    pub async fn test_accounts(&self, names: &[String]) -> Result<Touched, AdminError> {
        self.ask_each(names, |inner, account| async move {
            let looked = inner.is_well(&account).await;
            if let Err(failure) = &looked {
                inner.confirm(&account, failure).await;
            }
            looked
        })
        .await
    }

    async fn ask_each<F>(
        &self,
        names: &[String],
        ask: impl Fn(Arc<Inner>, Arc<Account>) -> F,
    ) -> Result<Touched, AdminError>
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let mut touched = Touched::default();
        let mut asked = Vec::new();
        for name in names.iter().cloned() {
            let account = self.inner().named(&name);
            let asking = account.map(|account| ask(Arc::clone(self.inner()), account));
            asked.push(async move {
                let result = match asking {
                    Ok(asking) => asking.await.map_err(AdminError::Upstream),
                    Err(error) => Err(error),
                };
                (name, result)
            });
        }
        let mut answers = stream::iter(asked).buffered(AT_ONCE);
        while let Some((name, result)) = answers.next().await {
            touched.note(&name, result);
        }
        Ok(touched)
    }

    /// What the upstream tells of a pair of tokens; nothing is kept.
    ///
    /// # Errors
    /// A token that is none, a proxy that does not exist, or nothing at all could be read.
    pub async fn token_profile(
        &self,
        session: SecretString,
        web: SecretString,
        proxy: Option<String>,
        sessions: bool,
    ) -> Result<Profile, AdminError> {
        let inner = self.inner();
        let via = inner.via_named(proxy)?;
        let session = token("session_token", &session)?;
        let web = match web.expose_secret().is_empty() {
            true => session.clone(),
            false => token("web_token", &web)?,
        };
        let web = web_credential(&web);
        let parts = inner.backend.profile(session.expose(), &web, &via, sessions).await;
        let (profile, failure) = merged(Profile::default(), parts);
        match failure {
            Some(failure) if profile == Profile::default() => Err(AdminError::Upstream(failure)),
            Some(_) | None => Ok(profile),
        }
    }

    /// The configuration version that the upstream gives to such a client; nothing is kept.
    ///
    /// # Errors
    /// A field that is none, or the upstream does not answer.
    pub async fn config_version_of(&self, input: AccountInput) -> Result<Uuid, AdminError> {
        let inner = self.inner();
        let understood = inner.understand(input)?;
        let id = accounts::AccountId(0);
        let alias = accounts::Alias::new("config-version");
        let (record, credential) = understood.into_record(id, alias, inner, true)?;
        let Credential::Session(token) = credential else {
            return Err(AdminError::invalid("token", "must be a session token"));
        };
        let via = inner.ways.via(record.proxy.as_ref()).map_err(AdminError::Upstream)?;
        let caller = caller(&record, token.expose().clone(), via);
        let version = inner.backend.config_version(&caller, inner.ambient.stamp()).await;
        version.map_err(|error| AdminError::Upstream(classify(&error)))
    }

    /// A web token becomes a session token; nothing is kept.
    ///
    /// # Errors
    /// It is no token, or the upstream does not take it.
    pub async fn upgrade_token(&self, text: SecretString) -> Result<SecretString, AdminError> {
        let inner = self.inner();
        let web = web_credential(&token("token", &text)?);
        let via = inner.via_named(None)?;
        let upgraded = tokio::time::timeout(UPGRADE_TIMEOUT, inner.upgrade(&web, &via)).await;
        // Here it is the caller's token that is refused, not one of ours.
        let refused = |mut failure: Failure| {
            if failure.class == conversation::FailureClass::AccountRejected {
                "The upstream does not accept this token.".clone_into(&mut failure.client);
            }
            AdminError::Upstream(failure)
        };
        match upgraded {
            Ok(tokens) => tokens.map(|tokens| tokens.access).map_err(refused),
            Err(_) => {
                Err(AdminError::Upstream(crate::bearer::rejected("the upgrade took too long")))
            }
        }
    }

    /// `x-cursor-checksum` with machine ids at random.
    #[must_use]
    pub fn random_checksum(&self) -> String {
        let ambient = &self.inner().ambient;
        let hex = || accounts::Hex64::of(ambient.secret_bytes()).as_str().to_owned();
        let machine = upstream::MachineIds { machine: hex(), mac_machine: hex() };
        let alphabet = self.inner().backend.identity().checksum_alphabet;
        upstream::checksum(ambient.unix_ms(), &machine, alphabet)
    }

    /// The part of it that tells the time: its first eight characters.
    #[must_use]
    pub fn checksum_header(&self) -> String {
        self.random_checksum().chars().take(8).collect()
    }
}

/// An upgrade waits for a login that it approves itself.
const UPGRADE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

fn token(field: &str, text: &SecretString) -> Result<accounts::SessionToken, AdminError> {
    match Credential::parse(text.expose_secret()) {
        Ok(Credential::Session(token) | Credential::Web(token)) => Ok(token),
        Ok(Credential::ApiKey(_)) => {
            Err(AdminError::invalid(field, "must be a token, not an API key"))
        }
        Err(error) => Err(AdminError::invalid(field, error.to_string())),
    }
}

fn not_kept(error: &store::StoreError) -> Failure {
    Failure::new(conversation::FailureClass::Internal, "The change could not be kept.")
        .log(error.to_string())
}

/// What could be read over what was known, and the first thing that could not.
fn merged(mut profile: Profile, parts: ProfileParts) -> (Profile, Option<Failure>) {
    let ProfileParts { usage, stripe, user, sessions } = parts;
    let mut failure = None;
    let mut note = |error: upstream::UpstreamError| {
        failure.get_or_insert_with(|| classify(&error));
    };
    match usage {
        Ok(usage) => profile.usage = Some(usage),
        Err(error) => note(error),
    }
    match stripe {
        Ok(stripe) => profile.stripe = Some(stripe),
        Err(error) => note(error),
    }
    match user {
        Ok(user) => profile.user = Some(user),
        Err(error) => note(error),
    }
    match sessions {
        Some(Ok(sessions)) => profile.sessions = Some(sessions),
        Some(Err(error)) => note(error),
        None => {}
    }
    (profile, failure)
}

impl Inner {
    fn via_named(&self, proxy: Option<String>) -> Result<Via, AdminError> {
        let name = proxy.map(|name| self.known_proxy(&name)).transpose()?;
        self.ways.via(name.as_ref()).map_err(AdminError::Upstream)
    }

    /// Reads all that the upstream tells of an account and keeps it. What cannot be read stays.
    pub(crate) async fn read_profile(
        self: &Arc<Self>,
        account: &Arc<Account>,
    ) -> Result<(), Failure> {
        let bearer = self.bearer(account).await?;
        let web = self.web(account).await?;
        let via = self.ways.of_account(account)?;
        let parts = self.backend.profile(&bearer, &web, &via, true).await;
        let known = Profile::clone(&account.profile.load_full());
        let (profile, failure) = merged(known, parts);
        self.keep_profile(account, profile).await;
        failure.map_or(Ok(()), Err)
    }

    pub(crate) async fn keep_profile(&self, account: &Account, profile: Profile) {
        if *account.profile.load_full() == profile {
            return;
        }
        let id = account.id;
        let shown = profile.clone();
        let kept = self.book.change::<_, store::StoreError>(|draft| {
            // It may have gone while the upstream was asked.
            if draft.record(id).is_some() {
                draft.put_profile(id, profile);
            }
            Ok(((), Vec::new()))
        });
        if let Err(error) = kept.await {
            tracing::error!(account = %account.alias(), %error, "profile not kept");
            account.profile.store(Arc::new(shown));
        }
    }
}
