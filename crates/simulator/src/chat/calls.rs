//! Tool calls of the chat flow and the results that came for them.
//!
//! Pure bookkeeping plus the JSON text of the arguments as the server streams it
//! (`reference/upstream-protocol.md` §8.2, §8.3).

use cursor_proto::aiserver::oneof::client_side_tool_v2result::Result as Arm;
use cursor_proto::aiserver::{
    ClientSideToolV2, ClientSideToolV2Call, ClientSideToolV2Result, MCPParams, mcp_params,
};
use serde::Serialize as _;
use serde_json::Value;

use crate::failure::Failure;

/// The calls of the current step; earlier ones are only remembered by id.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    open: Vec<Open>,
    settled: Vec<String>,
}

#[derive(Debug)]
struct Open {
    id: String,
    tool: ClientSideToolV2,
    result: Option<ClientSideToolV2Result>,
}

impl Calls {
    pub(crate) fn ask(&mut self, id: String, tool: ClientSideToolV2) {
        self.open.push(Open { id, tool, result: None });
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn are_answered(&self) -> bool {
        self.open.iter().all(|call| call.result.is_some())
    }

    pub(crate) fn is_answered(&self, id: &str) -> bool {
        self.open.iter().any(|call| call.id == id && call.result.is_some())
    }

    /// The result of one call, which then is no longer part of the step.
    pub(crate) fn take_one(&mut self, id: &str) -> Option<ClientSideToolV2Result> {
        let at = self.open.iter().position(|call| call.id == id)?;
        let call = self.open.remove(at);
        self.settled.push(call.id);
        call.result
    }

    /// The results of the step, in the order of its calls; the next step begins.
    pub(crate) fn take(&mut self) -> Vec<ClientSideToolV2Result> {
        let open = std::mem::take(&mut self.open);
        self.settled.extend(open.iter().map(|call| call.id.clone()));
        open.into_iter().filter_map(|call| call.result).collect()
    }

    /// Takes in a result.
    pub(crate) fn accept(&mut self, result: ClientSideToolV2Result) -> Result<(), Failure> {
        let id = &result.tool_call_id;
        if self.settled.contains(id) {
            return Err(Failure::invalid(format!("Tool call {id} was already answered")));
        }
        let Some(call) = self.open.iter_mut().find(|call| call.id == *id) else {
            return Err(Failure::invalid(format!("Tool call {id} was never requested")));
        };
        if call.result.is_some() {
            return Err(Failure::invalid(format!("Tool call {id} was already answered")));
        }
        if !fits(call.tool, &result) {
            return Err(Failure::invalid(format!(
                "Tool call {id} was answered with another kind of result"
            )));
        }
        call.result = Some(result);
        Ok(())
    }
}

/// Whether the kind is the one asked for, and the arm the one of that kind or an error.
fn fits(tool: ClientSideToolV2, result: &ClientSideToolV2Result) -> bool {
    let arm = match &result.result {
        Some(Arm::McpResult(_)) => tool == ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP,
        Some(Arm::ReadFileResult(_)) => tool == ClientSideToolV2::CLIENT_SIDE_TOOL_V2_READ_FILE,
        Some(Arm::RunTerminalCommandV2Result(_)) => {
            tool == ClientSideToolV2::CLIENT_SIDE_TOOL_V2_RUN_TERMINAL_COMMAND_V2
        }
        None => result.error.is_set(),
    };
    result.tool == tool && arm
}

/// One MCP call with its arguments so far.
pub(crate) fn mcp_call(announced: &Announced, arguments: &str, last: bool) -> ClientSideToolV2Call {
    let tool = mcp_params::Tool {
        name: announced.tool.clone(),
        parameters: arguments.to_owned(),
        server_name: announced.server.clone(),
        ..Default::default()
    };
    ClientSideToolV2Call {
        tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
        tool_call_id: announced.id.clone(),
        timeout_ms: Some(300_000.0),
        name: announced.name.clone(),
        raw_args: arguments.to_owned(),
        is_streaming: true,
        is_last_message: last,
        tool_index: Some(announced.index),
        model_call_id: Some(announced.model_call_id.clone()),
        params: MCPParams { tools: vec![tool], ..Default::default() }.into(),
        ..Default::default()
    }
}

/// What stays the same in all frames of a call.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) id: String,
    /// `mcp_<server>_<tool>`.
    pub(crate) name: String,
    pub(crate) tool: String,
    pub(crate) server: String,
    pub(crate) index: u32,
    pub(crate) model_call_id: String,
}

