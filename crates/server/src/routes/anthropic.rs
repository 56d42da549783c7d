//! `POST /v1/messages` and `POST /v1/messages/count_tokens`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use conversation::Failure;
use dialects::anthropic::{self, StreamEncoder};
use http::{HeaderName, HeaderValue, StatusCode};

use super::{Remarks, answer, deliver, read, understand};
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
    count(&caller, &app, body).await.map_err(|failure| visit.refusal(failure))
}

/// Says in a header whether the upstream counted or the gateway estimated.
async fn count(caller: &Caller, app: &App, body: Body) -> Result<Response, Failure> {
    const SOURCE: HeaderName = HeaderName::from_static("x-token-count");
    let bytes = read(app, body).await?;
    let question = understand(app, caller, bytes, anthropic::decode_count).await?;
    let remarks = Remarks::new(app, &question);
    let counted = app.0.gateway.count_tokens(question.ask).await?;
    let mut response = json(StatusCode::OK, anthropic::count_body(counted.tokens, counted.exact));
    let source = if counted.exact { "exact" } else { "estimate" };
    response.headers_mut().insert(SOURCE, HeaderValue::from_static(source));
    remarks.write(&mut response);
    Ok(response)
}
