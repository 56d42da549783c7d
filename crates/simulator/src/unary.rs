//! Unary calls: model lists, configuration, usage, and the account's messages. Those of code
//! completion and file sync are received here and answered in their own modules.

mod catalogue;

use bytes::BytesMut;
use cursor_proto::Message;
use cursor_proto::aiserver::error_details::Error as Kind;
use cursor_proto::aiserver::{
    AvailableModelsRequest, GetCurrentPeriodUsageRequest, GetHardLimitRequest, GetMeRequest,
    GetPromptDryRunResponse, GetServerConfigRequest, GetServerConfigResponse, GetTeamsRequest,
    GetTokenUsageRequest, GetTokenUsageResponse, GetUserPrivacyModeRequest, IsOnNewPricingRequest,
    ListActiveSessionsRequest, StreamUnifiedChatRequest, get_prompt_dry_run_response,
};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HOST, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use crate::account::messages;
use crate::account::profile::Profile;
use crate::envelope::MAX_MESSAGE;
use crate::failure::{Code, Failure};
use crate::gzip;
use crate::reply::{self, Reply};
use crate::route::checks;
use crate::state::State;
use crate::{chat, completion, filesync};

/// The version of a configuration that never changes.
const CONFIG_VERSION: &str = "5e1f0000-0000-4000-8000-000000000001";

/// The unary calls that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rpc {
    AvailableModels,
    GetUsableModels,
    GetDefaultModelForCli,
    GetServerConfig,
    GetTokenUsage,
    GetPromptDryRun,
    Account(Account),
    Completion(completion::Rpc),
    FileSync(filesync::Rpc),
}

/// The messages about an account (`reference/messages/account.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Account {
    Me,
    PrivacyMode,
    NewPricing,
    Sessions,
    Teams,
    HardLimit,
    CurrentPeriod,
    FilteredEvents,
    AggregatedEvents,
}

impl Rpc {
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "/aiserver.v1.AiService/AvailableModels" => Self::AvailableModels,
            "/agent.v1.AgentService/GetUsableModels" => Self::GetUsableModels,
            "/agent.v1.AgentService/GetDefaultModelForCli" => Self::GetDefaultModelForCli,
            "/aiserver.v1.ServerConfigService/GetServerConfig" => Self::GetServerConfig,
            "/aiserver.v1.DashboardService/GetTokenUsage" => Self::GetTokenUsage,
            "/aiserver.v1.ChatService/GetPromptDryRun" => Self::GetPromptDryRun,
            "/aiserver.v1.AuthService/ListActiveSessions" => Self::Account(Account::Sessions),
            "/aiserver.v1.AiService/CppConfig" => Self::Completion(completion::Rpc::Config),
            "/aiserver.v1.CppService/AvailableModels" => Self::Completion(completion::Rpc::Models),
            "/aiserver.v1.CppService/RecordCppFate" => {
                Self::Completion(completion::Rpc::RecordFate)
            }
            _ => match path.strip_prefix("/aiserver.v1.FileSyncService/") {
                Some(name) => Self::FileSync(filesync::Rpc::of(name)?),
                None => Self::Account(Account::of(
                    path.strip_prefix("/aiserver.v1.DashboardService/")?,
                )?),
            },
        })
    }

    /// Whether it takes JSON too (`reference/upstream-protocol.md` §3.2).
    pub(crate) fn speaks_json(self) -> bool {
        self == Self::GetUsableModels
    }
}

impl Account {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "GetMe" => Self::Me,
            "GetUserPrivacyMode" => Self::PrivacyMode,
            "IsOnNewPricing" => Self::NewPricing,
            "GetTeams" => Self::Teams,
            "GetHardLimit" => Self::HardLimit,
            "GetCurrentPeriodUsage" => Self::CurrentPeriod,
            "GetFilteredUsageEvents" => Self::FilteredEvents,
            "GetAggregatedUsageEvents" => Self::AggregatedEvents,
            _ => return None,
        })
    }
}

/// Answers a call that passed the checks of [`crate::route`].
pub(crate) async fn answer(
    rpc: Rpc,
    user: &str,
    request: Request<Incoming>,
    state: &State,
) -> Reply {
    let wants_gzip = mentions_gzip(request.headers(), ACCEPT_ENCODING.as_str());
    let is_json = checks::content_type(request.headers()) == "application/json";
    let origin = origin(&request, state.config.tls.is_some());
    let (head, body) = request.into_parts();
    let body = match read(&head.headers, body).await {
        Ok(body) => body,
        Err(failure) => return reply::failure(&failure),
    };
    if is_json {
        return match catalogue::usable_models_json(&body) {
            Ok(json) => reply::unary("application/json", json, wants_gzip),
            Err(failure) => reply::failure(&failure),
        };
    }
    let caller = Caller { user, headers: &head.headers, origin };
    match message(rpc, &caller, &body, state) {
        Ok((message, cookies)) => {
            let mut reply = reply::unary("application/proto", message, wants_gzip);
            reply.headers_mut().extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
            reply
        }
        Err(failure) => reply::failure(&failure),
    }
}

/// Who calls, and where to.
struct Caller<'a> {
    user: &'a str,
    headers: &'a HeaderMap,
    origin: String,
}

/// Scheme and authority under which the client reached the simulator.
fn origin(request: &Request<Incoming>, is_tls: bool) -> String {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let authority = authority.or_else(|| checks::header(request.headers(), HOST.as_str()));
    format!("{}://{}", if is_tls { "https" } else { "http" }, authority.unwrap_or("localhost"))
}

