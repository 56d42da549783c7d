//! What agent.v1 asks of a client, and what happens when it does not do it.

use cursor_proto::agent::oneof::exec_server_message as exec;
use cursor_proto::agent::{
    CancelAction, ConversationAction, ExecClientMessage, InteractionResponse, ReadRejected,
    ReadResult, WebSearchRequestResponse, web_search_request_response,
};
use serde_json::json;
use simulator::{CallOutcome, Config};

use super::agent_client::{Agent, Seen, mcp_text, request, tool};
use super::client::{Connection, Server};

fn detail(seen: &Seen) -> String {
    seen.end.as_ref().map(ToString::to_string).unwrap_or_default()
}

async fn refused(
    connection: &mut Connection,
    change: impl FnOnce(&mut cursor_proto::agent::AgentRunRequest),
) -> Seen {
    let agent = Agent::open(connection).await;
    let mut run = request("hello");
    change(&mut run);
    agent.send(run).await;
    agent.finish().await
}

#[tokio::test]
async fn the_first_message_is_checked() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = refused(&mut connection, |run| run.conversation_state = None.into()).await;
    assert!(detail(&seen).contains("Conversation state is required"));
    let seen =
        refused(&mut connection, |run| run.action = ConversationAction::default().into()).await;
    assert_eq!(seen.code(), "invalid_argument");
    let seen = refused(&mut connection, |run| run.custom_system_prompt = Some("x".into())).await;
    assert!(detail(&seen).contains("unknown option '--system-prompt'"));
    let model = |run: &mut cursor_proto::agent::AgentRunRequest| {
        run.requested_model.get_or_insert_default().model_id = "no-such-model-xyz".into();
    };
    let seen = refused(&mut connection, model).await;
    assert!(detail(&seen).contains("ERROR_BAD_MODEL_NAME"));
    let agent = Agent::open(&mut connection).await;
    agent.heartbeat().await;
    assert_eq!(agent.finish().await.code(), "invalid_argument");
    assert!(server.control.calls().iter().all(|call| call.outcome == CallOutcome::Failed));
}

#[tokio::test]
async fn a_missing_blob_ends_the_run() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = refused(&mut connection, |run| {
        run.conversation_state.get_or_insert_default().turns = vec![vec![7; 32]];
    })
    .await;
    assert!(detail(&seen).contains("Conversation data missing"));
    assert!(detail(&seen).contains("Blob not found"));
}

#[tokio::test]
async fn a_refused_request_context_ends_the_run() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.context = None;
    agent.send(request("hello")).await;
    let seen = agent.finish().await;
    assert_eq!(seen.code(), "internal");
    assert!(detail(&seen).contains("Failed to get request context"));
}

#[tokio::test]
async fn a_second_run_request_and_a_stray_answer_are_refused() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: say x]] [[sim: wait 20s]]")).await;
    agent.until(|seen| !seen.text.is_empty()).await;
    agent.send(request("again")).await;
    assert_eq!(agent.finish().await.code(), "invalid_argument");
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: say x]] [[sim: wait 20s]]")).await;
    agent.until(|seen| !seen.text.is_empty()).await;
    agent
        .send(ExecClientMessage { id: 99, message: mcp_text("x").into(), ..Default::default() })
        .await;
    assert!(detail(&agent.finish().await).contains("never requested"));
}

#[tokio::test]
async fn a_native_request_is_answered_with_its_refusal() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: native read]]")).await;
    agent.until(|seen| !seen.natives.is_empty()).await;
    assert!(matches!(agent.seen.natives[0], exec::Message::ReadArgs(_)));
    let rejected = ReadRejected { reason: "use the tools".into(), ..Default::default() };
    let result = ReadResult { result: rejected.into(), ..Default::default() };
    agent
        .send(ExecClientMessage {
            id: 2,
            exec_id: "e2".into(),
            message: result.into(),
            ..Default::default()
        })
        .await;
    assert_eq!(agent.finish().await.text, "native read: use the tools");
}

