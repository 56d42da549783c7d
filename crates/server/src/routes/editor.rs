//! The editor's code completion and file sync: `/cpp/*` and `/file/*`.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::BytesMut;
use conversation::completion::CompletionEvent;
use conversation::{Failure, FailureClass};
use dialects::editor::{self, StreamEncoder};
use gateway::{Cookies, Editor, SetCookies};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

use super::read;
use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, Surface, json};
use crate::reply::completion_stream;
use crate::router::Visit;

/// Whose copies of files are meant: 64 hex characters, a secret of the editor's.
const CLIENT_KEY: HeaderName = HeaderName::from_static("x-client-key");

/// What the service's own choice is called by its clients.
const DEFAULT_MODEL: &str = "auto";

/// `POST /cpp/config`.
pub(crate) async fn config(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    body: Body,
) -> Result<Response, Refusal> {
    let answered = async {
        let decoded = editor::decode_config(&read(&app, body).await?)?;
        let config = app
            .0
            .gateway
            .completion_config(&caller.grant, caller.recording(), &decoded.request)
            .await?;
        let response = json(StatusCode::OK, editor::config_body(&config));
        Ok(with_ignored(&caller, response, &decoded.ignored.to_string()))
    };
    answered.await.map_err(|failure| visit.refusal(failure))
}

/// `POST /cpp/models`.
pub(crate) async fn models(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
) -> Result<Response, Refusal> {
    let models = app.0.gateway.completion_models(&caller.grant, caller.recording()).await;
    let models = models.map_err(|failure| visit.refusal(failure))?;
    Ok(json(StatusCode::OK, editor::models_body(&models)))
}

/// `POST /file/upload`.
pub(crate) async fn upload(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let answered = async {
        let editor = known_editor(&headers)?;
        let decoded = editor::decode_upload(&read(&app, body).await?)?;
        let upload =
            app.0.gateway.upload_file(&caller.grant, caller.recording(), &editor, &decoded.request);
        let (outcome, cookies) = upload.await?;
        let response = json(StatusCode::OK, editor::outcome_body(outcome));
        Ok(with_cookies(with_ignored(&caller, response, &decoded.ignored.to_string()), &cookies))
    };
    answered.await.map_err(|failure| visit.refusal(failure))
}

/// `POST /file/sync`.
pub(crate) async fn sync(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let answered = async {
        let editor = known_editor(&headers)?;
        let decoded = editor::decode_sync(&read(&app, body).await?)?;
        let sync =
            app.0.gateway.sync_file(&caller.grant, caller.recording(), &editor, &decoded.request);
        let (outcome, cookies) = sync.await?;
        let response = json(StatusCode::OK, editor::outcome_body(outcome));
        Ok(with_cookies(with_ignored(&caller, response, &decoded.ignored.to_string()), &cookies))
    };
    answered.await.map_err(|failure| visit.refusal(failure))
}

/// `POST /cpp/stream`.
pub(crate) async fn stream(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let answered = async {
        let editor = editor_of(&caller, &headers)?;
        let decoded = editor::decode_stream(&read(&app, body).await?)?;
        let named = decoded.request.model_name.as_deref().filter(|name| !name.is_empty());
        caller.recording().asked(named.unwrap_or(DEFAULT_MODEL), true);
        // A key for some models only is for the default only if that is one of them.
        caller.grant.check_model(named.unwrap_or(DEFAULT_MODEL))?;
        let gateway = &app.0.gateway;
        let completion =
            gateway.complete(&caller.grant, caller.recording(), &editor, &decoded.request).await?;
        let cookies = completion.cookies().clone();
        let mut encoder = StreamEncoder::new();
        let write = move |step: Step, out: &mut BytesMut| match step {
            Step::Event(event) => {
                encoder.encode(&event, out);
                true
            }
            Step::Failed(failure) => {
                let status = Surface::Editor.status(failure.class).as_u16();
                encoder.fail(&failure, status, out);
                false
            }
            Step::End => {
                encoder.finish(out);
                false
            }
            Step::Silence => {
                encoder.heartbeat(out);
                true
            }
        };
        let response = completion_stream(completion, app.options().keep_alive, write);
        Ok(with_cookies(with_ignored(&caller, response, &decoded.ignored.to_string()), &cookies))
    };
    answered.await.map_err(|failure| visit.refusal(failure))
}

/// What happens on a completion's stream.
pub(crate) enum Step {
    Event(CompletionEvent),
    Failed(Failure),
    End,
    /// Nothing for a while.
    Silence,
}

impl Step {
    pub(crate) fn of(next: Option<Result<CompletionEvent, Failure>>) -> Self {
        match next {
            Some(Ok(event)) => Self::Event(event),
            Some(Err(failure)) => Self::Failed(failure),
            None => Self::End,
        }
    }
}

/// The editor that says who it is.
fn known_editor(headers: &HeaderMap) -> Result<Editor, Failure> {
    let Some(key) = headers.get(CLIENT_KEY) else {
        return Err(Failure::invalid(
            CLIENT_KEY.as_str(),
            "The header x-client-key is missing: 64 hex characters, the same ones for as long as \
             the files are; see /gen-hash.",
        ));
    };
    let cookies = Cookies::read(headers).map_err(|error| {
        Failure::invalid("cookie", format!("The Cookie header cannot be used: {error}."))
    })?;
    let editor = key.to_str().ok().and_then(|key| Editor::new(key, cookies));
    editor.ok_or_else(|| {
        let text = "The header x-client-key must have 64 hex characters.";
        Failure::invalid(CLIENT_KEY.as_str(), text)
    })
}

/// The editor, or one for all completions of this key that say nothing of files.
pub(crate) fn editor_of(caller: &Caller, headers: &HeaderMap) -> Result<Editor, Failure> {
    if headers.contains_key(CLIENT_KEY) {
        return known_editor(headers);
    }
    Editor::of_client(&caller.client(), Cookies::default())
        .ok_or_else(|| Failure::new(FailureClass::Internal, "The request could not be served."))
}

fn with_ignored(caller: &Caller, mut response: Response, names: &str) -> Response {
    const NAME: HeaderName = HeaderName::from_static("x-ignored-fields");
    caller.recording().ignored(names);
    if !names.is_empty()
        && let Ok(value) = HeaderValue::from_str(names)
    {
        response.headers_mut().insert(NAME, value);
    }
    response
}

fn with_cookies(mut response: Response, cookies: &SetCookies) -> Response {
    for line in cookies.lines() {
        response.headers_mut().append(header::SET_COOKIE, line.clone());
    }
    response
}
