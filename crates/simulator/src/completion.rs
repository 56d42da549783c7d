//! Code completion: `aiserver.v1.AiService/StreamCpp` and the unary calls around it.
//!
//! Messages and order follow `reference/upstream-protocol.md` §10. What is suggested is decided by
//! the file alone: by directives in its text ([`script`]), else by a small rule ([`rule`]).

mod current;
mod events;
mod fates;
mod plan;
mod rule;
mod script;

use std::sync::Arc;
use std::time::Duration;

use cursor_proto::Message as _;
use cursor_proto::aiserver::cpp_config_response::{
    Heuristic, ImportPredictionConfig, MergeBehavior, RecentlyRejectedEditThresholds,
    SuggestionHintConfig,
};
use cursor_proto::aiserver::{
    AvailableCppModelsRequest, AvailableCppModelsResponse, CppConfigRequest, CppConfigResponse,
    RecordCppFateRequest, RecordCppFateResponse,
};
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;

pub use self::fates::CompletionFate;
pub(crate) use self::fates::Fates;
use self::plan::{Opening, Plan, Stop};
use crate::body::{Finish, Output, ResetStream, SessionBody};
use crate::call::Call;
use crate::control::CallOutcome;
use crate::failure::Failure;
use crate::inbox::Inbox;
use crate::link::{Event, Halt, Link};
use crate::player::HANG;
use crate::reply::{self, Reply};
use crate::route::checks;
use crate::state::{Connection, State, StreamKind};
use crate::unary::decode;

/// The completion models; the first is the default.
const MODELS: [&str; 2] = ["fast", "advanced"];
/// How long the server waits for the request.
const REQUEST: Duration = Duration::from_secs(30);

/// The unary calls that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rpc {
    Config,
    Models,
    RecordFate,
}

/// Answers a unary call. `origin`: where the simulator was reached.
pub(crate) fn answer(
    rpc: Rpc,
    user: &str,
    origin: &str,
    body: &[u8],
    state: &State,
) -> Result<Vec<u8>, Failure> {
    Ok(match rpc {
        Rpc::Config => {
            let request: CppConfigRequest = decode(body)?;
            known_model(&request.model)?;
            config(origin).encode_to_vec()
        }
        Rpc::Models => {
            decode::<AvailableCppModelsRequest>(body)?;
            AvailableCppModelsResponse {
                models: MODELS.map(str::to_owned).to_vec(),
                default_model: Some(MODELS[0].to_owned()),
                ..Default::default()
            }
            .encode_to_vec()
        }
        Rpc::RecordFate => {
            let request: RecordCppFateRequest = decode(body)?;
            state.fates.record(user, request)?;
            RecordCppFateResponse::default().encode_to_vec()
        }
    })
}

/// A model of the list, or none at all.
fn known_model(name: &str) -> Result<(), Failure> {
    // The default by another name, in one client.
    if name.is_empty() || name == "auto" || MODELS.contains(&name) {
        Ok(())
    } else {
        Err(Failure::bad_model(name))
    }
}

/// The vector `cpp_config_response`, with addresses that lead back here.
fn config(origin: &str) -> CppConfigResponse {
    CppConfigResponse {
        above_radius: Some(1),
        below_radius: Some(2),
        merge_behavior: MergeBehavior {
            r#type: "none".to_owned(),
            limit: Some(3),
            radius: Some(4),
            ..Default::default()
        }
        .into(),
        is_on: Some(true),
        is_ghost_text: Some(true),
        should_let_user_enable_cpp_even_if_not_pro: Some(true),
        heuristics: heuristics(),
        exclude_recently_viewed_files_patterns: vec![".env".to_owned(), ".pem".to_owned()],
        enable_rvf_tracking: true,
        global_debounce_duration_millis: 70,
        client_debounce_duration_millis: 50,
        cpp_url: origin.to_owned(),
        use_whitespace_diff_history: true,
        import_prediction_config: ImportPredictionConfig {
            should_turn_on_automatically: true,
            ..Default::default()
        }
        .into(),
        check_filesync_hash_percent: 0.005,
        geo_cpp_backend_url: origin.to_owned(),
        recently_rejected_edit_thresholds: RecentlyRejectedEditThresholds {
            hard_reject_threshold: 2,
            soft_reject_threshold: 5,
            ..Default::default()
        }
        .into(),
        is_fused_cursor_prediction_model: true,
        max_number_of_cleared_suggestions_since_last_accept: Some(20),
        suggestion_hint_config: SuggestionHintConfig {
            important_lsp_extensions: vec!["golang.go".to_owned()],
            enabled_for_path_extensions: vec![".go".to_owned(), ".rs".to_owned()],
            ..Default::default()
        }
        .into(),
        allows_tab_chunks: true,
        tab_context_refresh_debounce_ms: Some(1000),
        tab_context_refresh_editor_change_debounce_ms: Some(1000),
        ..Default::default()
    }
}

