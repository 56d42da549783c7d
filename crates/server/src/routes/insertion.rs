//! `POST /v1/completions` with a `suffix`: fill in the middle, by the code completion service.

use axum::response::Response;
use bytes::BytesMut;
use conversation::{Event, Failure, Fold, Verdict};
use dialects::Encoder as _;
use dialects::openai_chat::Mode;
use dialects::openai_completions::{self, Insertion, Splice, StreamEncoder};
use gateway::Completion;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::editor::{Step, editor_of};
use crate::App;
use crate::auth::Caller;
use crate::failure::json;
use crate::reply::completion_stream;

/// Names of models that complete code rather than talk: for these an empty suffix, which editors
/// send at the end of a file, asks for code as well.
const CODE_MODELS: [&str; 3] = ["fast", "advanced", "auto"];

/// Whether a request asks for a text between two others.
pub(crate) fn is_insertion(request: &openai_completions::Request) -> bool {
    match request.suffix() {
        None => false,
        Some("") => request.model().is_some_and(|model| CODE_MODELS.contains(&model)),
        Some(_) => true,
    }
}

pub(crate) async fn serve(
    caller: &Caller,
    app: &App,
    headers: &HeaderMap,
    mut insertion: Insertion,
) -> Result<Response, Failure> {
    // A key may be for some models only, whichever service answers.
    let is_stream = matches!(insertion.form.mode, Mode::Stream { .. });
    caller.recording().asked(&insertion.form.model, is_stream);
    caller.grant.check_model(&insertion.form.model)?;
    let gateway = &app.0.gateway;
    // The service has models of its own; the name of a chat model means its default.
    if gateway.catalogue().find(&insertion.form.model).is_some() {
        insertion.request.model_name = None;
    }
    let editor = editor_of(caller, headers)?;
    let completion =
        gateway.complete(&caller.grant, caller.recording(), &editor, &insertion.request).await?;
    let started = Event::Started {
        id: app.0.ambient.uuid().simple().to_string(),
        model: insertion.form.model.clone(),
    };
    let (splice, created) = (insertion.splice(), app.unix_seconds());
    let mut response = match insertion.form.mode {
        Mode::Stream { .. } => streamed(app, completion, &insertion, splice, started, created),
        Mode::Whole => {
            let reply = whole(completion, splice, started).await?;
            let body = openai_completions::encode_whole(&reply, &insertion.form, created);
            json(StatusCode::OK, body)
        }
    };
    let ignored = insertion.ignored.to_string();
    caller.recording().ignored(&ignored);
    if !ignored.is_empty()
        && let Ok(value) = HeaderValue::from_str(&ignored)
    {
        response.headers_mut().insert(HeaderName::from_static("x-ignored-fields"), value);
    }
    Ok(response)
}

async fn whole(
    mut completion: Completion,
    mut splice: Splice,
    started: Event,
) -> Result<conversation::Reply, Failure> {
    let mut events = vec![started];
    while let Some(event) = completion.next().await {
        if splice.push(event?, &mut events) == Verdict::Ended {
            break;
        }
    }
    splice.finish(&mut events);
    let mut fold = Fold::default();
    for event in events {
        fold.push(event)?;
    }
    fold.finish()
}

fn streamed(
    app: &App,
    completion: Completion,
    insertion: &Insertion,
    mut splice: Splice,
    started: Event,
    created: i64,
) -> Response {
    let mut encoder = StreamEncoder::new(&insertion.form, created);
    let mut events = vec![started];
    let write = move |step: Step, out: &mut BytesMut| {
        let goes_on = match step {
            Step::Event(event) => splice.push(event, &mut events) != Verdict::Ended,
            Step::End => {
                splice.finish(&mut events);
                false
            }
            Step::Failed(failure) => {
                events.drain(..).for_each(|event| encoder.encode(event, out));
                encoder.fail(&failure, out);
                return false;
            }
            Step::Silence => {
                encoder.heartbeat(out);
                true
            }
        };
        events.drain(..).for_each(|event| encoder.encode(event, out));
        goes_on
    };
    completion_stream(completion, app.options().keep_alive, write)
}
