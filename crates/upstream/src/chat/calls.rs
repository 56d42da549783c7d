//! Calls of the client's tools on one chat stream: streamed, complete, answered once.
//!
//! While a call streams it is repeated with growing arguments, cumulative and at times compact
//! (`reference/upstream-protocol.md` §8.2).

use std::collections::{HashMap, HashSet};

use conversation::{Failure, ToolResult};
use cursor_proto::aiserver::view::ClientSideToolV2CallView;
use cursor_proto::aiserver::view::oneof::client_side_tool_v2call::Params;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Result, MCPResult, StreamUnifiedChatRequestWithTools,
    ToolResultError,
};

use super::{SERVER, result};
use crate::arguments;
use crate::offer::Offer;
use crate::session::{Actions, Answer, ClientMessage, NO_RESULT, inconsistent, overfull};

/// Calls of one stream, refused ones among them.
const MOST_CALLS: usize = 4096;

/// The calls of a stream.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Makes ids of our own unlike those of the conversation's other streams.
    mark: String,
    /// Calls that came without an id.
    unnamed: usize,
    /// Calls that stream, by the server's id.
    streaming: HashMap<String, Streaming>,
    /// Complete calls that wait for a result.
    asked: HashMap<String, Asked>,
    /// Calls that are done with: streaming calls are repeated, parallel ones in turns.
    settled: HashSet<String>,
}

#[derive(Debug)]
struct Streaming {
    /// The argument text told so far.
    told: String,
    asked: Asked,
}

/// What goes back with a result.
#[derive(Debug, Clone)]
struct Asked {
    /// The server's id, empty if it gave none.
    id: String,
    tool: String,
    index: Option<u32>,
    model_call_id: Option<String>,
}

/// Whether the call's frame is the last of it.
fn is_complete(call: &ClientSideToolV2CallView<'_>) -> bool {
    !call.is_streaming || call.is_last_message
}

/// The bare name and the arguments of an MCP call.
fn bare<'a>(call: &'a ClientSideToolV2CallView<'_>) -> (&'a str, &'a str) {
    let tool = match &call.params {
        Some(Params::McpParams(params)) => params.tools.iter().next(),
        Some(Params::ReadFileParams(_) | Params::RunTerminalCommandV2Params(_)) | None => None,
    };
    let prefixed = || {
        let name = call.name.strip_prefix("mcp_").and_then(|name| name.strip_prefix(SERVER));
        name.and_then(|name| name.strip_prefix('_')).unwrap_or(call.name)
    };
    let name = tool.map(|tool| tool.name).filter(|name| !name.is_empty());
    let arguments = match tool {
        Some(tool) if call.raw_args.is_empty() => tool.parameters,
        Some(_) | None => call.raw_args,
    };
    (name.unwrap_or_else(prefixed), arguments)
}

impl Calls {
    pub(super) fn new(mark: String) -> Self {
        Self { mark, ..Self::default() }
    }

    /// The id of a call; one without gets an id of its own, once it is complete: nothing says
    /// which call an earlier piece belongs to.
    fn key_of(&mut self, call: &ClientSideToolV2CallView<'_>) -> Option<String> {
        if !call.tool_call_id.is_empty() {
            return Some(call.tool_call_id.to_owned());
        }
        if !is_complete(call) {
            return None;
        }
        self.unnamed += 1;
        Some(format!("call_{}_{}", self.mark, self.unnamed))
    }

