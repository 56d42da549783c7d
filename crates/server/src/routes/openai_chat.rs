//! `POST /v1/chat/completions`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use conversation::Failure;
use dialects::openai_chat::{self, Mode, StreamEncoder};
use http::StatusCode;

use super::{Remarks, answer, deliver, read, understand};
use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, json};
use crate::router::Visit;

pub(crate) async fn chat_completions(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    body: Body,
) -> Result<Response, Refusal> {
    serve(&caller, &app, &visit, body).await.map_err(|failure| visit.refusal(failure))
}

async fn serve(caller: &Caller, app: &App, visit: &Visit, body: Body) -> Result<Response, Failure> {
    let bytes = read(app, body).await?;
    let question = understand(app, caller, bytes, openai_chat::decode).await?;
    let remarks = Remarks::new(app, &question);
    let (form, created) = (question.form, app.unix_seconds());
    let answer = answer(app, visit, question.ask).await?;
    let encoder = match form.mode {
        Mode::Stream { .. } => Some(StreamEncoder::new(&form, created)),
        Mode::Whole => None,
    };
    let whole = |reply: &_| json(StatusCode::OK, openai_chat::encode_whole(reply, &form, created));
    let mut response = deliver(app, answer, encoder, whole).await?;
    remarks.write(&mut response);
    Ok(response)
}
