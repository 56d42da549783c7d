//! What the client said to a built-in tool or to a question, as text.

use cursor_proto::agent::oneof::{
    ask_question_result, background_shell_spawn_result, delete_result, diagnostics_result,
    exec_client_message as exec, fetch_result, grep_result, interaction_response as response,
    ls_result, read_result, read_success, shell_result, shell_stream, web_fetch_request_response,
    web_search_request_response, write_result,
};
use cursor_proto::agent::{InteractionResponse, ReadResult, ShellStream};

use crate::script::{Native, Query};

/// An arm that these schemas do not know, or none.
const UNKNOWN: &str = "(no result)";

/// The text of an answer to a built-in tool; `None` when it answers something else. A
/// `shell_stream` has several answers: see [`shell_event`].
pub(crate) fn text(native: Native, answer: &exec::Message) -> Option<String> {
    use exec::Message as M;
    let text = match (native, answer) {
        (Native::Read, M::ReadResult(result)) => read(result),
        (Native::Write, M::WriteResult(result)) => match &result.result {
            Some(write_result::Result::Success(success)) => format!("wrote {}", success.path),
            Some(write_result::Result::Rejected(rejected)) => rejected.reason.clone(),
            None => UNKNOWN.to_owned(),
        },
        (Native::Shell, M::ShellResult(result)) => match &result.result {
            Some(shell_result::Result::Success(success)) => format!("ran {}", success.command),
            Some(shell_result::Result::Rejected(rejected)) => rejected.reason.clone(),
            None => UNKNOWN.to_owned(),
        },
        (Native::Delete, M::DeleteResult(result)) => match &result.result {
            Some(delete_result::Result::Rejected(rejected)) => rejected.reason.clone(),
            None => UNKNOWN.to_owned(),
        },
        (Native::Grep, M::GrepResult(result)) => match &result.result {
            Some(grep_result::Result::Error(error)) => error.error.clone(),
            None => UNKNOWN.to_owned(),
        },
        (Native::Ls, M::LsResult(result)) => match &result.result {
            Some(ls_result::Result::Rejected(rejected)) => rejected.reason.clone(),
            None => UNKNOWN.to_owned(),
        },
        (Native::Diagnostics, M::DiagnosticsResult(result)) => match &result.result {
            Some(diagnostics_result::Result::Rejected(rejected)) => rejected.reason.clone(),
            None => UNKNOWN.to_owned(),
        },
        (Native::Fetch, M::FetchResult(result)) => match &result.result {
            Some(fetch_result::Result::Error(error)) => error.error.clone(),
            None => UNKNOWN.to_owned(),
        },
        (Native::BackgroundShell, M::BackgroundShellSpawnResult(result)) => match &result.result {
            Some(background_shell_spawn_result::Result::Rejected(rejected)) => {
                rejected.reason.clone()
            }
            None => UNKNOWN.to_owned(),
        },
        _ => return None,
    };
    Some(text)
}

fn read(result: &ReadResult) -> String {
    match &result.result {
        Some(read_result::Result::Success(success)) => match &success.output {
            Some(read_success::Output::Content(content)) => content.clone(),
            None => UNKNOWN.to_owned(),
        },
        Some(read_result::Result::Rejected(rejected)) => rejected.reason.clone(),
        Some(read_result::Result::FileNotFound(missing)) => {
            format!("file not found: {}", missing.path)
        }
        None => UNKNOWN.to_owned(),
    }
}

/// Takes in one event of a `shell_stream`; gives the whole text after the last one.
pub(crate) fn shell_event(output: &mut String, event: &ShellStream) -> Option<String> {
    match &event.event {
        Some(shell_stream::Event::Start(_)) | None => None,
        Some(shell_stream::Event::Stdout(data)) => {
            output.push_str(&data.data);
            None
        }
        Some(shell_stream::Event::Stderr(data)) => {
            output.push_str(&data.data);
            None
        }
        Some(shell_stream::Event::Exit(exit)) => Some(format!("{output}exit {}", exit.code)),
        Some(shell_stream::Event::Rejected(rejected)) => Some(rejected.reason.clone()),
    }
}

/// `approved` or `rejected`; `None` when it answers another question.
pub(crate) fn decision(query: Query, answer: &InteractionResponse) -> Option<String> {
    use response::Result as R;
    let approved = match (query, answer.result.as_ref()?) {
        (Query::WebSearch, R::WebSearchRequestResponse(response)) => {
            matches!(response.result, Some(web_search_request_response::Result::Approved(_)))
        }
        (Query::WebFetch, R::WebFetchRequestResponse(response)) => {
            matches!(response.result, Some(web_fetch_request_response::Result::Approved(_)))
        }
        (Query::Question, R::AskQuestionInteractionResponse(response)) => {
            matches!(response.result.result, Some(ask_question_result::Result::Success(_)))
        }
        _ => return None,
    };
    Some(if approved { "approved" } else { "rejected" }.to_owned())
}
