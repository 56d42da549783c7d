//! The handlers of the client surfaces: read, call, encode. One module per surface; what they
//! share is how a body becomes a question and how an answer leaves.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use conversation::{Failure, FailureClass, Reply};
use dialects::{Decoded, Encoder, Form, Ignored, Images};
use gateway::{Answer, Ask, Counted};
use http::{HeaderName, HeaderValue, StatusCode};

use crate::App;
use crate::auth::Caller;
use crate::failure::json;
use crate::router::Visit;
use crate::{body, reply};

pub(crate) mod admin;
pub(crate) mod anthropic;
pub(crate) mod completions;
pub(crate) mod editor;
pub(crate) mod insertion;
pub(crate) mod models;
pub(crate) mod openai_chat;
pub(crate) mod responses;

/// Bodies longer than this, and all that hold images, are decoded off the async threads.
const DECODE_INLINE: usize = 16 << 10;

/// A request that was understood.
pub(crate) struct Question<F> {
    pub(crate) ask: Ask,
    pub(crate) form: F,
    ignored: Ignored,
}

/// How a dialect reads a body; called once more after pictures were fetched for it.
pub(crate) trait Decode<F>:
    Fn(&[u8], &Images) -> Result<Decoded<F>, Failure> + Send + Sync + 'static
{
}

impl<F, D> Decode<F> for D where
    D: Fn(&[u8], &Images) -> Result<Decoded<F>, Failure> + Send + Sync + 'static
{
}

/// Reads a body within its limits.
pub(crate) async fn read(app: &App, body: Body) -> Result<Bytes, Failure> {
    let (limit, patience) = {
        let options = app.options();
        (options.body_limit, options.body_timeout)
    };
    body::read(body, limit, patience).await
}

/// Turns a body into a question; pictures behind URLs are fetched on the way.
pub(crate) async fn understand<F: Form + Send + 'static>(
    app: &App,
    caller: &Caller,
    bytes: Bytes,
    decode: impl Decode<F>,
) -> Result<Question<F>, Failure> {
    let decode = Arc::new(decode);
    let images = Images::from(app.options().images);
    let decoded = decode_once(app, caller, bytes.clone(), images, Arc::clone(&decode)).await?;
    if decoded.wanted.is_empty() {
        return Ok(decoded.question);
    }
    let fetched = app.remote_images().fetch(&decoded.wanted).await?;
    let images = Images { policy: app.options().images, fetched };
    Ok(decode_once(app, caller, bytes, images, decode).await?.question)
}

struct Once<F> {
    question: Question<F>,
    wanted: Vec<String>,
}

async fn decode_once<F: Form + Send + 'static>(
    app: &App,
    caller: &Caller,
    bytes: Bytes,
    images: Images,
    decode: Arc<impl Decode<F>>,
) -> Result<Once<F>, Failure> {
    let inline = bytes.len() <= DECODE_INLINE && images.fetched.is_empty() && is_light(&bytes);
    let (grant, recording) = (Arc::clone(&caller.grant), caller.recording().clone());
    let work = move || {
        let Decoded { turn, form, ignored, wanted } = decode(&bytes, &images)?;
        recording.asked(turn.model.as_str(), form.is_streamed());
        let ask = Ask::new(grant, turn).recorded(recording);
        Ok(Once { question: Question { ask, form, ignored }, wanted })
    };
    if inline {
        return work();
    }
    // A picture may unpack to hundreds of megabytes: only a few at a time. The place belongs to the
    // work, which goes on when its client leaves.
    let Ok(place) = Arc::clone(&app.0.decoding).acquire_owned().await else {
        return Err(Failure::new(FailureClass::Internal, "The gateway is shutting down."));
    };
    let work = move || {
        let _place = place;
        work()
    };
    match tokio::task::spawn_blocking(work).await {
        Ok(decoded) => decoded,
        Err(error) => Err(Failure::new(FailureClass::Internal, "The request could not be read.")
            .log(format!("decoding: {error}"))),
    }
}

/// Whether a body brings no pictures along, and no earlier conversation that may have some.
fn is_light(bytes: &[u8]) -> bool {
    const HEAVY: [&[u8]; 4] = [b"data:", b"\"base64\"", b"previous_response_id", b"item_reference"];
    let holds = |word: &[u8]| bytes.windows(word.len()).any(|w| w.eq_ignore_ascii_case(word));
    !HEAVY.iter().any(|word| holds(word))
}

/// What is said of a request besides its answer.
pub(crate) struct Remarks(String);

impl Remarks {
    /// Fields that had no effect are named, so that nobody wonders.
    fn new<F>(app: &App, question: &Question<F>) -> Self {
        let mut names = question.ignored.to_string();
        for field in app.0.gateway.unserved(question.ask.turn()) {
            if !names.is_empty() {
                names.push_str(", ");
            }
            names.push_str(field);
        }
        question.ask.recording().ignored(&names);
        Self(names)
    }

    fn write(self, response: &mut Response) {
        const NAME: HeaderName = HeaderName::from_static("x-ignored-fields");
        if !self.0.is_empty()
            && let Ok(value) = HeaderValue::from_str(&self.0)
        {
            response.headers_mut().insert(NAME, value);
        }
    }
}

/// Asks the gateway.
pub(crate) async fn answer(app: &App, visit: &Visit, ask: Ask) -> Result<Answer, Failure> {
    tracing::debug!(request = %visit.id, model = %ask.turn().model, "request");
    app.0.gateway.answer(ask).await
}

/// Counts the tokens of a request, and says in a header whether the upstream counted or the gateway
/// estimated.
pub(crate) async fn count<F>(
    app: &App,
    question: Question<F>,
    body: impl FnOnce(Counted) -> Vec<u8>,
) -> Result<Response, Failure> {
    const SOURCE: HeaderName = HeaderName::from_static("x-token-count");
    let remarks = Remarks::new(app, &question);
    let counted = app.0.gateway.count_tokens(question.ask).await?;
    let source = if counted.exact { "exact" } else { "estimate" };
    let mut response = json(StatusCode::OK, body(counted));
    response.headers_mut().insert(SOURCE, HeaderValue::from_static(source));
    remarks.write(&mut response);
    Ok(response)
}

/// A whole answer, or a streamed one, in the shape of its surface.
pub(crate) async fn deliver<E: Encoder + Send + Unpin + 'static>(
    app: &App,
    answer: Answer,
    encoder: Option<E>,
    whole: impl FnOnce(&Reply) -> Response,
) -> Result<Response, Failure> {
    match encoder {
        Some(encoder) => Ok(reply::stream(answer, encoder, app.options().keep_alive)),
        None => Ok(whole(&reply::collect(answer).await?)),
    }
}
