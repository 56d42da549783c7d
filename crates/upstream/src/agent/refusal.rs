//! Typed refusals for what the server asks the client to execute.
//!
//! The gateway runs nothing on its own machine: every native exec gets the answer of its own kind
//! with a reason that tells the model to go on without it; an exec of a kind we do not know gets
//! a throw. A turn never hangs on one (agent.md, "What must be answered").

use cursor_proto::agent::oneof::exec_client_control_message::Message as Control;
use cursor_proto::agent::view::oneof::exec_server_message::Message as Exec;
use cursor_proto::agent::view::oneof::interaction_query::Query;
use cursor_proto::agent::view::{ExecServerMessageView, InteractionQueryView};
use cursor_proto::agent::{
    AgentClientMessage, AskQuestionInteractionResponse, AskQuestionRejected, AskQuestionResult,
    BackgroundShellSpawnResult, CreatePlanError, CreatePlanRequestResponse, CreatePlanResult,
    DeleteRejected, DeleteResult, DiagnosticsRejected, DiagnosticsResult, ExecClientControlMessage,
    ExecClientMessage, ExecClientStreamClose, ExecClientThrow, FetchError, FetchResult, GrepError,
    GrepResult, InteractionResponse, LsRejected, LsResult, McpResult, McpToolNotFound,
    ReadRejected, ReadResult, ShellRejected, ShellResult, ShellStream, SwitchModeRequestResponse,
    WebFetchRequestResponse, WebSearchRequestResponse, WriteRejected, WriteResult,
    switch_mode_request_response, web_fetch_request_response, web_search_request_response,
};

/// What the model reads.
const REASON: &str = "This client has no workspace: files, shell and network are not available. \
                      Answer the user in text.";

/// The answers to one exec request. `None` when it is not a native tool: the request context.
pub(super) fn refuse(exec: &ExecServerMessageView<'_>) -> Option<Vec<AgentClientMessage>> {
    let reason = REASON.to_owned();
    let text = |text: &str| text.to_owned();
    let answer = |message| {
        Some(vec![
            exec_result(exec, message),
            control(ExecClientStreamClose { id: exec.id, ..Default::default() }.into()),
        ])
    };
    match &exec.message {
        Some(Exec::RequestContextArgs(_)) => None,
        Some(Exec::ShellArgs(args)) => {
            let rejected = shell_rejected(args.command, args.working_directory);
            answer(ShellResult { result: rejected.into(), ..Default::default() }.into())
        }
        // Streamed: a plain result would be ignored.
        Some(Exec::ShellStreamArgs(args)) => {
            let rejected = shell_rejected(args.command, args.working_directory);
            answer(ShellStream { event: rejected.into(), ..Default::default() }.into())
        }
        Some(Exec::BackgroundShellSpawnArgs(args)) => {
            let result = shell_rejected(args.command, args.working_directory).into();
            answer(BackgroundShellSpawnResult { result, ..Default::default() }.into())
        }
        Some(Exec::WriteArgs(args)) => {
            let rejected = WriteRejected { path: text(args.path), reason, ..Default::default() };
            answer(WriteResult { result: rejected.into(), ..Default::default() }.into())
        }
        Some(Exec::DeleteArgs(args)) => {
            let rejected = DeleteRejected { path: text(args.path), reason, ..Default::default() };
            answer(DeleteResult { result: rejected.into(), ..Default::default() }.into())
        }
        Some(Exec::ReadArgs(args)) => {
            let rejected = ReadRejected { path: text(args.path), reason, ..Default::default() };
            answer(ReadResult { result: rejected.into(), ..Default::default() }.into())
        }
        Some(Exec::LsArgs(args)) => {
            let rejected = LsRejected { path: text(args.path), reason, ..Default::default() };
            answer(LsResult { result: rejected.into(), ..Default::default() }.into())
        }
        Some(Exec::DiagnosticsArgs(args)) => {
            let rejected =
                DiagnosticsRejected { path: text(args.path), reason, ..Default::default() };
            answer(DiagnosticsResult { result: rejected.into(), ..Default::default() }.into())
        }
        Some(Exec::GrepArgs(_)) => {
            let error = GrepError { error: reason, ..Default::default() };
            answer(GrepResult { result: error.into(), ..Default::default() }.into())
        }
        Some(Exec::FetchArgs(args)) => {
            let error = FetchError { url: text(args.url), error: reason, ..Default::default() };
            answer(FetchResult { result: error.into(), ..Default::default() }.into())
        }
        Some(Exec::McpArgs(args)) => {
            let missing = McpToolNotFound { name: text(args.name), ..Default::default() };
            answer(McpResult { result: missing.into(), ..Default::default() }.into())
        }
        None => Some(vec![
            control(
                ExecClientThrow {
                    id: exec.id,
                    error: "This client does not know such a request.".to_owned(),
                    ..Default::default()
                }
                .into(),
            ),
            control(ExecClientStreamClose { id: exec.id, ..Default::default() }.into()),
        ]),
    }
}

fn shell_rejected(command: &str, working_directory: &str) -> ShellRejected {
    ShellRejected {
        command: command.to_owned(),
        working_directory: working_directory.to_owned(),
        reason: REASON.to_owned(),
        ..Default::default()
    }
}

/// One result, with both ids of its request.
pub(super) fn exec_result(
    exec: &ExecServerMessageView<'_>,
    message: Option<cursor_proto::agent::oneof::exec_client_message::Message>,
) -> AgentClientMessage {
    AgentClientMessage {
        message: ExecClientMessage {
            id: exec.id,
            exec_id: exec.exec_id.to_owned(),
            message,
            ..Default::default()
        }
        .into(),
        ..Default::default()
    }
}

/// Says that an exec is finished or failed.
pub(super) fn control(message: Option<Control>) -> AgentClientMessage {
    AgentClientMessage {
        message: ExecClientControlMessage { message, ..Default::default() }.into(),
        ..Default::default()
    }
}

/// Declines an approval or question; nobody is there to be asked.
pub(super) fn decline(query: &InteractionQueryView<'_>) -> AgentClientMessage {
    let reason = "No user is present to approve or answer.".to_owned();
    let result = match &query.query {
        Some(Query::WebSearchRequestQuery(_)) => WebSearchRequestResponse {
            result: web_search_request_response::Rejected { reason, ..Default::default() }.into(),
            ..Default::default()
        }
        .into(),
        Some(Query::WebFetchRequestQuery(_)) => WebFetchRequestResponse {
            result: web_fetch_request_response::Rejected { reason, ..Default::default() }.into(),
            ..Default::default()
        }
        .into(),
        Some(Query::SwitchModeRequestQuery(_)) => SwitchModeRequestResponse {
            result: switch_mode_request_response::Rejected { reason, ..Default::default() }.into(),
            ..Default::default()
        }
        .into(),
        Some(Query::AskQuestionInteractionQuery(_)) => AskQuestionInteractionResponse {
            result: AskQuestionResult {
                result: AskQuestionRejected { reason, ..Default::default() }.into(),
                ..Default::default()
            }
            .into(),
            ..Default::default()
        }
        .into(),
        Some(Query::CreatePlanRequestQuery(_)) => CreatePlanRequestResponse {
            result: CreatePlanResult {
                result: CreatePlanError { error: reason, ..Default::default() }.into(),
                ..Default::default()
            }
            .into(),
            ..Default::default()
        }
        .into(),
        // A kind we do not know: the bare id at least ends the server's wait.
        None => None,
    };
    AgentClientMessage {
        message: InteractionResponse { id: query.id, result, ..Default::default() }.into(),
        ..Default::default()
    }
}
