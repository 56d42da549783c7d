//! Calls for one token that nothing is kept of: `/token-profile/get`, `/config-version/get` and
//! `/token-upgrade`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use gateway::profile::{Profile, SessionInfo, Stripe, Usage, User};
use gateway::{AccountInput, AdminError};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::account_json::Checksum;
use super::input::Input;
use super::{Answered, answer, body, refuse, refuse_as, texts};
use crate::App;
use crate::auth::Trusted;
use crate::failure::json;
use crate::router::Visit;

#[derive(Debug, Deserialize)]
struct GetProfile {
    session_token: SecretString,
    web_token: SecretString,
    proxy_name: Option<String>,
    include_sessions: Option<bool>,
}

/// Usage, subscription, person, sessions; `null` for what could not be read.
#[derive(Debug, Serialize)]
struct Parts(Option<Usage>, Option<Stripe>, Option<User>, Option<Vec<SessionInfo>>);

/// `POST /token-profile/get`.
pub(crate) async fn token_profile(
    _: Trusted,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Debug, Serialize)]
    struct Told {
        token_profile: Parts,
    }
    let Input { value, unused } = body::<GetProfile>(&app, &visit, bytes).await?;
    let GetProfile { session_token, web_token, proxy_name, include_sessions } = value;
    let sessions = include_sessions.unwrap_or(false);
    let profile = app.0.gateway.token_profile(session_token, web_token, proxy_name, sessions).await;
    let Profile { user, usage, stripe, sessions } =
        profile.map_err(|error| refuse_as(&visit, error, "proxy", "proxy_name"))?;
    answer(&visit, &unused, &Told { token_profile: Parts(usage, stripe, user, sessions) })
}

#[derive(Debug, Deserialize)]
struct GetConfigVersion {
    token: SecretString,
    checksum: Option<Checksum>,
    client_key: Option<String>,
    session_id: Option<String>,
    proxy_name: Option<String>,
    timezone: Option<String>,
    gcpp_host: Option<String>,
}

impl From<GetConfigVersion> for AccountInput {
    fn from(asked: GetConfigVersion) -> Self {
        Self {
            primary: Some(asked.token),
            checksum: asked.checksum.map(Checksum::into_input),
            client_key: asked.client_key,
            session_id: asked.session_id,
            proxy: asked.proxy_name,
            timezone: asked.timezone,
            region: asked.gcpp_host,
            ..Self::default()
        }
    }
}

/// `POST /config-version/get`.
pub(crate) async fn config_version(
    _: Trusted,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    #[derive(Debug, Serialize)]
    struct Told {
        config_version: String,
    }
    let Input { value, unused } = body::<GetConfigVersion>(&app, &visit, bytes).await?;
    let version = app.0.gateway.config_version_of(value.into()).await;
    let version = version.map_err(|error| match &error {
        AdminError::Invalid { field, .. } if field == "proxy" => {
            refuse_as(&visit, error, "proxy", "proxy_name")
        }
        AdminError::Invalid { .. }
        | AdminError::NotFound(_)
        | AdminError::Conflict(_)
        | AdminError::Upstream(_)
        | AdminError::Store(_) => refuse_as(&visit, error, "primary_token", "token"),
    });
    let config_version = version?.to_string();
    answer(&visit, &unused, &Told { config_version })
}

#[derive(Debug, Deserialize)]
struct Upgrade {
    token: SecretString,
}

#[derive(Serialize)]
struct Upgraded {
    status: &'static str,
    message: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// `POST /token-upgrade`.
pub(crate) async fn token_upgrade(
    _: Trusted,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    bytes: Body,
) -> Answered {
    let Input { value: Upgrade { token }, unused } = body::<Upgrade>(&app, &visit, bytes).await?;
    let language = visit.language();
    match app.0.gateway.upgrade_token(token).await {
        Ok(token) => {
            let upgraded = Upgraded {
                status: "success",
                message: texts::upgraded(language),
                result: Some(token.expose_secret().to_owned()),
                code: None,
                error: None,
            };
            answer(&visit, &unused, &upgraded)
        }
        // The request was good, only the upstream would not.
        Err(AdminError::Upstream(failure)) => {
            let status = visit.surface.status(failure.class);
            let failed = Upgraded {
                status: "failure",
                message: texts::not_upgraded(language),
                result: None,
                code: Some(StatusCode::as_u16(&status)),
                error: Some(failure.client),
            };
            Ok(json(status, serde_json::to_vec(&failed).unwrap_or_default()))
        }
        Err(
            error @ (AdminError::Invalid { .. }
            | AdminError::NotFound(_)
            | AdminError::Conflict(_)
            | AdminError::Store(_)),
        ) => Err(refuse(&visit, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_four_parts_stand_in_the_documented_order() {
        let user = User { user_id: 7, ..User::default() };
        let parts = Parts(None, None, Some(user), Some(Vec::new()));
        let json = serde_json::to_value(&parts).expect("JSON");
        assert_eq!(json[0], serde_json::Value::Null);
        assert_eq!(json[1], serde_json::Value::Null);
        assert_eq!(json[2]["user_id"], 7);
        assert_eq!(json[3], serde_json::json!([]));
    }
}
