//! Stored responses, by id.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use conversation::{Failure, FailureClass};
use dialects::openai_responses::{self, Paging};
use http::StatusCode;
use serde::Deserialize;

use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, json};
use crate::kept::{Background, KeptResponse};
use crate::router::Visit;

type Id = Result<Path<String>, PathRejection>;

fn text(id: Id) -> String {
    // No id that was ever given is anything but text.
    id.map(|Path(id)| id).unwrap_or_default()
}

fn find(app: &App, caller: &Caller, id: &str) -> Result<KeptResponse, Failure> {
    app.0.kept.get(&caller.client(), id).ok_or_else(|| openai_responses::unknown_response(id))
}

fn unreadable_query() -> Failure {
    Failure::new(FailureClass::Invalid, "The query of the URL could not be read.")
}

#[derive(Debug, Deserialize)]
pub(crate) struct Show {
    #[serde(default)]
    stream: bool,
}

/// `GET /v1/responses/{id}`.
pub(crate) async fn show(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    id: Id,
    query: Result<Query<Show>, QueryRejection>,
) -> Result<Response, Refusal> {
    let id = text(id);
    let Ok(Query(query)) = query else { return Err(visit.refusal(unreadable_query())) };
    if query.stream {
        let message = "A stored response cannot be streamed; leave 'stream' out.";
        return Err(visit.refusal(Failure::invalid("stream", message)));
    }
    let response = find(&app, &caller, &id).map_err(|failure| visit.refusal(failure))?;
    Ok(json(StatusCode::OK, response.body.to_vec()))
}

/// `DELETE /v1/responses/{id}`.
pub(crate) async fn remove(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    id: Id,
) -> Result<Response, Refusal> {
    let id = text(id);
    let Some(removed) = app.0.kept.remove(&caller.client(), &id) else {
        return Err(visit.refusal(openai_responses::unknown_response(&id)));
    };
    if let Background::Running { stop, .. } = removed.background {
        stop.cancel();
    }
    Ok(json(StatusCode::OK, openai_responses::deleted_body(&id)))
}

/// `POST /v1/responses/{id}/cancel`.
pub(crate) async fn cancel(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    id: Id,
) -> Result<Response, Refusal> {
    let id = text(id);
    let response = find(&app, &caller, &id).map_err(|failure| visit.refusal(failure))?;
    match &response.background {
        Background::No => {
            let message = "Cannot cancel a synchronous response.";
            Err(visit.refusal(Failure::invalid("response_id", message)))
        }
        Background::Over => Ok(json(StatusCode::OK, response.body.to_vec())),
        Background::Running { stop, cancelled } => {
            stop.cancel();
            Ok(json(StatusCode::OK, cancelled.to_vec()))
        }
    }
}

/// As text: what is wrong with them is said in the surface's own words.
#[derive(Debug, Deserialize)]
pub(crate) struct List {
    limit: Option<String>,
    order: Option<String>,
    after: Option<String>,
}

/// `GET /v1/responses/{id}/input_items`.
pub(crate) async fn input_items(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    id: Id,
    list: Result<Query<List>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Ok(Query(list)) = list else { return Err(visit.refusal(unreadable_query())) };
    let response = find(&app, &caller, &text(id)).map_err(|failure| visit.refusal(failure))?;
    let paging = Paging::read(list.limit.as_deref(), list.order.as_deref(), list.after.as_deref())
        .map_err(|failure| visit.refusal(failure))?;
    Ok(json(StatusCode::OK, openai_responses::input_items_body(&response.input, &paging)))
}
