//! The calls of the backend that a turn and its surroundings need, over one pool.
//!
//! Every call states who calls ([`Caller`]) and at which instant and under which id
//! ([`CallStamp`]); nothing is remembered between calls.

use std::sync::Arc;
use std::time::Duration;

use connectrpc::client::{CallOptions, ClientConfig};
use conversation::{Model, ModelName, Turn, Usage, UsageSource};
use cursor_proto::aiserver::available_models_response::AvailableModel;
use cursor_proto::aiserver::{
    AiServiceClient, AvailableModelsRequest, ChatServiceClient, DashboardServiceClient,
    GetServerConfigRequest, GetTokenUsageRequest, ServerConfigServiceClient,
};
use http::{HeaderMap, Uri};
use uuid::Uuid;

use crate::completion::CompletionEndpoints;
use crate::error::{Deadline, UpstreamError};
use crate::identity::{CallStamp, Caller, Identity};
use crate::route::{Opening, Route};
use crate::session::ClientMessage;
use crate::transport::{Exchange, Origin, Pool, UnaryTransport, Via, Way};
use crate::{agent, chat};

/// How long a unary call may take.
pub(crate) const UNARY_TIMEOUT: Duration = Duration::from_secs(15);

/// Where the calls go. Settings, so that a simulator or a reverse proxy can stand in.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// Chat, models, account calls (`reference/upstream-protocol.md` §1: api2).
    pub api: Origin,
    /// The agent stream.
    pub agent: Origin,
    /// Account calls that take the cookie, and the login page (§1: cursor.com).
    pub web: Origin,
    /// Code completion and file sync.
    pub completion: CompletionEndpoints,
    /// As whom tokens are refreshed: a public constant of the IDE (§4.4).
    pub oauth_client_id: String,
}

/// The backend. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Backend {
    pool: Pool,
    endpoints: Endpoints,
    identity: Arc<Identity>,
}

/// What is asked of the model list; the gateway's defaults (§12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelQuery {
    pub is_nightly: bool,
    pub include_long_context_models: bool,
    pub exclude_max_named_models: bool,
    pub additional_model_names: Vec<String>,
}

impl Default for ModelQuery {
    fn default() -> Self {
        Self {
            is_nightly: false,
            include_long_context_models: false,
            exclude_max_named_models: true,
            additional_model_names: Vec::new(),
        }
    }
}

impl Backend {
    #[must_use]
    pub fn new(pool: Pool, endpoints: Endpoints, identity: Identity) -> Self {
        Self { pool, endpoints, identity: Arc::new(identity) }
    }

    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Where people log in.
    #[must_use]
    pub fn web_origin(&self) -> &Origin {
        &self.endpoints.web
    }

    /// How long a fresh connection by this way takes.
    ///
    /// # Errors
    /// None comes about.
    pub async fn probe(&self, via: Via) -> Result<Duration, UpstreamError> {
        let way = Way { origin: self.endpoints.api.clone(), via };
        self.pool.probe(&way).await
    }

    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Opens the stream of a turn and sends its first message.
    ///
    /// # Errors
    /// No connection, or it was lost at once.
    pub async fn open(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        opening: &ClientMessage,
    ) -> Result<Exchange, UpstreamError> {
        let mut headers = HeaderMap::with_capacity(16);
        self.identity.write(caller, stamp, &mut headers);
        let Self { pool, endpoints, .. } = self;
        let way = |origin: &Origin| Way { origin: origin.clone(), via: caller.via.clone() };
        match opening {
            ClientMessage::Agent(message) => {
                Exchange::open(pool, &way(&endpoints.agent), agent::PATH, headers, message.as_ref())
                    .await
            }
            ClientMessage::Chat(message) => {
                Exchange::open(pool, &way(&endpoints.api), chat::PATH, headers, message.as_ref())
                    .await
            }
        }
    }

