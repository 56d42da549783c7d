//! `POST /v1/messages` and `POST /v1/messages/count_tokens`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use conversation::Failure;
use dialects::anthropic::{self, StreamEncoder};
use http::StatusCode;

use super::{Remarks, answer, count, deliver, read, understand};
use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, json};
use crate::router::Visit;

pub(crate) async fn messages(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    body: Body,
) -> Result<Response, Refusal> {
    serve(&caller, &app, &visit, body).await.map_err(|failure| visit.refusal(failure))
}

async fn serve(caller: &Caller, app: &App, visit: &Visit, body: Body) -> Result<Response, Failure> {
    let bytes = read(app, body).await?;
    let question = understand(app, caller, bytes, anthropic::decode).await?;
    let remarks = Remarks::new(app, &question);
    // The first event of a stream tells the input, which the upstream tells only at the end.
    let input = gateway::estimate_input(question.ask.turn());
    let form = question.form;
    let answer = answer(app, visit, question.ask).await?;
    let encoder = form.stream.then(|| StreamEncoder::new(&form, &visit.id, input));
    let whole = |reply: &_| json(StatusCode::OK, anthropic::encode_whole(reply, &form));
    let mut response = deliver(app, answer, encoder, whole).await?;
    remarks.write(&mut response);
    Ok(response)
}

pub(crate) async fn count_tokens(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    body: Body,
) -> Result<Response, Refusal> {
    counted(&caller, &app, body).await.map_err(|failure| visit.refusal(failure))
}

async fn counted(caller: &Caller, app: &App, body: Body) -> Result<Response, Failure> {
    let bytes = read(app, body).await?;
    let question = understand(app, caller, bytes, anthropic::decode_count).await?;
    count(app, question, |counted| anthropic::count_body(counted.tokens, counted.exact)).await
}
