//! `POST /v1/responses`, what goes with stored responses (read, list its input, cancel, delete), and
//! what can be done with a conversation besides answering it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use conversation::{Failure, FailureClass};
use dialects::openai_responses::{self, ReplyForm, Request, Status, StreamEncoder};
use dialects::{Decoded, Images};
use gateway::{Answer, Ask};
use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::{Decode, Remarks, answer, read, understand};
use crate::App;
use crate::auth::Caller;
use crate::failure::{Refusal, json};
use crate::kept::{Background, KeptResponse, Lacking};
use crate::reply;
use crate::router::Visit;

pub(crate) use self::besides::{compact, input_tokens};
use self::keeping::Keeping;
pub(crate) use self::stored::{cancel, input_items, remove, show};

mod besides;
mod keeping;
mod stored;

/// `POST /v1/responses`.
pub(crate) async fn create(
    caller: Caller,
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    body: Body,
) -> Result<Response, Refusal> {
    serve(caller, &app, &visit, body).await.map_err(|failure| visit.refusal(failure))
}

/// How a request becomes a turn with the items that stand before it.
type Understand<F> = fn(&Request, &[String], &Images) -> Result<Decoded<F>, Failure>;

/// How a request that may go on from kept items becomes a turn.
fn continued<F: 'static>(
    app: &App,
    caller: &Caller,
    decode: Understand<F>,
) -> impl Decode<F> + use<F> {
    let (kept, client) = (Arc::clone(&app.0.kept), caller.client());
    let most = app.options().body_limit;
    move |body: &[u8], images: &Images| {
        let request = openai_responses::read(body)?;
        let earlier = match request.previous_response_id() {
            Some(id) => kept.chain(&client, id, most).map_err(|lacking| refused(lacking, id))?,
            None => kept.items(&client, &request.item_references()),
        };
        decode(&request, &earlier, images)
    }
}

async fn serve(caller: Caller, app: &App, visit: &Visit, body: Body) -> Result<Response, Failure> {
    let bytes = read(app, body).await?;
    let decode = continued(app, &caller, Request::decode);
    let question = understand(app, &caller, bytes, decode).await?;
    let remarks = Remarks::new(app, &question);
    let response = KeptResponse {
        client: caller.client(),
        body: Bytes::new(),
        input: question.form.input_items.clone().into(),
        output: Arc::new([]),
        previous: question.form.previous_response_id.clone(),
        background: Background::No,
    };
    let (form, created) = (question.form, app.unix_seconds());
    let call = Call { form, created, response };
    let mut response = if call.form.background && !call.form.stream {
        call.in_background(app, visit, question.ask)
    } else {
        let answer = answer(app, visit, question.ask).await?;
        if call.form.stream { call.streamed(app, answer) } else { call.whole(app, answer).await? }
    };
    remarks.write(&mut response);
    Ok(response)
}

fn refused(lacking: Lacking, id: &str) -> Failure {
    match lacking {
        Lacking::Response => openai_responses::unknown_previous_response(id),
        Lacking::Room => Failure::new(
            FailureClass::TooLarge,
            "The conversation that 'previous_response_id' continues is too long.",
        ),
    }
}

/// A request on its way to being answered.
struct Call {
    form: ReplyForm,
    created: i64,
    /// What will be kept of it, without the answer.
    response: KeptResponse,
}

impl Call {
    async fn whole(self, app: &App, answer: Answer) -> Result<Response, Failure> {
        let reply = reply::collect(answer).await?;
        let record = openai_responses::encode_whole(&reply, &self.form, app.times(self.created));
        let body = record.body.clone();
        if self.form.store {
            let id = record.id.clone();
            app.0.kept.put(&id, self.response.at(record, Background::No));
        }
        Ok(json(StatusCode::OK, body))
    }

    fn streamed(self, app: &App, answer: Answer) -> Response {
        let encoder = StreamEncoder::new(&self.form, self.created);
        let keep_alive = app.options().keep_alive;
        if !self.form.background {
            let keeping = Keeping::new(app.clone(), encoder, self, None);
            return reply::stream(answer, keeping, keep_alive);
        }
        let stop = CancellationToken::new();
        let keeping = Keeping::new(app.clone(), encoder, self, Some(stop.clone()));
        let (response, task) = reply::detached(answer, keeping, keep_alive, stop);
        app.0.gateway.spawn(task);
        response
    }

    /// Answers at once that it has begun; the answer itself is asked for later.
    fn in_background(self, app: &App, visit: &Visit, ask: Ask) -> Response {
        let id = app.0.ambient.uuid().simple().to_string();
        let at = |status| openai_responses::unfinished(&id, status, &self.form, self.created);
        let record = at(Status::InProgress);
        let (body, key) = (record.body.clone(), record.id.clone());
        let stop = CancellationToken::new();
        let cancelled = at(Status::Cancelled).body.into();
        let running = Background::Running { stop: stop.clone(), cancelled };
        app.0.kept.put(&key, self.response.clone().at(record, running));
        let task = self.run(app.clone(), visit.clone(), ask, (id, key), stop);
        app.0.gateway.spawn(task);
        json(StatusCode::OK, body)
    }

    /// Under the id that the client was told, and the one under which it is kept.
    async fn run(
        self,
        app: App,
        visit: Visit,
        ask: Ask,
        (id, key): (String, String),
        stop: CancellationToken,
    ) {
        let answered = async { reply::collect(app.0.gateway.answer(ask).await?).await };
        let answered = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            answered = answered => Some(answered),
        };
        let created = self.created;
        let record = match answered {
            None => openai_responses::unfinished(&id, Status::Cancelled, &self.form, created),
            Some(Ok(mut reply)) => {
                // The client knows it by the id it was told at the beginning.
                reply.id = id;
                openai_responses::encode_whole(&reply, &self.form, app.times(created))
            }
            Some(Err(failure)) => {
                openai_responses::failed(&id, &visit.told(failure), &self.form, created)
            }
        };
        app.0.kept.update(&key, self.response.at(record, Background::Over));
    }
}