    /// Takes one frame of a call.
    ///
    /// # Errors
    /// The call contradicts what was told of it.
    pub(super) fn take(
        &mut self,
        call: &ClientSideToolV2CallView<'_>,
        offer: &Offer,
        answer: &mut Answer,
        actions: &mut Actions,
    ) -> Result<(), Failure> {
        let Some(key) = &self.key_of(call) else {
            answer.touch();
            return Ok(());
        };
        if self.settled.contains(key) || self.asked.contains_key(key) {
            return Ok(());
        }
        if self.settled.len() + self.asked.len() + self.streaming.len() > MOST_CALLS {
            return Err(overfull());
        }
        let (tool, arguments) = bare(call);
        let mcp = call.tool == ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP;
        let Some(name) = offer.client_name(tool).filter(|_| mcp) else {
            self.refuse(key, call, &reason(offer, mcp), actions);
            return Ok(());
        };
        answer.touch();
        let streaming = self.streaming.entry(key.clone()).or_insert_with(|| Streaming {
            told: String::new(),
            asked: Asked {
                id: call.tool_call_id.to_owned(),
                tool: tool.to_owned(),
                index: call.tool_index,
                model_call_id: call.model_call_id.map(str::to_owned),
            },
        });
        if is_complete(call) {
            let whole = if arguments.trim().is_empty() { "{}" } else { arguments };
            let rest = arguments::rest(&streaming.told, whole).ok_or_else(inconsistent)?;
            self.asked.insert(key.clone(), streaming.asked.clone());
            self.streaming.remove(key);
            answer.open_call(key, name, actions);
            answer.call_text(key, &rest, actions);
            answer.close_call(key, actions);
        } else if let Some(piece) = arguments.strip_prefix(streaming.told.as_str())
            && !piece.is_empty()
            && arguments::is_spaced(arguments)
        {
            streaming.told.push_str(piece);
            answer.open_call(key, name, actions);
            answer.call_text(key, piece, actions);
        }
        Ok(())
    }

    /// Refuses a call once, when it is complete.
    fn refuse(
        &mut self,
        key: &str,
        call: &ClientSideToolV2CallView<'_>,
        reason: &str,
        actions: &mut Actions,
    ) {
        if !is_complete(call) {
            return;
        }
        self.settled.insert(key.to_owned());
        tracing::debug!(tool = call.name, "tool call refused");
        let refused = ClientSideToolV2Result {
            tool: call.tool,
            tool_call_id: call.tool_call_id.to_owned(),
            model_call_id: call.model_call_id.map(str::to_owned),
            tool_index: call.tool_index,
            error: error(reason).into(),
            ..Default::default()
        };
        send(refused, actions);
    }

    /// Whether calls were begun that are not complete.
    pub(super) fn are_outstanding(&self) -> bool {
        !self.streaming.is_empty()
    }

    /// Stops waiting for last frames: calls whose arguments are whole are complete, calls of which
    /// nothing was told are left until they go on.
    pub(super) fn stop_waiting(&mut self, answer: &mut Answer, actions: &mut Actions) {
        self.streaming.retain(|_, call| !call.told.is_empty());
        let is_whole = |_: &String, call: &mut Streaming| arguments::is_whole(&call.told);
        let whole: Vec<_> = self.streaming.extract_if(is_whole).collect();
        for (key, call) in whole {
            self.asked.insert(key.clone(), call.asked);
            answer.close_call(&key, actions);
        }
    }

    /// Answers a call with what the client gave.
    pub(super) fn resolve(
        &mut self,
        key: &str,
        result: Option<&ToolResult>,
        actions: &mut Actions,
    ) {
        let Some(asked) = self.asked.remove(key) else { return };
        self.settled.insert(key.to_owned());
        let mut answer = ClientSideToolV2Result {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
            tool_call_id: asked.id,
            model_call_id: asked.model_call_id,
            tool_index: asked.index,
            ..Default::default()
        };
        match result {
            Some(result) => {
                answer.result = MCPResult {
                    selected_tool: asked.tool,
                    result: result::json(result, true),
                    ..Default::default()
                }
                .into();
            }
            None => answer.error = error(NO_RESULT).into(),
        }
        send(answer, actions);
    }
}

/// What the model reads when it calls a tool that the client does not have.
fn reason(offer: &Offer, mcp: bool) -> String {
    let what = if mcp {
        "This client has no such tool."
    } else {
        "This client has no such tool: \
               files, shell and network are not available."
    };
    if offer.is_empty() {
        return format!("{what} Answer the user in text.");
    }
    format!("{what} Use one of the client's own tools instead: {}.", offer.listed("mcp_custom_"))
}

fn error(reason: &str) -> ToolResultError {
    ToolResultError {
        client_visible_error_message: reason.to_owned(),
        model_visible_error_message: reason.to_owned(),
        ..Default::default()
    }
}

fn send(result: ClientSideToolV2Result, actions: &mut Actions) {
    let message =
        StreamUnifiedChatRequestWithTools { request: result.into(), ..Default::default() };
    actions.send.push(ClientMessage::Chat(Box::new(message)));
}
