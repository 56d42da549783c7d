//! From a request to its answer: paths, the checks every call passes, accounts, streams.
//!
//! The order of the checks is ours; what each refusal looks like follows
//! `reference/messages/errors.md`, "Where an error can appear".

pub(crate) mod checks;

use std::sync::Arc;
use std::time::Duration;

use http::{Method, Request, StatusCode, Version};
use hyper::body::Incoming;

use crate::account::{Access, Rest, credential};
use crate::body::{Output, ResetStream, Session, SessionBody};
use crate::call::Call;
use crate::control::{AccountBehaviour, CallOutcome, CallRecord};
use crate::failure::{Code, Failure};
use crate::head::{Head, HeadKind};
use crate::inbox::Inbox;
use crate::link::Link;
use crate::player::HANG;
use crate::reply::{self, Reply};
use crate::script::ErrorCode;
use crate::state::{Connection, StreamKind};
use crate::unary::{self, Rpc};
use crate::{account, agent, chat, completion};

/// The content type of streams.
const STREAM: &str = "application/connect+proto";
/// How long the response headers wait for the first message, which may ask for a fault instead.
const PEEK: Duration = Duration::from_secs(1);

/// What a path stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    Stream(Flow),
    Completion,
    Unary(Rpc),
    Account(Rest),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Agent,
    Chat,
}

impl Route {
    fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/agent.v1.AgentService/Run" => Self::Stream(Flow::Agent),
            "/aiserver.v1.ChatService/StreamUnifiedChatWithTools" => Self::Stream(Flow::Chat),
            "/aiserver.v1.AiService/StreamCpp" => Self::Completion,
            _ => match Rest::of(path) {
                Some(rest) => Self::Account(rest),
                None => Self::Unary(Rpc::of(path)?),
            },
        })
    }

    /// Whether the cookies of file sync may come with it.
    fn is_completion(self) -> bool {
        match self {
            Self::Completion | Self::Unary(Rpc::Completion(_) | Rpc::FileSync(_)) => true,
            Self::Stream(_) | Self::Unary(_) | Self::Account(_) => false,
        }
    }

    fn method(self) -> Method {
        match self {
            Self::Stream(_) | Self::Completion | Self::Unary(_) => Method::POST,
            Self::Account(rest) => rest.method(),
        }
    }
}

