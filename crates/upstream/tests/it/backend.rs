//! The unary calls against the simulated backend, and what their errors mean.

use std::time::Duration;

use conversation::{FailureClass, UsageSource};
use secrecy::{ExposeSecret as _, SecretString};
use simulator::{AccountBehaviour, CallOutcome, Config, tokens};
use upstream::transport::{Received, TransportOptions, Via};
use upstream::{ModelQuery, Opening, Route, UpstreamError, built_in_models, classify};

use crate::peer::{Peer, Rules};
use crate::support::{Simulated, USER, backend, caller, origin, pool, soon, stamp};

async fn models(
    simulated: &Simulated,
    query: &ModelQuery,
) -> Result<Vec<conversation::Model>, UpstreamError> {
    soon("the models", simulated.backend().models(&caller(), stamp(), query)).await
}

#[tokio::test]
async fn the_model_list_tells_what_a_model_can_do() {
    let simulated = Simulated::start(Config::default()).await;
    let models = models(&simulated, &ModelQuery::default()).await.expect("models");
    let find = |id: &str| models.iter().find(|model| model.id.as_str() == id);
    let sonnet = find("claude-4.5-sonnet").expect("listed");
    assert_eq!(sonnet.owned_by, "anthropic");
    assert!(!sonnet.thinking && sonnet.images && sonnet.max_mode);
    assert_eq!(sonnet.context_tokens, Some(200_000));
    assert_eq!(sonnet.context_tokens_max_mode, Some(1_000_000));
    assert!(find("claude-4.5-sonnet-thinking").expect("listed").thinking);
    assert!(!find("grok-code-fast-1").expect("listed").images);
    assert_eq!(find("gpt-5").expect("listed").owned_by, "openai");
    assert!(find("claude-4-sonnet-1m").is_none(), "long context was not asked for");
}

#[tokio::test]
async fn the_query_reaches_the_list() {
    let simulated = Simulated::start(Config::default()).await;
    let query = ModelQuery {
        include_long_context_models: true,
        exclude_max_named_models: false,
        additional_model_names: vec!["cursor-small".into()],
        ..Default::default()
    };
    let models = models(&simulated, &query).await.expect("models");
    for id in ["claude-4-sonnet-1m", "gpt-5.1-codex-max", "cursor-small"] {
        assert!(models.iter().any(|model| model.id.as_str() == id), "{id}");
    }
}

#[tokio::test]
async fn every_built_in_model_exists() {
    let offered = simulator::models();
    for model in built_in_models() {
        assert!(offered.iter().any(|m| m.id == model.id.as_str()), "{}", model.id);
    }
}

#[tokio::test]
async fn calls_say_who_calls_and_the_bearer_is_right() {
    let simulated = Simulated::start(Config::default()).await;
    models(&simulated, &ModelQuery::default()).await.expect("models");
    let call = simulated.control.calls().pop().expect("a call");
    assert_eq!(call.user.as_deref(), Some(USER));
    assert_eq!(call.outcome, CallOutcome::Completed);
    assert_eq!(call.headers["x-cursor-client-version"], "2.6.22");
    assert_eq!(call.headers["x-cursor-checksum"].len(), 137);
    assert_eq!(call.headers["x-ghost-mode"], "true");
}

#[tokio::test]
async fn failures_of_unary_calls_keep_their_meaning() {
    let simulated = Simulated::start(Config::default()).await;
    let cases = [
        (AccountBehaviour::LoggedOut, FailureClass::AccountRejected),
        (AccountBehaviour::Blocked, FailureClass::Forbidden),
        (AccountBehaviour::HttpStatus(401), FailureClass::AccountRejected),
        (AccountBehaviour::HttpStatus(403), FailureClass::Forbidden),
        (AccountBehaviour::HttpStatus(429), FailureClass::Busy),
        (AccountBehaviour::HttpStatus(500), FailureClass::UpstreamFailed),
        (AccountBehaviour::HttpStatus(502), FailureClass::UpstreamFailed),
        (AccountBehaviour::HttpStatus(503), FailureClass::Overloaded),
        (AccountBehaviour::HttpStatus(504), FailureClass::Timeout),
        (AccountBehaviour::Down, FailureClass::UpstreamFailed),
    ];
    for (behaviour, class) in cases {
        simulated.control.set_account(USER, behaviour.clone());
        let error = models(&simulated, &ModelQuery::default()).await.expect_err("an error");
        assert_eq!(classify(&error).class, class, "{behaviour:?}: {error:?}");
    }
    simulated.control.set_account(USER, AccountBehaviour::Healthy);
    assert!(models(&simulated, &ModelQuery::default()).await.is_ok(), "no call spoils the next");
}