    /// `AiService/AvailableModels` (`reference/messages/models.md`).
    ///
    /// # Errors
    /// The call failed; see [`crate::classify`].
    pub async fn models(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        query: &ModelQuery,
    ) -> Result<Vec<Model>, UpstreamError> {
        let client = AiServiceClient::new(self.unary(&caller.via), self.unary_config()?);
        let request = AvailableModelsRequest {
            is_nightly: query.is_nightly,
            include_long_context_models: query.include_long_context_models,
            exclude_max_named_models: query.exclude_max_named_models,
            additional_model_names: query.additional_model_names.clone(),
            ..Default::default()
        };
        let call = client.available_models_with_options(request, self.options(caller, stamp));
        let response = within(UNARY_TIMEOUT, call).await?.into_owned();
        if response.models.is_empty() {
            // The shape of 2024: names only.
            return Ok(response.model_names.iter().map(|name| named(name)).collect());
        }
        Ok(response.models.iter().map(model).collect())
    }

    /// `ServerConfigService/GetServerConfig`: the value of `x-cursor-config-version`.
    ///
    /// # Errors
    /// The call failed, or the answer holds no UUID.
    pub async fn config_version(
        &self,
        caller: &Caller,
        stamp: CallStamp,
    ) -> Result<Uuid, UpstreamError> {
        let client = ServerConfigServiceClient::new(self.unary(&caller.via), self.unary_config()?);
        let request = GetServerConfigRequest::default();
        let options = self.options(caller, stamp);
        let call = Box::pin(client.get_server_config_with_options(request, options));
        let response = within(UNARY_TIMEOUT, call).await?.into_owned();
        Uuid::try_parse(&response.config_version)
            .map_err(|_| UpstreamError::Protocol("the configuration's version is no UUID".into()))
    }

    /// Whether the credential is accepted. Asks for the model list, which is what serving needs of
    /// an account: the configuration is told before a login as well.
    ///
    /// # Errors
    /// It is not, or the call failed; see [`crate::classify`].
    pub async fn check(&self, caller: &Caller, stamp: CallStamp) -> Result<(), UpstreamError> {
        self.models(caller, stamp, &ModelQuery::default()).await.map(drop)
    }

    /// `DashboardService/GetTokenUsage`: what a finished chat stream cost (§9); `None` while the
    /// figures are not there.
    ///
    /// # Errors
    /// The call failed or does not know the id.
    pub async fn token_usage(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        usage_uuid: &str,
    ) -> Result<Option<Usage>, UpstreamError> {
        let client = DashboardServiceClient::new(self.unary(&caller.via), self.unary_config()?);
        let request =
            GetTokenUsageRequest { usage_uuid: usage_uuid.to_owned(), ..Default::default() };
        let call = client.get_token_usage_with_options(request, self.options(caller, stamp));
        let response = within(UNARY_TIMEOUT, call).await?.into_owned();
        // Absent figures are zeros on the wire, and a turn without any input does not exist.
        let (Ok(input), Ok(output)) =
            (u64::try_from(response.input_tokens), u64::try_from(response.output_tokens))
        else {
            return Ok(None);
        };
        Ok((input > 0).then_some(Usage {
            input,
            output,
            cache_read: None,
            cache_write: None,
            reasoning: None,
            source: UsageSource::Upstream,
        }))
    }

    /// `ChatService/GetPromptDryRun`: how many tokens the whole conversation has for this model;
    /// `None` if the upstream does not tell.
    ///
    /// # Errors
    /// The call failed, or the turn has nothing to count.
    pub async fn count_tokens(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        turn: &Turn,
        route: &Route,
    ) -> Result<Option<u64>, UpstreamError> {
        // Ids of messages count for nothing, but each needs its own.
        let mut next = stamp.request_id.as_u128();
        let mut uuid = || {
            next = next.wrapping_add(1);
            Uuid::from_u128(next)
        };
        let request = chat::request_alone(&Opening::plain(turn, route), &mut uuid)
            .map_err(|failure| UpstreamError::Protocol(failure.to_string()))?;
        let client = ChatServiceClient::new(self.unary(&caller.via), self.unary_config()?);
        // A chat request is a big thing to hold in a future.
        let options = self.options(caller, stamp);
        let call = Box::pin(client.get_prompt_dry_run_with_options(request, options));
        let response = within(UNARY_TIMEOUT, call).await?.into_owned();
        let tokens = response.full_conversation_token_count.num_tokens;
        // An absent figure may be a zero on the wire, and no conversation has none.
        Ok(tokens.and_then(|tokens| u64::try_from(tokens).ok()).filter(|tokens| *tokens > 0))
    }

