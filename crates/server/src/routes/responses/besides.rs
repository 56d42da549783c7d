//! What can be done with a conversation besides answering it: counting its tokens.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use conversation::Failure;
use dialects::openai_responses::{self, Request};

use super::super::{count, read, understand};
use super::continued;
use crate::App;
use crate::auth::Caller;
use crate::failure::Refusal;
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
