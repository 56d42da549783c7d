//! Typed refusals for what the server asks the client to execute.
//!
//! The gateway runs nothing on its own machine: every native exec gets the answer of its own kind
//! with a reason that tells the model to go on without it; an exec of a kind we do not know gets
//! a throw. A turn never hangs on one (agent.md, "What must be answered").

use cursor_proto::agent::oneof::exec_client_control_message::Message as Control;
use cursor_proto::agent::oneof::exec_client_message::Message as Answer;
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

use crate::offer::Offer;

/// Names that a refusal lists.
const MOST_NAMES: usize = 128;

/// What the model reads when it reaches for a native tool.
pub(super) fn reason(offer: &Offer) -> String {
    const REASON: &str =
        "This client has no workspace: files, shell and network are not available.";
    if offer.is_empty() {
        return format!("{REASON} Answer the user in text.");
    }
    format!("{REASON} Use one of the client's own tools instead: {}.", offer.listed(""))
}

/// The answers to one exec request of a native kind or an unknown one. The request context and MCP
/// tools are not refused here, so they count as unknown.
pub(super) fn refuse(exec: &ExecServerMessageView<'_>, reason: &str) -> Vec<AgentClientMessage> {
    let reason = reason.to_owned();
    let text = |text: &str| text.to_owned();
    let answer = |message| {
        vec![
            exec_result(exec, message),
            control(ExecClientStreamClose { id: exec.id, ..Default::default() }.into()),
        ]
    };
    match &exec.message {
        Some(Exec::ShellArgs(args)) => {
            let rejected = shell_rejected(args.command, args.working_directory, reason);
            answer(ShellResult { result: rejected.into(), ..Default::default() }.into())
        }
        // Streamed: a plain result would be ignored.
        Some(Exec::ShellStreamArgs(args)) => {
            let rejected = shell_rejected(args.command, args.working_directory, reason);
            answer(ShellStream { event: rejected.into(), ..Default::default() }.into())
        }
        Some(Exec::BackgroundShellSpawnArgs(args)) => {
            let result = shell_rejected(args.command, args.working_directory, reason).into();
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
        Some(Exec::RequestContextArgs(_) | Exec::McpArgs(_)) | None => vec![
            control(
                ExecClientThrow {
                    id: exec.id,
                    error: "This client does not know such a request.".to_owned(),
                    ..Default::default()
                }
                .into(),
            ),
            control(ExecClientStreamClose { id: exec.id, ..Default::default() }.into()),
        ],
    }
}

/// The answers to a call of a tool that nobody declared.
pub(super) fn not_found(
    exec: &ExecServerMessageView<'_>,
    name: &str,
    offer: &Offer,
) -> Vec<AgentClientMessage> {
    let missing = McpToolNotFound {
        name: name.to_owned(),
        available_tools: offer.tools().map(|(name, _)| name).take(MOST_NAMES).collect(),
        ..Default::default()
    };
    vec![
        exec_result(exec, McpResult { result: missing.into(), ..Default::default() }.into()),
        control(ExecClientStreamClose { id: exec.id, ..Default::default() }.into()),
    ]
}

fn shell_rejected(command: &str, working_directory: &str, reason: String) -> ShellRejected {
    ShellRejected {
        command: command.to_owned(),
        working_directory: working_directory.to_owned(),
        reason,
        ..Default::default()
    }
}

/// One result, with both ids of its request.
pub(super) fn exec_result(
    exec: &ExecServerMessageView<'_>,
    message: Option<Answer>,
) -> AgentClientMessage {
    exec_result_under(exec.id, exec.exec_id, message)
}

/// The same when the request is gone.
pub(super) fn exec_result_under(
    id: u32,
    exec_id: &str,
    message: Option<Answer>,
) -> AgentClientMessage {
    AgentClientMessage {
        message: ExecClientMessage {
            id,
            exec_id: exec_id.to_owned(),
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

/// Answers an approval or question. Nobody is there to be asked, so only what the turn itself
/// allows is approved: searching the web.
pub(super) fn decide(query: &InteractionQueryView<'_>, web_search: bool) -> AgentClientMessage {
    let reason = "No user is present to approve or answer.".to_owned();
    let result = match &query.query {
        Some(Query::WebSearchRequestQuery(_)) => {
            let result = if web_search {
                web_search_request_response::Approved::default().into()
            } else {
                web_search_request_response::Rejected { reason, ..Default::default() }.into()
            };
            WebSearchRequestResponse { result, ..Default::default() }.into()
        }
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
