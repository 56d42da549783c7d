//! What a stream will do, decided before its first byte.

use std::time::Duration;

use cursor_proto::aiserver::{StreamCppRequest, StreamCppResponse};
use http::HeaderMap;
use uuid::Uuid;

pub(crate) use super::script::Stop;
use super::script::{After, Answer, Program, Suggestion};
use super::{current, events, known_model, rule, script};
use crate::call::Call;
use crate::failure::Failure;
use crate::route::checks;
use crate::unary::decode;

/// The longest request id that is taken into binding ids.
const MAX_ID: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) tags: Vec<String>,
    /// A pause before each event.
    pub(crate) delay: Duration,
    pub(crate) opening: Opening,
    pub(crate) events: Vec<StreamCppResponse>,
    /// What happens instead of the event of this number, or of the end.
    pub(crate) stop: Option<(usize, Stop)>,
}

/// How the response begins.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opening {
    #[default]
    Stream,
    /// With status 204, which is all.
    NoContent,
}

impl From<Failure> for Plan {
    fn from(failure: Failure) -> Self {
        Self { stop: Some((0, Stop::Failure(Box::new(failure)))), ..Self::default() }
    }
}

/// The plan for a request.
pub(crate) fn plan(user: &str, headers: &HeaderMap, payload: &[u8], call: &Call) -> Plan {
    decide(user, headers, payload, call).unwrap_or_else(Plan::from)
}

fn decide(user: &str, headers: &HeaderMap, payload: &[u8], call: &Call) -> Result<Plan, Failure> {
    let request: StreamCppRequest = decode(payload)?;
    let model = request.model_name.as_deref().unwrap_or_default();
    call.asks_for(model);
    known_model(model)?;
    let current = current::current(user, headers, &request, &call.state)?;
    let Program { tags, delay, debug, answer, stop } = script::parse(&current.text)?;
    let plan = Plan { tags, delay, ..Plan::default() };
    let suggestion: Suggestion = match answer {
        None => rule::suggest(&current, &request.file_diff_histories),
        Some(Answer::Suggestion(suggestion)) => suggestion,
        Some(Answer::NoContent) => return Ok(Plan { opening: Opening::NoContent, ..plan }),
        Some(Answer::Error(failure)) => {
            return Ok(Plan { stop: Some((0, Stop::Failure(failure))), ..plan });
        }
    };
    let debug = debug.unwrap_or(usize::from(request.give_debug_output == Some(true)));
    let events = events::events(&suggestion, &current, &id(headers), debug);
    let stop = stop.map(|(after, stop)| (place(after, &events.edits), stop));
    Ok(Plan { events: events.all, stop, ..plan })
}

fn place(after: After, edits: &[usize]) -> usize {
    match after {
        After::Events(events) => events,
        After::Edits(0) => 0,
        After::Edits(count) => edits.get(count - 1).copied().unwrap_or_default(),
    }
}

/// The request's id as the client gave it, or a new one.
fn id(headers: &HeaderMap) -> String {
    let told = checks::header(headers, "x-request-id").unwrap_or_default();
    if !told.is_empty() && told.len() <= MAX_ID && told.bytes().all(|byte| byte.is_ascii_graphic())
    {
        told.to_owned()
    } else {
        Uuid::new_v4().to_string()
    }
}