#[tokio::test]
async fn tokens_of_a_finished_chat_turn_can_be_looked_up() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let prompt = "[[sim: usage 123 45]] [[sim: say x]]";
    let turn = conversation::Turn::of_text("gpt-5", prompt);
    let options = upstream::chat::ChatOptions::default();
    let route = Route::plain(&turn.model);
    let (opening, mut session) =
        upstream::chat::open(&Opening::plain(&turn, &route), options, &mut uuid::Uuid::new_v4)
            .expect("opens");
    let mut exchange = backend.open(&caller(), stamp(), &opening).await.expect("opened");
    let mut actions = upstream::Actions::default();
    while let Received::Message(message) = soon("a message", exchange.next()).await {
        session.receive(&message, &mut actions).expect("a message");
    }
    let id = session.usage_id().expect("an id").to_owned();
    let usage =
        backend.token_usage(&caller(), stamp(), &id).await.expect("usage").expect("figures");
    assert_eq!((usage.input, usage.output), (123, 45));
    assert_eq!(usage.source, UsageSource::Upstream);
    let error = backend.token_usage(&caller(), stamp(), "unknown").await.expect_err("unknown id");
    assert!(matches!(error, UpstreamError::Answer(_)), "{error:?}");
}

const KEY: &str = "key_0123456789abcdef";

#[tokio::test]
async fn an_api_key_is_exchanged_for_a_token_that_works() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let token =
        backend.exchange_api_key(&SecretString::from(KEY), &Via::Direct).await.expect("token");
    let mut caller = caller();
    caller.bearer = token.clone();
    let models = backend.models(&caller, stamp(), &ModelQuery::default()).await;
    assert!(models.is_ok());
    let owner = tokens::user_of_api_key(KEY).expect("a key");
    assert_eq!(simulated.control.calls().pop().expect("a call").user, Some(owner));
    assert!(!format!("{token:?}").contains(token.expose_secret()));
}

#[tokio::test]
async fn an_api_key_that_is_refused_says_so() {
    let simulated = Simulated::start(Config::default()).await;
    let backend = simulated.backend();
    let key = SecretString::from("key_wrong");
    let error = backend.exchange_api_key(&key, &Via::Direct).await.expect_err("refused");
    assert_eq!(classify(&error).class, FailureClass::AccountRejected);
    let owner = tokens::user_of_api_key(KEY).expect("a key");
    let key = SecretString::from(KEY);
    for (behaviour, class) in [
        (AccountBehaviour::LoggedOut, FailureClass::AccountRejected),
        (AccountBehaviour::Blocked, FailureClass::Forbidden),
        (AccountBehaviour::HttpStatus(503), FailureClass::Overloaded),
    ] {
        simulated.control.set_account(&owner, behaviour);
        let error = backend.exchange_api_key(&key, &Via::Direct).await.expect_err("refused");
        assert_eq!(classify(&error).class, class);
    }
    let nonsense = SecretString::from("key_\n0123456789");
    let error =
        backend.exchange_api_key(&nonsense, &Via::Direct).await.expect_err("no header value");
    assert!(!error.to_string().contains("0123456789"));
}

#[tokio::test]
async fn unary_calls_give_their_place_on_the_connection_back() {
    let simulated =
        Simulated::start(Config { max_concurrent_streams: 4, ..Config::default() }).await;
    let backend = backend(origin(simulated.address), pool(TransportOptions::default()));
    let query = ModelQuery::default();
    let caller = caller();
    let calls = (0..40).map(|_| backend.models(&caller, stamp(), &query));
    for models in soon("forty calls", futures::future::join_all(calls)).await {
        assert!(models.is_ok(), "{models:?}");
    }
    assert_eq!(backend.pool().stats().active_calls, 0);
    assert!(backend.pool().stats().connections <= 10);
}

#[tokio::test]
async fn a_call_to_nobody_is_a_network_failure() {
    let address = crate::raw::closed().await;
    let backend = backend(origin(address), pool(TransportOptions::default()));
    let query = ModelQuery::default();
    let caller = caller();
    let call = backend.models(&caller, stamp(), &query);
    let error = tokio::time::timeout(Duration::from_secs(5), call).await.expect("at once");
    let failure = classify(&error.expect_err("nobody"));
    assert_eq!(failure.scope, conversation::Scope::Network);
}

/// Defect: a lost connection of a unary call counted as an overloaded upstream, as if the server
/// had said so.
#[tokio::test]
async fn a_unary_answer_that_is_reset_half_way_is_a_lost_connection() {
    let peer = Peer::start(Rules::default(), |mut call| async move {
        let head = http::Response::builder().header("content-type", "application/proto");
        let mut body = call.answer(head);
        body.send_data(bytes::Bytes::from_static(b"half"), false).expect("sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
        body.send_reset(h2::Reason::INTERNAL_ERROR);
    })
    .await;
    let backend = backend(origin(peer.address), pool(TransportOptions::default()));
    let (caller, query) = (caller(), ModelQuery::default());
    let call = backend.models(&caller, stamp(), &query);
    let error = soon("the loss", call).await.expect_err("lost");
    assert!(matches!(error, UpstreamError::Lost(_)), "{error:?}");
}