fn heuristics() -> Vec<cursor_proto::EnumValue<Heuristic>> {
    [
        Heuristic::HEURISTIC_LOTS_OF_ADDED_TEXT,
        Heuristic::HEURISTIC_DUPLICATING_LINE_AFTER_SUGGESTION,
        Heuristic::HEURISTIC_DUPLICATING_MULTIPLE_LINES_AFTER_SUGGESTION,
        Heuristic::HEURISTIC_REVERTING_USER_CHANGE,
        Heuristic::HEURISTIC_OUTPUT_EXTENDS_BEYOND_RANGE_AND_IS_REPEATED,
        Heuristic::HEURISTIC_SUGGESTING_RECENTLY_REJECTED_EDIT,
    ]
    .map(Into::into)
    .to_vec()
}

/// A client that says it is the command line gets an empty stream (one source).
fn is_cli(headers: &HeaderMap) -> bool {
    let says = |name| checks::header(headers, name).unwrap_or_default().to_ascii_lowercase();
    says("x-cursor-client-type") == "cli" || says("x-cursor-client-version").starts_with("cli")
}

/// Answers `StreamCpp`. The request is read before the response begins, for it may ask for a
/// status instead of a stream.
pub(crate) async fn stream(
    user: &str,
    request: Request<Incoming>,
    mut call: Call,
    connection: &Arc<Connection>,
) -> Result<Reply, ResetStream> {
    call.is_stream(connection, StreamKind::Completion);
    let (head, body) = request.into_parts();
    let gzip = checks::header(&head.headers, "connect-content-encoding") == Some("gzip");
    let mut inbox = Inbox::new(body, gzip);
    let payload = tokio::time::timeout(REQUEST, inbox.peek()).await.ok().flatten();
    let plan = match payload {
        Some(_) if is_cli(&head.headers) => Some(Plan::default()),
        Some(payload) => Some(plan::plan(user, &head.headers, &payload, &call)),
        None => None,
    };
    for name in plan.iter().flat_map(|plan| &plan.tags) {
        call.tag(name);
    }
    if let Some(plan) = &plan
        && plan.opening == Opening::NoContent
    {
        tokio::time::sleep(plan.delay).await;
        call.finish(CallOutcome::Completed);
        return Ok(reply::empty(StatusCode::NO_CONTENT));
    }
    let output = Output::default();
    let link = Link::new(inbox, output.clone(), call);
    let session = Box::pin(run(link, plan));
    Ok(reply::stream(SessionBody::new(session, output, connection.cut.clone())))
}

async fn run(mut link: Link, plan: Option<Plan>) -> Finish {
    let result = match plan {
        Some(plan) => play(&mut link, plan).await,
        None => Err(no_request(&mut link).await),
    };
    link.close(result).await
}

/// Why there is no request.
async fn no_request(link: &mut Link) -> Halt {
    match link.event(Instant::now()).await {
        Err(halt) => halt,
        Ok(Event::Time) => Failure::timeout("No request was received").into(),
        Ok(Event::End | Event::Message(_)) => Failure::invalid("Request is required").into(),
    }
}

async fn play(link: &mut Link, plan: Plan) -> Result<(), Halt> {
    let mut stop = plan.stop;
    for (at, event) in plan.events.iter().enumerate() {
        if let Some((_, stop)) = stop.take_if(|(after, _)| *after <= at) {
            return Err(halt(link, plan.delay, stop).await);
        }
        pause(link, plan.delay).await;
        link.out.message(event);
        link.call.piece();
        if link.out.is_full() {
            link.out.flushed().await;
        }
    }
    match stop {
        Some((_, stop)) => Err(halt(link, plan.delay, stop).await),
        None => Ok(()),
    }
}

async fn pause(link: &mut Link, time: Duration) {
    if !time.is_zero() {
        link.silence(time).await;
    }
}

async fn halt(link: &mut Link, delay: Duration, stop: Stop) -> Halt {
    pause(link, delay).await;
    match stop {
        Stop::Failure(failure) => (*failure).into(),
        Stop::Reset => Halt::Reset,
        Stop::Hang => {
            link.silence(HANG).await;
            Halt::Reset
        }
    }
}
