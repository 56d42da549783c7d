//! The handlers of the client surfaces: read, call, encode.

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use conversation::{Failure, FailureClass, ToolChoice, Turn};
use dialects::openai_chat::{self, Mode, ReplyForm, StreamEncoder};
use dialects::{Decoded, Ignored, Images};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::App;
use crate::auth::Caller;
use crate::failure::{OpenAiFailure, json};
use crate::router::RequestId;
use crate::{body, reply};

/// Bodies longer than this, and all that hold images, are decoded off the async threads.
const DECODE_INLINE: usize = 16 << 10;

/// `POST /v1/chat/completions`.
pub(crate) async fn chat_completions(
    _caller: Caller,
    State(app): State<App>,
    Extension(RequestId(id)): Extension<RequestId>,
    body: Body,
) -> Result<Response, OpenAiFailure> {
    let bytes = body::read(body, app.0.options.body_limit, app.0.options.body_timeout).await?;
    let Decoded { turn, form, ignored, wanted: _ } = decode(&app, bytes).await?;
    let unserved = unserved(&turn);
    tracing::debug!(request = %id, model = %turn.model, ?form, "chat completion");
    let created = app.unix_seconds();
    let answer = app.0.gateway.answer(turn).await.inspect_err(|failure| {
        tracing::info!(request = %id, class = failure.class.name(), "request failed");
    })?;
    let mut response = match form.mode {
        Mode::Stream { .. } => {
            let encoder = StreamEncoder::new(&form, created);
            reply::stream(answer, encoder, app.0.options.keep_alive)
        }
        Mode::Whole => {
            let whole = reply::collect(answer).await?;
            json(StatusCode::OK, openai_chat::encode_whole(&whole, &form, created))
        }
    };
    report_ignored(&ignored, &unserved, &mut response);
    Ok(response)
}

async fn decode(app: &App, bytes: Bytes) -> Result<Decoded<ReplyForm>, Failure> {
    let images = Images::from(app.0.options.images);
    if bytes.len() <= DECODE_INLINE && !holds_data_uri(&bytes) {
        return openai_chat::decode(&bytes, &images);
    }
    // A picture may unpack to hundreds of megabytes: only a few at a time.
    let Ok(_place) = app.0.decoding.acquire().await else {
        return Err(Failure::new(FailureClass::Internal, "The gateway is shutting down."));
    };
    match tokio::task::spawn_blocking(move || openai_chat::decode(&bytes, &images)).await {
        Ok(decoded) => decoded,
        Err(error) => Err(Failure::new(FailureClass::Internal, "The request could not be read.")
            .log(format!("decoding: {error}"))),
    }
}

fn holds_data_uri(bytes: &[u8]) -> bool {
    bytes.windows(5).any(|window| window.eq_ignore_ascii_case(b"data:"))
}

/// Fields that the dialect understands and no flow can serve yet.
fn unserved(turn: &Turn) -> Vec<&'static str> {
    let mut fields = Vec::new();
    if !turn.tools.declared.is_empty() {
        fields.push("tools");
    }
    if turn.tools.choice != ToolChoice::Auto {
        fields.push("tool_choice");
    }
    if !turn.tools.parallel {
        fields.push("parallel_tool_calls");
    }
    if turn.continuity.cache_key.is_some() {
        fields.push("prompt_cache_key");
    }
    if turn.reasoning.effort.is_some() {
        fields.push("reasoning_effort");
    }
    if turn.output != conversation::OutputShape::Text {
        fields.push("response_format");
    }
    fields
}

/// Fields that had no effect are named, so that nobody wonders.
fn report_ignored(ignored: &Ignored, unserved: &[&str], response: &mut Response) {
    const NAME: HeaderName = HeaderName::from_static("x-ignored-fields");
    if ignored.is_empty() && unserved.is_empty() {
        return;
    }
    let mut names = ignored.to_string();
    for field in unserved {
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(field);
    }
    if let Ok(value) = HeaderValue::from_str(&names) {
        response.headers_mut().insert(NAME, value);
    }
}

/// `GET /v1/models`.
pub(crate) async fn list_models(_caller: Caller, State(app): State<App>) -> Response {
    let models = app.0.gateway.catalogue().list();
    json(StatusCode::OK, openai_chat::models_body(&models, started(&app)))
}

/// `GET /v1/models/{id}`.
pub(crate) async fn show_model(
    _caller: Caller,
    State(app): State<App>,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(id)) = id else {
        let failure = Failure::invalid("model", "The model's name is no UTF-8 text.");
        return OpenAiFailure(failure).into_response();
    };
    match app.0.gateway.catalogue().find(&id) {
        Some(model) => json(StatusCode::OK, openai_chat::model_body(&model, started(&app))),
        None => OpenAiFailure(openai_chat::unknown_model(&id)).into_response(),
    }
}

/// The upstream does not tell when a model was made; the gateway's start stands in, so that the
/// figure does not change between two calls.
fn started(app: &App) -> i64 {
    i64::try_from(app.0.started_unix_ms / 1000).unwrap_or(i64::MAX)
}