/// JSON with a blank after each separator, as the server streams it.
pub(crate) fn spaced(value: &Value) -> String {
    let mut out = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Spaced);
    // Writing to memory does not fail.
    let _ = value.serialize(&mut serializer);
    String::from_utf8(out).unwrap_or_default()
}

/// The growing texts of streamed arguments, the whole one last. None ends with a separator: its
/// blank would be missing.
pub(crate) fn growing(arguments: &str) -> Vec<&str> {
    let cuts = [arguments.len() / 3, arguments.len() * 2 / 3];
    let mut texts: Vec<&str> = Vec::new();
    for cut in cuts {
        let mut end = arguments.floor_char_boundary(cut);
        if arguments[..end].ends_with([':', ',']) {
            end += 1;
        }
        if end > texts.last().map_or(1, |text| text.len()) && end < arguments.len() {
            texts.push(&arguments[..end]);
        }
    }
    texts.push(arguments);
    texts
}

struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        if first { Ok(()) } else { w.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, w: &mut W) -> std::io::Result<()> {
        w.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use cursor_proto::aiserver::{MCPResult, ReadFileResult, ToolResultError};
    use serde_json::json;

    use super::*;

    fn mcp(id: &str) -> ClientSideToolV2Result {
        ClientSideToolV2Result {
            tool: ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP.into(),
            tool_call_id: id.into(),
            result: MCPResult { result: "r".into(), ..Default::default() }.into(),
            ..Default::default()
        }
    }

    fn asked() -> Calls {
        let mut calls = Calls::default();
        for id in ["a\nb", "c"] {
            calls.ask(id.into(), ClientSideToolV2::CLIENT_SIDE_TOOL_V2_MCP);
        }
        calls
    }

    #[test]
    fn results_in_any_order_come_out_in_the_order_of_the_calls() {
        let mut calls = asked();
        calls.accept(mcp("c")).expect("fits");
        assert!(!calls.are_answered());
        let error =
            ToolResultError { model_visible_error_message: "no".into(), ..Default::default() };
        calls
            .accept(ClientSideToolV2Result { error: error.into(), result: None, ..mcp("a\nb") })
            .expect("fits");
        assert!(calls.are_answered());
        let ids: Vec<_> = calls.take().into_iter().map(|result| result.tool_call_id).collect();
        assert_eq!(ids, ["a\nb", "c"]);
        assert!(calls.accept(mcp("c")).is_err(), "answered in an earlier step");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let mut calls = asked();
        assert!(calls.accept(mcp("x")).is_err());
        let other = ClientSideToolV2Result { result: ReadFileResult::default().into(), ..mcp("c") };
        assert!(calls.accept(other).is_err());
        assert!(calls.accept(ClientSideToolV2Result { result: None, ..mcp("c") }).is_err());
        calls.accept(mcp("c")).expect("fits");
        assert!(calls.accept(mcp("c")).is_err());
    }

    #[test]
    fn arguments_have_a_blank_after_each_separator() {
        let text = spaced(&json!({"a": [1, 2, {}], "b": "x,y:z"}));
        assert_eq!(text, r#"{"a": [1, 2, {}], "b": "x,y:z"}"#);
    }

    #[test]
    fn streamed_arguments_grow() {
        for arguments in ["{}", r#"{"city": "Oslo"}"#, r#"{"é": "ééééééé", "b": 1}"#, r#"{"a":"#]
        {
            let texts = growing(arguments);
            assert_eq!(texts.last(), Some(&arguments));
            assert!(texts.windows(2).all(|pair| pair[0].len() < pair[1].len()));
            assert!(texts[..texts.len() - 1].iter().all(|text| !text.ends_with([':', ','])));
        }
        assert!(growing(r#"{"city": "Oslo"}"#).len() > 1);
    }
}
