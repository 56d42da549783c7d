//! What can be done with a conversation besides answering it: its tokens are counted, or it is
//! made short.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use conversation::Failure;
use dialects::openai_responses::{self, Request};
use http::StatusCode;

use super::super::{Remarks, answer, count, read, understand};
use super::continued;
use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, json};
use crate::reply;
use crate::router::Visit;

/// `POST /v1/responses/input_tokens`.
pub(crate) async fn input_tokens(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    body: Body,
) -> Result<Response, Refusal> {
    counted(&caller, &app, body).await.map_err(|failure| visit.refusal(failure))
}

async fn counted(caller: &Caller, app: &App, body: Body) -> Result<Response, Failure> {
    let bytes = read(app, body).await?;
    let decode = continued(app, caller, Request::decode);
    let question = understand(app, caller, bytes, decode).await?;
    count(app, question, |counted| openai_responses::input_tokens_body(counted.tokens)).await
}

/// `POST /v1/responses/compact`.
pub(crate) async fn compact(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    body: Body,
) -> Result<Response, Refusal> {
    compacted(&caller, &app, &visit, body).await.map_err(|failure| visit.refusal(failure))
}

async fn compacted(
    caller: &Caller,
    app: &App,
    visit: &Visit,
    body: Body,
) -> Result<Response, Failure> {
    let bytes = read(app, body).await?;
    let decode = continued(app, caller, Request::decode_compaction);
    let question = understand(app, caller, bytes, decode).await?;
    let remarks = Remarks::new(app, &question);
    let (form, created) = (question.form, app.unix_seconds());
    let reply = reply::collect(answer(app, visit, question.ask).await?).await?;
    let body = openai_responses::encode_compaction(&reply, &form, created)?;
    let mut response = json(StatusCode::OK, body);
    remarks.write(&mut response);
    Ok(response)
}