    #[must_use]
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    fn unary(&self, via: &Via) -> UnaryTransport {
        self.unary_to(&self.endpoints.api, via)
    }

    pub(crate) fn unary_to(&self, origin: &Origin, via: &Via) -> UnaryTransport {
        let way = Way { origin: origin.clone(), via: via.clone() };
        UnaryTransport::new(self.pool.clone(), way)
    }

    fn unary_config(&self) -> Result<ClientConfig, UpstreamError> {
        config_of(&self.endpoints.api)
    }

    /// What a generated client needs to call another host than the API's.
    pub(crate) fn unary_client(
        &self,
        origin: &Origin,
        caller: &Caller,
    ) -> Result<(UnaryTransport, ClientConfig), UpstreamError> {
        Ok((self.unary_to(origin, &caller.via), config_of(origin)?))
    }

    fn options(&self, caller: &Caller, stamp: CallStamp) -> CallOptions {
        let mut headers = HeaderMap::with_capacity(16);
        self.identity.write(caller, stamp, &mut headers);
        call_options(headers)
    }
}

fn config_of(origin: &Origin) -> Result<ClientConfig, UpstreamError> {
    let uri: Uri = origin.uri("/").map_err(|error| UpstreamError::Connect(error.to_string()))?;
    Ok(ClientConfig::new(uri))
}

/// The options of a call with these headers, which hold one value per name.
pub(crate) fn call_options(headers: HeaderMap) -> CallOptions {
    let named = headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
    CallOptions::default().with_headers(named)
}

pub(crate) async fn within<T, E>(
    limit: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, UpstreamError>
where
    UpstreamError: From<E>,
{
    match tokio::time::timeout(limit, call).await {
        Ok(result) => result.map_err(UpstreamError::from),
        Err(_) => Err(UpstreamError::Deadline(Deadline::Total)),
    }
}

/// The id is what the server takes back: `server_model_name`, else `name` (models.md).
fn model(wire: &AvailableModel) -> Model {
    let id =
        wire.server_model_name.as_deref().filter(|name| !name.is_empty()).unwrap_or(&wire.name);
    let tokens = |count: Option<i32>| count.and_then(|count| u64::try_from(count).ok());
    Model {
        id: ModelName::new(id),
        display_name: wire.client_display_name.clone().unwrap_or_else(|| id.to_owned()),
        owned_by: maker(id).to_owned(),
        thinking: wire.supports_thinking.unwrap_or(false),
        images: wire.supports_images.unwrap_or(false),
        max_mode: wire.supports_max_mode.unwrap_or(false),
        non_max_mode: wire.supports_non_max_mode.unwrap_or(true),
        context_tokens: tokens(wire.context_token_limit),
        context_tokens_max_mode: tokens(wire.context_token_limit_for_max_mode),
    }
}

fn named(name: &str) -> Model {
    Model {
        id: ModelName::new(name),
        display_name: name.to_owned(),
        owned_by: maker(name).to_owned(),
        thinking: name.contains("thinking"),
        images: true,
        max_mode: false,
        non_max_mode: true,
        context_tokens: None,
        context_tokens_max_mode: None,
    }
}

/// The list does not name makers; the ids do.
fn maker(id: &str) -> &'static str {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| id.starts_with(prefix));
    if starts(&["claude"]) {
        "anthropic"
    } else if starts(&["gpt", "o1", "o3", "o4", "codex"]) {
        "openai"
    } else if starts(&["gemini"]) {
        "google"
    } else if starts(&["grok"]) {
        "xai"
    } else if starts(&["deepseek"]) {
        "deepseek"
    } else if starts(&["kimi"]) {
        "moonshot"
    } else {
        "cursor"
    }
}

/// What the catalogue shows before the first list was fetched: the ids that every release of the
/// last year offered (models.md, "Id forms seen").
#[must_use]
pub fn built_in_models() -> Vec<Model> {
    [
        "default",
        "composer-1",
        "claude-4.5-sonnet",
        "claude-4.5-sonnet-thinking",
        "gpt-5",
        "gpt-5.2-codex",
        "gemini-3-flash",
    ]
    .map(named)
    .to_vec()
}