/// The answer, and the cookies to set with it.
fn message(
    rpc: Rpc,
    caller: &Caller<'_>,
    body: &[u8],
    state: &State,
) -> Result<(Vec<u8>, Vec<HeaderValue>), Failure> {
    let user = caller.user;
    let message = match rpc {
        Rpc::AvailableModels => {
            catalogue::available_models(&decode::<AvailableModelsRequest>(body)?).encode_to_vec()
        }
        Rpc::GetUsableModels => catalogue::usable_models(&decode(body)?).encode_to_vec(),
        Rpc::GetDefaultModelForCli => catalogue::default_model().encode_to_vec(),
        Rpc::GetServerConfig => {
            decode::<GetServerConfigRequest>(body)?;
            let config_version = CONFIG_VERSION.to_owned();
            GetServerConfigResponse { config_version, ..Default::default() }.encode_to_vec()
        }
        Rpc::GetTokenUsage => token_usage(&decode(body)?, state)?.encode_to_vec(),
        Rpc::GetPromptDryRun => dry_run(&decode(body)?)?.encode_to_vec(),
        Rpc::Account(rpc) => account(rpc, &state.profile(user), body)?,
        Rpc::Completion(rpc) => completion::answer(rpc, user, &caller.origin, body, state)?,
        Rpc::FileSync(rpc) => return filesync::answer(rpc, user, caller.headers, body, state),
    };
    Ok((message, Vec::new()))
}

fn account(rpc: Account, profile: &Profile, body: &[u8]) -> Result<Vec<u8>, Failure> {
    match rpc {
        Account::Me => {
            decode::<GetMeRequest>(body)?;
            Ok(messages::get_me(profile).encode_to_vec())
        }
        Account::PrivacyMode => {
            decode::<GetUserPrivacyModeRequest>(body)?;
            Ok(messages::privacy(profile).encode_to_vec())
        }
        Account::NewPricing => {
            decode::<IsOnNewPricingRequest>(body)?;
            Ok(messages::new_pricing().encode_to_vec())
        }
        Account::Sessions => {
            decode::<ListActiveSessionsRequest>(body)?;
            Ok(messages::active_sessions(profile).encode_to_vec())
        }
        Account::Teams => {
            decode::<GetTeamsRequest>(body)?;
            Ok(messages::teams(profile).encode_to_vec())
        }
        Account::HardLimit => {
            decode::<GetHardLimitRequest>(body)?;
            Ok(messages::hard_limit(profile).encode_to_vec())
        }
        Account::CurrentPeriod => {
            decode::<GetCurrentPeriodUsageRequest>(body)?;
            Ok(messages::current_period(profile).encode_to_vec())
        }
        Account::FilteredEvents => {
            Ok(messages::filtered_events(profile, decode(body)?).encode_to_vec())
        }
        Account::AggregatedEvents => {
            Ok(messages::aggregated_events(profile, &decode(body)?).encode_to_vec())
        }
    }
}

/// A message, or the error of a body that is none.
pub(crate) fn decode<M: Message>(body: &[u8]) -> Result<M, Failure> {
    M::decode_from_slice(body).map_err(|error| {
        Failure::transport(Code::InvalidArgument, format!("parse binary: {error}"))
    })
}

fn token_usage(
    request: &GetTokenUsageRequest,
    state: &State,
) -> Result<GetTokenUsageResponse, Failure> {
    let usage = state.usage(&request.usage_uuid).ok_or_else(|| {
        Failure::new(Code::NotFound, Kind::ERROR_NOT_FOUND, "Not found", "Usage not found")
            .expected()
    })?;
    let tokens = |count| i32::try_from(count).unwrap_or(i32::MAX);
    Ok(GetTokenUsageResponse {
        input_tokens: tokens(usage.input),
        output_tokens: tokens(usage.output),
        ..Default::default()
    })
}

fn dry_run(request: &StreamUnifiedChatRequest) -> Result<GetPromptDryRunResponse, Failure> {
    chat::request::check(request)?;
    let view = chat::request::view(request);
    let count = |characters: usize| get_prompt_dry_run_response::TokenCount {
        num_tokens: Some(i32::try_from(characters.div_ceil(4)).unwrap_or(i32::MAX)),
        ..Default::default()
    };
    let last = view.messages.last().map_or(0, |message| message.text.len());
    Ok(GetPromptDryRunResponse {
        user_message_token_limit: 100_000,
        user_message_token_count: count(last).into(),
        full_conversation_token_count: count(view.characters()).into(),
        ..Default::default()
    })
}

/// The whole request body, expanded.
async fn read(headers: &HeaderMap, mut body: Incoming) -> Result<Vec<u8>, Failure> {
    let too_large =
        || Failure::transport(Code::ResourceExhausted, "message is larger than configured max");
    let compressed = mentions_gzip(headers, CONTENT_ENCODING.as_str());
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Failure::transport(Code::Canceled, "request was cut"))?;
        all.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
        if all.len() > MAX_MESSAGE {
            return Err(too_large());
        }
    }
    if !compressed {
        return Ok(all.into());
    }
    gzip::expand(&all, MAX_MESSAGE).map_err(|error| match error {
        gzip::GzipError::TooLarge => too_large(),
        gzip::GzipError::Corrupt => {
            Failure::transport(Code::InvalidArgument, "decompress: invalid gzip")
        }
    })
}

fn mentions_gzip(headers: &HeaderMap, name: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        coding.split(';').next().is_some_and(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
    })
}
