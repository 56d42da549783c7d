//! Tokens given out and taken back (`reference/upstream-protocol.md` §4.4).

use std::time::SystemTime;

use http::StatusCode;
use serde_json::{Value, json};

use super::{Asked, bad_request};
use crate::control::AccountBehaviour;
use crate::reply::{self, Reply};
use crate::route::{self, Refusal, checks};
use crate::tokens;

/// The public client id of the IDE.
const CLIENT_ID: &str = "KbZUR41cY7W6zRSdpSUJ7I7mLYBKOCmB";

/// An access and a refresh token that were never given out before. They are one and the same
/// unless refresh tokens have a life of their own.
pub(super) fn tokens(user: &str, asked: &Asked<'_>) -> (String, String) {
    let state = &asked.connection.state;
    let now = SystemTime::now();
    let issue = |lifetime| tokens::issue(user, now, now + lifetime, state.next_issue());
    let access = issue(state.config.token_lifetime);
    let refresh = match state.config.refresh_lifetime {
        Some(lifetime) => issue(lifetime),
        None => access.clone(),
    };
    (access, refresh)
}

/// The answer of `exchange_user_api_key` and `refresh`.
pub(super) fn exchange(user: &str, asked: &Asked<'_>) -> Value {
    let (access, refresh) = tokens(user, asked);
    json!({"accessToken": access, "refreshToken": refresh, "authId": format!("auth0|{user}")})
}

/// `POST /oauth/token`. A refresh token that opens nothing any more is no error of the request.
pub(super) fn oauth(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request = asked.object()?;
    if request["grant_type"] != "refresh_token" {
        return Err(bad_request("unsupported_grant_type", "grant_type is not refresh_token"));
    }
    if request["client_id"] != CLIENT_ID {
        return Err(bad_request("invalid_client", "client_id is not known"));
    }
    let Some(secret) = request["refresh_token"].as_str() else {
        return Err(bad_request("invalid_request", "refresh_token is missing"));
    };
    let state = &asked.connection.state;
    let known = (!state.is_revoked(secret)).then(|| tokens::verify(secret, SystemTime::now()));
    let Some(user) = known.flatten() else {
        return Ok(log_in_again());
    };
    asked.call.is_of(&user);
    if state.account(&user) == AccountBehaviour::LoggedOut {
        return Ok(log_in_again());
    }
    route::account(asked.connection, &user, false)?;
    let (access, _) = tokens(&user, asked);
    let body = json!({"access_token": access, "id_token": access, "shouldLogout": false});
    Ok(reply::json(StatusCode::OK, &body))
}

fn log_in_again() -> Reply {
    let body = json!({"access_token": "", "id_token": "", "shouldLogout": true});
    reply::json(StatusCode::OK, &body)
}

/// `POST /auth/logout`: the token it was called with is refused from now on.
pub(super) fn logout(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    if let Some(secret) = checks::bearer(&asked.headers) {
        asked.connection.state.revoke(secret);
    }
    Ok(reply::json(StatusCode::OK, &json!({})))
}