/// Answers one request. An error resets the stream.
pub(crate) async fn answer(
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Reply, ResetStream> {
    let user = user(&request, &connection);
    let completion = Route::of(request.uri().path()).filter(|route| route.is_completion());
    let cookies = completion.map(|_| {
        let user = user.as_deref().unwrap_or_default();
        connection.state.sync.sent_cookies(request.headers(), user)
    });
    let record = CallRecord {
        path: request.uri().path().to_owned(),
        user: user.clone(),
        model: None,
        headers: checks::telling(request.headers()),
        cookies,
        outcome: CallOutcome::Running,
    };
    let call = Call::begin(&connection.state, record);
    match accept(&request, user.as_deref(), &connection) {
        Err(refusal) => refuse(refusal, call, &connection).await,
        Ok(Route::Stream(flow)) => stream(flow, request, call, &connection).await,
        Ok(Route::Completion) => {
            completion::stream(&user.unwrap_or_default(), request, call, &connection).await
        }
        Ok(Route::Unary(rpc)) => {
            let user = user.unwrap_or_default();
            Ok(finished(unary::answer(rpc, &user, request, &connection.state).await, call))
        }
        Ok(Route::Account(rest)) => {
            let user = user.unwrap_or_default();
            match account::answer(rest, &user, request, &call, &connection).await {
                Ok(reply) => Ok(finished(reply, call)),
                Err(refusal) => refuse(refusal, call, &connection).await,
            }
        }
    }
}

/// Whose credential the request carries, where its path looks for one.
fn user(request: &Request<Incoming>, connection: &Connection) -> Option<String> {
    let access = match Route::of(request.uri().path()) {
        Some(Route::Account(rest)) => rest.access(),
        Some(Route::Stream(_) | Route::Completion | Route::Unary(_)) | None => Access::Bearer,
    };
    credential::user(access, request.headers(), &connection.state)
}

/// Why a request is not served.
pub(crate) enum Refusal {
    Reply(Box<Reply>),
    /// The error of an accepted stream.
    InStream(Failure),
    Down,
}

impl From<Reply> for Refusal {
    fn from(reply: Reply) -> Self {
        Self::Reply(Box::new(reply))
    }
}

fn accept(
    request: &Request<Incoming>,
    user: Option<&str>,
    connection: &Connection,
) -> Result<Route, Refusal> {
    let Some(route) = Route::of(request.uri().path()) else {
        return Err(reply::html(StatusCode::NOT_FOUND, None).into());
    };
    if request.method() != route.method() {
        return Err(reply::method_not_allowed(&route.method()).into());
    }
    match route {
        Route::Stream(_) => {
            both_ways(request)?;
            accept_stream(request, user, connection)?;
        }
        Route::Completion => accept_stream(request, user, connection)?,
        Route::Unary(rpc) => accept_unary(rpc, request, user, connection)?,
        Route::Account(rest) => accept_account(rest, request, user, connection)?,
    }
    Ok(route)
}

/// What a load balancer says to a bidi stream over HTTP/1.1.
fn both_ways(request: &Request<Incoming>) -> Result<(), Refusal> {
    // A wrong content type is the clearer fault of the two.
    if request.version() == Version::HTTP_2 || !is_stream(request) {
        return Ok(());
    }
    let status = StatusCode::from_u16(464).unwrap_or(StatusCode::HTTP_VERSION_NOT_SUPPORTED);
    Err(reply::html(status, None).into())
}

fn is_stream(request: &Request<Incoming>) -> bool {
    checks::content_type(request.headers()) == STREAM
}

fn accept_stream(
    request: &Request<Incoming>,
    user: Option<&str>,
    connection: &Connection,
) -> Result<(), Refusal> {
    let headers = request.headers();
    if !is_stream(request) {
        return Err(reply::unsupported(STREAM).into());
    }
    let user = user.ok_or_else(|| reply::failure(&Failure::not_logged_in()))?;
    account(connection, user, true)?;
    checks::client(headers).map_err(Refusal::InStream)?;
    match checks::header(headers, "connect-content-encoding") {
        None | Some("" | "identity" | "gzip") => Ok(()),
        Some(other) => {
            let text = format!("unknown compression {other:?}: supported encodings are gzip");
            Err(Refusal::InStream(Failure::transport(Code::Unimplemented, text)))
        }
    }
}

fn accept_unary(
    rpc: Rpc,
    request: &Request<Incoming>,
    user: Option<&str>,
    connection: &Connection,
) -> Result<(), Refusal> {
    let headers = request.headers();
    match checks::content_type(headers) {
        "application/proto" => {}
        "application/json" if rpc.speaks_json() => {}
        _ => return Err(reply::unsupported("application/proto").into()),
    }
    let user = user.ok_or_else(|| reply::failure(&Failure::not_logged_in()))?;
    account(connection, user, false)?;
    checks::client(headers).map_err(|failure| reply::failure(&failure))?;
    Ok(())
}

fn accept_account(
    rest: Rest,
    request: &Request<Incoming>,
    user: Option<&str>,
    connection: &Connection,
) -> Result<(), Refusal> {
    if rest.access() != Access::Open {
        match user {
            Some(user) if connection.state.account(user) != AccountBehaviour::LoggedOut => {
                account(connection, user, false)?;
            }
            Some(_) | None => return Err(account::not_authenticated().into()),
        }
    }
    account::accept(rest, request, connection.state.config.tls.is_some())
}

/// What the account's behaviour does to a call.
pub(crate) fn account(connection: &Connection, user: &str, is_stream: bool) -> Result<(), Refusal> {
    match connection.state.account(user) {
        AccountBehaviour::Healthy => Ok(()),
        AccountBehaviour::RateLimited { retry_after } if is_stream => {
            let seconds =
                retry_after.map(|time| time.as_secs() + u64::from(time.subsec_nanos() > 0));
            Err(Refusal::InStream(Failure::scenario(ErrorCode::RateLimit, None, seconds)))
        }
        AccountBehaviour::QuotaReached if is_stream => {
            Err(Refusal::InStream(Failure::scenario(ErrorCode::UsageLimit, None, None)))
        }
        AccountBehaviour::RateLimited { .. } | AccountBehaviour::QuotaReached => Ok(()),
        AccountBehaviour::LoggedOut => Err(reply::failure(&Failure::not_logged_in()).into()),
        AccountBehaviour::Blocked => Err(reply::html(StatusCode::FORBIDDEN, None).into()),
        AccountBehaviour::HttpStatus(status) => Err(reply::html(status_code(status), None).into()),
        AccountBehaviour::Down => Err(Refusal::Down),
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn refuse(
    refusal: Refusal,
    mut call: Call,
    connection: &Connection,
) -> Result<Reply, ResetStream> {
    match refusal {
        Refusal::Reply(reply) => {
            call.finish(CallOutcome::Refused(reply.status().as_u16()));
            Ok(*reply)
        }
        Refusal::InStream(failure) => {
            call.finish(CallOutcome::Failed);
            Ok(reply::stream_failure(&failure))
        }
        Refusal::Down => {
            call.finish(CallOutcome::Failed);
            connection.cut.cancel();
            // The connection is dropped before this is polled again.
            std::future::pending().await
        }
    }
}

fn finished(reply: Reply, mut call: Call) -> Reply {
    let status = reply.status();
    let refused = CallOutcome::Refused(status.as_u16());
    call.finish(if status.is_success() { CallOutcome::Completed } else { refused });
    reply
}

async fn stream(
    flow: Flow,
    request: Request<Incoming>,
    mut call: Call,
    connection: &Arc<Connection>,
) -> Result<Reply, ResetStream> {
    call.is_stream(connection, StreamKind::Chat);
    let gzip = checks::header(request.headers(), "connect-content-encoding") == Some("gzip");
    let mut inbox = Inbox::new(request.into_body(), gzip);
    let first = tokio::time::timeout(PEEK, inbox.peek()).await.ok().flatten();
    if let Some(payload) = first.filter(|payload| may_fault(payload)) {
        let history = connection.state.config.history;
        let head = match flow {
            Flow::Agent => agent::head(&payload, history),
            Flow::Chat => chat::head(&payload),
        };
        if let Some(head) = head {
            return fault(head, call).await;
        }
    }
    let output = Output::default();
    let link = Link::new(inbox, output.clone(), call);
    let session: Session = match flow {
        Flow::Agent => Box::pin(agent::run(link)),
        Flow::Chat => Box::pin(chat::run(link)),
    };
    Ok(reply::stream(SessionBody::new(session, output, connection.cut.clone())))
}

/// A cheap look that spares most requests a second decoding.
fn may_fault(payload: &[u8]) -> bool {
    let holds = |needle: &[u8]| payload.windows(needle.len()).any(|window| window == needle);
    holds(b"[[sim:") && (holds(b"http") || holds(b"silent"))
}

async fn fault(head: Head, mut call: Call) -> Result<Reply, ResetStream> {
    for name in &head.tags {
        call.tag(name);
    }
    tokio::time::sleep(head.wait).await;
    match head.kind {
        HeadKind::Http { status, retry } => {
            call.finish(CallOutcome::Failed);
            Ok(reply::html(status_code(status), retry))
        }
        HeadKind::Silent => {
            tokio::time::sleep(HANG).await;
            call.finish(CallOutcome::Failed);
            Err(ResetStream)
        }
    }
}
