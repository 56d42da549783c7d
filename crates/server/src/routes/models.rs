//! `GET /v1/models` and `GET /v1/models/{id}`, in the shape of the client that asks.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::response::Response;
use conversation::{Failure, Model};
use dialects::anthropic::Page;
use dialects::{anthropic, openai_chat};
use http::StatusCode;
use serde::Deserialize;

use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, Surface, json};
use crate::router::Visit;

/// Anthropic's paging; OpenAI's list has none.
#[derive(Debug, Deserialize)]
pub(crate) struct Paging {
    limit: Option<usize>,
    after_id: Option<String>,
    before_id: Option<String>,
}

pub(crate) async fn list(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    paging: Result<Query<Paging>, QueryRejection>,
) -> Result<Response, Refusal> {
    let models = visible(&caller, app.0.gateway.catalogue().list());
    let body = match visit.surface {
        Surface::OpenAi
        | Surface::Responses
        | Surface::Editor
        | Surface::Admin(_)
        | Surface::ErrorOnly(_) => openai_chat::models_body(&models, app.started_unix()),
        Surface::Anthropic => {
            let page = page(paging).map_err(|failure| visit.refusal(failure))?;
            anthropic::models_body(&models, app.started_unix(), &page)
        }
    };
    Ok(json(StatusCode::OK, body))
}

/// A key for some models sees only those.
fn visible(caller: &Caller, models: Arc<Vec<Model>>) -> Arc<Vec<Model>> {
    let may = |model: &Model| caller.grant.may_use_model(model.id.as_str());
    if models.iter().all(may) {
        return models;
    }
    Arc::new(models.iter().filter(|model| may(model)).cloned().collect())
}

fn page(paging: Result<Query<Paging>, QueryRejection>) -> Result<Page, Failure> {
    const DEFAULT: usize = 20;
    const MOST: usize = 1000;
    let wrong = || Failure::invalid("limit", format!("limit: expected a number from 1 to {MOST}."));
    let Query(Paging { limit, after_id, before_id }) = paging.map_err(|_| wrong())?;
    match limit.unwrap_or(DEFAULT) {
        limit @ 1..=MOST => Ok(Page { limit, after_id, before_id }),
        _ => Err(wrong()),
    }
}

pub(crate) async fn show(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let Ok(Path(id)) = id else {
        let failure = Failure::invalid("model", "The model's name is no UTF-8 text.");
        return Err(visit.refusal(failure));
    };
    let model = app.0.gateway.catalogue().find(&id);
    let Some(model) = model.filter(|_| caller.grant.may_use_model(&id)) else {
        return Err(visit.refusal(openai_chat::unknown_model(&id)));
    };
    let body = match visit.surface {
        Surface::OpenAi
        | Surface::Responses
        | Surface::Editor
        | Surface::Admin(_)
        | Surface::ErrorOnly(_) => openai_chat::model_body(&model, app.started_unix()),
        Surface::Anthropic => anthropic::model_body(&model, app.started_unix()),
    };
    Ok(json(StatusCode::OK, body))
}
