//! Calls that give tokens (`reference/upstream-protocol.md` §4.2–4.4).

use connectrpc::ErrorCode;
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::rest::{Auth, Rest};
use super::{NewTokens, WebCredential};
use crate::backend::Backend;
use crate::error::{AnswerError, UpstreamError};
use crate::login::{LoginTokens, Pkce};
use crate::transport::Via;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TokensWire {
    access_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    auth_id: Option<String>,
}

/// The one answer whose fields are named in two styles.
#[derive(Deserialize)]
struct OauthWire {
    access_token: Option<SecretString>,
    refresh_token: Option<SecretString>,
    #[serde(rename = "shouldLogout")]
    should_logout: Option<bool>,
}

impl Backend {
    /// `POST /oauth/token`: a new session token for a refresh token, as the IDE does it.
    ///
    /// # Errors
    /// The upstream wants a new login, which is an account rejected; or the call failed.
    pub async fn refresh_oauth(
        &self,
        refresh: &SecretString,
        via: &Via,
    ) -> Result<NewTokens, UpstreamError> {
        let body = json!({
            "grant_type": "refresh_token",
            "client_id": self.endpoints().oauth_client_id,
            "refresh_token": refresh.expose_secret(),
        });
        let path = "/oauth/token";
        let answer = self.rest(Rest::post(Auth::InRequest, path, body), via).await?;
        // RFC 6749 §5.2: the refresh token has expired or was revoked. Its status, 400, would read
        // as a fault of ours.
        if answer.is_error("invalid_grant") {
            return Err(login_wanted());
        }
        let wire: OauthWire = answer.ok()?.json(path)?;
        if wire.should_logout == Some(true) {
            return Err(login_wanted());
        }
        new_tokens(wire.access_token, wire.refresh_token)
    }

    /// `POST /auth/exchange_user_api_key`: a session token for an API key or a refresh token, as
    /// the CLI does it.
    ///
    /// # Errors
    /// The credential is not accepted, or the call failed.
    pub async fn exchange(
        &self,
        bearer: &SecretString,
        via: &Via,
    ) -> Result<NewTokens, UpstreamError> {
        let path = "/auth/exchange_user_api_key";
        let wire: TokensWire =
            self.json(Rest::post(Auth::Bearer(bearer), path, json!({})), via).await?;
        new_tokens(wire.access_token, wire.refresh_token)
    }

    /// [`Backend::exchange`] for who only needs the session token: an API key itself serves to
    /// exchange anew.
    ///
    /// # Errors
    /// The key is not accepted, or the call failed.
    pub async fn exchange_api_key(
        &self,
        key: &SecretString,
        via: &Via,
    ) -> Result<SecretString, UpstreamError> {
        Ok(self.exchange(key, via).await?.access)
    }

    /// `POST /api/auth/loginDeepCallbackControl` of the website: agrees to a login in the user's
    /// place. The tokens come by [`Backend::poll_login`].
    ///
    /// # Errors
    /// The credential is not accepted, or the call failed.
    pub async fn deep_login(
        &self,
        web: &WebCredential,
        pkce: &Pkce,
        via: &Via,
    ) -> Result<(), UpstreamError> {
        let body = json!({ "uuid": pkce.uuid.to_string(), "challenge": pkce.challenge });
        let mut call = Rest::post(Auth::Cookie(web), "/api/auth/loginDeepCallbackControl", body);
        call.referer = Some(pkce.login_url(&self.endpoints().web));
        // What it answers beyond the status says nothing.
        self.rest(call, via).await?.ok().map(drop)
    }

    /// `GET /auth/poll`: the tokens of a login, `None` while nobody has agreed to it. When to ask
    /// again is [`PollSchedule`](crate::login::PollSchedule)'s matter.
    ///
    /// # Errors
    /// The login is refused (403, final), or the call failed.
    pub async fn poll_login(
        &self,
        pkce: &Pkce,
        via: &Via,
    ) -> Result<Option<LoginTokens>, UpstreamError> {
        let path = pkce.poll_path();
        let wire: TokensWire = match self.json(Rest::get(Auth::InRequest, &path), via).await {
            Err(error) if is_not_yet(&error) => return Ok(None),
            wire => wire?,
        };
        let NewTokens { access, refresh } = new_tokens(wire.access_token, wire.refresh_token)?;
        Ok(Some(LoginTokens { access, refresh, auth_id: wire.auth_id }))
    }
}

fn is_not_yet(error: &UpstreamError) -> bool {
    match error {
        UpstreamError::Status { status, .. } => *status == StatusCode::NOT_FOUND,
        UpstreamError::Answer(answer) => answer.code == ErrorCode::NotFound,
        UpstreamError::Connect(_)
        | UpstreamError::NotTaken(_)
        | UpstreamError::Proxy(_)
        | UpstreamError::Lost(_)
        | UpstreamError::Cut
        | UpstreamError::Protocol(_)
        | UpstreamError::Deadline(_) => false,
    }
}

fn new_tokens(
    access: Option<SecretString>,
    refresh: Option<SecretString>,
) -> Result<NewTokens, UpstreamError> {
    let given = |token: &SecretString| !token.expose_secret().is_empty();
    let access = access.filter(given).ok_or_else(login_wanted)?;
    Ok(NewTokens { access, refresh: refresh.filter(given) })
}

/// The upstream's way to say that a token no longer serves: 200, and no token.
fn login_wanted() -> UpstreamError {
    UpstreamError::Answer(Box::new(AnswerError {
        code: ErrorCode::Unauthenticated,
        message: "the upstream gives no token: a new login is needed".into(),
        kind: None,
        title: String::new(),
        detail: String::new(),
        is_retryable: None,
        retry_after: None,
    }))
}