#[tokio::test]
async fn what_no_client_knows_is_skipped_and_thrown() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Agent::ask(&mut connection, "[[sim: unknown]] [[sim: say ok]]").await;
    assert_eq!((seen.text.as_str(), seen.end), ("ok", Some(json!({}))));
    for kind in ["unknown_update", "unknown", "query", "unknown_exec"] {
        assert!(seen.order.contains(&kind.to_owned()), "{kind}");
    }
}

#[tokio::test]
async fn a_question_waits_for_its_answer() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: query web_search]]")).await;
    agent.until(|seen| seen.order.contains(&"query".to_owned())).await;
    let approved = web_search_request_response::Approved::default();
    let response = WebSearchRequestResponse { result: approved.into(), ..Default::default() };
    agent.send(InteractionResponse { id: 1, result: response.into(), ..Default::default() }).await;
    assert_eq!(agent.finish().await.text, "query web_search: approved");
}

#[tokio::test]
async fn a_client_that_leaves_a_tool_unanswered() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.context.get_or_insert_default().tools = vec![tool("f")];
    agent.send(request("[[sim: tool f={}]]")).await;
    agent.until(|seen| !seen.calls.is_empty()).await;
    agent.stream.half_close();
    let seen = agent.finish().await;
    assert_eq!(seen.code(), "canceled");
    assert!(detail(&seen).contains("ERROR_USER_ABORTED_REQUEST"));
}

/// Real time is what a socket needs; the clock of the server is moved by hand.
#[tokio::test]
async fn server_heartbeats_and_a_silent_client() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let seen = Agent::ask(&mut connection, "[[sim: heartbeats 1100ms]] [[sim: say x]]").await;
    assert_eq!((seen.heartbeats, seen.text.as_str()), (3, "x"));
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: say x]] [[sim: wait 40s]]")).await;
    agent.until(|seen| !seen.text.is_empty()).await;
    tokio::time::pause();
    let seen = agent.finish().await;
    assert_eq!(seen.code(), "deadline_exceeded");
    assert!(detail(&seen).contains("heartbeat"));
    assert!(seen.heartbeats >= 4);
}

#[tokio::test]
async fn heartbeats_need_not_be_required() {
    let config = Config { require_heartbeat: false, ..Config::default() };
    let server = Server::start(config).await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: say x]] [[sim: wait 40s]]")).await;
    agent.until(|seen| !seen.text.is_empty()).await;
    tokio::time::pause();
    assert_eq!(agent.finish().await.end, Some(json!({})));
}

#[tokio::test]
async fn a_cancelled_run_ends_and_counts_as_cancelled() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.send(request("[[sim: say x]] [[sim: wait 20s]]")).await;
    agent.until(|seen| !seen.text.is_empty()).await;
    let cancel = CancelAction { reason: "user".into(), ..Default::default() };
    agent.send(ConversationAction { action: cancel.into(), ..Default::default() }).await;
    assert_eq!(agent.finish().await.code(), "canceled");
    assert_eq!(server.control.calls()[0].outcome, CallOutcome::Cancelled);
}

#[tokio::test]
async fn an_unknown_request_that_is_not_thrown_ends_the_run() {
    let server = Server::plain().await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.throws = false;
    agent.send(request("[[sim: unknown]] [[sim: say x]]")).await;
    agent.until(|seen| seen.order.contains(&"unknown_exec".to_owned())).await;
    tokio::time::pause();
    let seen = agent.finish().await;
    assert_eq!((seen.code(), seen.text.as_str()), ("invalid_argument", ""));
}

#[tokio::test]
async fn reserved_tool_names_can_be_refused() {
    let config = Config { refuse_reserved_tools: true, ..Config::default() };
    let server = Server::start(config).await;
    let mut connection = server.connect().await;
    let mut agent = Agent::open(&mut connection).await;
    agent.context.get_or_insert_default().tools = vec![tool("Task")];
    agent.send(request("hello")).await;
    assert!(detail(&agent.finish().await).contains("ERROR_PROVIDER_ERROR"));
}
