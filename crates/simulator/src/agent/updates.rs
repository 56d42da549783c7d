//! Server messages of a run.

use cursor_proto::agent::oneof::{
    exec_server_message as exec, interaction_update, kv_server_message,
};
use cursor_proto::agent::{
    AgentServerMessage, AskQuestionArgs, AskQuestionInteractionQuery, BackgroundShellSpawnArgs,
    DeleteArgs, DiagnosticsArgs, ExecServerMessage, FetchArgs, GrepArgs, InteractionQuery,
    InteractionUpdate, KvServerMessage, LsArgs, McpArgs, McpSuccess, McpToolCall, McpToolResult,
    ReadArgs, ShellArgs, ToolCall, WebFetchArgs, WebFetchRequestQuery, WebSearchArgs,
    WebSearchRequestQuery, WriteArgs, ask_question_args,
};

use super::exchange::exec_id;
use crate::script::{Native, Query};

/// An interaction update.
pub(crate) fn update(
    message: impl Into<Option<interaction_update::Message>>,
) -> AgentServerMessage {
    let update = InteractionUpdate { message: message.into(), ..Default::default() };
    AgentServerMessage { message: update.into(), ..Default::default() }
}

/// An exec request.
pub(crate) fn exec(id: u32, message: impl Into<Option<exec::Message>>) -> AgentServerMessage {
    let request = ExecServerMessage {
        id,
        exec_id: exec_id(id),
        message: message.into(),
        ..Default::default()
    };
    AgentServerMessage { message: request.into(), ..Default::default() }
}

/// A blob request.
pub(crate) fn kv(
    id: u32,
    message: impl Into<Option<kv_server_message::Message>>,
) -> AgentServerMessage {
    let request = KvServerMessage { id, message: message.into(), ..Default::default() };
    AgentServerMessage { message: request.into(), ..Default::default() }
}

/// A tool call as the display updates show it.
pub(crate) fn tool_call(args: McpArgs, result: Option<McpSuccess>) -> ToolCall {
    let result =
        result.map(|success| McpToolResult { result: success.into(), ..Default::default() });
    let call = McpToolCall { args: args.into(), result: result.into(), ..Default::default() };
    ToolCall { tool: call.into(), ..Default::default() }
}

/// The request for a built-in tool (shapes of the vectors `exec_*`).
pub(crate) fn native(native: Native, call_id: &str) -> exec::Message {
    let tool_call_id = call_id.to_owned();
    let path = || "/home/demo/a.txt".to_owned();
    match native {
        Native::Read => ReadArgs { path: path(), tool_call_id, ..Default::default() }.into(),
        Native::Write => {
            WriteArgs { path: path(), file_text: "x\n".into(), tool_call_id, ..Default::default() }
                .into()
        }
        Native::Delete => DeleteArgs { path: path(), tool_call_id, ..Default::default() }.into(),
        Native::Shell => exec::Message::ShellArgs(Box::new(shell(tool_call_id))),
        Native::ShellStream => exec::Message::ShellStreamArgs(Box::new(shell(tool_call_id))),
        Native::Grep => GrepArgs {
            pattern: "foo".into(),
            path: Some("/home/demo".into()),
            output_mode: Some("content".into()),
            tool_call_id,
            ..Default::default()
        }
        .into(),
        Native::Ls => {
            LsArgs { path: "/home/demo".into(), tool_call_id, ..Default::default() }.into()
        }
        Native::Diagnostics => {
            DiagnosticsArgs { path: path(), tool_call_id, ..Default::default() }.into()
        }
        Native::Fetch => {
            FetchArgs { url: "https://example.invalid".into(), tool_call_id, ..Default::default() }
                .into()
        }
        Native::BackgroundShell => BackgroundShellSpawnArgs {
            command: "make".into(),
            working_directory: "/home/demo".into(),
            ..Default::default()
        }
        .into(),
    }
}

fn shell(tool_call_id: String) -> ShellArgs {
    ShellArgs {
        command: "make".into(),
        working_directory: "/home/demo".into(),
        timeout: 30_000,
        tool_call_id,
        ..Default::default()
    }
}

/// A question to the user (shapes of the vectors `query_*`).
pub(crate) fn query(id: u32, query: Query, call_id: &str) -> AgentServerMessage {
    let tool_call_id = call_id.to_owned();
    let query = match query {
        Query::WebSearch => {
            let args =
                WebSearchArgs { search_term: "rust".into(), tool_call_id, ..Default::default() };
            WebSearchRequestQuery { args: args.into(), ..Default::default() }.into()
        }
        Query::WebFetch => {
            let url = "https://example.invalid".into();
            let args = WebFetchArgs { url, tool_call_id, ..Default::default() };
            WebFetchRequestQuery { args: args.into(), ..Default::default() }.into()
        }
        Query::Question => {
            let args = question().into();
            AskQuestionInteractionQuery { args, tool_call_id, ..Default::default() }.into()
        }
    };
    let query = InteractionQuery { id, query, ..Default::default() };
    AgentServerMessage { message: query.into(), ..Default::default() }
}

fn question() -> AskQuestionArgs {
    let option = |id: &str, label: &str| ask_question_args::Option {
        id: id.into(),
        label: label.into(),
        ..Default::default()
    };
    let question = ask_question_args::Question {
        id: "q1".into(),
        prompt: "Which?".into(),
        options: vec![option("a", "A"), option("b", "B")],
        ..Default::default()
    };
    AskQuestionArgs { title: "Choose".into(), questions: vec![question], ..Default::default() }
}
