//! `POST /v1/completions`, for clients from before there were messages.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use conversation::Failure;
use dialects::Images;
use dialects::openai_chat::Mode;
use dialects::openai_completions::{self, StreamEncoder};
use http::{HeaderMap, StatusCode};

use super::{Remarks, answer, deliver, insertion, read, understand};
use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, json};
use crate::router::Visit;

pub(crate) async fn completions(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let served = serve(&caller, &app, &visit, &headers, body);
    served.await.map_err(|failure| visit.refusal(failure))
}

async fn serve(
    caller: &Caller,
    app: &App,
    visit: &Visit,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let bytes = read(app, body).await?;
    let request = openai_completions::read(&bytes)?;
    if insertion::is_insertion(&request) {
        return insertion::serve(caller, app, headers, request.insertion()?).await;
    }
    let decode = |body: &[u8], _: &Images| openai_completions::decode(body);
    let question = understand(app, caller, bytes, decode).await?;
    let remarks = Remarks::new(app, &question);
    let (form, created) = (question.form, app.unix_seconds());
    let answer = answer(app, visit, question.ask).await?;
    let encoder = match form.mode {
        Mode::Stream { .. } => Some(StreamEncoder::new(&form, created)),
        Mode::Whole => None,
    };
    let whole =
        |reply: &_| json(StatusCode::OK, openai_completions::encode_whole(reply, &form, created));
    let mut response = deliver(app, answer, encoder, whole).await?;
    remarks.write(&mut response);
    Ok(response)
}
