//! Login in a browser: the page, its approval, the poll of the client that waits.

use std::time::SystemTime;

use http::StatusCode;
use serde_json::json;

use super::form::Form;
use super::login::Ticket;
use super::{Asked, bad_request, grant, page};
use crate::control::AccountBehaviour;
use crate::reply::{self, Reply};
use crate::route::{self, Refusal};
use crate::tokens;

/// `GET /loginDeepControl?challenge&uuid&mode=login`: notes the login and shows its page.
pub(super) fn login_page(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let ticket = ticket(&asked.query)?;
    if asked.query.get("mode") != Some("login") {
        return Err(refused(StatusCode::BAD_REQUEST, "The link is not complete: mode."));
    }
    if !asked.connection.state.logins(|logins| logins.begin(&ticket, SystemTime::now())) {
        return Err(refused(StatusCode::CONFLICT, "This link belongs to another login."));
    }
    Ok(reply::page(StatusCode::OK, page::ask(&ticket)))
}

/// `POST /loginDeepControl/approve`, the form of the page.
pub(super) fn approve(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let form = Form::read(&String::from_utf8_lossy(&asked.body));
    let ticket = ticket(&form)?;
    let Some(user) = form.get("user").filter(|user| tokens::is_user_id(user)) else {
        return Err(refused(StatusCode::BAD_REQUEST, "The user id is not valid."));
    };
    asked.call.is_of(user);
    route::account(asked.connection, user, false)?;
    let now = SystemTime::now();
    // The challenge is compared by `begin`, which changes nothing for a login that waits.
    let approved = asked.connection.state.logins(|logins| {
        logins.waiting(now).contains(&ticket.uuid)
            && logins.begin(&ticket, now)
            && logins.approve(&ticket.uuid, user, now)
    });
    if approved {
        Ok(reply::page(StatusCode::OK, page::done(user)))
    } else {
        Err(refused(StatusCode::NOT_FOUND, "No login waits under this link."))
    }
}

/// `POST /api/auth/loginDeepCallbackControl`: approves a login for the cookie's user, whether or
/// not its page was opened (`reference/upstream-protocol.md` §4.3).
pub(super) fn deep_callback(user: &str, asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let request = asked.object()?;
    let text = |field: &str| request[field].as_str().unwrap_or_default().to_owned();
    let ticket = Ticket::new(&text("uuid"), &text("challenge"))
        .ok_or_else(|| bad_request("invalid_request", "uuid or challenge is not valid"))?;
    let now = SystemTime::now();
    let approved = asked
        .connection
        .state
        .logins(|logins| logins.begin(&ticket, now) && logins.approve(&ticket.uuid, user, now));
    if approved {
        Ok(reply::json(StatusCode::OK, &json!({})))
    } else {
        let text = "this login is approved already or has another challenge";
        Err(bad_request("invalid_request", text))
    }
}

/// `GET /auth/poll?uuid&verifier`: tokens, once, for who knows the verifier of an approved login.
pub(super) fn poll(asked: &Asked<'_>) -> Result<Reply, Refusal> {
    let value = |name| asked.query.get(name).unwrap_or_default();
    let (uuid, verifier) = (value("uuid"), value("verifier"));
    let state = &asked.connection.state;
    let now = SystemTime::now();
    let Some(user) = state.logins(|logins| logins.user(uuid, verifier, now)) else {
        return Ok(reply::empty(StatusCode::NOT_FOUND));
    };
    asked.call.is_of(&user);
    // Logging in is what one who was logged out does.
    if state.account(&user) != AccountBehaviour::LoggedOut {
        route::account(asked.connection, &user, false)?;
    }
    let Some((ticket, user)) = state.logins(|logins| logins.take(uuid, verifier, now)) else {
        return Ok(reply::empty(StatusCode::NOT_FOUND));
    };
    let (access, refresh) = grant::tokens(&user, asked);
    let body = json!({
        "accessToken": access,
        "refreshToken": refresh,
        "challenge": ticket.challenge,
        "authId": format!("auth0|{user}"),
        "uuid": ticket.uuid,
    });
    Ok(reply::json(StatusCode::OK, &body))
}

fn ticket(form: &Form) -> Result<Ticket, Refusal> {
    let value = |name| form.get(name).unwrap_or_default();
    Ticket::new(value("uuid"), value("challenge")).ok_or_else(|| {
        refused(StatusCode::BAD_REQUEST, "The link is not complete: uuid or challenge.")
    })
}

fn refused(status: StatusCode, text: &'static str) -> Refusal {
    reply::page(status, page::refused(text)).into()
}
