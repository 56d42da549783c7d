//! The gateway's own endpoints: accounts, keys, proxies, and small helpers. One module per group;
//! what they share is how a body is read, how an answer is written and what an error becomes.

use axum::body::Body;
use axum::response::Response;
use conversation::{Failure, FailureClass};
use gateway::AdminError;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::input::{Input, Unused};
use super::read;
use crate::App;
use crate::failure::{Refusal, json};
use crate::router::Visit;

mod account_json;
pub(crate) mod build_key;
pub(crate) mod config;
mod input;
mod key_change;
mod key_json;
pub(crate) mod keys;
pub(crate) mod login;
pub(crate) mod logs;
mod mask;
mod outcome;
pub(crate) mod pool;
pub(crate) mod profile;
pub(crate) mod proxies;
pub(crate) mod random;
mod shapes;
mod texts;
mod times;
pub(crate) mod tokens;
pub(crate) mod tokens_change;

/// What every handler here gives.
pub(crate) type Answered = Result<Response, Refusal>;

/// Reads a body; a missing one is `{}` when `T` can be made of nothing.
async fn body<T: DeserializeOwned>(
    app: &App,
    visit: &Visit,
    body: Body,
) -> Result<Input<T>, Refusal> {
    let bytes = read(app, body).await.map_err(|failure| visit.refusal(failure))?;
    input::parse(&bytes).map_err(|failure| visit.refusal(failure))
}

/// The same for endpoints that can be called without a body.
async fn optional_body<T: DeserializeOwned + Default>(
    app: &App,
    visit: &Visit,
    body: Body,
) -> Result<Input<T>, Refusal> {
    let bytes = read(app, body).await.map_err(|failure| visit.refusal(failure))?;
    if bytes.trim_ascii().is_empty() {
        return Ok(Input { value: T::default(), unused: Unused::default() });
    }
    input::parse(&bytes).map_err(|failure| visit.refusal(failure))
}

/// A good answer, with the names of fields that had no effect.
fn answer(visit: &Visit, unused: &Unused, value: &impl Serialize) -> Answered {
    let body = serde_json::to_vec(value).map_err(|error| {
        let failure = Failure::new(FailureClass::Internal, "The answer could not be written.");
        visit.refusal(failure.log(format!("answer: {error}")))
    })?;
    let mut response = json(StatusCode::OK, body);
    unused.write(&mut response);
    Ok(response)
}

impl Unused {
    fn write(&self, response: &mut Response) {
        const NAME: HeaderName = HeaderName::from_static("x-ignored-fields");
        let text = self.to_string();
        if !text.is_empty()
            && let Ok(value) = HeaderValue::try_from(text)
        {
            response.headers_mut().insert(NAME, value);
        }
    }
}

/// An error of the gateway as the client sees it.
fn refuse(visit: &Visit, error: AdminError) -> Refusal {
    let (status, failure) = match error {
        AdminError::Invalid { field, text } => {
            let shown = if field.is_empty() { text } else { format!("{field}: {text}") };
            (None, Failure::invalid(field, shown))
        }
        AdminError::NotFound(what) => {
            let text = format!("There is no {what}.");
            (None, Failure::new(FailureClass::NotFound, text))
        }
        AdminError::Conflict(text) => {
            (Some(StatusCode::CONFLICT), Failure::new(FailureClass::Invalid, text))
        }
        AdminError::Upstream(failure) => (None, failure),
        AdminError::Store(error) => {
            tracing::error!(request = %visit.id, %error, "the store failed");
            let text = "What is kept could not be read or written; nothing was changed.";
            (None, Failure::new(FailureClass::Overloaded, text))
        }
    };
    Refusal { status, ..visit.refusal(failure) }
}

/// The same, where the request calls a field of the gateway's by another name.
fn refuse_as(visit: &Visit, error: AdminError, field: &str, here: &str) -> Refusal {
    let error = match error {
        AdminError::Invalid { field: named, text } if named == field => {
            AdminError::Invalid { field: here.to_owned(), text }
        }
        other @ (AdminError::Invalid { .. }
        | AdminError::NotFound(_)
        | AdminError::Conflict(_)
        | AdminError::Upstream(_)
        | AdminError::Store(_)) => other,
    };
    refuse(visit, error)
}

fn invalid(visit: &Visit, field: &str, text: &str) -> Refusal {
    let shown = if field.is_empty() { text.to_owned() } else { format!("{field}: {text}") };
    visit.refusal(Failure::invalid(field, shown))
}
